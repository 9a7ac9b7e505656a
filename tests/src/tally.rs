//! A small aggregate with snapshots, for what is tested through commands.

use std::num::NonZeroU64;

use annals_core::{
    Aggregate, Command, Decision, Event, EventKind, Evolve, Handle, InvalidText, SnapshotPolicy, Snapshots, Tag,
    codec::{self, EncodeError, PayloadError},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What happens to a [`Tally`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tallied {
    /// It was counted on.
    Counted {
        /// By so much.
        by: u64,
    },
    /// Something that is hard to decode; it changes nothing.
    Listed {
        /// Units, which take no memory however many they are.
        units: Vec<()>,
        /// A text, perhaps.
        label: Option<String>,
    },
}

impl Event for Tallied {
    const KINDS: &'static [EventKind] =
        &[EventKind::new("Counted", "tally.counted", 1), EventKind::new("Listed", "tally.listed", 1)];
    fn kind(&self) -> &'static EventKind {
        match self {
            Self::Counted { .. } => &Self::KINDS[0],
            Self::Listed { .. } => &Self::KINDS[1],
        }
    }
    fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
        Ok(vec![])
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        codec::encode_variant(self)
    }
    fn decode(kind: usize, payload: &[u8]) -> Result<Self, PayloadError> {
        codec::decode_variant(u32::try_from(kind).expect("two kinds"), payload)
    }
}

/// The sum of what was counted.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// The sum.
    pub total: u64,
}

impl Evolve<Tallied> for Tally {
    fn evolve(&mut self, event: &Tallied) {
        if let Tallied::Counted { by } = event {
            self.total += by;
        }
    }
}

impl Aggregate for Tally {
    const NAME: &'static str = "tally";
    type Id = String;
    type Event = Tallied;
    fn snapshots() -> Option<Snapshots<Self>> {
        Some(Snapshots {
            policy: SnapshotPolicy::Every(NonZeroU64::new(4).expect("not zero")),
            version: 1,
            shape: "total: u64",
            past: &[],
            encode: |tally| codec::encode("tally", tally),
            decode: codec::decode,
        })
    }
}

/// Counts on; replies the total.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Count {
    /// By so much.
    pub by: u64,
}

impl Command for Count {
    const NAME: &'static str = "count";
    const VERSION: u32 = 1;
}

impl Handle<Count> for Tally {
    type Reply = u64;
    type Error = ();
    fn handle(tally: &mut Decision<Self>, command: Count) -> Result<u64, ()> {
        tally.emit(Tallied::Counted { by: command.by });
        Ok(tally.total)
    }
}

/// Counts the total once more; replies the new one. Of nothing it makes nothing, without an event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Double {
    /// Refused while the total is less, with what is missing.
    pub least: u64,
}

impl Command for Double {
    const NAME: &'static str = "double";
    const VERSION: u32 = 1;
}

impl Handle<Double> for Tally {
    type Reply = u64;
    type Error = u64;
    fn handle(tally: &mut Decision<Self>, command: Double) -> Result<u64, u64> {
        if tally.total < command.least {
            return Err(command.least - tally.total);
        }
        if tally.total > 0 {
            tally.emit(Tallied::Counted { by: tally.total });
        }
        Ok(tally.total)
    }
}
