use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use proptest::prelude::*;
use rmpv::Value;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::*;
use crate::codec::{decode, tests::values};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Every {
    flag: bool,
    small: (u8, u16, u32, u64),
    signed: (i8, i16, i32, i64),
    wide: (u128, i128),
    real: (f32, f64),
    letter: char,
    text: String,
    list: Vec<Option<Box<Every>>>,
    map: HashMap<String, u64>,
    nothing: (),
    unit: Unit,
    around: Around,
    pair: Pair,
    kinds: Vec<Kind>,
    #[serde(default)]
    bytes: Bytes,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Around(u32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u32, String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Newtype(u32),
    Nested(Box<Kind>),
    Tuple(u32, String),
    Fields { n: u32, text: Option<String> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    List(Vec<Untagged>),
    Map(BTreeMap<String, Untagged>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    One { n: u32 },
    Two { text: String },
}

/// Written as bytes, unlike a `Vec<u8>`.
#[derive(Debug, Default, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl Visitor<'_> for Visit {
            type Value = Bytes;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visit)
    }
}

/// What was decoded in two passes before: the bounds first, then by `rmp_serde`.
fn by_the_model<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PayloadError> {
    bounds::check(bytes)?;
    rmp_serde::from_slice(bytes).map_err(|error| PayloadError::Shape { reason: error.to_string() })
}

/// Both read the same, or refuse for the same reason but for its words.
fn agree<T: DeserializeOwned + Debug>(bytes: &[u8]) {
    let (ours, model) = (decode::<T>(bytes), by_the_model::<T>(bytes));
    let same = match (&ours, &model) {
        (Err(PayloadError::Shape { .. }), Err(PayloadError::Shape { .. })) => true,
        // NaN is not equal to itself.
        _ => format!("{ours:?}") == format!("{model:?}"),
    };
    assert!(same, "{} of {bytes:02x?}: {ours:?} in place of {model:?}", std::any::type_name::<T>());
}

fn all_agree(bytes: &[u8]) {
    agree::<Value>(bytes);
    agree::<IgnoredAny>(bytes);
    agree::<Every>(bytes);
    agree::<Kind>(bytes);
    agree::<Vec<Kind>>(bytes);
    agree::<Option<Untagged>>(bytes);
    agree::<Tagged>(bytes);
    agree::<(u128, i128)>(bytes);
    agree::<(f32, f64, char)>(bytes);
    agree::<BTreeMap<String, Vec<u8>>>(bytes);
    agree::<Bytes>(bytes);
    agree::<Unit>(bytes);
    agree::<Option<Option<bool>>>(bytes);
}

fn every() -> Every {
    let kinds = vec![
        Kind::Unit,
        Kind::Newtype(300),
        Kind::Nested(Box::new(Kind::Nested(Box::new(Kind::Unit)))),
        Kind::Tuple(1, "one".into()),
        Kind::Fields { n: 7, text: Some("x".repeat(40)) },
    ];
    Every {
        flag: true,
        small: (200, 60_000, 70_000, u64::MAX),
        signed: (-100, -300, -70_000, i64::MIN),
        wide: (u128::MAX, -5),
        real: (1.5, f64::MIN_POSITIVE),
        letter: 'ä',
        text: "t".repeat(300),
        list: vec![None, None],
        map: HashMap::from([("k".into(), 1)]),
        nothing: (),
        unit: Unit,
        around: Around(1),
        pair: Pair(2, String::new()),
        kinds,
        bytes: Bytes(vec![1, 2, 3]),
        more: BTreeMap::from([("more".into(), Value::Ext(5, vec![1, 2]))]),
    }
}

#[test]
fn everything_that_serde_knows_is_read_back() {
    let (mut outer, inner) = (every(), every());
    outer.list.push(Some(Box::new(inner)));
    for bytes in [rmp_serde::to_vec_named(&outer).unwrap(), rmp_serde::to_vec(&every().pair).unwrap()] {
        all_agree(&bytes);
    }
    assert_eq!(decode::<Every>(&rmp_serde::to_vec_named(&outer).unwrap()), Ok(outer));
}

#[test]
fn variants_are_read_in_the_one_way_in_which_they_are_written() {
    for kind in every().kinds {
        for bytes in [rmp_serde::to_vec_named(&kind).unwrap(), rmp_serde::to_vec(&kind).unwrap()] {
            all_agree(&bytes);
            assert_eq!(decode::<Kind>(&bytes).as_ref(), Ok(&kind));
        }
    }
    for tagged in [Tagged::One { n: 1 }, Tagged::Two { text: "t".into() }] {
        assert_eq!(decode(&rmp_serde::to_vec_named(&tagged).unwrap()), Ok(tagged));
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Renamed {
    #[serde(alias = "formerly", alias = "")]
    now: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_out: Option<u32>,
    #[serde(rename = "a-name-that-is-longer-than-a-short-text-of-messagepack")]
    long: u32,
    last: String,
}

/// Fields are found in any order, under any of their names, and not twice.
#[test]
fn fields_are_told_by_their_names_alone() {
    let long = "a-name-that-is-longer-than-a-short-text-of-messagepack";
    let names = ["now", "formerly", "", "left_out", long, "last", "lasting", "las", "unknown"];
    for picked in 0..4096_usize {
        let picked = [picked & 7, picked >> 3 & 7, picked >> 6 & 7, picked >> 9 & 7].map(|name| names[name + 1]);
        for first in [names[0], names[8]] {
            let entry = |name: &&str| {
                let value = if *name == "last" { Value::from("text") } else { Value::from(7) };
                (Value::from(*name), value)
            };
            let map = Value::Map([first].iter().chain(&picked).map(entry).collect());
            let mut bytes = Vec::new();
            rmpv::encode::write_value(&mut bytes, &map).unwrap();
            agree::<Renamed>(&bytes);
        }
    }
    let value = Renamed { now: 1, left_out: None, long: 2, last: "l".into() };
    assert_eq!(decode(&rmp_serde::to_vec_named(&value).unwrap()), Ok(value));
}

/// F10: variants in variants are as bounded as lists in lists: the stack does not depend on the bytes.
#[test]
fn variants_are_nested_no_deeper_than_allowed() {
    let nested = |depth: usize| {
        let mut bytes = b"\x81\xa6Nested".repeat(depth);
        bytes.extend_from_slice(b"\xa4Unit");
        bytes
    };
    assert!(decode::<Kind>(&nested(DEPTH_MAX)).is_ok());
    for depth in [DEPTH_MAX + 1, 1_000_000] {
        assert_eq!(decode::<Kind>(&nested(depth)), Err(PayloadError::TooDeep));
    }
}

/// A list of values that take nothing from the bytes, and believe what was announced.
#[derive(Debug)]
struct Believing;

impl<'de> Deserialize<'de> for Believing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Believing;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Believing, A::Error> {
                assert!(list.size_hint().is_some_and(|parts| parts < 100), "{:?}", list.size_hint());
                Ok(Believing)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Believing, A::Error> {
                assert!(map.size_hint().is_some_and(|parts| parts < 100), "{:?}", map.size_hint());
                Ok(Believing)
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

/// F10: who sets aside what is announced is told of no more than there can be.
#[test]
fn no_more_is_announced_to_a_type_than_there_are_bytes() {
    for first in [0xdc, 0xdd, 0xde, 0xdf] {
        let error = decode::<Believing>(&[first, 0xff, 0xff, 0xff, 0xff, 0, 0, 0]).unwrap_err();
        assert!(matches!(error, PayloadError::Truncated { .. }), "{error}");
    }
    // It reads nothing of what there is.
    assert!(matches!(decode::<Believing>(&[0x92, 0, 0]), Err(PayloadError::Shape { .. })));
}

proptest! {
    #[test]
    fn values_are_read_as_by_two_passes(value in values()) {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &value).unwrap();
        all_agree(&bytes);
    }

    #[test]
    fn what_is_wrong_is_refused_as_by_two_passes(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = rmp_serde::to_vec_named(&every()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at + 1);
        }
        all_agree(&bytes);
    }

    #[test]
    fn noise_is_read_as_by_two_passes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        all_agree(&bytes);
    }

    #[test]
    fn short_noise_is_read_as_by_two_passes(bytes in prop::collection::vec(prop::sample::select(&b"\x81\x82\x91\x92\xa1\xa4Unitn\xc0\xc1\xc4\x10\xc7\xd4\xd9\xdc\0\x01\xff"[..]), 0..12)) {
        all_agree(&bytes);
    }
}
