//! A block taken apart.

use darling::{Error, FromAttributes, Result};
use proc_macro2::TokenStream;
use syn::{Attribute, ItemImpl, Path};

use super::{attr::ReactionAttr, on::Keyed};
use crate::{
    handler::block::{block, refuse_trait},
    process::handler::{self, Handler},
    root,
};

/// Where the attribute belongs.
const PLACE: &str = "`#[reaction]` belongs on a block of a type's own functions: `impl Greets { .. }`";

/// The block, and what is said of it.
pub(super) struct Reaction {
    pub(super) root: Path,
    pub(super) attr: ReactionAttr,
    /// The block as written, less what its functions are marked with.
    pub(super) block: ItemImpl,
    pub(super) handlers: Vec<Handler<Keyed>>,
}

pub(super) fn parse(attribute: &Attribute, item: TokenStream) -> Result<Reaction> {
    let mut block = block(item, PLACE)?;
    let mut errors = Error::accumulator();
    let message = "a reaction is a block of a type's own functions, without a trait: `impl Greets { .. }`";
    errors.handle(refuse_trait(&block, message));
    let attr = errors.handle(ReactionAttr::from_attributes(std::slice::from_ref(attribute))).unwrap_or_default();
    let root = errors.handle(root::SAGAS.find(attr.root.as_ref()));
    let timer = |mark: &Attribute| {
        let message = "a reaction has no timers, because it remembers nothing: what waits is a saga, `#[saga(..)]`";
        Err(Error::custom(message).with_span(mark.path()))
    };
    let handlers = errors.handle(handler::take(&mut block, timer)).unwrap_or_default();
    errors.finish()?;
    let root = root.ok_or_else(|| Error::custom("annals is not found"))?;
    Ok(Reaction { root, attr, block, handlers })
}
