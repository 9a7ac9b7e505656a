//! What a value is stored as: shapes, their text, and the types that say theirs.
//!
//! A [`Shape`] says what is seen in the stored bytes: MessagePack as the [codec](crate::codec) writes it, with structs as
//! maps by field name. It says nothing of what a type checks when it is read (a `NonZeroU32` is a `u32`), and nothing of
//! the names of structs, which are not stored. A [`Schema`] is a shape with the types that it refers to by name; types
//! that are [`Shaped`] give theirs.
//!
//! # The text form
//!
//! Shapes are compared, reviewed and merged as text. White space has no meaning; `{:#}` writes a field or a variant a line.
//!
//! | text | stored |
//! |---|---|
//! | `unit`, `bool` | nil; true or false |
//! | `i8` `i16` `i32` `i64` `u8` `u16` `u32` `u64` | a whole number, in as few bytes as it needs |
//! | `i128` `u128` | 16 bytes |
//! | `f32` `f64` | a floating point number |
//! | `char`, `text` | a text |
//! | `bytes`, `bytes(16)`, `uuid` | bytes; that many of them; 16 of them |
//! | `T?` | nil, or a `T` |
//! | `[T]`, `[T; 4]`, `(T, U)` | a list of any length, of 4, of one of each; a unit struct is `()` |
//! | `map(K, V)` | a map |
//! | `{ a: T, b: U }` | a map by field name, in any order; fields that nobody knows are ignored |
//! | `{ a?: T }` | `a` may be left out when it is written |
//! | `{ a: T = default }` | `a` has a default for when it is missing; a `T?` has one, unless it is written `a!: T?` |
//! | `{ a\|b: T }` | `a` is also read under the name `b` |
//! | `{ a: T, ..U }` | the fields of `U` stand in the same map |
//! | `{\| a: T \|}` | fields that nobody knows are refused |
//! | `enum { A, B: T, C\|D }` | the text `A`; a map of `B` to its content; `C`, also read under the name `D` |
//! | `enum(tag) { .. }` | a map with the variant's name in the field `tag`, beside the fields of its content |
//! | `enum(tag, content) { .. }` | a map of two entries |
//! | `enum { A, B = default }` | names that no variant has are read as `B` |
//! | `union(T, U)` | any of these, the first that fits |
//! | `Line` | the type of that name |
//! | `opaque("Money")` | what the type says, of which nothing is known |
//!
//! Any name may stand in quotes, and does when it is no word, or a word of this table where a type is meant.

#[cfg(feature = "avro")]
mod avro;
pub mod compatibility;
mod enumeration;
mod integer;
#[cfg(feature = "json-schema")]
mod json;
pub mod lint;
mod mode;
mod name;
mod parse;
mod probe;
mod record;
mod schema;
mod shaped;
#[cfg(test)]
mod tests;
mod text;
mod token;
mod types;

#[cfg(feature = "avro")]
pub use avro::AvroError;
pub use compatibility::{Break, BreakReason, Path};
pub use enumeration::{Enum, Tagging, Variant};
pub use integer::Integer;
pub use mode::{Direction, Incompatibility, InvalidMode, Mode};
pub use name::Name;
pub use parse::{InvalidShape, ShapeProblem};
pub use probe::{Probe, Unknown};
pub use record::{Field, Record};
pub use schema::Schema;
pub use shaped::Shaped;
pub use types::Types;

/// What a value is stored as. The [module](self) has the meaning and the text of each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// Nothing but that it is there: nil.
    Unit,
    /// True or false.
    Bool,
    /// A whole number.
    Integer(Integer),
    /// A floating point number of 32 bits.
    F32,
    /// A floating point number of 64 bits.
    F64,
    /// A text of one character.
    Char,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
    /// So many bytes.
    FixedBytes(usize),
    /// The 16 bytes of a UUID.
    Uuid,
    /// Nil or a value.
    Option(Box<Self>),
    /// A list of any length.
    List(Box<Self>),
    /// A list of one length.
    Array(Box<Self>, usize),
    /// A list of one of each; empty for a unit struct.
    Tuple(Vec<Self>),
    /// A map from keys to values.
    Map(Box<Self>, Box<Self>),
    /// A map by field name.
    Record(Record),
    /// One of several variants.
    Enum(Enum),
    /// Any of these, without saying which (`serde(untagged)`). It is read as the first that fits.
    Union(Vec<Self>),
    /// The type of that name.
    Named(Name),
    /// A type that says nothing of itself, as it is written. It is taken to change only when that text does.
    Opaque(Name),
}

impl Shape {
    /// Nil or `some`. An option of an option is stored as one, and is the same.
    #[must_use]
    pub fn option(some: Self) -> Self {
        match some {
            Self::Option(_) => some,
            other => Self::Option(Box::new(other)),
        }
    }

    /// A list of `item`s.
    #[must_use]
    pub fn list(item: Self) -> Self {
        Self::List(Box::new(item))
    }

    /// A list of `length` `item`s.
    #[must_use]
    pub fn array(item: Self, length: usize) -> Self {
        Self::Array(Box::new(item), length)
    }

    /// A map from `key`s to `value`s.
    #[must_use]
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(key), Box::new(value))
    }

    /// The type called `name`.
    #[must_use]
    pub fn named(name: impl Into<Name>) -> Self {
        Self::Named(name.into())
    }

    /// A type of which nothing is known but how it is `written`.
    #[must_use]
    pub fn opaque(written: impl Into<Name>) -> Self {
        Self::Opaque(written.into())
    }

    /// The shapes directly inside it.
    pub(crate) fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Option(part) | Self::List(part) | Self::Array(part, _) => vec![part],
            Self::Map(key, value) => vec![key, value],
            Self::Tuple(parts) | Self::Union(parts) => parts.iter().collect(),
            Self::Record(record) => record.fields.iter().map(|field| &field.shape).chain(&record.flattened).collect(),
            Self::Enum(one_of) => one_of.variants.iter().filter_map(|variant| variant.content.as_ref()).collect(),
            _ => Vec::new(),
        }
    }

    /// Shows `visit` every name of a type in it.
    pub(crate) fn visit_names<'a>(&'a self, visit: &mut impl FnMut(&'a Name)) {
        if let Self::Named(name) = self {
            visit(name);
        }
        for part in self.parts() {
            part.visit_names(visit);
        }
    }
}
