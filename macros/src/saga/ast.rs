//! A block taken apart.

use darling::{Error, FromAttributes, Result};
use proc_macro2::TokenStream;
use syn::{Attribute, ItemImpl, Path};

use super::{attr::SagaAttr, on::Reception};
use crate::{
    handler::block::{block, refuse_trait},
    process::handler::{self, Handler, one},
    root,
};

/// Where the attribute belongs.
pub(super) const PLACE: &str = "`#[saga]` belongs on a block of a type's own methods: `impl Fulfilment { .. }`";

/// The block, and what is said of it.
pub(super) struct Saga {
    pub(super) root: Path,
    pub(super) attr: SagaAttr,
    /// The block as written, less what its methods are marked with.
    pub(super) block: ItemImpl,
    pub(super) handlers: Vec<Handler<Reception>>,
}

pub(super) fn parse(attribute: &Attribute, item: TokenStream) -> Result<Saga> {
    let mut block = block(item, PLACE)?;
    let mut errors = Error::accumulator();
    let message = "a saga is a block of a type's own methods, without a trait: `impl Fulfilment { .. }`";
    errors.handle(refuse_trait(&block, message));
    let attr = errors.handle(SagaAttr::from_attributes(std::slice::from_ref(attribute))).unwrap_or_default();
    let root = errors.handle(root::SAGAS.find(attr.root.as_ref()));
    let timer = |mark: &Attribute| one(mark, "`#[timeout(\"name\")]`");
    let handlers = errors.handle(handler::take(&mut block, timer)).unwrap_or_default();
    errors.finish()?;
    let root = root.ok_or_else(|| Error::custom("annals is not found"))?;
    Ok(Saga { root, attr, block, handlers })
}
