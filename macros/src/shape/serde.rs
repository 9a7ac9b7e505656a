//! What serde was told of a type, a variant or a field.

use darling::{Error, FromMeta, Result, ast::NestedMeta};
use syn::{Attribute, Meta, Type, spanned::Spanned};

use super::case::Case;
use crate::{attr, value::Text};

/// The entries of the `#[serde(..)]` attributes of one thing.
pub(super) struct Told {
    entries: Vec<Meta>,
}

impl Told {
    pub(super) fn of(attrs: &[Attribute]) -> Self {
        Self { entries: attr::entries(attrs, "serde") }
    }

    /// Whether there is an entry of that name, with a value or without.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The value behind `name =`.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.texts(name).next()
    }

    /// The values behind all entries of that name.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = String> {
        self.all(name).filter_map(text_of)
    }

    /// The type behind `name =`.
    pub(super) fn ty(&self, name: &str) -> Option<Type> {
        syn::parse_str(&self.text(name)?).ok()
    }

    /// The value behind `name`, which must be one for writing and reading.
    pub(super) fn both_ways(&self, name: &str) -> Result<Option<String>> {
        let Some(entry) = self.all(name).next() else {
            return Ok(None);
        };
        let Meta::List(list) = entry else {
            return Ok(text_of(entry));
        };
        let sides = NestedMeta::parse_meta_list(list.tokens.clone())?;
        let side = |direction: &str| {
            sides.iter().find_map(|side| match side {
                NestedMeta::Meta(meta) if meta.path().is_ident(direction) => text_of(meta),
                _ => None,
            })
        };
        let (written, read) = (side("serialize"), side("deserialize"));
        if written == read {
            return Ok(written);
        }
        let message = format!(
            "`serde({name}(..))` with another name for each direction: what is written is not read back; use `{name} = \"..\"` for both, and `alias = \"..\"` for what else is read"
        );
        Err(Error::custom(message).with_span(&entry.span()))
    }

    /// How names are written.
    pub(super) fn case(&self, name: &str) -> Result<Option<Case>> {
        Ok(self.both_ways(name)?.as_deref().and_then(Case::from_text))
    }

    /// What takes the place of the type's own form, if anything does.
    pub(super) fn with(&self) -> Option<String> {
        let names = ["with", "serialize_with", "deserialize_with"];
        let functions = names.iter().filter_map(|name| self.text(name)).collect::<Vec<_>>();
        (!functions.is_empty()).then(|| functions.join(" and "))
    }

    /// Whether it is neither written nor read.
    pub(super) fn is_skipped(&self) -> bool {
        self.has("skip") || self.has("skip_serializing") && self.has("skip_deserializing")
    }

    /// Whether it is read.
    pub(super) fn is_read(&self) -> bool {
        !self.has("skip") && !self.has("skip_deserializing")
    }

    /// Refuses an entry that makes something that cannot be read back.
    pub(super) fn refuse(&self, name: &str, message: &str) -> Result<()> {
        match self.all(name).next() {
            Some(entry) => Err(Error::custom(message).with_span(&entry.span())),
            None => Ok(()),
        }
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &Meta> {
        self.entries.iter().filter(move |entry| entry.path().is_ident(name))
    }
}

fn text_of(entry: &Meta) -> Option<String> {
    Some(Text::from_expr(&entry.require_name_value().ok()?.value).ok()?.text)
}
