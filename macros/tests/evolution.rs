//! What the rules say of two versions of a type is what serde does with what was written.

use std::collections::BTreeMap;

use annals_core::{
    codec,
    shape::{Schema, Shaped},
};
use annals_macros::Shape;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[expect(clippy::panic, reason = "a value that cannot be written is a mistake of the test")]
/// Whether `Reader` can read `Writer` by the rules, which is whether it decodes each of `values`.
fn reads<Reader: Shaped + DeserializeOwned, Writer: Shaped + Serialize>(values: &[Writer]) -> bool {
    let verdict = Schema::of::<Reader>().can_read(&Schema::of::<Writer>());
    let bytes = values.iter().map(|value| codec::encode("value", value).unwrap_or_else(|error| panic!("{error}")));
    let decoded = bytes.map(|bytes| codec::decode::<Reader>(&bytes).map(|_| ())).collect::<Result<Vec<()>, _>>();
    assert_eq!(verdict.is_ok(), decoded.is_ok(), "{verdict:#?} {decoded:?}");
    verdict.is_ok()
}

macro_rules! types {
    ($($(#[$attribute:meta])* $kind:ident $name:ident $body:tt)*) => {$(
        #[derive(Clone, Serialize, Deserialize, Shape)]
        #[allow(dead_code, reason = "what is read is not looked at")]
        $(#[$attribute])*
        $kind $name $body
    )*};
}

#[test]
fn plain_values() {
    assert!(reads::<i64, _>(&[u32::MAX, 0]));
    assert!(!reads::<i32, _>(&[u32::MAX]));
    assert!(reads::<f64, _>(&[u64::MAX]));
    assert!(reads::<f32, _>(&[i64::MIN]));
    assert!(!reads::<i64, _>(&[1.5]));
    assert!(reads::<i128, _>(&[i64::MIN]));
    assert!(!reads::<i64, _>(&[i128::MIN]));
    assert!(!reads::<f64, _>(&[1_i128]));
    assert!(reads::<String, _>(&['c']));
    assert!(!reads::<char, _>(&["text".to_owned()]));
    assert!(reads::<codec::Bytes, _>(&["text".to_owned()]));
    assert!(!reads::<String, _>(&[codec::Bytes::from_static(&[0xff])]));
    assert!(reads::<Option<u8>, _>(&[1_u8]));
    assert!(!reads::<u8, _>(&[Some(1_u8), None]));
    assert!(reads::<Vec<u8>, _>(&[[1_u8, 2]]));
    assert!(!reads::<[u8; 2], _>(&[[1_u8, 2, 3]]));
    assert!(!reads::<(u8, u8), _>(&[vec![1_u8]]));
    assert!(reads::<BTreeMap<u64, String>, _>(&[BTreeMap::from([(1_u8, 'c')])]));
}

#[test]
fn fields() {
    types! {
        struct Old { a: u8, b: String }
        struct Less { b: String }
        struct More { a: u8, b: String, c: u8 }
        struct Optional { a: u16, b: Option<String>, c: Option<u8> }
        struct Defaulted { a: u8, #[serde(default)] c: Vec<u8> }
        struct Renamed { amount: u8, b: String }
        struct Aliased { #[serde(alias = "a")] amount: u8, b: String }
        struct Twice { #[serde(alias = "a")] b: String }
        struct LeftOut { #[serde(skip_serializing_if = "is_zero")] a: u8, b: String }
        #[serde(default)] struct AllDefaulted { a: u8, b: String }
        #[serde(deny_unknown_fields)] struct Exact { b: String }
        struct Flat { #[serde(flatten)] less: Less, a: u8 }
        struct Rest { a: u8, #[serde(flatten)] rest: BTreeMap<String, String> }
        struct Numbers { b: String, #[serde(flatten)] rest: BTreeMap<String, u8> }
    }
    impl Default for AllDefaulted {
        fn default() -> Self {
            Self { a: 1, b: String::new() }
        }
    }
    let old = [Old { a: 1, b: "b".into() }];
    assert!(reads::<Less, _>(&old));
    assert!(!reads::<More, _>(&old));
    assert!(reads::<Optional, _>(&old));
    assert!(reads::<Defaulted, _>(&old));
    assert!(!reads::<Renamed, _>(&old));
    assert!(reads::<Aliased, _>(&old));
    assert!(!reads::<Twice, _>(&old));
    assert!(reads::<AllDefaulted, _>(&old));
    assert!(reads::<AllDefaulted, _>(&[Less { b: "b".into() }]));
    assert!(!reads::<Exact, _>(&old));
    assert!(reads::<Exact, _>(&[Less { b: "b".into() }]));
    assert!(!reads::<Old, _>(&[LeftOut { a: 0, b: "b".into() }]));
    assert!(reads::<AllDefaulted, _>(&[LeftOut { a: 0, b: "b".into() }]));
    assert!(reads::<Flat, _>(&old));
    assert!(reads::<Old, _>(&[Flat { less: Less { b: "b".into() }, a: 1 }]));
    assert!(reads::<Rest, _>(&old));
    assert!(reads::<Numbers, _>(&old));
    let more = [More { a: 1, b: "b".into(), c: 1 }];
    assert!(reads::<Numbers, _>(&more));
    assert!(!reads::<Rest, _>(&more));
    let rest = [Rest { a: 1, rest: BTreeMap::from([("c".into(), "text".into())]) }];
    assert!(!reads::<Optional, _>(&rest));
}

fn is_zero(number: &u8) -> bool {
    *number == 0
}

type Numbers = BTreeMap<String, u8>;
type Texts = BTreeMap<String, String>;

fn numbers(names: &[&str]) -> Numbers {
    names.iter().map(|name| ((*name).to_owned(), 1)).collect()
}

fn texts(names: &[&str]) -> Texts {
    names.iter().map(|name| ((*name).to_owned(), "text".to_owned())).collect()
}

#[test]
fn flattened_maps_beside_fields() {
    types! {
        struct Free { #[serde(flatten)] rest: Numbers }
        struct Texting { #[serde(flatten)] rest: Texts }
        struct New { #[serde(default)] a: u8 }
        struct NewText { #[serde(default)] a: String }
        struct Renamed { #[serde(default, alias = "b")] a: u8 }
        struct Own { a: u8, #[serde(flatten)] rest: Numbers }
        struct OwnAliased { #[serde(alias = "b")] a: u8 }
        struct LeftOut { #[serde(default, skip_serializing_if = "is_zero")] a: u8, #[serde(flatten)] rest: Numbers }
        struct LeftOutTexts { #[serde(default, skip_serializing_if = "is_zero")] a: u8, #[serde(flatten)] rest: Texts }
        struct LeftOutTwice {
            #[serde(default, skip_serializing_if = "is_zero")] a: u8,
            #[serde(flatten)] one: Numbers,
            #[serde(flatten)] other: Numbers,
        }
        struct Maybe { #[serde(flatten)] rest: Option<Numbers> }
        #[derive(PartialEq, Eq, PartialOrd, Ord)] enum Key { A, #[serde(rename = "a")] Little, #[serde(rename = "b")] Bee }
        #[derive(PartialEq, Eq, PartialOrd, Ord)] enum OtherKey { A, B }
        struct Keyed { #[serde(flatten)] rest: BTreeMap<Key, u8> }
        struct OtherKeyed { #[serde(flatten)] rest: BTreeMap<OtherKey, String> }
        struct Short { #[serde(flatten)] rest: BTreeMap<char, u8> }
        struct LongRenamed { #[serde(default, alias = "b")] aa: u8 }
        struct OwnLong { aa: u8 }
    }
    // A new field is read from what the map may hold, and from two names of it at once.
    let free = [Free { rest: numbers(&["a", "b"]) }];
    assert!(reads::<New, _>(&free));
    assert!(!reads::<NewText, _>(&free));
    assert!(!reads::<Renamed, _>(&free));
    let own = [Own { a: 1, rest: numbers(&["b"]) }];
    assert!(reads::<Own, _>(&own));
    assert!(reads::<Free, _>(&own));
    assert!(reads::<Renamed, _>(&[New { a: 1 }]));
    assert!(!reads::<OwnAliased, _>(&own));
    // What was left out may be in the map.
    let left_out = [LeftOut { a: 0, rest: numbers(&["a"]) }, LeftOut { a: 1, rest: numbers(&["b"]) }];
    assert!(reads::<New, _>(&left_out));
    assert!(reads::<LeftOut, _>(&left_out));
    assert!(reads::<Free, _>(&[Own { a: 1, rest: numbers(&[]) }]));
    assert!(!reads::<Texting, _>(&[Own { a: 1, rest: numbers(&[]) }]));
    let texting = [LeftOutTexts { a: 0, rest: texts(&["a"]) }];
    assert!(!reads::<New, _>(&texting));
    assert!(!reads::<LeftOutTexts, _>(&texting));
    assert!(!reads::<LeftOutTwice, _>(&[LeftOutTwice { a: 0, one: numbers(&["a"]), other: numbers(&["a"]) }]));
    // What is none has no entries.
    assert!(reads::<Free, _>(&[Maybe { rest: None }, Maybe { rest: Some(numbers(&["a"])) }]));
    assert!(!reads::<Texting, _>(&[Maybe { rest: Some(numbers(&["a"])) }]));
    // Keys that are not any text.
    let keyed = |key| Keyed { rest: BTreeMap::from([(key, 1)]) };
    let keyed = [keyed(Key::A), keyed(Key::Little), Keyed { rest: BTreeMap::from([(Key::Little, 1), (Key::Bee, 1)]) }];
    assert!(reads::<New, _>(&keyed));
    assert!(!reads::<NewText, _>(&keyed));
    assert!(!reads::<Renamed, _>(&keyed));
    assert!(reads::<Free, _>(&keyed));
    assert!(!reads::<OtherKeyed, _>(&keyed));
    assert!(reads::<New, _>(&[OtherKeyed {
        rest: BTreeMap::from([(OtherKey::A, "text".into()), (OtherKey::B, "text".into())])
    }]));
    assert!(reads::<Keyed, _>(&[New { a: 1 }]));
    assert!(!reads::<Keyed, _>(&[OwnLong { aa: 1 }]));
    let short = [Short { rest: BTreeMap::from([('a', 1), ('b', 1)]) }];
    assert!(reads::<LongRenamed, _>(&short));
    assert!(!reads::<Renamed, _>(&short));
    assert!(reads::<Short, _>(&[New { a: 1 }]));
    assert!(!reads::<Short, _>(&[OwnLong { aa: 1 }]));
}

#[test]
fn flattened_maps_beside_other_parts() {
    types! {
        struct Line { n: String }
        struct Free { #[serde(flatten)] rest: Numbers }
        struct New { #[serde(default)] a: u8 }
        struct Alike { #[serde(flatten)] one: Numbers, #[serde(flatten)] other: BTreeMap<String, u16> }
        struct Unlike { #[serde(flatten)] one: Numbers, #[serde(flatten)] other: Texts }
        struct Before { #[serde(flatten)] line: Line, #[serde(flatten)] rest: Numbers }
        struct Behind { #[serde(flatten)] rest: Numbers, #[serde(flatten)] line: Line }
        struct BehindTexts { #[serde(flatten)] rest: Texts, #[serde(flatten)] line: Line }
        struct Nothing {}
        struct Outer { n: String, #[serde(flatten)] nothing: Nothing }
        struct Nested { #[serde(flatten)] outer: Outer, #[serde(flatten)] rest: Numbers }
        struct NestedTexts { #[serde(flatten)] outer: Outer, #[serde(flatten)] rest: Texts }
        #[serde(deny_unknown_fields)] struct Exact { #[serde(flatten)] line: Line }
        #[serde(deny_unknown_fields)] struct ExactOuter { #[serde(flatten)] outer: Outer }
        enum Kind { #[serde(rename = "k")] Known(u8) }
        enum Wider { #[serde(rename = "n")] Named(u8), #[serde(rename = "k")] Known(u8) }
        struct Typed { n: String, #[serde(flatten)] kind: Kind }
        struct Widened { #[serde(flatten)] kind: Wider }
        struct WidenedTyped { n: String, #[serde(flatten)] kind: Wider }
    }
    // Two maps may hold the same name, and each reads what either holds.
    let alike = [Alike { one: numbers(&["a"]), other: BTreeMap::from([("a".into(), 2)]) }];
    assert!(!reads::<New, _>(&alike));
    assert!(!reads::<Free, _>(&[Alike { one: numbers(&["b"]), other: BTreeMap::from([("a".into(), 256)]) }]));
    let free = [Free { rest: numbers(&["a", "b"]) }];
    assert!(reads::<Alike, _>(&free));
    assert!(!reads::<Unlike, _>(&free));
    assert!(!reads::<Unlike, _>(&[Unlike { one: numbers(&["a"]), other: texts(&["b"]) }]));
    assert!(reads::<Alike, _>(&[New { a: 1 }]));
    assert!(!reads::<Unlike, _>(&[New { a: 1 }]));
    // Parts are read in their order; only a struct without parts of its own takes what it reads.
    let line = [Line { n: "text".into() }];
    assert!(reads::<Before, _>(&line));
    assert!(!reads::<Behind, _>(&line));
    assert!(reads::<BehindTexts, _>(&line));
    assert!(!reads::<Nested, _>(&line));
    assert!(reads::<NestedTexts, _>(&line));
    assert!(reads::<Exact, _>(&line));
    assert!(!reads::<ExactOuter, _>(&line));
    // So does an enum with the first entry that has the name of a variant.
    let typed = [Typed { n: "text".into(), kind: Kind::Known(1) }];
    assert!(reads::<Typed, _>(&typed));
    assert!(!reads::<Widened, _>(&typed));
    assert!(reads::<WidenedTyped, _>(&typed));
}

#[test]
fn variants() {
    types! {
        enum Old { A, B { n: u8 }, C(u8) }
        enum Same { C(u16), B { n: u16 }, A, D }
        enum Less { A, B { n: u8 } }
        enum Other { A, B { n: u8 }, #[serde(other)] Unknown }
        enum Bare { A, B }
        enum BareOld { A, B, C }
        enum BareOther { A, #[serde(other)] Unknown }
        enum Renamed { A, #[serde(alias = "B")] Bee { n: u8 }, #[serde(rename = "C")] Sea(u8) }
        enum Nil { A(()), B }
        enum Filled { A(Option<u8>), B }
    }
    let old = [Old::A, Old::B { n: 1 }, Old::C(1)];
    assert!(reads::<Same, _>(&old));
    assert!(!reads::<Less, _>(&old));
    assert!(!reads::<Other, _>(&old));
    assert!(!reads::<Bare, _>(&old));
    assert!(reads::<Renamed, _>(&old));
    assert!(reads::<BareOther, _>(&[BareOld::A, BareOld::B, BareOld::C]));
    assert!(!reads::<Bare, _>(&[BareOld::C]));
    assert!(reads::<Bare, _>(&[Nil::A(()), Nil::B]));
    assert!(!reads::<Nil, _>(&[Bare::A]));
    assert!(!reads::<Filled, _>(&[Bare::A]));
}

#[test]
fn tagged_variants() {
    types! {
        #[serde(tag = "type")] enum Internal { A, B { n: u8 } }
        #[serde(tag = "type")] enum Widened { A { n: Option<u8> }, B }
        #[serde(tag = "type")] enum Demanding { A { n: u8 }, B }
        #[serde(tag = "type")] enum Other { A, #[serde(other)] Unknown }
        #[serde(tag = "type", content = "data")] enum Adjacent { A, B { n: u8 } }
        #[serde(tag = "type", content = "data")] enum AdjacentFilled { A(u8), B { n: u16 } }
        #[serde(tag = "type", content = "data")] enum AdjacentBare { A, B }
        #[serde(tag = "type", content = "data")] enum AdjacentOther { A, #[serde(other)] Unknown }
        #[serde(untagged)] enum Untagged { Number(u8), Text(String) }
        #[serde(untagged)] enum Wider { Flag(bool), Text(String), Number(i64) }
        #[serde(untagged)] enum Narrower { Number(u8) }
    }
    let internal = [Internal::A, Internal::B { n: 1 }];
    assert!(reads::<Widened, _>(&internal));
    assert!(!reads::<Demanding, _>(&internal));
    assert!(reads::<Other, _>(&internal));
    assert!(!reads::<Adjacent, _>(&internal));
    let adjacent = [Adjacent::A, Adjacent::B { n: 1 }];
    assert!(!reads::<AdjacentFilled, _>(&adjacent));
    assert!(!reads::<AdjacentBare, _>(&adjacent));
    assert!(!reads::<AdjacentOther, _>(&adjacent));
    assert!(reads::<AdjacentOther, _>(&[AdjacentBare::A, AdjacentBare::B]));
    let untagged = [Untagged::Number(1), Untagged::Text("text".into())];
    assert!(reads::<Wider, _>(&untagged));
    assert!(!reads::<Narrower, _>(&untagged));
    assert!(reads::<Untagged, _>(&[1_u8]));
}
