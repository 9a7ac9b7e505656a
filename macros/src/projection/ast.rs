//! A block taken apart.

use darling::{Error, FromAttributes, Result};
use proc_macro2::{Span, TokenStream};
use syn::{Attribute, ImplItem, ItemImpl, Path, Signature};

use super::{attr::ProjectionAttr, pattern::Pattern};
use crate::root;

/// The block, and what is said of it.
pub(super) struct Projection {
    pub(super) root: Path,
    pub(super) attr: ProjectionAttr,
    /// The block as written, less the `#[on(..)]`.
    pub(super) block: ItemImpl,
    pub(super) handlers: Vec<Handler>,
}

/// A method with at least one `#[on(..)]`.
pub(super) struct Handler {
    pub(super) signature: Signature,
    /// When it is there at all: its `#[cfg(..)]`.
    pub(super) conditions: Vec<Attribute>,
    pub(super) patterns: Vec<Pattern>,
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
    let mut handlers = Vec::new();
    for item in &mut block.items {
        let subscribing = take_subscribing(item);
        if !subscribing.is_empty() {
            handlers.extend(errors.handle(handler(item, &subscribing)));
        }
    }
    errors.finish()?;
    let root = root.ok_or_else(|| Error::custom("annals is not found"))?;
    Ok(Projection { root, attr, block, handlers })
}

/// The block that the attribute stands on.
pub(super) fn block(item: TokenStream) -> Result<ItemImpl> {
    syn::parse2(item).map_err(|_| {
        let message = "`#[projection]` belongs on a block of a type's own methods: `impl Balances { .. }`";
        Error::custom(message).with_span(&Span::call_site())
    })
}

/// Takes each `#[on]` away from `item`, so that what is left is plain Rust.
pub(super) fn take_subscribing(item: &mut ImplItem) -> Vec<Attribute> {
    let attrs = match item {
        ImplItem::Const(item) => &mut item.attrs,
        ImplItem::Fn(item) => &mut item.attrs,
        ImplItem::Type(item) => &mut item.attrs,
        ImplItem::Macro(item) => &mut item.attrs,
        _ => return Vec::new(),
    };
    let (subscribing, others) = std::mem::take(attrs).into_iter().partition(|attr| attr.path().is_ident("on"));
    *attrs = others;
    subscribing
}

fn handler(item: &ImplItem, subscribing: &[Attribute]) -> Result<Handler> {
    let ImplItem::Fn(method) = item else {
        let place = subscribing.first().map_or_else(Span::call_site, |attr| syn::spanned::Spanned::span(attr.path()));
        return Err(Error::custom("`#[on]` has no meaning here: it belongs to a method").with_span(&place));
    };
    let mut errors = Error::accumulator();
    let patterns = subscribing.iter().filter_map(|attr| errors.handle(Pattern::parse(attr))).collect();
    let conditions = method.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect();
    errors.finish_with(Handler { signature: method.sig.clone(), conditions, patterns })
}
