//! `bench batches`: batches of one caller, one after the other.

use std::{path::PathBuf, time::Instant};

use clap::Args;

use crate::{
    Failure,
    figures::Rounds,
    load::Batches,
    subject::Kind,
    table::{Bar, Row, of_rows},
};

const EVENTS_PER_STREAM: usize = 10;

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Events of one commit.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1000])]
    pub(crate) sizes: Vec<usize>,
    /// Events in all.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: usize,
    /// How often each is measured; the medians are shown.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u64,
    /// What is measured.
    #[arg(long, value_delimiter = ',', default_values_t = Kind::USUAL, value_enum)]
    pub(crate) subjects: Vec<Kind>,
    /// Where the files go.
    #[arg(long, default_value = crate::FOLDER)]
    pub(crate) folder: PathBuf,
}

/// One subject with one size of batches: events per second, a round each.
struct Line {
    size: usize,
    subject: Kind,
    rates: Rounds,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    println!(
        "batches of one caller, {EVENTS_PER_STREAM} events a stream, every stream new, {} events in all, drain and close \
         included, medians of {} rounds\n",
        options.events, options.rounds
    );
    let mut lines: Vec<Line> = Vec::new();
    for size in &options.sizes {
        lines.extend(options.subjects.iter().map(|subject| Line {
            size: *size,
            subject: *subject,
            rates: Rounds::default(),
        }));
    }
    for round in 1..=options.rounds {
        for line in &mut lines {
            let rate = measure(line, options).await?;
            eprintln!("round {round}, batches of {}, {}: {rate:.0} events/s", line.size, line.subject.label());
            line.rates.push(rate);
        }
    }
    println!("{}", of_rows(&rows(&lines)));
    Ok(())
}

async fn measure(line: &Line, options: &Options) -> Result<f64, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let subject = line.subject.open(folder.path()).await?;
    // All are made before: only what the subject does is measured.
    let commits = options.events.div_ceil(line.size.max(1));
    let batches: Vec<_> = Batches::of(line.size, EVENTS_PER_STREAM).take(commits).collect();
    let events: usize = batches.iter().map(Vec::len).sum();
    let start = Instant::now();
    for batch in batches {
        subject.append(batch).await?;
    }
    subject.finish().await;
    Ok(events as f64 / start.elapsed().as_secs_f64())
}

/// The store beside every other subject; every other subject beside the growing log.
fn rows(lines: &[Line]) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in lines {
        let others = lines.iter().filter(|other| other.size == line.size && other.subject != line.subject);
        let is_yardstick = |other: &&Line| line.subject == Kind::Store || other.subject == Kind::Growing;
        rows.extend(others.filter(is_yardstick).map(|other| {
            let is_held = line.subject == Kind::Store && !matches!(other.subject, Kind::Preallocated | Kind::Direct);
            let bar = if is_held { Bar::RatioAtLeast(1.0) } else { Bar::None };
            let work = format!("batches of {}, {}", line.size, line.subject.label());
            Row::alone(work, "events/s", line.rates.clone(), bar).beside(other.subject.label(), other.rates.clone())
        }));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_has_a_row_for_each_other_subject() {
        let line = |size, subject| Line { size, subject, rates: Rounds::from_iter([1.0]) };
        let lines = [line(100, Kind::Growing), line(100, Kind::Store), line(100, Kind::Redb), line(1000, Kind::Store)];
        let rows = rows(&lines);
        let named: Vec<_> =
            rows.iter().map(|row| (row.work.as_str(), row.yardstick.as_ref().unwrap().0.as_str(), row.bar)).collect();
        let least = Bar::RatioAtLeast(1.0);
        let expected = [
            ("batches of 100, store-sled", "log, growing", least),
            ("batches of 100, store-sled", "redb", least),
            ("batches of 100, redb", "log, growing", Bar::None),
        ];
        assert_eq!(named, expected);
    }
}
