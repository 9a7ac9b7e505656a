//! Which commands can be sent later, and how each is.

use std::{any::Any, fmt};

use annals_core::{
    Aggregate, AggregateId, Annals, Beside, Command, CommitError, ExecuteError, Handle, JointCommand, LoadError,
    Metadata, Prepare, ReadError, UpcastError,
    codec::{self, EncodeError, PayloadError},
};
use futures::future::BoxFuture;

use crate::stored::StoredCommand;

/// In place of an aggregate, where [several things](JointCommand) decide together: `SendsTo<Joint, Transfer>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {}

/// What stands in a stored command in place of the name of an aggregate. No aggregate can be called so.
const JOINT: &str = "$joint";

/// Which commands a saga or reaction sends, and to which aggregates.
///
/// A command that was decided to be sent is stored, by names; this is how it is found again.
#[derive(Clone, Default)]
pub struct Commands {
    all: Vec<Known>,
}

/// How a stored command is sent.
type Deliver = for<'a> fn(&'a Annals, &'a StoredCommand, Metadata, Beside) -> BoxFuture<'a, Result<(), Undelivered>>;

#[derive(Clone)]
struct Known {
    aggregate: &'static str,
    name: &'static str,
    is_prepared: bool,
    deliver: Deliver,
}

/// Why a command was not taken.
pub(crate) enum Undelivered {
    /// It is not to be sent any more, or was taken before.
    Gone,
    /// The aggregate refused it, or cannot take it.
    Refused(Box<Refused>),
    /// It may be taken when it is sent again; how often that is tried is bounded only where it `counts`.
    Failed { reason: String, counts: bool },
    /// The store is shut down.
    ShutDown,
}

/// A command that was refused, and why.
pub(crate) struct Refused {
    command: Option<Box<dyn Any + Send + Sync>>,
    error: Option<Box<dyn Any + Send + Sync>>,
    reason: String,
}

impl Refused {
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn new<C, E>(command: C, error: E) -> Self
    where
        C: Send + Sync + 'static,
        E: fmt::Display + Send + Sync + 'static,
    {
        let reason = error.to_string();
        Self { command: Some(Box::new(command)), error: Some(Box::new(error)), reason }
    }

    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }
}

/// A command of a saga that was refused.
///
/// A refusal is the aggregate's own error; that it is closed; names that are not to be had; an interceptor's rejection.
pub struct Refusal<'a> {
    stored: &'a StoredCommand,
    refused: &'a Refused,
}

impl<'a> Refusal<'a> {
    pub(crate) fn new(stored: &'a StoredCommand, refused: &'a Refused) -> Self {
        Self { stored, refused }
    }

    /// The command, if it is a `C`.
    #[must_use]
    pub fn command<C: Command>(&self) -> Option<&'a C> {
        self.refused.command.as_ref()?.downcast_ref()
    }

    /// The aggregate's own error, if it is an `E`.
    #[must_use]
    pub fn error<E: 'static>(&self) -> Option<&'a E> {
        self.refused.error.as_ref()?.downcast_ref()
    }

    /// Why it was refused.
    #[must_use]
    pub fn reason(&self) -> &'a str {
        &self.refused.reason
    }

    /// The command's stable name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.stored.name
    }

    /// The name of the aggregate that refused it.
    #[must_use]
    pub fn aggregate(&self) -> &'a str {
        &self.stored.aggregate
    }

    /// The id of the aggregate that refused it, as text.
    #[must_use]
    pub fn id(&self) -> &'a str {
        &self.stored.id
    }
}

impl fmt::Debug for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal").field("command", &self.stored).field("reason", &self.reason()).finish()
    }
}

impl Commands {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also `C`, which an `A` handles.
    #[must_use]
    pub fn with<A, C>(self) -> Self
    where
        A: Handle<C>,
        C: Command,
        A::Error: fmt::Display + Send + Sync + 'static,
    {
        self.add::<C>(A::NAME, false, deliver::<A, C>)
    }

    /// Also `C`, which an `A` [prepares](annals_core::Prepare) and then handles.
    #[must_use]
    pub fn prepared<A, C>(self) -> Self
    where
        A: Prepare<C> + Handle<A::Prepared, Error = <A as Prepare<C>>::Error>,
        C: Command,
        <A as Prepare<C>>::Error: fmt::Display + Send + Sync + 'static,
    {
        self.add::<C>(A::NAME, true, deliver_prepared::<A, C>)
    }

    /// Also `C`, which [several things](JointCommand) decide about together.
    #[must_use]
    pub fn joint<C>(self) -> Self
    where
        C: JointCommand,
        C::Error: fmt::Display + Send + Sync + 'static,
    {
        self.add::<C>(JOINT, false, deliver_joint::<C>)
    }

    fn add<C: Command>(mut self, aggregate: &'static str, is_prepared: bool, deliver: Deliver) -> Self {
        let known = Known { aggregate, name: C::NAME, is_prepared, deliver };
        self.all.retain(|other| !other.is(aggregate, C::NAME));
        self.all.push(known);
        self
    }

    /// The names of aggregate and command of each.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.all.iter().map(|known| (known.aggregate, known.name))
    }

    pub(crate) fn has(&self, aggregate: &str, name: &str) -> bool {
        self.all.iter().any(|known| known.is(aggregate, name))
    }

    /// Also those of `others`.
    pub(crate) fn extend(&mut self, others: Self) {
        for known in others.all {
            self.all.retain(|other| !other.is(known.aggregate, known.name));
            self.all.push(known);
        }
    }

    /// Whether something outside may have been asked for it although it was not taken.
    pub(crate) fn is_prepared(&self, command: &StoredCommand) -> bool {
        self.all.iter().any(|known| known.is_prepared && known.is(&command.aggregate, &command.name))
    }

    /// Sends a stored command to its aggregate.
    pub(crate) async fn deliver(
        &self,
        annals: &Annals,
        command: &StoredCommand,
        metadata: Metadata,
        beside: Beside,
    ) -> Result<(), Undelivered> {
        let Some(known) = self.all.iter().find(|known| known.is(&command.aggregate, &command.name)) else {
            let reason = format!("no command {} to {} is known to this code", command.name, command.aggregate);
            return Err(Undelivered::Failed { reason, counts: true });
        };
        (known.deliver)(annals, command, metadata, beside).await
    }
}

impl Known {
    fn is(&self, aggregate: &str, name: &str) -> bool {
        self.aggregate == aggregate && self.name == name
    }
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl StoredCommand {
    pub(crate) fn new<A: Aggregate, C: Command>(id: &A::Id, command: &C) -> Result<Self, EncodeError> {
        let content = codec::encode("command", command)?;
        let (name, version) = (C::NAME.to_owned(), C::VERSION);
        Ok(Self { aggregate: A::NAME.to_owned(), id: id.to_key(), name, version, content })
    }

    /// One that several things decide about together.
    pub(crate) fn joint<C: JointCommand>(command: &C) -> Result<Self, EncodeError> {
        let content = codec::encode("command", command)?;
        let (name, version) = (C::NAME.to_owned(), C::VERSION);
        Ok(Self { aggregate: JOINT.to_owned(), id: String::new(), name, version, content })
    }

    fn open<A: Aggregate, C: Command>(&self) -> Result<(A::Id, C), Unreadable> {
        let id = A::Id::from_key(&self.id).ok_or_else(|| Unreadable::Id { id: self.id.clone() })?;
        Ok((id, self.command()?))
    }

    fn command<C: Command>(&self) -> Result<C, Unreadable> {
        if self.version == C::VERSION {
            return Ok(codec::decode(&self.content)?);
        }
        let past = C::PAST.iter().find(|past| past.version == self.version);
        let past = past.ok_or(Unreadable::Version { found: self.version, known: C::VERSION })?;
        (past.decode)(&self.content).map_err(Unreadable::Upcast)
    }
}

/// A stored command that this code cannot read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("{id:?} is no id of the aggregate")]
    Id { id: String },
    #[error("the command is of version {found}, which the code of version {known} cannot read")]
    Version { found: u32, known: u32 },
    #[error("the command {0}")]
    Payload(#[from] PayloadError),
    #[error("the command cannot be brought to today's version: {0}")]
    Upcast(UpcastError),
}

fn deliver<'a, A, C>(
    annals: &'a Annals,
    stored: &'a StoredCommand,
    metadata: Metadata,
    beside: Beside,
) -> BoxFuture<'a, Result<(), Undelivered>>
where
    A: Handle<C>,
    C: Command,
    A::Error: fmt::Display + Send + Sync + 'static,
{
    Box::pin(async move {
        let (id, command) = stored.open::<A, C>()?;
        let sending = annals.on::<A>(id).send(command.clone()).metadata(metadata).beside(beside.clone());
        sending.await.map(drop).map_err(|error| Undelivered::of(command, error, &beside))
    })
}

fn deliver_prepared<'a, A, C>(
    annals: &'a Annals,
    stored: &'a StoredCommand,
    metadata: Metadata,
    beside: Beside,
) -> BoxFuture<'a, Result<(), Undelivered>>
where
    A: Prepare<C> + Handle<A::Prepared, Error = <A as Prepare<C>>::Error>,
    C: Command,
    <A as Prepare<C>>::Error: fmt::Display + Send + Sync + 'static,
{
    Box::pin(async move {
        let (id, command) = stored.open::<A, C>()?;
        let sending = annals.on::<A>(id).prepare(command.clone()).metadata(metadata).beside(beside.clone());
        sending.await.map(drop).map_err(|error| Undelivered::of(command, error, &beside))
    })
}

fn deliver_joint<'a, C>(
    annals: &'a Annals,
    stored: &'a StoredCommand,
    metadata: Metadata,
    beside: Beside,
) -> BoxFuture<'a, Result<(), Undelivered>>
where
    C: JointCommand,
    C::Error: fmt::Display + Send + Sync + 'static,
{
    Box::pin(async move {
        let command: C = stored.command()?;
        let sending = annals.send(command.clone()).metadata(metadata).beside(beside.clone());
        sending.await.map(drop).map_err(|error| Undelivered::of(command, error, &beside))
    })
}

impl From<Unreadable> for Undelivered {
    fn from(error: Unreadable) -> Self {
        Self::Failed { reason: error.to_string(), counts: true }
    }
}

impl Undelivered {
    fn of<C, E>(command: C, error: ExecuteError<E>, beside: &Beside) -> Self
    where
        C: Send + Sync + 'static,
        E: fmt::Display + Send + Sync + 'static,
    {
        let command: Option<Box<dyn Any + Send + Sync>> = Some(Box::new(command));
        match error {
            ExecuteError::Conflict { failures, .. } if beside.has_failed(&failures) => Self::Gone,
            ExecuteError::Refused(error) => {
                let reason = error.to_string();
                Self::Refused(Box::new(Refused { command, error: Some(Box::new(error)), reason }))
            }
            ExecuteError::Closed { .. } | ExecuteError::Names { .. } | ExecuteError::Rejected(_) => {
                Self::Refused(Box::new(Refused { command, error: None, reason: error.to_string() }))
            }
            ExecuteError::Store(CommitError::ShutDown | CommitError::Unreadable(ReadError::ShutDown))
            | ExecuteError::Load(LoadError::Read(ReadError::ShutDown)) => Self::ShutDown,
            // Somebody else wrote, or the store fails: nothing of that is the command's fault.
            error => {
                let counts = !matches!(
                    error,
                    ExecuteError::Conflict { .. }
                        | ExecuteError::Store(_)
                        | ExecuteError::OutcomeUnknown { .. }
                        | ExecuteError::Load(LoadError::Read(_))
                );
                Self::Failed { reason: error.to_string(), counts }
            }
        }
    }
}

/// A command that the saga or reaction `Self` may send: `A` handles `C`, or is [`Joint`], and
/// [`Saga::commands`](crate::Saga::commands) or [`Reaction::commands`](crate::Reaction::commands) has it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say that it sends `{C}` to `{A}`",
    label = "not among what it sends",
    note = "say so in `#[saga(..)]` or `#[reaction(..)]`: `sends({A}: {C})`"
)]
pub trait SendsTo<A, C> {}
