//! One process at a time: the lock of a store's folder, and what it says of the last holder.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use crate::OpenError;

/// Held as long as the store is open. The operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    file: File,
    /// Whether the machine has not been started again since the store was last opened.
    pub(crate) same_boot: bool,
}

impl FolderLock {
    /// Takes the lock of `store`.
    pub(crate) fn take(store: &Path) -> Result<Self, OpenError> {
        let path = store.join("lock");
        let io = |error| OpenError::io("locking", &path, &error);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: store.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let mut before = String::new();
        // Rubbish in the file counts as another boot.
        let _ = file.read_to_string(&mut before);
        // No boot id counts as another boot too: better an index rebuilt than one believed wrongly.
        let same_boot = boot_id().is_some_and(|now| now == before);
        Ok(Self { file, same_boot })
    }

    /// Says that what is in the folder was looked at in this boot. Not before: an opening that fails must not make the
    /// next one believe an index that a machine's crash has left behind.
    pub(crate) fn confirm(&mut self) -> io::Result<()> {
        if self.same_boot {
            return Ok(());
        }
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(boot_id().unwrap_or_default().as_bytes())?;
        self.file.sync_all()
    }
}

/// What Linux calls the current boot. Other systems have nothing as simple, and do without.
fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}
