//! The grammar of `#[row(..)]`.

use darling::{Error, FromAttributes, FromMeta, Result, util::Flag};
use proc_macro2::Span;
use syn::{Member, Meta, Token, punctuated::Punctuated, spanned::Spanned};

use crate::{
    attr::listed,
    value::{Text, TypePath},
};

/// `#[row(..)]` on the struct.
#[derive(Default, FromAttributes)]
#[darling(attributes(row), default)]
pub(super) struct RowAttr {
    pub(super) table: Option<Text>,
    pub(super) keyed_by_lane: Flag,
    #[darling(multiple)]
    pub(super) index: Vec<FieldsIndex>,
    #[darling(multiple)]
    pub(super) unique: Vec<FieldsIndex>,
    #[darling(rename = "crate")]
    pub(super) root: Option<TypePath>,
}

/// `index(name = "owner_amount", fields(owner, amount))`.
#[derive(FromMeta)]
pub(super) struct FieldsIndex {
    pub(super) name: Text,
    pub(super) fields: FieldNames,
}

/// `fields(owner, amount)`.
pub(super) struct FieldNames {
    pub(super) members: Vec<Member>,
    pub(super) span: Span,
}

/// `#[row(..)]` on a field.
#[derive(Default, FromAttributes)]
#[darling(attributes(row), default)]
pub(super) struct FieldAttr {
    pub(super) key: Flag,
    pub(super) index: Option<FieldIndex>,
    pub(super) unique: Option<FieldIndex>,
}

/// `index` or `index = "largest"`.
pub(super) struct FieldIndex {
    pub(super) name: Option<Text>,
    pub(super) span: Span,
}

impl FromMeta for FieldNames {
    fn from_meta(item: &Meta) -> Result<Self> {
        let members = listed(item, Punctuated::<Member, Token![,]>::parse_terminated, "`fields(owner, amount)`")?;
        Ok(Self { members: members.into_iter().collect(), span: item.path().span() })
    }
}

impl FromMeta for FieldIndex {
    fn from_meta(item: &Meta) -> Result<Self> {
        let span = item.path().span();
        match item {
            Meta::Path(_) => Ok(Self { name: None, span }),
            Meta::NameValue(value) => Ok(Self { name: Some(Text::from_expr(&value.value)?), span }),
            Meta::List(_) => {
                let message = "an index of this field alone is a word or a name, `index = \"..\"`; one of several fields belongs on the struct";
                Err(Error::custom(message).with_span(&span))
            }
        }
    }
}
