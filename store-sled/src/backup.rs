//! Copying a store's log while it is in use, so that what was lost can come back.

mod error;
mod restore;
mod target;

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use annals_core::Head;

use crate::{
    LogProgress, LogReader, OpenError,
    log::{Log, disk::Disk, frame::Standing},
    name_key,
};
use target::{Begun, Target};

pub use error::{BackupError, RestoreError};
pub use restore::{Restore, RestoreReport};

/// Progress is told behind so many commits.
const COMMITS_TOLD: u64 = 1_000;

/// Copies the log of a store, and its key of unique names, into a folder that is a store too, closed; or brings such a folder
/// up to date.
///
/// * **Consistent while the store is in use.** What is copied ends behind a whole commit: the last one that was there when the
///   log was read to its end. It was on the store's disk before it counts, except on Windows, where what may be missing there
///   after a power cut is the last group. Nothing is locked or slowed down; an application may call this itself, or anybody
///   beside it.
/// * **Incremental by segment.** Files of the log never change once the next one is begun, so they are copied once; only the
///   last one grows. What is there already is not read again: [`Verify`](crate::Verify) does that.
/// * **Checked.** Every byte that is copied is checked where it comes from, and again where it was put.
/// * **After a kill** the folder holds what was copied; the same call goes on.
/// * **Not in it** is what follows from the log: the index, with its derived tables.
/// * **Blocking**: it takes as long as what is new is large.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let report = annals_store_sled::Backup::new("bank.annals", "/backup/bank.annals").run()?;
/// println!("up to commit {}", report.through.commit);
/// # Ok(())
/// # }
/// ```
pub struct Backup {
    from: PathBuf,
    to: PathBuf,
    progress: Option<Box<dyn FnMut(LogProgress) + Send>>,
}

/// What a backup holds, and what was copied for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// The last commit and position in it.
    pub through: Head,
    /// The last commit and position that were in it before.
    pub behind: Head,
    /// How many files of the log it holds.
    pub segments: u64,
    /// How many of them were copied now, or grew.
    pub segments_copied: u64,
    /// How many bytes were copied.
    pub bytes_copied: u64,
}

impl Backup {
    /// A backup of the store in the folder `from` in the folder `to`: an empty one, or an earlier backup of the same store.
    pub fn new(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Self {
        Self { from: from.as_ref().to_owned(), to: to.as_ref().to_owned(), progress: None }
    }

    /// Calls `progress` now and then, on the thread that copies, while the store's log is read.
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(LogProgress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Makes the backup, or brings it up to date.
    ///
    /// # Errors
    /// [`BackupError`]. What the backup held before is still in it.
    pub fn run(&mut self) -> Result<BackupReport, BackupError> {
        let mut reader = LogReader::open(&self.from).map_err(BackupError::Source)?;
        let target = Target::open(&self.to)?;
        let begun = target.begun(reader.log())?;
        self.read(&mut reader, &begun)?;
        let end = reader.standing();
        sync(reader.log()).map_err(|error| BackupError::Source(OpenError::io("syncing", &self.from, &error)))?;
        target.unmark()?;
        let mut report = BackupReport {
            through: head(&end),
            behind: head(&begun.end),
            segments: 0,
            segments_copied: 0,
            bytes_copied: 0,
        };
        let segments = reader.log().segments();
        for (index, segment) in segments.iter().enumerate() {
            let next = segments.get(index + 1).map_or(u64::MAX, |next| next.start.offset);
            if segment.start.offset > 0 && segment.start.offset >= end.offset {
                break;
            }
            report.segments += 1;
            let (from, to) = (begun.copied.max(segment.start.offset), end.offset.min(next));
            if to > from {
                target.copy(segment, from, to)?;
                report.segments_copied += 1;
                report.bytes_copied += to - from;
            }
        }
        // Only now: no name rests on a key that was made later.
        if let Some(key) = name_key::read(&Disk::that_only_reads(), &self.from)? {
            name_key::write(target.disk(), &self.to, &key)?;
        }
        target.check(&begun, &end)?;
        target.mark(reader.log_id(), &end)?;
        Ok(report)
    }

    /// Reads the log to its end, through where the backup ends.
    fn read(&mut self, reader: &mut LogReader, begun: &Begun) -> Result<(), BackupError> {
        reader.pass_over(|start| start.offset <= begun.segment.offset);
        while reader.standing().offset < begun.end.offset && reader.find_frame()?.is_some() {}
        if begun.end.offset > 0 && reader.standing() != begun.end {
            return Err(BackupError::Diverged { path: self.to.clone(), commit: begun.end.commit });
        }
        while reader.find_frame()?.is_some() {
            if let Some(progress) = &mut self.progress
                && reader.head().commit.get().is_multiple_of(COMMITS_TOLD)
            {
                progress(reader.progress()?);
            }
        }
        Ok(())
    }
}

/// Waits until all that was written to the log is on disk: who reads it may see a group before it is.
fn sync(log: &Log) -> io::Result<()> {
    if !cfg!(unix) {
        // A file that is opened to be read alone cannot be synced there.
        return Ok(());
    }
    log.last_segment().map_or(Ok(()), |segment| segment.file.sync_data())
}

fn head(standing: &Standing) -> Head {
    Head { commit: standing.commit, position: standing.position }
}

impl fmt::Debug for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backup").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}
