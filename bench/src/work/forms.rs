//! `bench forms`: what it costs to read events in their present form and in those of the past.

mod past;
mod sizes;

use std::{hint::black_box, time::Instant};

use annals_core::{
    CommitNumber, Event, EventId, EventType, Metadata, Position, Record, RecordParts, SchemaVersion, StreamId,
    Timestamp, Version, codec, decode_record,
};
use bytes::Bytes;
use clap::Args;
use serde::{Serialize, de::DeserializeOwned};

use self::past::{LineAdded, LineAddedV1, LineAddedV2, LineAddedV3, PastEvent, ValueEvent};
use crate::{
    Failure,
    event::OrderEvent,
    figures::Rounds,
    random::Random,
    table::{Bar, Row, of_rows},
};

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Records that are read each time.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: u64,
    /// How often each is measured; the medians are shown.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: u64,
    /// Unused: everything is in memory.
    #[arg(long, hide = true, default_value = crate::FOLDER)]
    pub(crate) folder: std::path::PathBuf,
}

/// So many different payloads are read again and again, so that memory is not what is measured.
const PAYLOADS: u64 = 1024;

#[allow(clippy::unused_async, reason = "all commands are alike")]
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    println!(
        "reading {} records of about 256 bytes, in memory, on one thread, medians of {} rounds\n",
        options.events, options.rounds
    );
    let forms = Forms::new()?;
    let mut measured = [const { Vec::new() }; 9].map(Rounds::from_iter);
    for round in 0..=options.rounds {
        let figures = forms.measure(options.events)?;
        for (rounds, figure) in measured.iter_mut().zip(figures) {
            // The first round warms.
            if round > 0 {
                rounds.push(figure);
            }
        }
    }
    println!("{}", of_rows(&rows(measured)));
    println!("The same lines in other encodings, bytes an event, mean of {PAYLOADS}:\n");
    println!("{}", sizes::table(&forms.lines)?);
    Ok(())
}

/// The same lines, in every form.
struct Forms {
    lines: Vec<LineAdded>,
    present: Vec<Record>,
    v3: Vec<Record>,
    v2: Vec<Record>,
    v1: Vec<Record>,
    tree: Vec<Record>,
}

impl Forms {
    fn new() -> Result<Self, Failure> {
        let mut random = Random::new(1);
        let events: Vec<_> = (0..PAYLOADS).map(|_| OrderEvent::random(&mut random)).collect();
        let lines: Vec<_> = events.iter().filter_map(LineAdded::of).collect();
        let mut present = Vec::new();
        for event in &events {
            present.push(record("order.line_added", 1, event.encode()?)?);
        }
        Ok(Self {
            present,
            v3: records("past.line_added", 3, lines.iter().map(LineAddedV3::of))?,
            v2: records("past.line_added", 2, lines.iter().map(LineAddedV2::of))?,
            v1: records("past.line_added", 1, lines.iter().map(LineAddedV1::of))?,
            tree: records("value.line_added", 1, lines.iter().map(LineAddedV3::of))?,
            lines,
        })
    }

    /// Nanoseconds an event: plain decoding and annals, form by form.
    fn measure(&self, events: u64) -> Result<[f64; 9], Failure> {
        Ok([
            plain::<LineAdded>(&self.present, events)?,
            read::<OrderEvent>(&self.present, events)?,
            plain::<LineAddedV3>(&self.v3, events)?,
            read::<PastEvent>(&self.v3, events)?,
            plain::<LineAddedV2>(&self.v2, events)?,
            read::<PastEvent>(&self.v2, events)?,
            plain::<LineAddedV1>(&self.v1, events)?,
            read::<PastEvent>(&self.v1, events)?,
            read::<ValueEvent>(&self.tree, events)?,
        ])
    }
}

fn rows(measured: [Rounds; 9]) -> Vec<Row> {
    let [plain, present, plain_v3, one, plain_v2, two, plain_v1, three, tree] = measured;
    let row = |work: &str, figure: Rounds, yardstick: Rounds, bar| {
        Row::alone(work, "ns", figure, bar).beside("rmp-serde", yardstick)
    };
    vec![
        // At least 0.9 of the speed.
        row("present form", present, plain, Bar::RatioAtMost(1.0 / 0.9)),
        row("one typed step", one, plain_v3.clone(), Bar::RatioAtMost(1.5)),
        row("two typed steps", two, plain_v2, Bar::None),
        row("three typed steps", three, plain_v1, Bar::None),
        row("one step on a tree", tree, plain_v3, Bar::None),
    ]
}

fn plain<T: DeserializeOwned>(records: &[Record], events: u64) -> Result<f64, Failure> {
    timed(records, events, |record| {
        black_box(rmp_serde::from_slice::<T>(record.payload())?);
        Ok(())
    })
}

fn read<E: Event>(records: &[Record], events: u64) -> Result<f64, Failure> {
    timed(records, events, |record| {
        black_box(decode_record::<E>(record)?);
        Ok(())
    })
}

fn timed(
    records: &[Record],
    events: u64,
    mut read: impl FnMut(&Record) -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let start = Instant::now();
    for record in records.iter().cycle().take(usize::try_from(events)?) {
        read(black_box(record))?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e9 / events as f64)
}

fn records<T: Serialize>(
    event_type: &str,
    version: u32,
    values: impl Iterator<Item = T>,
) -> Result<Vec<Record>, Failure> {
    values.map(|value| record(event_type, version, codec::encode("a form of the past", &value)?)).collect()
}

fn record(event_type: &str, version: u32, payload: Bytes) -> Result<Record, Failure> {
    Ok(Record::of(RecordParts {
        position: Position::FIRST,
        commit: CommitNumber::FIRST,
        stream: &StreamId::new("order", "1")?,
        version: Version::FIRST,
        id: EventId::new(),
        event_type: &EventType::new(event_type)?,
        schema_version: SchemaVersion::new(version).ok_or("versions begin with 1")?,
        tags: &[],
        metadata: &Metadata::default(),
        recorded: Timestamp::EPOCH,
        occurred: Timestamp::EPOCH,
        payload: &payload,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_as_the_same_line() {
        let forms = Forms::new().unwrap();
        for index in 0..forms.present.len() {
            let present = decode_record::<OrderEvent>(&forms.present[index]).unwrap();
            let line = LineAdded::of(&present.as_slice()[0]).unwrap();
            for record in [&forms.v3[index], &forms.v2[index], &forms.v1[index]] {
                let read = decode_record::<PastEvent>(record).unwrap();
                assert!(matches!(&read.as_slice()[0], PastEvent::LineAdded(read) if *read == line), "{read:?}");
            }
            let read = decode_record::<ValueEvent>(&forms.tree[index]).unwrap();
            assert!(matches!(&read.as_slice()[0], ValueEvent::LineAdded(read) if *read == line), "{read:?}");
        }
    }
}
