//! Why nothing could be done with a build beside the one that is read.

use annals_core::{ApplyError, CommitError, InvalidText, Position, ReadError, codec::EncodeError};
use thiserror::Error;

use super::super::handle::describe;
use crate::{State, builds::BuildsError, checkpoint::BeginError};

/// Why nothing could be done with rows beside those that are read. What is read is what it was.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ShadowError {
    /// The projection, or what runs beside it, does not run, or did not come to where the other one is within a minute: see its
    /// state. Resume it, and try again.
    #[error("projection {projection} does not run as far as it should: it is {}", describe(.state))]
    NotRunning {
        /// The projection.
        projection: &'static str,
        /// What it is doing.
        state: State,
    },
    /// Something else is computed beside the rows that are read. Swap or abandon it first; a new version of the code is swapped
    /// by itself.
    #[error("build {build} of projection {projection} is under way already")]
    UnderWay {
        /// The projection.
        projection: &'static str,
        /// What is under way.
        build: u64,
    },
    /// It was swapped or abandoned already.
    #[error("build {build} of projection {projection} runs beside it no more")]
    Gone {
        /// The projection.
        projection: &'static str,
        /// The build.
        build: u64,
    },
    /// Its rows are not complete yet. Wait until it has [caught up](super::Shadow::caught_up).
    #[error("the new rows of projection {projection} are at {position}, and not complete before {target}")]
    Incomplete {
        /// The projection.
        projection: &'static str,
        /// Where it is.
        position: Position,
        /// Where it is complete.
        target: Position,
    },
    /// Nothing was read before, or what was read was computed by other code.
    #[error("projection {projection} has no former rows that could be brought back")]
    NoPrevious {
        /// The projection.
        projection: &'static str,
    },
    /// Computing rows anew would hand events over again, which this projection does not do: see
    /// [`Delivery::AtMostOnce`](crate::Delivery::AtMostOnce).
    #[error("projection {projection} sees each event at most once, so its rows cannot be computed anew")]
    AtMostOnce {
        /// The projection.
        projection: &'static str,
    },
    /// An event that was named has a stored name that is none. Correct it.
    #[error("a rebuild of projection {projection} names an impossible event: {problem}")]
    Name {
        /// The projection.
        projection: &'static str,
        /// What is wrong.
        problem: InvalidText,
    },
    /// Rows could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Rows could not be written.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The decision could not be recorded.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The decision, or how far a build is, could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl From<BuildsError> for ShadowError {
    fn from(error: BuildsError) -> Self {
        match error {
            BuildsError::Read(error) => Self::Read(error),
            BuildsError::Apply(error) => Self::Apply(error),
            BuildsError::Encode(error) => Self::Encode(error),
        }
    }
}

impl From<BeginError> for ShadowError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::Read(error) => Self::Read(error),
            BeginError::Apply(error) => Self::Apply(error),
            BeginError::Encode(error) => Self::Encode(error),
        }
    }
}
