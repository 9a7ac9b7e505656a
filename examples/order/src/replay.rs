//! Replays what another shop recorded, under virtual time, and compares what the sagas do with what people did there.

mod compare;
mod file;
mod row;
mod run;

pub use compare::{CompareError, Comparison, Produced, Unrecorded, compare};
pub use file::{FILE_NAMES, LogFileError, Malformed, RecordedLog, read};
pub use row::{Activity, Row};
pub use run::{ReplayError, open, run};
