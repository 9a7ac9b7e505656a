//! The file of the next segment, filled with zeros by a thread of its own before it is needed.
//!
//! A sync of bytes that are written over zeros has no metadata to write: the file's length stays. Zeros that were
//! written in the same sync would delay the answer.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use super::{
    direct::PAGE_BYTES,
    disk::{Disk, DiskFile},
};

/// What the calls are about.
const ON: &str = "prepared";

/// So much is written at once: a commit that comes meanwhile waits for it.
static SLICE: Slice = Slice([0; 256 << 10]);

/// Zeros that can be written past the page cache.
#[repr(align(4096))]
struct Slice([u8; 256 << 10]);

/// A file of zeros.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) path: PathBuf,
    pub(crate) file: DiskFile,
    pub(crate) bytes: u64,
}

/// Prepares one file at a time.
#[derive(Debug)]
pub(crate) struct Preparer {
    disk: Disk,
    path: PathBuf,
    thread: Option<Thread>,
    is_asked: bool,
}

#[derive(Debug)]
struct Thread {
    wanted: Sender<u64>,
    ready: Receiver<io::Result<Prepared>>,
    stop: Arc<AtomicBool>,
    handle: JoinHandle<()>,
}

impl Preparer {
    /// Prepares files in `folder`. What an earlier process has left there is removed.
    pub(crate) fn new(disk: Disk, folder: &Path) -> Self {
        let path = folder.join("prepared.new");
        if path.exists() {
            // If it cannot be removed, it is overwritten.
            let _ = disk.remove(ON, &path);
        }
        Self { disk, path, thread: None, is_asked: false }
    }

    /// Asks for a file of so many bytes, unless one is asked for already. The thread starts with the first.
    pub(crate) fn ask(&mut self, bytes: u64) {
        if self.is_asked || !self.disk.prepares {
            return;
        }
        self.is_asked = true;
        if self.thread.is_none() {
            self.thread = Thread::start(self.disk.clone(), self.path.clone()).inspect_err(no_file).ok();
        }
        if let Some(thread) = &self.thread {
            // An error says that the thread has ended; segments then grow.
            let _ = thread.wanted.send(bytes);
        }
    }

    /// The file, if it is ready.
    pub(crate) fn take(&mut self) -> Option<Prepared> {
        let prepared = self.thread.as_ref()?.ready.try_recv().ok()?;
        self.is_asked = false;
        prepared.inspect_err(no_file).ok()
    }

    /// Ends the thread and removes a file that nobody took.
    pub(crate) fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.stop.store(true, Ordering::Relaxed);
            drop(thread.wanted);
            // It has nothing to say.
            let _ = thread.handle.join();
            if self.path.exists() {
                // If it stays, the next open removes it.
                let _ = self.disk.remove(ON, &self.path);
            }
        }
    }
}

impl Drop for Preparer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Thread {
    fn start(disk: Disk, path: PathBuf) -> io::Result<Self> {
        let (wanted, requests) = mpsc::channel();
        let (done, ready) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let handle = thread::Builder::new().name("annals-preparer".into()).spawn(move || {
            for bytes in requests {
                let prepared = fill(&disk, &path, bytes, &stopped).inspect_err(|_| drop(disk.remove(ON, &path)));
                if done.send(prepared).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { wanted, ready, stop, handle })
    }
}

fn fill(disk: &Disk, path: &Path, bytes: u64, stop: &AtomicBool) -> io::Result<Prepared> {
    let bytes = bytes.next_multiple_of(PAGE_BYTES as u64);
    let mut file = disk.create_to_fill(ON, path)?;
    let mut filled = 0;
    while filled < bytes {
        if stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("the store is closed"));
        }
        let rest = usize::try_from(bytes - filled).unwrap_or(usize::MAX);
        let slice = SLICE.0.get(..rest).unwrap_or(&SLICE.0);
        file.write_pages(slice, filled)?;
        file.settle_pages()?;
        filled += slice.len() as u64;
    }
    file.sync_all()?;
    Ok(Prepared { path: path.to_owned(), file, bytes: filled })
}

fn no_file(error: &io::Error) {
    tracing::warn!(%error, "the next segment of the log could not be prepared; it will grow as it is written");
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn a_prepared_file_holds_zeros_and_goes_with_the_preparer() {
        let folder = tempfile::tempdir().unwrap();
        let mut preparer = Preparer::new(Disk::default(), folder.path());
        preparer.ask(3 << 20);
        let deadline = Instant::now() + Duration::from_secs(30);
        let prepared = loop {
            if let Some(prepared) = preparer.take() {
                break prepared;
            }
            assert!(Instant::now() < deadline, "no file was prepared");
            thread::yield_now();
        };
        assert_eq!(prepared.bytes, 3 << 20);
        assert!(fs::read(&prepared.path).unwrap().iter().all(|byte| *byte == 0));
        preparer.ask(1 << 20);
        preparer.stop();
        assert!(!prepared.path.exists());
    }
}
