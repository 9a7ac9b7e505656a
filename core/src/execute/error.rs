//! Why a command was not executed, or may not have been.

use thiserror::Error;

use crate::{
    CommitError, Digest, Failure, IdempotencyKey, InvalidCommit, InvalidText, LoadError, NameKeyError, NameRefusal,
    ReadError, Receipt, Rejection, SchemaRefusal, StreamId, Version,
    codec::{EncodeError, PayloadError},
    schemas::Unregistered,
};

use super::draft::Unfit;

/// Why a command was not executed, or may not have been. `E` is the domain's own error.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ExecuteError<E> {
    /// The domain refused; nothing was written, and nothing was recorded for an idempotency key. Tell the sender.
    #[error("refused: {0}")]
    Refused(E),
    /// An interceptor let it not pass; nothing was looked up or written. Its reason says why.
    #[error("rejected: {0}")]
    Rejected(Rejection),
    /// Names are not to be had, or not the aggregate's to give; nothing was written. Tell the sender.
    #[error("{}", names(.refusals))]
    Names {
        /// What was found of each name that stood against it.
        refusals: Vec<NameRefusal>,
    },
    /// The key that unique names are hashed with cannot be used; nothing was written. The error says what to do.
    #[error(transparent)]
    NameKey(#[from] NameKeyError),
    /// What was decided would store events in a shape that does not get along with what the store holds, by the mode of
    /// [`Schemas::compatibility`](crate::Schemas::compatibility); nothing was written. Raise the version of the event, with a
    /// step from the older one.
    #[error("{}", schemas(.refusals))]
    Schema {
        /// Each event that is refused, and why.
        refusals: Vec<SchemaRefusal>,
    },
    /// The command is prepared by a service of a type that was not registered; nothing was written. Register one:
    /// [`Builder::service`](crate::Builder::service).
    #[error("no service of type {service} is registered")]
    NoService {
        /// The type.
        service: &'static str,
    },
    /// Others wrote to the same aggregates every time; nothing was written. Send it again, later. With an expected
    /// version that did not hold: load, look at what came in between, and ask for what is wanted now.
    #[error("conflict{}: {}", tries(*.attempts), list(.failures))]
    Conflict {
        /// Every condition that failed in the last attempt.
        failures: Vec<Failure>,
        /// How often it was decided; 0 when the expected version had passed already.
        attempts: u32,
        /// The version that the sender expected, if it did.
        expected: Option<Version>,
    },
    /// Streams that it appends to are closed; nothing was written, and sending it again is pointless.
    #[error("{} closed, no more events can be appended", name(.streams))]
    Closed {
        /// The closed streams, each once.
        streams: Vec<StreamId>,
    },
    /// The idempotency key was used for another request; nothing was written. Use a new key for a new request.
    #[error("idempotency key {key} was used for another request: its digest is {recorded}, this one's {found}")]
    KeyReused {
        /// The key.
        key: IdempotencyKey,
        /// The digest of the first request.
        recorded: Digest,
        /// The digest of this request.
        found: Digest,
    },
    /// The idempotency key, a unique name, or the name, a tag or the stream of an emitted event breaks its rules; nothing was
    /// written. Correct it.
    #[error(transparent)]
    InvalidName(InvalidText),
    /// One stream is named twice by `together`; nothing was written. Name each aggregate once.
    #[error("stream {stream} is named twice")]
    SameStream {
        /// The stream.
        stream: StreamId,
    },
    /// What was decided breaks a limit of the store; nothing was written. Emit less, or raise the limit.
    #[error(transparent)]
    Invalid(InvalidCommit),
    /// An aggregate cannot be loaded; nothing was written. The error says what to do.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The command, an event or the reply cannot be encoded; nothing was written. Correct its `Serialize`.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The request was executed when it was first sent, but its answer is no reply that this code knows. Nothing was
    /// written now. Bring the code that does, or load the aggregate to see what became of it.
    #[error("the first answer of commit {commit} {problem}", commit = .receipt.commit)]
    Answer {
        /// What the first commit returned.
        receipt: Box<Receipt>,
        /// What is wrong with the answer.
        problem: PayloadError,
    },
    /// The decision panicked; nothing was written. Correct it: what is not possible is to be refused.
    #[error("the decision panicked: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// It is unknown whether it was written: as a whole, or not at all. It shows when the store is opened again; to find
    /// out safely, send it again with the same idempotency key.
    #[error("it is unknown whether the command took effect: {reason}")]
    OutcomeUnknown {
        /// What failed.
        reason: String,
    },
    /// The store failed; nothing was written. The error says what to do.
    #[error(transparent)]
    Store(CommitError),
}

impl<E> ExecuteError<E> {
    /// Whether nothing was written and the same may succeed when it is sent again unchanged.
    ///
    /// `false` for [`OutcomeUnknown`](Self::OutcomeUnknown): sending that again is safe only with an idempotency key.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict { expected, .. } => expected.is_none(),
            Self::Load(error) => error.is_retryable(),
            Self::Store(error) => matches!(error, CommitError::Unreadable(ReadError::Io { .. })),
            _ => false,
        }
    }
}

impl<E> ExecuteError<E> {
    /// Whether the state spoke against the command before the commit could look its key up: it refused, or it cannot be
    /// folded, or what was decided on it makes no commit, or contradicts itself about names.
    pub(super) fn is_verdict(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::Names { .. }
            | Self::Schema { .. }
            | Self::Panicked { .. }
            | Self::Conflict { .. } => true,
            Self::Invalid(_) | Self::InvalidName(_) | Self::Encode(_) => true,
            Self::Load(error) => !matches!(error, LoadError::Read(_)),
            _ => false,
        }
    }
}

impl<E> From<CommitError> for ExecuteError<E> {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { failures } => Self::Conflict { failures, attempts: 1, expected: None },
            CommitError::Closed { streams, .. } => Self::Closed { streams },
            CommitError::KeyReused { key, recorded, found } => Self::KeyReused { key, recorded, found },
            CommitError::Invalid(error) => Self::Invalid(error),
            CommitError::OutcomeUnknown { reason } => Self::OutcomeUnknown { reason },
            error => Self::Store(error),
        }
    }
}

impl<E> From<Unregistered> for ExecuteError<E> {
    fn from(error: Unregistered) -> Self {
        match error {
            Unregistered::Refused(refusals) => Self::Schema { refusals },
            Unregistered::Encode(error) => Self::Encode(error),
        }
    }
}

impl<E> From<Unfit> for ExecuteError<E> {
    fn from(error: Unfit) -> Self {
        match error {
            Unfit::Encode(error) => Self::Encode(error),
            Unfit::Name(error) => Self::InvalidName(error),
        }
    }
}

fn list(failures: &[Failure]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn names(refusals: &[NameRefusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn schemas(refusals: &[SchemaRefusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn name(streams: &[StreamId]) -> String {
    let names = streams.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if streams.len() == 1 { format!("stream {names} is") } else { format!("streams {names} are") }
}

/// How often it was tried, where that says something.
fn tries(attempts: u32) -> String {
    if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() }
}
