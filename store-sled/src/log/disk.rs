//! The way to the store's files. Every call takes it, so that tests can watch the calls and make them fail.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::direct::{self, Wait};
use crate::faults::{Call, Effect};

/// How one store reaches its files: by the plain calls, unless a test has put an observer in between.
#[derive(Clone)]
pub(crate) struct Disk {
    #[cfg(feature = "faults")]
    pub(crate) observer: Option<std::sync::Arc<dyn crate::faults::Observer>>,
    #[cfg(feature = "faults")]
    pub(crate) segment_bytes: Option<u64>,
    /// Whether segments are prepared ahead.
    pub(crate) prepares: bool,
    /// Whether pages are written past the page cache where that can be.
    pub(crate) is_direct: bool,
    /// Whether files are opened to be read alone, so that nothing can change them.
    pub(crate) only_reads: bool,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            #[cfg(feature = "faults")]
            observer: None,
            #[cfg(feature = "faults")]
            segment_bytes: None,
            prepares: true,
            is_direct: true,
            only_reads: false,
        }
    }
}

impl Disk {
    /// A way to files that are only read, also those of a store that is open elsewhere or that one may not write.
    pub(crate) fn that_only_reads() -> Self {
        Self { only_reads: true, ..Self::default() }
    }

    /// Makes a call. `make` is told how many bytes to write at most.
    #[inline]
    fn call(&self, call: &Call<'_>, make: impl FnOnce(usize) -> io::Result<()>) -> io::Result<()> {
        #[cfg(feature = "faults")]
        if let Some(observer) = &self.observer {
            let mut make = Some(make);
            let mut make = |bytes_max| make.take().map_or(Ok(()), |make| make(bytes_max));
            return observer.call(call, &mut make).map_err(explained);
        }
        let _ = call;
        make(usize::MAX).map_err(explained)
    }

    /// Makes a call that gives something.
    #[inline]
    pub(crate) fn value<T>(&self, call: &Call<'_>, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let mut made = None;
        self.call(call, |_| {
            made = Some(make()?);
            Ok(())
        })?;
        made.ok_or_else(|| io::Error::other("the call was not made"))
    }

    /// The length at which a segment is full: `usual`, unless a test has set another.
    pub(crate) fn segment_bytes(&self, usual: u64) -> u64 {
        #[cfg(feature = "faults")]
        return self.segment_bytes.unwrap_or(usual);
        #[cfg(not(feature = "faults"))]
        usual
    }

    /// Opens a file that is there, to read and write, unless this disk only reads.
    pub(crate) fn open(&self, on: &'static str, path: &Path) -> io::Result<DiskFile> {
        self.open_as(on, path, Effect::Open, OpenOptions::new().read(true).write(!self.only_reads))
    }

    /// Creates a file, or opens the one that is there, with what is in it.
    pub(crate) fn open_or_create(&self, on: &'static str, path: &Path) -> io::Result<DiskFile> {
        let mut options = OpenOptions::new();
        self.open_as(on, path, Effect::Open, options.read(true).write(true).create(true).truncate(false))
    }

    /// Creates a file, or empties the one that is there.
    pub(crate) fn create(&self, on: &'static str, path: &Path) -> io::Result<DiskFile> {
        let mut options = OpenOptions::new();
        self.open_as(on, path, Effect::Create, options.read(true).write(true).create(true).truncate(true))
    }

    /// The same for [writing pages](DiskFile::write_pages) that are on disk when they are written, if the system can.
    pub(crate) fn open_to_append(&self, on: &'static str, path: &Path) -> io::Result<DiskFile> {
        let file = self.open(on, path)?;
        Ok(DiskFile { direct: self.open_direct(path, Wait::Durable), ..file })
    }

    /// Creates a file for writing pages, or empties the one that is there.
    pub(crate) fn create_to_fill(&self, on: &'static str, path: &Path) -> io::Result<DiskFile> {
        let file = self.create(on, path)?;
        Ok(DiskFile { direct: self.open_direct(path, Wait::Taken), ..file })
    }

    fn open_direct(&self, path: &Path, wait: Wait) -> Option<(File, Wait)> {
        self.is_direct.then(|| direct::open(path, wait))?.map(|file| (file, wait))
    }

    fn open_as(
        &self,
        on: &'static str,
        path: &Path,
        effect: Effect<'_>,
        options: &OpenOptions,
    ) -> io::Result<DiskFile> {
        let file = self.value(&Call { on, path, effect }, || options.open(path))?;
        Ok(DiskFile { disk: self.clone(), on, path: path.to_owned(), file, direct: None })
    }

    /// Writes a whole file so that after a crash it is either there with `content`, or as before.
    pub(crate) fn replace(&self, on: &'static str, path: &Path, content: &[u8]) -> io::Result<()> {
        let unfinished = path.with_extension("new");
        let file = self.create(on, &unfinished)?;
        file.write_at(content, 0)?;
        file.sync_all()?;
        drop(file);
        self.rename(on, &unfinished, path)?;
        path.parent().map_or(Ok(()), |folder| self.sync_folder(on, folder))
    }

    pub(crate) fn rename(&self, on: &'static str, path: &Path, to: &Path) -> io::Result<()> {
        self.call(&Call { on, path, effect: Effect::Rename { to } }, |_| fs::rename(path, to))
    }

    pub(crate) fn remove(&self, on: &'static str, path: &Path) -> io::Result<()> {
        self.call(&Call { on, path, effect: Effect::Remove }, |_| fs::remove_file(path))
    }

    /// Removes a folder and all in it.
    pub(crate) fn remove_folder(&self, on: &'static str, path: &Path) -> io::Result<()> {
        self.call(&Call { on, path, effect: Effect::Remove }, |_| fs::remove_dir_all(path))
    }

    /// Creates a folder in one that is there; it may be there itself.
    pub(crate) fn create_folder(&self, on: &'static str, path: &Path) -> io::Result<()> {
        self.call(&Call { on, path, effect: Effect::CreateFolder }, |_| match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        })
    }

    /// Makes the names in `path` durable: a file that was created or renamed there stays.
    pub(crate) fn sync_folder(&self, on: &'static str, path: &Path) -> io::Result<()> {
        self.call(&Call { on, path, effect: Effect::SyncFolder }, |_| sync_folder(path))
    }

    /// What is in a folder.
    pub(crate) fn list(&self, on: &'static str, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.value(&Call { on, path, effect: Effect::List }, || {
            fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect()
        })
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

/// An open file of the store.
#[derive(Debug)]
pub(crate) struct DiskFile {
    disk: Disk,
    on: &'static str,
    path: PathBuf,
    file: File,
    /// The same file, to write past the page cache, and what such a write waits for.
    direct: Option<(File, Wait)>,
}

impl DiskFile {
    fn call(&self, effect: Effect<'_>, make: impl FnOnce(usize) -> io::Result<()>) -> io::Result<()> {
        self.disk.call(&Call { on: self.on, path: &self.path, effect }, make)
    }

    fn value<T>(&self, effect: Effect<'_>, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.disk.value(&Call { on: self.on, path: &self.path, effect }, make)
    }

    /// Locks the file for this handle alone; false when another has it locked.
    pub(crate) fn try_lock(&self) -> io::Result<bool> {
        self.value(Effect::Lock, || match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        })
    }

    /// Gives the lock back.
    pub(crate) fn unlock(&self) {
        // Where it fails, closing the file does it.
        let _ = self.file.unlock();
    }

    /// How long the file is.
    pub(crate) fn length(&self) -> io::Result<u64> {
        self.value(Effect::Read, || Ok(self.file.metadata()?.len()))
    }

    /// Fills `buffer` from `offset` on, or as much of it as there is.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.value(Effect::Read, || read_at(&self.file, buffer, offset))
    }

    /// The whole file.
    pub(crate) fn read_all(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.length()?).unwrap_or(usize::MAX)];
        let read = self.read_at(&mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Writes all of `bytes` at `offset`.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.call(Effect::Write { offset, bytes }, |bytes_max| {
            write_at(&self.file, bytes.get(..bytes_max).unwrap_or(bytes), offset)
        })
    }

    /// Writes whole pages at `offset`, past the page cache if the system can.
    pub(crate) fn write_pages(&mut self, pages: &[u8], offset: u64) -> io::Result<()> {
        let call = Call { on: self.on, path: &self.path, effect: Effect::Write { offset, bytes: pages } };
        let (file, direct) = (&self.file, &mut self.direct);
        self.disk.call(&call, |bytes_max| {
            // What a test cuts short is no whole page.
            if let Some((file, _)) = direct.as_ref().filter(|_| bytes_max >= pages.len()) {
                match write_at(file, pages, offset) {
                    // Nothing was written: the file system wants other pages, or has no such writes.
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => *direct = None,
                    result => return result,
                }
            }
            write_at(file, pages.get(..bytes_max).unwrap_or(pages), offset)
        })
    }

    /// Waits until the pages that were written are on disk.
    pub(crate) fn sync_pages(&self) -> io::Result<()> {
        self.call(Effect::SyncData, |_| match self.direct {
            // Each write has waited for it.
            Some((_, Wait::Durable)) => Ok(()),
            _ => self.file.sync_data(),
        })
    }

    /// Waits until the disk has taken the pages that were written, so that later syncs do not wait for them. They may
    /// still be lost.
    pub(crate) fn settle_pages(&self) -> io::Result<()> {
        if self.direct.is_some() { Ok(()) } else { self.sync_data() }
    }

    pub(crate) fn set_length(&self, length: u64) -> io::Result<()> {
        self.call(Effect::SetLength(length), |_| self.file.set_len(length))
    }

    /// Waits until the contents are on disk.
    pub(crate) fn sync_data(&self) -> io::Result<()> {
        self.call(Effect::SyncData, |_| self.file.sync_data())
    }

    /// Waits until the contents and everything about the file are on disk.
    pub(crate) fn sync_all(&self) -> io::Result<()> {
        self.call(Effect::SyncAll, |_| self.file.sync_all())
    }
}

/// Says what to do about an error where something can be done.
fn explained(error: io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space",
        io::ErrorKind::FileTooLarge => "raise the limit for the size of a file",
        io::ErrorKind::ReadOnlyFilesystem => "make the file system writable",
        _ => return error,
    };
    io::Error::new(error.kind(), format!("{error}; {advice}, then open the store again"))
}

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

#[cfg(unix)]
fn write_at(file: &File, buffer: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, buffer, offset)
}

#[cfg(windows)]
fn write_at(file: &File, buffer: &[u8], offset: u64) -> io::Result<()> {
    let mut written = 0;
    while let Some(rest) = buffer.get(written..).filter(|rest| !rest.is_empty()) {
        written += std::os::windows::fs::FileExt::seek_write(file, rest, offset + written as u64)?;
    }
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows has no way to sync a folder; its file systems journal names.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
