//! `bench projections`: projections beside a bare scan, several of them on one log, and how soon a commit is seen.

mod subject;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use annals::projections::{ProjectionOptions, Projections, ReadModels, State, WithProjections};
use annals_core::{Annals, Builder, Commit, Event, NewEvent, Store};
use clap::{Args, ValueEnum};

use crate::{
    Failure,
    event::OrderEvent,
    figures::{Latencies, Rounds},
    fill::{self, Fill, Ids},
    machine::memory_mb,
    random::Random,
    table::{Bar, Row, of_rows},
};
use subject::{Lines, Sums, many};

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Events in the store.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: u64,
    /// For how long commits are made one after the other, and waited for until they are seen.
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
    /// What is measured.
    #[arg(long, value_delimiter = ',', default_values_t = Subject::ALL, value_enum)]
    pub(crate) subjects: Vec<Subject>,
    /// How often each is measured; the medians are shown.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u64,
    /// Where the files go.
    #[arg(long, default_value = crate::FOLDER)]
    pub(crate) folder: PathBuf,
}

/// Commits a second while it is measured how soon they are seen.
const COMMITS_PER_SECOND: u64 = 1000;

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    println!(
        "projections of {} events of about 256 bytes in 10,000 streams, from an empty read model until they are live, \
         medians of {} rounds, each with a store that is new\n",
        options.events, options.rounds
    );
    let mut measured = Measured::default();
    for round in 1..=options.rounds {
        measured.round(options).await?;
        eprintln!("round {round} of {} is done", options.rounds);
    }
    println!("{}", of_rows(&measured.rows()));
    Ok(())
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// One projection, a row a stream.
    One,
    /// One projection, a row an event.
    Lines,
    /// One projection, a row a stream, in memory.
    Memory,
    /// Eight, each of which takes every event.
    Eight,
    /// Thirty-two, each of which takes every event.
    ThirtyTwo,
    /// Eight, each of which takes its share of the events.
    EightShares,
    /// Thirty-two, each of which takes its share of the events.
    ThirtyTwoShares,
    /// How soon a commit is seen.
    Seen,
}

impl Subject {
    const ALL: [Self; 8] = [
        Self::One,
        Self::Lines,
        Self::Memory,
        Self::Eight,
        Self::ThirtyTwo,
        Self::EightShares,
        Self::ThirtyTwoShares,
        Self::Seen,
    ];
}

#[derive(Default)]
struct Measured {
    scan: Rounds,
    rates: [Rounds; 7],
    lines_mb: Rounds,
    median: Rounds,
    p99: Rounds,
}

impl Measured {
    async fn round(&mut self, options: &Options) -> Result<(), Failure> {
        for subject in &options.subjects {
            // Each begins with a store that is new, so that none finds rows of another.
            let folder = tempfile::tempdir_in(&options.folder)?;
            let fill = Fill { events: options.events, streams: 10_000, ids: Ids::Number, tags: false, singles: 0 };
            let store = fill::filled(folder.path(), fill).await?;
            self.measure(*subject, &store, options).await?;
            store.shut_down().await;
        }
        Ok(())
    }

    async fn measure(&mut self, subject: Subject, store: &Arc<dyn Store>, options: &Options) -> Result<(), Failure> {
        let events = options.events;
        let rate = match subject {
            Subject::One => rate(store, events, |builder| builder.projection(Sums::<0>::all())).await?,
            Subject::Lines => {
                let rate = rate(store, events, |builder| builder.projection(Lines)).await?;
                self.lines_mb.push(memory_mb().0);
                rate
            }
            Subject::Memory => {
                self.scan.push(super::reads::scan_decoded(store).await?);
                let in_memory = ProjectionOptions::default().in_memory();
                rate(store, events, |builder| builder.projection_with(Sums::<0>::all(), in_memory)).await?
            }
            Subject::Eight => rate(store, events, |builder| many(builder, 8, false)).await?,
            Subject::ThirtyTwo => rate(store, events, |builder| many(builder, 32, false)).await?,
            Subject::EightShares => rate(store, events, |builder| many(builder, 8, true)).await?,
            Subject::ThirtyTwoShares => rate(store, events, |builder| many(builder, 32, true)).await?,
            Subject::Seen => {
                let latencies = seen(store, options.seconds).await?;
                self.median.push(latencies.percentile_us(50));
                self.p99.push(latencies.percentile_us(99));
                return Ok(());
            }
        };
        if let Some(rates) = self.rates.get_mut(subject as usize) {
            rates.push(rate);
        }
        eprintln!("{subject:?}: {rate:.0} events/s");
        Ok(())
    }

    fn rows(self) -> Vec<Row> {
        let [one, lines, memory, eight, thirty_two, eight_shares, thirty_two_shares] = self.rates;
        let times = |work: &str, many: &Rounds, bar| Row::alone(work, "times", one.ratios(many), bar);
        vec![
            times("8 projections of all events, times the time of one", &eight, Bar::AtMost(2.0)),
            times("32 projections of all events, times the time of one", &thirty_two, Bar::AtMost(4.0)),
            times("8 projections of an eighth each, times the time of one", &eight_shares, Bar::AtMost(2.0)),
            times("32 projections of a share each, times the time of one", &thirty_two_shares, Bar::AtMost(4.0)),
            Row::alone("one projection, 10,000 rows", "events/s", one, Bar::AtLeast(250_000.0)),
            Row::alone("one projection, a new row an event", "events/s", lines, Bar::AtLeast(80_000.0)),
            Row::alone("memory behind that", "MB", self.lines_mb, Bar::None),
            Row::alone("in memory, 10,000 rows", "events/s", memory, Bar::RatioAtLeast(0.7))
                .beside("a bare decoded scan", self.scan),
            Row::alone("a commit is seen, p50", "us", self.median, Bar::AtMost(1000.0)),
            Row::alone("a commit is seen, p99", "us", self.p99, Bar::AtMost(5000.0)),
        ]
    }
}

/// Events a second that one projection goes through, or each of several.
async fn rate(store: &Arc<dyn Store>, events: u64, register: impl FnOnce(Builder) -> Builder) -> Result<f64, Failure> {
    let start = Instant::now();
    let annals = register(Annals::over(Arc::clone(store))).open().await?;
    let projections = annals.projections().ok_or("no projection runs")?;
    live(&projections).await?;
    let rate = events as f64 / start.elapsed().as_secs_f64();
    annals_core::Running::stop(&*projections).await;
    Ok(rate)
}

async fn live(projections: &Projections) -> Result<(), Failure> {
    for projection in projections.iter() {
        let mut status = projection.watch();
        status.wait_for(|status| status.state == State::Live).await?;
    }
    Ok(())
}

/// From the answer of a commit until a projection has seen it.
async fn seen(store: &Arc<dyn Store>, seconds: u64) -> Result<Latencies, Failure> {
    let annals = Annals::over(Arc::clone(store)).projection(Sums::<0>::all()).open().await?;
    let projections = annals.projections().ok_or("no projection runs")?;
    live(&projections).await?;
    let handle = ReadModels::projection::<Sums<0>>(&annals).ok_or("it does not run")?;
    let mut random = Random::new(7);
    let mut latencies = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / COMMITS_PER_SECOND as u32);
    for number in 0..seconds * COMMITS_PER_SECOND {
        ticks.tick().await;
        let event = OrderEvent::random(&mut random);
        let stream = Ids::Number.stream(number % 10_000)?;
        let commit = Commit::of([NewEvent::new(stream, event.kind().event_type()?, event.encode()?)]);
        let receipt = store.commit(commit).await?;
        let answered = Instant::now();
        handle.wait_for(&receipt).await?;
        latencies.push(answered.elapsed());
    }
    annals_core::Running::stop(&*projections).await;
    Ok(Latencies::of(latencies))
}
