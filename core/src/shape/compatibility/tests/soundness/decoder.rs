//! Whether a stored value is one of a shape: what serde does with rmp-serde, spelled out.

use rmpv::Value;

use crate::shape::{Enum, Field, Integer, Record, Schema, Shape, Tagging, Variant};

/// Whether `value` decodes as `schema`.
pub(super) fn decodes(schema: &Schema, value: &Value) -> bool {
    Decoder { schema }.is(schema.shape(), value)
}

struct Decoder<'a> {
    schema: &'a Schema,
}

type Entry<'v> = (&'v str, &'v Value);

impl Decoder<'_> {
    fn is(&self, shape: &Shape, value: &Value) -> bool {
        match (shape, value) {
            (Shape::Unit, Value::Nil) | (Shape::Bool, Value::Boolean(_)) => true,
            (Shape::Integer(integer), Value::Integer(number)) => {
                let number = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from)).unwrap();
                in_range(*integer, number)
            }
            (Shape::Integer(Integer::I128 | Integer::U128), Value::Binary(bytes)) => bytes.len() == 16,
            (Shape::F32, Value::F32(_) | Value::Integer(_)) => true,
            (Shape::F64, Value::F64(_) | Value::F32(_) | Value::Integer(_)) => true,
            (Shape::Char, Value::String(text)) => text.as_str().is_some_and(|text| text.chars().count() == 1),
            (Shape::Text, Value::String(text)) => text.is_str(),
            (Shape::Bytes, Value::Binary(_) | Value::String(_)) => true,
            (Shape::FixedBytes(length), Value::Binary(bytes)) => bytes.len() == *length,
            (Shape::Uuid, Value::Binary(bytes)) => bytes.len() == 16,
            (Shape::Option(_), Value::Nil) => true,
            (Shape::Option(some), _) => self.is(some, value),
            (Shape::List(item), Value::Array(values)) => values.iter().all(|value| self.is(item, value)),
            (Shape::Array(item, length), Value::Array(values)) => {
                values.len() == *length && values.iter().all(|value| self.is(item, value))
            }
            (Shape::Tuple(items), Value::Array(values)) => {
                values.len() == items.len() && items.iter().zip(values).all(|(item, value)| self.is(item, value))
            }
            (Shape::Map(key, one), Value::Map(entries)) => {
                entries.iter().all(|(name, value)| self.is(key, name) && self.is(one, value))
            }
            (Shape::Record(record), Value::Map(entries)) => self.record(record, entries),
            (Shape::Enum(one_of), _) => self.enumeration(one_of, value),
            (Shape::Union(alternatives), _) => alternatives.iter().any(|alternative| self.is(alternative, value)),
            (Shape::Named(name), _) => {
                let named = self.schema.get(name).unwrap();
                !std::ptr::eq(named, shape) && self.is(named, value)
            }
            (Shape::Opaque(written), Value::Ext(_, bytes)) => written.as_str().as_bytes() == bytes,
            _ => false,
        }
    }

    fn record(&self, record: &Record, entries: &[(Value, Value)]) -> bool {
        let Some(mut entries) = texts(entries) else {
            return false;
        };
        self.take(record, &mut entries, false) && (!record.is_exact || entries.is_empty())
    }

    /// Takes what is a record's. Of one that may be none as a whole, each field may be missing; what does not decode is none
    /// to serde, but that must not hide that something was written.
    fn take(&self, record: &Record, entries: &mut Vec<Entry<'_>>, is_optional: bool) -> bool {
        self.take_fields(&record.fields, entries, is_optional) && self.take_parts(record, entries, is_optional)
    }

    /// Takes the entries of `fields`, each of which is there once, or not at all when it has a default.
    fn take_fields(&self, fields: &[Field], entries: &mut Vec<Entry<'_>>, is_optional: bool) -> bool {
        fields.iter().all(|field| {
            let own: Vec<_> = entries.extract_if(.., |(name, _)| field.is_read_from(&(*name).into())).collect();
            match own.as_slice() {
                [] => field.has_default || is_optional,
                [(_, value)] => self.is(&field.shape, value),
                _ => false,
            }
        })
    }

    /// Flattened parts in their order: a struct takes its fields, unless it has flattened parts itself, and an enum takes its
    /// variant; whatever else looks at all entries that are left, and leaves them there.
    fn take_parts(&self, record: &Record, entries: &mut Vec<Entry<'_>>, is_optional: bool) -> bool {
        record.flattened.iter().all(|part| {
            let (part, is_optional) = match self.resolved(part) {
                Shape::Option(some) => (self.resolved(some), true),
                other => (other, is_optional),
            };
            match part {
                Shape::Record(part) if part.flattened.is_empty() => self.take(part, entries, is_optional),
                Shape::Record(part) => self.take(part, &mut entries.clone(), is_optional),
                Shape::Map(..) => self.is(part, &whole(entries)),
                Shape::Unit | Shape::Opaque(_) => true,
                _ if is_optional => true,
                Shape::Enum(one_of) if one_of.tagging == Tagging::External => self.take_variant(one_of, entries),
                other => self.is(other, &whole(entries)),
            }
        })
    }

    fn take_variant(&self, one_of: &Enum, entries: &mut Vec<Entry<'_>>) -> bool {
        let variant =
            |(name, _): &Entry<'_>| one_of.variants.iter().find(|variant| variant.is_read_from(&(*name).into()));
        let Some(at) = entries.iter().position(|entry| variant(entry).is_some()) else { return false };
        let entry = entries.remove(at);
        variant(&entry).is_some_and(|variant| self.content(variant, Some(entry.1)))
    }

    fn enumeration(&self, one_of: &Enum, value: &Value) -> bool {
        match &one_of.tagging {
            Tagging::External => match value {
                Value::String(name) => {
                    one_of_name(one_of, name.as_str().unwrap()).is_some_and(|variant| self.content(variant, None))
                }
                Value::Map(entries) if entries.len() == 1 => entries[0]
                    .0
                    .as_str()
                    .and_then(|name| one_of_name(one_of, name))
                    .is_some_and(|variant| self.content(variant, Some(&entries[0].1))),
                _ => false,
            },
            Tagging::Internal { tag } => self.internal(one_of, tag.as_str(), value),
            Tagging::Adjacent { tag, content } => {
                let Some(entries) = value.as_map().and_then(|entries| texts(entries)) else {
                    return false;
                };
                let entry = |name: &str| entries.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
                let name = entry(tag.as_str()).and_then(Value::as_str);
                let variant = name.and_then(|name| one_of_name(one_of, name));
                variant.is_some_and(|variant| self.content(variant, entry(content.as_str())))
            }
        }
    }

    fn internal(&self, one_of: &Enum, tag: &str, value: &Value) -> bool {
        let Value::Map(entries) = value else {
            return false;
        };
        let (tags, others): (Vec<_>, Vec<_>) =
            entries.iter().cloned().partition(|(name, _)| name.as_str() == Some(tag));
        let [(_, name)] = tags.as_slice() else {
            return false;
        };
        match name.as_str().and_then(|name| one_of_name(one_of, name)) {
            Some(Variant { content: None, .. }) => true,
            Some(Variant { content: Some(content), .. }) => self.is(content, &Value::Map(others)),
            None => false,
        }
    }

    /// A bare name is read as a bare name; a variant without content skips nil alone.
    fn content(&self, variant: &Variant, value: Option<&Value>) -> bool {
        match (&variant.content, value) {
            (None, None | Some(Value::Nil)) => true,
            (Some(content), Some(value)) => self.is(content, value),
            _ => false,
        }
    }

    fn resolved<'s>(&'s self, shape: &'s Shape) -> &'s Shape {
        match shape {
            Shape::Named(name) if self.schema.get(name) != Some(shape) => self.resolved(self.schema.get(name).unwrap()),
            other => other,
        }
    }
}

fn whole(entries: &[Entry<'_>]) -> Value {
    Value::Map(entries.iter().map(|(name, value)| (Value::from(*name), (*value).clone())).collect())
}

/// The variant that a name is read as.
fn one_of_name<'a>(one_of: &'a Enum, name: &str) -> Option<&'a Variant> {
    let own = one_of.variants.iter().find(|variant| variant.is_read_from(&name.into()));
    own.or_else(|| one_of.variants.iter().find(|variant| variant.is_default))
}

/// Entries whose keys are texts, if all are.
fn texts(entries: &[(Value, Value)]) -> Option<Vec<Entry<'_>>> {
    entries.iter().map(|(name, value)| Some((name.as_str()?, value))).collect()
}

fn in_range(integer: Integer, number: i128) -> bool {
    match (integer.is_signed(), integer.bits()) {
        (_, 128) => integer.is_signed() || number >= 0,
        (true, bits) => (-(1_i128 << (bits - 1))..1_i128 << (bits - 1)).contains(&number),
        (false, bits) => (0..1_i128 << bits).contains(&number),
    }
}
