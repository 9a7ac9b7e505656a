//! Walking through the log frame by frame, checking that each continues the one before.

use std::{ops::Range, sync::Arc};

use annals_core::{Corruption, Position, ReadError};
use bytes::Bytes;

use super::{
    Log,
    frame::{
        CHAINED_FROM, FRAME_HEADER, FRAME_MAGIC, Frame, FrameHeader, GROUP_HEADER, GROUP_MAGIC, SEGMENT_HEADER,
        Standing, chain, take_group_header,
    },
    io_error,
    items::Items,
    segment::Segment,
};

/// How much is read from the file at once: little at first, since many scans are short, then twice as much each time.
const WINDOW_MIN: usize = 16 << 10;
const WINDOW_MAX: usize = 128 << 10;

/// Where a commit was larger than that, so much: the next one is likely to be as large, and its beginning would be read twice.
const LARGE_WINDOW_MAX: usize = 1 << 20;

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
    /// Nothing is read from here on.
    end: u64,
    /// What was read last, and where it stands in the log. The buffer is used again and again.
    window: Vec<u8>,
    window_at: u64,
    window_bytes: usize,
    /// From here on the segment wants to know where frames begin.
    mark_from: u64,
}

/// A frame whose body is still in the scanner's window.
pub(crate) struct FoundFrame {
    pub(crate) offset: u64,
    pub(crate) header: FrameHeader,
    body: Range<usize>,
    /// The hash over all frames before it, where the scan has seen the one before.
    before: Option<u64>,
}

/// What stands at the scanner's place, before it is given out.
pub(crate) enum Found {
    Frame(FoundFrame),
    End,
    Bad(Corruption),
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
        Some(Self {
            log,
            segment,
            next_segment,
            standing,
            group_at: None,
            chained: true,
            known: true,
            end: u64::MAX,
            window: Vec::new(),
            window_at: 0,
            window_bytes: WINDOW_MAX,
            mark_from: 0,
        })
    }

    /// A scan from a place where a frame or a group begins, up to `end`. Checks headers and their order; items carry
    /// checksums of their own.
    pub(crate) fn from_offset(log: Arc<Log>, offset: u64, end: u64) -> Option<Self> {
        let scanner = Self::chained(log, Standing { offset, ..Standing::START })?;
        Some(Self { chained: false, known: false, end, window_bytes: WINDOW_MIN, ..scanner })
    }

    /// The next frame before the log offset `end`, or `None` there, its body left in the window until the scan goes on.
    /// Anything else is damage.
    pub(crate) fn find_before(&mut self, end: u64) -> Result<Option<FoundFrame>, ReadError> {
        if self.at_segment_end() && self.standing.offset < end {
            self.enter_next_segment()?;
        }
        if self.standing.offset >= end {
            return Ok(None);
        }
        match self.find()? {
            Found::Frame(found) => Ok(Some(found)),
            // A segment was begun since this one was entered.
            Found::End if self.refresh_next_segment() => self.find_before(end),
            Found::End => Err(self.corruption("the log ends here, more was committed").into()),
            Found::Bad(corruption) => Err(corruption.into()),
        }
    }

    /// Remembers that the scan ends at `offset`, in front of the frame that begins with `position`: another one may go on there.
    pub(crate) fn mark_end(&self, position: Position, offset: u64) {
        if self.known && !self.at_segment_end() {
            self.segment.mark_end(position, offset);
        }
    }

    /// The body of the frame that was found last.
    pub(crate) fn body(&self, found: &FoundFrame) -> &[u8] {
        self.window.get(found.body.clone()).unwrap_or_default()
    }

    /// The items of the frame that was found last. Where the hash over all frames tells that the whole frame is what was
    /// written, which costs half of what their checksums do, they are not checked one by one.
    pub(crate) fn items(&self, found: &FoundFrame) -> Items<'_> {
        let (header, body) = (found.header, self.body(found));
        if self.is_whole(found) { Items::of_whole(header, body) } else { Items::new(header, body) }
    }

    fn is_whole(&self, found: &FoundFrame) -> bool {
        let chained = found.body.start - (FRAME_HEADER - CHAINED_FROM)..found.body.end;
        let hash = |before| chain(before, self.window.get(chained).unwrap_or_default());
        found.before.is_some_and(|before| self.chained || hash(before) == found.header.chain)
    }

    /// Whether the next step reads from the file.
    pub(crate) fn is_at_window_end(&self) -> bool {
        self.standing.offset + FRAME_HEADER as u64 > self.window_at + self.window.len() as u64
    }

    /// What stands at the scanner's place; moves behind it.
    pub(crate) fn step(&mut self) -> Result<Step, ReadError> {
        Ok(match self.find()? {
            Found::Frame(found) => Step::Frame(self.frame(&found)),
            Found::End => Step::End,
            Found::Bad(corruption) => Step::Bad(corruption),
        })
    }

    /// The same, a frame's body left in the window until the scan goes on.
    pub(crate) fn find(&mut self) -> Result<Found, ReadError> {
        loop {
            if self.at_segment_end() {
                self.enter_next_segment()?;
            }
            let magic = self.peek(4)?;
            if magic == GROUP_MAGIC {
                if let Some(bad) = self.enter_group()? {
                    return Ok(Found::Bad(bad));
                }
            } else if magic == FRAME_MAGIC {
                return self.take_frame();
            } else if magic.iter().all(|byte| *byte == 0) && self.next_segment.is_none() {
                return Ok(Found::End);
            } else {
                return Ok(Found::Bad(self.corruption("neither a group nor a commit begins here")));
            }
        }
    }

    /// The segment in which the scanner is, and whether another one follows it.
    pub(crate) fn segment(&self) -> (&Arc<Segment>, bool) {
        (&self.segment, self.next_segment.is_some())
    }

    /// The frame that was found last, with a copy of its body.
    pub(crate) fn frame(&self, found: &FoundFrame) -> Frame {
        let body = Bytes::copy_from_slice(self.body(found));
        Frame { header: found.header, body }
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
        self.window.clear();
        self.mark_from = 0;
        Ok(())
    }

    /// Moves behind a group header, or says what is wrong with it.
    fn enter_group(&mut self) -> Result<Option<Corruption>, ReadError> {
        let (at, log) = (self.standing.offset, self.log.id);
        let header = self.peek(GROUP_HEADER)?;
        let Some((number, previous_end)) = take_group_header(header, log, at) else {
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

    fn take_frame(&mut self) -> Result<Found, ReadError> {
        let (at, log) = (self.standing.offset, self.log.id);
        let Some(header) = FrameHeader::take(self.peek(FRAME_HEADER)?, log, at) else {
            return Ok(Found::Bad(self.corruption("the header of a commit does not match its checksum")));
        };
        let common = header.common;
        if self.known && (common.commit != self.standing.commit.next() || common.first != self.standing.position.next())
        {
            let what = format!(
                "commit {} at position {} follows commit {} at position {}",
                common.commit, common.first, self.standing.commit, self.standing.position
            );
            return Ok(Found::Bad(self.corruption(what)));
        }
        let frame = self.reach(FRAME_HEADER + header.body)?;
        if frame.len() < FRAME_HEADER + header.body {
            return Ok(Found::Bad(self.corruption("a commit is cut off by the end of the file")));
        }
        let found = FoundFrame {
            offset: at,
            header,
            body: frame.start + FRAME_HEADER..frame.end,
            before: self.known.then_some(self.standing.chain),
        };
        if self.chained {
            let chained = self.window.get(frame.start + CHAINED_FROM..frame.end).unwrap_or_default();
            if chain(self.standing.chain, chained) != header.chain {
                return Ok(Found::Bad(self.corruption("a commit does not match its hash")));
            }
        }
        if at >= self.mark_from {
            self.mark_from = self.segment.mark(common.first, at);
        }
        self.standing = Standing {
            offset: at + header.length(),
            chain: header.chain,
            commit: common.commit,
            position: header.last(),
            recorded: common.recorded,
            group: self.standing.group,
        };
        self.known = true;
        Ok(Found::Frame(found))
    }

    /// The next `length` bytes of the segment, or fewer where it ends.
    fn peek(&mut self, length: usize) -> Result<&[u8], ReadError> {
        let range = self.reach(length)?;
        Ok(self.window.get(range).unwrap_or_default())
    }

    /// Where the window has the next `length` bytes of the segment, or fewer where it ends; reads on if they are not
    /// there.
    fn reach(&mut self, length: usize) -> Result<Range<usize>, ReadError> {
        let at = self.standing.offset;
        let left = self.next_segment.unwrap_or(u64::MAX).min(self.end).saturating_sub(at);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let length = length.min(left);
        let inside = at.checked_sub(self.window_at).and_then(|skip| usize::try_from(skip).ok());
        if let Some(skip) = inside
            && skip + length <= self.window.len()
        {
            return Ok(skip..skip + length);
        }
        let wanted = length.max(self.window_bytes).min(left);
        self.window_bytes = if length > WINDOW_MAX {
            length.next_multiple_of(WINDOW_MAX).min(LARGE_WINDOW_MAX)
        } else {
            self.window_bytes.max((self.window_bytes * 2).min(WINDOW_MAX))
        };
        self.window_at = at;
        self.segment.read_into(at, wanted, &mut self.window).map_err(|error| io_error(&self.segment, &error))?;
        Ok(0..length.min(self.window.len()))
    }

    pub(crate) fn corruption(&self, what: impl Into<String>) -> Corruption {
        self.segment.corruption(self.standing.offset, what)
    }
}
