//! Events that happen in a test, as they would come from the log.

use std::sync::Arc;

use annals_core::{
    Aggregate, Decoded, FixedClock, Limits, MemoryStore, ReadError, ReadLog, Record, RecordParts, Store, Timestamp,
    decode_record, testing::commit_of,
};
use futures::{FutureExt, TryStreamExt};

use super::fail;

/// An event that happens, and what it is decoded to.
pub(super) struct Happening<E> {
    pub(super) record: Record,
    pub(super) decoded: Decoded<E>,
}

/// Where events happen, one after the other.
pub(super) struct Happenings {
    store: MemoryStore,
}

impl Happenings {
    pub(super) fn new() -> Self {
        Self { store: MemoryStore::with(Limits::default(), Arc::new(FixedClock(Timestamp::EPOCH))) }
    }

    /// `event` happens to the aggregate `id`, `now`.
    #[track_caller]
    pub(super) fn happen<A: Aggregate>(&self, id: A::Id, event: A::Event, now: Timestamp) -> Happening<A::Event> {
        let read = async {
            self.store.commit(commit_of::<A>(id, [event])).await.map_err(|error| error.to_string())?;
            let latest = self.store.read_log(ReadLog::all().backward().limit(1));
            let latest: Vec<_> = latest.try_collect().await.map_err(|error: ReadError| error.to_string())?;
            latest.into_iter().next().ok_or_else(|| "nothing was stored".to_owned())
        };
        // A store in memory has nothing to wait for.
        let record = match read.now_or_never() {
            Some(Ok(record)) => Record::of(RecordParts { recorded: now, occurred: now, ..record.parts() }),
            Some(Err(error)) => fail(&error),
            None => fail("the store in memory had to wait"),
        };
        match decode_record::<A::Event>(&record) {
            Ok(decoded) => Happening { record, decoded },
            Err(error) => fail(&format!("the event does not survive its encoding: {error}")),
        }
    }
}
