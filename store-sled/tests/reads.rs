//! Reads in batches: whatever is read together, ahead or from the end, each read gives out what a plain one does.

use std::{
    fs,
    path::{Path, PathBuf},
};

use annals_core::{
    AsOf, Commit, EventQuery, EventType, NewEvent, Position, QueryItem, ReadError, ReadLog, ReadStream, Record, Store,
    Tag, Version,
};
use annals_store_sled::SledStore;
use futures::{StreamExt, TryStreamExt};

use crate::support::{self, log, open, segments};

const EVENTS: u64 = 16_000;

/// A log that is long enough to be read ahead: 12 MiB in several segments.
async fn long_log(path: &Path) -> SledStore {
    let store = open(path);
    let mut number = 0;
    while number < EVENTS {
        let size = 1 + number % 500;
        let events = (number..EVENTS.min(number + size)).map(|number| {
            let kind = if number % 1000 == 7 { "test.rare" } else { "test.happened" };
            let stream = format!("s-{}", number % 37).parse().unwrap();
            let payload = format!("{number:0700}");
            let mut event = NewEvent::new(stream, EventType::new(kind).unwrap(), payload);
            event.tags = vec![Tag::of("of", number % 50).unwrap()];
            event
        });
        store.commit(Commit::of(events)).await.unwrap();
        number += size;
    }
    store
}

async fn read(store: &SledStore, read: ReadLog) -> Vec<Record> {
    store.read_log(read).try_collect().await.unwrap()
}

/// P3: a stream that is long enough to be read ahead gives out what a scan does, forward and backward, in part and whole.
/// P9: whoever stops in the middle leaves no thread behind that reads on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_stream_agrees_with_a_plain_scan() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for commit in 0..20_u32 {
        let events = (0..600).map(|number| {
            let (stream, payload) = (format!("s-{}", number % 3), format!("{commit} {number}"));
            let stream = if number % 3 > 0 { "s-long".to_owned() } else { stream };
            NewEvent::new(stream.parse().unwrap(), EventType::new("test.happened").unwrap(), payload)
        });
        store.commit(Commit::of(events)).await.unwrap();
    }
    let all: Vec<_> = log(&store).await.into_iter().filter(|record| record.stream().key() == "long").collect();
    assert_eq!(all.len(), 8000);
    let whole = ReadStream::all("s-long".parse().unwrap());
    for (from, to) in [(0, 8000), (0, 7999), (700, 8000), (4000, 7000)] {
        let read = whole.clone().after(Version::from(from)).up_to(Version::from(to));
        let found: Vec<_> = store.read_stream(read.clone()).try_collect().await.unwrap();
        assert!(found == all[from as usize..to as usize], "{from} to {to}");
        let found: Vec<_> = store.read_stream(read.backward()).try_collect().await.unwrap();
        assert!(found.iter().rev().eq(&all[from as usize..to as usize]), "{from} to {to}, backward");
    }
    for _ in 0..20 {
        let some: Vec<_> = store.read_stream(whole.clone()).take(5000).try_collect().await.unwrap();
        assert!(some == all[..5000]);
    }
    let as_of = AsOf::Position(all[6000].position());
    let found: Vec<_> = store.read_stream(whole.as_of(as_of)).try_collect().await.unwrap();
    assert!(found == all[..=6000]);
}

/// P3, P4: scans forward and backward, from the middle, up to a position or a number of records, by type and by tag,
/// agree with a plain scan.
#[tokio::test]
async fn every_read_of_a_long_log_agrees_with_a_plain_scan() {
    let folder = tempfile::tempdir().unwrap();
    let store = long_log(folder.path()).await;
    let all = log(&store).await;
    assert!(all.iter().map(|record| record.position().get()).eq(1..=EVENTS));
    assert!(all.iter().enumerate().all(|(number, record)| record.payload() == format!("{number:0700}").as_bytes()));
    let rare = EventQuery::new([QueryItem::new().event_type(EventType::new("test.rare").unwrap())]);
    let tagged = EventQuery::new([QueryItem::new().tag(Tag::of("of", 3).unwrap())]);
    for query in [EventQuery::all(), rare, tagged] {
        for after in [0, 777, EVENTS - 1] {
            for to in [AsOf::Now, AsOf::Position(Position::new(15_555).unwrap())] {
                for limit in [None, Some(0), Some(3000)] {
                    let mut request = ReadLog::of(query.clone()).after(Position::new(after).unwrap()).as_of(to);
                    request.limit = limit;
                    let seen =
                        |record: &&Record| record.position().get() > after && to.sees(record) && query.matches(record);
                    let take = usize::try_from(limit.unwrap_or(u64::MAX)).unwrap();
                    let expected: Vec<_> = all.iter().filter(seen).take(take).cloned().collect();
                    assert!(read(&store, request.clone()).await == expected, "{request:?}");
                    let expected: Vec<_> = all.iter().rev().filter(seen).take(take).cloned().collect();
                    assert!(read(&store, request.clone().backward()).await == expected, "backward {request:?}");
                }
            }
        }
    }
    let stream: Vec<_> = all.iter().filter(|record| record.stream().as_str() == "s-5").cloned().collect();
    assert_eq!(support::stream(&store, "s-5").await, stream);
    let some = ReadStream::all("s-5".parse().unwrap()).after(Version::from(100)).up_to(Version::from(300)).backward();
    let backward: Vec<_> = store.read_stream(some).try_collect().await.unwrap();
    assert!(backward.iter().rev().eq(&stream[100..300]));
}

/// P10: what stands before the damage is given out, then the damage is named, then nothing more: also where the log is
/// read ahead, by any read.
#[tokio::test]
async fn damage_is_reported_behind_what_comes_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = long_log(folder.path()).await;
    // Not among what was written last: that is read from memory.
    let needle = format!("{:0700}", EVENTS / 4);
    let place = |segment: PathBuf| {
        let bytes = fs::read(&segment).unwrap();
        let at = bytes.windows(needle.len()).position(|window| window == needle.as_bytes())?;
        Some((segment, bytes, at))
    };
    let (segment, bytes, at) = segments(folder.path()).into_iter().find_map(place).unwrap();
    let mut damaged = bytes.clone();
    damaged[at + 699] ^= 1;
    fs::write(&segment, &damaged).unwrap();
    let hit = EVENTS / 4 + 1;
    let mut records = store.read_log(ReadLog::all());
    let mut last = 0;
    let error = loop {
        match records.next().await.unwrap() {
            Ok(record) => {
                assert_eq!(record.position().get(), last + 1);
                last += 1;
            }
            Err(error) => break error,
        }
    };
    let ReadError::Corrupt(corruption) = &error else { panic!("{error}") };
    assert_eq!(corruption.file, segment.display().to_string());
    assert!(records.next().await.is_none(), "an error ends the read");
    assert!(last < hit && last + 500 > hit, "{last}");
    let stream = format!("s-{}", (hit - 1) % 37).parse().unwrap();
    let found: Vec<_> = store.read_stream(ReadStream::all(stream)).collect().await;
    assert!(found.len() > 100 && found[..found.len() - 1].iter().all(Result::is_ok));
    assert!(matches!(found.last(), Some(Err(ReadError::Corrupt(_)))));
}

/// P9: a long scan that is dropped lets go of its thread; more scans at once than there are threads all go on.
#[tokio::test]
async fn many_long_scans_at_once_all_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = long_log(folder.path()).await;
    for _ in 0..20 {
        let some: Vec<_> = store.read_log(ReadLog::all()).take(9000).collect().await;
        assert_eq!(some.len(), 9000);
    }
    let scans = (0..12).map(|_| read(&store, ReadLog::all()));
    for records in futures::future::join_all(scans).await {
        assert_eq!(records.len() as u64, EVENTS);
    }
}
