//! The grammar of `#[on(..)]` in a saga: the pattern, and what the event is to the saga.

use darling::Result;
use proc_macro2::Span;
use syn::{Attribute, Expr, Ident, Pat, Token, ext::IdentExt, parse::ParseStream};

use crate::{attr::listed, handler::pattern::Pattern};

/// `StockEvent::Reserved { order, .. }, key = order, otherwise = ignore`.
pub(super) struct On {
    pub(super) pattern: Pattern,
    pub(super) reception: Reception,
}

/// What is said behind a pattern.
#[derive(Default)]
pub(super) struct Reception {
    pub(super) starts: bool,
    pub(super) continues: bool,
    /// Which instance the event is for; that of its stream's key when nothing is said.
    pub(super) key: Option<Expr>,
    pub(super) otherwise: Option<Otherwise>,
}

/// What becomes of an event that is not expected.
#[derive(Clone, Copy)]
pub(super) enum Otherwise {
    Ignore,
    SetAside,
}

impl On {
    pub(super) fn parse(mark: &Attribute) -> Result<Self> {
        let (written, reception) = listed(&mark.meta, parse, Pattern::WRITTEN)?;
        Ok(Self { pattern: Pattern::of(written)?, reception })
    }
}

fn parse(input: ParseStream<'_>) -> syn::Result<(Pat, Reception)> {
    let written = Pat::parse_multi_with_leading_vert(input)?;
    let mut reception = Reception::default();
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if !input.is_empty() {
            reception.read(input)?;
        }
    }
    Ok((written, reception))
}

impl Reception {
    /// Reads one entry.
    fn read(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let word: Ident = input.call(Ident::parse_any)?;
        let again = match word.to_string().as_str() {
            "starts" => std::mem::replace(&mut self.starts, true),
            "continues" => std::mem::replace(&mut self.continues, true),
            "key" => {
                input.parse::<Token![=]>()?;
                self.key.replace(input.parse()?).is_some()
            }
            "otherwise" => {
                input.parse::<Token![=]>()?;
                self.otherwise.replace(otherwise(input)?).is_some()
            }
            other => {
                let message = format!(
                    "`{other}` means nothing here: behind the pattern stand `starts`, `continues`, `key = ..`, `otherwise = ignore`"
                );
                return Err(syn::Error::new(word.span(), message));
            }
        };
        if again { Err(syn::Error::new(word.span(), format!("`{word}` is said already"))) } else { Ok(()) }
    }
}

fn otherwise(input: ParseStream<'_>) -> syn::Result<Otherwise> {
    let fail = |place: Span| {
        let message = "what is not expected is passed by or set aside: `otherwise = ignore` or `otherwise = set_aside`";
        syn::Error::new(place, message)
    };
    let word: Ident = input.parse().map_err(|error: syn::Error| fail(error.span()))?;
    match word.to_string().as_str() {
        "ignore" => Ok(Otherwise::Ignore),
        "set_aside" => Ok(Otherwise::SetAside),
        _ => Err(fail(word.span())),
    }
}
