//! One file of the log.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use annals_core::{Corruption, Position};
use bytes::Bytes;

use super::{disk::DiskFile, frame::Standing, recent::Recent};

/// A place from which the log can be scanned: the first frame there begins with the first position.
#[derive(Debug, Clone, Copy)]
struct Mark {
    position: Position,
    offset: u64,
}

/// A mark is at least this many bytes behind the one before, so that they stay few.
const MARK_BYTES: u64 = 64 << 10;

/// Before so much is read at once, it is looked up whether the file has as much: a damaged index may ask for anything.
const LARGE_BYTES: usize = 1 << 20;

/// One file of the log. Its name is the log offset at which it begins.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) file: DiskFile,
    /// Where the log stood when the segment was begun; the offset is that of its first byte.
    pub(crate) start: Standing,
    /// What was written to it last.
    pub(crate) recent: Recent,
    marks: Mutex<Marks>,
}

/// Places from which the log can be scanned.
#[derive(Debug, Default)]
struct Marks {
    /// Spread over the segment, in order.
    spread: Vec<Mark>,
    /// Where the latest scans ended, the latest last: who follows the log goes on there.
    ends: VecDeque<Mark>,
}

/// So many ends of scans are remembered: as many may follow the log, each at its own place.
const ENDS: usize = 8;

impl Segment {
    pub(crate) fn new(path: PathBuf, file: DiskFile, start: Standing) -> Self {
        Self { path, file, start, recent: Recent::default(), marks: Mutex::default() }
    }

    /// The same file, once its header has said where it begins.
    pub(crate) fn starting_at(self, start: Standing) -> Self {
        Self { start, ..self }
    }

    pub(crate) fn file_name(start: u64) -> String {
        format!("{start:020}.log")
    }

    /// The offset in the name of a segment file.
    pub(crate) fn offset_of(path: &Path) -> Option<u64> {
        if path.extension()? != "log" {
            return None;
        }
        path.file_stem()?.to_str()?.parse().ok()
    }

    /// Up to `length` bytes at the log offset `at`; fewer where the file ends.
    pub(crate) fn read(&self, at: u64, length: usize) -> io::Result<Bytes> {
        let mut buffer = Vec::new();
        self.read_into(at, length, &mut buffer)?;
        Ok(buffer.into())
    }

    /// The same into `buffer`, in place of what it holds. An error leaves nothing in it.
    pub(crate) fn read_into(&self, at: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        let offset = at.saturating_sub(self.start.offset);
        if self.recent.read_into(offset, length, buffer) {
            return Ok(());
        }
        let length = if length > LARGE_BYTES { length.min(self.rest(offset)?) } else { length };
        // What the buffer holds is overwritten, so only what it grows by is filled with zeros.
        buffer.resize(length, 0);
        let read = self.file.read_at(buffer, offset);
        buffer.truncate(*read.as_ref().unwrap_or(&0));
        read.map(drop)
    }

    /// How many bytes the file has behind `offset`.
    fn rest(&self, offset: u64) -> io::Result<usize> {
        let rest = self.file.length()?.saturating_sub(offset);
        Ok(usize::try_from(rest).unwrap_or(usize::MAX))
    }

    /// Damage at the log offset `at`.
    pub(crate) fn corruption(&self, at: u64, what: impl Into<String>) -> Corruption {
        let file = self.path.display().to_string();
        Corruption { file, offset: at.saturating_sub(self.start.offset), what: what.into() }
    }

    /// Remembers that the frame at `offset` begins with `position`, unless a mark is near. Says from where on the next
    /// mark is wanted.
    pub(crate) fn mark(&self, position: Position, offset: u64) -> u64 {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.spread_to(Mark { position, offset }, self.start.offset)
    }

    /// Remembers for a while that a scan ended at `offset`, in front of the frame that begins with `position`.
    pub(crate) fn mark_end(&self, position: Position, offset: u64) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).end_at(Mark { position, offset });
    }

    /// The last remembered place at or before `position`.
    pub(crate) fn mark_before(&self, position: Position) -> Option<u64> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.before(position)
    }
}

impl Marks {
    /// Adds a mark of a segment that begins at `start`, unless one is near before it; who writes and who scans are at several places.
    fn spread_to(&mut self, mark: Mark, start: u64) -> u64 {
        let index = self.spread.partition_point(|known| known.offset <= mark.offset);
        let before = index.checked_sub(1).and_then(|index| self.spread.get(index));
        let next = before.map_or(start, |before| before.offset) + MARK_BYTES;
        if mark.offset < next {
            return next;
        }
        self.spread.insert(index, mark);
        mark.offset + MARK_BYTES
    }

    fn end_at(&mut self, end: Mark) {
        if self.ends.iter().any(|mark| mark.offset == end.offset) {
            return;
        }
        if self.ends.len() == ENDS {
            self.ends.pop_front();
        }
        self.ends.push_back(end);
    }

    /// The offset of the last place at or before `position`.
    fn before(&self, position: Position) -> Option<u64> {
        let count = self.spread.partition_point(|mark| mark.position <= position);
        let spread = count.checked_sub(1).and_then(|index| self.spread.get(index));
        let ends = self.ends.iter().filter(|mark| mark.position <= position);
        spread.into_iter().chain(ends).map(|mark| mark.offset).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(position: u64, offset: u64) -> Mark {
        Mark { position: Position::new(position).unwrap(), offset }
    }

    #[test]
    fn a_scan_begins_at_the_last_place_that_is_not_behind_what_it_is_for() {
        let mut marks = Marks { spread: vec![mark(1, 100), mark(10, 200)], ends: VecDeque::new() };
        let before = |marks: &Marks, position| marks.before(Position::new(position).unwrap());
        assert_eq!((before(&marks, 9), before(&marks, 30)), (Some(100), Some(200)));
        for end in [mark(15, 300), mark(12, 250), mark(15, 300)] {
            marks.end_at(end);
        }
        assert_eq!([11, 12, 14, 15, 99].map(|position| before(&marks, position)), [200, 250, 250, 300, 300].map(Some));
        for number in 0..ENDS as u64 - 1 {
            marks.end_at(mark(100 + number, 1000 + number));
        }
        // The oldest is forgotten, and those before are as they were.
        assert_eq!((before(&marks, 99), before(&marks, 11)), (Some(250), Some(200)));
        assert_eq!(Marks::default().before(Position::FIRST), None);
    }

    #[test]
    fn marks_are_spread_in_order_whoever_makes_them() {
        let mut marks = Marks::default();
        let far = |count| count * MARK_BYTES;
        assert_eq!(marks.spread_to(mark(1, far(1) - 1), 0), far(1), "near the beginning");
        // Whoever writes is at the end, while others scan what was there before.
        for (position, offset) in [(90, far(9)), (10, far(1)), (50, far(5))] {
            assert_eq!(marks.spread_to(mark(position, offset), 0), offset + MARK_BYTES);
        }
        assert_eq!(marks.spread_to(mark(51, far(5) + 7), 0), far(6), "near another");
        let offsets: Vec<_> = marks.spread.iter().map(|mark| mark.offset).collect();
        assert_eq!(offsets, [far(1), far(5), far(9)]);
        assert_eq!(marks.before(Position::new(60).unwrap()), Some(far(5)));
    }
}
