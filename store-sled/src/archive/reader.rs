//! Reading an archive, each byte checked.

use std::io::Read;

use annals_core::{CommitNumber, NameKey, Position, Timestamp};

use super::{
    ArchiveError,
    wire::{COMMIT_HEADER, COMMIT_MAGIC, END, END_MAGIC, End, FORMAT, HEADER, take_commit, take_end, take_header},
};
use crate::log::frame::{CHAINED_FROM, Frame, chain};

/// A body is read in pieces of so many bytes, because its length is not to be believed before its bytes are there.
const PIECE_BYTES: u64 = 1 << 20;

/// Reads the parts of an archive in their order. Every byte of each is checked before it is given.
pub(crate) struct ArchiveReader<R> {
    from: R,
    key: Option<NameKey>,
    /// How many bytes were read and are whole.
    offset: u64,
    /// What the archive would end with here.
    behind: End,
    chained: Vec<u8>,
}

/// A part of an archive.
pub(crate) enum Part {
    Commit(Frame),
    End,
}

impl<R: Read> ArchiveReader<R> {
    /// Reads the header.
    pub(crate) fn open(mut from: R) -> Result<Self, ArchiveError> {
        let mut header = Vec::new();
        (&mut from).take(HEADER as u64).read_to_end(&mut header).map_err(ArchiveError::Io)?;
        let damaged = ArchiveError::Damaged {
            offset: 0,
            behind: CommitNumber::ZERO,
            what: "its header does not match its checksum",
        };
        let key = match take_header(&header) {
            None => return Err(ArchiveError::NotAnArchive),
            Some((format, _)) if format != FORMAT => {
                return Err(ArchiveError::Format { found: format, supported: FORMAT });
            }
            Some((_, key)) => key.ok_or(damaged)?,
        };
        let behind = End { chain: 0, commit: CommitNumber::ZERO, position: Position::ZERO, recorded: Timestamp::EPOCH };
        Ok(Self { from, key, offset: HEADER as u64, behind, chained: Vec::new() })
    }

    /// The key of unique names, if the store had one.
    pub(crate) fn key(&self) -> Option<&NameKey> {
        self.key.as_ref()
    }

    /// How many bytes were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.offset
    }

    /// What the archive would end with behind what was read.
    pub(crate) fn behind(&self) -> End {
        self.behind
    }

    /// The next part.
    pub(crate) fn next(&mut self) -> Result<Part, ArchiveError> {
        let mut magic = [0; 4];
        self.fill(&mut magic)?;
        match magic {
            COMMIT_MAGIC => self.commit().map(Part::Commit),
            END_MAGIC => self.end().map(|()| Part::End),
            _ => Err(self.damaged("neither a commit nor the end begins here")),
        }
    }

    fn commit(&mut self) -> Result<Frame, ArchiveError> {
        let mut bytes = [0; COMMIT_HEADER];
        let (magic, rest) = bytes.split_at_mut(4);
        magic.copy_from_slice(&COMMIT_MAGIC);
        self.fill(rest)?;
        let header = take_commit(&bytes);
        let header = header.ok_or_else(|| self.damaged("the header of a commit does not match its checksum"))?;
        let common = header.common;
        if common.commit != self.behind.commit.next() || common.first != self.behind.position.next() {
            return Err(self.damaged("the commit does not follow the one in front of it"));
        }
        if common.recorded < self.behind.recorded {
            return Err(self.damaged("the commit was recorded before the one in front of it"));
        }
        self.chained.clear();
        self.chained.extend_from_slice(bytes.get(CHAINED_FROM..).unwrap_or_default());
        let from = self.chained.len();
        self.fill_body(header.body)?;
        if chain(self.behind.chain, &self.chained) != header.chain {
            return Err(self.damaged("a commit does not match its hash"));
        }
        let body = self.chained.get(from..).unwrap_or_default().to_vec().into();
        self.offset += (COMMIT_HEADER + header.body) as u64;
        self.behind =
            End { chain: header.chain, commit: common.commit, position: header.last(), recorded: common.recorded };
        Ok(Frame { header, body })
    }

    fn end(&mut self) -> Result<(), ArchiveError> {
        let mut bytes = [0; END];
        let (magic, rest) = bytes.split_at_mut(4);
        magic.copy_from_slice(&END_MAGIC);
        self.fill(rest)?;
        match take_end(&bytes) {
            None => return Err(self.damaged("its end does not match its checksum")),
            Some(end) if end != self.behind => return Err(self.damaged("its end is that of another archive")),
            Some(_) => self.offset += END as u64,
        }
        match self.from.read(&mut [0; 1]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damaged("bytes follow its end")),
            Err(error) => Err(ArchiveError::Io(error)),
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), ArchiveError> {
        match self.from.read_exact(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(self.truncated()),
            filled => filled.map_err(ArchiveError::Io),
        }
    }

    fn fill_body(&mut self, length: usize) -> Result<(), ArchiveError> {
        let mut left = length as u64;
        while left > 0 {
            let piece = left.min(PIECE_BYTES);
            let read = (&mut self.from).take(piece).read_to_end(&mut self.chained).map_err(ArchiveError::Io)?;
            if (read as u64) < piece {
                return Err(self.truncated());
            }
            left -= piece;
        }
        Ok(())
    }

    fn truncated(&self) -> ArchiveError {
        ArchiveError::Truncated { offset: self.offset, behind: self.behind.commit }
    }

    fn damaged(&self, what: &'static str) -> ArchiveError {
        ArchiveError::Damaged { offset: self.offset, behind: self.behind.commit, what }
    }
}
