//! Why a lane cannot go on.

use annals_core::{ApplyError, Position, ReadError, Record, codec::EncodeError};
use thiserror::Error;

use crate::{BoxError, RowsError, parked::ParkedError};

/// Why a lane cannot go on.
#[derive(Debug, Error)]
pub(crate) enum Halt {
    /// A record failed, and nothing may pass it.
    #[error("record {position} of stream {stream} failed {attempts} times: {error}")]
    Failed { position: Position, stream: String, attempts: u32, error: String },
    /// Too much is set aside.
    #[error("{limit} events are parked, and record {position} would be one more")]
    TooManyParked { position: Position, limit: usize },
    /// What is in the batch cannot be written as it is.
    #[error(transparent)]
    Rows(RowsError),
    /// What follows from several pieces of the log cannot be written as it is, and they are to be taken again one by one.
    #[error("rows of one of several pieces of the log cannot be stored")]
    Gathered,
    /// Rows or checkpoints could not be written or read.
    #[error(transparent)]
    Apply(ApplyError),
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log ends before what was taken in already.
    #[error(
        "position {position} was taken in already, but the log ends at {head}: restore the log, or the rows from it"
    )]
    BeyondLog { position: Position, head: Position },
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Parked(#[from] ParkedError),
}

impl Halt {
    pub(super) fn failed(record: &Record, attempts: u32, error: &BoxError) -> Self {
        let (position, stream) = (record.position(), record.stream().as_str().to_owned());
        Self::Failed { position, stream, attempts, error: error.to_string() }
    }

    /// What a store says of a batch. That it breaks a limit is the fault of what is in it.
    pub(crate) fn apply(error: ApplyError) -> Self {
        match error {
            ApplyError::Invalid(invalid) => Self::Rows(RowsError::Invalid(invalid)),
            error => Self::Apply(error),
        }
    }
}

impl From<RowsError> for Halt {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::Read(error) => Self::Read(error),
            error => Self::Rows(error),
        }
    }
}
