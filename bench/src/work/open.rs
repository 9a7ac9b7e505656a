//! `bench open`: opening, after a close and after a kill, rebuilding, space and memory.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use annals_core::Store;
use annals_store_sled::{OpenReport, SledStore};
use clap::Args;

use crate::{
    Failure,
    child::Waiting,
    figures::Rounds,
    fill::{self, Fill, Ids},
    machine::{copy_folder, disk_bytes},
    table::{Bar, Row, of_rows},
};

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Events in the store.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: u64,
    /// Over how many streams they are spread, a store each.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 62_000, 1_000_000])]
    pub(crate) streams: Vec<u64>,
    /// How the keys of the streams look.
    #[arg(long, default_value = "number", value_enum)]
    pub(crate) ids: Ids,
    /// How often each is opened; the medians are shown.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u64,
    /// Where the files go.
    #[arg(long, default_value = crate::FOLDER)]
    pub(crate) folder: PathBuf,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    println!(
        "stores of {} events of about 256 bytes, filled by a process of its own in commits of 1,000, keys of streams: {}, \
         medians of {} opens of a copy of the files\n",
        options.events,
        options.ids.name(),
        options.rounds
    );
    let mut rows = Vec::new();
    for streams in &options.streams {
        let fill = Fill { events: options.events, streams: *streams, ids: options.ids, tags: false, singles: 0 };
        rows.extend(stores(fill, options.rounds, &options.folder).await?);
    }
    println!("{}", of_rows(&rows));
    Ok(())
}

/// Two stores, filled alike: one that is closed, one whose process is killed while it writes.
async fn stores(fill: Fill, rounds: u64, folder: &Path) -> Result<Vec<Row>, Failure> {
    let many = fill.streams > 100_000;
    let folder = tempfile::tempdir_in(folder)?;
    let (closed, killed) = (folder.path().join("closed"), folder.path().join("killed"));
    let child = Waiting::fill(&closed, &fill)?;
    let named = |what: &str| format!("{what}, {} streams", fill.streams);
    let alone = |what: &str, unit, figure: f64, bar| Row::alone(named(what), unit, figure, bar);
    let mut rows = vec![
        alone("fill", "events/s", child.figure("events") / child.figure("fill_seconds"), Bar::None),
        alone("resident memory, idle", "MB", child.figure("memory_mb"), Bar::AtMost(if many { 150.0 } else { 100.0 })),
        alone("resident memory, highest", "MB", child.figure("memory_highest_mb"), Bar::None),
    ];
    let payload_bytes = child.figure("payload_bytes");
    child.close()?;
    rows.extend(space(&closed, payload_bytes)?.map(|(part, ratio)| {
        let bar = match part {
            "log and index" => Bar::AtMost(if many { 2.0 } else { 1.6 }),
            _ => Bar::None,
        };
        alone(&format!("disk, {part}"), "bytes per payload byte", ratio, bar)
    }));

    Waiting::fill(&killed, &fill)?.kill_while_writing(Duration::from_secs(1))?;
    let [mut clean, mut unclean, mut rebuild] = [(); 3].map(|()| Rounds::default());
    for _ in 0..rounds {
        clean.push(open_copy(&closed, Case::Closed, folder.path()).await?);
        unclean.push(open_copy(&killed, Case::Killed, folder.path()).await?);
        rebuild.push(open_copy(&closed, Case::WithoutIndex, folder.path()).await?);
    }
    rows.extend([
        Row::alone(named("open after a close"), "s", clean, Bar::AtMost(0.2)),
        Row::alone(named("open after kill -9"), "s", unclean, Bar::AtMost(0.3)),
        Row::alone(named("rebuild of the index"), "s", rebuild, Bar::AtMost(if many { 2.0 } else { 0.6 })),
    ]);
    Ok(rows)
}

/// The bytes that log, index and both take, per byte of payload.
pub(crate) fn space(store: &Path, payload_bytes: f64) -> Result<[(&'static str, f64); 3], Failure> {
    let [log, index] = [disk_bytes(&store.join("log"))?, disk_bytes(&store.join("index"))?];
    let ratio = |bytes: u64| bytes as f64 / payload_bytes;
    Ok([("log", ratio(log)), ("index", ratio(index)), ("log and index", ratio(log + index))])
}

/// What a store went through before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Closed,
    Killed,
    WithoutIndex,
}

impl Case {
    fn fits(self, report: &OpenReport) -> bool {
        (report.was_closed, report.rebuilt.is_some())
            == match self {
                Self::Closed => (true, false),
                Self::Killed => (false, false),
                Self::WithoutIndex => (true, true),
            }
    }
}

/// How long it takes to open a copy of `store`, in seconds.
async fn open_copy(store: &Path, case: Case, folder: &Path) -> Result<f64, Failure> {
    let copy = tempfile::tempdir_in(folder)?;
    let copied = copy.path().join("store");
    copy_folder(store, &copied)?;
    let (opened, seconds) = open_copied(&copied, case).await?;
    opened.shut_down().await;
    Ok(seconds)
}

/// Opens a store that may be changed; also gives how long it took, in seconds.
pub(crate) async fn open_copied(store: &Path, case: Case) -> Result<(SledStore, f64), Failure> {
    if case == Case::WithoutIndex {
        std::fs::remove_dir_all(store.join("index"))?;
    }
    let start = Instant::now();
    let opened = fill::open(store).await?;
    let seconds = start.elapsed().as_secs_f64();
    if !case.fits(opened.report()) {
        return Err(format!("{case:?}, but the report says {:?}", opened.report()).into());
    }
    Ok((opened, seconds))
}
