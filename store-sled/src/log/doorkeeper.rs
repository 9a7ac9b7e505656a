//! Which events were asked for before: once a cache is full, one that is read for the first time stays outside. Where events
//! are read at random among many, most never come again, and to let them in would cost more than to read them.

use std::sync::atomic::{AtomicU32, Ordering};

/// Remembers positions, each in the one slot that it may have, until another one takes it. It may forget and, of positions
/// that are 2^32 apart, take one for the other: either costs time and nothing else.
#[derive(Debug)]
pub(crate) struct Doorkeeper {
    seen: Vec<AtomicU32>,
}

impl Doorkeeper {
    /// So many slots.
    pub(crate) fn new(slots: usize) -> Self {
        Self { seen: std::iter::repeat_with(AtomicU32::default).take(slots).collect() }
    }

    /// What so many slots take in memory.
    pub(crate) const fn bytes(slots: usize) -> usize {
        slots * size_of::<AtomicU32>()
    }

    /// Whether the position was seen lately; from now on it was.
    pub(crate) fn has_seen(&self, position: u64) -> bool {
        let mixed = position.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let slot = usize::try_from(mixed).ok().and_then(|mixed| mixed.checked_rem(self.seen.len()));
        let Some(seen) = slot.and_then(|slot| self.seen.get(slot)) else { return false };
        let mark = position as u32;
        seen.swap(mark, Ordering::Relaxed) == mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_time_is_told_from_the_first() {
        let doorkeeper = Doorkeeper::new(1000);
        for position in 1..100_u64 {
            assert!(!doorkeeper.has_seen(position) && doorkeeper.has_seen(position));
        }
        let remembered = (1..100).filter(|position| doorkeeper.has_seen(*position)).count();
        assert!(remembered > 60, "{remembered} of 99");
        assert!(!Doorkeeper::new(0).has_seen(1));
    }
}
