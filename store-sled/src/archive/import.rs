//! Making a store of an archive.

use std::{
    fmt,
    io::Read,
    path::{Path, PathBuf},
};

use annals_core::{CommitNumber, Head};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{ArchiveReader, ImportError, Part};
use crate::{
    Loader, SledOptions,
    log::{frame::Frame, item::ItemError},
};

/// What is in is saved so many commits, or so many bytes of the archive, apart.
const COMMITS_BETWEEN: u64 = 20_000;
const BYTES_BETWEEN: u64 = 32 << 20;

/// Progress is told behind so many commits.
const COMMITS_TOLD: u64 = 1_000;

/// Makes a store of an archive: it holds the same commits, byte for byte, under the same numbers, positions and times.
///
/// * **The target** is an empty folder, or one into which the same archive was being taken in. It is filled by a
///   [`Loader`]: unfinished until all is in, then a store like any other, closed.
/// * **Checked.** Every byte of the archive is, before it is taken in; and in the end, that the hash over all commits of the
///   store is that of the archive.
/// * **After a kill** the same call goes on: what is in already is read and compared, not written again.
/// * **Memory** is bounded by commits, not by the archive.
/// * **Blocking**: it takes as long as the archive is large.
pub struct Import {
    to: SledOptions,
    commits_between: u64,
    progress: Option<Box<dyn FnMut(u64, Head) + Send>>,
}

/// What was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportReport {
    /// The last commit and position.
    pub through: Head,
    /// How many streams hold events.
    pub streams: u64,
    /// How many bytes the archive has.
    pub bytes: u64,
    /// The commit behind which an earlier import was taken up, if this one was not the first.
    pub resumed_behind: Option<CommitNumber>,
}

/// What an import keeps in its target to go on from.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    /// Tells it from the marks of others.
    archive: u32,
    commit: CommitNumber,
    chain: u64,
}

impl Import {
    /// An import into the folder `to`.
    pub fn new(to: impl AsRef<Path>) -> Self {
        Self { to: SledOptions::new(to).unlimited(), commits_between: COMMITS_BETWEEN, progress: None }
    }

    /// Calls `progress` now and then, on the thread that imports, with the bytes of the archive that were read and the last
    /// commit and position that were.
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(u64, Head) + Send + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// The same with what is in saved so many commits apart, to which an import goes back after a kill; 20,000 by default,
    /// and never more than 32 MiB of the archive. Each takes some syncs.
    #[must_use]
    pub fn save_every(mut self, commits: u64) -> Self {
        self.commits_between = commits;
        self
    }

    /// Takes the archive in, from its beginning.
    ///
    /// # Errors
    /// [`ImportError`]. The target stays unfinished, and the same call goes on where it can.
    pub fn read(&mut self, archive: impl Read) -> Result<ImportReport, ImportError> {
        let mut archive = ArchiveReader::open(archive)?;
        let mut loader = Loader::open(self.to.clone())?;
        let mark = Mark::of(&loader.progress().value, &self.to.path)?;
        if let Some(mark) = &mark {
            self.pass_over(&mut archive, mark)?;
        } else if let Some(key) = archive.key() {
            loader.set_name_key(key)?;
        }
        let (mut saved_bytes, mut saved_commits) = (archive.bytes(), archive.behind().commit.get());
        while let Part::Commit(frame) = archive.next()? {
            let commit = content(&frame)?;
            loader.load(commit.recorded, commit.to_commit())?;
            let commits = commit.number.get();
            if archive.bytes() - saved_bytes >= BYTES_BETWEEN || commits - saved_commits >= self.commits_between {
                save(&mut loader, &archive)?;
                (saved_bytes, saved_commits) = (archive.bytes(), commits);
            }
            self.tell(&archive);
        }
        save(&mut loader, &archive)?;
        if loader.chained() != archive.behind().chain {
            return Err(ImportError::Differs { path: self.to.path.clone() });
        }
        let holds = loader.finish()?;
        Ok(ImportReport {
            through: Head { commit: holds.commit, position: holds.position },
            streams: holds.streams,
            bytes: archive.bytes(),
            resumed_behind: mark.map(|mark| mark.commit),
        })
    }

    /// Reads what is in already.
    fn pass_over<R: Read>(&mut self, archive: &mut ArchiveReader<R>, mark: &Mark) -> Result<(), ImportError> {
        while archive.behind().commit < mark.commit
            && let Part::Commit(_) = archive.next()?
        {
            self.tell(archive);
        }
        let behind = archive.behind();
        if (behind.commit, behind.chain) == (mark.commit, mark.chain) {
            return Ok(());
        }
        Err(ImportError::OtherArchive { path: self.to.path.clone(), commit: mark.commit })
    }

    fn tell<R: Read>(&mut self, archive: &ArchiveReader<R>) {
        let behind = archive.behind();
        if let Some(progress) = &mut self.progress
            && behind.commit.get().is_multiple_of(COMMITS_TOLD)
        {
            progress(archive.bytes(), Head { commit: behind.commit, position: behind.position });
        }
    }
}

fn content(frame: &Frame) -> Result<annals_core::StoredCommit, ImportError> {
    frame.content().map_err(|(_, error)| {
        let reason = match error {
            ItemError::Damaged(what) => what.to_owned(),
            ItemError::Encoding(found) => format!("it has the encoding {found}, which this version does not know"),
        };
        ImportError::Commit { commit: frame.header.common.commit, reason }
    })
}

fn save<R: Read>(loader: &mut Loader, archive: &ArchiveReader<R>) -> Result<(), ImportError> {
    let behind = archive.behind();
    let mark = Mark { archive: super::wire::FORMAT, commit: behind.commit, chain: behind.chain };
    // Writing plain data to memory cannot fail; a mark cut short would be read back as a typed error.
    Ok(loader.save(rmp_serde::to_vec_named(&mark).unwrap_or_default())?)
}

impl Mark {
    /// The mark in a target; `None` in one that was just begun.
    fn of(value: &Bytes, to: &Path) -> Result<Option<Self>, ImportError> {
        if value.is_empty() {
            return Ok(None);
        }
        rmp_serde::from_slice(value).map(Some).map_err(|_| ImportError::NoImport { path: PathBuf::from(to) })
    }
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import").field("to", &self.to.path).finish_non_exhaustive()
    }
}
