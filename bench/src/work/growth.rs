//! `bench growth`: the main figures at several sizes of the log.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use annals_core::Store;
use clap::Args;

use super::{
    conditions::{Filled, Tagging, commit_tagged},
    open::{Case, open_copied, space},
    reads,
};
use crate::{
    Failure,
    child::Waiting,
    figures::Rounds,
    fill::{Fill, Ids, SINGLES, Singles},
    load::Streams,
    machine::copy_folder,
    subject::{OfStore, Subject},
    table::{markdown, number},
    writers,
};

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Events in the store, a store each.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000, 10_000_000])]
    pub(crate) events: Vec<u64>,
    /// How long appends are measured.
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
    /// How often each is measured, each time with a copy of the files; the medians are shown.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u64,
    /// Where the files go: about 1 KB for each event of the largest store.
    #[arg(long, default_value = crate::FOLDER)]
    pub(crate) folder: PathBuf,
}

/// The streams that are read.
const SINGLE: Singles = SINGLES[0];

/// A filled store that is closed.
struct SizedStore {
    events: u64,
    fill: Fill,
    folder: PathBuf,
    figures: Vec<Figure>,
}

/// One figure of one store.
struct Figure {
    name: &'static str,
    unit: &'static str,
    cost: Cost,
    rounds: Rounds,
}

/// What a figure says of one event.
#[derive(Debug, Clone, Copy)]
enum Cost {
    /// A rate: microseconds an event.
    Rate,
    /// Microseconds for so many events.
    Microseconds(f64),
    /// Seconds for the whole store: nanoseconds an event.
    Seconds,
    /// Bytes of disk for each byte of payload.
    Payload,
    /// Megabytes for the whole store: bytes an event.
    Megabytes,
    /// Nothing.
    None,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    let folder = tempfile::tempdir_in(&options.folder)?;
    println!(
        "stores of {:?} events of about 256 bytes, each with a tag that ten share, over 10,000 streams, filled in commits \
         of 1,000; besides, streams whose events are a commit each; medians of {} rounds, each on a copy of the files\n",
        options.events, options.rounds
    );
    let mut stores = Vec::new();
    for events in &options.events {
        stores.push(SizedStore::fill(*events, &folder.path().join(events.to_string()))?);
    }
    for round in 1..=options.rounds {
        for store in &mut stores {
            store.measure(Duration::from_secs(options.seconds), folder.path()).await?;
            eprintln!("round {round}, {} events: done", store.events);
        }
    }
    println!("{}", table(&stores));
    Ok(())
}

impl SizedStore {
    fn fill(events: u64, folder: &Path) -> Result<Self, Failure> {
        let fill = Fill { events, streams: 10_000, ids: Ids::Number, tags: true, singles: SINGLE.events };
        let fill = Fill { events: events.saturating_sub(fill.single_events()), ..fill };
        let child = Waiting::fill(folder, &fill)?;
        let events = child.figure("events") as u64;
        let mut store = Self { events, fill, folder: folder.to_owned(), figures: Vec::new() };
        store.add("fill", "events/s", Cost::Rate, child.figure("events") / child.figure("fill_seconds"));
        store.add("resident memory, idle", "MB", Cost::Megabytes, child.figure("memory_mb"));
        store.add("resident memory, highest", "MB", Cost::Megabytes, child.figure("memory_highest_mb"));
        let payload_bytes = child.figure("payload_bytes");
        child.close()?;
        let [_, _, (_, whole)] = space(folder, payload_bytes)?;
        store.add("disk, log and index", "bytes per payload byte", Cost::Payload, whole);
        eprintln!("{events} events: filled");
        Ok(store)
    }

    fn add(&mut self, name: &'static str, unit: &'static str, cost: Cost, figure: f64) {
        match self.figures.iter_mut().find(|known| known.name == name) {
            Some(known) => known.rounds.push(figure),
            None => self.figures.push(Figure { name, unit, cost, rounds: figure.into() }),
        }
    }

    /// All that is measured again in each round.
    async fn measure(&mut self, time: Duration, folder: &Path) -> Result<(), Failure> {
        let copy = tempfile::tempdir_in(folder)?;
        let [first, second] = ["first", "second"].map(|name| copy.path().join(name));
        copy_folder(&self.folder, &first)?;
        self.use_opened(&first, time).await?;
        std::fs::remove_dir_all(&first)?;
        copy_folder(&self.folder, &second)?;
        self.open_again(&second).await
    }

    /// What is done with a store that was closed: opening, reading, then writing.
    async fn use_opened(&mut self, copied: &Path, time: Duration) -> Result<(), Failure> {
        let (store, seconds) = open_copied(copied, Case::Closed).await?;
        self.add("open after a close", "s", Cost::Seconds, seconds);
        let store: Arc<dyn Store> = Arc::new(store);
        // Once more than is counted: the first time warms.
        reads::read_streams(&store, SINGLE, 1).await?;
        let latencies = reads::read_streams(&store, SINGLE, 2).await?;
        let cost = Cost::Microseconds(SINGLE.events as f64);
        self.add("stream of 10 events, decoded, p50", "us", cost, latencies.percentile_us(50));
        self.add("scan of the log, decoded", "events/s", Cost::Rate, reads::scan_decoded(&store).await?);

        let filled = Filled { store: Arc::clone(&store), fill: self.fill };
        for (tagging, name) in [
            (Tagging { is_new: true, is_condition: true }, "condition on a new tag, from 0, 8 writers"),
            (Tagging { is_new: false, is_condition: true }, "condition on a known tag, from the head, 8 writers"),
        ] {
            let figures = commit_tagged(&filled, tagging, 8, time).await?;
            self.add(name, "commits/s", Cost::Rate, figures.appends_per_second);
        }
        let subject: Arc<dyn Subject> = Arc::new(OfStore::new(Arc::clone(&store))?);
        for (writers, name, p99) in [
            (8, "appends, 8 writers", "p99 of them, 8 writers"),
            (64, "appends, 64 writers", "p99 of them, 64 writers"),
        ] {
            let figures = writers::append(&subject, Streams::Fixed(10_000), writers as u64, writers, time).await?;
            self.add(name, "events/s", Cost::Rate, figures.appends_per_second);
            self.add(p99, "us", Cost::None, figures.p99_us);
        }
        store.shut_down().await;
        Ok(())
    }

    /// A store that was killed while it was written, then without its index.
    async fn open_again(&mut self, copied: &Path) -> Result<(), Failure> {
        let nothing = Fill { events: 0, singles: 0, ..self.fill };
        Waiting::fill(copied, &nothing)?.kill_while_writing(Duration::from_secs(1))?;
        for (case, name) in [(Case::Killed, "open after kill -9"), (Case::WithoutIndex, "rebuild of the index")] {
            let (opened, seconds) = open_copied(copied, case).await?;
            self.add(name, "s", Cost::Seconds, seconds);
            opened.shut_down().await;
        }
        Ok(())
    }
}

impl Cost {
    fn of(self, figure: f64, store: &SizedStore) -> String {
        let events = store.events as f64;
        match self {
            Self::Rate => format!("{} us", number(1e6 / figure)),
            Self::Microseconds(events) => format!("{} us", number(figure / events)),
            Self::Seconds => format!("{} ns", number(figure * 1e9 / events)),
            Self::Payload => format!("{} bytes", number(figure * 256.0)),
            Self::Megabytes => format!("{} bytes", number(figure * 1e6 / events)),
            Self::None => "-".to_owned(),
        }
    }
}

/// Each figure at each size, with its cost and its ratio to the first size.
fn table(stores: &[SizedStore]) -> String {
    let Some(first) = stores.first() else { return String::new() };
    let mut cells = Vec::new();
    for (index, figure) in first.figures.iter().enumerate() {
        for store in stores {
            let Some(own) = store.figures.get(index) else { continue };
            let median = own.rounds.median();
            cells.push([
                figure.name.to_owned(),
                store.events.to_string(),
                number(median),
                figure.unit.to_owned(),
                figure.cost.of(median, store),
                number(own.rounds.ratios(&figure.rounds).median()),
            ]);
        }
    }
    markdown(&["work", "events", "figure", "unit", "per event", "to the first size"], cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(events: u64, rate: f64, open_seconds: f64) -> SizedStore {
        let fill = Fill { events, streams: 1, ids: Ids::Number, tags: true, singles: 0 };
        let mut store = SizedStore { events, fill, folder: PathBuf::new(), figures: Vec::new() };
        for _ in 0..3 {
            store.add("appends", "events/s", Cost::Rate, rate);
            store.add("open", "s", Cost::Seconds, open_seconds);
        }
        store
    }

    #[test]
    fn figures_stand_beside_their_cost_and_growth() {
        let table = table(&[store(1000, 50_000.0, 0.1), store(10_000, 25_000.0, 0.1)]);
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(lines[0], "| appends | 1000 | 50000 | events/s | 20.0 us | 1.00 |");
        assert_eq!(lines[1], "| appends | 10000 | 25000 | events/s | 40.0 us | 0.50 |");
        assert_eq!(lines[3], "| open | 10000 | 0.10 | s | 10000 ns | 1.00 |");
    }
}
