use proptest::prelude::*;
use serde_json::{Value, json};

use super::AvroError;
use crate::shape::{Schema, tests::arbitrary};

fn exported(text: &str) -> Result<apache_avro::Schema, AvroError> {
    let schema: Schema = text.parse().unwrap();
    schema.to_avro(&"Payload".into())
}

fn json_of(text: &str) -> Value {
    serde_json::to_value(exported(text).unwrap()).unwrap()
}

#[test]
fn a_record_is_exported_with_names_aliases_and_zeros() {
    let text = "{ amount|cents: i64, atm: text?, lines: [Line], \"the kind\": Kind = default, by?: uuid }
        Kind = enum { Cash, Card, Other = default }
        Line = { n: u16 = default, next: Line? }";
    let expected = json!({
        "type": "record", "name": "Payload", "fields": [
            { "name": "amount", "type": "long", "aliases": ["cents"] },
            { "name": "atm", "type": ["null", "string"], "default": null },
            { "name": "lines", "type": { "type": "array", "items": { "type": "record", "name": "Line", "fields": [
                { "name": "n", "type": "int", "default": 0 },
                { "name": "next", "type": ["null", "Line"], "default": null },
            ] } } },
            { "name": "the_kind", "default": "Cash", "type":
                { "type": "enum", "name": "Kind", "symbols": ["Cash", "Card", "Other"], "default": "Other" } },
            { "name": "by", "default": null, "type":
                ["null", { "type": "fixed", "name": "uuid", "size": 16, "logicalType": "uuid" }] },
        ],
    });
    assert_eq!(json_of(text), expected);
}

#[test]
fn a_recursive_enum_is_a_union_of_records() {
    let text = "Term\nTerm = enum { Zero, Number: i64, Sum: { one: Term, other: Term } }";
    let expected = json!([
        { "type": "record", "name": "Term_Zero", "fields": [] },
        { "type": "record", "name": "Term_Number", "fields": [{ "name": "content", "type": "long" }] },
        { "type": "record", "name": "Term_Sum", "fields": [
            { "name": "one", "type": ["Term_Zero", "Term_Number", "Term_Sum"] },
            { "name": "other", "type": ["Term_Zero", "Term_Number", "Term_Sum"] },
        ] },
    ]);
    assert_eq!(json_of(text), expected);
}

#[test]
fn other_shapes_have_counterparts() {
    for (text, expected) in [
        ("unit", json!("null")),
        ("()", json!("null")),
        ("char", json!("string")),
        ("u32", json!("long")),
        ("[f32; 3]", json!({ "type": "array", "items": "float" })),
        ("map(text, f64)", json!({ "type": "map", "values": "double" })),
        ("union(i8, i16, text?)", json!(["int", "null", "string"])),
        ("bytes(4)", json!({ "type": "fixed", "name": "bytes_4", "size": 4 })),
    ] {
        assert_eq!(json_of(text), expected, "{text}");
    }
    let wide = json_of("u64");
    assert_eq!(
        (&wide["type"], &wide["logicalType"], &wide["precision"]),
        (&json!("bytes"), &json!("decimal"), &json!(20))
    );
    let pairs = json_of("map(u8, (i64, text))");
    assert_eq!(pairs["items"]["fields"][1]["type"]["fields"][1], json!({ "name": "item_1", "type": "string" }));
}

#[test]
fn what_avro_cannot_express_is_an_error() {
    for (text, message) in [
        ("{ a: opaque(\"Money\") }", "Payload_a is opaque: nothing is known of the type Money"),
        ("{ ..map(text, i64) }", "Payload has a flattened part that is no record"),
        ("Tree\nTree = [Tree]", "Payload contains itself with no record around it, or is too large"),
        ("A\nA = A", "Payload contains itself with no record around it, or is too large"),
        ("{ a: A = default }\nA = { n: opaque(\"B\") }", "A_n is opaque: nothing is known of the type B"),
    ] {
        assert_eq!(exported(text).unwrap_err().to_string(), message);
    }
    assert!(matches!(exported("union([i8], [text])"), Err(AvroError::Refused { .. })));
}

#[test]
fn a_type_that_grows_at_each_level_is_too_large() {
    let links = |count: usize, link: &dyn Fn(usize) -> String| {
        (0..count).map(|at| format!("A{at} = {}\n", link(at + 1))).collect::<String>()
    };
    let unions = links(60, &|next| format!("union([A{next}], map(text, A{next}))"));
    assert!(matches!(exported(&format!("A0\n{unions}A60 = i64")), Err(AvroError::TooLarge { .. })));
    let records = links(20, &|next| format!("{{ a: A{next}, b: A{next} }}"));
    let text = format!("{{ z: A0 = default }}\n{records}A20 = i64");
    assert!(matches!(exported(&text), Err(AvroError::NoZero { .. })));
}

proptest! {
    /// Whatever the shape, there is a schema that Avro takes, or an error.
    #[test]
    fn an_export_comes_to_an_end(shape in arbitrary::shapes()) {
        let schema = Schema::describe(|_| shape);
        let _ = schema.to_avro(&"Payload".into());
    }
}
