//! The command line.

mod error;
mod output;
mod read;
mod rebuild;
mod report;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};

use annals::{
    Annals,
    embedded::{CopyError, CopyProgress},
};
use clap::{Parser, Subcommand};

use crate::{
    audit, bank,
    domain::{AccountId, CustomerId},
    import, migrate,
    progress::Progress,
    quarter::{self, Balance, Disk, Plan, Size},
    read::{Balances, until_current},
    rebuild::Rows,
    statement::{self, Until},
};
use error::CliError;
use output::Output;

/// Where the generated bank is kept unless `--store` says otherwise.
const BANK: &str = "bank.annals";
/// Where imported accounts are kept unless `--store` says otherwise.
const BERKA: &str = "berka.annals";
/// Above this, a run is long enough to say why.
const LONG: Duration = Duration::from_secs(30);
/// How many entries of a statement a run shows.
const ENTRIES_SHOWN: usize = 12;

/// Who is told how far a migration is.
type Told = Box<dyn FnMut(CopyProgress) + Send>;

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
        /// The account, such as A-0001, or its IBAN
        account: AccountId,
        /// Up to a version of the account, or up to a day on which transactions occurred, such as 2026-02-28
        #[arg(long, value_name = "VERSION|DAY")]
        at: Option<Until>,
        /// What each month brought it, instead
        #[arg(long, conflicts_with = "at")]
        monthly: bool,
    },
    /// Show what is on the accounts
    Accounts {
        /// So many of the largest, in place of all
        #[arg(long, value_name = "COUNT")]
        largest: Option<usize>,
        /// Those of a customer, such as C-0001
        #[arg(long, value_name = "CUSTOMER", conflicts_with = "largest")]
        owner: Option<CustomerId>,
    },
    /// Show how the read models are doing, and what they say of the bank, until Ctrl-C
    Dashboard {
        /// The store's folder, as with `--store`
        folder: Option<PathBuf>,
        /// Wait until they have taken in everything, and show them once
        #[arg(long)]
        once: bool,
    },
    /// Compute a read model anew beside the one that is read, show how they differ, and let the new one be read; killed and
    /// started again, it goes on
    Rebuild {
        /// Which: balances, statements, turnover or watch-list
        projection: String,
        /// Why the new rows are to be read; kept in the books
        #[arg(long, required_unless_present_any = ["keep", "key"])]
        reason: Option<String>,
        /// Only show how they differ, and keep those that are read; the exit code is 1 when they do
        #[arg(long, conflicts_with = "reason")]
        keep: bool,
        /// Not new rows, but those that were read before the latest rebuild, with what came since
        #[arg(long)]
        bring_back: bool,
        /// Only the rows of an account, such as A-0001 or its IBAN, replaced at once
        #[arg(long, value_name = "ACCOUNT", conflicts_with_all = ["reason", "keep", "bring_back"])]
        key: Option<AccountId>,
    },
    /// Copy the books of an earlier version of this program into new ones, each event as today's code stores it
    Migrate {
        /// The folder of the old books, which are only read
        from: PathBuf,
        /// The folder of the new ones: empty, not there yet, or begun by the same command
        to: PathBuf,
        /// Read both again afterwards, and compare
        #[arg(long)]
        verify: bool,
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
    let out = &mut Output::standard();
    let is_good = match command {
        None => run_quarter(out, &store(BANK), callers).await?,
        Some(Command::Import { folder }) => run_import(out, &store(BERKA), &folder, callers).await?,
        Some(Command::Statement { account, monthly: true, .. }) => read::months(out, &store(BANK), account).await?,
        Some(Command::Statement { account, at, .. }) => show_statement(out, &store(BANK), account, at).await?,
        Some(Command::Accounts { largest, owner }) => read::accounts(out, &store(BANK), largest, owner).await?,
        Some(Command::Dashboard { folder, once }) => {
            read::dashboard(out, &folder.unwrap_or_else(|| store(BANK)), once).await?
        }
        Some(Command::Rebuild { projection, key: Some(account), .. }) => {
            rebuild::of_account(out, &store(BANK), &projection, account).await?
        }
        Some(Command::Rebuild { projection, reason, bring_back, .. }) => {
            let rows = if bring_back { Rows::Former } else { Rows::Anew };
            rebuild::whole(out, &store(BANK), &projection, rows, reason.as_deref()).await?
        }
        Some(Command::Migrate { from, to, verify }) => migrate(out, from, to, verify).await?,
        Some(Command::Verify) => verify(out, &store(BANK)).await?,
        Some(Command::Sample) => import::write_sample(out).map(|()| true).map_err(CliError::Output)?,
    };
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_quarter(out: &mut Output, store: &Path, callers: usize) -> Result<bool, CliError> {
    let bank = bank::open(store).await?;
    let disk = Disk::measure(store).map_err(|source| CliError::Disk { store: store.to_owned(), source })?;
    let plan = Plan::of(Size::default());
    let transactions = plan.transactions();
    report::begins(out, store, &plan, callers)?;
    if disk.least(transactions, callers) > LONG {
        report::slow_disk(out, transactions, callers, disk)?;
    }
    let progress = Progress::shown(transactions, "transactions");
    let outcome = quarter::run(&bank, &plan, callers, progress.clone()).await.map_err(CliError::Run)?;
    progress.finish();
    report::outcome(out, outcome, disk)?;
    if outcome.took > LONG {
        report::slow_run(out, outcome, callers, disk)?;
    }
    let is_good = show_books(out, store, &bank, &plan).await?;
    report::next_steps(out, &flag(store))?;
    bank.shut_down().await;
    Ok(is_good)
}

/// Shows a statement, the balances, and what does not go through; returns whether the balances are as planned.
async fn show_books(out: &mut Output, store: &Path, bank: &Annals, plan: &Plan) -> Result<bool, CliError> {
    let (Some(account), Some(step)) = (plan.accounts.first(), plan.movements.first()) else { return Ok(true) };
    let statement = statement::statement(bank, account.id.clone(), None).await;
    let statement = statement.map_err(|error| CliError::statement(error, store))?;
    report::statement(out, &statement, Some(ENTRIES_SHOWN))?;
    let balances = quarter::balances(bank, &plan.balances()).await.map_err(CliError::Load)?;
    report::balances(out, &balances)?;
    let apart = quarter::refuse_and_conflict(bank, account.id.clone(), &step.key).await.map_err(CliError::Load)?;
    report::apart(out, &apart)?;
    Ok(balances.iter().all(Balance::is_planned))
}

/// How to name `store` on the command line, if that is needed.
fn flag(store: &Path) -> String {
    if store == Path::new(BANK) { String::new() } else { format!(" --store {}", store.display()) }
}

async fn run_import(out: &mut Output, store: &Path, folder: &Path, callers: usize) -> Result<bool, CliError> {
    let mut rows = import::read(folder)?;
    let bank = bank::open(store).await?;
    let count = rows.count();
    report::import_begins(out, &rows, count, store)?;
    let accounts = std::mem::take(&mut rows.accounts);
    let progress = Progress::shown(count, "rows");
    let outcome = import::import(&bank, accounts, callers, progress.clone()).await.map_err(CliError::Import)?;
    progress.finish();
    report::import(out, &outcome, count)?;
    until_current::<Balances>(&bank).await?;
    let comparison = import::compare(&bank, &outcome.recorded).await?;
    report::comparison(out, &comparison)?;
    report::left_out(out, &rows.file, &rows.malformed, &outcome.rejected)?;
    bank.shut_down().await;
    Ok(rows.malformed.is_empty() && outcome.rejected.is_empty() && comparison.wrong.is_empty())
}

async fn show_statement(
    out: &mut Output,
    store: &Path,
    account: AccountId,
    at: Option<Until>,
) -> Result<bool, CliError> {
    let bank = bank::open_events(store).await?;
    let failed = |error| CliError::statement(error, store);
    let account = statement::find(&bank, account).await.map_err(failed)?;
    let statement = statement::statement(&bank, account, at).await.map_err(failed)?;
    report::statement(out, &statement, None)?;
    bank.shut_down().await;
    Ok(true)
}

async fn migrate(out: &mut Output, from: PathBuf, to: PathBuf, verify: bool) -> Result<bool, CliError> {
    let report = in_background(&from, &to, migrate::migrate).await?;
    report::migrated(out, &report, &from, &to)?;
    if !verify {
        return Ok(true);
    }
    let found = in_background(&from, &to, migrate::verify).await?;
    report::verification(out, &found)?;
    Ok(found.is_equal())
}

/// Does blocking work on two stores, and shows how far it is.
async fn in_background<R: Send + 'static>(
    from: &Path,
    to: &Path,
    work: fn(&Path, &Path, Told) -> Result<R, CopyError>,
) -> Result<R, CliError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let shown: Arc<OnceLock<Progress>> = Arc::default();
    let showing = Arc::clone(&shown);
    let tell = move |progress: CopyProgress| {
        let shown = showing.get_or_init(|| Progress::shown(progress.of_bytes >> 10, "KiB of the log"));
        shown.reach(progress.bytes >> 10);
    };
    let done = tokio::task::spawn_blocking(move || work(&from, &to, Box::new(tell))).await;
    shown.get().inspect(|progress| progress.finish());
    match done {
        Ok(done) => done.map_err(CliError::Migrate),
        Err(ended) => Err(CliError::Output(ended.into())),
    }
}

async fn verify(out: &mut Output, store: &Path) -> Result<bool, CliError> {
    let bank = bank::open_events(store).await?;
    let audit = audit::audit(&bank).await?;
    report::audit(out, &audit)?;
    bank.shut_down().await;
    Ok(audit.findings.is_empty())
}
