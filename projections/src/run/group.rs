//! Events that are handed over at once.

use annals_core::Position;

use super::Run;
use crate::{Delivered, KeyBytes};

/// The wanted events of several records that follow each other, all of one tenant.
pub(crate) struct Group<'a> {
    events: Vec<Delivered<'a>>,
    /// Of so many records.
    records: usize,
}

impl<'a> Group<'a> {
    /// The events of the records from delivery `first` on, `limit` of them at most. It ends before a record of another tenant,
    /// before one that cannot be decoded, and before one that does not fit in whole. A record alone is no group.
    pub(crate) fn gather(run: Run<'a>, first: usize, limit: usize) -> Option<Self> {
        let deliveries = run.deliveries.get(first..)?;
        if limit < 2 || deliveries.len() < 2 {
            return None;
        }
        let tenant = run.record(*deliveries.first()?)?.stream().tenant();
        let mut group = Self { events: Vec::with_capacity(limit.min(deliveries.len())), records: 0 };
        for delivery in deliveries {
            let record = run.record(*delivery).filter(|record| record.stream().tenant() == tenant);
            let Some(Ok(events)) = record.map(|record| run.events(*delivery, record)) else { break };
            let before = group.events.len();
            group.events.extend(events);
            if group.events.len() > limit {
                group.events.truncate(before);
                break;
            }
            group.records += 1;
            if group.events.len() == limit {
                break;
            }
        }
        (group.records > 1).then_some(group)
    }

    pub(crate) fn events(&self) -> &[Delivered<'a>] {
        &self.events
    }

    pub(crate) fn records(&self) -> usize {
        self.records
    }

    /// The lane's keys of its events, where every row has to begin with one of them.
    pub(super) fn lane_keys(&self, run: Run<'_>) -> Option<Vec<KeyBytes>> {
        let lane_key = run.lane_key?;
        Some(self.events.iter().map(|event| lane_key.key(event.context().record())).collect())
    }

    /// Where its first event is, and its last.
    pub(crate) fn positions(&self) -> Option<(Position, Position)> {
        let position = |event: &Delivered<'_>| event.context().record().position();
        Some((position(self.events.first()?), position(self.events.last()?)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use annals_core::{
        Commit, Decoded, Event, EventKind, EventType, InvalidText, MemoryStore, NewEvent, ReadLog, Store, StreamId,
        Tag,
        codec::{Bytes, EncodeError, PayloadError},
        kinds,
        past::Past,
    };
    use futures::TryStreamExt;

    use super::*;
    use crate::{Subscription, chunk::Chunk, run::Delivery};

    #[derive(Clone)]
    enum SideEvent {
        Left,
        Right,
    }

    impl Event for SideEvent {
        const KINDS: &'static [EventKind] =
            &[EventKind::new("Left", "side.left", 1), EventKind::new("Right", "side.right", 1)];
        const PAST: &'static [Past<Self>] = &[
            Past {
                name: "side.both",
                version: 1,
                kinds: &[0, 1],
                read: |_| Ok(Decoded::Many(vec![Self::Left, Self::Right, Self::Left])),
            },
            Past { name: "side.neither", version: 1, kinds: &[0], read: |_| Ok(Decoded::Many(Vec::new())) },
        ];
        fn kind(&self) -> &'static EventKind {
            match self {
                Self::Left => &Self::KINDS[0],
                Self::Right => &Self::KINDS[1],
            }
        }
        fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
            Ok(vec![])
        }
        fn encode(&self) -> Result<Bytes, EncodeError> {
            Ok(Bytes::new())
        }
        fn decode(kind: usize, _: &[u8]) -> Result<Self, PayloadError> {
            Ok(if kind == 0 { Self::Left } else { Self::Right })
        }
    }

    /// How many records there are in a group, and how many events, beginning at each of the records.
    async fn groups(names: &[&str], subscription: &Subscription, limit: usize) -> Vec<Option<(usize, usize)>> {
        let store = MemoryStore::new();
        let stream = StreamId::new("side", "1").unwrap();
        let event = |name: &&str| NewEvent::new(stream.clone(), EventType::new(*name).unwrap(), b"".as_slice());
        store.commit(Commit::of(names.iter().map(event))).await.unwrap();
        let chunk = Chunk::new(store.read_log(ReadLog::all()).try_collect().await.unwrap(), Position::ZERO);
        let deliveries: Vec<_> = (0..names.len()).map(|index| Delivery { index, events: 0 }).collect();
        let columns = subscription.columns(&chunk);
        let (columns, timeout, due) = (columns.as_slice(), Duration::MAX, tokio::time::Instant::now());
        let run = Run { chunk: &chunk, columns, deliveries: &deliveries, subscription, timeout, due, lane_key: None };
        let counts = |first| Group::gather(run, first, limit).map(|group| (group.records(), group.events().len()));
        (0..names.len()).map(counts).collect()
    }

    #[tokio::test]
    async fn a_record_of_several_events_stays_whole() {
        let names = ["side.left", "side.both", "side.left", "side.both", "side.neither", "side.right"];
        let all = Subscription::new().kinds(kinds![SideEvent::Left, SideEvent::Right]);
        let found = groups(&names, &all, 4).await;
        assert_eq!(found, [Some((2, 4)), Some((2, 4)), Some((2, 4)), Some((3, 4)), Some((2, 1)), None]);
        // Alone it may be more than the limit, and is no group.
        assert_eq!(groups(&names, &all, 2).await, [None, None, None, None, Some((2, 1)), None]);
        assert_eq!(groups(&names, &all, 1).await, [None; 6]);
        // What nobody wants of a record does not count.
        let right = Subscription::new().kinds(kinds![SideEvent::Right]);
        assert_eq!(groups(&names[3..], &right, 2).await, [Some((3, 2)), Some((2, 1)), None]);
    }
}
