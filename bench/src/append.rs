//! `bench append`: durable appends of one event each.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use crate::{
    Failure,
    load::{PAYLOAD_BYTES, STREAMS},
    report::{Line, table},
    round::{Figures, measure},
    subject::Kind,
};

/// What to measure, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long one subject is measured with one number of writers. Under 5 s an index behind the answers looks free.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How often each is measured; the medians are shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(3..))]
    rounds: u64,
    /// How many append at once.
    #[arg(long, value_delimiter = ',', default_values = ["1", "8", "64"])]
    writers: Vec<NonZeroUsize>,
    /// What is measured; the ratios are to the first two.
    #[arg(long, value_delimiter = ',', default_values_t = Kind::USUAL, value_enum)]
    subjects: Vec<Kind>,
    /// Where the files go: it should be on the disk that is of interest.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target"))]
    folder: PathBuf,
}

/// Measures all, a round of everything after the other, so that what the machine does meanwhile hits all alike.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    println!(
        "durable appends of one event of {PAYLOAD_BYTES} bytes, {STREAMS} streams, medians of {} rounds of {} s in {}\n",
        options.rounds,
        options.seconds,
        options.folder.display()
    );
    let mut lines: Vec<Line> = Vec::new();
    for writers in options.writers.iter().map(|writers| writers.get()) {
        lines.extend(options.subjects.iter().map(|subject| Line { writers, subject: *subject, rounds: Vec::new() }));
    }
    for round in 1..=options.rounds {
        for line in &mut lines {
            let figures = one(line, round, Duration::from_secs(options.seconds), &options.folder).await?;
            line.rounds.push(figures);
        }
    }
    println!("\n{}", table(&lines));
    Ok(())
}

async fn one(line: &Line, round: u64, time: Duration, folder: &Path) -> Result<Figures, Failure> {
    let figures = measure(line.subject, line.writers, time, folder).await?;
    println!(
        "round {round}, {} writers, {}: {:.0} appends/s",
        line.writers,
        line.subject.label(),
        figures.appends_per_second
    );
    Ok(figures)
}
