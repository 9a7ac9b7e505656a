//! Large stores, filled by commits of 1,000 events from several tasks.

use std::{ops::Range, sync::Arc, time::Duration};

use annals_core::{Commit, Event, InvalidText, NewEvent, Store, StreamId, Tag};
use annals_store_sled::{SledOptions, SledStore};
use clap::{Args, ValueEnum};
use tokio::task::JoinSet;

use crate::{
    Failure,
    event::OrderEvent,
    random::{Random, uuid_of},
};

const COMMIT_EVENTS: u64 = 1000;
const TASKS: u64 = 4;
/// The streams that are to be read grow in so many steps, so that their events lie all over the log.
const STEPS: u64 = 10;

/// What a store is filled with.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Fill {
    /// Events, each of about 256 bytes.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: u64,
    /// Streams, to which they are appended in turn.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) streams: u64,
    /// How the keys of the streams look.
    #[arg(long, default_value = "number", value_enum)]
    pub(crate) ids: Ids,
    /// Whether each event carries a tag; ten events share one.
    #[arg(long)]
    pub(crate) tags: bool,
    /// Also fills the streams of up to so many events whose events are a commit each, spread over the log.
    #[arg(long, default_value_t = 0)]
    pub(crate) singles: u64,
}

/// How the keys of streams look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ids {
    /// Short numbers.
    Number,
    /// UUIDs of version 4.
    Uuid,
}

impl Ids {
    pub(crate) fn name(self) -> &'static str {
        if self == Self::Uuid { "uuid" } else { "number" }
    }

    pub(crate) fn stream(self, number: u64) -> Result<StreamId, InvalidText> {
        match self {
            Self::Number => StreamId::new("bench", number.to_string()),
            Self::Uuid => StreamId::new("bench", uuid_of(number).to_string()),
        }
    }
}

/// Streams whose events are a commit each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Singles {
    /// Events of each stream, a multiple of [`STEPS`].
    pub(crate) events: u64,
    pub(crate) streams: u64,
}

/// The streams that are read.
pub(crate) const SINGLES: [Singles; 3] = [
    Singles { events: 10, streams: 1000 },
    Singles { events: 100, streams: 200 },
    Singles { events: 10_000, streams: 4 },
];

impl Singles {
    pub(crate) fn stream(self, number: u64) -> Result<StreamId, InvalidText> {
        StreamId::new(format!("single{}", self.events), number.to_string())
    }
}

/// Opens the store in a folder that was begun before, or begins one.
pub(crate) async fn open(folder: &std::path::Path) -> Result<SledStore, Failure> {
    let options = SledOptions::new(folder);
    Ok(tokio::task::spawn_blocking(move || SledStore::open(options)).await??)
}

/// Fills a new store in `folder`, closes it and opens it again.
pub(crate) async fn filled(folder: &std::path::Path, fill: Fill) -> Result<Arc<dyn Store>, Failure> {
    let store: Arc<dyn Store> = Arc::new(open(folder).await?);
    fill.run(&store).await?;
    store.shut_down().await;
    drop(store);
    Ok(Arc::new(open(folder).await?))
}

impl Fill {
    /// The events that are not among [`events`](Self::events).
    pub(crate) fn single_events(&self) -> u64 {
        let kinds = SINGLES.iter().filter(|kind| kind.events <= self.singles);
        kinds.map(|kind| kind.events * kind.streams).sum()
    }

    /// How many tags there are.
    pub(crate) fn tag_count(&self) -> u64 {
        (self.events / 10).max(1)
    }

    /// Fills the store; gives the bytes of all payloads.
    pub(crate) async fn run(self, store: &Arc<dyn Store>) -> Result<u64, Failure> {
        let mut bytes = 0;
        for step in 0..STEPS {
            bytes += self.bulk(store, self.events * step / STEPS..self.events * (step + 1) / STEPS).await?;
            bytes += self.singles(store).await?;
        }
        Ok(bytes)
    }

    async fn bulk(self, store: &Arc<dyn Store>, events: Range<u64>) -> Result<u64, Failure> {
        let mut tasks = JoinSet::<Result<u64, Failure>>::new();
        for task in 0..TASKS {
            let (store, events) = (Arc::clone(store), events.clone());
            tasks.spawn(async move {
                let (mut bytes, mut random) = (0, Random::new(events.start + task));
                let mut from = events.start + task * COMMIT_EVENTS;
                while from < events.end {
                    let commit = self.commit(from..events.end.min(from + COMMIT_EVENTS), &mut random)?;
                    bytes += commit.events.iter().map(|event| event.payload.len() as u64).sum::<u64>();
                    store.commit(commit).await?;
                    from += TASKS * COMMIT_EVENTS;
                }
                Ok(bytes)
            });
        }
        sum(tasks).await
    }

    fn commit(self, events: Range<u64>, random: &mut Random) -> Result<Commit, Failure> {
        let new_event = |number: u64| {
            let mut event = new_event(self.ids.stream(number % self.streams.max(1))?, random)?;
            if self.tags {
                event.tags.push(tag(number % self.tag_count())?);
            }
            Ok(event)
        };
        Ok(Commit::of(events.map(new_event).collect::<Result<Vec<_>, Failure>>()?))
    }

    /// Gives each of the streams that are read the events of one step, each a commit of its own, in turn.
    async fn singles(self, store: &Arc<dyn Store>) -> Result<u64, Failure> {
        const WRITERS: u64 = 64;
        let mut tasks = JoinSet::<Result<u64, Failure>>::new();
        for writer in 0..WRITERS {
            let store = Arc::clone(store);
            tasks.spawn(async move {
                let (mut bytes, mut random) = (0, Random::new(writer));
                for kind in SINGLES.iter().filter(|kind| kind.events <= self.singles) {
                    for _ in 0..kind.events / STEPS {
                        for number in (0..kind.streams).filter(|number| number % WRITERS == writer) {
                            let event = new_event(kind.stream(number)?, &mut random)?;
                            bytes += event.payload.len() as u64;
                            store.commit(Commit::of([event])).await?;
                        }
                    }
                }
                Ok(bytes)
            });
        }
        sum(tasks).await
    }
}

/// An event with random content.
pub(crate) fn new_event(stream: StreamId, random: &mut Random) -> Result<NewEvent, Failure> {
    let event = OrderEvent::random(random);
    Ok(NewEvent::new(stream, event.kind().event_type()?, event.encode()?))
}

/// The tag that ten events share.
pub(crate) fn tag(number: u64) -> Result<Tag, InvalidText> {
    Tag::of("item", number)
}

async fn sum(mut tasks: JoinSet<Result<u64, Failure>>) -> Result<u64, Failure> {
    let mut sum = 0;
    while let Some(task) = tasks.join_next().await {
        sum += task??;
    }
    Ok(sum)
}

/// Waits until what goes on behind the answers is likely to be done: an index is written after half a second.
pub(crate) async fn idle() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

#[cfg(test)]
mod tests {
    use annals_core::{MemoryStore, ReadStream};
    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn a_filled_store_has_all_events_in_all_streams() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let fill = Fill { events: 25_000, streams: 1000, ids: Ids::Uuid, tags: true, singles: 100 };
        let bytes = fill.run(&store).await.unwrap();
        let events = store.head().borrow().position.get();
        assert_eq!(events, 25_000 + 10 * 1000 + 100 * 200);
        assert_eq!(events, 25_000 + fill.single_events());
        assert!((240 * events..272 * events).contains(&bytes));
        for (stream, expected) in [(fill.ids.stream(7).unwrap(), 25), (SINGLES[1].stream(7).unwrap(), 100)] {
            assert_eq!(store.read_stream(ReadStream::all(stream)).count().await, expected);
        }
    }
}
