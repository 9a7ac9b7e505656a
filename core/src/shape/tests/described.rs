//! What types say of themselves is what serde writes.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    marker::PhantomData,
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use rmpv::Value;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    EventId, StreamId, Timestamp, Version, codec,
    shape::{Field, Record, Schema, Shape, Shaped, Types},
};

/// The text of the shape of `value`, and what kind of thing its encoding is.
fn described<T: Shaped + Serialize>(value: &T) -> (String, &'static str) {
    let bytes = codec::encode("value", value).unwrap();
    let kind = match rmpv::decode::read_value(&mut &*bytes).unwrap() {
        Value::Nil => "nil",
        Value::Boolean(_) => "boolean",
        Value::Integer(_) => "integer",
        Value::F32(_) => "f32",
        Value::F64(_) => "f64",
        Value::String(_) => "string",
        Value::Binary(_) => "binary",
        Value::Array(_) => "array",
        Value::Map(_) => "map",
        Value::Ext(..) => "ext",
    };
    (Schema::of::<T>().to_string(), kind)
}

#[test]
fn std_types_say_what_serde_writes() {
    let check = |(text, kind): (String, &'static str), expected: (&str, &str)| {
        assert_eq!((text.as_str(), kind), expected);
    };
    check(described(&()), ("unit", "nil"));
    check(described(&true), ("bool", "boolean"));
    check(described(&-1_i8), ("i8", "integer"));
    check(described(&1_usize), ("u64", "integer"));
    check(described(&1_i128), ("i128", "binary"));
    check(described(&NonZeroU32::MIN), ("u32", "integer"));
    check(described(&1_f32), ("f32", "f32"));
    check(described(&1_f64), ("f64", "f64"));
    check(described(&'c'), ("char", "string"));
    check(described(&"c"), ("text", "string"));
    check(described(&Cow::Borrowed("c")), ("text", "string"));
    check(described(&Box::new(String::new())), ("text", "string"));
    check(described(&Arc::<str>::from("c").to_string()), ("text", "string"));
    check(described(&Some(1_u8)), ("u8?", "integer"));
    check(described(&Some(Some(1_u8))), ("u8?", "integer"));
    check(described(&None::<u8>), ("u8?", "nil"));
    check(described(&vec![1_u8]), ("[u8]", "array"));
    check(described(&VecDeque::from([1_u8])), ("[u8]", "array"));
    check(described(&BTreeSet::from([1_u8])), ("[u8]", "array"));
    check(described(&HashSet::from([1_u8])), ("[u8]", "array"));
    check(described(&[1_u8; 4]), ("[u8; 4]", "array"));
    check(described(&(1_u8, 'c')), ("(u8, char)", "array"));
    check(described(&(1, 1, 1, 1, 1, 1, 1, 1_u8)), ("(i32, i32, i32, i32, i32, i32, i32, u8)", "array"));
    check(described(&HashMap::from([("a", 1_u8)])), ("map(text, u8)", "map"));
    check(described(&BTreeMap::from([(1_u8, true)])), ("map(u8, bool)", "map"));
    check(described(&PhantomData::<u8>), ("()", "array"));
    check(described(&Duration::from_secs(1)), ("{ secs: u64, nanos: u32 }", "map"));
}

#[test]
fn own_types_say_what_serde_writes() {
    for (described, expected) in [
        (described(&Uuid::nil()), ("uuid", "binary")),
        (described(&codec::Bytes::from_static(b"a")), ("bytes", "binary")),
        (described(&EventId::new()), ("uuid", "binary")),
        (described(&Timestamp::EPOCH), ("i64", "integer")),
        (described(&Version::FIRST), ("u64", "integer")),
        (described(&StreamId::new("a", "b").unwrap()), ("text", "string")),
        (described(&crate::Digest::of(&[b"a"])), ("[u8; 16]", "array")),
    ] {
        assert_eq!((described.0.as_str(), described.1), expected);
    }
}

struct Tree;

impl Shaped for Tree {
    fn shape(types: &mut Types) -> Shape {
        types.named::<Self>("Tree", |types| Record::new([Field::new("children", Vec::<Self>::shape(types))]).into())
    }
}

struct Wrapped;

impl Shaped for Wrapped {
    fn shape(types: &mut Types) -> Shape {
        types.transparent::<Self>("Wrapped", Vec::<Tree>::shape)
    }
}

struct Nested;

impl Shaped for Nested {
    fn shape(types: &mut Types) -> Shape {
        types.transparent::<Self>("Nested", Vec::<Self>::shape)
    }
}

#[test]
fn a_recursive_type_is_referred_to_by_its_name() {
    assert_eq!(Schema::of::<Option<Tree>>().to_string(), "Tree?\nTree = { children: [Tree] }");
    assert_eq!(Schema::of::<(Nested, Nested)>().to_string(), "(Nested, Nested)\nNested = [Nested]");
}

#[test]
fn a_newtype_leaves_no_trace() {
    assert_eq!(Schema::of::<(Wrapped, Wrapped)>().to_string(), "([Tree], [Tree])\nTree = { children: [Tree] }");
}

#[test]
fn two_types_of_one_name_get_two_names() {
    struct Other;
    impl Shaped for Other {
        fn shape(types: &mut Types) -> Shape {
            types.named::<Self>("Tree", |_| Shape::Tuple(vec![]))
        }
    }
    let schema = Schema::of::<(Tree, Other)>();
    assert_eq!(schema.to_string(), "(Tree, Tree2)\nTree = { children: [Tree] }\nTree2 = ()");
}

#[test]
fn a_name_that_was_given_out_by_hand_stands_for_something_unknown() {
    let schema = Schema::describe(|_| Shape::list(Shape::named("Money")));
    assert_eq!(schema.to_string(), "[Money]\nMoney = opaque(\"Money\")");
}
