//! Shapes of all kinds.

use proptest::{collection::vec, prelude::*};

use crate::shape::{Enum, Field, Integer, Name, Record, Schema, Shape, Tagging, Types, Variant};

/// Names that need quotes and names that do not, some of them words of the grammar.
pub(in crate::shape) fn names() -> impl Strategy<Value = Name> {
    prop_oneof![
        8 => "[a-f][a-z0-9_]{0,3}".prop_map(Name::from),
        1 => prop::sample::select(vec!["text", "map", "default", "enum", "i64", "A"]).prop_map(Name::from),
        1 => any::<String>().prop_map(Name::from),
    ]
}

/// Different names, the first of each group with its aliases.
fn groups() -> impl Strategy<Value = Vec<(Name, Vec<Name>)>> {
    vec((names(), vec(names(), 0..2)), 0..4).prop_map(|groups| {
        let mut taken = std::collections::HashSet::new();
        let mut different = Vec::new();
        for (name, aliases) in groups {
            if taken.insert(name.clone()) {
                let aliases = aliases.into_iter().filter(|alias| taken.insert(alias.clone())).collect();
                different.push((name, aliases));
            }
        }
        different
    })
}

fn record(inner: BoxedStrategy<Shape>) -> impl Strategy<Value = Shape> {
    let parts = (vec((inner.clone(), any::<[bool; 2]>()), 4), vec(inner, 0..2), any::<bool>());
    (groups(), parts).prop_map(|(groups, (shapes, flattened, is_exact))| {
        let fields =
            groups.into_iter().zip(shapes).map(|((name, aliases), (shape, [has_default, may_be_left_out]))| Field {
                name,
                aliases,
                shape,
                has_default,
                may_be_left_out,
            });
        Record { fields: fields.collect(), flattened, is_exact }.into()
    })
}

fn one_of(inner: BoxedStrategy<Shape>) -> impl Strategy<Value = Shape> {
    let tagging = prop_oneof![
        2 => Just(Tagging::External),
        1 => names().prop_map(|tag| Tagging::Internal { tag }),
        1 => names().prop_map(|tag| Tagging::Adjacent { content: format!("{}_content", tag.as_str()).into(), tag }),
    ];
    let contents = vec((prop::option::of(inner), any::<bool>()), 4);
    (groups(), tagging, contents).prop_map(|(groups, tagging, contents)| {
        let variants = groups.into_iter().zip(contents).map(|((name, aliases), (content, is_default))| Variant {
            name,
            aliases,
            content,
            is_default,
        });
        Enum { tagging, variants: variants.collect() }.into()
    })
}

/// Any shape, which may refer to types by the names that [`names`] gives.
pub(in crate::shape) fn shapes() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Unit),
        Just(Shape::Bool),
        prop::sample::select(Integer::ALL.to_vec()).prop_map(Shape::Integer),
        Just(Shape::F32),
        Just(Shape::F64),
        Just(Shape::Char),
        Just(Shape::Text),
        Just(Shape::Bytes),
        (0_usize..20).prop_map(Shape::FixedBytes),
        Just(Shape::Uuid),
        names().prop_map(Shape::Named),
        names().prop_map(Shape::Opaque),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let inner = inner.boxed();
        prop_oneof![
            inner.clone().prop_map(Shape::option),
            inner.clone().prop_map(Shape::list),
            (inner.clone(), 0_usize..5).prop_map(|(item, length)| Shape::array(item, length)),
            vec(inner.clone(), 0..3).prop_map(Shape::Tuple),
            vec(inner.clone(), 0..3).prop_map(Shape::Union),
            (inner.clone(), inner.clone()).prop_map(|(key, value)| Shape::map(key, value)),
            record(inner.clone()),
            one_of(inner),
        ]
    })
}

/// Any schema; types that its shapes name and that it lacks are opaque.
pub(in crate::shape) fn schemas() -> impl Strategy<Value = Schema> {
    shapes().prop_map(|shape| Schema::describe(|_: &mut Types| shape))
}
