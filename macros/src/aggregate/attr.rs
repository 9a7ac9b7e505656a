//! The grammar of `#[aggregate(..)]`.

use darling::{
    FromAttributes, FromMeta, Result,
    util::{Flag, SpannedValue},
};

use crate::{
    past::From,
    value::{Count, Text, TypePath, Version},
};

/// `#[aggregate(..)]` on the state.
#[derive(Default, FromAttributes)]
#[darling(attributes(aggregate), default)]
pub(super) struct AggregateAttr {
    pub(super) name: Option<Text>,
    pub(super) id: Option<TypePath>,
    pub(super) event: Option<TypePath>,
    pub(super) snapshot: Option<SpannedValue<SnapshotAttr>>,
    #[darling(rename = "crate")]
    pub(super) root: Option<TypePath>,
}

/// `snapshot(..)` in it.
#[derive(Default, FromMeta)]
#[darling(default, from_word = without_policy)]
pub(super) struct SnapshotAttr {
    pub(super) every: Option<Count>,
    pub(super) explicit: Flag,
    pub(super) version: Option<Version>,
    pub(super) from: Option<From>,
}

/// `snapshot` alone: the check asks for a policy.
#[allow(clippy::unnecessary_wraps, reason = "the signature is darling's")]
fn without_policy() -> Result<SnapshotAttr> {
    Ok(SnapshotAttr::default())
}
