//! What is said behind the pattern of an event that a saga is given.

use proc_macro2::Span;
use syn::{Expr, Ident, Token, parse::ParseStream};

use crate::process::on::{Said, read_key};

/// `starts, key = order, otherwise = ignore`.
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

impl Said for Reception {
    const PROCESS: &'static str = "saga";

    fn read(&mut self, word: &Ident, input: ParseStream<'_>) -> syn::Result<bool> {
        Ok(match word.to_string().as_str() {
            "starts" => std::mem::replace(&mut self.starts, true),
            "continues" => std::mem::replace(&mut self.continues, true),
            "key" => read_key(&mut self.key, input)?,
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
        })
    }

    fn key(&self) -> Option<&Expr> {
        self.key.as_ref()
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
