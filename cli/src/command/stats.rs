//! `annals stats`.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use annals_core::{Record, StreamId};
use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;

use crate::{
    error::CliError,
    output::{Output, count, table},
    shown::EventLine,
    walk::Walk,
};

/// Say what makes a store large: longest streams, largest events, and its growth day by day
///
/// Reads the whole log. Days are those of UTC on which events were recorded. Bytes are those of the log, with all that stands
/// beside the payloads; those of an event are those of its payload.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Stats {
    /// The store's folder
    store: PathBuf,
    /// Also a line a day: commits, events, new streams, bytes
    #[arg(long)]
    growth: bool,
    /// So many streams, and so many events
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    top: usize,
}

const EXAMPLES: &str = "\
Examples:
  annals stats bank.annals
  annals stats bank.annals --growth
  annals stats bank.annals --growth --output json | jq -r '.days[] | [.day, .events, .log_bytes] | @tsv'";

#[derive(Debug, Serialize)]
struct Shown {
    commits: u64,
    events: u64,
    streams: u64,
    log_bytes: u64,
    payload_bytes: u64,
    longest_streams: Vec<ShownStream>,
    largest_events: Vec<ShownEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<Vec<Day>>,
}

#[derive(Debug, Serialize)]
struct ShownStream {
    stream: String,
    events: u64,
    payload_bytes: u64,
}

#[derive(Debug, Serialize)]
struct ShownEvent {
    payload_bytes: u64,
    #[serde(flatten)]
    event: EventLine,
}

/// What was recorded on a day.
#[derive(Debug, Clone, Default, Serialize)]
struct Day {
    day: String,
    commits: u64,
    events: u64,
    new_streams: u64,
    log_bytes: u64,
}

/// What is counted while the log is read.
#[derive(Debug, Default)]
struct Counts {
    commits: u64,
    events: u64,
    payload_bytes: u64,
    /// Events and bytes of each stream.
    streams: HashMap<StreamId, (u64, u64)>,
    /// The largest events, the largest first.
    largest: Vec<ShownEvent>,
    days: BTreeMap<String, Day>,
}

impl Stats {
    pub(super) fn run(self, out: &mut Output) -> Result<(), CliError> {
        let mut walk = Walk::open(&self.store)?;
        let mut counts = Counts::default();
        let mut bytes = 0;
        while let Some(commit) = walk.next()? {
            let behind = walk.reader().bytes();
            let recorded = commit.recorded.to_string();
            let day = recorded.split('T').next().unwrap_or_default();
            let day = counts.days.entry(day.to_owned()).or_default();
            day.commits += 1;
            day.events += commit.records.len() as u64;
            day.new_streams += commit.records.iter().filter(|record| record.version().get() == 1).count() as u64;
            day.log_bytes += behind - bytes;
            bytes = behind;
            counts.commits += 1;
            for record in &commit.records {
                counts.add(record, self.top);
            }
        }
        let shown = counts.shown(bytes, &self);
        if out.is_json() { Ok(out.json(&shown)?) } else { shown.show(out) }
    }
}

impl Counts {
    fn add(&mut self, record: &Record, top: usize) {
        let payload_bytes = record.payload().len() as u64;
        self.events += 1;
        self.payload_bytes += payload_bytes;
        let stream = self.streams.entry(record.stream().clone()).or_default();
        *stream = (stream.0 + 1, stream.1 + payload_bytes);
        if self.largest.len() < top || self.largest.last().is_some_and(|last| last.payload_bytes < payload_bytes) {
            let place = self.largest.partition_point(|event| event.payload_bytes >= payload_bytes);
            self.largest.insert(place, ShownEvent { payload_bytes, event: EventLine::of(record) });
            self.largest.truncate(top);
        }
    }

    fn shown(self, log_bytes: u64, stats: &Stats) -> Shown {
        let streams = self.streams.len() as u64;
        let mut longest: Vec<_> = self.streams.into_iter().collect();
        longest.sort_unstable_by(|(one, (events, _)), (other, (others, _))| others.cmp(events).then(one.cmp(other)));
        longest.truncate(stats.top);
        let longest = longest.into_iter().map(|(stream, (events, payload_bytes))| ShownStream {
            stream: stream.to_string(),
            events,
            payload_bytes,
        });
        let days = self.days.into_iter().map(|(day, counts)| Day { day, ..counts });
        Shown {
            commits: self.commits,
            events: self.events,
            streams,
            log_bytes,
            payload_bytes: self.payload_bytes,
            longest_streams: longest.collect(),
            largest_events: self.largest,
            days: stats.growth.then(|| days.collect()),
        }
    }
}

impl Shown {
    fn show(&self, out: &mut Output) -> Result<(), CliError> {
        let bytes = |bytes| HumanBytes(bytes).to_string();
        let mut whole = table(["commits", "events", "streams", "log", "payloads", "log an event"], &[0, 1, 2, 3, 4, 5]);
        let each = self.log_bytes.checked_div(self.events).map_or_else(String::new, bytes);
        whole.add_row([
            count(self.commits),
            count(self.events),
            count(self.streams),
            bytes(self.log_bytes),
            bytes(self.payload_bytes),
            each,
        ]);
        out.table(whole)?;
        let mut longest = table(["longest streams", "events", "payloads"], &[1, 2]);
        for stream in &self.longest_streams {
            longest.add_row([stream.stream.clone(), count(stream.events), bytes(stream.payload_bytes)]);
        }
        out.table(longest)?;
        let mut largest = table(["largest events", "position", "type", "stream", "version"], &[0, 1, 4]);
        for ShownEvent { payload_bytes, event } in &self.largest_events {
            largest.add_row([
                bytes(*payload_bytes),
                event.position.to_string(),
                event.event_type.clone(),
                event.stream.clone(),
                event.version.to_string(),
            ]);
        }
        out.table(largest)?;
        let Some(days) = &self.days else { return Ok(()) };
        let mut growth = table(["day", "commits", "events", "new streams", "log"], &[1, 2, 3, 4]);
        for day in days {
            let numbers = [day.commits, day.events, day.new_streams].map(count);
            let [commits, events, streams] = numbers;
            growth.add_row([day.day.clone(), commits, events, streams, bytes(day.log_bytes)]);
        }
        Ok(out.table(growth)?)
    }
}
