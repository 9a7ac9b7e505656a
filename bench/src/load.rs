//! What one writer appends: random payloads to random streams of its own.

use annals_core::{InvalidText, StreamId, Version};
use bytes::Bytes;

use crate::subject::Append;

pub(crate) const STREAMS: usize = 10_000;
pub(crate) const PAYLOAD_BYTES: usize = 256;

/// The appends of one writer. No two writers share a stream, so that no version that is expected is ever wrong.
pub(crate) struct Load {
    streams: Vec<(StreamId, Version)>,
    random: Random,
}

impl Load {
    /// The load of one of `writers`.
    pub(crate) fn of(writer: usize, writers: usize) -> Result<Self, InvalidText> {
        let stream = |number: usize| Ok((StreamId::new("bench", number.to_string())?, Version::ZERO));
        let streams = (writer..STREAMS).step_by(writers).map(stream).collect::<Result<_, InvalidText>>()?;
        Ok(Self { streams, random: Random(0x9E37_79B9_7F4A_7C15 ^ (writer as u64 + 1)) })
    }
}

impl Iterator for Load {
    type Item = Append;

    fn next(&mut self) -> Option<Append> {
        let index = usize::try_from(self.random.next() >> 1).unwrap_or_default() % self.streams.len().max(1);
        let (stream, version) = self.streams.get_mut(index)?;
        let expected = std::mem::replace(version, version.next());
        let payload: Vec<u8> = (0..PAYLOAD_BYTES / 8).flat_map(|_| self.random.next().to_le_bytes()).collect();
        Some(Append { stream: stream.clone(), expected, payload: Bytes::from(payload) })
    }
}

/// Xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_share_no_stream() {
        let mut all: Vec<_> =
            (0..64).flat_map(|writer| Load::of(writer, 64).unwrap().streams).map(|(stream, _)| stream).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), STREAMS);
    }

    #[test]
    fn each_append_expects_the_one_before() {
        let mut versions = std::collections::HashMap::new();
        for append in Load::of(3, 64).unwrap().take(1000) {
            assert_eq!(append.payload.len(), PAYLOAD_BYTES);
            let version = versions.entry(append.stream).or_insert(Version::ZERO);
            assert_eq!(append.expected, *version);
            *version = version.next();
        }
        assert!(versions.values().any(|version| version.get() > 1));
    }
}
