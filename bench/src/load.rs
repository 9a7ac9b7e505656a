//! What is appended.

use std::str::FromStr;

use annals_core::{InvalidText, StreamId, Version};
use bytes::Bytes;
use uuid::Uuid;

use crate::random::{Random, payload, uuid_of};

pub(crate) const PAYLOAD_BYTES: usize = 256;

/// One event, for a stream that is at version `expected`.
pub(crate) struct Append {
    pub(crate) stream: StreamId,
    pub(crate) expected: Version,
    pub(crate) payload: Bytes,
}

/// Which streams are appended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Streams {
    /// So many, chosen at random.
    Fixed(usize),
    /// Every append begins a stream, its key a random UUID.
    New,
    /// Every append begins a stream, its key a UUID that sorts behind those before.
    NewOrdered,
}

impl FromStr for Streams {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "new" => Ok(Self::New),
            "new-ordered" => Ok(Self::NewOrdered),
            number => number.parse().map(Self::Fixed),
        }
    }
}

impl std::fmt::Display for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(streams) => write!(f, "{streams} streams"),
            Self::New => f.write_str("every append a new stream"),
            Self::NewOrdered => f.write_str("every append a new stream, ids ordered by time"),
        }
    }
}

/// The appends of one writer. No two writers share a stream, so that no version that is expected is ever wrong.
pub(crate) struct Load {
    streams: Streams,
    /// The writer's own streams, where they are fixed.
    own: Vec<(StreamId, Version)>,
    random: Random,
}

impl Load {
    /// The load of one of `writers`, in streams named after `round`, so that a store can be given several loads.
    pub(crate) fn of(streams: Streams, round: u64, writer: usize, writers: usize) -> Result<Self, InvalidText> {
        let stream = |number: usize| Ok((StreamId::new(format!("bench{round}"), number.to_string())?, Version::ZERO));
        let count = if let Streams::Fixed(count) = streams { count.max(writers) } else { 0 };
        let own = (writer..count).step_by(writers).map(stream).collect::<Result<_, InvalidText>>()?;
        let seed = round << 32 | writer as u64;
        Ok(Self { streams, own, random: Random::new(seed) })
    }
}

impl Iterator for Load {
    type Item = Append;

    fn next(&mut self) -> Option<Append> {
        let (stream, expected) = match self.streams {
            Streams::Fixed(_) => {
                let index = self.random.below(self.own.len());
                let (stream, version) = self.own.get_mut(index)?;
                (stream.clone(), std::mem::replace(version, version.next()))
            }
            Streams::New => (new_stream(uuid_of(self.random.next()))?, Version::ZERO),
            Streams::NewOrdered => (new_stream(Uuid::now_v7())?, Version::ZERO),
        };
        Some(Append { stream, expected, payload: payload(&mut self.random, PAYLOAD_BYTES) })
    }
}

fn new_stream(key: Uuid) -> Option<StreamId> {
    StreamId::new("bench", key.to_string()).ok()
}

/// Batches of one caller: several events for each stream, every stream new.
pub(crate) struct Batches {
    events: usize,
    events_per_stream: usize,
    random: Random,
}

impl Batches {
    pub(crate) fn of(events: usize, events_per_stream: usize) -> Self {
        Self { events, events_per_stream: events_per_stream.max(1), random: Random::new(7) }
    }
}

impl Iterator for Batches {
    type Item = Vec<Append>;

    fn next(&mut self) -> Option<Vec<Append>> {
        let mut batch = Vec::with_capacity(self.events);
        while batch.len() < self.events {
            let stream = new_stream(uuid_of(self.random.next()))?;
            let mut expected = Version::ZERO;
            for _ in 0..self.events_per_stream.min(self.events - batch.len()) {
                batch.push(Append {
                    stream: stream.clone(),
                    expected,
                    payload: payload(&mut self.random, PAYLOAD_BYTES),
                });
                expected = expected.next();
            }
        }
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_share_no_stream() {
        let own = |writer| Load::of(Streams::Fixed(10_000), 1, writer, 64).unwrap().own;
        let mut all: Vec<_> = (0..64).flat_map(own).map(|(stream, _)| stream).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 10_000);
    }

    #[test]
    fn each_append_expects_the_one_before() {
        let mut versions = std::collections::HashMap::new();
        for append in Load::of(Streams::Fixed(10_000), 1, 3, 64).unwrap().take(1000) {
            assert_eq!(append.payload.len(), PAYLOAD_BYTES);
            let version = versions.entry(append.stream).or_insert(Version::ZERO);
            assert_eq!(append.expected, *version);
            *version = version.next();
        }
        assert!(versions.values().any(|version| version.get() > 1));
    }

    #[test]
    fn new_streams_are_new_whoever_writes() {
        for streams in [Streams::New, Streams::NewOrdered] {
            let appends = (0..4).flat_map(|writer| Load::of(streams, 1, writer, 4).unwrap().take(1000));
            let streams: std::collections::HashSet<_> = appends.map(|append| append.stream).collect();
            assert_eq!(streams.len(), 4000);
        }
    }

    #[test]
    fn batches_begin_streams_of_several_events() {
        let batches: Vec<_> = Batches::of(25, 10).take(2).collect();
        let versions = |batch: &[Append]| batch.iter().map(|append| append.expected.get()).collect::<Vec<_>>();
        let expected: Vec<u64> = (0..10).chain(0..10).chain(0..5).collect();
        assert_eq!((versions(&batches[0]), versions(&batches[1])), (expected.clone(), expected));
        assert_ne!(batches[0][0].stream, batches[1][0].stream);
    }

    #[test]
    fn streams_are_a_number_or_new() {
        assert_eq!("62".parse(), Ok(Streams::Fixed(62)));
        assert_eq!("new".parse(), Ok(Streams::New));
        assert_eq!("new-ordered".parse(), Ok(Streams::NewOrdered));
        assert!("old".parse::<Streams>().is_err());
    }
}
