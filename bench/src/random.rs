//! Random numbers that are the same in every run.

use std::sync::LazyLock;

use bytes::Bytes;
use uuid::Uuid;

/// Xorshift: fast, and good enough to choose a stream or fill a payload.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // The state must not be zero, and seeds that lie side by side must not give alike numbers.
        Self(mix(seed) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, 0 if there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 1).unwrap_or_default() % end.max(1)
    }
}

/// A payload of `length` random bytes. It is cut from bytes made once: the making of payloads is not what is measured.
pub(crate) fn payload(random: &mut Random, length: usize) -> Bytes {
    const BYTES: usize = 256 << 10;
    static ALL: LazyLock<Bytes> = LazyLock::new(|| {
        let mut random = Random::new(1);
        (0..BYTES / 8).flat_map(|_| random.next().to_le_bytes()).collect::<Vec<u8>>().into()
    });
    let from = random.below(BYTES - length);
    ALL.slice(from..from + length)
}

/// The same UUID of version 4 for the same number.
pub(crate) fn uuid_of(number: u64) -> Uuid {
    let (high, low) = (mix(number), mix(!number));
    uuid::Builder::from_random_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes()).into_uuid()
}

/// Splitmix: each number gives another one, all bits of which depend on all of its bits.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_ids_of_their_own() {
        let ids: std::collections::BTreeSet<_> = (0..10_000).map(uuid_of).collect();
        assert_eq!(ids.len(), 10_000);
        assert_eq!(uuid_of(7), uuid_of(7));
        assert_eq!(uuid_of(7).get_version_num(), 4);
    }

    #[test]
    fn payloads_differ_and_have_their_length() {
        let mut random = Random::new(1);
        let (first, second) = (payload(&mut random, 256), payload(&mut random, 256));
        assert_eq!((first.len(), second.len()), (256, 256));
        assert_ne!(first, second);
    }
}
