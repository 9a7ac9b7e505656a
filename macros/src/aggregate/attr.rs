//! The grammar of `#[aggregate(..)]`.

use darling::{
    Error, FromAttributes, FromMeta, Result,
    util::{Flag, SpannedValue},
};
use syn::{Meta, Token, punctuated::Punctuated};

use crate::{
    form::Form,
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
    pub(super) from: Option<FormerStates>,
}

/// `from(1 = AccountV1, 2 = AccountV2)` in that.
pub(super) struct FormerStates(pub(super) Vec<Form>);

impl FromMeta for FormerStates {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Meta::List(list) = item else {
            return Err(Error::custom("`from(1 = AccountV1, ..)` is expected here").with_span(item));
        };
        let forms = list.parse_args_with(Punctuated::<Form, Token![,]>::parse_terminated)?;
        Ok(Self(forms.into_iter().collect()))
    }
}

/// `snapshot` alone: the check asks for a policy.
#[allow(clippy::unnecessary_wraps, reason = "the signature is darling's")]
fn without_policy() -> Result<SnapshotAttr> {
    Ok(SnapshotAttr::default())
}
