//! Reading the log frame by frame, forward.

use std::sync::Arc;

use annals_core::{AsOf, EventQuery, Position, ReadError, ReadLog, Record};
use bytes::Bytes;

use super::{Batch, ahead::LongRead};
use crate::log::{
    Log,
    event_head::{EventHead, Types},
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
    types: Types,
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
            types: Types::default(),
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

    fn fill(&mut self, batch: &mut Making, limit: usize) -> Result<(), ReadError> {
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
                    batch.reserve(&found.header);
                }
                self.take_events(&found, batch).map_err(|error| self.log.item_error(found.offset, error))?;
            }
            let is_full = batch.records.len() >= limit || batch.payloads.len() >= PAYLOAD_BYTES;
            let goes_on = self.is_ahead && !batch.records.is_empty();
            if is_full || (self.scanner.is_at_window_end() && !goes_on) {
                return Ok(());
            }
        }
    }

    /// Whether nothing from this frame on is seen: positions and recorded times rise.
    fn is_beyond(&self, header: &FrameHeader) -> bool {
        let is_unseen = matches!(self.read.as_of, AsOf::Recorded(time) if header.common.recorded > time);
        is_unseen || header.common.first > self.last
    }

    fn take_events(&mut self, found: &FoundFrame, batch: &mut Making) -> Result<(), (u64, ItemError)> {
        let common = found.header.common;
        let Self { scanner, read, last, types, .. } = self;
        let mut items = scanner.items(found);
        while let Some(event) = items.event()? {
            let fail = |error| (u64::from(event.at), error);
            let position = event.head.position(common).map_err(fail)?;
            if position > read.after && position <= *last && matches(&read.query, &event.head) {
                let record = event.head.record(common, types, |_| Bytes::new()).map_err(fail)?;
                batch.add(record, event.head.payload().map_err(fail)?);
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
        let mut batch = Making::default();
        let from = self.scanner.standing.offset;
        let error = self.fill(&mut batch, limit).err();
        self.passed += self.scanner.standing.offset - from;
        self.is_over |= error.is_some();
        Some(Batch { records: batch.finish(), error })
    }
}

fn matches(query: &EventQuery, head: &EventHead<'_>) -> bool {
    query.matches_texts(head.stream, head.event_type, head.tags())
}

/// A batch in the making: the records still without their payloads, which stand in one buffer.
#[derive(Default)]
struct Making {
    records: Vec<Record>,
    lengths: Vec<usize>,
    payloads: Vec<u8>,
}

/// An event takes more bytes of a frame than this: its id and checksum alone do.
const EVENT_BYTES_MIN: usize = 20;

impl Making {
    /// Makes room for all events of a frame: to grow step by step is a seventh of the work of a scan.
    fn reserve(&mut self, frame: &FrameHeader) {
        let events = frame.events.min(frame.body / EVENT_BYTES_MIN);
        self.records.reserve(events);
        self.lengths.reserve(events);
        self.payloads.reserve(frame.body.max(PAYLOAD_BYTES.saturating_sub(self.payloads.len())));
    }

    fn add(&mut self, record: Record, payload: &[u8]) {
        if self.payloads.capacity() == 0 {
            self.payloads.reserve(PAYLOAD_BYTES);
        }
        self.records.push(record);
        self.lengths.push(payload.len());
        self.payloads.extend_from_slice(payload);
    }

    fn finish(mut self) -> Vec<Record> {
        let mut payloads = Bytes::from(self.payloads);
        for (record, length) in self.records.iter_mut().zip(self.lengths) {
            record.payload = payloads.split_to(length);
        }
        self.records
    }
}
