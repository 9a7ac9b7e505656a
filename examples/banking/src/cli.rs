//! The command line.

mod error;
mod report;

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};

use crate::{
    audit, bank,
    domain::AccountId,
    import,
    progress::Progress,
    quarter::{self, Balance, Disk, Plan, Size},
    statement::{self, Until},
};
use error::CliError;

/// Where the generated bank is kept unless `--store` says otherwise.
const BANK: &str = "bank.annals";
/// Where imported accounts are kept unless `--store` says otherwise.
const BERKA: &str = "berka.annals";
/// Above this, a run is long enough to say why.
const LONG: Duration = Duration::from_secs(30);

/// A small bank on annals: without a command, a generated quarter of it.
#[derive(Debug, Parser)]
#[command(name = "banking", version)]
struct Arguments {
    /// The store's folder [default: bank.annals, for import berka.annals]
    #[arg(long, global = true, value_name = "FOLDER")]
    store: Option<PathBuf>,
    /// How many callers send commands at once
    #[arg(long, global = true, value_name = "COUNT", default_value_t = 64, value_parser = parse_callers)]
    callers: usize,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take over what another bank recorded: one transaction a line
    Import {
        /// The folder with `replay_order.csv` or `replay_order.csv.gz`, or the file
        folder: PathBuf,
    },
    /// Show what happened on an account
    Statement {
        /// The account, such as A-0001
        account: AccountId,
        /// Up to a version of the account, or up to a day on which transactions occurred, such as 2026-02-28
        #[arg(long, value_name = "VERSION|DAY")]
        at: Option<Until>,
    },
    /// Fold every account again, and check balances, sums, transfers and versions
    Verify,
    /// Write a small file for `import`, with invented numbers, to the standard output
    Sample,
}

fn parse_callers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=10_000) => Ok(count),
        _ => Err("expected a number from 1 to 10000".to_owned()),
    }
}

/// Does what the command line asks for.
///
/// The exit code is 1 when an import left lines out, when the books are not right, and on every error.
///
/// # Errors
/// A report for a person, with what to do.
pub async fn run() -> miette::Result<ExitCode> {
    let Arguments { store, callers, command } = Arguments::parse();
    let store = |default: &str| store.unwrap_or_else(|| default.into());
    let is_good = match command {
        None => run_quarter(&store(BANK), callers).await?,
        Some(Command::Import { folder }) => run_import(&store(BERKA), &folder, callers).await?,
        Some(Command::Statement { account, at }) => show_statement(&store(BANK), account, at).await?,
        Some(Command::Sample) => import::write_sample(io::stdout().lock()).map(|()| true).map_err(CliError::Sample)?,
        Some(Command::Verify) => verify(&store(BANK)).await?,
    };
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_quarter(store: &Path, callers: usize) -> Result<bool, CliError> {
    let bank = bank::open(store).await?;
    let disk = Disk::measure(store).map_err(|source| CliError::Disk { store: store.to_owned(), source })?;
    let plan = Plan::of(Size::default());
    let transactions = (plan.movements.len() + plan.interest.len()) as u64;
    report::begin(store, &plan, transactions, callers, disk);
    if disk.least(transactions, callers) > LONG {
        report::slow_disk(transactions, callers, disk);
    }
    let expected = plan.balances();
    let used = plan.movements.first().map(|step| step.key.clone()).unwrap_or_default();
    let progress = Progress::shown(transactions, "transactions");
    let outcome = quarter::run(&bank, plan, callers, progress.clone()).await.map_err(CliError::Run)?;
    progress.finish();
    report::outcome(outcome);
    if outcome.took > LONG {
        report::slow_run(outcome, callers, disk);
    }
    let Some(first) = expected.keys().next().cloned() else { return Ok(true) };
    report::statement(
        &statement::statement(&bank, first.clone(), None).await.map_err(|error| CliError::statement(error, store))?,
        Some(12),
    );
    let balances = quarter::balances(&bank, &expected).await.map_err(CliError::Load)?;
    report::balances(&balances);
    report::apart(&quarter::refuse_and_conflict(&bank, first, &used).await.map_err(CliError::Load)?);
    report::next_steps(store);
    bank.shut_down().await;
    Ok(balances.iter().all(Balance::is_planned))
}

async fn run_import(store: &Path, folder: &Path, callers: usize) -> Result<bool, CliError> {
    let rows = import::read(folder)?;
    let bank = bank::open(store).await?;
    let count = rows.accounts.iter().map(|rows| rows.len() as u64).sum();
    report::import_begins(&rows, count, store);
    let malformed = rows.malformed.clone();
    let file = rows.file.clone();
    let progress = Progress::shown(count, "rows");
    let outcome = import::import(&bank, rows, callers, progress.clone()).await.map_err(CliError::Import)?;
    progress.finish();
    report::import(&outcome, count);
    report::left_out(&file, &malformed, &outcome.rejected);
    bank.shut_down().await;
    Ok(malformed.is_empty() && outcome.rejected.is_empty())
}

async fn show_statement(store: &Path, account: AccountId, at: Option<Until>) -> Result<bool, CliError> {
    let bank = bank::open_existing(store).await?;
    let statement =
        statement::statement(&bank, account, at).await.map_err(|error| CliError::statement(error, store))?;
    report::statement(&statement, None);
    bank.shut_down().await;
    Ok(true)
}

async fn verify(store: &Path) -> Result<bool, CliError> {
    let bank = bank::open_existing(store).await?;
    let audit = audit::audit(&bank).await?;
    report::audit(&audit);
    bank.shut_down().await;
    Ok(audit.findings.is_empty())
}
