//! Tests of projections. With feature `testing`.
//!
//! [`ProjectionTest`]: given these events, then these rows; without a store on disk and without an engine that runs beside
//! the test.

mod clock;
mod play;
mod projected;

use std::{collections::BTreeSet, sync::Arc};

use annals_core::{Aggregate, Commit, Limits, MemoryStore, ReadLog, Record, Store, Timestamp, testing::commit_of};
use futures::TryStreamExt;

use crate::{BoxError, Projection};
use clock::SetClock;
use play::{Batches, Failed, Played, play};

pub use projected::Projected;

/// A projection and the events that it is given. Go on with [`given`](Self::given), then [`rows`](Self::rows).
///
/// ```
/// use annals_core::{Aggregate, Evolve, kinds};
/// use annals_projections::{BoxError, EventContext, Incoming, Projection, Rows, Subscription, Tables, testing::ProjectionTest};
#[doc = include_str!("doc/balance.txt")]
/// # impl PartialEq for Balance {
/// #     fn eq(&self, other: &Self) -> bool { (&self.account, self.cents) == (&other.account, other.cents) }
/// # }
/// # #[derive(Default, Clone)]
/// # struct Account;
/// # impl Evolve<AccountEvent> for Account {
/// #     fn evolve(&mut self, _: &AccountEvent) {}
/// # }
/// # impl Aggregate for Account {
/// #     const NAME: &'static str = "account";
/// #     type Id = String;
/// #     type Event = AccountEvent;
/// # }
/// # struct Balances;
/// # impl Projection for Balances {
/// #     const NAME: &'static str = "balances";
/// #     const VERSION: u32 = 1;
/// #     fn subscription(&self) -> Subscription {
/// #         Subscription::new().kinds(kinds![AccountEvent::Deposited])
/// #     }
/// #     fn tables(&self) -> Tables {
/// #         Tables::new().with::<Balance>()
/// #     }
/// #     async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
/// #         if let Some(AccountEvent::Deposited { cents }) = event.get::<AccountEvent>() {
/// #             let account = cx.key().to_owned();
/// #             let before = rows.get::<Balance>(&account).await?.map_or(0, |balance| balance.cents);
/// #             rows.put(Balance { account, cents: before + cents })?;
/// #         }
/// #         Ok(())
/// #     }
/// # }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let rows = ProjectionTest::new(Balances)
///     .given::<Account>("ada", [AccountEvent::Deposited { cents: 5 }])
///     .given::<Account>("bob", [AccountEvent::Deposited { cents: 1 }])
///     .given::<Account>("ada", [AccountEvent::Deposited { cents: 7 }])
///     .rows()
///     .await;
///
/// assert!(rows.row::<Balance>("ada".to_owned()) == Some(Balance { account: "ada".into(), cents: 12 }));
/// assert_eq!(rows.all::<Balance>().len(), 2);
/// # });
/// ```
///
/// The events go through their encoding, and the rows through theirs, as with a real store. They are handled twice: all in
/// one batch, and each in a batch of its own. An engine may cut them anywhere, so the rows have to be the same. Of a projection
/// that takes [several at once](Projection::BATCH) they also have to be the same when events are handed over together, as many
/// as it takes and two of them.
#[must_use = "nothing is tested before `rows` or `fails`"]
pub struct ProjectionTest<P> {
    projection: P,
    commits: Vec<(Timestamp, Commit)>,
    now: Timestamp,
}

impl<P: Projection> ProjectionTest<P> {
    /// `projection`, which has seen nothing yet.
    pub const fn new(projection: P) -> Self {
        Self { projection, commits: Vec::new(), now: Timestamp::EPOCH }
    }

    /// The time at which the events that follow are recorded; 1970-01-01T00:00:00Z if not given. Never decreases.
    pub const fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// `events` of the aggregate `id`, behind those that were given before. They are one commit.
    ///
    /// # Panics
    /// When the id makes no stream or an event cannot be stored.
    #[track_caller]
    pub fn given<A: Aggregate>(self, id: impl Into<A::Id>, events: impl IntoIterator<Item = A::Event>) -> Self {
        self.commit(commit_of::<A>(id, events))
    }

    /// What somebody committed: for events of a tenant, with metadata or an occurred time, or stored in a form of the past.
    pub fn commit(mut self, commit: Commit) -> Self {
        self.commits.push((self.now, commit));
        self
    }

    /// Hands the events over, and gives the rows that came of them.
    ///
    /// # Panics
    /// When a handler fails, a record cannot be decoded, or the rows depend on where batches end, or on whether events are
    /// handed over together.
    pub async fn rows(self) -> Projected<P> {
        let log = self.log().await;
        let rows = self.played(&log, Batches::One).await;
        let others = self.played(&log, Batches::OfEach).await;
        if let Some((row, one, several)) = projected::difference(&rows, &others).await {
            fail(&format!(
                "the rows of {} depend on where batches end: {row} is {one} after one batch and {several} after several; \
                 is something remembered outside of the rows?",
                P::NAME
            ));
        }
        for limit in BTreeSet::from([P::BATCH, 2]).into_iter().filter(|limit| *limit <= P::BATCH) {
            let others = self.played(&log, Batches::Groups(limit)).await;
            if let Some((row, one, together)) = projected::difference(&rows, &others).await {
                fail(&format!(
                    "the rows of {} depend on whether events are handed over at once: {row} is {one} after one event at a \
                     time and {together} after {limit} at once; does `handle_batch` do what `handle` does?",
                    P::NAME
                ));
            }
        }
        Projected::new(rows.rows)
    }

    /// Hands the events over, and gives the error of the first handler that fails.
    ///
    /// # Panics
    /// When none fails, or something else does.
    pub async fn fails(self) -> BoxError {
        let log = self.log().await;
        match play(&self.projection, &log, Batches::One).await {
            Ok(_) => fail(&format!("expected that a handler of {} fails, and none did", P::NAME)),
            Err(Failed::Handler { error, .. }) => error,
            Err(other) => fail(&other.to_string()),
        }
    }

    async fn played(&self, log: &[Record], batches: Batches) -> Played {
        match play(&self.projection, log, batches).await {
            Ok(rows) => rows,
            Err(failed) => fail(&failed.to_string()),
        }
    }

    /// The records that it subscribes to, as a store gives them.
    async fn log(&self) -> Vec<Record> {
        let clock = SetClock::default();
        let store = MemoryStore::with(Limits::default(), Arc::new(clock.clone()));
        for (number, (now, commit)) in self.commits.iter().enumerate() {
            clock.set(*now);
            if let Err(error) = store.commit(commit.clone()).await {
                fail(&format!("commit {} of the given ones is refused: {error}", number + 1));
            }
        }
        let query = self.projection.subscription().query();
        match store.read_log(ReadLog::of(query)).try_collect().await {
            Ok(records) => records,
            Err(error) => fail(&error.to_string()),
        }
    }
}

impl<P> std::fmt::Debug for ProjectionTest<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProjectionTest").field("commits", &self.commits.len()).finish_non_exhaustive()
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "a test says that it failed by panicking")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}

#[cfg(test)]
mod tests;
