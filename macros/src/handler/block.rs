//! The block, and the methods in it that are marked.

use darling::{Error, Result};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, ImplItem, ItemImpl, Signature, Type};

use crate::{
    name::{Rule, snake_case},
    value::Text,
};

/// A method that is marked.
pub(crate) struct Method {
    pub(crate) signature: Signature,
    /// When it is there at all: its `#[cfg(..)]`.
    pub(crate) conditions: Vec<Attribute>,
}

impl Method {
    /// The method that `mark` stands on.
    pub(crate) fn of(item: &ImplItem, mark: &Attribute) -> Result<Self> {
        match item {
            ImplItem::Fn(method) => Ok(Self {
                signature: method.sig.clone(),
                conditions: method.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect(),
            }),
            _ => {
                let name = mark.path().require_ident()?;
                let message = format!("`#[{name}]` has no meaning here: it belongs to a method");
                Err(Error::custom(message).with_span(mark.path()))
            }
        }
    }

    /// Whether one of them may do the same as the other: when only one is there at a time.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        !self.conditions.is_empty() && !other.conditions.is_empty()
    }
}

/// The block that an attribute stands on; `message` says where it belongs.
pub(crate) fn block(item: TokenStream, message: &str) -> Result<ItemImpl> {
    syn::parse2(item).map_err(|_| Error::custom(message).with_span(&Span::call_site()))
}

/// What stands beside the messages: the block, so that its methods are there, and a stub of the trait called `name`, unless the block
/// is one of that very trait.
pub(crate) fn with_stub(
    item: TokenStream,
    marks: &[&str],
    name: &str,
    stub: impl FnOnce(&ItemImpl) -> Option<TokenStream>,
) -> TokenStream {
    match unmarked(item.clone(), marks) {
        Ok(block) => {
            let stub = if is_of_trait(&block, name) { None } else { stub(&block) };
            quote!(#block #stub)
        }
        Err(_) => item,
    }
}

/// The block, less all that its methods are marked with.
fn unmarked(item: TokenStream, marks: &[&str]) -> syn::Result<ItemImpl> {
    let mut block: ItemImpl = syn::parse2(item)?;
    for item in &mut block.items {
        for mark in marks {
            take_marks(item, mark);
        }
    }
    Ok(block)
}

/// Refuses the block of a trait.
pub(crate) fn refuse_trait(block: &ItemImpl, message: &str) -> Result<()> {
    match &block.trait_ {
        Some((path, _)) => Err(Error::custom(message).with_span(path)),
        None => Ok(()),
    }
}

/// Whether the block is one of a trait of this name.
fn is_of_trait(block: &ItemImpl, name: &str) -> bool {
    block.trait_.as_ref().and_then(|(path, _)| path.segments.last()).is_some_and(|last| last.ident == name)
}

/// Takes each attribute called `name` away from `item`, so that what is left is plain Rust.
pub(crate) fn take_marks(item: &mut ImplItem, name: &str) -> Vec<Attribute> {
    let attrs = match item {
        ImplItem::Const(item) => &mut item.attrs,
        ImplItem::Fn(item) => &mut item.attrs,
        ImplItem::Type(item) => &mut item.attrs,
        ImplItem::Macro(item) => &mut item.attrs,
        _ => return Vec::new(),
    };
    let (taken, others) = std::mem::take(attrs).into_iter().partition(|attr| attr.path().is_ident(name));
    *attrs = others;
    taken
}

/// The name that was given, by `rule`; otherwise the message that `missing` makes of a name that would do.
pub(crate) fn name<'a>(
    given: Option<&'a Text>,
    rule: &Rule,
    block: &ItemImpl,
    missing: impl FnOnce(Option<String>) -> String,
) -> Result<&'a str> {
    let Some(name) = given else {
        let example = match &*block.self_ty {
            Type::Path(ty) => ty.path.segments.last().map(|last| snake_case(&last.ident)),
            _ => None,
        };
        return Err(Error::custom(missing(example)).with_span(&block.self_ty));
    };
    rule.check_text(name)?;
    Ok(&name.text)
}
