//! The grammar of `#[on(..)]` in a process: the pattern, and what the event is to the process.

use darling::Result;
use syn::{Attribute, Expr, Ident, Pat, Token, ext::IdentExt, parse::ParseStream};

use crate::{attr::listed, handler::pattern::Pattern};

/// `StockEvent::Reserved { order, .. }, key = order`.
pub(crate) struct On<T> {
    pub(crate) pattern: Pattern,
    pub(crate) said: T,
}

/// What is said behind a pattern. It tells the kinds of processes apart.
pub(crate) trait Said: Default {
    /// What messages call such a process; its attribute is called the same.
    const PROCESS: &'static str;

    /// Reads the entry that begins with `word`, and says whether it was said before.
    fn read(&mut self, word: &Ident, input: ParseStream<'_>) -> syn::Result<bool>;

    /// Which events the event belongs together with; that of its stream's key when nothing is said.
    fn key(&self) -> Option<&Expr>;
}

impl<T: Said> On<T> {
    pub(crate) fn parse(mark: &Attribute) -> Result<Self> {
        let (written, said) = listed(&mark.meta, parse::<T>, Pattern::WRITTEN)?;
        Ok(Self { pattern: Pattern::of(written)?, said })
    }
}

fn parse<T: Said>(input: ParseStream<'_>) -> syn::Result<(Pat, T)> {
    let written = Pat::parse_multi_with_leading_vert(input)?;
    let mut said = T::default();
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            break;
        }
        let word: Ident = input.call(Ident::parse_any)?;
        if said.read(&word, input)? {
            return Err(syn::Error::new(word.span(), format!("`{word}` is said already")));
        }
    }
    Ok((written, said))
}

/// Reads what stands behind `key`.
pub(crate) fn read_key(key: &mut Option<Expr>, input: ParseStream<'_>) -> syn::Result<bool> {
    input.parse::<Token![=]>()?;
    Ok(key.replace(input.parse()?).is_some())
}
