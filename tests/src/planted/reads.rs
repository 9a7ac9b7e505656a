//! Faults in reads and in the signal.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use annals_core::{
    AsOf, Commit, CommitError, Direction, Head, Position, ReadError, ReadLog, ReadStream, Receipt, Record, RecordParts,
    Store, Table, Timestamp,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::watch;

use super::{Fault, Records};

/// What `read` gives, all of it at once and changed by `change`.
fn changed<'a>(read: Records<'a>, change: impl FnOnce(&mut Vec<Record>) + Send + 'a) -> Records<'a> {
    let records = async move {
        let mut records: Vec<Record> = read.try_collect().await?;
        change(&mut records);
        Ok::<_, ReadError>(stream::iter(records).map(Ok))
    };
    stream::once(records).try_flatten().boxed()
}

/// A fault without state that changes what reads of the log give.
macro_rules! changes_the_log {
    ($(#[$doc:meta])* $name:ident, $breaks:expr, $change:expr) => {
        $(#[$doc])*
        pub struct $name;

        #[async_trait]
        impl Fault for $name {
            const BREAKS: &'static [&'static str] = $breaks;

            fn new(_: &Arc<dyn Store>, _: u64) -> Self {
                Self
            }

            fn read_log<'a>(&'a self, store: &'a Arc<dyn Store>, read: ReadLog) -> Records<'a> {
                changed(store.read_log(read), $change)
            }
        }
    };
}

changes_the_log! {
    /// Neighbours in the log change places.
    Reorders,
    &[
        "log::the_log_is_in_the_order_of_commits",
        "log::every_start_direction_and_limit_is_a_slice",
        "concurrency::no_reader_skips_a_position",
        "follow::history_is_followed_by_the_present",
    ],
    |records| records.chunks_mut(2).for_each(<[Record]>::reverse)
}

changes_the_log! {
    /// Later records have earlier recorded times.
    LetsTimeDecrease,
    &["time::recorded_time_never_decreases"],
    |records| for record in records {
        let micros = record.recorded().as_micros() - i64::try_from(record.position().get()).expect("small");
        let recorded = Timestamp::from_micros(micros).expect("a valid time");
        *record = Record::of(RecordParts { recorded, ..record.parts() });
    }
}

/// Positions are given out before their commit is there: while the number of commits is even, the one before the
/// latest cannot be read yet.
pub struct ShowsOutOfOrder;

#[async_trait]
impl Fault for ShowsOutOfOrder {
    const BREAKS: &'static [&'static str] = &[
        "log::the_log_is_in_the_order_of_commits",
        "concurrency::no_reader_skips_a_position",
        "follow::nothing_is_missed_or_repeated_under_writers",
    ];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    fn read_log<'a>(&'a self, store: &'a Arc<dyn Store>, read: ReadLog) -> Records<'a> {
        let latest = store.head().borrow().commit;
        changed(store.read_log(read), move |records| {
            records.retain(|record| latest.get() % 2 == 1 || record.commit().next() != latest);
        })
    }
}

/// Every other read of a stream misses the latest event, as from a copy that lags behind.
pub struct ReadsLate {
    reads: AtomicU64,
}

#[async_trait]
impl Fault for ReadsLate {
    const BREAKS: &'static [&'static str] =
        &["streams::any_set_of_ids_is_kept_apart", "concurrency::no_update_is_lost"];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self { reads: AtomicU64::new(0) }
    }

    fn read_stream<'a>(&'a self, store: &'a Arc<dyn Store>, read: ReadStream) -> Records<'a> {
        let before = store.head().borrow().position.previous();
        let is_late = self.reads.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        store.read_stream(if is_late { read.as_of(AsOf::Position(before)) } else { read })
    }
}

/// The head is announced before the commit is there, and also when it is refused.
pub struct AnnouncesEarly {
    head: watch::Sender<Head>,
}

#[async_trait]
impl Fault for AnnouncesEarly {
    const BREAKS: &'static [&'static str] =
        &["head::what_the_head_names_can_be_read", "head::only_commits_that_write_move_the_head"];

    fn new(store: &Arc<dyn Store>, _: u64) -> Self {
        Self { head: watch::Sender::new(*store.head().borrow()) }
    }

    async fn commit(&self, store: &Arc<dyn Store>, commit: Commit) -> Result<Receipt, CommitError> {
        let head = *store.head().borrow();
        let position = head.position.checked_add(commit.events.len() as u64).expect("small");
        self.head.send_replace(Head { commit: head.commit.next(), position });
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let result = store.commit(commit).await;
        self.head.send_replace(*store.head().borrow());
        result
    }

    fn head(&self, _: &Arc<dyn Store>) -> watch::Receiver<Head> {
        self.head.subscribe()
    }
}

/// Every second commit wakes nobody.
pub struct ForgetsToSignal {
    head: watch::Sender<Head>,
}

#[async_trait]
impl Fault for ForgetsToSignal {
    const BREAKS: &'static [&'static str] =
        &["head::every_commit_moves_the_head_to_its_receipt", "follow::an_empty_store_can_be_followed"];

    fn new(store: &Arc<dyn Store>, _: u64) -> Self {
        Self { head: watch::Sender::new(*store.head().borrow()) }
    }

    async fn commit(&self, store: &Arc<dyn Store>, commit: Commit) -> Result<Receipt, CommitError> {
        let receipt = store.commit(commit).await?;
        let head = *store.head().borrow();
        if head.commit.get().is_multiple_of(2) {
            self.head.send_replace(head);
        }
        Ok(receipt)
    }

    fn head(&self, _: &Arc<dyn Store>) -> watch::Receiver<Head> {
        self.head.subscribe()
    }
}

/// A read behind a position begins with the record at it.
pub struct IncludesAfter;

#[async_trait]
impl Fault for IncludesAfter {
    const BREAKS: &'static [&'static str] = &[
        "log::every_start_direction_and_limit_is_a_slice",
        "follow::following_begins_behind_a_position",
        "follow::nothing_is_missed_or_repeated_under_writers",
    ];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    fn read_log<'a>(&'a self, store: &'a Arc<dyn Store>, read: ReadLog) -> Records<'a> {
        store.read_log(ReadLog { after: read.after.previous(), ..read })
    }
}

/// A stream is found by the beginning of its id.
pub struct MixesPrefixes;

#[async_trait]
impl Fault for MixesPrefixes {
    const BREAKS: &'static [&'static str] =
        // The property over sets of ids notices it too, but only when its random ids happen to begin alike.
        &["streams::a_stream_is_never_found_under_another_id"];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    fn read_stream<'a>(&'a self, store: &'a Arc<dyn Store>, read: ReadStream) -> Records<'a> {
        if read.direction == Direction::Backward || read.limit.is_some() || read.from.get() > 1 {
            return store.read_stream(read);
        }
        changed(store.read_log(ReadLog::all().as_of(read.as_of)), move |records| {
            records.retain(|record| record.stream().as_str().starts_with(read.stream.as_str()));
            records.retain(|record| record.version() <= read.to);
        })
    }
}

/// A read goes on with what was committed after it began.
pub struct ReadsOnAndOn;

#[async_trait]
impl Fault for ReadsOnAndOn {
    const BREAKS: &'static [&'static str] = &["log::a_read_that_has_begun_sees_nothing_later"];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    fn read_log<'a>(&'a self, store: &'a Arc<dyn Store>, read: ReadLog) -> Records<'a> {
        if read.direction == Direction::Backward || read.limit.is_some() {
            return store.read_log(read);
        }
        let pieces = stream::try_unfold(read, async move |read| {
            let piece: Vec<Record> = store.read_log(read.clone().limit(100)).try_collect().await?;
            let Some(last) = piece.last().map(|record| record.position()) else { return Ok::<_, ReadError>(None) };
            Ok(Some((stream::iter(piece).map(Ok), ReadLog { after: last, ..read })))
        });
        pieces.try_flatten().boxed()
    }
}

/// Rows that are asked for together are read one after the other.
pub struct GetsOneByOne;

#[async_trait]
impl Fault for GetsOneByOne {
    const BREAKS: &'static [&'static str] = &[
        "concurrency::rows_of_one_commit_are_seen_together",
        "concurrency::rows_of_both_kinds_are_read_at_one_moment",
    ];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    async fn get(&self, store: &Arc<dyn Store>, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        let mut found = Vec::new();
        for key in keys {
            found.extend(store.get(std::slice::from_ref(key)).await?);
            tokio::task::yield_now().await;
        }
        Ok(found)
    }
}

/// After the store was opened again, its last record is gone.
pub struct LosesTailOnReopen {
    lost: Option<Position>,
}

#[async_trait]
impl Fault for LosesTailOnReopen {
    const BREAKS: &'static [&'static str] = &["durable::everything_is_there_after_reopening"];

    fn new(store: &Arc<dyn Store>, life: u64) -> Self {
        Self { lost: (life > 0).then(|| store.head().borrow().position) }
    }

    fn read_log<'a>(&'a self, store: &'a Arc<dyn Store>, read: ReadLog) -> Records<'a> {
        changed(store.read_log(read), |records| records.retain(|record| Some(record.position()) != self.lost))
    }
}
