//! One aggregate of many events, loaded again and again without a cache.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use annals_core::{Aggregate, Annals, Evolve, ReadStream, Record, Store, decode_record};
use futures::TryStreamExt;

use super::order::{KeptOrder, LongOrder};
use crate::{
    Failure,
    event::OrderEvent,
    figures::{Latencies, Rounds},
    fill::SINGLES,
    table::{Bar, Row},
};

/// How often it is loaded in a round.
const LOADS: usize = 100;
const LOADS_FROM_SNAPSHOT: usize = 2000;
/// Which of the long streams: the events of the others lie between its own.
const ID: u64 = 0;

/// The loads, and what was measured so far.
pub(super) struct Loads {
    annals: Annals,
    records: Vec<Record>,
    folded: Rounds,
    in_memory: Rounds,
    from_snapshot: Rounds,
}

impl Loads {
    /// Loads from `store`, which holds the long streams; takes the snapshot.
    pub(super) async fn of(store: &Arc<dyn Store>) -> Result<Self, Failure> {
        let annals = Annals::over(Arc::clone(store)).cache(0).open().await?;
        annals.on::<KeptOrder>(ID).snapshot().await?;
        let folded = annals.on::<LongOrder>(ID).load().await?.state;
        let [_, _, kind] = SINGLES;
        let records: Vec<_> = store.read_stream(ReadStream::all(kind.stream(ID)?)).try_collect().await?;
        if folded.summary.lines != kind.events {
            return Err(format!("an order of {} lines has {}", kind.events, folded.summary.lines).into());
        }
        if annals.on::<KeptOrder>(ID).load().await?.state.summary != folded.summary {
            return Err("the snapshot is another state than the fold".into());
        }
        let (folded, in_memory, from_snapshot) = (Rounds::default(), Rounds::default(), Rounds::default());
        Ok(Self { annals, records, folded, in_memory, from_snapshot })
    }

    pub(super) async fn measure(&mut self) -> Result<(), Failure> {
        self.folded.push(self.load::<LongOrder>(LOADS).await?.percentile_us(50) / 1e3);
        self.in_memory.push(self.fold_in_memory(LOADS)?.percentile_us(50) / 1e3);
        let used = self.annals.snapshot_counts().used;
        self.from_snapshot.push(self.load::<KeptOrder>(LOADS_FROM_SNAPSHOT).await?.percentile_us(50));
        if self.annals.snapshot_counts().used == used { Err("no snapshot was used".into()) } else { Ok(()) }
    }

    async fn load<A: Aggregate<Id = u64>>(&self, loads: usize) -> Result<Latencies, Failure> {
        let mut latencies: Vec<Duration> = Vec::new();
        // The first one warms.
        for load in 0..=loads {
            let start = Instant::now();
            std::hint::black_box(self.annals.on::<A>(ID).load().await?);
            if load > 0 {
                latencies.push(start.elapsed());
            }
        }
        Ok(Latencies::of(latencies))
    }

    /// What a load comes to where nothing has to be read: the records are decoded, and their events folded.
    fn fold_in_memory(&self, times: usize) -> Result<Latencies, Failure> {
        let fold = |_| {
            let (start, mut order) = (Instant::now(), LongOrder::default());
            for record in &self.records {
                decode_record::<OrderEvent>(record)?.iter().for_each(|event| order.evolve(event));
            }
            std::hint::black_box(order);
            Ok(start.elapsed())
        };
        Ok(Latencies::of((0..times).map(fold).collect::<Result<_, Failure>>()?))
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let work = "aggregate of 10,000 events, loaded";
        vec![
            Row::alone(format!("{work} without a snapshot, p50"), "ms", self.folded.clone(), Bar::AtMost(8.0))
                .beside("its records in memory, decoded and folded", self.in_memory.clone()),
            Row::alone(format!("{work} with a snapshot, p50"), "us", self.from_snapshot.clone(), Bar::AtMost(50.0)),
        ]
    }
}
