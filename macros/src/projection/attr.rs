//! The grammar of `#[projection(..)]` and of `#[on_batch(..)]`.

use darling::{Error, FromAttributes, FromMeta, Result};
use proc_macro2::{Literal, Span, TokenStream};
use quote::ToTokens;
use syn::{
    Expr, Ident, Meta, Path, PathSegment, Token, Type,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
};

use super::pattern::split;
use crate::{
    attr::listed,
    value::{Text, TypePath, Version, whole},
};

/// `#[projection(..)]` on the block.
#[derive(Default, FromAttributes)]
#[darling(attributes(projection), default)]
pub(super) struct ProjectionAttr {
    pub(super) name: Option<Text>,
    pub(super) version: Option<Version>,
    pub(super) tables: Option<Rows>,
    #[darling(multiple)]
    pub(super) ignore: Vec<Ignored>,
    #[darling(rename = "crate")]
    pub(super) root: Option<TypePath>,
}

/// `tables(Balance, Statement)`: the types of their rows.
pub(super) struct Rows(pub(super) Vec<Type>);

/// `ignore(AccountEvent::Opened, CustomerEvent::*)`.
pub(super) struct Ignored(pub(super) Vec<IgnoredEvents>);

/// Events of one enum that the projection does nothing about.
pub(super) struct IgnoredEvents {
    /// The enum.
    pub(super) events: Path,
    pub(super) which: Which,
}

/// Which of them.
pub(super) enum Which {
    /// One variant, with the path as it is written.
    Variant(Ident, Path),
    /// Every one that has no handler; where the `*` stands.
    Rest(Span),
}

/// `#[on_batch(max = 500)]` on a method.
#[derive(FromAttributes)]
#[darling(attributes(on_batch))]
pub(super) struct BatchAttr {
    pub(super) max: Option<BatchMax>,
}

/// How many events are handed over at once, at most.
#[derive(Clone, Copy)]
pub(super) struct BatchMax(u64);

impl FromMeta for BatchMax {
    fn from_expr(expr: &Expr) -> Result<Self> {
        let message = "how many events are handed over at once, at most, is a whole number from 2";
        let max = whole(expr).filter(|max| max.get() > 1);
        max.map(|max| Self(max.get())).ok_or_else(|| Error::custom(message).with_span(expr))
    }
}

impl ToTokens for BatchMax {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        Literal::u64_unsuffixed(self.0).to_tokens(tokens);
    }
}

impl FromMeta for Rows {
    fn from_meta(item: &Meta) -> Result<Self> {
        let rows = listed(item, Punctuated::<Type, Token![,]>::parse_terminated, "`tables(Balance, ..)`")?;
        Ok(Self(rows.into_iter().collect()))
    }
}

impl FromMeta for Ignored {
    fn from_meta(item: &Meta) -> Result<Self> {
        let parser = Punctuated::<IgnoredEvents, Token![,]>::parse_terminated;
        Ok(Self(listed(item, parser, "`ignore(AccountEvent::Opened, ..)`")?.into_iter().collect()))
    }
}

impl Parse for IgnoredEvents {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let leading_colon = input.parse()?;
        let mut segments = Punctuated::<PathSegment, Token![::]>::new();
        loop {
            segments.push_value(input.call(Ident::parse_any)?.into());
            let Some(colons) = input.parse::<Option<Token![::]>>()? else { break };
            if let Some(star) = input.parse::<Option<Token![*]>>()? {
                let events = Path { leading_colon, segments };
                return Ok(Self { events, which: Which::Rest(star.span()) });
            }
            segments.push_punct(colons);
        }
        let path = Path { leading_colon, segments };
        let Some((events, variant)) = split(&path) else {
            let name = path.to_token_stream();
            let message = format!(
                "`{name}` names no variant: write `{name}::Variant`, or `{name}::*` for all that have no handler"
            );
            return Err(syn::Error::new(path.span(), message));
        };
        Ok(Self { events, which: Which::Variant(variant, path) })
    }
}
