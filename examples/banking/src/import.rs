//! Takes over what another bank recorded: a file with one transaction a line.

mod comparison;
mod file;
mod row;
mod run;
mod sample;

pub use comparison::{Comparison, Wrong, compare};
pub use file::{FILE_NAMES, Malformed, OpenFileError, Rows, read};
pub(crate) use row::timestamp;
pub use row::{BadRow, Row};
pub use run::{Counts, ImportError, Outcome, Rejected, import};
pub use sample::write_sample;
