//! Walking through the log frame by frame, checking that each continues the one before.

use std::sync::Arc;

use annals_core::{Corruption, ReadError};
use bytes::Bytes;

use super::{
    Log,
    frame::{
        CHAINED_FROM, FRAME_HEADER, FRAME_MAGIC, Frame, FrameHeader, GROUP_HEADER, GROUP_MAGIC, SEGMENT_HEADER,
        Standing, chain, take_group_header,
    },
    io_error,
    segment::Segment,
};

/// How much is read from the file at once.
const WINDOW: usize = 256 << 10;

/// Walks through the log frame by frame.
///
/// Invariant: a frame is given out only when its header's checksum holds at its place and it continues what came
/// before; with [`Scanner::chained`] its every byte is covered as well.
pub(crate) struct Scanner {
    log: Arc<Log>,
    segment: Arc<Segment>,
    next_segment: Option<u64>,
    /// Where the log stands behind what was given out.
    pub(crate) standing: Standing,
    /// Where the latest group header begins, if one was seen.
    pub(crate) group_at: Option<u64>,
    /// Whether the hash over all frames is checked.
    chained: bool,
    /// Whether the numbers in `standing` are known; false until the first frame when a scan begins in the middle.
    known: bool,
    window: Bytes,
    window_at: u64,
}

/// What stands at the scanner's place.
pub(crate) enum Step {
    Frame(Frame),
    /// Zeros, or the end of the last file.
    End,
    /// Something that does not continue the log.
    Bad(Corruption),
}

impl Scanner {
    /// A scan of everything behind `standing`, checking every byte.
    pub(crate) fn chained(log: Arc<Log>, standing: Standing) -> Option<Self> {
        let (segment, next_segment) = log.segment(standing.offset)?;
        let behind_header = segment.start.offset + SEGMENT_HEADER as u64;
        let standing = Standing { offset: standing.offset.max(behind_header), ..standing };
        let (window, window_at) = (Bytes::new(), 0);
        Some(Self {
            log,
            segment,
            next_segment,
            standing,
            group_at: None,
            chained: true,
            known: true,
            window,
            window_at,
        })
    }

    /// A scan from a place where a frame or a group begins. Checks headers and their order; items carry checksums of
    /// their own.
    pub(crate) fn from_offset(log: Arc<Log>, offset: u64) -> Option<Self> {
        let scanner = Self::chained(log, Standing { offset, ..Standing::START })?;
        Some(Self { chained: false, known: false, ..scanner })
    }

    /// The next frame before the log offset `end`, or `None` there. Anything else is damage.
    pub(crate) fn next_before(&mut self, end: u64) -> Result<Option<Frame>, ReadError> {
        if self.at_segment_end() && self.standing.offset < end {
            self.enter_next_segment()?;
        }
        if self.standing.offset >= end {
            return Ok(None);
        }
        match self.step()? {
            Step::Frame(frame) => Ok(Some(frame)),
            // A segment was begun since this one was entered.
            Step::End if self.refresh_next_segment() => self.next_before(end),
            Step::End => Err(self.corruption("the log ends here, more was committed").into()),
            Step::Bad(corruption) => Err(corruption.into()),
        }
    }

    /// What stands at the scanner's place; moves behind it.
    pub(crate) fn step(&mut self) -> Result<Step, ReadError> {
        loop {
            if self.at_segment_end() {
                self.enter_next_segment()?;
            }
            let magic = self.peek(4)?;
            if magic == GROUP_MAGIC.as_slice() {
                if let Some(bad) = self.enter_group()? {
                    return Ok(Step::Bad(bad));
                }
            } else if magic == FRAME_MAGIC.as_slice() {
                return self.take_frame();
            } else if magic.iter().all(|byte| *byte == 0) && self.next_segment.is_none() {
                return Ok(Step::End);
            } else {
                return Ok(Step::Bad(self.corruption("neither a group nor a commit begins here")));
            }
        }
    }

    fn refresh_next_segment(&mut self) -> bool {
        let next = self.log.segment(self.standing.offset).map(|(segment, _)| segment);
        self.next_segment = next.filter(|next| !Arc::ptr_eq(next, &self.segment)).map(|next| next.start.offset);
        self.next_segment.is_some()
    }

    fn at_segment_end(&self) -> bool {
        self.next_segment.is_some_and(|next| self.standing.offset >= next)
    }

    fn enter_next_segment(&mut self) -> Result<(), ReadError> {
        let Some((segment, next_segment)) = self.log.segment(self.standing.offset) else { return Ok(()) };
        let begins = Standing { offset: segment.start.offset, ..self.standing };
        if self.chained && self.known && segment.start != begins {
            return Err(segment
                .corruption(segment.start.offset, "the segment does not continue the one before")
                .into());
        }
        self.standing.offset = segment.start.offset + SEGMENT_HEADER as u64;
        self.segment = segment;
        self.next_segment = next_segment;
        self.window = Bytes::new();
        Ok(())
    }

    /// Moves behind a group header, or says what is wrong with it.
    fn enter_group(&mut self) -> Result<Option<Corruption>, ReadError> {
        let at = self.standing.offset;
        let header = self.peek(GROUP_HEADER)?;
        let Some((number, previous_end)) = take_group_header(&header, self.log.id, at) else {
            return Ok(Some(self.corruption("the header of a group does not match its checksum")));
        };
        if self.chained && self.known && number != self.standing.group + 1 {
            let what = format!("group {number} follows group {}", self.standing.group);
            return Ok(Some(self.corruption(what)));
        }
        // A group at the beginning of a segment names the end of the segment before, which is the segment's beginning.
        let first = at == self.segment.start.offset + SEGMENT_HEADER as u64;
        let ended = if first { self.segment.start.offset } else { at };
        if previous_end != ended {
            let what =
                format!("the group says that the one before ended at byte {previous_end} of the log, not {ended}");
            return Ok(Some(self.corruption(what)));
        }
        self.standing.group = number;
        self.group_at = Some(at);
        self.standing.offset += GROUP_HEADER as u64;
        Ok(None)
    }

    fn take_frame(&mut self) -> Result<Step, ReadError> {
        let at = self.standing.offset;
        let head = self.peek(FRAME_HEADER)?;
        let Some(header) = FrameHeader::take(&head, self.log.id, at) else {
            return Ok(Step::Bad(self.corruption("the header of a commit does not match its checksum")));
        };
        let common = header.common;
        if self.known && (common.commit != self.standing.commit.next() || common.first != self.standing.position.next())
        {
            let what = format!(
                "commit {} at position {} follows commit {} at position {}",
                common.commit, common.first, self.standing.commit, self.standing.position
            );
            return Ok(Step::Bad(self.corruption(what)));
        }
        let frame = self.peek(FRAME_HEADER + header.body)?;
        if frame.len() < FRAME_HEADER + header.body {
            return Ok(Step::Bad(self.corruption("a commit is cut off by the end of the file")));
        }
        let body = frame.slice(FRAME_HEADER..);
        if self.chained && chain(self.standing.chain, &head.slice(CHAINED_FROM..), &body) != header.chain {
            return Ok(Step::Bad(self.corruption("a commit does not match its hash")));
        }
        self.segment.mark(common.first, at);
        self.standing = Standing {
            offset: at + header.length(),
            chain: header.chain,
            commit: common.commit,
            position: header.last(),
            recorded: common.recorded,
            group: self.standing.group,
        };
        self.known = true;
        Ok(Step::Frame(Frame { offset: at, header, body }))
    }

    /// The next `length` bytes of the segment, or fewer where it ends.
    fn peek(&mut self, length: usize) -> Result<Bytes, ReadError> {
        let at = self.standing.offset;
        let length = match self.next_segment {
            Some(next) => length.min(usize::try_from(next.saturating_sub(at)).unwrap_or(usize::MAX)),
            None => length,
        };
        let inside = at.checked_sub(self.window_at).and_then(|skip| usize::try_from(skip).ok());
        if let Some(skip) = inside
            && skip + length <= self.window.len()
        {
            return Ok(self.window.slice(skip..skip + length));
        }
        self.window = self.segment.read(at, length.max(WINDOW)).map_err(|error| io_error(&self.segment, &error))?;
        self.window_at = at;
        Ok(self.window.slice(..length.min(self.window.len())))
    }

    pub(crate) fn corruption(&self, what: impl Into<String>) -> Corruption {
        self.segment.corruption(self.standing.offset, what)
    }
}
