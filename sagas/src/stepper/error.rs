//! Why an instance does not take an input.

use annals_core::{
    CommitError, InvalidText, ReadError,
    codec::{EncodeError, PayloadError},
};

use crate::BoxError;

/// Why an input was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// The saga's own error, or what it says cannot be done.
    #[error("{0}")]
    Handler(BoxError),
    /// It is not expected in the state that the instance is in.
    #[error(transparent)]
    Unexpected(#[from] Unexpected),
    /// The instance cannot be read, or what follows cannot be written down.
    #[error("what is stored of the instance {0}")]
    Payload(#[from] PayloadError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Name(#[from] InvalidText),
    /// The store's fault, none of the input.
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// An event that was read is not where it was: it is read again.
    #[error("an event that was read is not there any more")]
    Lost,
    /// Somebody else has taken over.
    #[error("another runner has taken over")]
    TakenOver,
}

/// An input that is not expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unexpected {
    /// The event does not begin an instance, and there is none.
    #[error("there is no instance {key} of saga {saga}, and the event begins none")]
    NoInstance {
        /// The saga.
        saga: String,
        /// The instance's key.
        key: String,
    },
    /// The event begins an instance, and it has begun already.
    #[error("instance {key} of saga {saga} has begun already")]
    HasBegun {
        /// The saga.
        saga: String,
        /// The instance's key.
        key: String,
    },
    /// The instance has ended.
    #[error("instance {key} of saga {saga} has ended")]
    HasEnded {
        /// The saga.
        saga: String,
        /// The instance's key.
        key: String,
    },
    /// More events and commands led to it, one by the other, than may.
    #[error("{depth} events and commands led to it, one by the other, and {max} may: sagas go in circles")]
    TooDeep {
        /// How many.
        depth: u32,
        /// How many may.
        max: u32,
    },
}

impl StepError {
    /// Whether it may be another time: what is not expected by now never will be.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Handler(_))
    }

    /// Whether more events and commands led to the input than may.
    pub(crate) fn is_circle(&self) -> bool {
        matches!(self, Self::Unexpected(Unexpected::TooDeep { .. }))
    }

    /// Whether the store is at fault, or that somebody else runs the saga: none of the input.
    pub(crate) fn is_of_the_store(&self) -> bool {
        match self {
            Self::Read(_) | Self::Lost | Self::TakenOver => true,
            // What breaks a limit of the store is the saga's own fault.
            Self::Commit(error) => !matches!(error, CommitError::Invalid(_) | CommitError::Closed { .. }),
            _ => false,
        }
    }
}
