//! One process at a time: the lock of a store's folder, and what it says of the last holder.

use std::{fs, io, path::Path};

use crate::{
    OpenError,
    log::disk::{Disk, DiskFile},
};

/// Held as long as the store is open. The operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    file: DiskFile,
    /// Whether the machine has not been started again since the store was last opened.
    pub(crate) same_boot: bool,
}

impl FolderLock {
    /// Takes the lock of `store`.
    pub(crate) fn take(disk: &Disk, store: &Path) -> Result<Self, OpenError> {
        let path = store.join("lock");
        let io = |error| OpenError::io("locking", &path, &error);
        let file = disk.open_or_create("lock", &path).map_err(io)?;
        if !file.try_lock().map_err(io)? {
            return Err(OpenError::InUse { path: store.to_owned() });
        }
        let before = file.read_all().map_err(io)?;
        // Rubbish in the file counts as another boot, and so does no boot id: better an index rebuilt than one believed
        // wrongly.
        let same_boot = boot_id().is_some_and(|now| now.as_bytes() == before);
        Ok(Self { file, same_boot })
    }

    /// Says that what is in the folder was looked at in this boot. Not before: an opening that fails must not make the
    /// next one believe an index that a machine's crash has left behind.
    pub(crate) fn confirm(&self) -> io::Result<()> {
        if self.same_boot {
            return Ok(());
        }
        self.file.set_length(0)?;
        self.file.write_at(boot_id().unwrap_or_default().as_bytes(), 0)?;
        self.file.sync_all()
    }
}

impl Drop for FolderLock {
    /// Closing the file would let go of the lock only once no other process has it open: one that is being started just
    /// now has it, for a moment, as it has every file of this process.
    fn drop(&mut self) {
        self.file.unlock();
    }
}

/// What Linux calls the current boot. Other systems have nothing as simple, and do without.
fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}
