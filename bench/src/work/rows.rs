//! `bench rows`: derived rows, as a projection writes them.

mod subject;

use std::{path::PathBuf, time::Instant};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use uuid::Uuid;

use crate::{
    Failure,
    child::Waiting,
    figures::Rounds,
    machine::memory_mb,
    random::{Random, uuid_of},
    table::{Bar, Row, markdown, number, of_rows},
};
use subject::Kind;

const BATCH_EVENTS: u64 = 1000;
const COUNTERS: u64 = 10_000;
const VALUE_BYTES: usize = 32;

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Events, each of which writes one row.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: u64,
    /// How often each is measured; the medians are shown.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u64,
    /// What is measured.
    #[arg(long, value_delimiter = ',', default_values_t = Kind::ALL, value_enum)]
    pub(crate) subjects: Vec<Kind>,
    /// Which rows are written.
    #[arg(long, value_delimiter = ',', default_values_t = Keys::ALL, value_enum)]
    pub(crate) keys: Vec<Keys>,
    /// Where the files go.
    #[arg(long, default_value = crate::FOLDER)]
    pub(crate) folder: PathBuf,
}

/// Which rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keys {
    /// One of 10,000, without reading it.
    Counters,
    /// One of 10,000, read before.
    CountersRead,
    /// A new one, with a random key.
    New,
    /// A new one, with a key that sorts behind those before.
    NewOrdered,
}

impl Keys {
    pub(crate) const ALL: [Self; 4] = [Self::Counters, Self::CountersRead, Self::New, Self::NewOrdered];

    fn label(self) -> &'static str {
        match self {
            Self::Counters => "10,000 rows",
            Self::CountersRead => "10,000 rows, read first",
            Self::New => "a new row an event, random keys",
            Self::NewOrdered => "a new row an event, keys ordered by time",
        }
    }

    fn bar(self) -> Bar {
        match self {
            Self::Counters => Bar::AtLeast(250_000.0),
            Self::CountersRead => Bar::None,
            Self::New | Self::NewOrdered => Bar::AtLeast(80_000.0),
        }
    }

    fn key(self, random: &mut Random) -> Bytes {
        let key = match self {
            Self::Counters | Self::CountersRead => uuid_of(random.next() % COUNTERS),
            Self::New => uuid_of(random.next()),
            Self::NewOrdered => Uuid::now_v7(),
        };
        Bytes::copy_from_slice(key.as_bytes())
    }
}

/// One measurement, made in a process of its own.
#[derive(Debug, Clone, Args)]
pub(crate) struct Job {
    /// What is measured.
    #[arg(long, value_enum)]
    subject: Kind,
    /// Which rows are written.
    #[arg(long, value_enum)]
    keys: Keys,
    /// Events in all.
    #[arg(long)]
    events: u64,
    /// A folder that is empty.
    #[arg(long)]
    folder: PathBuf,
}

struct Line {
    subject: Kind,
    keys: Keys,
    rates: Rounds,
    memory_mb: Rounds,
    memory_highest_mb: Rounds,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    println!(
        "derived rows, keys of 16 bytes and values of {VALUE_BYTES}, {} events in batches of {BATCH_EVENTS} with a \
         checkpoint, not synced, drain and close included, medians of {} rounds\n",
        options.events, options.rounds
    );
    let (events, mut lines) = (options.events.to_string(), Vec::new());
    for keys in &options.keys {
        lines.extend(options.subjects.iter().map(|subject| Line::new(*subject, *keys)));
    }
    for round in 1..=options.rounds {
        for line in &mut lines {
            line.measure(&events, options)?;
            eprintln!(
                "round {round}, {}, {}: {:.0} events/s",
                line.keys.label(),
                line.subject.label(),
                line.rates.median()
            );
        }
    }
    println!("{}\n{}", all_figures(&lines), of_rows(&bars(&lines)));
    Ok(())
}

/// The store's lines as rows of the table of figures.
fn bars(lines: &[Line]) -> Vec<Row> {
    let own = lines.iter().filter(|line| line.subject == Kind::Store);
    own.map(|line| {
        let row =
            Row::alone(format!("derived rows, {}", line.keys.label()), "events/s", line.rates.clone(), line.keys.bar());
        match lines.iter().find(|other| other.keys == line.keys && other.subject == Kind::Fjall) {
            Some(fjall) => row.beside(fjall.subject.label(), fjall.rates.clone()),
            None => row,
        }
    })
    .collect()
}

fn all_figures(lines: &[Line]) -> String {
    let cells = lines.iter().map(|line| {
        let [rate, memory, highest] =
            [&line.rates, &line.memory_mb, &line.memory_highest_mb].map(|figure| number(figure.median()));
        [line.keys.label().to_owned(), line.subject.label().to_owned(), rate, memory, highest]
    });
    markdown(&["rows", "subject", "events/s", "resident MB", "highest MB"], cells)
}

impl Line {
    fn new(subject: Kind, keys: Keys) -> Self {
        let [rates, memory_mb, memory_highest_mb] = [(); 3].map(|()| Rounds::default());
        Self { subject, keys, rates, memory_mb, memory_highest_mb }
    }

    fn measure(&mut self, events: &str, options: &Options) -> Result<(), Failure> {
        let folder = tempfile::tempdir_in(&options.folder)?;
        let name = |value: Option<clap::builder::PossibleValue>| {
            value.map(|value| value.get_name().to_owned()).unwrap_or_default()
        };
        let (subject, keys) = (name(self.subject.to_possible_value()), name(self.keys.to_possible_value()));
        let path = folder.path().to_str().ok_or("the folder is no text")?;
        let child =
            Waiting::start(&["rows", "--subject", &subject, "--keys", &keys, "--events", events, "--folder", path])?;
        self.rates.push(child.figure("events_per_second"));
        self.memory_mb.push(child.figure("memory_mb"));
        self.memory_highest_mb.push(child.figure("memory_highest_mb"));
        child.close()
    }
}

/// What the process of its own does.
pub(crate) async fn work(job: &Job) -> Result<[(&'static str, f64); 3], Failure> {
    let mut subject = job.subject.open(&job.folder).await?;
    let mut random = Random::new(7);
    let start = Instant::now();
    let mut done = 0;
    while done < job.events {
        let events = BATCH_EVENTS.min(job.events - done);
        let keys: Vec<Bytes> = (0..events).map(|_| job.keys.key(&mut random)).collect();
        let before = match job.keys {
            Keys::CountersRead => subject.get(&keys).await?,
            _ => Vec::new(),
        };
        let count = |index: usize| before.get(index).and_then(Option::as_ref).map_or(0, counter);
        let rows = keys.into_iter().enumerate().map(|(index, key)| (key, value(count(index) + 1))).collect();
        subject.put(rows, done, done + events).await?;
        done += events;
    }
    // Before the close: what it holds while it works.
    let (memory, highest) = memory_mb();
    subject.finish().await?;
    let seconds = start.elapsed().as_secs_f64();
    Ok([("events_per_second", done as f64 / seconds), ("memory_mb", memory), ("memory_highest_mb", highest)])
}

fn value(count: u64) -> Bytes {
    let mut value = count.to_be_bytes().to_vec();
    value.resize(VALUE_BYTES, 7);
    value.into()
}

fn counter(value: &Bytes) -> u64 {
    value.first_chunk().map_or(0, |count| u64::from_be_bytes(*count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_subject_writes_every_kind_of_rows() {
        for subject in Kind::ALL {
            for keys in Keys::ALL {
                let folder = tempfile::tempdir().unwrap();
                let job = Job { subject, keys, events: 2500, folder: folder.path().to_owned() };
                let [(_, rate), ..] = work(&job).await.unwrap();
                assert!(rate > 0.0, "{subject:?} {keys:?}");
            }
        }
    }

    #[test]
    fn counters_are_found_again() {
        assert_eq!((counter(&value(7)), value(7).len()), (7, VALUE_BYTES));
    }
}
