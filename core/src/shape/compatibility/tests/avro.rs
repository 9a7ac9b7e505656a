//! Cases written from the section "Schema Resolution" of Avro's specification 1.12, checked by our rules and, with the
//! feature `avro`, by apache-avro.

use super::case::{Case, no, yes};

const NOT_UTF_8: &str = "bytes may be no UTF-8, which serde refuses when they are read as a text";
const NOT_STORED: &str = "the names of types are not stored, so that a type may be renamed";
const TWICE: &str = "serde refuses to read one field from two entries";

/// > if one is promotable to the other: int to long, float, or double; long to float or double; float to double;
/// > string to bytes; bytes to string
///
/// and no other primitive type matches another.
fn primitives() -> Vec<Case> {
    let types = ["unit", "bool", "i32", "i64", "f32", "f64", "bytes", "text"];
    let promotions = [
        ("i32", "i64"),
        ("i32", "f32"),
        ("i32", "f64"),
        ("i64", "f32"),
        ("i64", "f64"),
        ("f32", "f64"),
        ("text", "bytes"),
    ];
    let pairs = types.iter().flat_map(|writer| types.iter().map(move |reader| (*writer, *reader)));
    let case = |(writer, reader)| match (writer, reader) {
        ("bytes", "text") => no(reader, writer).differs(NOT_UTF_8),
        pair if pair.0 == pair.1 || promotions.contains(&pair) => yes(reader, writer),
        _ => no(reader, writer),
    };
    pairs.map(case).collect()
}

/// > both schemas are arrays with matching item types
fn arrays() -> Vec<Case> {
    vec![
        yes("[i32]", "[i32]"),
        yes("[i64]", "[i32]"),
        yes("[f64]", "[f32]"),
        yes("[bytes]", "[text]"),
        yes("[[i64]]", "[[i32]]"),
        yes("[{ a: i64 }]", "[{ a: i32, b: text }]"),
        no("[i32]", "[i64]"),
        no("[text]", "[i32]"),
        no("[[i32]]", "[[i64]]"),
        no("[i32]", "i32"),
        no("i32", "[i32]"),
        no("[i32]", "map(text, i32)"),
        no("[bytes]", "bytes"),
        no("[{ a: i32, b: i32 }]", "[{ a: i32 }]"),
    ]
}

/// > both schemas are maps with matching value types
fn maps() -> Vec<Case> {
    vec![
        yes("map(text, i32)", "map(text, i32)"),
        yes("map(text, i64)", "map(text, i32)"),
        yes("map(text, [f64])", "map(text, [i64])"),
        yes("map(text, map(text, f64))", "map(text, map(text, f32))"),
        yes("map(text, { a: i32 = default })", "map(text, {})"),
        no("map(text, i32)", "map(text, i64)"),
        no("map(text, i32)", "map(text, text)"),
        no("map(text, i32)", "[i32]"),
        no("map(text, i32)", "{ a: i32 }"),
        no("{ a: i32 }", "map(text, i32)"),
        no("map(text, { a: i32 })", "map(text, {})"),
    ]
}

/// > both schemas are fixed with matching sizes and (unqualified) names
///
/// Fixed bytes have no name here; the exported ones are named after their size.
fn fixed() -> Vec<Case> {
    vec![
        yes("bytes(4)", "bytes(4)"),
        yes("bytes(0)", "bytes(0)"),
        yes("[bytes(4)]", "[bytes(4)]"),
        yes("uuid", "uuid"),
        no("bytes(4)", "bytes(8)"),
        no("bytes(8)", "bytes(4)"),
        no("bytes(4)", "bytes"),
        no("bytes(4)", "text"),
        no("bytes(4)", "i32"),
        no("[bytes(4)]", "[bytes(5)]"),
        yes("bytes", "bytes(4)").differs("both are stored as bytes"),
        yes("bytes", "uuid").differs("both are stored as bytes"),
    ]
}

/// > if the writer's symbol is not present in the reader's enum and the reader has a default value, then that value is
/// > used, otherwise an error is signalled
fn enums() -> Vec<Case> {
    vec![
        yes("enum { A, B }", "enum { A, B }"),
        yes("enum { B, A }", "enum { A, B }"),
        yes("enum { A, B, C }", "enum { A, B }"),
        yes("enum { A, B = default }", "enum { A, C }"),
        yes("enum { A = default }", "enum { B, C }"),
        yes("[enum { A, B = default }]", "[enum { A, C }]"),
        no("enum { A }", "enum { A, B }"),
        no("enum { A, B }", "enum { C, D }"),
        no("enum { a }", "enum { A }"),
        // A default of the writer has no meaning to the reader.
        no("enum { A }", "enum { A, B = default }"),
        no("[enum { A, B }]", "[enum { A, C }]"),
        no("{ a: enum { A } }", "{ a: enum { A, B } }"),
        yes("{ a: enum { A, B = default } }", "{ a: enum { A, C } }"),
        no("enum { A }", "text"),
        no("text", "enum { A }"),
        no("enum { A }", "i32"),
        yes("Door\nDoor = enum { A, B }", "Door\nDoor = enum { A }"),
        yes("Door\nDoor = enum { A }", "Gate\nGate = enum { A }").differs(NOT_STORED),
    ]
}

/// > the ordering of fields may be different: fields are matched by name
/// >
/// > schemas for fields with the same name in both records are resolved recursively
/// >
/// > if the writer's record contains a field with a name not present in the reader's record, the writer's value for that
/// > field is ignored
/// >
/// > if the reader's record schema has a field that contains a default value, and writer's schema does not have a field
/// > with the same name, then the reader should use the default value from its field
/// >
/// > if the reader's record schema has a field with no default value, and writer's schema does not have a field with the
/// > same name, an error is signalled
fn records() -> Vec<Case> {
    vec![
        yes("{}", "{}"),
        yes("{ a: i32 }", "{ a: i32 }"),
        yes("{ a: i32, b: text }", "{ b: text, a: i32 }"),
        yes("{}", "{ a: i32 }"),
        yes("{ a: i32 }", "{ a: i32, b: text }"),
        yes("{ a: i64 }", "{ a: i32 }"),
        yes("{ a: f64, b: bytes }", "{ a: i32, b: text }"),
        yes("{ a: i32 = default }", "{}"),
        yes("{ a: i32, b: text = default }", "{ a: i32 }"),
        yes("{ a: i32 = default, b: text = default }", "{ b: text }"),
        yes("{ a: i64 = default }", "{ a: i32 }"),
        yes("{ a: text? }", "{ a: text }"),
        yes("{ a: text? }", "{}"),
        yes("{ a: { b: i64 } }", "{ a: { b: i32, c: text } }"),
        yes("{ a: { b: i64 = default } }", "{ a: {} }"),
        yes("{ a: [i32] = default }", "{}"),
        yes("{ a: map(text, i32) = default }", "{}"),
        yes("{ a: { b: i32 } = default }", "{}"),
        yes("{ a: enum { A } = default }", "{}"),
        no("{ a: i32 }", "{}"),
        no("{ a: i32, b: i32 }", "{ a: i32 }"),
        no("{ b: i32 }", "{ a: i32 }"),
        no("{ a: i32 }", "{ a: i64 }"),
        // A default does not help when the field was written, but as something else.
        no("{ a: i32 = default }", "{ a: text }"),
        // A default of the writer has no meaning to the reader.
        no("{ a: i32 }", "{ b: i32, c: i32 = default }"),
        no("{ a: { b: i32 } }", "{ a: {} }"),
        no("{ a: { b: i32 } }", "{ a: { b: text } }"),
        no("{ a: text }", "{ a: text? }"),
        no("{ a: i32 }", "i32"),
        no("i32", "{ a: i32 }"),
        no("{ a!: text? }", "{}"),
        yes("Line\nLine = { a: i64 }", "Line\nLine = { a: i32 }"),
        yes("Line\nLine = { a: i64 }", "Item\nItem = { a: i32 }").differs(NOT_STORED),
        yes("[Tree]\nTree = { a: i64, children: [Tree] }", "[Tree]\nTree = { a: i32, children: [Tree] }"),
        no("Tree\nTree = { a: i32, children: [Tree] }", "Tree\nTree = { a: i64, children: [Tree] }"),
        yes("List\nList = { a: i64, next: List? }", "List\nList = { a: i64, next: List? }"),
        no("Tree\nTree = { a: i32, b: i32, next: Tree? }", "Tree\nTree = { a: i32, next: Tree? }"),
        yes("{ a: i32, b: i32? }", "{ a: i32 }"),
    ]
}

/// > Aliases: a writer's field whose name is an alias of a reader's field is read as that field. A writer's aliases do not
/// > count.
fn aliases() -> Vec<Case> {
    vec![
        yes("{ b|a: i32 }", "{ a: i32 }"),
        yes("{ b|a: i64 }", "{ a: i32 }"),
        yes("{ c|b|a: i32 }", "{ b: i32 }"),
        yes("{ c|b|a: i32 }", "{ a: i32 }"),
        yes("{ b|a: i32 }", "{ b: i32 }"),
        yes("{ b|a: i32 = default }", "{ a: i32 }"),
        yes("{ b|a: i32 = default }", "{ c: i32 }"),
        yes("{ x: { b|a: i32 } }", "{ x: { a: i32 } }"),
        yes("[{ b|a: i32 }]", "[{ a: i32 }]"),
        no("{ b|a: i32 }", "{ c: i32 }"),
        no("{ b|a: i32 }", "{ a: i64 }"),
        no("{ a: i32 }", "{ b|a: i32 }"),
        no("{ b|a: text = default }", "{ a: i32 }"),
        no("{ b|a: i32 }", "{ a: i32, b: i32 }").differs(TWICE),
    ]
}

/// > if both are unions: the first schema in the reader's union that matches the selected writer's union schema is
/// > recursively resolved against it
/// >
/// > if reader's is a union, but writer's is not: the first schema in the reader's union that matches the writer's schema
/// > is recursively resolved against it
/// >
/// > if writer's is a union, but reader's is not: if the reader's schema matches the selected writer's schema, it is
/// > recursively resolved against it. If they do not match, an error is signalled
///
/// An option is a union with null.
fn unions() -> Vec<Case> {
    vec![
        yes("union(i32, text)", "union(i32, text)"),
        yes("union(text, i32)", "union(i32, text)"),
        yes("union(i32, text, bool)", "union(i32, text)"),
        yes("union(i64, text)", "union(i32, text)"),
        yes("union(f64, text)", "union(i32, i64)"),
        yes("union(i32, text)", "i32"),
        yes("union(i32, text)", "text"),
        yes("union(i64, text)", "i32"),
        yes("union(f32, f64)", "i64"),
        yes("i64", "union(i32, i64)"),
        yes("f64", "union(i32, i64, f32)"),
        yes("union(Line, text)\nLine = { a: i64 }", "Line\nLine = { a: i32 }"),
        yes("union([i64], text)", "[i32]"),
        no("union(i32, text)", "union(i32, bool)"),
        no("union(i32, text)", "union(i64, text)"),
        no("union(i32, text)", "union(i32, text, bool)"),
        no("union(i32, text)", "bool"),
        no("union(i32, text)", "i64"),
        no("i32", "union(i32, text)"),
        no("i32", "union(i32, i64)"),
        no("text", "union(i32, i64)"),
        no("union(Line, text)\nLine = { a: i32 }", "Line\nLine = { b: i32 }"),
        no("union([i32], text)", "[text]"),
        yes("i32?", "i32"),
        yes("i32?", "unit"),
        yes("i64?", "i32?"),
        yes("i32?", "i32?"),
        yes("union(i64, text)?", "i32?"),
        yes("union(unit, i64)", "i32?"),
        yes("i64?", "union(unit, i32)"),
        yes("[i64?]", "[i32]"),
        yes("map(text, i64?)", "map(text, i32?)"),
        no("i32", "i32?"),
        no("unit", "i32?"),
        no("i32?", "i64?"),
        no("i32?", "text"),
        no("union(i32, text)", "i32?"),
        no("[i32]", "[i32?]"),
        no("enum { A }?", "enum { A, B }?"),
    ]
}

/// A type is defined where it is met first, and referred to from there on. apache-avro compares references by their name,
/// without looking at the definition.
fn references() -> Vec<Case> {
    const NOT_LOOKED_UP: &str = "apache-avro compares a reference with a definition as two kinds of schemas";
    const TAKEN_AS_EQUAL: &str = "apache-avro takes two references of one name to be equal, whatever they refer to";
    vec![
        yes("{ a: Line, b: Line }\nLine = { n: i64 }", "{ a: Line, b: Line }\nLine = { n: i32 }"),
        no("{ a: Line, b: Line }\nLine = { n: i32 }", "{ a: Line, b: Line }\nLine = { n: i64 }"),
        yes("{ a: Line, b: Line }\nLine = { n: i32 }", "{ b: Line, a: Line }\nLine = { n: i32 }").misses(NOT_LOOKED_UP),
        yes("{ a: Line }\nLine = { n: i32 }", "{ b: Line, a: Line }\nLine = { n: i32 }").misses(NOT_LOOKED_UP),
        no("{ b: Line = default, a: Line }\nLine = { n: i32 }", "{ c: Line, a: Line }\nLine = { n: text }")
            .misses(TAKEN_AS_EQUAL),
    ]
}

fn cases() -> Vec<Case> {
    [primitives(), arrays(), maps(), fixed(), enums(), records(), aliases(), unions(), references()].concat()
}

#[test]
fn the_rules_are_those_of_avro() {
    let cases = cases();
    assert!(cases.len() >= 200, "{}", cases.len());
    cases.iter().for_each(Case::check);
}

#[cfg(feature = "avro")]
mod oracle {
    use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

    use super::{
        super::case::{Avro, schema},
        *,
    };

    /// Whether apache-avro says that every value can be read.
    fn oracle(case: &Case) -> bool {
        let avro =
            |text: &str| schema(text).to_avro(&"Payload".into()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let (writer, reader) = (avro(&case.writer), avro(&case.reader));
        SchemaCompatibility::can_read(&writer, &reader) == Ok(Compatibility::Full)
    }

    #[test]
    fn avro_agrees_where_it_should() {
        let expected = |case: &Case| (case.avro == Avro::Same) == case.reads;
        let others: Vec<_> = cases().into_iter().filter(|case| oracle(case) != expected(case)).collect();
        assert!(others.is_empty(), "{others:#?}");
    }
}
