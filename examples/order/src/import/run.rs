//! Sending the invoices.

use std::time::{Duration, Instant};

use annals::{Annals, ExecuteError};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use thiserror::Error;

use super::WrittenInvoice;
use crate::domain::{Invoice, InvoiceNo, invoice::InvoiceError};

/// What came of an import.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many invoices were taken over, each with a commit of its own.
    pub recorded: u64,
    /// How many events these commits carried.
    pub events: u64,
    /// How many invoices were taken over before, and only answered again.
    pub repeated: u64,
    /// The invoices that were refused.
    pub rejected: Vec<Rejected>,
    /// How long it took until all of them were on disk.
    pub took: Duration,
}

/// An invoice that was refused. It is left out, and the rest goes on.
#[derive(Debug)]
pub struct Rejected {
    /// Its first line.
    pub line: u64,
    /// The invoice.
    pub invoice: InvoiceNo,
    /// Why it was refused.
    pub reason: String,
}

/// Why an import ended before its end. Started again it goes on: what was taken over is answered, not taken over twice.
#[derive(Debug, Error)]
#[error("line {line}, invoice {invoice}")]
pub struct ImportError {
    /// The invoice's first line.
    pub line: u64,
    /// The invoice.
    pub invoice: InvoiceNo,
    /// What went wrong.
    pub source: ExecuteError<InvoiceError>,
}

/// Sends a command for each of the `invoices`, at most as many at once as there are `callers`, and tells `progress` of each. The
/// number of an invoice is its idempotency key.
///
/// # Errors
/// [`ImportError`] when the store fails; a refused invoice is no error but one of [`Outcome::rejected`].
pub async fn run(
    shop: &Annals,
    invoices: Vec<WrittenInvoice>,
    callers: usize,
    progress: &ProgressBar,
) -> Result<Outcome, ImportError> {
    let begin = Instant::now();
    let mut answers = stream::iter(invoices)
        .map(|invoice| {
            let shop = shop.clone();
            async move { send(&shop, invoice).await }
        })
        .buffer_unordered(callers.max(1));
    let mut outcome = Outcome::default();
    while let Some(answer) = answers.try_next().await? {
        progress.inc(1);
        match answer {
            Answer::Recorded { events } => {
                outcome.recorded += 1;
                outcome.events += events;
            }
            Answer::Repeated => outcome.repeated += 1,
            Answer::Rejected(rejected) => outcome.rejected.push(rejected),
        }
    }
    outcome.rejected.sort_by_key(|rejected| rejected.line);
    outcome.took = begin.elapsed();
    Ok(outcome)
}

/// What came of one invoice.
enum Answer {
    Recorded { events: u64 },
    Repeated,
    Rejected(Rejected),
}

async fn send(shop: &Annals, invoice: WrittenInvoice) -> Result<Answer, ImportError> {
    let WrittenInvoice { line, number, occurred, command } = invoice;
    let events = 1 + command.lines.len() as u64;
    let key = format!("invoice {number}");
    let sending = shop.on::<Invoice>(number.clone()).send(command).idempotency_key(key).occurred(occurred);
    match sending.await {
        Ok(executed) if executed.receipt.repeated => Ok(Answer::Repeated),
        Ok(_) => Ok(Answer::Recorded { events }),
        Err(
            error @ (ExecuteError::Refused(_)
            | ExecuteError::KeyReused { .. }
            | ExecuteError::Closed { .. }
            | ExecuteError::Invalid(_)),
        ) => Ok(Answer::Rejected(Rejected { line, invoice: number, reason: error.to_string() })),
        Err(source) => Err(ImportError { line, invoice: number, source }),
    }
}
