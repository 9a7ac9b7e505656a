//! Records: fields by name and alias.

use super::{BreakReason, Check, Step};
use crate::shape::{Field, Name, Record, Schema, Shape, Tagging};

/// How deep flattened parts are looked into, which a part that contains itself would make endless.
const FLATTENED_MAX: usize = 16;

/// What the names of fields are stored as.
static NAME: Shape = Shape::Text;

/// The entries of a record's map.
#[derive(Default)]
pub(in crate::shape) struct Entries<'a> {
    pub(in crate::shape) fields: Vec<Entry<'a>>,
    /// Flattened parts whose fields are not the same each time.
    pub(in crate::shape) parts: Vec<&'a Shape>,
}

/// A field, its own or of a flattened record.
#[derive(Clone, Copy)]
pub(in crate::shape) struct Entry<'a> {
    pub(in crate::shape) field: &'a Field,
    pub(in crate::shape) has_default: bool,
    pub(in crate::shape) may_be_left_out: bool,
}

/// The names that a flattened part may have among the fields.
enum Names<'a> {
    /// These.
    Only(Vec<&'a Name>),
    /// Any, with such a value.
    AnyOf(&'a Shape),
    /// Nothing is known.
    Unknown,
}

impl<'a> Check<'a> {
    pub(super) fn records(&mut self, reader: &'a Record, writer: &'a Record) {
        let read = Entries::of(self.reader, reader);
        let written = Entries::of(self.writer, writer);
        for entry in &read.fields {
            self.read_field(*entry, &written);
        }
        for entry in &written.fields {
            let is_read = read.fields.iter().any(|own| own.field.is_read_from(&entry.field.name));
            if !is_read {
                self.unread_field(entry.field, reader.is_exact, &read);
            }
        }
        self.parts(&read, &written, reader.is_exact);
    }

    fn read_field(&mut self, entry: Entry<'a>, written: &Entries<'a>) {
        let Entry { field, has_default, .. } = entry;
        let at = || Step::Field(field.name.clone());
        let mut sources = written.fields.iter().filter(|other| field.is_read_from(&other.field.name));
        let source = sources.next();
        match (source, sources.next()) {
            (Some(first), Some(second)) => {
                let (first, second) = (first.field.name.clone(), second.field.name.clone());
                return self.break_at(at(), BreakReason::ReadTwice { first, second });
            }
            (Some(source), None) => {
                if source.may_be_left_out && !has_default {
                    self.break_at(at(), BreakReason::MayBeLeftOut);
                }
                self.inside(at(), &field.shape, &source.field.shape);
            }
            (None, _) if !has_default => return self.break_at(at(), BreakReason::NoDefault),
            (None, _) => {}
        }
        if written.parts.iter().any(|part| self.may_take(field, source, part)) {
            self.break_at(at(), BreakReason::Flattened);
        }
    }

    /// Whether `field` may be read from something in the flattened `part` that is not meant for it, in place of its
    /// `source` or beside it.
    fn may_take(&mut self, field: &'a Field, source: Option<&Entry<'a>>, part: &'a Shape) -> bool {
        let is_left_out = source.is_none_or(|source| source.may_be_left_out);
        let is_source = |name: &Name| source.is_some_and(|source| source.field.name == *name);
        match names(self.writer, part, 0) {
            Names::Only(names) => {
                names.into_iter().any(|name| field.is_read_from(name) && (is_left_out || !is_source(name)))
            }
            Names::AnyOf(value) => {
                let is_read_beside = source.is_some() && !(is_source(&field.name) && field.aliases.is_empty());
                is_read_beside || is_left_out && !self.holds(&field.shape, value)
            }
            Names::Unknown => is_left_out || !field.aliases.is_empty(),
        }
    }

    /// A field that was written and that no field is read from.
    fn unread_field(&mut self, field: &'a Field, is_exact: bool, read: &Entries<'a>) {
        if is_exact {
            self.break_at(Step::Field(field.name.clone()), BreakReason::Refused);
        }
        for part in &read.parts {
            if let Shape::Map(key, value) = self.reader.resolve(part) {
                if !self.holds(key, &NAME) {
                    self.break_at(Step::Field(field.name.clone()), BreakReason::Flattened);
                }
                self.inside(Step::Field(field.name.clone()), value, &field.shape);
            }
        }
    }

    /// Flattened parts are compared one by one. A map may be new, as it takes whatever is not known; but beside other parts
    /// it takes what is theirs too.
    fn parts(&mut self, read: &Entries<'a>, written: &Entries<'a>, is_exact: bool) {
        if is_exact && !written.parts.is_empty() {
            self.break_here(BreakReason::Refused);
        }
        let has_map = read.parts.iter().any(|part| matches!(self.reader.resolve(part), Shape::Map(..)));
        let mut others = written.parts.iter().map(|part| self.writer.resolve(part));
        if read.parts.len() == written.parts.len() && !(has_map && others.any(|part| !matches!(part, Shape::Map(..)))) {
            for (part, other) in read.parts.iter().zip(&written.parts) {
                self.part(part, other);
            }
        } else if !(read.parts.is_empty() || written.parts.is_empty() && has_map && read.parts.len() == 1) {
            self.break_here(BreakReason::Flattened);
        }
    }

    /// What is none has no entries, so that an option is no union with nil here.
    fn part(&mut self, reader: &'a Shape, writer: &'a Shape) {
        let (read, is_optional) = some(self.reader, reader);
        let (written, may_be_none) = some(self.writer, writer);
        let is_alike = matches!(
            (read, written),
            (Shape::Map(..), Shape::Map(..))
                | (Shape::Enum(_), Shape::Enum(_))
                | (Shape::Union(_), Shape::Union(_))
                | (Shape::Opaque(_), Shape::Opaque(_))
        );
        if !is_alike || may_be_none && !is_optional {
            return self.break_here(BreakReason::Flattened);
        }
        self.shapes(read, written);
    }
}

impl<'a> Entries<'a> {
    pub(in crate::shape) fn of(schema: &'a Schema, record: &'a Record) -> Self {
        let mut entries = Self::default();
        entries.add(schema, record, false, 0);
        entries
    }

    /// Adds the fields of a record; one that may be missing as a whole may lack each of them.
    fn add(&mut self, schema: &'a Schema, record: &'a Record, is_optional: bool, depth: usize) {
        self.fields.extend(record.fields.iter().map(|field| Entry {
            field,
            has_default: field.has_default || is_optional,
            may_be_left_out: field.may_be_left_out || is_optional,
        }));
        for part in &record.flattened {
            self.add_part(schema, part, is_optional, depth + 1);
        }
    }

    fn add_part(&mut self, schema: &'a Schema, part: &'a Shape, is_optional: bool, depth: usize) {
        match schema.resolve(part) {
            Shape::Unit => {}
            Shape::Record(record) if depth < FLATTENED_MAX => self.add(schema, record, is_optional, depth),
            Shape::Option(some) if matches!(schema.resolve(some), Shape::Record(_)) && depth < FLATTENED_MAX => {
                self.add_part(schema, some, true, depth + 1);
            }
            _ => self.parts.push(part),
        }
    }
}

/// The names that `part` may have among the fields.
fn names<'a>(schema: &'a Schema, part: &'a Shape, depth: usize) -> Names<'a> {
    match schema.resolve(part) {
        _ if depth > FLATTENED_MAX => Names::Unknown,
        Shape::Unit => Names::Only(Vec::new()),
        Shape::Option(some) => names(schema, some, depth + 1),
        Shape::Map(_, value) => Names::AnyOf(value),
        Shape::Record(record) => {
            let own = record.fields.iter().map(|field| &field.name).collect();
            all(own, schema, record.flattened.iter(), depth)
        }
        Shape::Union(alternatives) => all(Vec::new(), schema, alternatives.iter(), depth),
        Shape::Enum(one_of) => match &one_of.tagging {
            Tagging::External => Names::Only(one_of.variants.iter().map(|variant| &variant.name).collect()),
            Tagging::Adjacent { tag, content } => Names::Only(vec![tag, content]),
            Tagging::Internal { tag } => {
                let contents = one_of.variants.iter().filter_map(|variant| variant.content.as_ref());
                all(vec![tag], schema, contents, depth)
            }
        },
        _ => Names::Unknown,
    }
}

/// The names `own`, and those of `parts` when they are known.
fn all<'a>(
    mut own: Vec<&'a Name>,
    schema: &'a Schema,
    parts: impl Iterator<Item = &'a Shape>,
    depth: usize,
) -> Names<'a> {
    for part in parts {
        match names(schema, part, depth + 1) {
            Names::Only(more) => own.extend(more),
            _ => return Names::Unknown,
        }
    }
    Names::Only(own)
}

/// What an option is of, and that it is one; and anything else itself.
fn some<'a>(schema: &'a Schema, shape: &'a Shape) -> (&'a Shape, bool) {
    match schema.resolve(shape) {
        Shape::Option(some) => (schema.resolve(some), true),
        other => (other, false),
    }
}
