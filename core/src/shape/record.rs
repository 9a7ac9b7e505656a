//! Named fields, stored as a map by name.

use super::{Name, Shape};

/// What a struct with named fields is stored as: a map by field name, in any order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Record {
    /// Its own fields, in the order of declaration.
    pub fields: Vec<Field>,
    /// Parts whose entries stand in the same map (`serde(flatten)`).
    pub flattened: Vec<Shape>,
    /// Whether reading refuses fields that it does not know (`serde(deny_unknown_fields)`).
    pub is_exact: bool,
}

impl Record {
    /// A record of these fields.
    #[must_use]
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Self {
        Self { fields: fields.into_iter().collect(), ..Self::default() }
    }

    /// With the entries of these parts in the same map.
    #[must_use]
    pub fn flattening(mut self, parts: impl IntoIterator<Item = Shape>) -> Self {
        self.flattened.extend(parts);
        self
    }

    /// The same, which refuses fields that it does not know.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.is_exact = true;
        self
    }
}

impl From<Record> for Shape {
    fn from(record: Record) -> Self {
        Self::Record(record)
    }
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// The name that it is written under.
    pub name: Name,
    /// Other names that it is read under.
    pub aliases: Vec<Name>,
    /// Its content.
    pub shape: Shape,
    /// Whether reading does without it: by a default, or because an `Option` is then `None`.
    pub has_default: bool,
    /// Whether writing may leave it out (`serde(skip_serializing_if)`).
    pub may_be_left_out: bool,
}

impl Field {
    /// A field that is always written and must be there when it is read.
    #[must_use]
    pub fn new(name: impl Into<Name>, shape: Shape) -> Self {
        Self { name: name.into(), aliases: Vec::new(), shape, has_default: false, may_be_left_out: false }
    }

    /// Read under `name` too.
    #[must_use]
    pub fn alias(mut self, name: impl Into<Name>) -> Self {
        self.aliases.push(name.into());
        self
    }

    /// With a default for when it is missing.
    #[must_use]
    pub fn or_default(mut self) -> Self {
        self.has_default = true;
        self
    }

    /// Sometimes not written.
    #[must_use]
    pub fn maybe_left_out(mut self) -> Self {
        self.may_be_left_out = true;
        self
    }

    /// Whether it is read from what was written under `name`.
    #[must_use]
    pub fn is_read_from(&self, name: &Name) -> bool {
        self.name == *name || self.aliases.contains(name)
    }
}
