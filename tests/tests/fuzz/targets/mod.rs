//! What is fuzzed (T9): plain functions of bytes, which panic when something does not hold. The test beside this file
//! runs them for a moment each; `fuzz/` at the root of the repository runs them under cargo-fuzz.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
#![allow(unreachable_pub, reason = "the fuzzer sees them from another crate")]

mod disk;
mod operations;

use annals_core::{
    Category, ConsumerName, DerivedTable, EventType, IdempotencyKey, LoggedTable, Metadata, Receipt, Repetition,
    StreamId, Tag, Tenant, Timestamp, codec,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use disk::{log, rows};
pub use operations::operations;

/// A target, by the name that it has under cargo-fuzz.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 5] =
    [("payload", payload), ("names", names), ("rows", rows), ("log", log), ("operations", operations)];

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kinds {
    Unit,
    Struct { number: u64, text: Option<String>, list: Vec<i8> },
    Boxed(Inner),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    units: Vec<()>,
    #[serde(default)]
    map: std::collections::BTreeMap<String, bool>,
}

/// Payloads: whatever the bytes are, they are refused, or what they say can be written down and read back, and is not
/// read from them with anything behind. How many fields there are makes no difference.
pub fn payload(bytes: &[u8]) {
    for (index, fields) in [(0, 0), (1, 3), (2, 1), (3, 0)] {
        let value = codec::decode_variant::<Kinds>(index, bytes);
        assert_eq!(codec::decode_variant_of::<Kinds>(index, fields, bytes), value, "by number");
        if let Ok(value) = value {
            let again = codec::encode_variant(&value).expect("what was read can be written");
            assert_eq!(codec::decode_variant::<Kinds>(index, &again), Ok(value));
            assert!(codec::decode_variant::<Kinds>(index, &longer(bytes)).is_err(), "it has an end");
        }
    }
    both_ways::<Metadata>(bytes);
    both_ways::<Receipt>(bytes);
    both_ways::<Timestamp>(bytes);
    both_ways::<StreamId>(bytes);
    if let Some(repetition) = Repetition::decode(bytes) {
        assert_eq!(Repetition::decode(&repetition.encode()), Some(repetition));
    }
}

fn both_ways<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(value) = codec::decode::<T>(bytes) {
        let again = codec::encode("value", &value).expect("what was read can be written");
        assert_eq!(codec::decode::<T>(&again), Ok(value));
        assert!(codec::decode::<T>(&longer(bytes)).is_err(), "it has an end");
    }
}

fn longer(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

/// Names, ids, keys and times: refused, or kept byte for byte, and a stream id is its parts.
pub fn names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(id) = text.parse::<StreamId>() {
        assert_eq!(id.as_str(), text);
        let tenant = id.tenant().map(|tenant| Tenant::new(tenant).expect("a tenant of an id is one"));
        let of_parts = StreamId::of(tenant.as_ref(), id.category(), id.key()).expect("the parts of an id make it");
        assert_eq!((of_parts.as_str(), &of_parts), (&*text, &id));
        assert!(Category::new(id.category()).is_ok() && id.within_tenant().len() <= text.len());
    }
    let kept = [
        Tenant::new(&text).map(|name| name.to_string()),
        Category::new(&text).map(|name| name.to_string()),
        Tag::new(&text).map(|name| name.to_string()),
        EventType::new(&text).map(|name| name.to_string()),
        ConsumerName::new(&text).map(|name| name.to_string()),
        IdempotencyKey::new(&text).map(|name| name.to_string()),
        LoggedTable::new(&text).map(|name| name.to_string()),
        DerivedTable::new(&text).map(|name| name.to_string()),
    ];
    for name in kept.into_iter().flatten() {
        assert_eq!(name, text);
        assert!(!text.is_empty() && text.len() <= annals_core::TEXT_BYTES_MAX && !text.contains(char::is_control));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string().parse(), Ok(time));
    }
}
