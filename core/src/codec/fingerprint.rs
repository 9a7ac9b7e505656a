//! What a value says in 64 bits, the same for equal values: a map without an order is written in another one each time.
//!
//! A serializer that writes nothing, and makes a hash of each value. Those of a map's entries are added up, so that their order
//! is not seen, nor that of a struct's fields. What MessagePack writes alike is alike here: a struct is a map by field name.

use serde::{Serialize, ser};
use xxhash_rust::xxh3::xxh3_64_with_seed;

type Failed = rmp_serde::encode::Error;

pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Result<u64, Failed> {
    value.serialize(Hashing)
}

/// What is hashed: the same bytes are something else in each.
#[derive(Clone, Copy)]
enum Kind {
    Nil,
    Bool,
    Integer,
    Float,
    Double,
    Text,
    Bytes,
    List,
    Map,
    Entry,
}

impl Kind {
    fn of(self, bytes: &[u8]) -> u64 {
        xxh3_64_with_seed(bytes, self as u64)
    }

    fn of_two(self, one: u64, other: u64) -> u64 {
        self.of(&((u128::from(one) << 64) | u128::from(other)).to_le_bytes())
    }
}

struct Hashing;

/// The items so far.
struct List(u64);

/// The entries so far.
#[derive(Default)]
struct Entries {
    count: u64,
    sum: u64,
    /// That of the entry whose value comes next.
    key: u64,
}

/// A variant with its content: a map of one entry.
struct Variant<C> {
    name: &'static str,
    content: C,
}

impl List {
    fn new() -> Self {
        Self(Kind::List.of(&[]))
    }

    fn add<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Failed> {
        self.0 = Kind::List.of_two(self.0, of(item)?);
        Ok(())
    }
}

impl Entries {
    fn add(&mut self, key: u64, value: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(Kind::Entry.of_two(key, value));
    }

    fn add_field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Failed> {
        self.add(Kind::Text.of(name.as_bytes()), of(value)?);
        Ok(())
    }

    fn hash(&self) -> u64 {
        Kind::Map.of_two(self.count, self.sum)
    }
}

/// That of a variant whose content has the hash `content`.
fn variant(name: &str, content: u64) -> u64 {
    let mut entries = Entries::default();
    entries.add(Kind::Text.of(name.as_bytes()), content);
    entries.hash()
}

/// Values without others.
macro_rules! leaves {
    ($($method:ident($value:ident: $argument:ty) -> $kind:ident($bytes:expr);)*) => {
        $(fn $method(self, $value: $argument) -> Result<u64, Failed> { Ok(Kind::$kind.of($bytes)) })*
    };
}

impl ser::Serializer for Hashing {
    type Ok = u64;
    type Error = Failed;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = Variant<List>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Variant<Entries>;

    leaves! {
        serialize_bool(value: bool) -> Bool(&[value.into()]);
        serialize_i8(value: i8) -> Integer(&i128::from(value).to_le_bytes());
        serialize_i16(value: i16) -> Integer(&i128::from(value).to_le_bytes());
        serialize_i32(value: i32) -> Integer(&i128::from(value).to_le_bytes());
        serialize_i64(value: i64) -> Integer(&i128::from(value).to_le_bytes());
        serialize_i128(value: i128) -> Bytes(&value.to_be_bytes());
        serialize_u8(value: u8) -> Integer(&i128::from(value).to_le_bytes());
        serialize_u16(value: u16) -> Integer(&i128::from(value).to_le_bytes());
        serialize_u32(value: u32) -> Integer(&i128::from(value).to_le_bytes());
        serialize_u64(value: u64) -> Integer(&i128::from(value).to_le_bytes());
        serialize_u128(value: u128) -> Bytes(&value.to_be_bytes());
        serialize_f32(value: f32) -> Float(&value.to_le_bytes());
        serialize_f64(value: f64) -> Double(&value.to_le_bytes());
        serialize_str(value: &str) -> Text(value.as_bytes());
        serialize_char(value: char) -> Text(value.encode_utf8(&mut [0; 4]).as_bytes());
        serialize_bytes(value: &[u8]) -> Bytes(value);
    }

    fn serialize_none(self) -> Result<u64, Failed> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u64, Failed> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<u64, Failed> {
        Ok(Kind::Nil.of(&[]))
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<u64, Failed> {
        Ok(List::new().0)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<u64, Failed> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<u64, Failed> {
        self.serialize_str(name)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<u64, Failed> {
        Ok(variant(name, of(value)?))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<List, Failed> {
        Ok(List::new())
    }
    fn serialize_tuple(self, _: usize) -> Result<List, Failed> {
        Ok(List::new())
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Failed> {
        Ok(List::new())
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Variant<List>, Failed> {
        Ok(Variant { name, content: List::new() })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Failed> {
        Ok(Entries::default())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, Failed> {
        Ok(Entries::default())
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Variant<Entries>, Failed> {
        Ok(Variant { name, content: Entries::default() })
    }
    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! lists {
    ($($compound:ident::$method:ident;)*) => {
        $(impl ser::$compound for List {
            type Ok = u64;
            type Error = Failed;
            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Failed> {
                self.add(item)
            }
            fn end(self) -> Result<u64, Failed> {
                Ok(self.0)
            }
        })*
    };
}

lists! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
}

impl ser::SerializeTupleVariant for Variant<List> {
    type Ok = u64;
    type Error = Failed;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Failed> {
        self.content.add(item)
    }
    fn end(self) -> Result<u64, Failed> {
        Ok(variant(self.name, self.content.0))
    }
}

impl ser::SerializeStruct for Entries {
    type Ok = u64;
    type Error = Failed;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Failed> {
        self.add_field(name, value)
    }
    fn end(self) -> Result<u64, Failed> {
        Ok(self.hash())
    }
}

impl ser::SerializeStructVariant for Variant<Entries> {
    type Ok = u64;
    type Error = Failed;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Failed> {
        self.content.add_field(name, value)
    }
    fn end(self) -> Result<u64, Failed> {
        Ok(variant(self.name, self.content.hash()))
    }
}

impl ser::SerializeMap for Entries {
    type Ok = u64;
    type Error = Failed;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        self.key = of(key)?;
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.add(self.key, of(value)?);
        Ok(())
    }
    fn end(self) -> Result<u64, Failed> {
        Ok(self.hash())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use rmpv::Value;

    use super::*;
    use crate::codec::{self, tests::values};

    fn of(value: &impl Serialize) -> u64 {
        super::of(value).unwrap()
    }

    fn written(value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).unwrap();
        bytes
    }

    type Entries = Vec<(Value, Value)>;

    /// Changes the order of each map's entries, of the inner ones first.
    fn order_maps(value: &mut Value, order: &dyn Fn(&mut Entries)) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| order_maps(item, order)),
            Value::Map(entries) => {
                for (key, value) in entries.iter_mut() {
                    order_maps(key, order);
                    order_maps(value, order);
                }
                order(entries);
            }
            _ => {}
        }
    }

    /// The obvious way to tell whether two values are the same: each map in the order of its entries.
    fn sort_maps(value: &mut Value) {
        order_maps(value, &|entries| entries.sort_by_cached_key(|(key, value)| (written(key), written(value))));
    }

    /// Changes one leaf of a value.
    fn change(value: &mut Value, which: usize) {
        match value {
            Value::Array(items) if !items.is_empty() => {
                let index = which % items.len();
                change(&mut items[index], which / 2);
            }
            Value::Map(entries) if !entries.is_empty() => {
                let index = which % entries.len();
                let entry = &mut entries[index];
                change(if which.is_multiple_of(2) { &mut entry.0 } else { &mut entry.1 }, which / 2);
            }
            Value::Integer(number) => *value = (number.as_u64().unwrap_or(7) ^ 1).into(),
            _ => *value = 77.into(),
        }
    }

    proptest! {
        #[test]
        fn the_order_of_entries_is_all_that_is_not_seen(value in values(), which in any::<usize>()) {
            let (mut turned, mut changed) = (value.clone(), value.clone());
            order_maps(&mut turned, &|entries| entries.reverse());
            prop_assert_eq!(of(&value), of(&turned));
            change(&mut changed, which);
            let (mut one, mut other) = (value.clone(), changed.clone());
            sort_maps(&mut one);
            sort_maps(&mut other);
            let is_same = written(&one) == written(&other);
            prop_assert_eq!(of(&value) == of(&changed), is_same);
        }
    }

    #[test]
    fn what_stands_where_counts() {
        let map = |entries: &[(&str, i32)]| {
            Value::Map(entries.iter().map(|(key, value)| (Value::from(*key), Value::from(*value))).collect())
        };
        let (one, other) = (map(&[("a", 1), ("b", 2)]), map(&[("a", 2), ("b", 1)]));
        let list = |items: &[&Value]| Value::Array(items.iter().map(|item| (*item).clone()).collect());
        let different = [
            one.clone(),
            other.clone(),
            map(&[("a", 1)]),
            map(&[("a", 1), ("b", 2), ("c", 3)]),
            list(&[&one, &other]),
            list(&[&other, &one]),
            list(&[&one]),
            list(&[&list(&[&one]), &other]),
            list(&[&list(&[&one, &other])]),
            list(&[]),
            map(&[]),
            Value::Nil,
            "".into(),
            Value::Binary(Vec::new()),
            "1".into(),
            Value::Binary(b"1".to_vec()),
            1.into(),
            true.into(),
        ];
        let seen: HashSet<_> = different.iter().map(of).collect();
        assert_eq!(seen.len(), different.len());
    }

    /// P5: a request that is sent again to a later version of annals has the digest that it had.
    #[test]
    fn it_is_the_same_in_every_version_of_annals() {
        let text = "a text that is longer than 31 bytes, and so begins with its length";
        let inner = Value::Map(vec![("b".into(), Value::Nil), ("a".into(), text.into())]);
        let list = Value::Array(vec![1.into(), inner.clone(), (-70_000).into(), Value::Map(vec![])]);
        let value = Value::Map(vec![(inner, list.clone()), ("list".into(), list), (1.5.into(), true.into())]);
        assert_eq!(of(&value), 0xf6330d24532541cb);
    }

    #[derive(Serialize)]
    struct Everything {
        flag: bool,
        small: u8,
        large: u64,
        negative: i16,
        huge: (i128, u128),
        single: f32,
        double: f64,
        letter: char,
        none: Option<u8>,
        some: Option<u8>,
        nothing: (),
        empty: Empty,
        wrapped: Wrapped,
        pair: (u8, String),
        both: Both,
        variants: Vec<Variants>,
        map: std::collections::HashMap<String, Variants>,
    }

    #[derive(Serialize)]
    struct Empty;

    #[derive(Serialize)]
    struct Wrapped(u32);

    #[derive(Serialize)]
    struct Both(u8, i8);

    #[derive(Serialize)]
    enum Variants {
        Bare,
        Of(u8),
        Two(u8, bool),
        Named { one: u8, other: Option<String> },
    }

    /// It does not matter which type says it: neither to who renames one, nor to who has the bytes alone.
    #[test]
    fn a_value_has_that_of_the_tree_that_is_written() {
        let named = |one| Variants::Named { one, other: Some("text".into()) };
        let value = Everything {
            flag: true,
            small: 200,
            large: u64::MAX,
            negative: -200,
            huge: (-7, 7),
            single: 0.5,
            double: 0.5,
            letter: 'ä',
            none: None,
            some: Some(3),
            nothing: (),
            empty: Empty,
            wrapped: Wrapped(70_000),
            pair: (1, "one".into()),
            both: Both(1, -1),
            variants: vec![Variants::Bare, Variants::Of(1), Variants::Two(1, false), named(1)],
            map: [("a".to_owned(), named(2)), ("b".to_owned(), Variants::Bare)].into(),
        };
        let tree = codec::decode_value(&codec::encode("everything", &value).unwrap()).unwrap();
        assert_eq!(of(&value), of(&tree));
    }
}
