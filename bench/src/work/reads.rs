//! `bench reads`: the whole log, and single streams.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use annals_core::{Event, ReadLog, ReadStream, Store, decode_record};
use bytes::Bytes;
use clap::Args;
use futures::StreamExt;

use crate::{
    Failure,
    event::OrderEvent,
    figures::{Latencies, Rounds},
    fill::{self, Fill, Ids, SINGLES, Singles},
    random::Random,
    table::{Bar, Row, of_rows},
};

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Events in the store, beside those of the streams that are read.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: u64,
    /// How often each is measured; the medians are shown.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u64,
    /// Where the files go.
    #[arg(long, default_value = crate::FOLDER)]
    pub(crate) folder: PathBuf,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    let folder = tempfile::tempdir_in(&options.folder)?;
    let fill = Fill { events: options.events, streams: 10_000, ids: Ids::Number, tags: false, singles: 10_000 };
    let store = fill::filled(folder.path(), fill).await?;
    let events = store.head().borrow().position;
    println!(
        "reads of a store of {events} events of about 256 bytes, warm, by one task, medians of {} rounds; the events of \
         the streams that are read are a commit each, spread over the log\n",
        options.rounds
    );
    let mut rows = scans(&store, options.rounds).await?;
    rows.extend(streams(&store, options.rounds).await?);
    println!("{}", of_rows(&rows));
    store.shut_down().await;
    Ok(())
}

/// The whole log, undecoded and decoded, beside decoding the same bytes in memory.
async fn scans(store: &Arc<dyn Store>, rounds: u64) -> Result<Vec<Row>, Failure> {
    let payloads = payloads(store).await?;
    let [mut undecoded, mut decoded, mut in_memory] = [(); 3].map(|()| Rounds::default());
    for _ in 0..rounds {
        undecoded.push(scan(store).await?);
        decoded.push(scan_decoded(store).await?);
        in_memory.push(decode_all(&payloads)?);
    }
    Ok(vec![
        Row::alone("scan of the log, undecoded", "events/s", undecoded, Bar::AtLeast(10e6)),
        Row::alone("scan of the log, decoded", "events/s", decoded, Bar::RatioAtLeast(0.9))
            .beside("decoding the same bytes in memory", in_memory),
    ])
}

async fn payloads(store: &Arc<dyn Store>) -> Result<Vec<Bytes>, Failure> {
    let mut payloads = Vec::new();
    let mut records = store.read_log(ReadLog::all());
    while let Some(record) = records.next().await {
        payloads.push(Bytes::copy_from_slice(record?.payload()));
    }
    Ok(payloads)
}

async fn scan(store: &Arc<dyn Store>) -> Result<f64, Failure> {
    let start = Instant::now();
    let mut records = store.read_log(ReadLog::all());
    let mut events = 0_u64;
    while let Some(record) = records.next().await {
        std::hint::black_box(&record?);
        events += 1;
    }
    Ok(events as f64 / start.elapsed().as_secs_f64())
}

pub(crate) async fn scan_decoded(store: &Arc<dyn Store>) -> Result<f64, Failure> {
    let start = Instant::now();
    let mut records = store.read_log(ReadLog::all());
    let mut events = 0_u64;
    while let Some(record) = records.next().await {
        std::hint::black_box(decode_record::<OrderEvent>(&record?)?);
        events += 1;
    }
    Ok(events as f64 / start.elapsed().as_secs_f64())
}

/// All events are of the first kind.
fn decode_all(payloads: &[Bytes]) -> Result<f64, Failure> {
    let start = Instant::now();
    for payload in payloads {
        std::hint::black_box(OrderEvent::decode(0, payload)?);
    }
    Ok(payloads.len() as f64 / start.elapsed().as_secs_f64())
}

/// Streams whose events are a commit each.
async fn streams(store: &Arc<dyn Store>, rounds: u64) -> Result<Vec<Row>, Failure> {
    let mut measured = SINGLES.map(|kind| (kind, Rounds::default(), Rounds::default()));
    for round in 0..=rounds {
        for (kind, medians, p99s) in &mut measured {
            let latencies = read_streams(store, *kind, round).await?;
            // The first round warms.
            if round > 0 {
                medians.push(latencies.percentile_us(50));
                p99s.push(latencies.percentile_us(99));
            }
        }
    }
    let rows = measured.into_iter().flat_map(|(kind, medians, p99s)| {
        let bar = match kind.events {
            10 => Bar::AtMost(8.0),
            100 => Bar::AtMost(80.0),
            _ => Bar::None,
        };
        let work = format!("stream of {} events, decoded", kind.events);
        [
            Row::alone(format!("{work}, p50"), "us", medians, bar),
            Row::alone(format!("{work}, p99"), "us", p99s, Bar::None),
        ]
    });
    Ok(rows.collect())
}

/// Streams chosen at random: as many as give about 100,000 events.
pub(crate) async fn read_streams(store: &Arc<dyn Store>, kind: Singles, seed: u64) -> Result<Latencies, Failure> {
    let mut random = Random::new(seed);
    let mut latencies: Vec<Duration> = Vec::new();
    for _ in 0..100_000 / kind.events {
        let stream = kind.stream(random.next() % kind.streams)?;
        let start = Instant::now();
        let mut records = store.read_stream(ReadStream::all(stream));
        let mut events = 0;
        while let Some(record) = records.next().await {
            std::hint::black_box(decode_record::<OrderEvent>(&record?)?);
            events += 1;
        }
        latencies.push(start.elapsed());
        if events != kind.events {
            return Err(format!("a stream of {} events has {events}", kind.events).into());
        }
    }
    Ok(Latencies::of(latencies))
}
