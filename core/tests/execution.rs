//! What an application sees of execution, through the public items alone.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::sync::Arc;

use annals_core::{
    Aggregate, Annals, Decision, Event, EventKind, Evolve, FixedClock, Handle, InvalidText, MemoryStore, Store, Tag,
    Timestamp, at,
    codec::{self, EncodeError, PayloadError},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Rung {
    At { time: Timestamp },
}

impl Event for Rung {
    const KINDS: &'static [EventKind] = &[EventKind::new("At", "bell.rung", 1)];
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
        codec::decode_variant(u32::try_from(kind).unwrap(), payload)
    }
}

macro_rules! bell {
    ($name:ident, $text:literal, $id:ty) => {
        #[derive(Debug, Default, Clone, PartialEq)]
        struct $name {
            rung: Vec<Timestamp>,
        }
        impl Evolve<Rung> for $name {
            fn evolve(&mut self, event: &Rung) {
                let Rung::At { time } = event;
                self.rung.push(*time);
            }
        }
        impl Aggregate for $name {
            const NAME: &'static str = $text;
            type Id = $id;
            type Event = Rung;
        }
        impl Handle<Ring> for $name {
            type Reply = ();
            type Error = String;
            fn handle(bell: &mut Decision<Self>, _: Ring) -> Result<(), String> {
                let time = bell.now();
                bell.emit(Rung::At { time });
                Ok(())
            }
        }
    };
}

bell!(Bell, "bell", u64);
bell!(Gong, "gong", String);

#[derive(Clone)]
struct Ring;

#[tokio::test]
async fn a_restart_gives_the_state_back() {
    // 2.K.6, and two prefixes of one identity are two streams (2.K.8).
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock = Arc::new(FixedClock(Timestamp::EPOCH));
    let annals = Annals::over(Arc::clone(&store)).clock(clock).aggregate::<Bell>().open().await.unwrap();
    for _ in 0..300 {
        annals.on::<Bell>(1_u64).send(Ring).await.unwrap();
    }
    drop(annals);
    let again = Annals::over(store).open().await.unwrap();
    let loaded = again.on::<Bell>(1_u64).load().await.unwrap();
    assert_eq!((loaded.state.rung, loaded.version.get()), (vec![Timestamp::EPOCH; 300], 300));
    assert!(again.on::<Gong>("1").load().await.unwrap().version.is_zero());
}

#[tokio::test]
async fn aggregates_of_two_kinds_change_together() {
    let annals = Annals::over(MemoryStore::new()).open().await.unwrap();
    let together = annals.together((at::<Bell>(1_u64), at::<Gong>("big")), |(bell, gong)| {
        Bell::handle(bell, Ring)?;
        Gong::handle(gong, Ring)
    });
    let executed = together.await.unwrap();
    assert_eq!(executed.receipt.versions.len(), 2);
}

#[tokio::test]
async fn two_copies_decided_at_once_are_a_conflict_for_the_second() {
    // 2.K.10.
    let annals = Annals::over(MemoryStore::new()).open().await.unwrap();
    let seen = annals.on::<Bell>(1_u64).load().await.unwrap().version;
    let send = || annals.on::<Bell>(1_u64).send(Ring).expect_version(seen);
    send().await.unwrap();
    assert!(send().await.unwrap_err().to_string().contains("stream bell-1 is at version 1, expected version 0"));
}

#[test]
fn opening_outside_a_runtime_is_told() {
    let opened = futures::FutureExt::now_or_never(Annals::over(MemoryStore::new()).open()).unwrap();
    assert_eq!(opened.unwrap_err().to_string(), "there is no tokio runtime to run on");
}
