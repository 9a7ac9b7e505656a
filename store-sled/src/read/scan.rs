//! Reading the log frame by frame, forward.

use std::sync::Arc;

use annals_core::{AsOf, EventQuery, Position, ReadError, ReadLog, RecordsBuilder};

use super::{Batch, ahead::LongRead};
use crate::log::{
    Log,
    event_head::{EventHead, Met},
    frame::{FrameHeader, Standing},
    item::ItemError,
    scanner::{FoundFrame, Scanner},
};

/// A forward scan of the log. It looks at each event where it was read, and makes a record only of one that matches.
pub(crate) struct ForwardScan {
    log: Arc<Log>,
    scanner: Scanner,
    read: ReadLog,
    /// Nothing behind it is of interest.
    last: Position,
    /// The log offset at which the scan ends.
    end: u64,
    is_over: bool,
    /// How many bytes of the log were read.
    passed: u64,
    /// Whether batches are to be full, rather than given out as soon as possible.
    is_ahead: bool,
    met: Met,
}

/// Payloads of a batch are copied into one buffer of up to about this size: they do not hold what was read beside them
/// in memory, and cost one allocation together: one small enough that the allocator keeps it, instead of getting it from
/// the system each time.
const PAYLOAD_BYTES: usize = 64 << 10;

/// Once so much was read, a scan is a long one.
const WARM_BYTES: u64 = 1 << 20;

impl ForwardScan {
    /// A scan for what `read` asks for, whatever its direction, up to the position `last` and the log offset `end`.
    pub(crate) fn begin(log: &Arc<Log>, read: ReadLog, last: Position, end: u64) -> Option<Self> {
        let offset = log.offset_before(read.after.next());
        let scanner = Scanner::from_offset(Arc::clone(log), offset, end)?;
        Some(Self {
            log: Arc::clone(log),
            scanner,
            read,
            last,
            end,
            is_over: false,
            passed: 0,
            is_ahead: false,
            met: Met::default(),
        })
    }

    /// How many bytes of the log are still to be read.
    pub(crate) fn bytes_left(&self) -> u64 {
        if self.is_over { 0 } else { self.end.saturating_sub(self.scanner.standing.offset) }
    }

    /// Whether so much was read that the rest is likely to be wanted too.
    pub(crate) fn is_warm(&self) -> bool {
        self.passed >= WARM_BYTES
    }

    fn fill(&mut self, batch: &mut RecordsBuilder, limit: usize) -> Result<(), ReadError> {
        loop {
            let Some(found) = self.scanner.find_before(self.end)? else {
                self.is_over = true;
                let Standing { position, offset, .. } = self.scanner.standing;
                self.scanner.mark_end(position.next(), offset);
                return Ok(());
            };
            if found.header.events > 0 && found.header.last() > self.read.after {
                if self.is_beyond(&found.header) {
                    self.is_over = true;
                    self.scanner.mark_end(found.header.common.first, found.offset);
                    return Ok(());
                }
                if self.read.query.is_match_all() {
                    self.reserve(&found.header, batch);
                }
                self.take_events(&found, batch).map_err(|error| self.log.item_error(found.offset, error))?;
            }
            let is_full = batch.len() >= limit || batch.payload_bytes() >= PAYLOAD_BYTES;
            let goes_on = self.is_ahead && !batch.is_empty();
            if is_full || (self.scanner.is_at_window_end() && !goes_on) {
                return Ok(());
            }
        }
    }

    /// Makes room for all events of a frame: to grow step by step is a seventh of the work of a scan.
    fn reserve(&self, frame: &FrameHeader, batch: &mut RecordsBuilder) {
        let more = if self.is_ahead { PAYLOAD_BYTES.saturating_sub(batch.payload_bytes()) } else { 0 };
        batch.reserve(frame.events.min(frame.body / EVENT_BYTES_MIN), frame.body.max(more));
    }

    /// Whether nothing from this frame on is seen: positions and recorded times rise.
    fn is_beyond(&self, header: &FrameHeader) -> bool {
        let is_unseen = matches!(self.read.as_of, AsOf::Recorded(time) if header.common.recorded > time);
        is_unseen || header.common.first > self.last
    }

    fn take_events(&mut self, found: &FoundFrame, batch: &mut RecordsBuilder) -> Result<(), (u64, ItemError)> {
        let common = found.header.common;
        let Self { scanner, read, last, met, .. } = self;
        let mut items = scanner.items(found);
        while let Some(event) = items.event()? {
            let fail = |error| (u64::from(event.at), error);
            let position = event.head.position(common).map_err(fail)?;
            if position > read.after && position <= *last && matches(&read.query, &event.head) {
                event.head.read(common, met, |parts| batch.add(parts)).map_err(fail)?;
            }
        }
        Ok(())
    }
}

impl LongRead for ForwardScan {
    fn go_ahead(&mut self) {
        self.is_ahead = true;
    }

    /// A batch is empty where a part of the log had none. A frame's records stay together, so it may be larger than asked
    /// for.
    fn next_batch(&mut self, limit: usize) -> Option<Batch> {
        if self.is_over {
            return None;
        }
        let mut batch = RecordsBuilder::new();
        let from = self.scanner.standing.offset;
        let error = self.fill(&mut batch, limit).err();
        self.passed += self.scanner.standing.offset - from;
        self.is_over |= error.is_some();
        Some(Batch { records: batch.finish().collect(), error })
    }
}

fn matches(query: &EventQuery, head: &EventHead<'_>) -> bool {
    query.matches_texts(head.stream, head.event_type, head.tags())
}

/// An event takes more bytes of a frame than this: its id and checksum alone do.
const EVENT_BYTES_MIN: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::gather::tests::log_of;

    /// P10: a whole frame is checked at once behind one that was seen. What is damaged in it is told by its item all the same, and
    /// what stands before that is given.
    #[test]
    fn damage_is_told_by_the_event_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let (log, places) = log_of(folder.path(), &[(2, 0), (5, 0), (3, 0)]);
        let end = places.last().map_or(0, |last| last.frame + u64::from(last.item) + u64::from(last.length));
        let batch = || ForwardScan::begin(&log, ReadLog::all(), 10.into(), end).unwrap().next_batch(100).unwrap();
        let positions = |batch: &Batch| batch.records.iter().map(|record| record.position().get()).collect::<Vec<_>>();
        let whole = batch();
        assert_eq!((positions(&whole), whole.error.is_none()), ((1..=10).collect(), true));
        let (segment, _) = log.segment(0).unwrap();
        for damaged in [1, 2, 4, 6, 8, 9] {
            let at = places[damaged].frame + u64::from(places[damaged].item);
            let last = at + u64::from(places[damaged].length) - 1;
            let mut byte = [0];
            segment.file.read_at(&mut byte, last).unwrap();
            segment.file.write_at(b"!", last).unwrap();
            let found = batch();
            assert_eq!(positions(&found), (1..=damaged as u64).collect::<Vec<_>>());
            let Some(ReadError::Corrupt(corruption)) = found.error else { panic!("{:?}", found.error) };
            assert_eq!(corruption.offset, at);
            segment.file.write_at(&byte, last).unwrap();
        }
        assert!(batch().error.is_none());
    }
}
