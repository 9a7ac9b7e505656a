//! A block taken apart.

use darling::{Error, FromAttributes, Result};
use proc_macro2::{Span, TokenStream};
use syn::{Attribute, ImplItem, ImplItemFn, ItemImpl, Path, Signature};

use super::{
    attr::{BatchAttr, BatchMax, ProjectionAttr},
    pattern::Pattern,
};
use crate::root;

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
    pub(super) signature: Signature,
    /// When it is there at all: its `#[cfg(..)]`.
    pub(super) conditions: Vec<Attribute>,
    pub(super) patterns: Vec<Pattern>,
}

/// A method with `#[on_batch(..)]`.
pub(super) struct BatchHandler {
    pub(super) signature: Signature,
    /// When it is there at all: its `#[cfg(..)]`.
    pub(super) conditions: Vec<Attribute>,
    pub(super) max: BatchMax,
}

/// What a method is marked with.
pub(super) struct Marks {
    on: Vec<Attribute>,
    on_batch: Vec<Attribute>,
}

pub(super) fn parse(attribute: &Attribute, item: TokenStream) -> Result<Projection> {
    let mut block = block(item)?;
    let mut errors = Error::accumulator();
    if let Some((path, _)) = &block.trait_ {
        let message = "a projection is a block of a type's own methods, without a trait: `impl Balances { .. }`";
        errors.push(Error::custom(message).with_span(path));
    }
    let attr = errors.handle(ProjectionAttr::from_attributes(std::slice::from_ref(attribute))).unwrap_or_default();
    let root = errors.handle(root::PROJECTIONS.find(attr.root.as_ref()));
    let (mut handlers, mut batch_handlers) = (Vec::new(), Vec::new());
    for item in &mut block.items {
        let marks = take_marks(item);
        match (marks.on.first(), marks.on_batch.first()) {
            (None, None) => {}
            (Some(on), None) => handlers.extend(errors.handle(handler(method(item, on), &marks.on))),
            (None, Some(on)) => batch_handlers.extend(errors.handle(batch_handler(method(item, on), &marks.on_batch))),
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

/// The block that the attribute stands on.
pub(super) fn block(item: TokenStream) -> Result<ItemImpl> {
    syn::parse2(item).map_err(|_| {
        let message = "`#[projection]` belongs on a block of a type's own methods: `impl Balances { .. }`";
        Error::custom(message).with_span(&Span::call_site())
    })
}

/// Takes each `#[on]` and `#[on_batch]` away from `item`, so that what is left is plain Rust.
pub(super) fn take_marks(item: &mut ImplItem) -> Marks {
    let mut none = Vec::new();
    let attrs = match item {
        ImplItem::Const(item) => &mut item.attrs,
        ImplItem::Fn(item) => &mut item.attrs,
        ImplItem::Type(item) => &mut item.attrs,
        ImplItem::Macro(item) => &mut item.attrs,
        _ => &mut none,
    };
    let mut take = |name| {
        let (taken, others) = std::mem::take(attrs).into_iter().partition(|attr| attr.path().is_ident(name));
        *attrs = others;
        taken
    };
    Marks { on: take("on"), on_batch: take("on_batch") }
}

/// The method that `mark` stands on.
fn method<'a>(item: &'a ImplItem, mark: &Attribute) -> Result<&'a ImplItemFn> {
    match item {
        ImplItem::Fn(method) => Ok(method),
        _ => {
            let message = format!("`#[{}]` has no meaning here: it belongs to a method", mark.path().require_ident()?);
            Err(Error::custom(message).with_span(mark.path()))
        }
    }
}

fn handler(method: Result<&ImplItemFn>, subscribing: &[Attribute]) -> Result<Handler> {
    let method = method?;
    let mut errors = Error::accumulator();
    let patterns = subscribing.iter().filter_map(|attr| errors.handle(Pattern::parse(attr))).collect();
    errors.finish_with(Handler { signature: method.sig.clone(), conditions: conditions(method), patterns })
}

fn batch_handler(method: Result<&ImplItemFn>, marks: &[Attribute]) -> Result<BatchHandler> {
    let method = method?;
    let max = match marks {
        [mark] => BatchAttr::from_attributes(marks)?.max.ok_or_else(|| {
            let message = "`#[on_batch(max = 500)]` says how many events are handed over at once, at most";
            Error::custom(message).with_span(mark.path())
        })?,
        [_, again, ..] => {
            return Err(Error::custom("`#[on_batch]` stands here already").with_span(again.path()));
        }
        [] => return Err(Error::custom("`#[on_batch]` is missing").with_span(&method.sig.ident)),
    };
    Ok(BatchHandler { signature: method.sig.clone(), conditions: conditions(method), max })
}

fn conditions(method: &ImplItemFn) -> Vec<Attribute> {
    method.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}
