//! The grammar of `#[aggregate(..)]`.

use darling::{
    FromAttributes, FromMeta, Result,
    util::{Flag, SpannedValue},
};
use syn::Path;

/// `#[aggregate(..)]` on the state.
#[derive(Default, FromAttributes)]
#[darling(attributes(aggregate), default)]
pub(super) struct AggregateAttr {
    pub(super) name: Option<SpannedValue<String>>,
    pub(super) id: Option<Path>,
    pub(super) event: Option<Path>,
    pub(super) snapshot: Option<SpannedValue<SnapshotAttr>>,
    #[darling(rename = "crate")]
    pub(super) root: Option<Path>,
}

/// `snapshot(..)` in it.
#[derive(Default, FromMeta)]
#[darling(default, from_word = without_policy)]
pub(super) struct SnapshotAttr {
    pub(super) every: Option<SpannedValue<u64>>,
    pub(super) explicit: Flag,
    pub(super) version: Option<SpannedValue<u32>>,
}

/// `snapshot` alone: the check asks for a policy.
#[allow(clippy::unnecessary_wraps, reason = "the signature is darling's")]
fn without_policy() -> Result<SnapshotAttr> {
    Ok(SnapshotAttr::default())
}
