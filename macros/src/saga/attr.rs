//! The grammar of `#[saga(..)]`.

use darling::FromAttributes;

use crate::{
    handler::ignored::Ignored,
    past::From,
    process::sends::Sends,
    value::{Text, TypePath, Version},
};

/// `#[saga(..)]` on the block.
#[derive(Default, FromAttributes)]
#[darling(attributes(saga), default)]
pub(super) struct SagaAttr {
    pub(super) name: Option<Text>,
    pub(super) version: Option<Version>,
    pub(super) from: Option<From>,
    #[darling(multiple)]
    pub(super) sends: Vec<Sends>,
    #[darling(multiple)]
    pub(super) ignore: Vec<Ignored>,
    #[darling(rename = "crate")]
    pub(super) root: Option<TypePath>,
}
