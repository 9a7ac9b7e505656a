//! The values that attributes take, each with its own message and its place.

use std::num::{NonZeroU32, NonZeroU64};

use darling::{Error, FromMeta, Result};
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Expr, ExprLit, Lit, Path, spanned::Spanned};

/// A text in quotes.
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl FromMeta for Text {
    fn from_expr(expr: &Expr) -> Result<Self> {
        match literal(expr) {
            Some(Lit::Str(text)) => Ok(Self { text: text.value(), span: text.span() }),
            _ => Err(Error::custom("a text in quotes is expected here").with_span(expr)),
        }
    }
}

/// A version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) NonZeroU32);

impl Version {
    /// What nothing was said of.
    pub(crate) const FIRST: Self = Self(NonZeroU32::MIN);
    /// What no version is newer than.
    pub(crate) const LAST: Self = Self(NonZeroU32::MAX);
}

impl FromMeta for Version {
    fn from_expr(expr: &Expr) -> Result<Self> {
        let number = whole(expr).and_then(|number| NonZeroU32::try_from(number).ok());
        number.map(Self).ok_or_else(|| Error::custom("a version is a whole number from 1").with_span(expr))
    }
}

/// A version and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct PlacedVersion {
    pub(crate) version: Version,
    pub(crate) span: Span,
}

impl FromMeta for PlacedVersion {
    fn from_expr(expr: &Expr) -> Result<Self> {
        Ok(Self { version: Version::from_expr(expr)?, span: expr.span() })
    }
}

impl ToTokens for Version {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        proc_macro2::Literal::u32_unsuffixed(self.0.get()).to_tokens(tokens);
    }
}

/// A number of events.
#[derive(Clone, Copy)]
pub(crate) struct Count(pub(crate) NonZeroU64);

impl FromMeta for Count {
    fn from_expr(expr: &Expr) -> Result<Self> {
        let message = "a number of events is a whole number from 1";
        whole(expr).map(Self).ok_or_else(|| Error::custom(message).with_span(expr))
    }
}

/// The path of a type.
pub(crate) struct TypePath(pub(crate) Path);

impl FromMeta for TypePath {
    fn from_expr(expr: &Expr) -> Result<Self> {
        match ungrouped(expr) {
            Expr::Path(path) => Ok(Self(path.path.clone())),
            _ => Err(Error::custom("the path of a type is expected here").with_span(expr)),
        }
    }
}

/// A whole number from 1.
pub(crate) fn whole(expr: &Expr) -> Option<NonZeroU64> {
    match literal(expr)? {
        Lit::Int(number) => number.base10_parse().ok(),
        _ => None,
    }
}

fn literal(expr: &Expr) -> Option<&Lit> {
    match ungrouped(expr) {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

/// A value that came through a declarative macro stands in an invisible group.
fn ungrouped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => ungrouped(&group.expr),
        other => other,
    }
}
