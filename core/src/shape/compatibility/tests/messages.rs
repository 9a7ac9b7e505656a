use super::case::schema;

fn breaks(reader: &str, writer: &str) -> Vec<String> {
    let breaks = schema(reader).can_read(&schema(writer)).unwrap_err();
    breaks.iter().map(ToString::to_string).collect()
}

#[test]
fn every_break_is_found_with_its_place() {
    let reader = "{ lines: [Line], at: i64, kind: enum { A, B: { n: i8 } }, rates: map(char, f32), pair: (i64, bool) }
        Line = { amount: i32, atm: text }";
    let writer = "{ lines: [Line], kind: enum { A, B: { n: i16 }, C }, rates: map(text, f64), pair: (i64, i64) }
        Line = { amount: i64, atm?: text }";
    let expected = [
        "lines[].amount is read as i32, but was written as i64",
        "lines[].atm may have been left out when it was written, and has no default",
        "at was not written, and has no default",
        "kind::B.n is read as i8, but was written as i16",
        "kind::C may have been written, but no variant is called so",
        "rates{key} is read as char, but was written as text",
        "rates{} is read as f32, but was written as f64",
        "pair[1] is read as bool, but was written as i64",
    ];
    assert_eq!(breaks(reader, writer), expected);
}

#[test]
fn every_reason_has_its_words() {
    for (reader, writer, expected) in [
        ("i32", "text", "the whole is read as i32, but was written as text"),
        ("[i32]", "{}", "the whole is read as a list, but was written as a record"),
        ("{ a: text }", "{ a: text? }", "a may have been written as nil, but is read as text"),
        ("union(i32, bool)", "text", "the whole was written as text, which is none of the alternatives that are read"),
        ("i32", "union(i32, text)", "(2) is read as i32, but was written as text"),
        ("[i32; 2]", "[i32; 3]", "the whole is read as 2 items, but was written as 3"),
        ("{ b|a: u8 }", "{ a: u8, b: u8 }", "b is read from a and from b, which were both written"),
        ("{| a: u8 |}", "{ a: u8, b: u8 }", "b was written, but fields that are not known are refused"),
        ("enum { A: u8 }", "enum { A }", "::A was written without content, but is read with some"),
        ("enum { A }", "enum { A: u8 }", "::A was written with content, but is read as a bare name"),
        (
            "enum(type) {}",
            "enum(type, data) {}",
            "the whole is read with the variant's name in the field type of the content, but was written with it in type beside the content in data",
        ),
        (
            "opaque(\"A\")",
            "i64",
            "the whole is read as opaque(\"A\"), but was written as i64: nothing is known of what is opaque",
        ),
        (
            "{ ..enum(type) {} }",
            "{}",
            "the whole stands beside flattened parts, of which it cannot be told what was written",
        ),
    ] {
        assert_eq!(breaks(reader, writer), [expected]);
    }
    let deep = |inside: &str| {
        format!("A0\n{}A299 = {inside}", (0..299).map(|at| format!("A{at} = [A{}]\n", at + 1)).collect::<String>())
    };
    assert!(breaks(&deep("i64"), &deep("i64"))[0].ends_with("is nested deeper than 256 levels"));
}
