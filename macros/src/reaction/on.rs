//! What is said behind the pattern of an event that a reaction answers.

use syn::{Expr, Ident, parse::ParseStream};

use crate::process::on::{Said, read_key};

/// `key = order`.
#[derive(Default)]
pub(super) struct Keyed {
    /// Which events the event is answered in turn with; those of its stream's key when nothing is said.
    pub(super) key: Option<Expr>,
}

impl Said for Keyed {
    const PROCESS: &'static str = "reaction";

    fn read(&mut self, word: &Ident, input: ParseStream<'_>) -> syn::Result<bool> {
        let message = match word.to_string().as_str() {
            "key" => return read_key(&mut self.key, input),
            "starts" | "continues" | "otherwise" => format!(
                "`{word}` means nothing here: a reaction answers each event, and remembers none; what begins and ends is a saga, `#[saga(..)]`"
            ),
            _ => format!("`{word}` means nothing here: behind the pattern stands `key = ..`"),
        };
        Err(syn::Error::new(word.span(), message))
    }

    fn key(&self) -> Option<&Expr> {
        self.key.as_ref()
    }
}
