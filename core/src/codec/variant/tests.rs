use std::{collections::BTreeMap, fmt, marker::PhantomData};

use proptest::prelude::*;
use rmpv::Value;
use serde::{
    Deserialize, Deserializer,
    de::{EnumAccess, MapAccess, VariantAccess},
};

use super::*;
use crate::codec::{decode_variant, decode_variant_of};

#[derive(Debug, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
#[expect(dead_code, reason = "shown by Debug")]
enum Told {
    Plainly {
        one: u32,
        #[serde(default)]
        two: Option<u32>,
        #[serde(rename = "three")]
        third: u32,
        four_th: Option<u32>,
    },
    Skipping {
        one: u32,
        #[serde(skip)]
        two: u32,
        #[serde(skip_deserializing)]
        three: u32,
        four_th: u32,
    },
    Aliased {
        #[serde(alias = "two", alias = "a")]
        one: u32,
        three: Option<u32>,
        four_th: Option<u32>,
    },
    Flat {
        one: u32,
        #[serde(flatten)]
        more: BTreeMap<String, u32>,
    },
    Around(Content),
    Nothing,
}

/// How many fields each variant reads, as `derive(Event)` counts them.
const FIELDS: [usize; 6] = [4, 2, 3, 2, 1, 0];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "shown by Debug")]
struct Content {
    one: u32,
    three: u32,
}

/// The keys of a map as its reader is told them, with the names that the variant says it has.
#[derive(Debug, PartialEq)]
struct Keys<K>(Vec<K>);

const NAMES: &[&str] = &["one", "two", "three"];

#[derive(Debug, PartialEq)]
enum Key {
    Name(String),
    Number(u64),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl Visitor<'_> for Visit {
            type Value = Key;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a key")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Key, E> {
                Ok(Key::Name(name.to_owned()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Key, E> {
                Ok(Key::Number(number))
            }
        }
        deserializer.deserialize_identifier(Visit)
    }
}

impl<'de, K: Deserialize<'de>> Deserialize<'de> for Keys<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit<K>(PhantomData<K>);
        impl<'de, K: Deserialize<'de>> Visitor<'de> for Visit<K> {
            type Value = Keys<K>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map")
            }
            fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Keys<K>, A::Error> {
                let (_, content) = data.variant::<u32>()?;
                content.struct_variant(NAMES, self)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys<K>, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = map.next_entry::<K, de::IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_enum("", &[], Visit(PhantomData))
    }
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Vec<u8> {
    let entries = entries.into_iter().map(|(name, value)| (Value::from(name), value)).collect();
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &Value::Map(entries)).unwrap();
    bytes
}

fn ones(names: &[&'static str]) -> Vec<u8> {
    map(names.iter().map(|name| (*name, Value::from(1))))
}

#[test]
fn fields_are_handed_over_by_number_where_none_can_have_two_names() {
    let (name, number) = (|name: &str| Key::Name(name.to_owned()), Key::Number);
    for (names, keys) in [
        (&["one", "two", "three"][..], vec![number(0), number(1), number(2)]),
        (&["two", "unknown", "three"], vec![number(1), name("unknown"), number(2)]),
        (&["three", "one", "one"], vec![number(2), name("one"), name("one")]),
        (&["one", "one", "three"], vec![number(0), name("one"), number(2)]),
        (&[], vec![]),
    ] {
        let bytes = ones(names);
        assert_eq!(decode_variant_of(0, NAMES.len(), &bytes), Ok(Keys(keys)), "{names:?}");
        for keys in [decode_variant(0, &bytes), decode_variant_of(0, 2, &bytes), decode_variant_of(0, 4, &bytes)] {
            assert_eq!(keys, Ok(Keys(names.iter().copied().map(name).collect())), "{names:?}");
        }
    }
}

#[test]
fn who_takes_no_numbers_is_told_names() {
    let names = ["one", "three", "unknown", "two"];
    assert_eq!(decode_variant_of(0, NAMES.len(), &ones(&names)), Ok(Keys(names.map(str::to_owned).to_vec())));
}

proptest! {
    /// Whatever serde was told of the fields, and in whatever order which of them come.
    #[test]
    fn fields_are_read_by_number_as_by_name(
        variant in 0..FIELDS.len(),
        entries in prop::collection::vec(
            (
                prop::sample::select(&["one", "two", "three", "fourTh", "four_th", "third", "a", "unknown"][..]),
                prop_oneof![9 => (0..1000_u32).prop_map(Value::from), 1 => Just(Value::Nil), 1 => Just(Value::from("text"))],
            ),
            0..7,
        ),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let mut bytes = map(entries);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let index = u32::try_from(variant).unwrap();
        let by_name = decode_variant::<Told>(index, &bytes);
        let by_number = decode_variant_of::<Told>(index, FIELDS[variant], &bytes);
        prop_assert_eq!(format!("{by_number:?}"), format!("{by_name:?}"));
    }

    /// In the order in which they are written, of which some may be left out: so most of them come by number.
    #[test]
    fn fields_that_come_in_order_are_read_by_number_as_by_name(
        variant in 0..FIELDS.len(),
        left_out in prop::collection::vec(prop::bool::weighted(0.2), 5),
        values in prop::collection::vec(0..1000_u32, 5),
    ) {
        let entries = ["a", "one", "two", "three", "fourTh"].into_iter().zip(values.into_iter().map(Value::from));
        let bytes = map(entries.zip(left_out).filter(|(_, left_out)| !left_out).map(|(entry, _)| entry));
        let index = u32::try_from(variant).unwrap();
        let by_name = decode_variant::<Told>(index, &bytes);
        let by_number = decode_variant_of::<Told>(index, FIELDS[variant], &bytes);
        prop_assert_eq!(format!("{by_number:?}"), format!("{by_name:?}"));
    }
}
