//! The grammar of `sends(..)`.

use darling::{Error, FromMeta, Result};
use quote::ToTokens;
use syn::{Ident, Meta, Path, Token, ext::IdentExt, parse::ParseStream};

use crate::attr::listed;

/// `sends(Stock: Reserve, Release; Payment: prepared Charge, Refund; joint: Transfer)`.
pub(crate) struct Sends(pub(crate) Vec<Sent>);

/// A command that the process sends to an aggregate.
pub(crate) struct Sent {
    pub(crate) aggregate: Path,
    pub(crate) command: Path,
    /// Whether the aggregate prepares it.
    pub(crate) is_prepared: bool,
}

impl Sent {
    /// Whether it is sent to nobody in particular: several things decide about it together.
    pub(crate) fn is_joint(&self) -> bool {
        self.aggregate.is_ident("joint")
    }
}

const WRITTEN: &str = "`sends(Stock: Reserve, Release; Payment: prepared Charge; joint: Transfer)`";

impl FromMeta for Sends {
    fn from_meta(item: &Meta) -> Result<Self> {
        Ok(Self(listed(item, parse, WRITTEN)?))
    }
}

/// Everything that is sent, each said once.
pub(crate) fn each_once(all: &[Sends]) -> Result<Vec<&Sent>> {
    let mut errors = Error::accumulator();
    let mut sends: Vec<&Sent> = Vec::new();
    for sent in all.iter().flat_map(|sends| &sends.0) {
        if sends.iter().any(|other| other.aggregate == sent.aggregate && other.command == sent.command) {
            let (command, aggregate) = (sent.command.to_token_stream(), sent.aggregate.to_token_stream());
            let message = format!("that `{command}` is sent to `{aggregate}` is said already");
            errors.push(Error::custom(message).with_span(&sent.command));
        } else {
            sends.push(sent);
        }
    }
    errors.finish_with(sends)
}

fn parse(input: ParseStream<'_>) -> syn::Result<Vec<Sent>> {
    let mut sent = Vec::new();
    while !input.is_empty() {
        sent.extend(to_one(input)?);
        input.parse::<Option<Token![;]>>()?;
    }
    Ok(sent)
}

/// `Payment: prepared Charge, Refund`.
fn to_one(input: ParseStream<'_>) -> syn::Result<Vec<Sent>> {
    let expected = |error: syn::Error| syn::Error::new(error.span(), format!("{WRITTEN} is expected here"));
    let aggregate: Path = input.parse().map_err(expected)?;
    input.parse::<Token![:]>().map_err(expected)?;
    let mut sent = Vec::new();
    loop {
        let is_prepared = is_prepared(input);
        if is_prepared {
            input.parse::<Ident>()?;
        }
        let command = input.parse().map_err(expected)?;
        sent.push(Sent { aggregate: aggregate.clone(), command, is_prepared });
        let more = input.parse::<Option<Token![,]>>()?.is_some();
        if input.is_empty() || input.peek(Token![;]) {
            return Ok(sent);
        }
        if !more {
            return Err(expected(input.error("")));
        }
    }
}

/// A command may be called `prepared` itself.
fn is_prepared(input: ParseStream<'_>) -> bool {
    input.peek2(Ident::peek_any) && input.fork().parse::<Ident>().is_ok_and(|word| word == "prepared")
}
