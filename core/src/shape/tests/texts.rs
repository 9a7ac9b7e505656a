use proptest::prelude::*;

use super::arbitrary::{schemas, shapes};
use crate::shape::{Schema, Shape};

proptest! {
    #[test]
    fn a_shape_is_read_from_its_own_text(shape in shapes()) {
        prop_assert_eq!(shape.to_string().parse(), Ok(shape.clone()));
        prop_assert_eq!(format!("{shape:#}").parse(), Ok(shape));
    }

    #[test]
    fn a_schema_is_read_from_its_own_text(schema in schemas()) {
        prop_assert_eq!(schema.to_string().parse(), Ok(schema.clone()));
        prop_assert_eq!(format!("{schema:#}").parse(), Ok(schema));
    }

    #[test]
    fn no_text_makes_the_parser_fail_in_another_way(text in "[a-c{}\\[\\]()|.,:;=?!\"\\\\ 1u\n]{0,40}") {
        if let Ok(shape) = text.parse::<Shape>() {
            prop_assert_eq!(shape.to_string().parse(), Ok(shape));
        }
    }
}

#[test]
fn every_text_of_the_table_is_a_shape() {
    for text in [
        "unit",
        "bytes(16)",
        "uuid?",
        "[i64]",
        "[u8; 4]",
        "()",
        "(i64, text)",
        "map(text, f64)",
        "{}",
        "{ amount: i64, atm: text?, lines: [Line] }",
        "{ a?: u8, b: u8 = default, c!: u8?, d|e?: text?, \"the f\": bool }",
        "{ a: u8, ..Part }",
        "{| a: u8 |}",
        "enum { A, B: { c: char }, C|D, E = default }",
        "enum(type) { A, B: { c: char } }",
        "enum(type, content) { A, B: i64 }",
        "union(i64, text)",
        "\"text\"",
        "opaque(\"Vec<Money>\")",
    ] {
        assert_eq!(text.parse::<Shape>().unwrap().to_string(), text);
    }
}

#[test]
fn the_alternate_text_has_a_field_a_line() {
    let schema: Schema =
        "{ amount: i64, kind: enum { A, B: {}, C: { d: u8 } } , line: Line }Line = [u8]".parse().unwrap();
    let lines = "\
{
    amount: i64,
    kind: enum {
        A,
        B: {},
        C: {
            d: u8,
        },
    },
    line: Line,
}
Line = [u8]";
    assert_eq!(format!("{schema:#}"), lines);
}

/// F10: nothing that a hand can do to a lock file does more than give a message.
#[test]
fn a_text_that_is_no_shape_is_refused_with_place_and_reason() {
    for (text, message) in [
        ("", "line 1, column 1 its end, expected a shape"),
        ("{ a: i64\n  b: text }", "line 2, column 3 `b`, expected a `,` or the closing bracket"),
        ("{ a i64 }", "line 1, column 5 `i64`, expected a `:` behind the name of a field"),
        ("{ a: i64 = 1 }", "line 1, column 12 `1`, expected the word `default`"),
        ("{ a: i64, b|a: i64 }", "line 1, column 13 the name a for a second time"),
        ("{ \"a: i64 }", "line 1, column 3 a quote that does not end, expected a field or `..`"),
        ("{ \"\\q\": i64 }", "line 1, column 3 a `\\` that escapes nothing, expected a field or `..`"),
        ("[u8; 99999999999999999999]", "line 1, column 6 the length 99999999999999999999, which no list has"),
        ("i64 §", "line 1, column 5 the character '§', expected a line `name = shape`, or the end"),
        ("[Line]", "line 1, column 2 the type Line, but no line `Line = ..`"),
        ("A A = u8 A = u8", "line 1, column 10 the name A for a second time"),
        (&"[".repeat(100_000), "line 1, column 129 a shape that is nested deeper than 128 levels"),
        (
            &format!("u8{}!", "?".repeat(100_000)),
            "line 1, column 100003 `!`, expected a line `name = shape`, or the end",
        ),
    ] {
        let error = text.parse::<Schema>().unwrap_err();
        assert_eq!(error.to_string(), format!("the text of a shape has at {message}"));
    }
}
