//! `bench sagas`: a saga of five steps beside the bare durable commits that it needs, and timers that sleep.

mod relay;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use annals::{prelude::*, sagas::SagaHandle};
use annals_core::{Commit, EventType, NewEvent, Store, StreamId, testing::commit_of};
use annals_store_sled::{SledOptions, SledStore};
use clap::{Args, ValueEnum};

use crate::{
    Failure,
    figures::{Latencies, Rounds},
    table::{Bar, Row, of_rows},
};
use relay::{LEGS, LONG, Race, RaceEvent, Relay, Sleep, Sleeper, Start, Waiting};

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// How many instances are under way at once.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 64])]
    pub(crate) concurrent: Vec<usize>,
    /// How many instances run, for each that is under way.
    #[arg(long, default_value_t = 200)]
    pub(crate) instances: usize,
    /// How many timers sleep; with none, timers are not measured.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) timers: usize,
    /// What is measured: a saga, and the bare commits beside it. A profile is of one alone.
    #[arg(long, value_delimiter = ',', default_value = "sagas,commits")]
    pub(crate) subjects: Vec<Subject>,
    /// How often each is measured; the medians are shown.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u64,
    /// Where the files go.
    #[arg(long, default_value = crate::FOLDER)]
    pub(crate) folder: PathBuf,
}

/// What is measured with so many instances under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// A saga of five steps.
    Sagas,
    /// As many bare commits.
    Commits,
}

/// What an instance stores, one behind the other: the command that begins it, that of each leg, and a step for each of these. Each
/// is a commit of its own where one instance is under way; steps of several instances may share one.
const COMMITS: u32 = 2 * (1 + LEGS);

/// Nothing is done any more when so long hardly any processor time was used; then for so long timers sleep.
const QUIET: Duration = Duration::from_secs(3);
const SLEPT: Duration = Duration::from_secs(20);

/// So many timers are due while others sleep, one after the other, behind one that is not counted among them: there are machines,
/// virtual ones, that take away memory that nobody has touched for some seconds, and who is the first to do something pays.
const AWAKE: usize = 50;

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    println!(
        "a saga of {LEGS} steps, each a command to another aggregate, whose event leads to the next: {COMMITS} durable events an \
         instance, one behind the other; beside it as many commits of one event. Medians of {} rounds\n",
        options.rounds
    );
    let mut rows = Vec::new();
    for concurrent in options.concurrent.iter().copied() {
        let (mut bare, mut sagas) = (Rounds::default(), Rounds::default());
        for round in 1..=options.rounds {
            for subject in &options.subjects {
                match subject {
                    Subject::Sagas => sagas.push(instances(options, concurrent).await?),
                    Subject::Commits => bare.push(commits(options, concurrent).await?),
                }
            }
            eprintln!("round {round} of {} with {concurrent} under way is done", options.rounds);
        }
        let work = format!("a saga of {LEGS} steps, {concurrent} under way");
        rows.push(Row::alone(work, "instances/s", sagas, Bar::RatioAtLeast(0.7)).beside("bare commits", bare));
    }
    if options.timers > 0 {
        rows.extend(rows_of_timers(options).await?);
    }
    println!("{}", of_rows(&rows));
    Ok(())
}

async fn rows_of_timers(options: &Options) -> Result<Vec<Row>, Failure> {
    let Slept { first, late, cpu, written, idle } = timers(options).await?;
    let others = format!("{} others sleep", options.timers);
    let late_ms = |hundredths| late.percentile_us(hundredths) / 1e3;
    let slept = SLEPT.as_secs();
    Ok(vec![
        Row::alone(format!("a timer fires while {others}, late, p50"), "ms", late_ms(50), Bar::AtMost(50.0)),
        Row::alone(format!("the same, latest of {AWAKE}"), "ms", late_ms(100), Bar::AtMost(50.0)),
        Row::alone(
            format!("the one before them, behind {slept} s of nothing"),
            "ms",
            first.as_secs_f64() * 1e3,
            Bar::None,
        ),
        Row::alone(format!("processor while {others}"), "% of a core", cpu, Bar::AtMost(1.0)),
        Row::alone("the store writes its index behind setting them, processor", "s", written, Bar::None),
        Row::alone("the same, until nothing is done any more", "s", idle, Bar::None),
    ])
}

fn open(folder: &Path) -> Result<Arc<dyn Store>, Failure> {
    Ok(Arc::new(SledStore::open(SledOptions::new(folder))?))
}

/// As many instances a second as could be if their commits were all there was to do.
async fn commits(options: &Options, concurrent: usize) -> Result<f64, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let store = open(folder.path())?;
    let start = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..concurrent {
        let (store, instances) = (Arc::clone(&store), options.instances);
        callers.spawn(async move {
            let event_type = EventType::new("bench.appended")?;
            for number in 0..instances * COMMITS as usize {
                let stream = StreamId::new("race", format!("{caller}-{number}"))?;
                store.commit(Commit::of([NewEvent::new(stream, event_type.clone(), vec![7; 32])])).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    let rate = (options.instances * concurrent) as f64 / start.elapsed().as_secs_f64();
    store.shut_down().await;
    Ok(rate)
}

/// Instances a second, a new one as soon as one has ended.
async fn instances(options: &Options, concurrent: usize) -> Result<f64, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let races = Annals::over(open(folder.path())?).saga::<Relay>().open().await?;
    let relay = races.saga::<Relay>().ok_or("it does not run")?;
    relay.settled().await?;
    let total = options.instances * concurrent;
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..concurrent {
        let (races, relay, next) = (races.clone(), relay.clone(), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                match next.fetch_add(1, Ordering::Relaxed) {
                    number if number < total => instance(&races, &relay, &number.to_string()).await?,
                    _ => return Ok::<_, Failure>(()),
                }
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    let rate = total as f64 / start.elapsed().as_secs_f64();
    races.shut_down().await;
    Ok(rate)
}

/// One instance, from its beginning until it is stored that it has ended. That is looked at as seldom as can be: from when its last
/// step is decided, whenever something was stored.
async fn instance(races: &Annals, relay: &SagaHandle, race: &str) -> Result<(), Failure> {
    let last_step = Waiting::for_last_step(race);
    races.on::<Race>(race).send(Start).await?;
    last_step.notified().await;
    let mut head = races.store().head();
    loop {
        head.borrow_and_update();
        if relay.instance(None, race).await?.is_some_and(|instance| instance.status.has_ended()) {
            return Ok(());
        }
        head.changed().await?;
    }
}

/// What became of timers.
struct Slept {
    /// How late the first fired, from when it was due to when the step was stored.
    first: Duration,
    /// The same of those behind it.
    late: Latencies,
    /// How much of a core was used while nothing was due, in hundredths, once the store had nothing to write any more.
    cpu: f64,
    /// How much processor time the store used until then, in seconds.
    written: f64,
    /// How long that took, in seconds.
    idle: f64,
}

async fn timers(options: &Options) -> Result<Slept, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let store = open(folder.path())?;
    let night = Timestamp::now().saturating_add(LONG).as_micros();
    for chunk in (0..options.timers).collect::<Vec<_>>().chunks(1000) {
        let mut commit = Commit::new();
        for number in chunk {
            let slept = commit_of::<Race>(number.to_string(), [RaceEvent::Slept { until: night }]);
            commit.events.extend(slept.events);
        }
        store.commit(commit).await?;
    }
    let from_the_beginning = annals::sagas::SagaOptions::default().begin(annals::sagas::Begin::AtTheBeginning);
    let races = Annals::over(store).saga_with::<Sleeper>(from_the_beginning).open().await?;
    let sleeper = races.saga::<Sleeper>().ok_or("it does not run")?;
    sleeper.settled().await?;
    let (written, idle) = quiet().await?;
    let before = processor_seconds()?;
    tokio::time::sleep(SLEPT).await;
    let cpu = (processor_seconds()? - before) / SLEPT.as_secs_f64() * 100.0;
    let first = woken(&races, &sleeper, "first").await?;
    let mut late = Vec::new();
    for number in 0..AWAKE {
        late.push(woken(&races, &sleeper, &format!("awake-{number}")).await?);
    }
    races.shut_down().await;
    Ok(Slept { first, late: Latencies::of(late), cpu, written, idle })
}

/// Waits until nothing is done any more: what the store has taken it writes to its index within seconds. How much processor time
/// that took, and how long, both in seconds.
async fn quiet() -> Result<(f64, f64), Failure> {
    let (begun, start) = (processor_seconds()?, Instant::now());
    let (mut latest, mut worked) = (begun, start);
    while worked.elapsed() < QUIET {
        tokio::time::sleep(QUIET / 30).await;
        let now = processor_seconds()?;
        if now - latest > 0.01 {
            (latest, worked) = (now, Instant::now());
        }
    }
    Ok((latest - begun, (worked - start).as_secs_f64()))
}

/// How late a timer fires that is due in a moment.
async fn woken(races: &Annals, sleeper: &SagaHandle, race: &str) -> Result<Duration, Failure> {
    let due = Timestamp::now().saturating_add(Duration::from_millis(20));
    races.on::<Race>(race).send(Sleep { until: due.as_micros() }).await?;
    let mut head = races.store().head();
    loop {
        head.borrow_and_update();
        if let [_, fired, ..] = sleeper.timeline(None, race).await?.as_slice() {
            let micros = fired.at.as_micros().saturating_sub(due.as_micros());
            return Ok(Duration::from_micros(u64::try_from(micros)?));
        }
        head.changed().await?;
    }
}

/// The processor time that this process has used.
fn processor_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // User and system time are the 14th and 15th of all fields, in hundredths of a second.
    let ticks: f64 = fields.iter().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    Ok(ticks / 100.0)
}
