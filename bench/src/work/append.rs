//! `bench append`: durable appends of one event each.

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;

use crate::{
    Failure,
    figures::Rounds,
    load::{PAYLOAD_BYTES, Streams},
    subject::Kind,
    table::{Bar, Row, markdown, number, of_rows},
    writers::{self, Figures},
};

/// What to measure, and for how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// How long one subject is measured with one number of writers. Under 5 s an index behind the answers looks free.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    /// How often each is measured; the medians are shown.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: u64,
    /// How many append at once.
    #[arg(long, value_delimiter = ',', default_values = ["1", "8", "64"])]
    pub(crate) writers: Vec<NonZeroUsize>,
    /// How many streams there are, or `new` (every append begins one, with a random id), or `new-ordered` (with an id
    /// that sorts behind those before).
    #[arg(long, default_value = "10000")]
    pub(crate) streams: Streams,
    /// What is measured; the ratios are to the two logs.
    #[arg(long, value_delimiter = ',', default_values_t = Kind::USUAL, value_enum)]
    pub(crate) subjects: Vec<Kind>,
    /// Where the files go: it should be on the disk that is of interest.
    #[arg(long, default_value = crate::FOLDER)]
    pub(crate) folder: PathBuf,
}

/// One subject with one number of writers.
struct Line {
    writers: usize,
    subject: Kind,
    rounds: Vec<Round>,
}

struct Round {
    figures: Figures,
    /// How long it took to finish what went on behind the answers, and to close.
    finish: Duration,
    /// The rate when that counts too.
    drained_per_second: f64,
}

/// Measures all, a round of everything after the other, so that what the machine does meanwhile hits all alike.
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    let (rounds, seconds) = (options.rounds, options.seconds);
    println!(
        "durable appends of one event of {PAYLOAD_BYTES} bytes, {}, medians of {rounds} rounds of {seconds} s\n",
        options.streams
    );
    let mut lines: Vec<Line> = Vec::new();
    for writers in options.writers.iter().map(|writers| writers.get()) {
        lines.extend(options.subjects.iter().map(|subject| Line { writers, subject: *subject, rounds: Vec::new() }));
    }
    for round in 1..=options.rounds {
        for line in &mut lines {
            let measured = measure(line, options).await?;
            let rate = measured.figures.appends_per_second;
            eprintln!("round {round}, {} writers, {}: {rate:.0} appends/s", line.writers, line.subject.label());
            line.rounds.push(measured);
        }
    }
    println!("{}", all_figures(&lines));
    println!("{}", of_rows(&bars(&lines, options.streams)));
    Ok(())
}

/// Measures a new, empty subject, and removes it.
async fn measure(line: &Line, options: &Options) -> Result<Round, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let subject = line.subject.open(folder.path()).await?;
    let time = Duration::from_secs(options.seconds);
    let figures = writers::append(&subject, options.streams, 0, line.writers, time).await?;
    let finishing = Instant::now();
    subject.finish().await;
    let finish = finishing.elapsed();
    let drained_per_second = figures.appends_per_second * time.as_secs_f64() / (time + finish).as_secs_f64();
    Ok(Round { figures, finish, drained_per_second })
}

impl Line {
    fn rounds(&self, figure: impl Fn(&Round) -> f64) -> Rounds {
        self.rounds.iter().map(figure).collect()
    }

    /// While it runs: this is how the logs, which leave nothing to be finished, are measured too.
    fn rates(&self) -> Rounds {
        self.rounds(|round| round.figures.appends_per_second)
    }

    fn p99s(&self) -> Rounds {
        self.rounds(|round| round.figures.p99_us)
    }
}

fn find(lines: &[Line], writers: usize, kind: Kind) -> Option<&Line> {
    lines.iter().find(|line| line.writers == writers && line.subject == kind)
}

/// Every subject, with ratios to both logs at the same number of writers.
fn all_figures(lines: &[Line]) -> String {
    let headings = [
        "writers",
        "subject",
        "appends/s",
        "p50 us",
        "p99 us",
        "to growing",
        "to preallocated",
        "finish ms",
        "appends/s drained",
    ];
    let cells = lines.iter().map(|line| {
        let ratio = |kind| {
            let yardstick = find(lines, line.writers, kind);
            number(yardstick.map_or(f64::NAN, |yardstick| line.rates().ratios(&yardstick.rates()).median()))
        };
        [
            line.writers.to_string(),
            line.subject.label().to_owned(),
            format!("{:.0}", line.rates().median()),
            format!("{:.0}", line.rounds(|round| round.figures.median_us).median()),
            format!("{:.0}", line.p99s().median()),
            ratio(Kind::Growing),
            ratio(Kind::Preallocated),
            format!("{:.0}", line.rounds(|round| round.finish.as_secs_f64() * 1e3).median()),
            format!("{:.0}", line.rounds(|round| round.drained_per_second).median()),
        ]
    });
    markdown(&headings, cells)
}

/// The store beside each yardstick that it is held against. Its rate counts only what is drained.
fn bars(lines: &[Line], streams: Streams) -> Vec<Row> {
    let least = if matches!(streams, Streams::Fixed(_)) { 0.9 } else { 0.85 };
    let mut rows = Vec::new();
    for own in lines.iter().filter(|line| line.subject == Kind::Store) {
        let beside = |kind: Kind, bar| {
            let yardstick = find(lines, own.writers, kind)?;
            let work = format!("appends, {} writers, {streams}", own.writers);
            let drained = own.rounds(|round| round.drained_per_second);
            Some(Row::alone(work, "events/s, drained", drained, bar).beside(kind.label(), yardstick.rates()))
        };
        rows.extend(beside(Kind::Preallocated, Bar::RatioAtLeast(least)));
        rows.extend(beside(Kind::Direct, Bar::None));
        for rival in [Kind::Sqlite, Kind::Redb, Kind::Sled] {
            rows.extend(beside(rival, Bar::RatioAtLeast(1.0)));
        }
        let level = if own.writers == 1 { Bar::None } else { Bar::RatioAtLeast(1.0) };
        rows.extend(beside(Kind::Fjall, level));
        let bar = if own.writers == 64 { Bar::RatioAtMost(4.0) } else { Bar::None };
        rows.extend(find(lines, own.writers, Kind::Preallocated).map(|yardstick| {
            let work = format!("p99 of an append, {} writers, {streams}", own.writers);
            Row::alone(work, "us", own.p99s(), bar).beside(yardstick.subject.label(), yardstick.p99s())
        }));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(writers: usize, subject: Kind, rates: [f64; 3]) -> Line {
        let round = |appends_per_second| Round {
            figures: Figures { appends_per_second, median_us: 100.0, p99_us: 900.0 },
            finish: Duration::ZERO,
            drained_per_second: appends_per_second / 2.0,
        };
        Line { writers, subject, rounds: rates.map(round).into() }
    }

    #[test]
    fn ratios_are_to_the_logs_at_the_same_number_of_writers() {
        let lines = [
            line(1, Kind::Growing, [300.0, 100.0, 200.0]),
            line(8, Kind::Growing, [1000.0; 3]),
            line(1, Kind::Memory, [60.0, 100.0, 900.0]),
        ];
        let table = all_figures(&lines);
        let last = table.lines().last();
        assert_eq!(last, Some("| 1 | MemoryStore (not durable) | 100 | 100 | 900 | 1.00 | - | 0 | 50 |"));
    }

    #[test]
    fn the_store_is_held_against_its_yardsticks_drained() {
        let lines = [line(64, Kind::Preallocated, [100.0; 3]), line(64, Kind::Store, [190.0; 3])];
        let rows = bars(&lines, Streams::Fixed(10_000));
        let table = of_rows(&rows);
        assert!(
            table.contains("| 95.0 | events/s, drained | log, preallocated | 100 | 0.95 | ratio >= 0.9 | yes |"),
            "{table}"
        );
        assert!(table.contains("| 900 | us | log, preallocated | 900 | 1.00 | ratio <= 4 | yes |"), "{table}");
    }
}
