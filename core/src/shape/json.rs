//! Shapes as JSON Schema documents, for whoever reads the events as JSON.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::{Enum, Integer, Name, Record, Schema, Shape, Tagging, Variant};

impl Schema {
    /// The JSON Schema, draft 2020-12, of what serde writes of the same data as JSON, with `name` for its title.
    ///
    /// It describes what is written: a field is required when it is always written, and aliases and defaults, which are
    /// for reading, are not in it. The JSON is that of `serde_json`, which is not always what MessagePack has: a UUID is a
    /// text, bytes are a list of numbers, the keys of maps are texts. An opaque type is anything.
    #[must_use]
    pub fn to_json_schema(&self, name: &Name) -> Value {
        let mut document = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": name.as_str(),
        });
        add(&mut document, of(self, &self.shape));
        let types = self.types().map(|(name, shape)| (name.as_str().to_owned(), of(self, shape)));
        let types: Map<_, _> = types.collect();
        if !types.is_empty() {
            add(&mut document, json!({ "$defs": types }));
        }
        document
    }
}

fn of(schema: &Schema, shape: &Shape) -> Value {
    let inside = |shape: &Shape| of(schema, shape);
    match shape {
        Shape::Unit => json!({ "type": "null" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Integer(integer) => self::integer(*integer),
        Shape::F32 | Shape::F64 => json!({ "type": "number" }),
        Shape::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
        Shape::Text => json!({ "type": "string" }),
        Shape::Uuid => json!({ "type": "string", "format": "uuid" }),
        Shape::Bytes => json!({ "type": "array", "items": integer(Integer::U8) }),
        Shape::FixedBytes(length) => list(integer(Integer::U8), *length),
        Shape::Option(some) => json!({ "anyOf": [inside(some), { "type": "null" }] }),
        Shape::List(item) => json!({ "type": "array", "items": inside(item) }),
        Shape::Array(item, length) => list(inside(item), *length),
        // A unit struct is nothing in JSON.
        Shape::Tuple(items) if items.is_empty() => json!({ "type": "null" }),
        Shape::Tuple(items) => {
            let count = items.len();
            let items: Vec<_> = items.iter().map(inside).collect();
            json!({ "type": "array", "prefixItems": items, "items": false, "minItems": count })
        }
        Shape::Map(key, value) => map(schema, key, inside(value)),
        Shape::Record(record) => self::record(schema, record),
        Shape::Enum(one_of) => enumeration(schema, one_of),
        Shape::Union(alternatives) if alternatives.is_empty() => json!({ "not": {} }),
        Shape::Union(alternatives) => json!({ "anyOf": alternatives.iter().map(inside).collect::<Vec<_>>() }),
        Shape::Named(name) => json!({ "$ref": format!("#/$defs/{}", pointer(name)) }),
        Shape::Opaque(written) => {
            json!({ "$comment": format!("the type {} says nothing of itself", written.as_str()) })
        }
    }
}

/// A number with its bounds, other than those of 128 bits, which a JSON number does not hold here.
fn integer(integer: Integer) -> Value {
    let mut json = json!({ "type": "integer" });
    let bits = integer.bits();
    match (integer.is_signed(), bits) {
        (true, 128) => {}
        (false, 128) => add(&mut json, json!({ "minimum": 0 })),
        (true, _) => {
            let maximum = i64::MAX >> (64 - bits);
            add(&mut json, json!({ "minimum": -maximum - 1, "maximum": maximum }));
        }
        (false, _) => add(&mut json, json!({ "minimum": 0, "maximum": u64::MAX >> (64 - bits) })),
    }
    json
}

fn list(item: Value, length: usize) -> Value {
    json!({ "type": "array", "items": item, "minItems": length, "maxItems": length })
}

/// The keys of an object are texts, whatever they are the text of.
fn map(schema: &Schema, key: &Shape, value: Value) -> Value {
    let mut json = json!({ "type": "object", "additionalProperties": value });
    match schema.resolve(key) {
        Shape::Integer(integer) if integer.is_signed() => {
            add(&mut json, json!({ "propertyNames": { "pattern": "^-?[0-9]+$" } }));
        }
        Shape::Integer(_) => add(&mut json, json!({ "propertyNames": { "pattern": "^[0-9]+$" } })),
        Shape::Bool => add(&mut json, json!({ "propertyNames": { "enum": ["false", "true"] } })),
        Shape::Char | Shape::Uuid | Shape::Enum(_) => add(&mut json, json!({ "propertyNames": of(schema, key) })),
        _ => {}
    }
    json
}

fn record(schema: &Schema, record: &Record) -> Value {
    let fields = record.fields.iter();
    let required: Vec<_> =
        fields.clone().filter(|field| !field.may_be_left_out).map(|field| field.name.as_str()).collect();
    let properties: Map<_, _> =
        fields.map(|field| (field.name.as_str().to_owned(), of(schema, &field.shape))).collect();
    let mut json = json!({ "type": "object", "properties": properties, "required": required });
    if !record.flattened.is_empty() {
        let parts: Vec<_> = record.flattened.iter().map(|part| flattened(schema, part)).collect();
        add(&mut json, json!({ "allOf": parts }));
    }
    if record.is_exact {
        add(&mut json, json!({ "unevaluatedProperties": false }));
    }
    json
}

/// What is none has no entries; a map has those that are left.
fn flattened(schema: &Schema, part: &Shape) -> Value {
    match schema.resolve(part) {
        Shape::Option(some) => json!({ "anyOf": [flattened(schema, some), { "type": "object" }] }),
        Shape::Unit | Shape::Map(..) => json!({ "type": "object" }),
        _ => of(schema, part),
    }
}

fn enumeration(schema: &Schema, one_of: &Enum) -> Value {
    let is_bare = one_of.variants.iter().all(|variant| variant.content.is_none());
    match &one_of.tagging {
        _ if one_of.variants.is_empty() => json!({ "not": {} }),
        Tagging::External if is_bare => {
            json!({ "enum": one_of.variants.iter().map(|variant| variant.name.as_str()).collect::<Vec<_>>() })
        }
        tagging => {
            let variants = one_of.variants.iter().map(|variant| self::variant(schema, tagging, variant));
            json!({ "oneOf": variants.collect::<Vec<_>>() })
        }
    }
}

fn variant(schema: &Schema, tagging: &Tagging, variant: &Variant) -> Value {
    let name = json!({ "const": variant.name.as_str() });
    let content = variant.content.as_ref().map(|content| of(schema, content));
    match (tagging, content) {
        (Tagging::External, None) => name,
        (Tagging::External, Some(content)) => {
            let mut json = object([(&variant.name, content)]);
            add(&mut json, json!({ "additionalProperties": false }));
            json
        }
        (Tagging::Internal { tag } | Tagging::Adjacent { tag, .. }, None) => object([(tag, name)]),
        (Tagging::Internal { tag }, Some(content)) => {
            let mut json = object([(tag, name)]);
            add(&mut json, json!({ "allOf": [content] }));
            json
        }
        (Tagging::Adjacent { tag, content: beside }, Some(content)) => object([(tag, name), (beside, content)]),
    }
}

/// An object with these entries, and maybe others.
fn object<const COUNT: usize>(entries: [(&Name, Value); COUNT]) -> Value {
    let names = entries.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    let required = json!(names);
    let properties: Map<_, _> = entries.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// A name as part of a JSON pointer in a URI.
fn pointer(name: &Name) -> String {
    let mut pointer = String::new();
    for byte in name.as_str().bytes() {
        match byte {
            b'~' => pointer.push_str("~0"),
            b'/' => pointer.push_str("~1"),
            b'-' | b'.' | b'_' => pointer.push(char::from(byte)),
            plain if plain.is_ascii_alphanumeric() => pointer.push(char::from(plain)),
            other => pointer.push_str(&format!("%{other:02X}")),
        }
    }
    pointer
}

/// Adds the entries of one object to another.
fn add(json: &mut Value, entries: Value) {
    if let (Value::Object(json), Value::Object(entries)) = (json, entries) {
        json.extend(entries);
    }
}
