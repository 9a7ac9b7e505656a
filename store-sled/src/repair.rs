//! Cutting a damaged log off in front of the damage, when there is no other way.

mod loss;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use annals_core::Head;
use thiserror::Error;

use crate::{
    Damage, OpenError, Verify,
    files::check_is_store,
    lock::FolderLock,
    log::{Log, clean, disk::Disk, frame::SEGMENT_HEADER, recovery, segment::Segment, writer::create_segment},
    open::index_folder,
    verify::segments::Segments,
};

pub use loss::{Loss, LostStream};

/// Cuts a damaged log off in front of its first damaged place: what is whole in front of it stays, everything behind is lost.
/// The last resort, where there is no backup.
///
/// The store is locked from [`look`](Self::look) on. Nothing is changed before [`run`](Self::run), which copies first what it
/// cuts off.
pub struct Repair {
    store: PathBuf,
    damage: Damage,
    loss: Loss,
    segments: Segments,
    _lock: FolderLock,
}

/// What a repair has done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairReport {
    /// The last commit and position that the store holds now.
    pub head: Head,
    /// What is lost.
    pub loss: Loss,
    /// The folder in which the files of the log are as they were, those that were cut or removed.
    pub kept_in: PathBuf,
}

/// Why a store was not repaired. Nothing was cut off, unless it says that writing failed: then the same call goes on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RepairError {
    /// The store cannot be used, or nothing of its log can be believed; the error says what to do.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Its files cannot be written.
    #[error("writing {} failed: {error}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
}

impl RepairError {
    fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Write { path: path.to_owned(), error }
    }
}

impl Repair {
    /// Locks the store in the folder `store`, checks its whole log, and finds out what a repair would cost; `None` where
    /// nothing is damaged.
    ///
    /// # Errors
    /// [`RepairError::Store`].
    pub fn look(store: impl AsRef<Path>) -> Result<Option<Self>, RepairError> {
        let store = store.as_ref().to_owned();
        check_is_store(&store)?;
        let lock = FolderLock::take(&Disk::default(), &store)?;
        let verification = Verify::new(&store).run()?;
        let Some(damage) = verification.damages.into_iter().next() else { return Ok(None) };
        let segments = Segments::open(&store)?;
        let loss = Loss::behind(&damage, &store, segments.log_id(), segments.closed())?;
        Ok(Some(Self { store, damage, loss, segments, _lock: lock }))
    }

    /// The first damaged place.
    #[must_use]
    pub fn damage(&self) -> &Damage {
        &self.damage
    }

    /// What is lost when it is cut off.
    #[must_use]
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// Copies the files of the log that are cut or removed, cuts the log off in front of the damage, and removes the index,
    /// which has seen more. The store is closed then; the next opening builds the index anew.
    ///
    /// # Errors
    /// [`RepairError`].
    pub fn run(self) -> Result<RepairReport, RepairError> {
        let (disk, mut end) = (Disk::default(), self.damage.end);
        let changed = self.changed_files()?;
        let kept_in = self.keep(&disk, &changed)?;
        let failed = RepairError::write(&self.store);
        clean::remove(&disk, &self.store).map_err(&failed)?;
        let index = index_folder(&self.store);
        if index.exists() {
            let removed = disk.remove_folder("repair", &index).and_then(|()| disk.sync_folder("repair", &self.store));
            removed.map_err(RepairError::write(&index))?;
        }
        // From behind, so that a kill leaves a log that is damaged at the same place.
        for path in changed.iter().rev() {
            cut(&disk, path, &self.store, end.offset).map_err(RepairError::write(path))?;
        }
        let (log, folder) = (self.segments.log_id(), Log::folder(&self.store));
        if end.offset == 0 {
            create_segment(&disk, &folder, log, end).map_err(RepairError::write(&folder))?;
            end.offset = SEGMENT_HEADER as u64;
        }
        clean::write(&disk, &self.store, log, &end).map_err(&failed)?;
        Ok(RepairReport { head: self.damage.behind, loss: self.loss, kept_in })
    }

    /// The files of the log that do not end in front of the damage.
    fn changed_files(&self) -> Result<Vec<PathBuf>, RepairError> {
        let folder = Log::folder(&self.store);
        let paths = recovery::segment_paths(&Disk::that_only_reads(), &folder).map_err(RepairError::write(&folder))?;
        let reaches = |path: &PathBuf| {
            let begins = Segment::offset_of(path).unwrap_or_default();
            let length = path.metadata().map_or(0, |found| found.len());
            begins + length > self.damage.end.offset || begins >= self.damage.end.offset
        };
        Ok(paths.into_iter().filter(reaches).collect())
    }

    /// Copies files aside; they are on disk when this returns.
    fn keep(&self, disk: &Disk, changed: &[PathBuf]) -> Result<PathBuf, RepairError> {
        let all = self.store.join("repaired");
        let name = format!("{:020}-after-commit-{}", self.damage.end.offset, self.damage.behind.commit);
        let mut folder = all.join(&name);
        for number in 2.. {
            if !folder.exists() {
                break;
            }
            folder = all.join(format!("{name}-{number}"));
        }
        let copy = || {
            disk.create_folder("repair", &all)?;
            disk.create_folder("repair", &folder)?;
            let marker = self.store.join("clean");
            for path in changed.iter().chain(Some(&marker).filter(|marker| marker.exists())) {
                let Some(name) = path.file_name() else { continue };
                fs::copy(path, folder.join(name))?;
                disk.open("repair", &folder.join(name))?.sync_all()?;
            }
            [&folder, &all, &self.store].into_iter().try_for_each(|folder| disk.sync_folder("repair", folder))
        };
        copy().map_err(RepairError::write(&folder))?;
        Ok(folder)
    }
}

/// Cuts a file off at a log offset, or removes one that begins there or behind it.
fn cut(disk: &Disk, path: &Path, store: &Path, end: u64) -> io::Result<()> {
    let begins = Segment::offset_of(path).unwrap_or_default();
    if begins >= end {
        disk.remove("repair", path)?;
        return disk.sync_folder("repair", &Log::folder(store));
    }
    let file = disk.open("repair", path)?;
    file.set_length(end - begins)?;
    file.sync_all()
}

impl fmt::Debug for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, damage, loss, .. } = self;
        f.debug_struct("Repair")
            .field("store", store)
            .field("damage", damage)
            .field("loss", loss)
            .finish_non_exhaustive()
    }
}
