//! Histories of concurrent clients, checked for linearizability (T5; P4, P5; F1, F3).
//!
//! Eight clients append to a few streams, one or several at a time, with and without expectations and keys, and read
//! streams, the log, rows and the head; one more follows the log. Each notes when every operation began and ended and
//! what it was told. The log that is there in the end names the order in which commits took effect; the checker then
//! finds a moment for every operation between its beginning and its end at which what it was told was true, or reports
//! that there is none. `ANNALS_SEED` repeats what the clients do, though not how they meet.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use annals_core::{EventQuery, Position, StoreExt};
use futures::StreamExt;

use crate::{Harness, Setup, fixture::*, random::Random, soak};

mod checker;
mod client;

use checker::Checker;
use client::Client;

const CLIENTS: u64 = 8;
/// Streams that the clients share; few, so that they meet.
const STREAMS: usize = 4;

/// How many histories there are, and how long they are.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Histories, each on a store of its own.
    pub histories: u64,
    /// Operations of each, of all clients together.
    pub operations: u64,
}

impl Size {
    /// As the soak says, otherwise 200 histories of 400 operations.
    #[must_use]
    pub fn of_this_run() -> Self {
        Self {
            histories: soak::size("ANNALS_SOAK_HISTORIES", 200),
            operations: soak::size("ANNALS_SOAK_HISTORY_OPERATIONS", 400),
        }
    }
}

/// What clients noted, in the order of their logical clock.
#[derive(Debug, Clone)]
struct Noted {
    begin: u64,
    end: u64,
    told: Told,
}

/// What an operation was told.
#[derive(Debug, Clone)]
enum Told {
    /// A commit `name` was written under this number, with so many events from this position on; it expected streams
    /// at versions.
    Written { name: String, commit: u64, first: u64, events: u64, expected: Vec<(usize, u64)> },
    /// The same request again was answered with the first commit.
    Repeated { commit: u64 },
    /// A commit was refused, because the streams are at these versions and not where they were expected.
    Refused { actual: Vec<(usize, u64)> },
    /// A stream has this version.
    Version { stream: usize, version: u64 },
    /// The whole log behind a position ends here; nothing in between was missing.
    Log { after: u64, last: u64 },
    /// Two rows that every commit of several streams writes alike, if they are there.
    Rows { first: Option<String>, second: Option<String> },
    /// The head is here.
    Head { commit: u64, position: u64 },
}

/// What operations have in common: a logical clock.
#[derive(Debug, Default)]
struct Time(AtomicU64);

impl Time {
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// Runs histories against the store of `H`, and reports how many operations were checked.
///
/// # Errors
/// The first history that cannot be explained, why, and the seed.
pub fn compare<H: Harness>(size: Size) -> Result<(), String> {
    let seed = soak::seed("histories");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let mut reached = BTreeMap::new();
    for history in 0..size.histories {
        let found = runtime.block_on(run::<H>(seed.wrapping_add(history), size.operations));
        let found = found.map_err(|error| format!("history {history}: {error}\nrepeat it with ANNALS_SEED={seed}"))?;
        for (what, count) in found {
            *reached.entry(what).or_insert(0) += count;
        }
    }
    let operations: u64 = reached.values().sum();
    soak::report(&format!("histories={} history_operations={operations}", size.histories));
    let missing: Vec<_> = checker::KINDS.iter().filter(|kind| !reached.contains_key(*kind)).collect();
    if operations > 10_000 && !missing.is_empty() {
        return Err(format!("never met: {missing:?}"));
    }
    Ok(())
}

/// Fails when a history cannot be explained.
pub fn check<H: Harness>() {
    if let Err(error) = compare::<H>(Size::of_this_run()) {
        panic!("{error}");
    }
}

async fn run<H: Harness>(seed: u64, operations: u64) -> Result<BTreeMap<&'static str, u64>, String> {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let time = Arc::new(Time::default());
    let clients = (0..CLIENTS).map(|number| {
        let random = Random::new(seed.wrapping_mul(31).wrapping_add(number));
        let client = Client::new(number, store.clone(), time.clone(), random);
        tokio::spawn(client.run(operations / CLIENTS))
    });
    let clients: Vec<_> = clients.collect();
    let mut follower = store.follow(EventQuery::all(), Position::ZERO);
    let following = tokio::spawn(async move {
        let mut seen = 0;
        while let Some(Ok(record)) = follower.next().await {
            seen += 1;
            if record.position().get() != seen {
                return Err(format!("a follower found position {} behind {}", record.position(), seen - 1));
            }
        }
        Ok(seen)
    });
    let mut noted = Vec::new();
    for client in clients {
        noted.extend(soon("the end of a client", client).await.map_err(|error| error.to_string())??);
    }
    let records = log(&store).await;
    store.shut_down().await;
    let followed = soon("the end of the follower", following).await.map_err(|error| error.to_string())??;
    if followed > records.len() as u64 {
        return Err(format!("a follower found {followed} records, the log has {}", records.len()));
    }
    Checker::new(&records)?.explain(noted)
}
