use annals_core::{
    Commit, Event, EventKind, EventType, InvalidText, MemoryStore, NewEvent, StreamId, Tag,
    codec::{EncodeError, PayloadError},
    kinds,
};
use bytes::Bytes;

use super::*;

#[derive(Clone)]
enum CountEvent {
    Counted,
}

impl Event for CountEvent {
    const KINDS: &'static [EventKind] = &[EventKind::new("Counted", "thing.counted", 1)];
    fn kind(&self) -> &'static EventKind {
        &Self::KINDS[0]
    }
    fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
        Ok(vec![])
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        Ok(Bytes::new())
    }
    fn decode(_: usize, _: &[u8]) -> Result<Self, PayloadError> {
        drop(locked(&DECODING));
        Ok(Self::Counted)
    }
}

/// Whoever has this keeps events from being decoded.
static DECODING: Mutex<()> = Mutex::new(());

fn at(position: u64) -> Position {
    Position::new(position).unwrap()
}

/// A log of so many events, of which those are wanted that `is_wanted` says, each of so many bytes.
async fn feed(events: u64, is_wanted: impl Fn(u64) -> bool, bytes: usize) -> (Feed, watch::Receiver<Head>) {
    let store = MemoryStore::new();
    let stream = StreamId::new("thing", "1").unwrap();
    let payload = Bytes::from(vec![0; bytes]);
    let event = |position| {
        let name = if is_wanted(position) { "thing.counted" } else { "thing.lost" };
        NewEvent::new(stream.clone(), EventType::new(name).unwrap(), payload.clone())
    };
    let positions: Vec<_> = (1..=events).collect();
    for piece in positions.chunks((1 << 20) / bytes.max(200)) {
        store.commit(Commit::of(piece.iter().map(|position| event(*position)))).await.unwrap();
    }
    let head = store.head();
    let subscription = Subscription::new().kinds(kinds![CountEvent::Counted]);
    (Feed::new(Arc::new(store), vec![subscription]), head)
}

/// Everything behind `after`: where each chunk ends, and the positions of all records.
async fn read_all(feed: &Feed, after: u64, head: &mut watch::Receiver<Head>) -> (Vec<u64>, Vec<u64>) {
    let member = feed.join(at(after));
    let (mut ends, mut positions, mut place) = (Vec::new(), Vec::new(), at(after));
    while place < head.borrow().position {
        let chunk = feed.next(&member, place, head).await.unwrap();
        assert!(chunk.end() > place && chunk.records().iter().all(|record| record.position() <= chunk.end()));
        positions.extend(chunk.records().iter().map(|record| record.position().get()));
        place = chunk.end();
        ends.push(place.get());
    }
    (ends, positions)
}

#[tokio::test]
async fn every_record_is_in_one_chunk_from_wherever_the_log_is_read() {
    const EVENTS: u64 = 10 * CHUNK_POSITIONS + 7;
    // Now and then there is none for several chunks.
    let is_wanted = |position: u64| !position.is_multiple_of(3) && !(3000..6000).contains(&position);
    let (feed, mut head) = feed(EVENTS, is_wanted, 10).await;
    for after in [0, 1, CHUNK_POSITIONS - 1, CHUNK_POSITIONS, 2999, 4000, 9 * CHUNK_POSITIONS + 1, EVENTS - 1] {
        let (ends, positions) = read_all(&feed, after, &mut head).await;
        assert_eq!(positions, (after + 1..=EVENTS).filter(|position| is_wanted(*position)).collect::<Vec<_>>());
        let (last, others) = ends.split_last().unwrap();
        assert_eq!(*last, EVENTS);
        assert!(others.iter().all(|end| end.is_multiple_of(CHUNK_POSITIONS)), "{others:?}");
    }
}

#[tokio::test]
async fn a_chunk_is_no_larger_than_it_may_be() {
    // Chunks become too large where they would end anyway.
    const BYTES: usize = 8193;
    let (feed, mut head) = feed(2 * CHUNK_POSITIONS, |_| true, BYTES).await;
    let (ends, positions) = read_all(&feed, 0, &mut head).await;
    assert_eq!(positions, (1..=2 * CHUNK_POSITIONS).collect::<Vec<_>>());
    let records_max = u64::try_from(CHUNK_BYTES_MAX / BYTES).unwrap() + 1;
    assert!(ends.iter().zip(&ends[1..]).all(|(one, next)| next - one <= records_max), "{ends:?}");
    assert!(ends.contains(&CHUNK_POSITIONS), "{ends:?}");
}

#[tokio::test]
async fn those_who_are_near_each_other_read_the_same_chunks() {
    let (feed, mut head) = feed(20 * CHUNK_POSITIONS, |_| true, 10).await;
    let (first, second) = (feed.join(at(0)), feed.join(at(0)));
    let (mut ahead, mut behind) = (VecDeque::new(), at(0));
    let mut place = at(0);
    while behind < head.borrow().position {
        // The first is always some chunks ahead.
        while ahead.len() < 4 && place < head.borrow().position {
            let chunk = feed.next(&first, place, &mut head).await.unwrap();
            place = chunk.end();
            ahead.push_back(chunk);
        }
        let chunk = feed.next(&second, behind, &mut head).await.unwrap();
        assert!(Arc::ptr_eq(&chunk, &ahead.pop_front().unwrap()), "read once");
        behind = chunk.end();
    }
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_any_more_takes_nothing() {
    let (feed, mut head) = feed(5 * CHUNK_POSITIONS, |_| true, 10).await;
    let member = feed.join(at(0));
    let mut place = at(0);
    while place < head.borrow().position {
        drop_while_decoding(&feed, &member, place, &mut head).await;
        let chunk = feed.next(&member, place, &mut head).await.unwrap();
        let expected = place.get() + 1..=place.get() + CHUNK_POSITIONS;
        assert!(chunk.records().iter().map(|record| record.position().get()).eq(expected));
        place = chunk.end();
    }
}

/// Waits for the next chunk for a while, in which it may be read but not decoded.
#[expect(clippy::await_holding_lock, reason = "whoever decodes is on another thread")]
async fn drop_while_decoding(feed: &Feed, member: &Member, place: Position, head: &mut watch::Receiver<Head>) {
    let _decoding = locked(&DECODING);
    for _ in 0..10 {
        drop(futures::poll!(std::pin::pin!(feed.next(member, place, head))));
        tokio::task::yield_now().await;
    }
}
