//! What stands in a record's map, and which of it each field and each flattened part sees.

use crate::shape::{Field, Name, Record, Schema, Shape};

/// How deep flattened parts are looked into, and how many, which a part that contains itself would make endless.
pub(super) const FLATTENED_MAX: usize = 16;
const PARTS_MAX: usize = 1000;

/// The entries of a record's map.
#[derive(Default)]
pub(in crate::shape) struct Entries<'a> {
    pub(in crate::shape) fields: Vec<Entry<'a>>,
    /// Flattened parts whose fields are not the same each time, in the order in which they are read.
    pub(in crate::shape) parts: Vec<Part<'a>>,
    /// How many flattened parts were looked into.
    looked_into: usize,
}

/// A field, its own or of a flattened record.
#[derive(Clone)]
pub(in crate::shape) struct Entry<'a> {
    pub(in crate::shape) field: &'a Field,
    pub(in crate::shape) has_default: bool,
    pub(in crate::shape) may_be_left_out: bool,
    /// Whether reading it takes it away, so that it is not left over in the end.
    pub(super) is_taken: bool,
    taken: Vec<&'a Field>,
}

/// A flattened part.
pub(in crate::shape) struct Part<'a> {
    pub(in crate::shape) shape: &'a Shape,
    taken: Vec<&'a Field>,
}

/// Where in a record its parts are looked at.
#[derive(Clone)]
struct Within<'a> {
    /// In what may be missing as a whole, so that it may lack each of its fields.
    is_optional: bool,
    is_taken: bool,
    /// The fields whose entries are not seen there.
    taken: Vec<&'a Field>,
    depth: usize,
}

impl<'a> Entries<'a> {
    pub(in crate::shape) fn of(schema: &'a Schema, record: &'a Record) -> Self {
        let mut entries = Self::default();
        let within = Within { is_optional: false, is_taken: true, taken: Vec::new(), depth: 0 };
        entries.add(schema, record, within);
        entries
    }

    /// Whether a field of this name is always there, so that nothing else can have it.
    pub(super) fn always_has(&self, name: &Name) -> bool {
        self.fields.iter().any(|entry| !entry.may_be_left_out && entry.field.name == *name)
    }

    /// Adds the fields of a record, and its parts in their order.
    ///
    /// As serde has it, a struct takes its fields from among the entries when its turn comes, unless it has flattened parts
    /// itself: that looks at all of them, and leaves them there.
    fn add(&mut self, schema: &'a Schema, record: &'a Record, mut within: Within<'a>) {
        self.fields.extend(record.fields.iter().map(|field| Entry {
            field,
            has_default: field.has_default || within.is_optional,
            may_be_left_out: field.may_be_left_out || within.is_optional,
            is_taken: within.is_taken,
            taken: within.taken.clone(),
        }));
        within.taken.extend(&record.fields);
        within.depth += 1;
        for part in &record.flattened {
            self.add_part(schema, part, &within);
            if let Shape::Record(record) = some(schema, part).0
                && record.flattened.is_empty()
            {
                within.taken.extend(&record.fields);
            }
        }
    }

    fn add_part(&mut self, schema: &'a Schema, part: &'a Shape, within: &Within<'a>) {
        self.looked_into += 1;
        let is_bounded = within.depth < FLATTENED_MAX && self.looked_into < PARTS_MAX;
        match some(schema, part) {
            (Shape::Unit, false) => {}
            (Shape::Record(record), may_be_none) if is_bounded => {
                let is_optional = within.is_optional || may_be_none;
                let is_taken = within.is_taken && record.flattened.is_empty();
                self.add(schema, record, Within { is_optional, is_taken, ..within.clone() });
            }
            _ => self.parts.push(Part { shape: part, taken: within.taken.clone() }),
        }
    }
}

impl<'a> Entry<'a> {
    /// Whether it is read from an entry of this name.
    pub(super) fn reads(&self, name: &Name) -> bool {
        self.field.is_read_from(name) && sees(&self.taken, name)
    }

    /// The names that it is read from, each once.
    pub(super) fn names(&self) -> Vec<&'a Name> {
        let mut names: Vec<&'a Name> = Vec::new();
        for name in [&self.field.name].into_iter().chain(&self.field.aliases) {
            if sees(&self.taken, name) && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl Part<'_> {
    /// Whether it sees an entry of this name.
    pub(super) fn sees(&self, name: &Name) -> bool {
        sees(&self.taken, name)
    }
}

fn sees(taken: &[&Field], name: &Name) -> bool {
    !taken.iter().any(|field| field.is_read_from(name))
}

/// What an option is of, and that it is one; and anything else itself.
pub(super) fn some<'a>(schema: &'a Schema, shape: &'a Shape) -> (&'a Shape, bool) {
    match schema.resolve(shape) {
        Shape::Option(some) => (schema.resolve(some), true),
        other => (other, false),
    }
}

/// Keys and values of a part that is a map, or maybe none, which is an empty one.
pub(super) fn map<'a>(schema: &'a Schema, part: &Part<'a>) -> Option<(&'a Shape, &'a Shape)> {
    match some(schema, part.shape) {
        (Shape::Map(key, value), _) => Some((key, value)),
        _ => None,
    }
}
