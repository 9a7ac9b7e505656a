//! Shapes that differ a little from another, as those of a type do from one version to the next.

use super::random::Random;
use crate::shape::{Enum, Field, Integer, Record, Schema, Shape, Variant};

/// `schema` with about `count` changes.
pub(super) fn changed(schema: &Schema, random: &mut Random, count: usize) -> Schema {
    let mut schema = schema.clone();
    for _ in 0..count {
        let at = random.below(schema.types.len() + 1);
        let shape = match schema.types.values_mut().nth(at) {
            Some(named) => named,
            None => &mut schema.shape,
        };
        change(shape, random);
    }
    schema
}

/// Goes some way inside, and changes what is there.
fn change(shape: &mut Shape, random: &mut Random) {
    let mut parts = parts(shape);
    if !parts.is_empty() && !random.one_in(4) {
        let at = random.below(parts.len());
        return change(parts[at], random);
    }
    match shape {
        Shape::Record(record) => change_record(record, random),
        Shape::Enum(one_of) => change_enum(one_of, random),
        other => *other = instead(other, random),
    }
}

fn parts(shape: &mut Shape) -> Vec<&mut Shape> {
    match shape {
        Shape::Option(part) | Shape::List(part) | Shape::Array(part, _) => vec![part],
        Shape::Map(key, value) => vec![key, value],
        Shape::Tuple(parts) | Shape::Union(parts) => parts.iter_mut().collect(),
        Shape::Record(record) => {
            record.fields.iter_mut().map(|field| &mut field.shape).chain(&mut record.flattened).collect()
        }
        Shape::Enum(one_of) => one_of.variants.iter_mut().filter_map(|variant| variant.content.as_mut()).collect(),
        _ => Vec::new(),
    }
}

/// Something that has to do with `shape`.
fn instead(shape: &Shape, random: &mut Random) -> Shape {
    match (shape, random.below(4)) {
        (_, 0) => Shape::option(shape.clone()),
        (Shape::Option(some), 1) => (**some).clone(),
        (Shape::Integer(_), 1) => Shape::F64,
        (Shape::Integer(_), _) => Shape::Integer(*random.pick(&Integer::ALL)),
        (Shape::Array(item, _), 1) => Shape::List(item.clone()),
        (Shape::Array(item, length), 2) => Shape::array((**item).clone(), length + 1),
        (Shape::Tuple(items), 1) => Shape::Tuple([items.as_slice(), &[Shape::Bool]].concat()),
        (Shape::Tuple(items), 2) if !items.is_empty() => Shape::list(items[0].clone()),
        (Shape::Union(alternatives), 1) => Shape::Union([alternatives.as_slice(), &[Shape::Text]].concat()),
        (Shape::Union(alternatives), 2) if !alternatives.is_empty() => Shape::Union(alternatives[1..].to_vec()),
        (Shape::Text, 1) => Shape::Bytes,
        (Shape::Char, 1) => Shape::Text,
        (Shape::F32, 1) => Shape::F64,
        (Shape::Uuid, 1) => Shape::FixedBytes(16),
        (_, 2) => Shape::Union(vec![Shape::Bool, shape.clone()]),
        (_, 3) => random.pick(&[Shape::Text, Shape::Unit, Shape::F32, Shape::Bytes, Shape::Bool]).clone(),
        (other, _) => other.clone(),
    }
}

fn change_record(record: &mut Record, random: &mut Random) {
    let count = record.fields.len();
    let name = *random.pick(&["a", "b", "c", "z"]);
    let is_free = !record.fields.iter().any(|field| field.is_read_from(&name.into()));
    match random.below(9) {
        0 if is_free => record.fields.push(Field::new(name, Shape::Text).or_default()),
        1 if is_free => record.fields.push(Field::new(name, Shape::Bool)),
        2 if is_free && count > 0 => {
            let field = &mut record.fields[random.below(count)];
            let old = std::mem::replace(&mut field.name, name.into());
            field.aliases.push(old);
        }
        3 if count > 0 => {
            record.fields.remove(random.below(count));
        }
        4 if count > 0 => {
            let field = &mut record.fields[random.below(count)];
            field.has_default = !field.has_default;
        }
        5 => record.fields.reverse(),
        6 => record.is_exact = !record.is_exact,
        7 => record.flattened.push(Shape::map(Shape::Text, Shape::Text)),
        _ if count > 0 => {
            let field = &mut record.fields[random.below(count)];
            field.shape = instead(&field.shape, random);
        }
        _ => {}
    }
}

fn change_enum(one_of: &mut Enum, random: &mut Random) {
    let count = one_of.variants.len();
    let name = *random.pick(&["a", "b", "c", "z"]);
    let is_free = !one_of.variants.iter().any(|variant| variant.is_read_from(&name.into()));
    match random.below(6) {
        0 if is_free => one_of.variants.push(Variant::bare(name)),
        1 if is_free => one_of.variants.push(Variant::bare(name).or_unknown()),
        2 if is_free && count > 0 => {
            let variant = &mut one_of.variants[random.below(count)];
            let old = std::mem::replace(&mut variant.name, name.into());
            variant.aliases.push(old);
        }
        3 if count > 0 => {
            one_of.variants.remove(random.below(count));
        }
        4 if count > 0 => {
            let variant = &mut one_of.variants[random.below(count)];
            variant.content = variant.content.take().map_or(Some(Shape::Unit), |_| None);
        }
        _ => one_of.variants.reverse(),
    }
}
