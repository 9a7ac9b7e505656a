//! Reading one stream.

use annals_core::{AsOf, Commit, Direction, Expected, ReadStream, Record, Timestamp, Version};
use futures::StreamExt;

use crate::{Harness, Setup, fixture::*};

/// What a read of a stream with `count` events must give.
fn slice(count: u64, read: &ReadStream) -> Vec<u64> {
    let mut versions: Vec<_> = (1..=count).filter(|v| *v >= read.from.get() && *v <= read.to.get()).collect();
    if read.direction == Direction::Backward {
        versions.reverse();
    }
    versions.truncate(read.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)));
    versions
}

/// B.2, B.6, B.8, B.10, B.14, B.16, F12: also from behind to, and limits of 0 and of everything.
pub async fn every_range_direction_and_limit_is_a_slice<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for name in ["a-1", "b-1", "a-1"] {
        commit(&store, append(name, 3, Expected::Any)).await;
    }
    let borders = [0, 1, 2, 5, 6, 7, 100, Version::MAX.get() - 1, Version::MAX.get()];
    let limits = [None, Some(0), Some(1), Some(3), Some(6), Some(7), Some(i64::MAX as u64), Some(u64::MAX)];
    for (from, to) in borders.iter().flat_map(|from| borders.map(|to| (version(*from), version(to)))) {
        for limit in limits {
            for direction in [Direction::Forward, Direction::Backward] {
                let read = ReadStream { from, to, limit, direction, ..ReadStream::all(stream("a-1")) };
                let found: Vec<_> = read_stream(&store, read.clone()).await.iter().map(|r| r.version().get()).collect();
                assert_eq!(found, slice(6, &read), "{read:?}");
            }
        }
    }
}

/// A.8, C.12: no error, no records, in any range.
pub async fn a_stream_that_holds_nothing_reads_as_empty<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for _ in 0..2 {
        for read in [ReadStream::all(stream("ghost-1")), ReadStream::all(stream("ghost-1")).backward().limit(1)] {
            assert!(read_stream(&store, read).await.is_empty());
        }
        commit(&store, append("other-1", 3, Expected::Any)).await;
    }
}

/// B.12: two and four events, written in turns.
pub async fn streams_are_kept_apart<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for name in ["a-1", "b-1", "b-1", "a-1", "b-1", "b-1"] {
        commit(&store, append(name, 1, Expected::Any)).await;
    }
    let of = |records: Vec<Record>| records.iter().map(|r| (r.version().get(), r.position().get())).collect::<Vec<_>>();
    assert_eq!(of(all_of(&store, "a-1").await), [(1, 1), (2, 4)]);
    assert_eq!(of(all_of(&store, "b-1").await), [(1, 2), (2, 3), (3, 5), (4, 6)]);
}

/// The stream as it was at a position or a recorded time, inclusive.
pub async fn as_of_a_position_or_time_later_records_are_not_seen<H: Harness>() {
    let setup = Setup::default();
    let harness = H::create(setup.clone()).await;
    let store = harness.store();
    let mut times = Vec::new();
    for _ in 0..4 {
        times.push(setup.clock.step(10));
        commit(&store, Commit::of([event("a-1", "x"), event("b-1", "x")])).await;
    }
    let before = Timestamp::from_micros(times[0].as_micros() - 1).expect("a valid time");
    let between = Timestamp::from_micros(times[2].as_micros() + 1).expect("a valid time");
    for (as_of, count) in [
        (AsOf::Now, 4),
        (AsOf::Position(position(0)), 0),
        (AsOf::Position(position(1)), 1),
        (AsOf::Position(position(2)), 1),
        (AsOf::Position(position(3)), 2),
        (AsOf::Position(position(99)), 4),
        (AsOf::Recorded(before), 0),
        (AsOf::Recorded(times[0]), 1),
        (AsOf::Recorded(times[2]), 3),
        (AsOf::Recorded(between), 3),
        (AsOf::Recorded(times[3]), 4),
    ] {
        let read = ReadStream::all(stream("a-1")).as_of(as_of);
        let found: Vec<_> = read_stream(&store, read.clone()).await.iter().map(|r| r.version().get()).collect();
        assert_eq!(found, (1..=count).collect::<Vec<_>>(), "{as_of:?}");
        let newest = read_stream(&store, read.backward().limit(1)).await;
        assert_eq!(newest.first().map(|r| r.version().get()), (count > 0).then_some(count), "{as_of:?} backward");
    }
}

/// What is committed after the first record was given is not seen by that read.
pub async fn a_read_that_has_begun_sees_nothing_later<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 600, Expected::Any)).await;
    let mut reading = store.read_stream(ReadStream::all(stream("a-1")));
    let mut seen = vec![reading.next().await.expect("a record").expect("it reads")];
    commit(&store, append("a-1", 600, Expected::Any)).await;
    while let Some(record) = reading.next().await {
        seen.push(record.expect("it reads"));
    }
    assert_eq!(positions(&seen), (1..=600).collect::<Vec<_>>());
}

/// B.26, B.8: pieces of any size, both ways, add up to the whole.
pub async fn a_long_stream_reads_alike_in_pieces_and_at_once<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for _ in 0..3 {
        commit(&store, Commit::of([events("a-1", 500), events("b-1", 100)].concat())).await;
    }
    let whole = all_of(&store, "a-1").await;
    assert_eq!(whole.iter().map(|r| r.version().get()).collect::<Vec<_>>(), (1..=1500).collect::<Vec<_>>());
    for size in [7_u64, 256, 1000] {
        let mut forward = Vec::new();
        while let piece =
            read_stream(&store, ReadStream::all(stream("a-1")).after(version(forward.len() as u64)).limit(size)).await
            && !piece.is_empty()
        {
            forward.extend(piece);
            assert!(forward.len() <= whole.len(), "pieces of {size} do not end");
        }
        assert_eq!(forward, whole, "pieces of {size}");
    }
    let mut backward = read_stream(&store, ReadStream::all(stream("a-1")).backward()).await;
    backward.reverse();
    assert_eq!(backward, whole);
}
