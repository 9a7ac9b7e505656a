//! What was written last, in memory: it is likely to be read next, and was written past the page cache.

use std::{
    collections::VecDeque,
    sync::{PoisonError, RwLock},
};

/// Bytes are kept in pieces of this length, so many of them at most.
const PIECE_BYTES: usize = 256 << 10;
const PIECES_MAX: usize = 16;

/// The last bytes of a file, up to 4 MiB together with those of the file before it.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Where the first piece begins in the file.
    from: u64,
    /// All but the last are full.
    pieces: VecDeque<Vec<u8>>,
}

impl Recent {
    /// Keeps `bytes`, which were written at `offset`, right behind the last ones.
    pub(crate) fn add(&self, offset: u64, bytes: &[u8]) {
        self.kept.write().unwrap_or_else(PoisonError::into_inner).add(offset, bytes);
    }

    /// Up to `length` bytes at `offset`, fewer at the end, in place of what `buffer` holds; false when they are not kept.
    pub(crate) fn read_into(&self, offset: u64, length: usize, buffer: &mut Vec<u8>) -> bool {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).read_into(offset, length, buffer)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }

    /// Forgets the oldest bytes, so that no more is kept than leaves room for what `behind` keeps, the next file.
    pub(crate) fn give_way_to(&self, behind: &Self) {
        let pieces = behind.kept.read().unwrap_or_else(PoisonError::into_inner).pieces.len();
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        while kept.pieces.len() > PIECES_MAX.saturating_sub(pieces) {
            kept.remove_first();
        }
    }
}

impl Kept {
    fn end(&self) -> u64 {
        let full = self.pieces.len().saturating_sub(1) * PIECE_BYTES;
        self.from + (full + self.pieces.back().map_or(0, Vec::len)) as u64
    }

    fn add(&mut self, offset: u64, mut bytes: &[u8]) {
        if offset != self.end() {
            *self = Self { from: offset, pieces: VecDeque::new() };
        }
        while !bytes.is_empty() {
            if self.pieces.back().is_none_or(|last| last.len() == PIECE_BYTES) {
                let piece = self.next_piece();
                self.pieces.push_back(piece);
            }
            let Some(last) = self.pieces.back_mut() else { return };
            let (taken, rest) = bytes.split_at(bytes.len().min(PIECE_BYTES - last.len()));
            last.extend_from_slice(taken);
            bytes = rest;
        }
    }

    /// An empty piece: the oldest one, if there are enough.
    fn next_piece(&mut self) -> Vec<u8> {
        if self.pieces.len() < PIECES_MAX {
            return Vec::with_capacity(PIECE_BYTES);
        }
        let mut piece = self.remove_first();
        piece.clear();
        piece
    }

    fn remove_first(&mut self) -> Vec<u8> {
        let piece = self.pieces.pop_front().unwrap_or_default();
        self.from += piece.len() as u64;
        piece
    }

    fn read_into(&self, offset: u64, length: usize, buffer: &mut Vec<u8>) -> bool {
        let Some(skip) = offset.checked_sub(self.from).filter(|_| offset < self.end()) else { return false };
        let mut skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let first = skip / PIECE_BYTES;
        skip %= PIECE_BYTES;
        buffer.clear();
        for piece in self.pieces.range(first..) {
            let rest = piece.get(skip..).unwrap_or_default();
            buffer.extend_from_slice(rest.get(..length - buffer.len()).unwrap_or(rest));
            skip = 0;
            if buffer.len() == length {
                break;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is given out is what was written, and the oldest goes first. P9: never more than the bound.
    #[test]
    fn the_last_bytes_are_kept() {
        let recent = Recent::default();
        let byte = |offset: u64| u8::try_from(offset * offset % 251).unwrap();
        let (mut end, mut buffer) = (80_u64, Vec::new());
        for length in [1, 300, PIECE_BYTES, 19_000, 3 * PIECE_BYTES + 7].into_iter().cycle().take(40) {
            let bytes: Vec<_> = (end..end + length as u64).map(byte).collect();
            recent.add(end, &bytes);
            let begin = end;
            end += length as u64;
            for (offset, length) in [(begin, length), (end - 1, 9), (end.saturating_sub(500_000).max(80), 70_000)] {
                assert!(recent.read_into(offset, length, &mut buffer), "{offset} of {end}");
                assert_eq!(buffer.len(), length.min((end - offset) as usize));
                assert!(buffer.iter().zip(offset..).all(|(found, offset)| *found == byte(offset)));
            }
            assert!(!recent.read_into(end, 1, &mut buffer) && !recent.read_into(0, 1, &mut buffer));
            let kept = recent.kept.read().unwrap();
            assert!(kept.pieces.len() <= PIECES_MAX);
            assert!(kept.pieces.iter().all(|piece| piece.capacity() <= PIECE_BYTES));
        }
        let behind = Recent::default();
        for (length, pieces) in [(1, PIECES_MAX - 1), (5 * PIECE_BYTES, PIECES_MAX - 6), (PIECES_MAX * PIECE_BYTES, 0)]
        {
            let begin = behind.kept.read().unwrap().end();
            behind.add(begin, &vec![7; length]);
            recent.give_way_to(&behind);
            assert_eq!(recent.kept.read().unwrap().pieces.len(), pieces);
            assert_eq!(recent.read_into(end - 1, 1, &mut buffer), pieces > 0);
        }
    }

    #[test]
    fn bytes_of_another_place_begin_anew() {
        let (recent, mut buffer) = (Recent::default(), Vec::new());
        recent.add(80, b"first");
        recent.add(200, b"other");
        assert!(!recent.read_into(80, 5, &mut buffer));
        assert!(recent.read_into(200, 9, &mut buffer) && buffer == b"other");
    }
}
