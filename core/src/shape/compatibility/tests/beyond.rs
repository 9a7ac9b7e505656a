//! Cases that Avro has no counterpart of.

use super::case::{Case, no, yes};
use crate::shape::Integer;

#[test]
fn an_integer_is_read_from_those_in_its_range() {
    let range = |integer: Integer| {
        let (signed, bits) = (integer.is_signed(), integer.bits());
        let top = u128::MAX >> (128 - bits + u32::from(signed));
        (if signed { top + 1 } else { 0 }, top)
    };
    for reader in Integer::ALL {
        for writer in Integer::ALL {
            let ((low, high), (written_low, written_high)) = (range(reader), range(writer));
            let reads = low >= written_low && high >= written_high;
            Case { reads, ..yes(reader.as_str(), writer.as_str()) }.check();
        }
    }
}

#[test]
fn plain_shapes_of_our_own_have_rules() {
    let cases = [
        yes("f64", "u64"),
        yes("f32", "i8"),
        // Of 128 bits, numbers are stored as bytes.
        no("f64", "i128"),
        no("f64", "u128"),
        no("bytes(16)", "i128"),
        yes("text", "char"),
        no("char", "text"),
        yes("bytes", "char"),
        yes("uuid", "bytes(16)"),
        yes("bytes(16)", "uuid"),
        no("uuid", "bytes(15)"),
        no("uuid", "bytes"),
        no("uuid", "text"),
        no("unit", "()"),
        no("()", "unit"),
        no("unit", "{}"),
    ];
    cases.iter().for_each(Case::check);
}

#[test]
fn lists_have_a_length_or_not() {
    let cases = [
        yes("[i64; 2]", "[i32; 2]"),
        no("[i64; 2]", "[i64; 3]"),
        no("[i64; 2]", "[i64]"),
        yes("[i64]", "[i32; 2]"),
        yes("[text]", "[i32; 0]"),
        yes("(i64, text)", "(i32, char)"),
        no("(i64, text)", "(i64)"),
        no("(i64)", "(i64, text)"),
        no("(i32)", "(i64)"),
        yes("[i64]", "(i32, i64)"),
        no("[i64]", "(i32, text)"),
        no("(i64)", "[i64]"),
        yes("[i64; 2]", "(i32, i64)"),
        yes("(i64, i64)", "[i32; 2]"),
        no("(i64, text)", "[i64; 2]"),
        yes("()", "[text; 0]"),
        yes("[i32]", "()"),
    ];
    cases.iter().for_each(Case::check);
}

#[test]
fn maps_have_keys_of_any_kind() {
    let cases = [
        yes("map(u64, text)", "map(u32, char)"),
        no("map(u32, text)", "map(u64, text)"),
        no("map(text, text)", "map(u32, text)"),
        yes("map(enum { A, B }, u8)", "map(enum { A }, u8)"),
    ];
    cases.iter().for_each(Case::check);
}

#[test]
fn variants_have_content() {
    let cases = [
        yes("enum { A: i64 }", "enum { A: i32 }"),
        no("enum { A: i32 }", "enum { A: i64 }"),
        no("enum { A }", "enum { A: i64 }"),
        no("enum { A: i64 }", "enum { A }"),
        // A name in front of nil is read as a bare one; a bare one is never content.
        yes("enum { A }", "enum { A: unit }"),
        no("enum { A: unit }", "enum { A }"),
        no("enum { A: i64? }", "enum { A }"),
        yes("enum { B|A: { a: i64 = default } }", "enum { A: {} }"),
        no("enum { A: {} }", "enum { B|A: {} }"),
        yes("enum { A: {}, B = default }", "enum { A: {}, C }"),
        no("enum { A: {}, B = default }", "enum { A: {}, C: {} }"),
    ];
    cases.iter().for_each(Case::check);
}

#[test]
fn a_tag_stands_where_it_was_written() {
    let cases = [
        no("enum(type) { A }", "enum { A }"),
        no("enum(type) { A }", "enum(kind) { A }"),
        no("enum(type, content) { A }", "enum(type) { A }"),
        no("enum(type, content) { A }", "enum(type, data) { A }"),
        yes("enum(type) { A: { a: i64 } }", "enum(type) { A: { a: i32 } }"),
        yes("enum(type) { A }", "enum(type) { A: { a: i32 } }"),
        yes("enum(type) { A: { a: i64 = default } }", "enum(type) { A }"),
        no("enum(type) { A: { a: i64 } }", "enum(type) { A }"),
        yes("enum(type) { B|A, C = default }", "enum(type) { A, D: { a: i64 } }"),
        yes("enum(type, content) { A: i64 }", "enum(type, content) { A: i32 }"),
        no("enum(type, content) { A }", "enum(type, content) { A: i32 }"),
        no("enum(type, content) { A: i64 }", "enum(type, content) { A }"),
        yes("enum(type, content) { A = default }", "enum(type, content) { B }"),
        no("enum(type, content) { A = default }", "enum(type, content) { B: {} }"),
    ];
    cases.iter().for_each(Case::check);
}

#[test]
fn a_field_may_have_been_left_out() {
    let cases = [
        no("{ a: i64 }", "{ a?: i64 }"),
        yes("{ a: i64 = default }", "{ a?: i64 }"),
        yes("{ a: i64? }", "{ a?: i64? }"),
        no("{ a!: i64? }", "{ a?: i64? }"),
        // What cannot read even itself.
        no("{ a?: i64 }", "{ a?: i64 }"),
    ];
    cases.iter().for_each(Case::check);
}

#[test]
fn a_record_may_refuse_what_it_does_not_know() {
    let cases = [
        yes("{| a: i64 |}", "{ a: i32 }"),
        no("{| a: i64 |}", "{ a: i32, b: i32 }"),
        yes("{| b|a: i64 |}", "{ a: i32 }"),
        no("{| a: i64 |}", "{ a: i32, b?: i32 }"),
        no("{| a: i64 |}", "{ a: i32, ..map(text, i32) }"),
        yes("{ a: i64 }", "{| a: i32, b: i32 |}"),
    ];
    cases.iter().for_each(Case::check);
}

#[test]
fn flattened_parts_stand_among_the_fields() {
    let line = "\nLine = { n: i64 }";
    let cases = [
        yes("{ a: i64, n: i64 }", &format!("{{ a: i64, ..Line }}{line}")),
        yes(&format!("{{ a: i64, ..Line }}{line}"), "{ a: i64, n: i32 }"),
        no(&format!("{{ a: i64, ..Line }}{line}"), "{ a: i64 }"),
        yes(&format!("{{ a: i64, ..Line? }}{line}"), "{ a: i64 }"),
        no("{ a: i64, n: i64 }", &format!("{{ a: i64, ..Line? }}{line}")),
        yes("{ a: i64, ..map(text, i64) }", "{ a: i64, ..map(text, i32) }"),
        yes("{ a: i64, ..map(text, i64) }", "{ a: i64, b: i32 }"),
        no("{ a: i64, ..map(text, i64) }", "{ a: i64, b: text }"),
        yes("{ a: i64 }", "{ a: i64, ..map(text, i64) }"),
        // What is new may be meant for something else.
        yes("{ a: i64, b: i64 = default }", "{ a: i64, ..map(text, i32) }"),
        no("{ a: i64, b: text = default }", "{ a: i64, ..map(text, i32) }"),
        no("{ a: i64, b: i64 }", "{ a: i64, ..map(text, i64) }"),
        yes("{ ..enum(type) { A, B } }", "{ ..enum(type) { A } }"),
        no("{ ..enum(type) { A } }", "{ ..enum(type) { A, B } }"),
        yes("{ n: i64 = default, ..enum(type) { A: { m: i64 } } }", "{ ..enum(type) { A: { m: i64 } } }"),
        no("{ m: i64 = default, ..enum(type) { A: { m: i64 } } }", "{ ..enum(type) { A: { m: i64 } } }"),
        yes("{ ..enum(type) { A }? }", "{ ..enum(type) { A } }"),
        no("{ ..enum(type) { A } }", "{ ..enum(type) { A }? }"),
        no("{ ..enum(type) { A } }", "{ type: text }"),
        no("{ n: i64 = default, ..opaque(\"Rest\") }", "{ ..opaque(\"Rest\") }"),
        yes("{ ..opaque(\"Rest\") }", "{ ..opaque(\"Rest\") }"),
    ];
    cases.iter().for_each(Case::check);
}

#[test]
fn a_flattened_map_may_hold_any_name() {
    let line = "\nLine = { n: text }";
    let outer = "\nOuter = { n: text, ..Inner }\nInner = { m: text }";
    let cases = [
        // A name that was left out, where the map may hold it.
        yes("{ a?: i64 = default, ..map(text, i64) }", "{ a?: i64 = default, ..map(text, i32) }"),
        no("{ a?: i64 = default, ..map(text, text) }", "{ a?: i64 = default, ..map(text, text) }"),
        no("{ a: i64 = default }", "{ a?: i64, ..map(text, i32), ..map(text, i32) }"),
        yes("{ a: i64 = default }", "{ a: i64, ..map(text, i32), ..map(text, i32) }"),
        // Two names that are read as one field.
        no("{ a|b: i64 = default }", "{ ..map(text, i64) }"),
        no("{ a|b: i64 = default }", "{ a: i64, ..map(text, i64) }"),
        no("{ a: i64 = default }", "{ ..map(text, i64), ..map(text, i64) }"),
        yes("{ a: i64 = default }", "{ ..map(text, i64) }"),
        // Keys that can be counted, or are short.
        yes("{ a|b: i64 = default }", "{ ..map(enum { A, a }, i64) }"),
        no("{ a|b: i64 = default }", "{ ..map(enum { a, b }, i64) }"),
        no("{ a: i64 = default }", "{ ..map(enum { A, a }, text) }"),
        yes("{ a: i64 = default }", "{ ..map(enum { A, B }, text) }"),
        yes("{ aa|b: i64 = default }", "{ ..map(char, i64) }"),
        yes("{ ..map(enum { a, b }, i64) }", "{ a: i64 }"),
        no("{ ..map(enum { a, b }, i64) }", "{ c: i64 }"),
        yes("{ ..map(char, i64) }", "{ a: i64 }"),
        no("{ ..map(char, i64) }", "{ aa: i64 }"),
        yes("{ ..map(text, i64) }", "{ ..map(enum { a }, i64) }"),
        yes("{ a: i64, ..map(u8, i64) }", "{ a: i64, ..map(u8, i64) }"),
        // Each map reads what every map holds.
        yes("{ ..map(text, i64), ..map(text, i64) }", "{ ..map(text, i32), ..map(text, i64) }"),
        no("{ ..map(text, i64), ..map(text, text) }", "{ ..map(text, i64), ..map(text, text) }"),
        yes("{ ..map(text, i64) }", "{ ..map(text, i64), ..map(text, i32) }"),
        no("{ ..map(text, i64) }", "{ ..map(text, i64), ..map(text, text) }"),
        yes("{ ..map(text, i64), ..map(text, f64) }", "{ ..map(text, i64) }"),
        yes("{ ..map(text, i64), ..map(text, f64) }", "{ a: i32 }"),
        no("{ ..map(text, i64), ..map(text, text) }", "{ a: i32 }"),
        yes("{ ..map(text, i64) }", "{ ..map(text, i64)? }"),
        yes("{ ..map(text, i64)? }", "{ ..map(text, i64) }"),
        // A map reads the fields of what is declared behind it, and of what has flattened parts itself.
        yes(&format!("{{ ..Line, ..map(text, i64) }}{line}"), "{ n: text }"),
        no(&format!("{{ ..map(text, i64), ..Line }}{line}"), "{ n: text }"),
        yes(&format!("{{ ..map(text, text), ..Line }}{line}"), "{ n: text }"),
        yes(&format!("{{ n: text, ..map(text, i64), ..Line? }}{line}"), "{ n: text }"),
        no(&format!("{{ ..Outer, ..map(text, i64) }}{outer}"), "{ n: text, m: text }"),
        yes(&format!("{{ ..Outer, ..map(text, text) }}{outer}"), "{ n: text, m: text }"),
        // An enum takes the first entry that has the name of a variant.
        no("{ ..enum { a: text, b: i64 } }", "{ a: i64, ..enum { b: i64 } }"),
        yes("{ a: i64, ..enum { a: text, b: i64 } }", "{ a: i64, ..enum { b: i64 } }"),
    ];
    cases.iter().for_each(Case::check);
}

/// A record that flattens itself is looked into a thousand times at most.
#[test]
fn parts_that_contain_themselves_come_to_an_end() {
    let text = "A\nA = { a: i64, ..A, ..A, ..A, ..A }";
    no(text, text).check();
}

#[test]
fn what_is_opaque_is_read_as_itself_alone() {
    let cases = [
        yes("opaque(\"Money\")", "opaque(\"Money\")"),
        no("opaque(\"Money\")", "opaque(\"Price\")"),
        no("opaque(\"Money\")", "i64"),
        no("[i64]", "opaque(\"Money\")"),
        yes("opaque(\"Money\")?", "opaque(\"Money\")"),
    ];
    cases.iter().for_each(Case::check);
}

/// Types that lead nowhere but back to themselves, alternatives that look at each other, nesting without end.
#[test]
fn whatever_is_compared_comes_to_an_end() {
    no("A\nA = A", "A\nA = A").check();
    no("A\nA = B\nB = A", "B\nA = B\nB = A").check();
    no("A\nA = A", "i64").check();
    no("{ a: A }\nA = { n: i64, next: A? }", "{ a: A }\nA = { n: text, next: A? }").check();
    yes("A\nA = union([A], i64)", "A\nA = union([A], i32)").check();
    no("A\nA = union([A], i32)", "A\nA = union([A], i64)").check();
    // B can be read as X only if A can, which was taken to hold while the first alternative was looked at.
    let reader = "union({ x: A }, { x: B })\nA = { next: [B], n: i32 }\nB = { next: [A] }";
    no(reader, "{ x: X }\nX = { next: [X], n: i64 }").check();
    let chain = |last: &str| {
        let links = (0..300).map(|link| format!("A{link} = union({{ a: A{0}, b: A{0} }}, [A{0}])\n", link + 1));
        format!("A0\n{}A300 = {last}", links.collect::<String>())
    };
    no(&chain("i64"), &chain("i64")).check();
    let short = |last: &str| chain(last).replace("A60 =", "A60 = i64\nB =");
    yes(&short("i64"), &short("i64")).check();
}
