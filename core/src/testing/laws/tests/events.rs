//! Planted: events that do not come back as they went.

use serde::{Deserialize, Serialize};

use crate::{
    Event, EventKind, InvalidText, Tag,
    codec::{self, Bytes, EncodeError, PayloadError},
    testing::laws::events_round_trip,
};

use super::broken;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Noted {
    Right {
        note: String,
    },
    Forgets {
        note: String,
        #[serde(skip)]
        page: u32,
    },
    /// Written as text, read as a number.
    Misreads {
        #[serde(serialize_with = "as_text")]
        page: u32,
    },
    Misnamed,
}

fn as_text<S: serde::Serializer>(page: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(page)
}

impl Event for Noted {
    const KINDS: &'static [EventKind] = &[
        EventKind::new("Right", "noted.right", 1),
        EventKind::new("Forgets", "noted.forgets", 1),
        EventKind::new("Misreads", "noted.misreads", 1),
        EventKind::new("Misnamed", "$noted", 1),
    ];
    fn kind(&self) -> &'static EventKind {
        match self {
            Self::Right { .. } => &Self::KINDS[0],
            Self::Forgets { .. } => &Self::KINDS[1],
            Self::Misreads { .. } => &Self::KINDS[2],
            Self::Misnamed => &Self::KINDS[3],
        }
    }
    fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
        match self {
            Self::Right { note } => Ok(vec![Tag::of("note", note)?]),
            _ => Ok(vec![]),
        }
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        codec::encode_variant(self)
    }
    fn decode(kind: usize, payload: &[u8]) -> Result<Self, PayloadError> {
        codec::decode_variant(kind as u32, payload)
    }
}

#[test]
fn an_event_that_does_not_come_back_is_caught() {
    let right = Noted::Right { note: "a".into() };
    events_round_trip(&[vec![right.clone()], vec![Noted::Forgets { note: "a".into(), page: 0 }]]);
    let message = broken(|| events_round_trip(&[vec![right, Noted::Forgets { note: "a".into(), page: 7 }]]));
    assert!(message.starts_with("event noted.forgets does not come back as it was stored"), "{message}");
    assert!(message.contains("-     page: 7,\n+     page: 0,"), "{message}");
}

#[test]
fn an_event_that_cannot_be_read_is_caught() {
    let message = broken(|| events_round_trip(&[vec![Noted::Misreads { page: 7 }]]));
    assert!(message.starts_with("event noted.misreads was stored, but its payload"), "{message}");
}

#[test]
fn an_event_that_cannot_be_stored_is_caught() {
    let message = broken(|| events_round_trip(&[vec![Noted::Right { note: "\n".into() }]]));
    assert!(message.contains("cannot be stored: ") && message.contains("control character"), "{message}");
    let message = broken(|| events_round_trip(&[vec![Noted::Misnamed]]));
    assert!(message.contains("event Misnamed cannot be stored: event type"), "{message}");
}
