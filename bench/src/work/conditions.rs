//! `bench conditions`: what conditions on tags and types cost, and what they cost others.

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use annals_core::{Commit, Condition, EventQuery, EventType, Position, QueryItem, Store, StreamId, Tag};
use clap::{Args, ValueEnum};
use tokio::task::JoinSet;

use crate::{
    Failure,
    figures::{Latencies, Rounds},
    fill::{self, Fill, Ids},
    random::{Random, uuid_of},
    table::{Bar, Row, of_rows},
    writers::{Figures, Window, join, repeat},
};

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Events in the store before.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: u64,
    /// How many commit at once.
    #[arg(long, value_delimiter = ',', default_values = ["1", "8", "64"])]
    pub(crate) writers: Vec<NonZeroUsize>,
    /// How long each is measured.
    #[arg(long, default_value_t = 3)]
    pub(crate) seconds: u64,
    /// Conditions on what are measured.
    #[arg(long, value_delimiter = ',', default_values_t = [Part::Tags, Part::Types], value_enum)]
    pub(crate) on: Vec<Part>,
    /// How often each is measured; the medians are shown.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u64,
    /// Where the files go.
    #[arg(long, default_value = crate::FOLDER)]
    pub(crate) folder: PathBuf,
}

/// What conditions are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// A tag: what it costs the caller.
    Tags,
    /// A type alone, from the start: what it costs others.
    Types,
}

/// A store with tags in it.
pub(crate) struct Filled {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) fill: Fill,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    let folder = tempfile::tempdir_in(&options.folder)?;
    let fill = Fill { events: options.events, streams: 10_000, ids: Ids::Number, tags: true, singles: 0 };
    let filled = Filled { store: fill::filled(folder.path(), fill).await?, fill };
    println!(
        "commits of one event of about 256 bytes with a tag, into a store of {} events and {} tags, medians of {} rounds \
         of {} s\n",
        fill.events,
        fill.tag_count(),
        options.rounds,
        options.seconds
    );
    let rows = tags_and_types(&filled, options).await?;
    println!("{}", of_rows(&rows));
    filled.store.shut_down().await;
    Ok(())
}

async fn tags_and_types(filled: &Filled, options: &Options) -> Result<Vec<Row>, Failure> {
    let time = Duration::from_secs(options.seconds);
    let mut rows = Vec::new();
    if options.on.contains(&Part::Tags) {
        for writers in options.writers.iter().map(|writers| writers.get()) {
            rows.extend(tags(filled, writers, time, options.rounds).await?);
        }
    }
    if options.on.contains(&Part::Types) {
        rows.extend(types(filled, time, options.rounds).await?);
    }
    Ok(rows)
}

/// What a commit says of the tag that its event carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tagging {
    /// Nobody has used the tag before; else ten events or more carry it.
    pub(crate) is_new: bool,
    /// Whether no other event may carry it: from the start if it is new, behind the head if it is not.
    pub(crate) is_condition: bool,
}

impl Tagging {
    const ALL: [Self; 4] = [
        Self { is_new: true, is_condition: false },
        Self { is_new: true, is_condition: true },
        Self { is_new: false, is_condition: false },
        Self { is_new: false, is_condition: true },
    ];
}

/// Commits with a condition on a tag beside the same without it.
async fn tags(filled: &Filled, writers: usize, time: Duration, rounds: u64) -> Result<Vec<Row>, Failure> {
    let mut measured = Tagging::ALL.map(|tagging| (tagging, Rounds::default()));
    for round in 0..rounds {
        for (tagging, rates) in &mut measured {
            let figures = commit_tagged(filled, *tagging, writers, time).await?;
            eprintln!(
                "round {}, {writers} writers, {tagging:?}: {:.0} commits/s",
                round + 1,
                figures.appends_per_second
            );
            rates.push(figures.appends_per_second);
        }
    }
    let [(_, new), (_, new_checked), (_, known), (_, known_checked)] = measured;
    let row = |what, checked, plain| {
        let work = format!("condition on {what}, {writers} writers");
        Row::alone(work, "commits/s", checked, Bar::RatioAtLeast(0.8)).beside("the same without condition", plain)
    };
    Ok(vec![row("a new tag, from 0", new_checked, new), row("a known tag, from the head", known_checked, known)])
}

pub(crate) async fn commit_tagged(
    filled: &Filled,
    tagging: Tagging,
    writers: usize,
    time: Duration,
) -> Result<Figures, Failure> {
    let window = Window::of(time);
    // The head is another one at each call: a tag that is new to a call is new to the store.
    let head = filled.store.head().borrow().position.get();
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let (store, tags) = (Arc::clone(&filled.store), filled.fill.tag_count());
        let mut random = Random::new(head << 16 | writer as u64);
        tasks.spawn(repeat(window, async move || {
            // No two writers use the same tag: every condition holds.
            let number = random.next() % (tags / writers as u64).max(1) * writers as u64 + writer as u64;
            let tag = if tagging.is_new { Tag::of("name", uuid_of(random.next()))? } else { fill::tag(number)? };
            let after = if tagging.is_new { Position::ZERO } else { store.head().borrow().position };
            let mut commit = plain(&mut random)?;
            if tagging.is_condition {
                let query = EventQuery::new([QueryItem::new().tag(tag.clone())]);
                commit.conditions.push(Condition::none_match(query, after));
            }
            commit.events.iter_mut().for_each(|event| event.tags.push(tag.clone()));
            store.commit(commit).await?;
            Ok(())
        }));
    }
    Ok(Figures::of(&join(tasks).await?, time))
}

/// One event, for one of 10,000 streams.
fn plain(random: &mut Random) -> Result<Commit, Failure> {
    let stream = StreamId::new("bench", (random.next() % 10_000).to_string())?;
    Ok(Commit::of([fill::new_event(stream, random)?]))
}

/// Eight writers, alone and beside one caller who commits with a condition on a type from the start of the log.
async fn types(filled: &Filled, time: Duration, rounds: u64) -> Result<Vec<Row>, Failure> {
    let [mut medians, mut medians_alone, mut p99s, mut p99s_alone, mut own] = [(); 5].map(|()| Rounds::default());
    for round in 0..rounds {
        let alone = write_plain(filled, time, round * 2).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let caller = tokio::spawn(commit_typed(Arc::clone(&filled.store), Arc::clone(&stop)));
        let beside = write_plain(filled, time, round * 2 + 1).await;
        stop.store(true, Ordering::Relaxed);
        let (beside, typed) = (beside?, caller.await??);
        medians.push(beside.median_us);
        medians_alone.push(alone.median_us);
        p99s.push(beside.p99_us);
        p99s_alone.push(alone.p99_us);
        own.push(typed.percentile_us(50) / 1e3);
        eprintln!("round {}, condition on a type: {} commits", round + 1, typed.count());
    }
    let what = "8 others beside a condition on a type, from 0";
    Ok(vec![
        Row::alone(format!("{what}: p99"), "us", p99s, Bar::RatioAtMost(2.0)).beside("the 8 alone", p99s_alone),
        Row::alone(format!("{what}: p50"), "us", medians, Bar::None).beside("the 8 alone", medians_alone),
        Row::alone("the commit with that condition: p50", "ms", own, Bar::None),
    ])
}

async fn write_plain(filled: &Filled, time: Duration, round: u64) -> Result<Figures, Failure> {
    const WRITERS: u64 = 8;
    let window = Window::of(time);
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, mut random) = (Arc::clone(&filled.store), Random::new(round * WRITERS + writer));
        tasks.spawn(repeat(window, async move || {
            store.commit(plain(&mut random)?).await?;
            Ok(())
        }));
    }
    Ok(Figures::of(&join(tasks).await?, time))
}

/// Commits until it is told to stop.
async fn commit_typed(store: Arc<dyn Store>, stop: Arc<AtomicBool>) -> Result<Latencies, Failure> {
    let (mut latencies, mut random) = (Vec::new(), Random::new(7));
    while !stop.load(Ordering::Relaxed) {
        let query = EventQuery::new([QueryItem::new().event_type(EventType::new("order.never")?)]);
        let commit = plain(&mut random)?.when(Condition::none_match(query, Position::ZERO));
        let start = Instant::now();
        store.commit(commit).await?;
        latencies.push(start.elapsed());
    }
    Ok(Latencies::of(latencies))
}
