//! A block taken apart.

use darling::{Error, FromAttributes, Result};
use proc_macro2::TokenStream;
use syn::{Attribute, ImplItem, ItemImpl, Pat, Path};

use super::attr::{BatchAttr, BatchMax, ProjectionAttr};
use crate::{
    attr::listed,
    handler::{
        block::{Method, block, refuse_trait, take_marks},
        pattern::Pattern,
    },
    root,
};

/// Where the attribute belongs.
pub(super) const PLACE: &str = "`#[projection]` belongs on a block of a type's own methods: `impl Balances { .. }`";

/// What methods are marked with.
pub(super) const MARKS: [&str; 2] = ["on", "on_batch"];

/// The block, and what is said of it.
pub(super) struct Projection {
    pub(super) root: Path,
    pub(super) attr: ProjectionAttr,
    /// The block as written, less the `#[on(..)]` and `#[on_batch(..)]`.
    pub(super) block: ItemImpl,
    pub(super) handlers: Vec<Handler>,
    pub(super) batch_handlers: Vec<BatchHandler>,
}

/// A method with at least one `#[on(..)]`.
pub(super) struct Handler {
    pub(super) method: Method,
    pub(super) patterns: Vec<Pattern>,
}

/// A method with `#[on_batch(..)]`.
pub(super) struct BatchHandler {
    pub(super) method: Method,
    pub(super) max: BatchMax,
}

pub(super) fn parse(attribute: &Attribute, item: TokenStream) -> Result<Projection> {
    let mut block = block(item, PLACE)?;
    let mut errors = Error::accumulator();
    let message = "a projection is a block of a type's own methods, without a trait: `impl Balances { .. }`";
    errors.handle(refuse_trait(&block, message));
    let attr = errors.handle(ProjectionAttr::from_attributes(std::slice::from_ref(attribute))).unwrap_or_default();
    let root = errors.handle(root::PROJECTIONS.find(attr.root.as_ref()));
    let (mut handlers, mut batch_handlers) = (Vec::new(), Vec::new());
    for item in &mut block.items {
        let [on, on_batch] = MARKS.map(|name| take_marks(item, name));
        match (on.first(), on_batch.first()) {
            (None, None) => {}
            (Some(first), None) => handlers.extend(errors.handle(handler(item, first, &on))),
            (None, Some(first)) => batch_handlers.extend(errors.handle(batch_handler(item, first, &on_batch))),
            (Some(_), Some(on)) => {
                let message =
                    "a method takes events singly or several at once: `#[on_batch]` belongs to one of its own";
                errors.push(Error::custom(message).with_span(on.path()));
            }
        }
    }
    errors.finish()?;
    let root = root.ok_or_else(|| Error::custom("annals is not found"))?;
    Ok(Projection { root, attr, block, handlers, batch_handlers })
}

fn handler(item: &ImplItem, first: &Attribute, marks: &[Attribute]) -> Result<Handler> {
    let method = Method::of(item, first)?;
    let mut errors = Error::accumulator();
    let patterns = marks.iter().filter_map(|mark| errors.handle(pattern(mark))).collect();
    errors.finish_with(Handler { method, patterns })
}

fn pattern(mark: &Attribute) -> Result<Pattern> {
    Pattern::of(listed(&mark.meta, Pat::parse_multi_with_leading_vert, Pattern::WRITTEN)?)
}

fn batch_handler(item: &ImplItem, mark: &Attribute, marks: &[Attribute]) -> Result<BatchHandler> {
    let method = Method::of(item, mark)?;
    if let [_, again, ..] = marks {
        return Err(Error::custom("`#[on_batch]` stands here already").with_span(again.path()));
    }
    let max = BatchAttr::from_attributes(marks)?.max.ok_or_else(|| {
        let message = "`#[on_batch(max = 500)]` says how many events are handed over at once, at most";
        Error::custom(message).with_span(mark.path())
    })?;
    Ok(BatchHandler { method, max })
}
