//! What can be read by the rules is read: values of the writer's shape, encoded, decode as the reader's.

mod change;
mod decoder;
mod flattened;
mod held;
mod random;
mod value;

use proptest::{collection::vec, prelude::*};

use self::{change::changed, decoder::decodes, random::Random, value::value};
use super::case::schema;
use crate::shape::{Name, Schema, tests::arbitrary};

/// A schema in which the names that its shapes may have stand for types.
fn schemas() -> impl Strategy<Value = Schema> {
    (arbitrary::shapes(), vec(arbitrary::shapes(), 2)).prop_map(|(shape, mut named)| {
        let own = named.iter().zip(["A", "B"]).map(|(shape, name)| (Name::from(name), shape.clone())).collect();
        let mut schema = Schema { shape, types: own };
        named.push(schema.shape.clone());
        for shape in &named {
            shape.visit_names(&mut |name| {
                schema.types.entry(name.clone()).or_insert_with(|| crate::shape::Shape::opaque(name.as_str()));
            });
        }
        schema
    })
}

/// How many values of a writer are looked at.
const VALUES: u64 = 12;

/// The first value of the writer, by seed, that does not decode as the reader; and how many values there were.
fn counterexample(reader: &Schema, writer: &Schema, seed: u64) -> (Option<String>, u64) {
    counterexample_of(VALUES, reader, writer, seed)
}

fn counterexample_of(values: u64, reader: &Schema, writer: &Schema, seed: u64) -> (Option<String>, u64) {
    let mut count = 0;
    for seed in (0..values).map(|more| seed.wrapping_add(more)) {
        let Some(value) = value(writer, reader, &mut Random::new(seed)) else {
            continue;
        };
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &value).unwrap();
        let stored = rmpv::decode::read_value(&mut &*bytes).unwrap();
        count += 1;
        if !decodes(reader, &stored) {
            return (Some(stored.to_string()), count);
        }
    }
    (None, count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_can_be_read_decodes(writer in schemas(), other in schemas(), seed in any::<u64>()) {
        let random = &mut Random::new(seed);
        for reader in [other, writer.clone(), changed(&writer, random, 1), changed(&writer, random, 3)] {
            if reader.can_read(&writer).is_ok() {
                let (counterexample, _) = counterexample(&reader, &writer, seed);
                prop_assert_eq!(counterexample, None, "\nreader {}\nwriter {}", reader, writer);
            }
        }
    }
}

/// The property says something: many changed shapes can still be read, many cannot, and the decoder sees that.
#[test]
fn changes_keep_and_break_about_alike() {
    let base = schema(
        "{ a: i32, b: text?, c: [A], d: enum { A, B: i32, C: { n: u8 } }, e: map(text, u8), f: (i64, char), g?: u8 = default }
        A = { n: i32, m: union(i32, text) }",
    );
    let mut counts = [0; 3];
    for seed in 0..2_000 {
        let reader = changed(&base, &mut Random::new(seed), 1);
        match (reader.can_read(&base).is_ok(), counterexample(&reader, &base, seed).0) {
            (true, None) => counts[0] += 1,
            (true, Some(value)) => panic!("{reader} does not decode {value}"),
            (false, Some(_)) => counts[1] += 1,
            (false, None) => counts[2] += 1,
        }
    }
    let [kept, broken, unseen] = counts;
    assert!(kept > 400 && broken > 400 && unseen < 40, "{counts:?}");
}

/// A decoder that takes everything, or rules that do, would be seen.
#[test]
fn a_decoder_refuses_what_is_of_another_shape() {
    for (reader, writer) in [
        ("i8", "i64"),
        ("{ a: i8 }", "{}"),
        ("{ a: i8 }", "{ a: text }"),
        ("{| |}", "{ a: i8 }"),
        ("{ b|a: i8 }", "{ a: i8, b: i8 }"),
        ("[i8; 2]", "[i8; 3]"),
        ("enum { A }", "enum { B }"),
        ("enum { A }", "enum { A: i8 }"),
        ("enum(type) { A: { a: i8 } }", "enum(type) { A }"),
        ("enum(type, content) { A }", "enum(type, content) { A: i8 }"),
        ("union(i8, text)", "bool"),
        ("text", "text?"),
        ("{ a: i8, ..map(text, i8) }", "{ a: i8, b: text }"),
        ("{ ..map(text, i8), ..A }\nA = { b: text }", "{ b: text }"),
        ("{ ..map(text, i8), ..map(text, text) }", "{ ..map(text, i8), ..map(text, text) }"),
    ] {
        let (reader, writer) = (schema(reader), schema(writer));
        assert!(counterexample(&reader, &writer, 1).0.is_some(), "{reader} {writer}");
        assert!(reader.can_read(&writer).is_err(), "{reader} {writer}");
    }
}
