//! Putting a backup in the place of a store.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::RestoreError;
use crate::{
    LogProgress, OpenError, Verification, Verify,
    files::check_is_store,
    lock::FolderLock,
    log::{Log, disk::Disk},
    open::create_folders,
};

/// Puts a backup in the place of a store, or where there is none.
///
/// * **Verified first.** The backup is copied beside the place, and every byte of the copy is checked, before anything is
///   replaced.
/// * **What was there is kept** as `<store>.replaced`, beside it.
/// * **The backup is not touched.** It may be any store: one that is in use is copied up to where it is read.
/// * **After a kill** either the old store is there, or the new one, or none and both beside it; the same call completes it.
/// * **Blocking**: it takes as long as the backup is large.
pub struct Restore {
    backup: PathBuf,
    to: PathBuf,
    replaces: bool,
    progress: Option<Box<dyn FnMut(LogProgress) + Send>>,
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreReport {
    /// What was found in it when it was checked.
    pub verification: Verification,
    /// Where the store is now that was replaced, if there was one.
    pub replaced: Option<PathBuf>,
}

impl Restore {
    /// Puts the backup in the folder `backup` where the folder `to` is to be.
    pub fn new(backup: impl AsRef<Path>, to: impl AsRef<Path>) -> Self {
        // Without a slash at its end, behind which a name would be one of another folder.
        let to = to.as_ref().components().collect();
        Self { backup: backup.as_ref().to_owned(), to, replaces: false, progress: None }
    }

    /// The same in place of a store that is there, damaged or not.
    #[must_use]
    pub fn replace(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// Calls `progress` now and then, on the thread that restores, while the copy is checked.
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(LogProgress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Restores.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn run(mut self) -> Result<RestoreReport, RestoreError> {
        let disk = Disk::default();
        check_is_store(&self.backup).map_err(RestoreError::Backup)?;
        let (restoring, replaced) = (beside(&self.to, "restoring"), beside(&self.to, "replaced"));
        let lock = self.lock(&disk, &replaced)?;
        let failed = RestoreError::write(&restoring);
        if restoring.exists() {
            disk.remove_folder("restore", &restoring).map_err(&failed)?;
        }
        copy(&disk, &self.backup, &restoring).map_err(&failed)?;
        let mut verify = Verify::new(&restoring);
        if let Some(progress) = self.progress.take() {
            verify = verify.progress(progress);
        }
        let verification = verify.run().map_err(RestoreError::Backup)?;
        if let Some(damage) = verification.damages.first() {
            let damage = Box::new(damage.clone());
            disk.remove_folder("restore", &restoring).map_err(&failed)?;
            return Err(RestoreError::Damaged { damage });
        }
        // Renaming a folder in which a file is open is not possible everywhere.
        let replaces = lock.is_some();
        drop(lock);
        let parent = parent(&self.to);
        let put = || {
            if replaces {
                disk.rename("restore", &self.to, &replaced)?;
            }
            disk.rename("restore", &restoring, &self.to)?;
            disk.sync_folder("restore", parent)
        };
        put().map_err(RestoreError::write(&self.to))?;
        Ok(RestoreReport { verification, replaced: replaces.then_some(replaced) })
    }

    /// Makes sure that what is to be replaced may be, and is not in use; `None` where there is nothing.
    fn lock(&self, disk: &Disk, replaced: &Path) -> Result<Option<FolderLock>, RestoreError> {
        if is_empty(disk, &self.to).map_err(RestoreError::write(&self.to))? {
            return Ok(None);
        }
        if !self.replaces || self.to.is_file() {
            return Err(RestoreError::Occupied { path: self.to.clone() });
        }
        if replaced.exists() {
            return Err(RestoreError::Kept { path: replaced.to_owned() });
        }
        if !Log::folder(&self.to).is_dir() {
            let reason = "it has no folder `log`";
            return Err(RestoreError::Target(OpenError::NotAStore { path: self.to.clone(), reason }));
        }
        FolderLock::take(disk, &self.to).map(Some).map_err(RestoreError::Target)
    }
}

/// Whether nothing is there; an empty folder is removed.
fn is_empty(disk: &Disk, path: &Path) -> io::Result<bool> {
    match disk.list("restore", path) {
        Ok(entries) if entries.is_empty() => fs::remove_dir(path).map(|()| true),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(error),
    }
}

/// `<path>.<name>`
fn beside(path: &Path, name: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(".");
    text.push(name);
    text.into()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Copies the log, the key of unique names and the marker of the last close; they are on disk when this returns.
fn copy(disk: &Disk, from: &Path, to: &Path) -> io::Result<()> {
    let (log, new) = (Log::folder(from), Log::folder(to));
    create_folders(disk, &new)?;
    for path in crate::log::recovery::segment_paths(disk, &log)? {
        copy_file(disk, &path, &new)?;
    }
    for name in ["names.key", "clean"] {
        if from.join(name).exists() {
            copy_file(disk, &from.join(name), to)?;
        }
    }
    disk.sync_folder("restore", &new)?;
    disk.sync_folder("restore", to)
}

fn copy_file(disk: &Disk, path: &Path, folder: &Path) -> io::Result<()> {
    let Some(name) = path.file_name() else { return Ok(()) };
    let target = folder.join(name);
    fs::copy(path, &target)?;
    disk.open("restore", &target)?.sync_all()
}

impl fmt::Debug for Restore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backup, to, replaces, progress: _ } = self;
        f.debug_struct("Restore")
            .field("backup", backup)
            .field("to", to)
            .field("replaces", replaces)
            .finish_non_exhaustive()
    }
}
