//! Shapes as text.

use std::fmt::{self, Display, Formatter};

use super::{Enum, Field, Name, Record, Schema, Shape, Tagging, Variant, parse};

/// How far a field or variant is indented under what holds it, when each has a line of its own.
const INDENT: usize = 4;

impl Display for Shape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        shape(self, f, 0)
    }
}

impl Display for Schema {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        shape(self.shape(), f, 0)?;
        for (name, named) in self.types() {
            f.write_str("\n")?;
            type_name(name, f)?;
            f.write_str(" = ")?;
            shape(named, f, 0)?;
        }
        Ok(())
    }
}

fn shape(shape: &Shape, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    match shape {
        Shape::Unit => f.write_str("unit"),
        Shape::Bool => f.write_str("bool"),
        Shape::Integer(integer) => integer.fmt(f),
        Shape::F32 => f.write_str("f32"),
        Shape::F64 => f.write_str("f64"),
        Shape::Char => f.write_str("char"),
        Shape::Text => f.write_str("text"),
        Shape::Bytes => f.write_str("bytes"),
        Shape::FixedBytes(length) => write!(f, "bytes({length})"),
        Shape::Uuid => f.write_str("uuid"),
        Shape::Option(some) => {
            self::shape(some, f, depth)?;
            f.write_str("?")
        }
        Shape::List(item) => {
            f.write_str("[")?;
            self::shape(item, f, depth)?;
            f.write_str("]")
        }
        Shape::Array(item, length) => {
            f.write_str("[")?;
            self::shape(item, f, depth)?;
            write!(f, "; {length}]")
        }
        Shape::Tuple(items) => list(items, f, depth),
        Shape::Map(key, value) => {
            f.write_str("map(")?;
            self::shape(key, f, depth)?;
            f.write_str(", ")?;
            self::shape(value, f, depth)?;
            f.write_str(")")
        }
        Shape::Record(record) => self::record(record, f, depth),
        Shape::Enum(one_of) => enumeration(one_of, f, depth),
        Shape::Union(alternatives) => {
            f.write_str("union")?;
            list(alternatives, f, depth)
        }
        Shape::Named(name) => type_name(name, f),
        Shape::Opaque(written) => {
            f.write_str("opaque(")?;
            written.write_quoted(f)?;
            f.write_str(")")
        }
    }
}

fn list(items: &[Shape], f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    f.write_str("(")?;
    for (index, item) in items.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        shape(item, f, depth)?;
    }
    f.write_str(")")
}

fn record(record: &Record, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    let (open, close) = if record.is_exact { ("{|", "|}") } else { ("{", "}") };
    let fields = record.fields.iter().map(Entry::Field);
    let entries = fields.chain(record.flattened.iter().map(Entry::Flattened)).collect::<Vec<_>>();
    block(open, &entries, close, f, depth)
}

fn enumeration(one_of: &Enum, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    match &one_of.tagging {
        Tagging::External => f.write_str("enum ")?,
        Tagging::Internal { tag } => write!(f, "enum({tag}) ")?,
        Tagging::Adjacent { tag, content } => write!(f, "enum({tag}, {content}) ")?,
    }
    let entries = one_of.variants.iter().map(Entry::Variant).collect::<Vec<_>>();
    block("{", &entries, "}", f, depth)
}

/// What stands between braces.
enum Entry<'a> {
    Field(&'a Field),
    Flattened(&'a Shape),
    Variant(&'a Variant),
}

/// Entries between braces, in one line or, in the alternate form, one a line.
fn block(open: &str, entries: &[Entry<'_>], close: &str, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    f.write_str(open)?;
    let inner = if f.alternate() { depth + INDENT } else { depth };
    for (index, entry) in entries.iter().enumerate() {
        match (f.alternate(), index) {
            (true, _) => write!(f, "\n{:inner$}", "")?,
            (false, 0) => f.write_str(" ")?,
            (false, _) => f.write_str(", ")?,
        }
        self::entry(entry, f, inner)?;
        f.write_str(if f.alternate() { "," } else { "" })?;
    }
    match (f.alternate(), entries.is_empty()) {
        (_, true) => {}
        (true, false) => write!(f, "\n{:depth$}", "")?,
        (false, false) => f.write_str(" ")?,
    }
    f.write_str(close)
}

fn entry(entry: &Entry<'_>, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    match entry {
        Entry::Field(field) => self::field(field, f, depth),
        Entry::Flattened(part) => {
            f.write_str("..")?;
            shape(part, f, depth)
        }
        Entry::Variant(variant) => self::variant(variant, f, depth),
    }
}

fn field(field: &Field, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    names(&field.name, &field.aliases, f)?;
    let is_option = matches!(field.shape, Shape::Option(_));
    f.write_str(if field.may_be_left_out { "?" } else { "" })?;
    f.write_str(if is_option && !field.has_default { "!: " } else { ": " })?;
    shape(&field.shape, f, depth)?;
    f.write_str(if field.has_default && !is_option { " = default" } else { "" })
}

fn variant(variant: &Variant, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    names(&variant.name, &variant.aliases, f)?;
    if let Some(content) = &variant.content {
        f.write_str(": ")?;
        shape(content, f, depth)?;
    }
    f.write_str(if variant.is_default { " = default" } else { "" })
}

fn names(name: &Name, aliases: &[Name], f: &mut Formatter<'_>) -> fmt::Result {
    name.fmt(f)?;
    for alias in aliases {
        write!(f, "|{alias}")?;
    }
    Ok(())
}

/// A type may be called like a word of the grammar.
fn type_name(name: &Name, f: &mut Formatter<'_>) -> fmt::Result {
    if parse::is_keyword(name.as_str()) { name.write_quoted(f) } else { name.fmt(f) }
}
