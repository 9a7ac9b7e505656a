//! What the commit of a command carries beside what was decided.

use crate::{Commit, Condition, Failure, IdempotencyKey, RowWrite};

/// What the commit of a command carries beside what was decided: rows, and what must hold for it. Its use is a command that was
/// noted down before it is sent, in an outbox or by a saga: the commit that takes it also takes the note away.
///
/// ```
/// use annals_core::{Annals, Beside, ExecuteError, LoggedTable, MemoryStore, RowIs, RowWrite};
#[doc = include_str!("../doc/counter.txt")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let annals = Annals::over(MemoryStore::new()).open().await?;
/// // Whoever takes the ticket first counts.
/// let tickets = LoggedTable::new("tickets")?;
/// let count = || {
///     let taken = Beside::new()
///         .row_is(tickets.clone(), "ticket-7", RowIs::Absent)
///         .write(RowWrite::put(tickets.clone(), "ticket-7", "taken"));
///     annals.on::<Counter>("visits").send(Increment { by: 1 }).beside(taken)
/// };
/// assert_eq!(count().await?.reply, 1);
/// assert!(matches!(count().await, Err(ExecuteError::Conflict { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use]
pub struct Beside {
    conditions: Vec<Condition>,
    rows: Vec<RowWrite>,
    key: Option<IdempotencyKey>,
}

impl Beside {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The commit also writes this row of a logged table.
    pub fn write(mut self, row: RowWrite) -> Self {
        self.rows.push(row);
        self
    }

    /// The commit also takes place only if this row is as said. When it is not, the sender is told so at once by
    /// [`ExecuteError::Conflict`](crate::ExecuteError::Conflict), which has it among its failures; nothing is decided again.
    pub fn row_is(mut self, table: crate::LoggedTable, key: impl Into<bytes::Bytes>, is: crate::RowIs) -> Self {
        self.conditions.push(Condition::Row { table, key: key.into(), is });
        self
    }

    /// What the request is known by to services and interceptors, the same each time that it is sent. It is not looked up and
    /// not recorded: that the command takes effect once is for the rows to see to. An
    /// [`idempotency_key`](crate::Sending::idempotency_key) goes before.
    pub fn known_by(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    pub(super) fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }

    /// Makes room for one condition, and what is carried beside it, where there is anything: a list that grows is copied.
    pub(super) fn make_room(&self, commit: &mut Commit) {
        if !self.conditions.is_empty() {
            commit.conditions.reserve_exact(1 + self.conditions.len());
        }
        commit.rows.reserve_exact(self.rows.len());
    }

    pub(super) fn add_to(&self, commit: &mut Commit) {
        commit.conditions.extend(self.conditions.iter().cloned());
        commit.rows.extend(self.rows.iter().cloned());
    }

    /// Whether one of `failures` is of what must hold beside the decision.
    pub fn has_failed(&self, failures: &[Failure]) -> bool {
        let is_of = |failure: &Failure, condition: &Condition| match (failure, condition) {
            (Failure::Row { table, key, .. }, Condition::Row { table: demanded, key: of, .. }) => {
                table == demanded && key == of
            }
            _ => false,
        };
        failures.iter().any(|failure| self.conditions.iter().any(|condition| is_of(failure, condition)))
    }
}
