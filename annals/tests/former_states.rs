//! Snapshots that outlive their code (F25, 2.H.10): read by steps, or not used at all; never a wrong state.

use std::sync::Arc;

use annals::{Annals, Commit, EventType, MemoryStore, NewEvent, Snapshots, Store, prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "meter")]
enum MeterEvent {
    Counted { cents: u64 },
}

/// The same aggregate in several lives of its code.
macro_rules! life {
    ($life:ident, ($($field:ident),*), snapshot($($snapshot:tt)*), $fold:expr, $($more:tt)*) => {
        mod $life {
            #![allow(dead_code, reason = "some lives are only there to be loaded")]
            use super::*;

            #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, Aggregate)]
            #[aggregate(name = "meter", event = MeterEvent, snapshot(explicit, $($snapshot)*))]
            pub(super) struct Meter {
                $(pub(super) $field: u64),*
            }

            impl Evolve<MeterEvent> for Meter {
                fn evolve(&mut self, MeterEvent::Counted { cents }: &MeterEvent) {
                    let fold: fn(&mut Self, u64) = $fold;
                    fold(self, *cents);
                }
            }

            $($more)*
        }
    };
}

life!(first, (euros), snapshot(version = 1), |meter, cents| meter.euros += cents / 100,);

life!(second, (cents), snapshot(version = 2, from(1 = First)), |meter, cents| meter.cents += cents,
    #[derive(Deserialize, FormerState)]
    struct First {
        euros: u64,
    }

    impl TryFrom<First> for Meter {
        type Error = std::io::Error;
        fn try_from(old: First) -> Result<Self, Self::Error> {
            assert!(old.euros != 13, "unlucky");
            let cents = old.euros.checked_mul(100).ok_or_else(|| std::io::Error::other("too much"))?;
            Ok(Self { cents })
        }
    }
);

life!(third, (cents, count), snapshot(version = 3, from(1 = First, 2 = Second)),
    |meter, cents| { meter.cents += cents; meter.count += 1 },
    #[derive(Deserialize, FormerState)]
    struct First {
        euros: u64,
    }
    #[derive(Deserialize, FormerState)]
    struct Second {
        cents: u64,
    }

    impl From<First> for Second {
        fn from(old: First) -> Self {
            Self { cents: old.euros * 100 }
        }
    }
    impl From<Second> for Meter {
        fn from(old: Second) -> Self {
            Self { cents: old.cents, count: 1_000_000 }
        }
    }
);

// Of version 1 too, but with other fields than the first life: its author forgot to raise the version.
life!(forgetful, (euros, pending), snapshot(version = 1), |meter, cents| meter.euros += cents / 100,);

// Knows nothing of the first version any more.
life!(partial, (cents), snapshot(version = 3, from(2 = Second)), |meter, cents| meter.cents += cents,
    #[derive(Deserialize, FormerState)]
    struct Second {
        cents: u64,
    }

    impl From<Second> for Meter {
        fn from(old: Second) -> Self {
            Self { cents: old.cents }
        }
    }
);

/// A meter that counted whole euros, and the snapshot that `A` took of it.
async fn store_with_snapshot_of<A: Aggregate<Id = String>>(euros: &[u64]) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let events = euros.iter().map(|euros| {
        let event = MeterEvent::Counted { cents: euros * 100 };
        NewEvent::new("meter-m".parse().unwrap(), EventType::new("meter.counted").unwrap(), event.encode().unwrap())
    });
    store.commit(Commit::of(events)).await.unwrap();
    let annals = Annals::over(Arc::clone(&store)).open().await.unwrap();
    annals.on::<A>("m").snapshot().await.unwrap();
    store
}

/// The state that `A` loads from `store`, and how many snapshots were used and found unusable.
async fn load<A: Aggregate<Id = String>>(store: &Arc<dyn Store>) -> (A, u64, u64) {
    let annals = Annals::over(Arc::clone(store)).open().await.unwrap();
    let state = annals.on::<A>("m").load().await.unwrap().state;
    let counts = annals.snapshot_counts();
    (state, counts.used, counts.unusable)
}

#[tokio::test]
async fn a_snapshot_of_an_older_version_is_read_by_steps() {
    let store = store_with_snapshot_of::<first::Meter>(&[3, 4]).await;
    assert_eq!(load::<second::Meter>(&store).await, (second::Meter { cents: 700 }, 1, 0));
    // The count that the step makes up shows that it was the snapshot, by both steps, and not the fold.
    assert_eq!(load::<third::Meter>(&store).await, (third::Meter { cents: 700, count: 1_000_000 }, 1, 0));
    let store = store_with_snapshot_of::<second::Meter>(&[3]).await;
    assert_eq!(load::<third::Meter>(&store).await, (third::Meter { cents: 300, count: 1_000_000 }, 1, 0));
}

#[tokio::test]
async fn a_snapshot_that_no_step_reads_is_folded_anew() {
    for (store, why) in [
        (store_with_snapshot_of::<first::Meter>(&[13]).await, "a step that panics"),
        (store_with_snapshot_of::<forgetful::Meter>(&[13]).await, "a version that stood for other fields"),
        (store_with_snapshot_of::<third::Meter>(&[13]).await, "a newer version"),
    ] {
        assert_eq!(load::<second::Meter>(&store).await, (second::Meter { cents: 1300 }, 0, 1), "{why}");
    }
    let store = store_with_snapshot_of::<first::Meter>(&[3]).await;
    assert_eq!(load::<partial::Meter>(&store).await, (partial::Meter { cents: 300 }, 0, 1), "an unknown version");
}

#[tokio::test]
async fn a_snapshot_of_an_older_version_is_replaced_by_one_of_today() {
    let store = store_with_snapshot_of::<first::Meter>(&[3]).await;
    let annals = Annals::over(Arc::clone(&store)).open().await.unwrap();
    annals.on::<second::Meter>("m").snapshot().await.unwrap();
    assert_eq!(load::<second::Meter>(&store).await, (second::Meter { cents: 300 }, 1, 0));
    assert_eq!(load::<first::Meter>(&store).await, (first::Meter { euros: 3 }, 0, 1), "older code folds anew");
}

#[test]
fn the_shapes_of_the_past_are_those_that_were_written() {
    let shapes = |snapshots: Option<Snapshots<third::Meter>>| {
        snapshots.unwrap().past.iter().map(|past| (past.version, past.shape)).collect::<Vec<_>>()
    };
    assert_eq!(shapes(third::Meter::snapshots()), [(1, "euros: u64"), (2, "cents: u64")]);
    assert_eq!(first::Meter::snapshots().unwrap().shape, "euros: u64");
}
