//! The process that is killed: eight writers, half of them with several commits under way.

use std::{io::Write, path::Path};

use annals_core::{Commit, Digest, IdempotencyKey, LoggedTable, NewEvent, Once, RowWrite, Scan, Store};
use annals_store_sled::SledStore;
use futures::future::join_all;

use crate::support::{event, open, process::STORE};

pub(crate) const WRITERS: usize = 8;

/// The table with a row a commit.
pub(crate) fn commits() -> LoggedTable {
    LoggedTable::new("commits").unwrap()
}

/// The key of the row of writer `writer`'s `number`th commit.
pub(crate) fn row_key(writer: usize, number: usize) -> String {
    format!("{writer:02}/{number:08}")
}

/// How many events writer `writer`'s `number`th commit has.
pub(crate) fn events_of(writer: usize, number: usize) -> usize {
    match (writer + number) % 16 {
        0 => 50,
        few => 1 + few % 5,
    }
}

fn event_of(writer: usize, number: usize, index: usize) -> NewEvent {
    let text = format!("{writer}/{number}/{index}");
    let mut event = event(&format!("w{}-{}", writer % 3, (number + index % 3) % 5), &text);
    if number % 61 == 60 {
        event.payload = format!("{text}|{}", "x".repeat(4_000)).into();
    }
    event
}

/// What writer `writer` commits as its `number`th, from 0: events over one to three streams, a row, sometimes a key.
/// What else a child is to write belongs here, and its check into the oracle.
pub(crate) fn commit(writer: usize, number: usize) -> Commit {
    let events = events_of(writer, number);
    let commit = Commit::of((0..events).map(|index| event_of(writer, number, index)));
    let commit = commit.row(RowWrite::put(commits(), row_key(writer, number).into_bytes(), events.to_string()));
    if !number.is_multiple_of(3) {
        return commit;
    }
    let text = row_key(writer, number);
    let digest = Digest::of(&[text.as_bytes()]);
    commit.once(Once { answer: text.clone().into(), key: IdempotencyKey::new(text).unwrap(), digest })
}

/// Where a writer goes on: behind the last of its commits that is there.
async fn next_of(store: &SledStore, writer: usize) -> usize {
    let scan = Scan::prefix(commits(), format!("{writer:02}/").into_bytes()).backward().limit(1);
    let page = store.scan(scan).await.unwrap();
    let last = page.rows.first().map(|(key, _)| String::from_utf8(key[3..].to_vec()).unwrap());
    last.map_or(0, |number| number.parse::<usize>().unwrap() + 1)
}

async fn write(store: SledStore, writer: usize) {
    let mut number = next_of(&store, writer).await;
    let under_way = if writer.is_multiple_of(2) { 1 } else { 4 };
    loop {
        // Futures are polled in this order, and so the commits are queued in it.
        let sent = join_all((0..under_way).map(|offset| store.commit(commit(writer, number + offset)))).await;
        for receipt in sent {
            assert!(!receipt.unwrap().repeated);
            // One write each, so that lines stay whole.
            std::io::stdout().write_all(format!("ack {writer} {number}\n").as_bytes()).unwrap();
            number += 1;
        }
    }
}

/// Does nothing in an ordinary run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    println!("opening");
    let store = open(Path::new(&path));
    println!("ready");
    join_all((0..WRITERS).map(|writer| tokio::spawn(write(store.clone(), writer)))).await;
}
