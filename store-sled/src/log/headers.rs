//! Headers of frames that were read lately. An event in the middle of a large commit stands far from its frame's header: two
//! reads of the file, one of which many events share.

use std::sync::{PoisonError, RwLock};

use super::frame::FrameHeader;

/// A header and the log offset of its frame.
type Slot = Option<(u64, FrameHeader)>;

/// Keeps headers that were found whole, each in the one slot that its frame may have.
#[derive(Debug)]
pub(crate) struct Headers {
    slots: RwLock<Vec<Slot>>,
}

impl Headers {
    /// So many slots; with 0, nothing is kept.
    pub(crate) fn new(slots: usize) -> Self {
        Self { slots: RwLock::new(vec![None; slots]) }
    }

    /// What so many slots take in memory.
    pub(crate) const fn bytes(slots: usize) -> usize {
        slots * size_of::<Slot>()
    }

    /// The header of the frame at this log offset, if it is kept.
    pub(crate) fn find(&self, frame: u64) -> Option<FrameHeader> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let (at, header) = (*slots.get(slot_of(frame, slots.len())?)?)?;
        (at == frame).then_some(header)
    }

    /// Keeps a header in place of the one that had its slot.
    pub(crate) fn keep(&self, frame: u64, header: FrameHeader) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let slot = slot_of(frame, slots.len());
        if let Some(slot) = slot.and_then(|slot| slots.get_mut(slot)) {
            *slot = Some((frame, header));
        }
    }
}

/// The slot of a frame, if there are any.
fn slot_of(frame: u64, slots: usize) -> Option<usize> {
    let mixed = frame.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    usize::try_from(mixed).ok()?.checked_rem(slots)
}

#[cfg(test)]
mod tests {
    use annals_core::{CommitNumber, Position, Timestamp};

    use super::*;
    use crate::log::event_head::Common;

    fn header(number: u32) -> FrameHeader {
        let (commit, first) = (CommitNumber::from(number), Position::from(number));
        let common = Common { commit, first, recorded: Timestamp::EPOCH };
        FrameHeader { chain: 0, body: 0, events: 0, rows: 0, keyed: false, common }
    }

    /// P9, P10: a frame's header is found at its own place and at no other, and there are never more than slots.
    #[test]
    fn a_header_is_found_at_its_own_place_alone() {
        let headers = Headers::new(16);
        for number in 1..1000_u32 {
            let frame = u64::from(number) * 400;
            headers.keep(frame, header(number));
            assert_eq!(headers.find(frame).map(|header| header.common.commit), Some(CommitNumber::from(number)));
            assert!(headers.find(frame + 1).is_none());
        }
        let found = (1..1000).filter_map(|number| headers.find(number * 400).map(|header| (number, header)));
        let found: Vec<_> = found.collect();
        assert!(found.len() <= 16 && found.iter().all(|(number, header)| header.common.commit.get() == *number));
        let none = Headers::new(0);
        none.keep(400, header(1));
        assert!(none.find(400).is_none());
    }
}
