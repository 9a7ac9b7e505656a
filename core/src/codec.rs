//! Where types meet bytes: MessagePack maps by field name, bounded in depth and size.
//!
//! An event's payload is the content of its variant alone, as a map by field name: fields can be reordered and
//! optional ones added without a new version. The variant itself is stored as the record's type.

mod bounds;
mod decoder;
mod fingerprint;
mod variant;

pub use bytes::Bytes;
pub use rmpv::Value;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

pub use bounds::DEPTH_MAX;

/// How many bytes are set aside for a value that is to be encoded, and for one that is small.
const CAPACITY: usize = 512;
const CAPACITY_MIN: usize = 32;

/// A value that cannot be encoded. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} cannot be encoded: {reason}")]
pub struct EncodeError {
    /// What was to be encoded.
    pub what: &'static str,
    /// Why.
    pub reason: String,
}

/// Bytes that are not the encoding of what they should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// Lists and maps are nested too deeply.
    #[error("is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// It ends before it should.
    #[error("ends before it should: byte {at} is missing")]
    Truncated {
        /// The first byte that is missing.
        at: usize,
    },
    /// Something stands behind its end.
    #[error("ends at byte {end}, but has {found} bytes")]
    TrailingBytes {
        /// Where it ends.
        end: usize,
        /// How long it is.
        found: usize,
    },
    /// It is not of the expected shape.
    #[error("is not of the expected shape: {reason}")]
    Shape {
        /// Which part, and what was expected.
        reason: String,
    },
}

/// Encodes `value` with structs as maps by field name.
///
/// # Errors
/// [`EncodeError`] when its `Serialize` refuses.
pub fn encode<T: Serialize + ?Sized>(what: &'static str, value: &T) -> Result<Bytes, EncodeError> {
    // Without room to spare, the bytes need nobody who counts their holders until there are two.
    write(what, value).map(|bytes| Bytes::from(bytes.into_boxed_slice()))
}

/// Decodes all of `bytes`.
///
/// # Errors
/// [`PayloadError`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PayloadError> {
    decoder::decode_all(bytes, |value| T::deserialize(value))
}

/// Decodes all of `bytes` as a tree, whatever it holds.
///
/// # Errors
/// [`PayloadError`].
pub fn decode_value(bytes: &[u8]) -> Result<Value, PayloadError> {
    bounds::check(bytes)?;
    rmpv::decode::read_value(&mut &*bytes).map_err(|error| PayloadError::Shape { reason: error.to_string() })
}

/// Encodes the content of an enum's variant, without the variant's name: a map by field name, an empty map for a
/// variant without fields, the value itself for a variant with one unnamed field.
///
/// # Errors
/// [`EncodeError`] when its `Serialize` refuses or does not write variants in serde's default way.
pub fn encode_variant<T: Serialize>(value: &T) -> Result<Bytes, EncodeError> {
    variant::encode(value)
}

/// Decodes the content of variant `index`, counted in the order of declaration from 0.
///
/// # Errors
/// [`PayloadError`].
pub fn decode_variant<T: DeserializeOwned>(index: u32, bytes: &[u8]) -> Result<T, PayloadError> {
    variant::decode(index, None, bytes)
}

/// The same, faster, for a variant that reads so many named fields: those that are not told `serde(skip)` or
/// `serde(skip_deserializing)`. `derive(Event)` counts them.
///
/// Fields are told by their number in place of their name, as `derive(Deserialize)` counts them, unless one of them has
/// several names by `serde(alias)`. An implementation by hand that takes no numbers is told names in a second attempt.
///
/// # Errors
/// [`PayloadError`].
pub fn decode_variant_of<T: DeserializeOwned>(index: u32, fields: usize, bytes: &[u8]) -> Result<T, PayloadError> {
    variant::decode(index, Some(fields), bytes).or_else(|_| decode_variant(index, bytes))
}

/// What `value` says in 64 bits, the same for equal values whatever order their maps are written in. It is that of the tree
/// that [`encode`] writes.
///
/// # Errors
/// [`EncodeError`] when its `Serialize` refuses.
pub fn fingerprint<T: Serialize + ?Sized>(what: &'static str, value: &T) -> Result<u64, EncodeError> {
    fingerprint::of(value).map_err(|error| EncodeError { what, reason: error.to_string() })
}

fn write<T: Serialize + ?Sized>(what: &'static str, value: &T) -> Result<Vec<u8>, EncodeError> {
    // Most values fit, so that the bytes need not move while they are written.
    let capacity = (2 * size_of_val(value)).clamp(CAPACITY_MIN, CAPACITY);
    let mut bytes = Vec::with_capacity(capacity);
    rmp_serde::encode::write_named(&mut bytes, value)
        .map_err(|error| EncodeError { what, reason: error.to_string() })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// Values of all kinds, within each other.
    pub(super) fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<bool>().prop_map(Value::from),
            (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| Value::from(number >> shift)),
            (any::<i64>(), 0..64_u32).prop_map(|(number, shift)| Value::from(number >> shift)),
            any::<f32>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-c]{0,40}|[a-cäß€😀]{0,20}".prop_map(Value::from),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
                prop::collection::vec((inner.clone(), inner), 0..20).prop_map(Value::Map),
            ]
        })
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Point,
        Circle {
            radius: u32,
            #[serde(default)]
            label: Option<String>,
        },
        Boxed(Content),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Content {
        width: u32,
    }

    fn circle() -> Shape {
        Shape::Circle { radius: 3, label: Some("c".into()) }
    }

    #[test]
    fn a_variant_is_stored_as_the_map_of_its_fields() {
        for (index, shape, text) in [
            (0, Shape::Point, "{}"),
            (1, circle(), r#"{"radius": 3, "label": "c"}"#),
            (2, Shape::Boxed(Content { width: 7 }), r#"{"width": 7}"#),
        ] {
            let bytes = encode_variant(&shape).unwrap();
            assert_eq!(rmpv::decode::read_value(&mut &*bytes).unwrap().to_string(), text);
            assert_eq!(decode_variant::<Shape>(index, &bytes), Ok(shape));
        }
    }

    #[test]
    fn fields_can_be_reordered_added_and_left_out() {
        let reordered = encode("map", &HashMap::from([("radius", 3)])).unwrap();
        assert_eq!(decode_variant::<Shape>(1, &reordered), Ok(Shape::Circle { radius: 3, label: None }));
        let newer = encode("map", &HashMap::from([("radius", 3), ("colour", 4)])).unwrap();
        assert_eq!(decode_variant::<Shape>(1, &newer), Ok(Shape::Circle { radius: 3, label: None }));
    }

    #[test]
    fn equal_maps_have_equal_fingerprints() {
        let forward: Vec<(String, u32)> = (0..50).map(|n| (n.to_string(), n)).collect();
        let map: HashMap<_, _> = forward.iter().cloned().collect();
        let other: HashMap<_, _> = forward.into_iter().rev().collect();
        assert_eq!(fingerprint("map", &map), fingerprint("map", &other));
    }

    #[test]
    fn an_enum_that_serde_writes_in_another_way_is_refused() {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Untagged {
            One { n: u32 },
        }
        let error = encode_variant(&Untagged::One { n: 1 }).unwrap_err();
        assert!(error.reason.contains("serde's default"), "{error}");
    }

    #[test]
    fn hostile_payloads_are_refused() {
        let deep = [vec![0x91; 10_000_000], vec![0xc0]].concat();
        assert_eq!(decode::<serde::de::IgnoredAny>(&deep), Err(PayloadError::TooDeep));
        for truncated in [&[0xdd, 0xff, 0xff, 0xff, 0xff][..], &[0xc6, 0xff, 0xff, 0xff, 0xff], &[0xdb, 0, 0], &[0x81]]
        {
            let error = decode::<serde::de::IgnoredAny>(truncated).unwrap_err();
            assert!(matches!(error, PayloadError::Truncated { .. }), "{error}");
        }
        let trailing = [encode_variant(&circle()).unwrap().to_vec(), vec![0]].concat();
        let error = decode_variant::<Shape>(1, &trailing).unwrap_err();
        assert!(matches!(error, PayloadError::TrailingBytes { .. }), "{error}");
        assert!(matches!(decode::<u32>(&[0xc1]).unwrap_err(), PayloadError::Shape { .. }));
        let duplicate =
            [0x82, 0xa6, b'r', b'a', b'd', b'i', b'u', b's', 1, 0xa6, b'r', b'a', b'd', b'i', b'u', b's', 2];
        assert!(decode_variant::<Shape>(1, &duplicate).is_err());
        assert!(decode_variant::<Shape>(9, &[0x80]).is_err());
    }
}
