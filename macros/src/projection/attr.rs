//! The grammar of `#[projection(..)]` and of `#[on_batch(..)]`.

use darling::{Error, FromAttributes, FromMeta, Result};
use proc_macro2::{Literal, TokenStream};
use quote::ToTokens;
use syn::{Expr, Meta, Token, Type, punctuated::Punctuated};

use crate::{
    attr::listed,
    handler::ignored::Ignored,
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
