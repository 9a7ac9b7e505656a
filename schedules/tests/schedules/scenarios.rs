//! What is done at the same time, and what must hold whatever the order.

use std::sync::Arc;

use annals_core::{
    ApplyError, Commit, CommitError, ConsumerName, DerivedTable, DerivedWrite, Digest, Epoch, EventType,
    IdempotencyKey, LoggedTable, NewEvent, Once, ReadLog, ReadStream, Record, RowBatch, RowWrite, Scan, Store,
    StreamId, Table,
};
use bytes::Bytes;
use futures::TryStreamExt;
use shuttle::{future::block_on, thread};

/// Does something with a store, or with what it was and is opened again. It is given the size of the index's batches.
pub(crate) type Scenario = fn(&dyn Fn(usize) -> Arc<dyn Store>);

/// More than the store is given to write in any scenario.
const NEVER: usize = 1000;

fn stream(name: &str) -> StreamId {
    name.parse().unwrap()
}

fn event(name: &str, payload: &str) -> NewEvent {
    NewEvent::new(stream(name), EventType::new("test.happened").unwrap(), payload.to_owned())
}

fn row(key: &'static str, value: u64) -> RowWrite {
    RowWrite::put(LoggedTable::new("latest").unwrap(), Bytes::from(key), value.to_string())
}

fn view() -> DerivedTable {
    DerivedTable::new("view").unwrap()
}

/// A batch that sets two rows to the same value.
fn batch(value: u64) -> RowBatch {
    let rows =
        ["a", "b"].map(|key| DerivedWrite { table: view(), key: key.into(), value: Some(value.to_string().into()) });
    RowBatch { rows: rows.into(), ..RowBatch::default() }
}

async fn log(store: &dyn Store) -> Vec<Record> {
    store.read_log(ReadLog::all()).try_collect().await.unwrap()
}

async fn events_of(store: &dyn Store, name: &str) -> usize {
    store.read_stream(ReadStream::all(stream(name))).try_collect::<Vec<_>>().await.unwrap().len()
}

/// The rows `a` and `b` of a table, which are always set together.
async fn both(store: &dyn Store, table: Table) -> Option<u64> {
    let rows = store.get(&["a", "b"].map(|key| (table.clone(), Bytes::from(key)))).await.unwrap();
    assert_eq!(rows[0], rows[1], "a read is of one moment");
    rows[0].as_ref().map(|value| std::str::from_utf8(value).unwrap().parse().unwrap())
}

/// Does `work` on a thread of its own.
fn beside<F: Future<Output: Send + 'static> + Send + 'static>(work: F) -> thread::JoinHandle<F::Output> {
    thread::spawn(move || block_on(work))
}

/// Six commits, and room for three: each gets in, is written once, and the positions are dense (P3, P9).
pub(crate) fn the_queue_lets_everyone_in(open: &dyn Fn(usize) -> Arc<dyn Store>) {
    let store = open(NEVER);
    let writers = ["s-1", "s-2", "s-3"].map(|name| {
        let store = Arc::clone(&store);
        beside(async move {
            let (first, second) = futures::join!(
                store.commit(Commit::of([event(name, "first")])),
                store.commit(Commit::of([event(name, "second")])),
            );
            assert_ne!(first.unwrap().commit, second.unwrap().commit);
            assert_eq!(events_of(&*store, name).await, 2, "what was acknowledged can be read");
        })
    });
    for writer in writers {
        writer.join().unwrap();
    }
    let positions: Vec<_> = block_on(log(&*store)).iter().map(|record| record.position().get()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
    block_on(store.shut_down());
}

/// Who follows the head reads everything up to it, through the log, the streams and the rows (P3).
pub(crate) fn what_the_head_names_can_be_read(open: &dyn Fn(usize) -> Arc<dyn Store>) {
    let store = open(2);
    let following = Arc::clone(&store);
    let reader = beside(async move {
        let mut head = following.head();
        loop {
            let seen = *head.borrow_and_update();
            let records = log(&*following).await;
            assert!(records.len() as u64 >= seen.position.get(), "the head is ahead of the log");
            for (record, position) in records.iter().zip(1..) {
                assert_eq!(record.position().get(), position, "positions are dense");
            }
            assert!(events_of(&*following, "s-1").await as u64 >= seen.position.get(), "the head is ahead of a stream");
            let latest = both(&*following, LoggedTable::new("latest").unwrap().into()).await;
            assert!(latest.unwrap_or_default() >= seen.commit.get(), "the head is ahead of the rows");
            if seen.commit.get() == 3 {
                return;
            }
            head.changed().await.unwrap();
        }
    });
    block_on(async {
        for number in 1..=3 {
            let commit = Commit::of([event("s-1", "more")]).row(row("a", number)).row(row("b", number));
            store.commit(commit).await.unwrap();
        }
    });
    reader.join().unwrap();
    block_on(store.shut_down());
}

/// The tail in memory has room for few entries: commits wait, and go on when the index has taken some (P9).
pub(crate) fn commits_wait_for_the_index_and_go_on(open: &dyn Fn(usize) -> Arc<dyn Store>) {
    let store = open(1);
    let writers = ["s-1", "s-2"].map(|name| {
        let store = Arc::clone(&store);
        beside(async move {
            for number in 1..=3 {
                store.commit(Commit::of([event(name, "more")])).await.unwrap();
                assert_eq!(events_of(&*store, name).await, number, "what was acknowledged can be read");
            }
        })
    });
    for writer in writers {
        writer.join().unwrap();
    }
    block_on(store.shut_down());
}

/// Batches of derived rows wait at the bound of the tail, and go on (P9).
pub(crate) fn batches_wait_for_the_index_and_go_on(open: &dyn Fn(usize) -> Arc<dyn Store>) {
    let store = open(1);
    let projecting = [1, 2].map(|value| {
        let store = Arc::clone(&store);
        beside(async move {
            store.apply(batch(value)).await.unwrap();
            assert!(both(&*store, view().into()).await.is_some(), "what was applied can be read");
        })
    });
    for projection in projecting {
        projection.join().unwrap();
    }
    block_on(store.shut_down());
}

/// Reads two rows of a table again and again while `write` sets them to 1 and to 2.
fn read_beside(store: &Arc<dyn Store>, table: &Table, write: impl AsyncFn(u64)) {
    let reader = {
        let (store, table) = (Arc::clone(store), table.clone());
        beside(async move {
            let first = both(&*store, table.clone()).await;
            assert!(first <= both(&*store, table).await, "a later read sees what an earlier one saw");
        })
    };
    block_on(async {
        for value in 1..=2 {
            write(value).await;
        }
    });
    reader.join().unwrap();
    assert_eq!(block_on(both(&**store, table.clone())), Some(2));
    block_on(store.shut_down());
}

/// Rows that a commit sets together are read together, wherever they are on their way to sled (P2).
pub(crate) fn rows_of_a_commit_are_read_as_of_one_moment(open: &dyn Fn(usize) -> Arc<dyn Store>) {
    let store = open(2);
    read_beside(&store, &LoggedTable::new("latest").unwrap().into(), async |value| {
        store.commit(Commit::new().row(row("a", value)).row(row("b", value))).await.unwrap();
    });
}

/// The same of rows that a batch sets together (P6).
pub(crate) fn rows_of_a_batch_are_read_as_of_one_moment(open: &dyn Fn(usize) -> Arc<dyn Store>) {
    let store = open(2);
    read_beside(&store, &view().into(), async |value| store.apply(batch(value)).await.unwrap());
}

/// A row and its entry in an index are of one moment, wherever they are on their way to sled (P6).
pub(crate) fn an_entry_and_its_row_are_of_one_moment(open: &dyn Fn(usize) -> Arc<dyn Store>) {
    let store = open(2);
    let entries = || DerivedTable::new("entries").unwrap();
    let put = |table: DerivedTable, key: String, value: Option<String>| DerivedWrite {
        table,
        key: key.into(),
        value: value.map(Bytes::from),
    };
    let batch = move |value: u64| {
        let before = put(entries(), (value - 1).to_string(), None);
        let entry = put(entries(), value.to_string(), Some("a".to_owned()));
        let row = put(view(), "a".to_owned(), Some(value.to_string()));
        RowBatch { rows: vec![before, entry, row], ..RowBatch::default() }
    };
    block_on(store.apply(batch(1))).unwrap();
    let reader = {
        let store = Arc::clone(&store);
        beside(async move {
            for _ in 0..2 {
                let page = store.scan(Scan::all(entries()).lookup(view())).await.unwrap();
                assert_eq!(page.rows.len(), 1, "the row has an entry at every moment");
                assert_eq!(page.rows[0].0, page.rows[0].1, "entry and row are of one moment");
            }
        })
    };
    block_on(async {
        for value in 2..=3 {
            store.apply(batch(value)).await.unwrap();
        }
    });
    reader.join().unwrap();
    block_on(store.shut_down());
}

/// A request that three send takes effect once, wherever the key is when each of them looks (P5).
pub(crate) fn a_key_takes_effect_once(open: &dyn Fn(usize) -> Arc<dyn Store>) {
    let store = open(1);
    let senders = [0; 3].map(|_| {
        let store = Arc::clone(&store);
        beside(async move {
            let (key, digest) = (IdempotencyKey::new("key").unwrap(), Digest::of(&[b"request"]));
            let once = Once { key, digest, answer: "answer".into() };
            store.commit(Commit::of([event("s-1", "sent")]).once(once)).await.unwrap().repeated
        })
    });
    let repeated = senders.map(|sender| sender.join().unwrap());
    assert_eq!(repeated.iter().filter(|repeated| !**repeated).count(), 1, "{repeated:?}");
    assert_eq!(block_on(log(&*store)).len(), 1);
    block_on(store.shut_down());
}

/// Once a higher epoch is acknowledged, no batch of the one before changes anything (P11, F21).
pub(crate) fn an_epoch_that_ended_changes_nothing(open: &dyn Fn(usize) -> Arc<dyn Store>) {
    let store = open(3);
    let epoch = |number| Epoch { consumer: ConsumerName::new("balances").unwrap(), number };
    let raise = move |number| {
        let (table, key) = epoch(number).row();
        Commit::new().row(RowWrite::put(table, key, epoch(number).to_row()))
    };
    block_on(store.commit(raise(1))).unwrap();
    let stale = {
        let store = Arc::clone(&store);
        beside(async move {
            for value in 1..=4 {
                match store.apply(RowBatch { epoch: Some(epoch(1)), ..batch(value) }).await {
                    Ok(()) | Err(ApplyError::Fenced { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
    };
    let then = block_on(async {
        store.commit(raise(2)).await.unwrap();
        both(&*store, view().into()).await
    });
    stale.join().unwrap();
    assert_eq!(block_on(both(&*store, view().into())), then, "a batch of an ended epoch was applied");
    block_on(store.shut_down());
}

/// Commits, batches and those who follow the head all end when the store is shut down, whatever they wait for; what was
/// acknowledged is there when it is opened again (P1, P12, F15).
pub(crate) fn everyone_is_answered_when_the_store_is_shut_down(open: &dyn Fn(usize) -> Arc<dyn Store>) {
    let store = open(1);
    let writers = ["s-1", "s-2"].map(|name| {
        let store = Arc::clone(&store);
        beside(async move {
            let mut acknowledged = 0;
            for _ in 0..3 {
                match store.commit(Commit::of([event(name, "more")])).await {
                    Ok(_) => acknowledged += 1,
                    Err(CommitError::ShutDown) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            (name, acknowledged)
        })
    });
    let others = {
        let store = Arc::clone(&store);
        beside(async move {
            for value in 1..=3 {
                match store.apply(batch(value)).await {
                    Ok(()) | Err(ApplyError::Unavailable(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            let mut head = store.head();
            while head.changed().await.is_ok() {}
        })
    };
    block_on(store.shut_down());
    others.join().unwrap();
    let acknowledged = writers.map(|writer| writer.join().unwrap());
    drop(store);
    let store = open(NEVER);
    for (name, count) in acknowledged {
        assert_eq!(block_on(events_of(&*store, name)), count, "{name}");
    }
    block_on(store.shut_down());
}
