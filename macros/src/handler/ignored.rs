//! The grammar of `ignore(..)`.

use darling::{FromMeta, Result};
use proc_macro2::Span;
use quote::ToTokens;
use syn::{
    Ident, Meta, Path, PathSegment, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
};

use super::pattern::split;
use crate::attr::listed;

/// `ignore(AccountEvent::Opened, CustomerEvent::*)`.
pub(crate) struct Ignored(pub(super) Vec<IgnoredEvents>);

/// Events of one enum that nothing is done about.
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
