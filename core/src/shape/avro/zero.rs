//! The value that stands for a default of which only its existence is known.

use serde_json::{Map, Value, json};

use super::{DEPTH_MAX, PARTS_MAX, avro_name, decimal_bytes, digits};
use crate::shape::{Schema, Shape, compatibility::Entries};

/// The zero of a shape in the JSON of Avro's defaults, if it has one.
pub(super) fn zero(schema: &Schema, shape: &Shape) -> Option<Value> {
    Zero { schema, depth: 0, parts: 0 }.of(shape)
}

struct Zero<'a> {
    schema: &'a Schema,
    depth: usize,
    parts: usize,
}

impl Zero<'_> {
    fn of(&mut self, shape: &Shape) -> Option<Value> {
        if self.depth == DEPTH_MAX || self.parts == PARTS_MAX {
            return None;
        }
        self.depth += 1;
        self.parts += 1;
        let zero = self.unbounded(shape);
        self.depth -= 1;
        zero
    }

    fn unbounded(&mut self, shape: &Shape) -> Option<Value> {
        let schema = self.schema;
        Some(match schema.resolve(shape) {
            Shape::Unit | Shape::Option(_) => Value::Null,
            Shape::Bool => json!(false),
            Shape::Integer(integer) => match digits(*integer) {
                Some(digits) => json!("\u{0}".repeat(decimal_bytes(digits))),
                None => json!(0),
            },
            Shape::F32 | Shape::F64 => json!(0.0),
            Shape::Char | Shape::Text | Shape::Bytes => json!(""),
            Shape::FixedBytes(length) => json!("\u{0}".repeat(*length)),
            Shape::Uuid => json!("\u{0}".repeat(16)),
            Shape::List(_) | Shape::Array(..) => json!([]),
            Shape::Tuple(items) if items.is_empty() => Value::Null,
            Shape::Tuple(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(index, item)| Some((format!("item_{index}"), self.of(item)?)));
                Value::Object(items.collect::<Option<Map<_, _>>>()?)
            }
            Shape::Map(key, _) if matches!(schema.resolve(key), Shape::Text | Shape::Char) => json!({}),
            Shape::Map(..) => json!([]),
            Shape::Record(record) => {
                let fields = Entries::of(schema, record).fields.into_iter();
                let fields =
                    fields.map(|entry| Some((avro_name(entry.field.name.as_str()), self.of(&entry.field.shape)?)));
                Value::Object(fields.collect::<Option<Map<_, _>>>()?)
            }
            // The default of a union is of its first alternative.
            Shape::Union(alternatives) => self.of(alternatives.first()?)?,
            Shape::Enum(one_of) => {
                let first = one_of.variants.first()?;
                match &first.content {
                    None if one_of.variants.iter().all(|variant| variant.content.is_none()) => {
                        json!(avro_name(first.name.as_str()))
                    }
                    None => json!({}),
                    Some(content @ Shape::Record(_)) => self.of(content)?,
                    Some(content) => json!({ "content": self.of(content)? }),
                }
            }
            Shape::Named(_) | Shape::Opaque(_) => return None,
        })
    }
}
