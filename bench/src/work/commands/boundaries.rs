//! Decisions on two tags, in stores of several sizes.

use std::{num::NonZeroUsize, path::Path, time::Duration};

use annals_core::{Annals, BoundaryDecision, boundary, in_stream};
use tokio::task::JoinSet;

use super::order::{Item, ReservationEvent};
use crate::{
    Failure,
    event::OrderEvent,
    figures::Rounds,
    fill::{self, Fill, Ids},
    random::Random,
    table::{Bar, Row},
    work::reads,
    writers::{Figures, Window, join, repeat},
};

const STREAMS: u64 = 10_000;
const LINES_AN_ITEM: u64 = 10;

/// The stores, and what was measured so far.
pub(super) struct Boundaries {
    stores: Vec<SizedStore>,
}

struct SizedStore {
    events: u64,
    items: u64,
    /// Keeps nothing in memory: a small store would hold most of its pairs, a large one hardly any.
    annals: Annals,
    measured: Vec<Measured>,
}

/// So many callers in one store.
struct Measured {
    callers: usize,
    rates: Rounds,
    medians: Rounds,
}

impl Boundaries {
    /// Fills a store of each size, and reads all of it once.
    pub(super) async fn fill(folder: &Path, events: &[u64], callers: &[NonZeroUsize]) -> Result<Self, Failure> {
        let mut stores = Vec::new();
        for events in events {
            stores.push(SizedStore::fill(folder, *events, callers).await?);
        }
        Ok(Self { stores })
    }

    /// Each number of callers in each store.
    pub(super) async fn measure(&mut self, time: Duration) -> Result<(), Failure> {
        let cases = self.stores.first().map_or(0, |store| store.measured.len());
        for case in 0..cases {
            for store in &mut self.stores {
                store.measure(case, time).await?;
            }
        }
        Ok(())
    }

    /// All sizes beside the first; there is a bar for the last.
    pub(super) fn rows(&self) -> Vec<Row> {
        let Some((first, others)) = self.stores.split_first() else { return Vec::new() };
        let mut rows = Vec::new();
        for (case, smallest) in first.measured.iter().enumerate() {
            for (index, store) in others.iter().enumerate() {
                let Some(own) = store.measured.get(case) else { continue };
                let is_last = index + 1 == others.len();
                let bar = |bar: Bar| if is_last { bar } else { Bar::None };
                let work = format!("boundary over two tags, {} events, {} callers", store.events, own.callers);
                let yardstick = format!("in {} events", first.events);
                rows.push(
                    Row::alone(&work, "commits/s", own.rates.clone(), bar(Bar::RatioAtLeast(0.8)))
                        .beside(&yardstick, smallest.rates.clone()),
                );
                rows.push(
                    Row::alone(format!("{work}, p50"), "us", own.medians.clone(), bar(Bar::RatioAtMost(1.25)))
                        .beside(yardstick, smallest.medians.clone()),
                );
            }
        }
        rows
    }

    pub(super) async fn shut_down(self) {
        for store in self.stores {
            store.annals.shut_down().await;
        }
    }
}

impl SizedStore {
    async fn fill(folder: &Path, events: u64, callers: &[NonZeroUsize]) -> Result<Self, Failure> {
        let fill = Fill { events, streams: STREAMS, ids: Ids::Number, tags: true, singles: 0 };
        let items = fill.tag_count();
        if items < 2 || events != items * LINES_AN_ITEM {
            return Err(format!("{events} events are not ten for each of two tags or more").into());
        }
        let store = fill::filled(&folder.join(format!("boundaries{events}")), fill).await?;
        reads::scan_decoded(&store).await?;
        let measured = |callers: &NonZeroUsize| Measured {
            callers: callers.get(),
            rates: Rounds::default(),
            medians: Rounds::default(),
        };
        let annals = Annals::over(store).cache(0).open().await?;
        Ok(Self { events, items, annals, measured: callers.iter().map(measured).collect() })
    }

    async fn measure(&mut self, case: usize, time: Duration) -> Result<(), Failure> {
        let Some(measured) = self.measured.get_mut(case) else { return Ok(()) };
        let window = Window::of(time);
        let head = self.annals.store().head().borrow().position.get();
        let mut tasks = JoinSet::new();
        for caller in 0..measured.callers {
            let (annals, items) = (self.annals.clone(), self.items);
            let mut random = Random::new(head << 16 | caller as u64);
            tasks.spawn(repeat(window, async move || reserve(&annals, items, &mut random).await));
        }
        let figures = Figures::of(&join(tasks).await?, time);
        measured.rates.push(figures.appends_per_second);
        measured.medians.push(figures.median_us);
        Ok(())
    }
}

/// Decides on two of so many items.
async fn reserve(annals: &Annals, items: u64, random: &mut Random) -> Result<(), Failure> {
    let one = random.next() % items;
    let other = (one + 1 + random.next() % (items - 1)) % items;
    let (order, line) = (random.next() % STREAMS, OrderEvent::random(random));
    let decide = move |both: &mut BoundaryDecision<(Item, Item)>| {
        let lines = [&both.0, &both.1].map(|item| item.summary.lines);
        if lines != [LINES_AN_ITEM; 2] {
            return Err(format!("items {one} and {other} have {lines:?} lines"));
        }
        both.emit(in_stream("bench", order), ReservationEvent::Made { one, other, line: line.clone() });
        Ok(())
    };
    annals.together(boundary::<(Item, Item)>((one, other)), decide).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use annals_core::{MemoryStore, Store};

    use super::*;

    #[tokio::test]
    async fn what_is_decided_leaves_every_item_at_ten_lines() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let fill = Fill { events: 20, streams: STREAMS, ids: Ids::Number, tags: true, singles: 0 };
        fill.run(&store).await.unwrap();
        let annals = Annals::over(Arc::clone(&store)).open().await.unwrap();
        let mut random = Random::new(1);
        for _ in 0..20 {
            reserve(&annals, fill.tag_count(), &mut random).await.unwrap();
        }
        assert_eq!(store.head().borrow().position.get(), 40);
    }
}
