//! A till, and a way to make others that are wrong in one thing.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, AggregateId, Decision, Event, EventKind, Evolve, Handle, InvalidText, Tag,
    codec::{self, Bytes, EncodeError, PayloadError},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Paid {
    In { amount: u64 },
}

pub(super) const fn paid(amount: u64) -> Paid {
    Paid::In { amount }
}

impl Event for Paid {
    const KINDS: &'static [EventKind] = &[EventKind::new("In", "paid.in", 1)];
    fn kind(&self) -> &'static EventKind {
        &Self::KINDS[0]
    }
    fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
        Ok(vec![])
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        codec::encode_variant(self)
    }
    fn decode(kind: usize, payload: &[u8]) -> Result<Self, PayloadError> {
        codec::decode_variant(kind as u32, payload)
    }
}

/// An aggregate of [`Paid`]: its type, its fold, and how its snapshots are written.
macro_rules! till {
    ($type:ty, $fold:expr $(, version $version:literal, shape $shape:literal, $encode:expr $(, past $past:expr)?)?) => {
        impl $crate::Evolve<$crate::testing::laws::tests::till::Paid> for $type {
            fn evolve(&mut self, event: &$crate::testing::laws::tests::till::Paid) {
                let $crate::testing::laws::tests::till::Paid::In { amount } = event;
                let fold: fn(&mut Self, u64) = $fold;
                fold(self, *amount);
            }
        }
        impl $crate::Aggregate for $type {
            const NAME: &'static str = "till";
            type Id = String;
            type Event = $crate::testing::laws::tests::till::Paid;
            $(fn snapshots() -> Option<$crate::Snapshots<Self>> {
                Some($crate::Snapshots {
                    policy: $crate::SnapshotPolicy::Explicit,
                    version: $version,
                    shape: $shape,
                    past: {
                        const PAST: &[$crate::PastSnapshot<$type>] = &[$($past)?];
                        PAST
                    },
                    encode: $encode,
                    decode: $crate::codec::decode,
                })
            })?
        }
    };
}

pub(super) use till;

/// Pays in. Replies the new balance.
#[derive(Debug, Clone)]
pub(super) struct PayIn(pub(super) u64);

/// Nothing is wrong with it, and it keeps no snapshots.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Till {
    pub(super) balance: u64,
}

till!(Till, |till, amount| till.balance += amount);

impl Handle<PayIn> for Till {
    type Reply = u64;
    type Error = String;
    fn handle(till: &mut Decision<Self>, PayIn(amount): PayIn) -> Result<u64, String> {
        till.emit(paid(amount));
        Ok(till.balance)
    }
}

/// Its id is none that could be guessed.
#[derive(Debug, Default, Clone)]
pub(super) struct Odd;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct OddId;

impl AggregateId for OddId {
    fn to_key(&self) -> String {
        "odd".into()
    }
    fn from_key(_: &str) -> Option<Self> {
        None
    }
}

impl Evolve<Paid> for Odd {
    fn evolve(&mut self, _: &Paid) {}
}

impl Aggregate for Odd {
    const NAME: &'static str = "odd";
    type Id = OddId;
    type Event = Paid;
}
