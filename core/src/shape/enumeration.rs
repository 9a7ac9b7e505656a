//! One of several variants.

use super::{Name, Shape};

/// What an enum is stored as: the name of a variant, and its content.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Enum {
    /// Where the variant's name stands.
    pub tagging: Tagging,
    /// Its variants, in the order of declaration.
    pub variants: Vec<Variant>,
}

/// Where the name of an enum's variant stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Tagging {
    /// In front of the content, as the key of a map with one entry; a variant without content is its bare name.
    #[default]
    External,
    /// Among the fields of the content (`serde(tag = "..")`).
    Internal {
        /// The field.
        tag: Name,
    },
    /// In a map of two entries (`serde(tag = "..", content = "..")`).
    Adjacent {
        /// The entry of the name.
        tag: Name,
        /// The entry of the content, which is not there for a variant without content.
        content: Name,
    },
}

impl Enum {
    /// An enum of these variants, in serde's default form.
    #[must_use]
    pub fn new(variants: impl IntoIterator<Item = Variant>) -> Self {
        Self { tagging: Tagging::External, variants: variants.into_iter().collect() }
    }

    /// The same with the variant's name in the field `tag` of its content.
    #[must_use]
    pub fn tagged(mut self, tag: impl Into<Name>) -> Self {
        self.tagging = Tagging::Internal { tag: tag.into() };
        self
    }

    /// The same with the variant's name in the entry `tag` and its content in the entry `content`.
    #[must_use]
    pub fn tagged_beside(mut self, tag: impl Into<Name>, content: impl Into<Name>) -> Self {
        self.tagging = Tagging::Adjacent { tag: tag.into(), content: content.into() };
        self
    }
}

impl From<Enum> for Shape {
    fn from(one_of: Enum) -> Self {
        Self::Enum(one_of)
    }
}

/// A variant of an enum.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Variant {
    /// The name that it is written under.
    pub name: Name,
    /// Other names that it is read under.
    pub aliases: Vec<Name>,
    /// Its content, if it has any.
    pub content: Option<Shape>,
    /// Whether names that no variant has are read as this one (`serde(other)`).
    pub is_default: bool,
}

impl Variant {
    /// A variant without content.
    #[must_use]
    pub fn bare(name: impl Into<Name>) -> Self {
        Self { name: name.into(), aliases: Vec::new(), content: None, is_default: false }
    }

    /// A variant with content.
    #[must_use]
    pub fn of(name: impl Into<Name>, content: Shape) -> Self {
        Self { content: Some(content), ..Self::bare(name) }
    }

    /// Read under `name` too.
    #[must_use]
    pub fn alias(mut self, name: impl Into<Name>) -> Self {
        self.aliases.push(name.into());
        self
    }

    /// What unknown names are read as.
    #[must_use]
    pub fn or_unknown(mut self) -> Self {
        self.is_default = true;
        self
    }

    /// Whether it is read from what was written under `name`.
    #[must_use]
    pub fn is_read_from(&self, name: &Name) -> bool {
        self.name == *name || self.aliases.contains(name)
    }
}
