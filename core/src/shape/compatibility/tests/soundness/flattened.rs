//! Flattened maps beside fields that may be left out, aliases, and other flattened parts.

use super::{counterexample_of, random::Random};
use crate::shape::{Enum, Field, Integer, Record, Schema, Shape, Variant};

const NAMES: [&str; 4] = ["a", "b", "c", "long"];

/// What a field or a map holds.
fn content(random: &mut Random) -> Shape {
    let text_or_number = || Shape::Union(vec![Shape::Integer(Integer::U8), Shape::Text]);
    match random.below(8) {
        0..3 => Shape::Integer(Integer::U8),
        3 => Shape::Integer(Integer::U16),
        4..6 => Shape::Text,
        6 => Shape::option(Shape::Text),
        _ => text_or_number(),
    }
}

/// Some of the names that are left, with aliases that are.
fn fields(random: &mut Random, names: &mut Vec<&'static str>, one_in: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    while !names.is_empty() && random.one_in(one_in) {
        let name = names.remove(random.below(names.len()));
        let mut field = Field::new(name, content(random));
        field.has_default = !random.one_in(3) || matches!(field.shape, Shape::Option(_));
        field.may_be_left_out = random.one_in(3);
        if !names.is_empty() && random.one_in(4) {
            let alias = names.remove(random.below(names.len()));
            field = field.alias(alias);
        }
        fields.push(field);
    }
    fields
}

fn map(random: &mut Random) -> Shape {
    let key = match random.below(6) {
        0 => Shape::Char,
        1 => Enum::new([Variant::bare("a"), Variant::bare("long")]).into(),
        2 => Enum::new([Variant::bare("b"), Variant::bare("z").alias("c")]).into(),
        _ => Shape::Text,
    };
    let map = Shape::map(key, content(random));
    if random.one_in(6) { Shape::option(map) } else { map }
}

/// A record with up to two flattened maps, and up to one flattened record before, between or behind them.
fn record(random: &mut Random) -> Schema {
    let names = &mut NAMES.to_vec();
    let mut record = Record::new(fields(random, names, 2));
    for _ in 0..random.below(3) {
        let map = map(random);
        record.flattened.push(map);
    }
    if random.one_in(2) {
        let mut part = Record::new(fields(random, names, 1));
        if random.one_in(3) {
            let inner = if random.one_in(2) { map(random) } else { Record::new(fields(random, names, 1)).into() };
            part.flattened.push(inner);
        }
        let part = if random.one_in(4) { Shape::option(part.into()) } else { part.into() };
        let at = random.below(record.flattened.len() + 1);
        record.flattened.insert(at, part);
    }
    record.is_exact = record.flattened.is_empty() && random.one_in(6);
    Schema::describe(|_| record.into())
}

/// Both ways: what is said to be read decodes, and of what is said not to be, something does not.
#[test]
fn the_verdict_on_flattened_maps_is_that_of_serde() {
    let [mut reads, mut breaks, mut unseen] = [0; 3];
    for seed in 0..6_000 {
        let random = &mut Random::new(seed);
        let writer = record(random);
        let reader = match seed % 4 {
            0 => writer.clone(),
            1 => super::changed(&writer, random, 1),
            _ => record(random),
        };
        // Of other parts not everything is told.
        if reader.to_string().contains("..union") {
            continue;
        }
        match (reader.can_read(&writer), counterexample_of(60, &reader, &writer, seed).0) {
            (Ok(()), None) => reads += 1,
            (Ok(()), Some(value)) => panic!("{reader} does not decode {value} of {writer}"),
            (Err(_), Some(_)) => breaks += 1,
            (Err(reasons), None) => {
                unseen += 1;
                eprintln!("nothing of {writer} fails to decode as {reader}: {reasons:?}");
            }
        }
    }
    assert!(reads > 1_500 && breaks > 1_500, "{reads} {breaks} {unseen}");
    assert!(unseen < 10, "{reads} {breaks} {unseen}");
}
