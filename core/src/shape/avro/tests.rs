use apache_avro::{reader::datum::GenericDatumReader, types::Value as Datum, writer::datum::GenericDatumWriter};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{AvroError, decimal_bytes};
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
    for (text, digits, size) in [("u64", 20, 9), ("i128", 39, 17), ("u128", 39, 17)] {
        let decimal = json!({ "logicalType": "decimal", "precision": digits, "scale": 0 });
        let mut expected = json!({ "type": "fixed", "name": format!("decimal_{digits}"), "size": size });
        expected.as_object_mut().unwrap().extend(decimal.as_object().unwrap().clone());
        assert_eq!(json_of(text), expected, "{text}");
    }
    let pairs = json_of("map(u8, (i64, text))");
    assert_eq!(pairs["items"]["fields"][1]["type"]["fields"][1], json!({ "name": "item_1", "type": "string" }));
}

/// `value` as it is read back with the schema that it was written with, the second time as whoever names a schema of their own.
fn written_and_read(text: &str, value: &Datum) -> [Datum; 2] {
    let schema = exported(text).unwrap();
    let bytes = GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(value.clone()).unwrap();
    let plain = GenericDatumReader::builder(&schema).build().unwrap();
    let resolving = GenericDatumReader::builder(&schema).reader_schema(&schema).build().unwrap();
    [plain, resolving].map(|reader| reader.read_value(&mut &bytes[..]).unwrap())
}

fn decimal(bytes: &[u8]) -> Datum {
    Datum::Decimal(bytes.to_vec().into())
}

/// By the specification, n fixed bytes hold decimals of at most `floor(log10(2^(8n - 1) - 1))` digits.
#[test]
fn decimals_have_room_for_their_digits() {
    for (digits, numbers) in [(20, u64::MAX.to_string()), (39, u128::MAX.to_string()), (39, i128::MIN.to_string())] {
        assert_eq!(digits, numbers.trim_start_matches('-').len());
        let largest = (2_f64.powi(8 * decimal_bytes(digits) as i32 - 1) - 1.0).log10().floor();
        assert!(largest as usize >= digits, "{digits}");
    }
}

/// In as few bytes as the number takes, as the specification and `BigInt` have it.
fn shortest(number: i128) -> Datum {
    let bytes = number.to_be_bytes();
    let is_needed = |at: &usize| *at == 15 || !matches!((bytes[*at], bytes[*at + 1] >> 7), (0, 0) | (0xff, 1));
    decimal(&bytes[(0..16).find(is_needed).unwrap()..])
}

#[test]
fn the_largest_and_smallest_numbers_are_written_and_read_back() {
    for number in [u64::MAX, u64::MAX - 1, 1 << 63, 256, 1, 0] {
        let value = shortest(number.into());
        assert_eq!(written_and_read("u64", &value), [value.clone(), value], "{number}");
    }
    for number in [i128::MIN, i128::MAX, -1, 0] {
        let value = shortest(number);
        assert_eq!(written_and_read("i128", &value), [value.clone(), value], "{number}");
    }
    let value = decimal(&[&[0], &u128::MAX.to_be_bytes()[..]].concat());
    assert_eq!(written_and_read("u128", &value), [value.clone(), value]);
}

#[test]
fn a_decimal_may_occur_again_and_stand_beside_bytes() {
    let number = shortest(u64::MAX.into());
    let one_of = |index, value| Datum::Union(index, Box::new(value));
    let value = Datum::Record(vec![
        ("a".to_owned(), number.clone()),
        ("b".to_owned(), one_of(1, number.clone())),
        ("c".to_owned(), Datum::Array(vec![one_of(1, number.clone()), one_of(0, Datum::Null)])),
    ]);
    assert_eq!(written_and_read("{ a: u64, b: u64?, c: [u64?] }", &value), [value.clone(), value]);
    // When it resolves a union, apache-avro takes a decimal for bytes.
    let value = Datum::Array(vec![one_of(0, Datum::Bytes(vec![1])), one_of(1, number)]);
    let schema = exported("[union(bytes, u64)]").unwrap();
    let bytes = GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(value.clone()).unwrap();
    assert_eq!(GenericDatumReader::builder(&schema).build().unwrap().read_value(&mut &bytes[..]).unwrap(), value);
}

#[test]
fn the_zero_of_a_decimal_is_a_number() {
    let (writer, reader) = (exported("{}").unwrap(), exported("{ a: u64 = default, b: i128 = default }").unwrap());
    let bytes =
        GenericDatumWriter::builder(&writer).build().unwrap().write_value_to_vec(Datum::Record(vec![])).unwrap();
    let read = GenericDatumReader::builder(&writer).reader_schema(&reader).build().unwrap().read_value(&mut &bytes[..]);
    let zero = decimal(&[0]);
    assert_eq!(read.unwrap(), Datum::Record(vec![("a".to_owned(), zero.clone()), ("b".to_owned(), zero)]));
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
