//! One file of the log.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use annals_core::{Corruption, Position};
use bytes::Bytes;

use super::frame::Standing;

/// A place from which the log can be scanned: the first frame there begins with the first position.
#[derive(Debug, Clone, Copy)]
struct Mark {
    position: Position,
    offset: u64,
}

/// Marks are at least this many bytes apart, so that they stay few.
const MARK_BYTES: u64 = 64 << 10;

/// Before so much is read at once, it is looked up whether the file has as much: a damaged index may ask for anything.
const LARGE_BYTES: usize = 1 << 20;

/// One file of the log. Its name is the log offset at which it begins.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    /// Where the log stood when the segment was begun; the offset is that of its first byte.
    pub(crate) start: Standing,
    marks: Mutex<Vec<Mark>>,
}

impl Segment {
    pub(crate) fn new(path: PathBuf, file: File, start: Standing) -> Self {
        Self { path, file, start, marks: Mutex::default() }
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

    pub(crate) fn open_file(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(path)
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
        let length = if length > LARGE_BYTES { length.min(self.rest(offset)?) } else { length };
        // What the buffer holds is overwritten, so only what it grows by is filled with zeros.
        buffer.resize(length, 0);
        let read = read_at(&self.file, buffer, offset);
        buffer.truncate(*read.as_ref().unwrap_or(&0));
        read.map(drop)
    }

    /// How many bytes the file has behind `offset`.
    fn rest(&self, offset: u64) -> io::Result<usize> {
        let rest = self.file.metadata()?.len().saturating_sub(offset);
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
        let next = marks.last().map_or(self.start.offset, |mark| mark.offset) + MARK_BYTES;
        if offset < next {
            return next;
        }
        marks.push(Mark { position, offset });
        offset + MARK_BYTES
    }

    /// The last remembered place at or before `position`.
    pub(crate) fn mark_before(&self, position: Position) -> Option<u64> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let count = marks.partition_point(|mark| mark.position <= position);
        marks.get(count.checked_sub(1)?).map(|mark| mark.offset)
    }
}

/// Fills `buffer` from `offset` on, or as much of it as there is.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read_some(file, rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// Writes all of `buffer` at `offset`.
#[cfg(unix)]
pub(crate) fn write_at(file: &File, buffer: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, buffer, offset)
}

/// Writes all of `buffer` at `offset`.
#[cfg(windows)]
pub(crate) fn write_at(file: &File, buffer: &[u8], offset: u64) -> io::Result<()> {
    let mut written = 0;
    while let Some(rest) = buffer.get(written..).filter(|rest| !rest.is_empty()) {
        written += std::os::windows::fs::FileExt::seek_write(file, rest, offset + written as u64)?;
    }
    Ok(())
}

/// Makes the names in `folder` durable: a file that was created or renamed there stays.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows has no way to sync a folder; its file systems journal names.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Writes a whole file so that after a crash it is either there with `content`, or as before.
pub(crate) fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let file = File::create(&unfinished)?;
    write_at(&file, content, 0)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}
