//! Values of a shape, as they are stored.

use rmpv::Value;

use super::random::Random;
use crate::shape::{Enum, Integer, Name, Record, Schema, Shape, Tagging, Variant};

/// How deep a value is nested before it comes to an end where it can.
const DEPTH_MAX: usize = 12;

/// A value of `schema`, if it has any. Its texts are names of `reader`, which its maps are most likely to confuse.
pub(super) fn value(schema: &Schema, reader: &Schema, random: &mut Random) -> Option<Value> {
    let mut texts = vec![Name::from("text")];
    for shape in
        [schema, reader].into_iter().flat_map(|schema| schema.types().map(|(_, shape)| shape).chain([schema.shape()]))
    {
        names(shape, &mut texts);
    }
    Writer { schema, texts, random }.value(schema.shape(), 0)
}

fn names(shape: &Shape, texts: &mut Vec<Name>) {
    if let Shape::Record(record) = shape {
        texts.extend(record.fields.iter().flat_map(|field| [&field.name].into_iter().chain(&field.aliases)).cloned());
    }
    for part in shape.parts() {
        names(part, texts);
    }
}

struct Writer<'a> {
    schema: &'a Schema,
    texts: Vec<Name>,
    random: &'a mut Random,
}

impl Writer<'_> {
    fn value(&mut self, shape: &Shape, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        Some(match shape {
            Shape::Unit => Value::Nil,
            Shape::Bool => Value::from(self.random.one_in(2)),
            Shape::Integer(integer) => self.integer(*integer),
            Shape::F32 => Value::F32(self.random.next() as f32),
            Shape::F64 => Value::F64(self.random.next() as f64),
            Shape::Char => self.char(),
            Shape::Text => self.text(),
            Shape::Bytes => {
                let length = self.random.below(20);
                Value::Binary(vec![0xff; length])
            }
            Shape::FixedBytes(length) => Value::Binary(vec![0xff; *length]),
            Shape::Uuid => Value::Binary(vec![0xff; 16]),
            Shape::Option(some) => match self.random.one_in(3) {
                true => Value::Nil,
                false => self.value(some, depth + 1).unwrap_or(Value::Nil),
            },
            Shape::List(item) => {
                let length = self.random.below(3);
                self.list(std::iter::repeat_n(&**item, length), depth).unwrap_or(Value::Array(vec![]))
            }
            Shape::Array(item, length) => self.list(std::iter::repeat_n(&**item, *length), depth)?,
            Shape::Tuple(items) => self.list(items.iter(), depth)?,
            Shape::Map(key, value) => self.map(key, value, depth)?,
            Shape::Record(record) => self.record(record, depth)?,
            Shape::Enum(one_of) => self.enumeration(one_of, depth)?,
            Shape::Union(alternatives) if alternatives.is_empty() => return None,
            Shape::Union(alternatives) => {
                let alternative = self.random.pick(alternatives);
                self.value(alternative, depth + 1)?
            }
            Shape::Named(name) => self.value(self.schema.get(name)?, depth + 1)?,
            Shape::Opaque(written) => Value::Ext(1, written.as_str().into()),
        })
    }

    fn integer(&mut self, integer: Integer) -> Value {
        let random = self.random.next();
        let bits = integer.bits();
        if bits == 128 {
            return Value::Binary(vec![0; 16]);
        }
        // The smallest, the largest, or anything between.
        let unsigned = match random % 4 {
            0 => 0,
            1 => u64::MAX >> (64 - bits),
            _ => random >> (64 - bits),
        };
        match integer.is_signed() {
            // The sign is that of the highest of the bits.
            true => Value::from((unsigned << (64 - bits)).cast_signed() >> (64 - bits)),
            false => Value::from(unsigned),
        }
    }

    fn text(&mut self) -> Value {
        let text = self.random.pick(&self.texts);
        Value::from(text.as_str())
    }

    /// A name as well, if it is that short.
    fn char(&mut self) -> Value {
        let name = self.random.pick(&self.texts).as_str();
        let chars = [name, "c", "é"].into_iter().filter(|name| name.chars().count() == 1).collect::<Vec<_>>();
        Value::from(*self.random.pick(&chars))
    }

    fn list<'s>(&mut self, items: impl Iterator<Item = &'s Shape>, depth: usize) -> Option<Value> {
        items.map(|item| self.value(item, depth + 1)).collect::<Option<Vec<_>>>().map(Value::Array)
    }

    fn map(&mut self, key: &Shape, value: &Shape, depth: usize) -> Option<Value> {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        for _ in 0..self.random.below(3) {
            let Some((key, value)) = self.value(key, depth + 1).zip(self.value(value, depth + 1)) else {
                continue;
            };
            if entries.iter().all(|(other, _)| *other != key) {
                entries.push((key, value));
            }
        }
        Some(Value::Map(entries))
    }

    fn record(&mut self, record: &Record, depth: usize) -> Option<Value> {
        let mut entries = Vec::new();
        for field in &record.fields {
            if field.may_be_left_out && self.random.one_in(2) {
                continue;
            }
            entries.push((Value::from(field.name.as_str()), self.value(&field.shape, depth + 1)?));
        }
        // What maps hold has no name of a field that is there; two of them may hold the same.
        let mut held = Vec::new();
        for part in &record.flattened {
            let resolved = self.schema.resolve(part);
            let is_map = |shape: &Shape| matches!(self.schema.resolve(shape), Shape::Map(..));
            let is_map = is_map(part) || matches!(resolved, Shape::Option(some) if is_map(some));
            match self.value(part, depth + 1)? {
                Value::Map(own) if is_map => held.extend(own),
                Value::Map(own) => entries.extend(own),
                Value::Nil if matches!(resolved, Shape::Unit | Shape::Option(_)) => {}
                // serde refuses to write it.
                _ => return None,
            }
        }
        held.retain(|(key, _)| entries.iter().all(|(other, _)| other != key));
        // The writer could not read it itself.
        let are_different = (1..entries.len()).all(|at| entries[..at].iter().all(|(other, _)| *other != entries[at].0));
        entries.append(&mut held);
        let are_texts = entries.iter().all(|(key, _)| key.is_str());
        (are_different && are_texts).then_some(Value::Map(entries))
    }

    fn enumeration(&mut self, one_of: &Enum, depth: usize) -> Option<Value> {
        if one_of.variants.is_empty() {
            return None;
        }
        let Variant { name, content, .. } = self.random.pick(&one_of.variants);
        let name = Value::from(name.as_str());
        let content = match content {
            Some(content) => Some(self.value(content, depth + 1)?),
            None => None,
        };
        Some(match (&one_of.tagging, content) {
            (Tagging::External, None) => name,
            (Tagging::External, Some(content)) => Value::Map(vec![(name, content)]),
            (Tagging::Internal { tag }, None) => Value::Map(vec![(Value::from(tag.as_str()), name)]),
            (Tagging::Internal { tag }, Some(Value::Map(entries))) => {
                let tag = Value::from(tag.as_str());
                if entries.iter().any(|(key, _)| *key == tag || !key.is_str()) {
                    return None;
                }
                Value::Map([(tag, name)].into_iter().chain(entries).collect())
            }
            // serde refuses to write it.
            (Tagging::Internal { .. }, Some(_)) => return None,
            (Tagging::Adjacent { tag, content: beside }, content) => {
                let content = content.map(|content| (Value::from(beside.as_str()), content));
                Value::Map([(Value::from(tag.as_str()), name)].into_iter().chain(content).collect())
            }
        })
    }
}
