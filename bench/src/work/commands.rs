//! `bench commands`: what decisions cost, from a command to a durable event, and what it costs to load their states.

mod boundaries;
mod calls;
mod loads;
mod order;

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::Args;

use self::{
    boundaries::Boundaries,
    calls::{Call, Calls},
    loads::Loads,
};
use crate::{Failure, table::of_rows};

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Aggregates that commands are sent to.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) aggregates: u64,
    /// How many send at once; what is compared at one number only is at the largest.
    #[arg(long, value_delimiter = ',', default_values = ["1", "8", "64"])]
    pub(crate) callers: Vec<NonZeroUsize>,
    /// Only these calls, and neither loads nor boundaries: to profile one thing.
    #[arg(long, value_delimiter = ',', value_enum)]
    pub(crate) calls: Option<Vec<Call>>,
    /// Events in the stores in which boundaries are decided on, a store each.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    pub(crate) events: Vec<u64>,
    /// How many decide on boundaries at once.
    #[arg(long, value_delimiter = ',', default_values = ["1", "8"])]
    pub(crate) boundary_callers: Vec<NonZeroUsize>,
    /// How long each is measured.
    #[arg(long, default_value_t = 2)]
    pub(crate) seconds: u64,
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
    println!(
        "commands to {} aggregates, one event of about 256 bytes each; an aggregate of 10,000 events, loaded warm; decisions \
         on two tags of ten events each in stores of {:?} events; medians of {} rounds of {} s each\n",
        options.aggregates, options.events, options.rounds, options.seconds
    );
    let time = Duration::from_secs(options.seconds);
    let mut calls = Calls::fill(&folder.path().join("commands"), options.aggregates, &options.callers).await?;
    if let Some(only) = &options.calls {
        calls.only(only);
        for round in 1..=options.rounds {
            calls.measure(time).await?;
            eprintln!("round {round}: done");
        }
        println!("{}", of_rows(&calls.each()));
        calls.shut_down().await;
        return Ok(());
    }
    let mut loads = Loads::of(calls.store()).await?;
    let mut boundaries = Boundaries::fill(folder.path(), &options.events, &options.boundary_callers).await?;
    for round in 1..=options.rounds {
        loads.measure().await?;
        eprintln!("round {round}, loads: done");
        calls.measure(time).await?;
        eprintln!("round {round}, commands: done");
        boundaries.measure(time).await?;
        eprintln!("round {round}, boundaries: done");
    }
    println!("{}", of_rows(&[calls.rows(), loads.rows(), boundaries.rows()].concat()));
    calls.shut_down().await;
    boundaries.shut_down().await;
    Ok(())
}
