//! Derived shapes are those that one would write by hand, and say what serde does.

use std::collections::BTreeMap;

use annals_core::shape::{Enum, Field, Record, Schema, Shaped, Variant};
use annals_macros::Shape;
use serde::{Deserialize, Serialize};

/// Says nothing of itself.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Foreign(u8);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Shape)]
struct Money {
    cents: i64,
    currency: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Money>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Shape)]
#[serde(rename_all = "snake_case")]
enum Payment {
    Cash(Money),
    Card {
        number: u64,
    },
    #[serde(alias = "gift")]
    Free,
    InParts(u8, u8),
}

mod by_hand {
    use annals_core::shape::{Shape, Types};

    use super::*;

    pub(super) struct Money;
    pub(super) struct Payment;

    impl Shaped for Money {
        fn shape(types: &mut Types) -> Shape {
            types.named::<Self>("Money", |types| {
                let parts = Field::new("parts", Vec::<Self>::shape(types));
                Record::new([
                    Field::new("cents", i64::shape(types)),
                    Field::new("currency", Option::<String>::shape(types)).or_default(),
                    parts.or_default().maybe_left_out(),
                ])
                .into()
            })
        }
    }

    impl Shaped for Payment {
        fn shape(types: &mut Types) -> Shape {
            types.named::<Self>("Payment", |types| {
                Enum::new([
                    Variant::of("cash", Money::shape(types)),
                    Variant::of("card", Record::new([Field::new("number", u64::shape(types))]).into()),
                    Variant::bare("free").alias("gift"),
                    Variant::of("in_parts", <(u8, u8)>::shape(types)),
                ])
                .into()
            })
        }
    }
}

#[test]
fn a_derived_shape_is_one_by_hand() {
    assert_eq!(Schema::of::<Money>(), Schema::of::<by_hand::Money>());
    assert_eq!(Schema::of::<Payment>(), Schema::of::<by_hand::Payment>());
    let text = "\
Payment
Money = { cents: i64, currency: text?, parts?: [Money] = default }
Payment = enum { cash: Money, card: { number: u64 }, free|gift, in_parts: (u8, u8) }";
    assert_eq!(Schema::of::<Payment>().to_string(), text);
}

/// The text of the shape of a type, without the name in its first line.
fn text<T: Shaped>() -> String {
    let text = Schema::of::<T>().to_string();
    text.split_once(" = ").map_or_else(|| text.clone(), |(_, text)| text.to_owned())
}

#[test]
fn names_are_those_that_serde_writes() {
    #[derive(Serialize, Deserialize, Shape)]
    #[serde(rename_all = "camelCase")]
    struct Line {
        net_amount: u8,
        #[serde(rename = "the type", alias = "kind")]
        r#type: u8,
    }
    assert_eq!(text::<Line>(), "{ netAmount: u8, \"the type\"|kind: u8 }");

    #[derive(Serialize, Deserialize, Shape)]
    #[serde(rename_all_fields = "UPPERCASE")]
    enum Door {
        Opened {
            by: u8,
        },
        #[serde(rename = "shut", rename_all = "PascalCase")]
        Closed {
            closed_by: u8,
        },
    }
    assert_eq!(text::<Door>(), "enum { Opened: { BY: u8 }, shut: { ClosedBy: u8 } }");
}

#[test]
fn fields_that_may_be_missing_say_so() {
    #[derive(Serialize, Deserialize, Shape)]
    struct Line {
        #[serde(default)]
        a: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        b: Option<u8>,
        #[serde(skip)]
        _c: u8,
        #[serde(skip_serializing, default)]
        _d: u8,
        #[serde(skip_deserializing)]
        e: u8,
        f: Box<Option<u8>>,
    }
    let expected = "{ a: u8 = default, b?: u8?, _d?: u8 = default, e: u8 = default, f: u8? }";
    assert_eq!(text::<Line>(), expected);

    #[derive(Default, Serialize, Deserialize, Shape)]
    #[serde(default, deny_unknown_fields)]
    struct Defaulted {
        a: u8,
    }
    assert_eq!(text::<Defaulted>(), "{| a: u8 = default |}");
}

#[test]
fn a_newtype_is_what_is_inside() {
    #[derive(Serialize, Deserialize, Shape)]
    struct Plain(Option<u8>);
    #[derive(Serialize, Deserialize, Shape)]
    #[serde(transparent)]
    struct Transparent {
        inside: Option<u8>,
    }
    #[derive(Serialize, Deserialize, Shape)]
    struct Line {
        plain: Plain,
        transparent: Transparent,
    }
    assert_eq!(text::<Line>(), "{ plain!: u8?, transparent: u8? }");
    // As serde has it: only what is transparent may be missing.
    assert!(annals_core::codec::decode::<Line>(&[0x81, 0xa5, b'p', b'l', b'a', b'i', b'n', 0xc0]).is_ok());
    assert!(annals_core::codec::decode::<Line>(&[0x80]).is_err());
}

#[test]
fn enums_are_tagged_as_serde_does() {
    #[derive(Serialize, Deserialize, Shape)]
    #[serde(tag = "type")]
    enum Internal {
        A,
        B {
            n: u8,
        },
        C(Money),
        #[serde(other)]
        D,
    }
    let expected = "enum(type) { A, B: { n: u8 }, C: Money, D = default }";
    assert!(Schema::of::<Internal>().to_string().contains(expected));

    #[derive(Serialize, Deserialize, Shape)]
    #[serde(tag = "type", content = "content")]
    enum Adjacent {
        A,
        B(u8),
    }
    assert_eq!(text::<Adjacent>(), "enum(type, content) { A, B: u8 }");

    #[derive(Serialize, Deserialize, Shape)]
    #[serde(untagged)]
    enum Untagged {
        A,
        B(u8),
        C { n: u8 },
    }
    assert_eq!(text::<Untagged>(), "union(unit, u8, { n: u8 })");

    #[derive(Serialize, Deserialize, Shape)]
    enum Mixed {
        A,
        #[serde(skip)]
        _B,
        #[serde(untagged)]
        C(u8),
    }
    assert_eq!(text::<Mixed>(), "union(enum { A }, u8)");

    #[derive(Serialize, Deserialize, Shape)]
    #[serde(tag = "type")]
    struct Tagged {
        n: u8,
    }
    assert_eq!(text::<Tagged>(), "{ type: text = default, n: u8 }");
}

#[test]
fn flattened_fields_stand_beside_the_others() {
    #[derive(Serialize, Deserialize, Shape)]
    struct Part {
        n: u8,
    }
    #[derive(Serialize, Deserialize, Shape)]
    struct Whole {
        #[serde(flatten)]
        part: Part,
        name: String,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }
    let expected = "Whole\nPart = { n: u8 }\nWhole = { name: text, ..Part, ..map(text, u8) }";
    assert_eq!(Schema::of::<Whole>().to_string(), expected);
}

#[test]
fn what_says_nothing_of_itself_is_opaque() {
    mod numbers {
        pub(super) fn serialize<S: serde::Serializer>(_: &u8, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str("one")
        }
        pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(_: D) -> Result<u8, D::Error> {
            Ok(1)
        }
    }
    #[derive(Serialize, Deserialize, Shape)]
    struct Line {
        foreign: Foreign,
        option: Option<Foreign>,
        list: Vec<Foreign>,
        #[serde(with = "numbers")]
        number: u8,
    }
    let expected = "{ foreign: opaque(\"Foreign\"), option: opaque(\"Foreign\")?, list: opaque(\"Vec<Foreign>\"), number: opaque(\"u8 with numbers\") }";
    assert_eq!(text::<Line>(), expected);
}

#[test]
fn conversions_are_seen_when_they_are_the_same_both_ways() {
    #[derive(Clone, Serialize, Deserialize, Shape)]
    #[serde(try_from = "String", into = "String")]
    struct Iban(String);
    impl TryFrom<String> for Iban {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            Ok(Self(text))
        }
    }
    impl From<Iban> for String {
        fn from(iban: Iban) -> Self {
            iban.0
        }
    }
    assert_eq!(text::<Iban>(), "text");

    #[derive(Serialize, Deserialize, Shape)]
    #[serde(from = "u8")]
    struct Half {
        _n: u8,
    }
    impl From<u8> for Half {
        fn from(_n: u8) -> Self {
            Self { _n }
        }
    }
    assert_eq!(text::<Half>(), "opaque(\"Half from u8 into Half\")");
}

#[test]
fn the_smallest_types_have_shapes() {
    #[derive(Serialize, Deserialize, Shape)]
    struct Nothing;
    #[derive(Serialize, Deserialize, Shape)]
    struct Empty {}
    #[derive(Serialize, Deserialize, Shape)]
    struct Point(i64, i64);
    #[derive(Serialize, Deserialize, Shape)]
    enum Never {}
    #[derive(Serialize, Deserialize, Shape)]
    #[shape(name = "Colour")]
    enum Bare {
        Red,
        Green,
    }
    assert_eq!(text::<Nothing>(), "()");
    assert_eq!(text::<Empty>(), "{}");
    assert_eq!(text::<Point>(), "(i64, i64)");
    assert_eq!(text::<Never>(), "enum {}");
    assert_eq!(Schema::of::<Bare>().to_string(), "Colour\nColour = enum { Red, Green }");
}
