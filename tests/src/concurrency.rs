//! Many at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use annals_core::{
    Annals, Commit, CommitError, Condition, DerivedTable, DerivedWrite, ExecuteError, Expected, NewEvent, Position,
    ReadLog, ReadStream, RowBatch, RowWrite, Scan, Table, boundary, in_stream,
};
use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::{
    Harness, Setup,
    fixture::*,
    race::winners,
    seats::{Hall, SeatEvent},
};

async fn all(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        soon("the end of all tasks", task).await.expect("no task fails");
    }
}

/// Whether the commit took effect; if not, for one reason.
async fn wins(store: Handle, commit: Commit) -> bool {
    match store.commit(commit).await {
        Ok(_) => true,
        Err(CommitError::Conflict { failures }) => {
            assert_eq!(failures.len(), 1, "{failures:?}");
            false
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// P4, A.16: sixteen writers expect the same version: exactly one wins, round after round.
pub async fn one_of_many_writers_wins<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for round in 0..40 {
        let won = winners(|_| wins(store.clone(), append("a-1", 2, at(2 * round))));
        assert_eq!(won.await, 1, "round {round}");
    }
    assert_eq!(versions_of(&store, "a-1").await, (1..=80).collect::<Vec<_>>());
}

/// How often sixteen race for one condition; every tenth time for one that has to be looked for in the whole log.
const ROUNDS: u64 = 1_000;

/// P4, C.10: the same with a boundary: never two events that contradict the same condition.
pub async fn one_of_many_boundaries_wins<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for round in 0..ROUNDS {
        let (seat, after) = match round % 10 {
            0 => (format!("seat:{round}"), Position::ZERO),
            _ => ("seat:any".to_owned(), position(round)),
        };
        let free = Condition::none_match(any_of([of_tags(&[&seat])]), after);
        let take =
            |guest: usize| Commit::of([tagged(&format!("guest-{guest}"), "seated", &[&seat])]).when(free.clone());
        assert_eq!(winners(|guest| wins(store.clone(), take(guest))).await, 1, "round {round}");
    }
    assert_eq!(head(&store).position, position(ROUNDS), "who lost wrote nothing");
}

/// P4, C.10: the same through decisions, which are made again on what was missed: one takes the seat, all others see that
/// it is taken. Through two handles, neither of which knows what the other keeps.
pub async fn one_of_many_decisions_wins<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let open = async || Annals::over(harness.store()).open().await.expect("it opens");
    let handles = [open().await, open().await];
    for round in 0..ROUNDS {
        // Halls of ten seats, so that there are new ones as well as some that are known.
        let (hall, seat) = (format!("hall-{}", round / 10), round % 10);
        let won = winners(|guest| {
            let (annals, hall) = (handles[guest % 2].clone(), hall.clone());
            async move {
                let taking = annals.together(boundary::<Hall>(hall.clone()), move |seats| {
                    if seats.taken > seat {
                        return Err(());
                    }
                    seats.emit(in_stream("guest", guest), SeatEvent::taken(&hall));
                    Ok(seats.taken)
                });
                match taking.await {
                    Ok(executed) => executed.reply == seat + 1,
                    Err(ExecuteError::Refused(())) => false,
                    Err(other) => panic!("{other:?}"),
                }
            }
        });
        assert_eq!(won.await, 1, "round {round}");
    }
    assert_eq!(head(&harness.store()).position, position(ROUNDS), "who lost wrote nothing");
}

/// F1: read, decide, append what was read plus one; the sum is the number of successes.
pub async fn no_update_is_lost<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let writers = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut done = 0;
            while done < 25 {
                let newest = read_stream(&store, ReadStream::all(stream("sum-1")).backward().limit(1)).await;
                let (seen, sum) = newest.first().map_or((0, 0), |record| {
                    (record.version().get(), String::from_utf8_lossy(record.payload()).parse::<u64>().expect("a sum"))
                });
                // Others read the same sum meanwhile.
                tokio::task::yield_now().await;
                let added = NewEvent::new(stream("sum-1"), event_type("added"), (sum + 1).to_string());
                let adding = Commit::of([added]).when(Condition::stream(stream("sum-1"), at(seen)));
                match store.commit(adding).await {
                    Ok(_) => done += 1,
                    Err(CommitError::Conflict { .. }) => tokio::task::yield_now().await,
                    Err(other) => panic!("{other:?}"),
                }
            }
        })
    });
    all(writers.collect()).await;
    let records = all_of(&store, "sum-1").await;
    assert_eq!(records.len(), 200);
    let newest = records.last().expect("records");
    assert_eq!(newest.payload(), b"200");
}

/// C.4: two writers with batches of 1,000 events: the positions of one batch are one range.
pub async fn batches_do_not_interleave<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let batch = |name: &str| Commit::of(events(name, 1000));
    let results = tokio::join!(store.commit(batch("a-1")), store.commit(batch("b-1")));
    let mut ranges = [results.0, results.1].map(|result| result.expect("it holds").positions.expect("events"));
    ranges.sort_unstable();
    assert_eq!(ranges, [(position(1), position(1000)), (position(1001), position(2000))]);
    let small = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                let pattern = [event(&format!("p-{n}"), "x"), event("q-1", "y"), event(&format!("p-{n}"), "z")];
                commit(&store, Commit::of(pattern)).await;
            }
        })
    });
    all(small.collect()).await;
    let whole = log(&store).await;
    assert_eq!(positions(&whole), (1..=2480).collect::<Vec<_>>());
    for three in whole[2000..].chunks(3) {
        let kinds: Vec<_> = three.iter().map(|record| record.event_type().as_str()).collect();
        assert_eq!(kinds, ["x", "y", "z"], "the events of one commit are together");
        assert!(three.iter().all(|record| record.commit() == three[0].commit()));
    }
    for name in ["a-1", "b-1", "q-1"] {
        let records = all_of(&store, name).await;
        assert!(records.iter().zip(1..).all(|(record, version)| record.version().get() == version), "{name}");
    }
}

/// Runs four writers, and `read` again and again beside them, and once more when they are done.
async fn beside_writers<F>(store: &Handle, read: impl Fn() -> F + Clone + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (done, read) = (done.clone(), read.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    read().await;
                    tokio::task::yield_now().await;
                }
                read().await;
            })
        })
        .collect();
    let writers = (0..4).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0..50 {
                let pattern = [event(&format!("w-{writer}"), "x"), event("all-1", "y"), event("all-1", "z")];
                let value = format!("{writer} {round}");
                let rows = ["a", "b", "c"].map(|key| put("names", key, &value));
                commit(&store, rows.into_iter().fold(Commit::of(pattern), Commit::row)).await;
                tokio::task::yield_now().await;
            }
        })
    });
    all(writers.collect()).await;
    done.store(true, Ordering::SeqCst);
    all(readers).await;
}

/// P3, C.6, C.8: a reader that goes on behind what it saw sees every position, however commits overlap.
pub async fn no_reader_skips_a_position<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let reader = store.clone();
    beside_writers(&store, move || {
        let store = reader.clone();
        async move {
            let first = log(&store).await;
            assert_eq!(positions(&first), (1..=first.len() as u64).collect::<Vec<_>>(), "who sees p has seen 1..p");
            let after = position(first.len() as u64);
            let behind = read_log(&store, ReadLog::all().after(after)).await;
            let expected = (1..=behind.len() as u64).map(|n| after.get() + n).collect::<Vec<_>>();
            assert_eq!(positions(&behind), expected, "the next read goes on behind the last");
            let backward = read_log(&store, ReadLog::all().backward().limit(5)).await;
            assert!(positions(&backward).is_sorted_by(|a, b| *a == b + 1), "{:?}", positions(&backward));
        }
    })
    .await;
    assert_eq!(log(&store).await.len(), 600);
}

/// P2: a read of the log or of a stream ends between commits.
pub async fn no_reader_sees_half_a_commit<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let reader = store.clone();
    beside_writers(&store, move || {
        let store = reader.clone();
        async move {
            assert_eq!(log(&store).await.len() % 3, 0);
            assert_eq!(all_of(&store, "all-1").await.len() % 2, 0);
            let rows = rows(&store, Scan::all(table("names"))).await;
            assert!(rows.is_empty() || rows.len() == 3, "{rows:?}");
        }
    })
    .await;
}

/// P2: one `get` and one page are of one moment between commits.
pub async fn rows_of_one_commit_are_seen_together<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let reader = store.clone();
    beside_writers(&store, move || {
        let store = reader.clone();
        async move {
            let keys = ["a", "b", "c"].map(|key| (Table::from(table("names")), Bytes::from(key)));
            let found = store.get(&keys).await.expect("it reads");
            assert!(found.iter().all(|value| *value == found[0]), "{found:?}");
            let page = store.scan(Scan::all(table("names"))).await.expect("it reads");
            assert!(page.rows.iter().all(|(_, value)| *value == page.rows[0].1), "{page:?}");
        }
    })
    .await;
}

/// One `get` is atomic over logged and derived rows: a batch that follows a commit is never seen without it.
pub async fn rows_of_both_kinds_are_read_at_one_moment<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for round in 1..=200 {
                let value = format!("{round:03}");
                commit(&store, Commit::new().row(put("names", "a", &value))).await;
                let rows = vec![derived_put("view", "a", &value), derived_put("view", "b", &value)];
                store.apply(RowBatch { rows, ..RowBatch::default() }).await.expect("applied");
                tokio::task::yield_now().await;
            }
        }
    });
    let keys = [
        (Table::from(derived("view")), Bytes::from("a")),
        (Table::from(table("names")), Bytes::from("a")),
        (Table::from(derived("view")), Bytes::from("b")),
        (Table::from(DerivedTable::GENERATION), Bytes::new()),
    ];
    loop {
        let is_done = writer.is_finished();
        let found = store.get(&keys).await.expect("it reads");
        let number = |value: &Option<Bytes>| {
            value.as_ref().map_or(0, |value| String::from_utf8_lossy(value).parse::<u64>().expect("a number"))
        };
        let (a, logged, b) = (number(&found[0]), number(&found[1]), number(&found[2]));
        assert_eq!(a, b, "a batch is seen whole");
        assert!(logged == a || logged == a + 1, "logged {logged}, derived {a}");
        assert!(found[3].is_some());
        if is_done {
            break;
        }
        tokio::task::yield_now().await;
    }
    all(vec![writer]).await;
    assert_eq!(commit(&store, append("a-1", 1, Expected::Any)).await.commit.get(), 201);
}

/// How often each row is moved in its index.
const MOVES: u64 = 200;

/// P6: four rows, each with one entry in an index that holds its number. Batches and commits raise the numbers, and move the
/// entries; whoever reads through the index finds four rows, each with the number of its entry.
pub async fn an_entry_and_its_row_are_of_one_moment<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let writers = [tokio::spawn(move_derived(store.clone())), tokio::spawn(move_logged(store.clone()))];
    let derived_rows = Scan::all(derived("entries")).lookup(derived("view"));
    let logged_rows = Scan::all(table("jobs")).lookup(table("names"));
    loop {
        let is_done = writers.iter().all(JoinHandle::is_finished);
        for scan in [&derived_rows, &derived_rows.clone().backward(), &logged_rows, &logged_rows.clone().backward()] {
            let page = store.scan(scan.clone()).await.expect("it reads");
            assert!(page.rows.is_empty() || page.rows.len() == 4, "{page:?}");
            for (entry, row) in &page.rows {
                assert_eq!(entry[..4], row[..], "{scan:?}");
            }
        }
        if is_done {
            break;
        }
        tokio::task::yield_now().await;
    }
    all(writers.into()).await;
}

/// The entry of row `row` when it has `number`.
fn entry(row: &str, number: u64) -> String {
    format!("{number:04}{row}")
}

const MOVED: [&str; 4] = ["a", "b", "c", "d"];

async fn move_derived(store: Handle) {
    for number in 1..=MOVES {
        let moved = MOVED.into_iter().flat_map(|row| {
            let before = DerivedWrite { value: None, ..derived_put("entries", &entry(row, number - 1), "") };
            [
                before,
                derived_put("entries", &entry(row, number), row),
                derived_put("view", row, &format!("{number:04}")),
            ]
        });
        store.apply(RowBatch { rows: moved.collect(), ..RowBatch::default() }).await.expect("applied");
        tokio::task::yield_now().await;
    }
}

async fn move_logged(store: Handle) {
    for number in 1..=MOVES {
        let moved = MOVED.into_iter().flat_map(|row| {
            let before = RowWrite::delete(table("jobs"), entry(row, number - 1));
            [before, put("jobs", &entry(row, number), row), put("names", row, &format!("{number:04}"))]
        });
        commit(&store, moved.fold(Commit::new(), Commit::row)).await;
        tokio::task::yield_now().await;
    }
}
