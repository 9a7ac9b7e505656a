//! The folder of a backup: a store that is closed, or one whose copying was cut short.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;

use super::BackupError;
use crate::{
    LogReader, OpenError,
    lock::FolderLock,
    log::{
        Log,
        clean::{self, LastClose},
        disk::Disk,
        frame::Standing,
        recovery,
        segment::Segment,
    },
    open::create_folders,
    unfinished,
};

/// So much is copied at once.
const PIECE_BYTES: usize = 1 << 20;

/// The folder of a backup, locked.
pub(super) struct Target {
    path: PathBuf,
    disk: Disk,
    /// What was copied earlier.
    log: Option<Log>,
    _lock: FolderLock,
}

/// Where a backup ends that was begun earlier.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    /// Where the last file of the log begins that is there; the beginning of the log, if there is none.
    pub(super) segment: Standing,
    /// Where the log ends in it.
    pub(super) end: Standing,
    /// Behind this log offset it is copied: it was cut short, or ends here.
    pub(super) copied: u64,
}

impl Target {
    /// Opens an earlier backup, or begins one.
    pub(super) fn open(path: &Path) -> Result<Self, BackupError> {
        let disk = Disk::default();
        let occupied = || BackupError::Occupied { path: path.to_owned() };
        if unfinished::is_there(path) || path.is_file() {
            return Err(occupied());
        }
        if !Log::folder(path).is_dir() {
            let entries = match disk.list("backup", path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                entries => entries.map_err(BackupError::write(path))?,
            };
            // What a backup leaves that was killed before it had copied anything.
            if entries.iter().any(|entry| entry.file_name() != Some("lock".as_ref())) {
                return Err(occupied());
            }
        }
        create_folders(&disk, &Log::folder(path)).map_err(BackupError::write(path))?;
        let lock = FolderLock::take(&disk, path).map_err(BackupError::Target)?;
        let log = recovery::open_segments(&Disk::that_only_reads(), path).map_err(BackupError::Target)?;
        Ok(Self { path: path.to_owned(), disk, log, _lock: lock })
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Where the backup ends, if it is one of `source`.
    pub(super) fn begun(&self, source: &Log) -> Result<Begun, BackupError> {
        let nothing = Begun { segment: Standing::START, end: Standing::START, copied: 0 };
        let Some(log) = &self.log else { return Ok(nothing) };
        if log.id != source.id {
            return Err(BackupError::OtherStore { path: self.path.clone() });
        }
        let Some(last) = log.last_segment() else { return Ok(nothing) };
        let failed = BackupError::write(&last.path);
        let length = last.file.length().map_err(&failed)?;
        let closed = clean::read(&Disk::that_only_reads(), &self.path, log.id).map_err(&failed)?;
        Ok(match closed {
            LastClose::Clean(end) if end.offset == last.start.offset + length => {
                Begun { segment: last.start, end, copied: end.offset }
            }
            // Copying was cut short, or somebody has opened it as a store and was: the last file is copied anew.
            _ => Begun { segment: last.start, end: self.end_of(last.start)?, copied: last.start.offset },
        })
    }

    /// Where what was copied of the last file ends, so far as it is whole.
    fn end_of(&self, segment: Standing) -> Result<Standing, BackupError> {
        let Some(mut reader) = self.reader(segment)? else { return Ok(segment) };
        while let Ok(Some(_)) = reader.find_frame() {}
        Ok(reader.standing())
    }

    fn reader(&self, segment: Standing) -> Result<Option<LogReader>, BackupError> {
        let log = recovery::open_segments(&Disk::that_only_reads(), &self.path).map_err(BackupError::Target)?;
        Ok(log.and_then(|log| LogReader::of(self.path.clone(), Arc::new(log), segment)))
    }

    /// From here on, what is in the folder is not complete.
    pub(super) fn unmark(&self) -> Result<(), BackupError> {
        clean::remove(&self.disk, &self.path).map_err(BackupError::write(&self.path))
    }

    /// Copies what `segment` has from one log offset up to another; it is on disk when this returns. A file that is not gone
    /// on with is there whole, or not at all.
    pub(super) fn copy(&self, segment: &Segment, from: u64, to: u64) -> Result<(), BackupError> {
        let start = segment.start.offset;
        let path = Log::folder(&self.path).join(Segment::file_name(start));
        let unfinished = path.with_extension("new");
        let goes_on = from > start;
        let (file, failed) = if goes_on {
            (self.disk.open("backup", &path), BackupError::write(&path))
        } else {
            (self.disk.create("backup", &unfinished), BackupError::write(&unfinished))
        };
        let file = file.map_err(&failed)?;
        let (mut at, mut piece) = (from, Vec::new());
        while at < to {
            let length = usize::try_from(to - at).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            let read = segment.read_into(at, length, &mut piece);
            read.map_err(|error| BackupError::Source(OpenError::io("reading", &segment.path, &error)))?;
            if piece.is_empty() {
                return Err(BackupError::Read(segment.corruption(at, "the file has become shorter").into()));
            }
            file.write_at(&piece, at - start).map_err(&failed)?;
            at += piece.len() as u64;
        }
        file.set_length(to - start).and_then(|()| file.sync_all()).map_err(&failed)?;
        drop(file);
        if goes_on {
            return Ok(());
        }
        let renamed = self.disk.rename("backup", &unfinished, &path);
        renamed
            .and_then(|()| self.disk.sync_folder("backup", &Log::folder(&self.path)))
            .map_err(BackupError::write(&path))
    }

    /// Reads what was copied, which must end at `end`.
    pub(super) fn check(&self, begun: &Begun, end: &Standing) -> Result<(), BackupError> {
        let differs = || BackupError::Differs { path: self.path.clone() };
        let mut reader = self.reader(begun.segment)?.ok_or_else(differs)?;
        loop {
            match reader.find_frame() {
                Ok(Some(_)) => {}
                Ok(None) if reader.standing() == *end => return Ok(()),
                Ok(None) | Err(annals_core::ReadError::Corrupt(_)) => return Err(differs()),
                Err(error) => return Err(BackupError::Target(error.into())),
            }
        }
    }

    /// Says that the folder is complete: a store that was closed at `end`.
    pub(super) fn mark(&self, log: Uuid, end: &Standing) -> Result<(), BackupError> {
        clean::write(&self.disk, &self.path, log, end).map_err(BackupError::write(&self.path))
    }
}
