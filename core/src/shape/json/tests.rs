use serde_json::{Value, json};

use crate::shape::Schema;

fn exported(text: &str) -> Value {
    text.parse::<Schema>().unwrap().to_json_schema(&"payload".into())
}

/// The document without what every document has.
fn body(text: &str) -> Value {
    let mut document = exported(text);
    let entries = document.as_object_mut().unwrap();
    assert_eq!(entries.remove("$schema").unwrap(), "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(entries.remove("title").unwrap(), "payload");
    document
}

#[test]
fn a_record_is_an_object_with_what_is_always_written() {
    let text = "{ amount|cents: i16, note?: text? , lines: [Line] }\nLine = {| n: u8 = default, next: Line? |}";
    let expected = json!({
        "type": "object",
        "properties": {
            "amount": { "type": "integer", "minimum": -32768, "maximum": 32767 },
            "note": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            "lines": { "type": "array", "items": { "$ref": "#/$defs/Line" } },
        },
        "required": ["amount", "lines"],
        "$defs": { "Line": {
            "type": "object",
            "properties": {
                "n": { "type": "integer", "minimum": 0, "maximum": 255 },
                "next": { "anyOf": [{ "$ref": "#/$defs/Line" }, { "type": "null" }] },
            },
            "required": ["n", "next"],
            "unevaluatedProperties": false,
        } },
    });
    assert_eq!(body(text), expected);
}

#[test]
fn plain_shapes_have_types_and_bounds() {
    let byte = json!({ "type": "integer", "minimum": 0, "maximum": 255 });
    for (text, expected) in [
        ("unit", json!({ "type": "null" })),
        ("()", json!({ "type": "null" })),
        ("bool", json!({ "type": "boolean" })),
        ("i64", json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX })),
        ("u64", json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX })),
        ("u128", json!({ "type": "integer", "minimum": 0 })),
        ("i128", json!({ "type": "integer" })),
        ("f32", json!({ "type": "number" })),
        ("char", json!({ "type": "string", "minLength": 1, "maxLength": 1 })),
        ("uuid", json!({ "type": "string", "format": "uuid" })),
        ("bytes", json!({ "type": "array", "items": byte })),
        ("[u8; 4]", json!({ "type": "array", "items": byte, "minItems": 4, "maxItems": 4 })),
        ("bytes(4)", json!({ "type": "array", "items": byte, "minItems": 4, "maxItems": 4 })),
        (
            "(u8, bool)",
            json!({ "type": "array", "prefixItems": [byte, { "type": "boolean" }], "items": false, "minItems": 2 }),
        ),
        ("map(text, u8)", json!({ "type": "object", "additionalProperties": byte })),
        (
            "map(i8, u8)",
            json!({ "type": "object", "additionalProperties": byte, "propertyNames": { "pattern": "^-?[0-9]+$" } }),
        ),
        ("union(u8, bool)", json!({ "anyOf": [byte, { "type": "boolean" }] })),
        ("opaque(\"Money\")", json!({ "$comment": "the type Money says nothing of itself" })),
    ] {
        assert_eq!(body(text), expected, "{text}");
    }
}

#[test]
fn variants_are_told_apart_by_their_names() {
    let nil = json!({ "type": "null" });
    assert_eq!(body("enum { A, B }"), json!({ "enum": ["A", "B"] }));
    let external = json!({ "oneOf": [
        { "const": "A" },
        { "type": "object", "properties": { "B": nil }, "required": ["B"], "additionalProperties": false },
    ] });
    assert_eq!(body("enum { A, B: unit }"), external);
    let record = json!({ "type": "object", "properties": { "n": nil }, "required": ["n"] });
    let internal = json!({ "oneOf": [
        { "type": "object", "properties": { "type": { "const": "A" } }, "required": ["type"] },
        { "type": "object", "properties": { "type": { "const": "B" } }, "required": ["type"], "allOf": [record] },
    ] });
    assert_eq!(body("enum(type) { A, B: { n: unit } }"), internal);
    let adjacent = json!({ "oneOf": [
        { "type": "object", "properties": { "t": { "const": "A" } }, "required": ["t"] },
        { "type": "object", "properties": { "t": { "const": "B" }, "c": nil }, "required": ["t", "c"] },
    ] });
    assert_eq!(body("enum(t, c) { A, B: unit }"), adjacent);
    assert_eq!(body("enum {}"), json!({ "not": {} }));
}

#[test]
fn flattened_parts_hold_for_the_same_object() {
    let text = "{ a: bool, ..Line, ..map(text, u8) }\nLine = { n: bool }";
    let expected = json!([{ "$ref": "#/$defs/Line" }, { "type": "object" }]);
    assert_eq!(body(text)["allOf"], expected);
}

#[test]
fn a_name_is_escaped_where_it_is_referred_to() {
    let document = body("[\"a/b ~é\"]\n\"a/b ~é\" = u8");
    assert_eq!(document["items"]["$ref"], "#/$defs/a~1b%20~0%C3%A9");
    assert!(document["$defs"]["a/b ~é"].is_object());
}

/// What the document says of JSON is what serde_json writes, where that is another form than in MessagePack.
#[test]
fn the_json_is_that_of_serde_json() {
    #[derive(serde::Serialize)]
    struct Unit;
    for (json, kind) in [
        (serde_json::to_value(uuid::Uuid::nil()), "string"),
        (serde_json::to_value(bytes::Bytes::from_static(b"a")), "array"),
        (serde_json::to_value(Unit), "null"),
        (serde_json::to_value(std::collections::BTreeMap::from([(1_u8, 2_u8)])), "object"),
    ] {
        let found = match json.unwrap() {
            Value::Null => "null",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            _ => "another",
        };
        assert_eq!(found, kind);
    }
}
