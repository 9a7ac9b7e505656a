//! Shapes as Avro schemas, for whoever takes the events further.

mod error;
mod named;
#[cfg(test)]
mod tests;
mod zero;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub use error::AvroError;
use named::insert;

use super::{Integer, Name, Schema, Shape};

/// How deep shapes are looked into, and how many.
const DEPTH_MAX: usize = 64;
const PARTS_MAX: usize = 10_000;

impl Schema {
    /// The Avro schema of the same data, in which a record without a name is called after `name` and the way to it.
    ///
    /// It describes the data, not annals' bytes, which are MessagePack:
    ///
    /// | shape | Avro |
    /// |---|---|
    /// | integers that fit | `int`, `long` |
    /// | `u64`; `i128`, `u128` | `fixed` of 9 bytes, of 17, with the logical type `decimal` |
    /// | `char` | `string` |
    /// | `uuid` | `fixed` with the logical type `uuid` |
    /// | `T?` | a union with `null` |
    /// | `[T; 4]` | an `array` |
    /// | `(T, U)` | a record with the fields `item_0`, `item_1`; `()` is `null` |
    /// | a map whose keys are no texts | an array of records of `key` and `value` |
    /// | an enum of bare names | an `enum` |
    /// | another enum, however it is tagged | a union of records, one a variant |
    /// | a default, of which a shape knows only that there is one | the zero of its type: 0, an empty text, `null` |
    ///
    /// Characters that no Avro name has become `_`. The bytes of a decimal are, as Avro has it, the number in two's complement,
    /// the highest byte first; `to_value` of apache-avro writes a `u64` otherwise, so that it has to be said:
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use annals_core::shape::Schema;
    /// use apache_avro::{Decimal, reader::datum::GenericDatumReader, types::Value, writer::datum::GenericDatumWriter};
    ///
    /// let schema = "{ cents: u64 }".parse::<Schema>()?.to_avro(&"Deposited".into())?;
    /// let cents = Decimal::from([&[0], &u64::MAX.to_be_bytes()[..]].concat());
    /// let value = Value::Record(vec![("cents".to_owned(), Value::Decimal(cents))]);
    /// let bytes = GenericDatumWriter::builder(&schema).build()?.write_value_to_vec(value.clone())?;
    /// assert_eq!(GenericDatumReader::builder(&schema).build()?.read_value(&mut &bytes[..])?, value);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AvroError`] for what Avro cannot express.
    pub fn to_avro(&self, name: &Name) -> Result<apache_avro::Schema, AvroError> {
        let whole = avro_name(name.as_str());
        let mut export = Export { schema: self, whole: name, defined: BTreeSet::new(), depth: 0, parts: 0 };
        let json = export.shape(&self.shape, &whole)?;
        apache_avro::Schema::parse(&json).map_err(|error| AvroError::Refused { reason: error.to_string() })
    }
}

/// A schema that is being exported.
struct Export<'a> {
    schema: &'a Schema,
    /// What is exported.
    whole: &'a Name,
    /// The names that have a definition already; each has one, and is referred to from then on.
    defined: BTreeSet<String>,
    depth: usize,
    parts: usize,
}

impl<'a> Export<'a> {
    /// The JSON of a shape; what has no name of its own is called `name`.
    fn shape(&mut self, shape: &'a Shape, name: &str) -> Result<Value, AvroError> {
        if self.depth == DEPTH_MAX || self.parts == PARTS_MAX {
            return Err(AvroError::TooLarge { name: self.whole.clone() });
        }
        self.depth += 1;
        self.parts += 1;
        let json = self.unbounded(shape, name);
        self.depth -= 1;
        json
    }

    fn unbounded(&mut self, shape: &'a Shape, name: &str) -> Result<Value, AvroError> {
        Ok(match shape {
            Shape::Unit => json!("null"),
            Shape::Bool => json!("boolean"),
            Shape::Integer(integer) => self.integer(*integer),
            Shape::F32 => json!("float"),
            Shape::F64 => json!("double"),
            Shape::Char | Shape::Text => json!("string"),
            Shape::Bytes => json!("bytes"),
            Shape::FixedBytes(length) => self.fixed(&format!("bytes_{length}"), *length, json!({})),
            Shape::Uuid => self.fixed("uuid", 16, json!({ "logicalType": "uuid" })),
            Shape::Option(some) => union([json!("null"), self.shape(some, name)?]),
            Shape::List(item) | Shape::Array(item, _) => {
                json!({ "type": "array", "items": self.shape(item, &format!("{name}_item"))? })
            }
            Shape::Tuple(items) if items.is_empty() => json!("null"),
            Shape::Tuple(items) => self.tuple(items, name)?,
            Shape::Map(key, value) => self.map(key, value, name)?,
            Shape::Record(record) => self.record(record, name, &[])?,
            Shape::Enum(one_of) => self.enumeration(one_of, name)?,
            Shape::Union(alternatives) => {
                let alternatives = alternatives.iter().enumerate();
                let json = alternatives.map(|(index, alternative)| self.shape(alternative, &format!("{name}_{index}")));
                union(json.collect::<Result<Vec<_>, _>>()?)
            }
            Shape::Named(own) => {
                let resolved = self.schema.resolve(shape);
                match resolved {
                    Shape::Named(_) => return Err(AvroError::TooLarge { name: self.whole.clone() }),
                    _ => self.shape(resolved, &avro_name(own.as_str()))?,
                }
            }
            Shape::Opaque(written) => return Err(AvroError::Opaque { name: name.into(), written: written.clone() }),
        })
    }

    fn integer(&mut self, integer: Integer) -> Value {
        match (integer, digits(integer)) {
            (_, Some(digits)) => {
                let logical = json!({ "logicalType": "decimal", "precision": digits, "scale": 0 });
                self.fixed(&format!("decimal_{digits}"), decimal_bytes(digits), logical)
            }
            (Integer::I64 | Integer::U32, None) => json!("long"),
            (_, None) => json!("int"),
        }
    }

    /// Fixed bytes, with what else is said of them.
    fn fixed(&mut self, name: &str, size: usize, logical: Value) -> Value {
        if !self.defined.insert(name.to_owned()) {
            return json!(name);
        }
        let mut json = logical;
        for (key, value) in [("type", json!("fixed")), ("name", json!(name)), ("size", json!(size))] {
            insert(&mut json, key, value);
        }
        json
    }

    fn tuple(&mut self, items: &'a [Shape], name: &str) -> Result<Value, AvroError> {
        if !self.defined.insert(name.to_owned()) {
            return Ok(json!(name));
        }
        let mut fields = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let json = self.shape(item, &format!("{name}_item_{index}"))?;
            fields.push(json!({ "name": format!("item_{index}"), "type": json }));
        }
        Ok(json!({ "type": "record", "name": name, "fields": fields }))
    }

    fn map(&mut self, key: &'a Shape, value: &'a Shape, name: &str) -> Result<Value, AvroError> {
        let values = |export: &mut Self| export.shape(value, &format!("{name}_value"));
        if matches!(self.schema.resolve(key), Shape::Text | Shape::Char) {
            return Ok(json!({ "type": "map", "values": values(self)? }));
        }
        let entry = format!("{name}_entry");
        if !self.defined.insert(entry.clone()) {
            return Ok(json!({ "type": "array", "items": entry }));
        }
        let key = json!({ "name": "key", "type": self.shape(key, &format!("{name}_key"))? });
        let value = json!({ "name": "value", "type": values(self)? });
        Ok(json!({ "type": "array", "items": { "type": "record", "name": entry, "fields": [key, value] } }))
    }
}

/// How many digits the numbers have that fit into none of Avro's integers.
fn digits(integer: Integer) -> Option<usize> {
    match integer {
        Integer::U64 => Some(20),
        Integer::I128 | Integer::U128 => Some(39),
        _ => None,
    }
}

/// How many bytes Avro wants for decimals of so many digits: n of them hold `floor(log10(2^(8n - 1) - 1))`.
///
/// They are fixed rather than as many as each number needs, which Avro allows as well: a union may hold them beside `bytes`, and
/// apache-avro refuses to resolve a number in fewer bytes than the largest one takes.
const fn decimal_bytes(digits: usize) -> usize {
    if digits > 20 { 17 } else { 9 }
}

/// A union, in which no union stands and nothing stands twice, as Avro has it.
fn union(alternatives: impl IntoIterator<Item = Value>) -> Value {
    let mut flat: Vec<Value> = Vec::new();
    for alternative in alternatives {
        let own = match alternative {
            Value::Array(inner) => inner,
            other => vec![other],
        };
        for one in own {
            if !flat.contains(&one) {
                flat.push(one);
            }
        }
    }
    Value::Array(flat)
}

/// The characters of a name that Avro allows, the others as `_`.
fn avro_name(name: &str) -> String {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let rest = name.chars().map(|character| if is_allowed(character) { character } else { '_' });
    if begins_well { rest.collect() } else { ['_'].into_iter().chain(rest).collect() }
}
