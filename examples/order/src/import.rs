//! Takes over what another shop recorded: a file with one line of an invoice a line.
//!
//! [`read`] makes invoices of the file, and works out which earlier ones each cancellation is about; [`run()`] sends a command for
//! each; [`compare`] holds the read models against [`Sums`] that a pass of its own has drawn from the file.

mod comparison;
mod file;
mod ledger;
mod row;
mod run;
mod sums;

mod report;

pub use comparison::{Comparison, Subject, Wrong, compare};
pub use file::{Books, FILE_NAMES, ImportFileError, Malformed, Odd, Size, WrittenInvoice, read};
pub use ledger::{Matched, Matches};
pub use report::{Report, report};
pub use row::BadRow;
pub use run::{ImportError, Outcome, Rejected, run};
pub use sums::{Figures, Sums, SumsError};
