//! The grammar of `#[reaction(..)]`.

use darling::{FromAttributes, FromMeta, Result};
use proc_macro2::Span;
use syn::{Meta, spanned::Spanned};

use crate::{
    handler::ignored::Ignored,
    process::sends::Sends,
    value::{Text, TypePath},
};

/// `#[reaction(..)]` on the block.
#[derive(Default, FromAttributes)]
#[darling(attributes(reaction), default)]
pub(super) struct ReactionAttr {
    pub(super) name: Option<Text>,
    #[darling(multiple)]
    pub(super) sends: Vec<Sends>,
    #[darling(multiple)]
    pub(super) ignore: Vec<Ignored>,
    pub(super) version: Option<OfState>,
    pub(super) from: Option<OfState>,
    #[darling(rename = "crate")]
    pub(super) root: Option<TypePath>,
}

/// Something that is said of a state, and where it stands.
pub(super) struct OfState(pub(super) Span);

impl FromMeta for OfState {
    fn from_meta(item: &Meta) -> Result<Self> {
        Ok(Self(item.path().span()))
    }
}
