//! The command `import`.

use std::{io, io::Write, path::Path};

use annals::{
    OpenError,
    embedded::SledOptions,
    projections::{ViewError, WaitError},
};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use miette::Diagnostic;
use thiserror::Error;

use super::{Books, FILE_NAMES, ImportError, ImportFileError, Report, Sums, SumsError, compare, read, report, run};
use crate::{read, shop};

/// Why an import failed, said to a person.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no file, or none that can be read. Name another one.
    #[error(transparent)]
    #[diagnostic(help("name the folder that holds {} or {}, or the file itself", FILE_NAMES[0], FILE_NAMES[1]))]
    File(#[from] ImportFileError),
    /// The store cannot be opened.
    #[error(transparent)]
    #[diagnostic(help("`--store <folder>` names another store"))]
    Open(#[from] OpenError),
    /// The import ended before its end. Run it again.
    #[error("the import ended early")]
    #[diagnostic(help("run the same command again: it goes on where this one ended, and nothing is imported twice"))]
    Import(#[from] ImportError),
    /// A read model did not get to the end. The import did.
    #[error(transparent)]
    Behind(#[from] WaitError),
    /// The file cannot be summed up. The import got to its end.
    #[error(transparent)]
    Sums(#[from] SumsError),
    /// The read models cannot be read. The import got to its end.
    #[error(transparent)]
    View(#[from] ViewError),
    /// What came of it cannot be shown.
    #[error("what came of the import cannot be shown")]
    Output(#[from] io::Error),
}

/// Imports `file`, or the file in the folder of that name, into the books in `store` with so many `callers` at once; waits for the
/// read models, holds them against the file, and shows what came of it.
///
/// Returns whether all is well: no line was left out, and the read models say what the file says.
///
/// # Errors
/// [`CommandError`], as a report for a person.
pub async fn command(out: &mut impl Write, store: &Path, file: &Path, callers: usize) -> miette::Result<bool> {
    Ok(import(out, store, file, callers).await?)
}

async fn import(out: &mut impl Write, store: &Path, file: &Path, callers: usize) -> Result<bool, CommandError> {
    let mut books = read(file)?;
    begins(out, &books, store)?;
    let shop = shop::books(SledOptions::new(store)).open().await?;
    let progress = progress(books.size.invoices());
    let outcome = run(&shop, std::mem::take(&mut books.invoices), callers, &progress).await?;
    progress.finish_and_clear();
    read::until_current(&shop).await?;
    let sums = Sums::of(&books.file, &books.malformed)?;
    let comparison = compare(&shop, &sums).await?;
    shop.shut_down().await;
    let all = Report { books, outcome, sums, comparison };
    report(out, &all)?;
    Ok(all.is_good())
}

fn begins(out: &mut impl Write, books: &Books, store: &Path) -> io::Result<()> {
    let [lines, invoices] = [books.size.lines, books.size.invoices()].map(HumanCount);
    writeln!(out, "{lines} lines of {invoices} invoices, into {}", store.display())
}

/// A bar on the standard error, if that is a terminal.
fn progress(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    match ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} invoices, {per_sec}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
