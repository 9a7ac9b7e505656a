//! The names that flattened parts may have among the fields.

use super::entries::FLATTENED_MAX;
use crate::shape::{Enum, Name, Schema, Shape, Tagging, Variant};

/// The names that a flattened part may have.
pub(super) enum Names<'a> {
    /// Of these.
    Only(Vec<&'a Name>),
    /// Whatever can be such a key, with such a value.
    Keys(&'a Shape, &'a Shape),
    /// Nothing is known.
    Unknown,
}

/// Those that `part` writes.
pub(super) fn written<'a>(schema: &'a Schema, part: &'a Shape) -> Names<'a> {
    Search { schema, is_read: false }.names(part, 0)
}

/// Those that `part` reads, aliases included.
pub(super) fn read<'a>(schema: &'a Schema, part: &'a Shape) -> Names<'a> {
    Search { schema, is_read: true }.names(part, 0)
}

struct Search<'a> {
    schema: &'a Schema,
    is_read: bool,
}

impl<'a> Search<'a> {
    fn names(&self, part: &'a Shape, depth: usize) -> Names<'a> {
        match self.schema.resolve(part) {
            _ if depth > FLATTENED_MAX => Names::Unknown,
            Shape::Unit => Names::Only(Vec::new()),
            Shape::Option(some) => self.names(some, depth + 1),
            Shape::Map(key, value) => Names::Keys(key, value),
            Shape::Record(record) => {
                let own = record.fields.iter().flat_map(|field| self.with_aliases(&field.name, &field.aliases));
                self.all(own.collect(), record.flattened.iter(), depth)
            }
            Shape::Union(alternatives) => self.all(Vec::new(), alternatives.iter(), depth),
            Shape::Enum(one_of) => match &one_of.tagging {
                Tagging::External => {
                    let names = |variant: &'a Variant| self.with_aliases(&variant.name, &variant.aliases);
                    Names::Only(one_of.variants.iter().flat_map(names).collect())
                }
                Tagging::Adjacent { tag, content } => Names::Only(vec![tag, content]),
                Tagging::Internal { tag } => {
                    let contents = one_of.variants.iter().filter_map(|variant| variant.content.as_ref());
                    self.all(vec![tag], contents, depth)
                }
            },
            _ => Names::Unknown,
        }
    }

    fn with_aliases(&self, name: &'a Name, aliases: &'a [Name]) -> impl Iterator<Item = &'a Name> + use<'a> {
        let aliases = if self.is_read { aliases } else { &[] };
        [name].into_iter().chain(aliases)
    }

    /// The names `own`, and those of `parts` when they are known.
    fn all(&self, mut own: Vec<&'a Name>, parts: impl Iterator<Item = &'a Shape>, depth: usize) -> Names<'a> {
        for part in parts {
            match self.names(part, depth + 1) {
                Names::Only(more) => own.extend(more),
                _ => return Names::Unknown,
            }
        }
        Names::Only(own)
    }
}

/// Whether a key may have been written as the text `name`, or as something that may be taken for it.
pub(super) fn may_be_written(schema: &Schema, key: &Shape, name: &Name) -> bool {
    is_key(schema, key, 0, &|key| match key {
        Shape::Char => is_char(name),
        Shape::Enum(Enum { tagging: Tagging::External, variants }) => {
            variants.iter().any(|variant| variant.content.is_none() && variant.name == *name)
        }
        _ => true,
    })
}

/// Whether a key is read from the text `name`.
pub(super) fn is_read_from(schema: &Schema, key: &Shape, name: &Name) -> bool {
    is_key(schema, key, 0, &|key| match key {
        Shape::Text | Shape::Bytes => true,
        Shape::Char => is_char(name),
        Shape::Enum(Enum { tagging: Tagging::External, variants }) => {
            let by_name = variants.iter().find(|variant| variant.is_read_from(name));
            let variant = by_name.or_else(|| variants.iter().find(|variant| variant.is_default));
            variant.is_some_and(|variant| variant.content.is_none())
        }
        _ => false,
    })
}

/// The only texts that a key is written as, if they can be counted.
pub(super) fn countable<'a>(schema: &'a Schema, key: &'a Shape) -> Option<Vec<&'a Name>> {
    match schema.resolve(key) {
        Shape::Enum(Enum { tagging: Tagging::External, variants }) => {
            variants.iter().map(|variant| variant.content.is_none().then_some(&variant.name)).collect()
        }
        _ => None,
    }
}

/// Whether it holds for `key`, or for what that may be.
fn is_key(schema: &Schema, key: &Shape, depth: usize, holds: &impl Fn(&Shape) -> bool) -> bool {
    match schema.resolve(key) {
        Shape::Option(some) if depth < FLATTENED_MAX => is_key(schema, some, depth + 1, holds),
        Shape::Union(alternatives) if depth < FLATTENED_MAX => {
            alternatives.iter().any(|alternative| is_key(schema, alternative, depth + 1, holds))
        }
        other => holds(other),
    }
}

fn is_char(name: &Name) -> bool {
    name.as_str().chars().count() == 1
}
