//! The methods of a process that are marked.

use darling::{Error, Result};
use syn::{
    Attribute, ImplItem, ItemImpl, LitStr, Path,
    parse::{Parse, ParseStream},
};

use super::on::{On, Said};
use crate::{
    attr::listed,
    handler::block::{Method, take_marks},
};

/// What methods are marked with.
pub(crate) const MARKS: [&str; 3] = ["on", "refused", "timeout"];

/// A method that takes inputs.
pub(crate) struct Handler<T> {
    pub(crate) method: Method,
    /// Events.
    pub(crate) on: Vec<On<T>>,
    /// That a command was refused, by the command's type.
    pub(crate) refused: Vec<Path>,
    /// Timers, by their names.
    pub(crate) timeouts: Vec<LitStr>,
}

/// Takes the marks away from `block`; `timer` reads one of a timer.
pub(crate) fn take<T: Said>(block: &mut ItemImpl, timer: fn(&Attribute) -> Result<LitStr>) -> Result<Vec<Handler<T>>> {
    let mut errors = Error::accumulator();
    let mut handlers = Vec::new();
    for item in &mut block.items {
        let marks = MARKS.map(|name| take_marks(item, name));
        if let Some(first) = marks.iter().flatten().next() {
            handlers.extend(errors.handle(handler(item, first, &marks, timer)));
        }
    }
    errors.finish_with(handlers)
}

fn handler<T: Said>(
    item: &ImplItem,
    first: &Attribute,
    [on, refused, timeouts]: &[Vec<Attribute>; 3],
    timer: fn(&Attribute) -> Result<LitStr>,
) -> Result<Handler<T>> {
    let method = Method::of(item, first)?;
    let mut errors = Error::accumulator();
    let on = on.iter().filter_map(|mark| errors.handle(On::parse(mark))).collect();
    let refused = refused.iter().filter_map(|mark| errors.handle(one(mark, "`#[refused(Command)]`"))).collect();
    let timeouts = timeouts.iter().filter_map(|mark| errors.handle(timer(mark))).collect();
    errors.finish_with(Handler { method, on, refused, timeouts })
}

/// The one thing that a mark says.
pub(crate) fn one<T: Parse>(mark: &Attribute, expected: &str) -> Result<T> {
    let parse = |input: ParseStream<'_>| {
        let told = |error: syn::Error| syn::Error::new(error.span(), format!("{expected} is expected here"));
        let one = input.parse().map_err(told)?;
        if input.is_empty() { Ok(one) } else { Err(told(input.error(""))) }
    };
    listed(&mark.meta, parse, expected)
}
