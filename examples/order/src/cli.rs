//! The command line.

mod error;
mod output;
mod report;
mod sagas;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use annals::embedded::SledOptions;
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    audit, import, read, replay,
    season::{self, Plan, Size},
    shop,
};
use error::CliError;
use output::Output;

/// Where the generated season is kept unless `--store` says otherwise.
const SHOP: &str = "shop.annals";
/// Where imported invoices are kept unless `--store` says otherwise.
const RETAIL: &str = "retail.annals";
/// Where a replayed log is kept unless `--store` says otherwise.
const LOG: &str = "log.annals";

/// A shop on annals: without a command, a generated season of it.
#[derive(Debug, Parser)]
#[command(name = "order", version)]
struct Arguments {
    /// The store's folder [default: shop.annals; for import retail.annals, for replay-log log.annals]
    #[arg(long, global = true, value_name = "FOLDER")]
    store: Option<PathBuf>,
    /// How many orders the season has
    #[arg(long, value_name = "COUNT", default_value_t = Size::default().orders, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    orders: u32,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at the sagas of a store: what is under way, what waits, what an order has been through; and help them
    Sagas {
        #[command(subcommand)]
        command: Option<sagas::Command>,
    },
    /// Take over the invoices of another shop: one line of an invoice a line
    Import {
        /// The folder with `online_retail.csv` or `online_retail.csv.gz`, or the file
        folder: PathBuf,
        /// How many invoices are taken over at once
        #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        callers: u16,
    },
    /// Let happen under virtual time what another shop recorded, and compare what the sagas do with what people did there
    ReplayLog {
        /// The folder with `ocel_order_simulated.csv` or `ocel_order_simulated.csv.gz`, or the file
        folder: PathBuf,
    },
    /// Fold everything again, and hold it against itself, the read models and what is left to do
    Verify,
}

/// Does what the command line asks for.
///
/// The exit code is 1 when something is wrong with what was found, and on every error.
///
/// # Errors
/// A report for a person, with what to do.
pub async fn run() -> miette::Result<ExitCode> {
    let Arguments { store, orders, command } = Arguments::parse();
    let store = |default: &str| store.unwrap_or_else(|| default.into());
    let out = &mut Output::standard();
    let is_good = match command {
        None => run_season(out, &store(SHOP), Size { orders }).await?,
        Some(Command::Import { folder, callers }) => run_import(out, &store(RETAIL), &folder, callers.into()).await?,
        Some(Command::ReplayLog { folder }) => replay_log(out, &store(LOG), &folder).await?,
        Some(Command::Sagas { command }) => sagas::run(out, &store(SHOP), command).await?,
        Some(Command::Verify) => verify(out, &store(SHOP)).await?,
    };
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_season(out: &mut Output, store: &Path, size: Size) -> Result<bool, CliError> {
    let plan = Plan::of(size);
    report::season_begins(out, store, &plan)?;
    let (shop, calendar) = season::open(store).await?;
    let progress = progress(plan.orders.len(), "orders");
    let began = Instant::now();
    let ran = season::run(&shop, &calendar, &plan, &progress).await;
    progress.finish_and_clear();
    ran.map_err(CliError::Season)?;
    let took = began.elapsed();
    let (books, rows) = (audit::books(&shop).await?, audit::rows(&shop).await?);
    report::season(out, &shop, &books, &rows, &calendar, took)?;
    let findings = audit::audit(&shop, &books, &rows).await?;
    report::findings(out, &findings)?;
    shop.shut_down().await;
    Ok(findings.is_empty())
}

async fn run_import(out: &mut Output, store: &Path, folder: &Path, callers: usize) -> Result<bool, CliError> {
    let mut books = import::read(folder)?;
    report::import_begins(out, &books, store)?;
    let shop = shop::books(SledOptions::new(store)).open().await?;
    let progress = progress(books.invoices.len(), "invoices");
    let ran = import::run(&shop, std::mem::take(&mut books.invoices), callers, &progress).await;
    progress.finish_and_clear();
    let outcome = ran.map_err(CliError::Import)?;
    read::until_current(&shop).await?;
    // Another pass over the file, by other code.
    let sums = import::Sums::of(&books.file, &books.malformed)?;
    let comparison = import::compare(&shop, &sums).await?;
    shop.shut_down().await;
    let all = import::Report { books, outcome, sums, comparison };
    import::report(out, &all)?;
    Ok(all.is_good())
}

async fn replay_log(out: &mut Output, store: &Path, folder: &Path) -> Result<bool, CliError> {
    let log = replay::read(folder)?;
    report::replay_begins(out, &log, store)?;
    let (shop, calendar) = replay::open(store, &log).await?;
    let progress = progress(log.rows.len(), "rows");
    let began = Instant::now();
    let ran = replay::run(&shop, &calendar, &log, &progress).await;
    progress.finish_and_clear();
    ran.map_err(CliError::Replay)?;
    let took = began.elapsed();
    let (books, rows) = (audit::books(&shop).await?, audit::rows(&shop).await?);
    let comparison = replay::compare(&shop, &log, &books).await?;
    report::replay(out, &shop, &comparison, &calendar, took)?;
    let findings = audit::audit(&shop, &books, &rows).await?;
    report::findings(out, &findings)?;
    report::malformed(out, &log)?;
    shop.shut_down().await;
    Ok(findings.is_empty() && comparison.is_good() && log.malformed.is_empty())
}

async fn verify(out: &mut Output, store: &Path) -> Result<bool, CliError> {
    let shop = season::open_existing(store).await?;
    read::until_current(&shop).await?;
    let (books, rows) = (audit::books(&shop).await?, audit::rows(&shop).await?);
    let findings = audit::audit(&shop, &books, &rows).await?;
    report::findings(out, &findings)?;
    shop.shut_down().await;
    Ok(findings.is_empty())
}

/// A bar on a terminal; nothing elsewhere.
fn progress(count: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(count as u64).with_message(what);
    match ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} {msg}, {per_sec}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
