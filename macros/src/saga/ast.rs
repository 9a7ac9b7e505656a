//! A block taken apart.

use darling::{Error, FromAttributes, Result};
use proc_macro2::TokenStream;
use syn::{Attribute, ImplItem, ItemImpl, LitStr, Path, parse::Parse};

use super::{attr::SagaAttr, on::On};
use crate::{
    attr::listed,
    handler::block::{Method, block, refuse_trait, take_marks},
    root,
};

/// Where the attribute belongs.
pub(super) const PLACE: &str = "`#[saga]` belongs on a block of a type's own methods: `impl Fulfilment { .. }`";

/// What methods are marked with.
pub(super) const MARKS: [&str; 3] = ["on", "refused", "timeout"];

/// The block, and what is said of it.
pub(super) struct Saga {
    pub(super) root: Path,
    pub(super) attr: SagaAttr,
    /// The block as written, less what its methods are marked with.
    pub(super) block: ItemImpl,
    pub(super) handlers: Vec<Handler>,
}

/// A method that takes inputs.
pub(super) struct Handler {
    pub(super) method: Method,
    /// Events.
    pub(super) on: Vec<On>,
    /// That a command was refused, by the command's type.
    pub(super) refused: Vec<Path>,
    /// Timers, by their names.
    pub(super) timeouts: Vec<LitStr>,
}

pub(super) fn parse(attribute: &Attribute, item: TokenStream) -> Result<Saga> {
    let mut block = block(item, PLACE)?;
    let mut errors = Error::accumulator();
    let message = "a saga is a block of a type's own methods, without a trait: `impl Fulfilment { .. }`";
    errors.handle(refuse_trait(&block, message));
    let attr = errors.handle(SagaAttr::from_attributes(std::slice::from_ref(attribute))).unwrap_or_default();
    let root = errors.handle(root::SAGAS.find(attr.root.as_ref()));
    let mut handlers = Vec::new();
    for item in &mut block.items {
        let marks = MARKS.map(|name| take_marks(item, name));
        if let Some(first) = marks.iter().flatten().next() {
            handlers.extend(errors.handle(handler(item, first, &marks)));
        }
    }
    errors.finish()?;
    let root = root.ok_or_else(|| Error::custom("annals is not found"))?;
    Ok(Saga { root, attr, block, handlers })
}

fn handler(item: &ImplItem, first: &Attribute, [on, refused, timeouts]: &[Vec<Attribute>; 3]) -> Result<Handler> {
    let method = Method::of(item, first)?;
    let mut errors = Error::accumulator();
    let on = on.iter().filter_map(|mark| errors.handle(On::parse(mark))).collect();
    let refused = refused.iter().filter_map(|mark| errors.handle(one(mark, "`#[refused(Command)]`"))).collect();
    let timeouts = timeouts.iter().filter_map(|mark| errors.handle(one(mark, "`#[timeout(\"name\")]`"))).collect();
    errors.finish_with(Handler { method, on, refused, timeouts })
}

/// The one thing that a mark says.
fn one<T: Parse>(mark: &Attribute, expected: &str) -> Result<T> {
    let parse = |input: syn::parse::ParseStream<'_>| {
        let told = |error: syn::Error| syn::Error::new(error.span(), format!("{expected} is expected here"));
        let one = input.parse().map_err(told)?;
        if input.is_empty() { Ok(one) } else { Err(told(input.error(""))) }
    };
    listed(&mark.meta, parse, expected)
}
