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
    _file: File,
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
        let now = boot_id();
        let before = exchange(&mut file, now.as_deref().unwrap_or_default()).map_err(io)?;
        // No boot id counts as another boot: better an index rebuilt than one believed wrongly.
        let same_boot = now.is_some_and(|now| now == before);
        Ok(Self { _file: file, same_boot })
    }
}

/// Leaves `text` in the file and gives back what was there.
fn exchange(file: &mut File, text: &str) -> io::Result<String> {
    let mut before = Vec::new();
    file.read_to_end(&mut before)?;
    if before != text.as_bytes() {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    Ok(String::from_utf8_lossy(&before).into_owned())
}

/// What Linux calls the current boot. Other systems have nothing as simple, and do without.
fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}
