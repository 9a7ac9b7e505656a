//! Opening a store: lock, log, end of the log, index, tail, threads.

pub(crate) mod tail;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use annals_core::{Head, ReadError};
use tokio::sync::watch;

use crate::{
    OpenError, OpenReport, SledOptions,
    index::{self, Index},
    lock::FolderLock,
    log::{
        Log,
        clean::{self, LastClose},
        disk::Disk,
        frame::Standing,
        recovery,
        writer::Writer,
    },
    overlay::Progress,
    shared::{Shared, head_of},
    unfinished,
};

pub(crate) fn index_folder(store: &Path) -> PathBuf {
    store.join("index")
}

/// A store whose files are open and whose tail is in memory.
pub(crate) struct Opened {
    pub(crate) shared: Shared,
    pub(crate) head: watch::Sender<Head>,
    pub(crate) writer: Writer,
    pub(crate) lock: FolderLock,
    pub(crate) report: OpenReport,
}

/// Opens the store's files. Until the end of the log is known to be whole, nothing is changed.
pub(crate) fn open(options: &SledOptions) -> Result<Opened, OpenError> {
    let store = &options.path;
    let disk = options.disk();
    prepare_folder(&disk, options)?;
    let lock = FolderLock::take(&disk, store)?;
    // Only now: whoever puts something into it has the lock.
    if unfinished::is_there(store) {
        return Err(OpenError::Unfinished { path: store.clone() });
    }
    open_locked(options, lock)
}

/// The same, where the folder is prepared and locked.
pub(crate) fn open_locked(options: &SledOptions, lock: FolderLock) -> Result<Opened, OpenError> {
    let store = &options.path;
    let disk = options.disk();
    let log = Arc::new(recovery::open_log(&disk, store)?);
    let last_close = clean::read(&disk, store, log.id).map_err(|error| OpenError::io("reading", store, &error))?;
    if last_close == LastClose::Damaged {
        let file = store.join("clean").display().to_string();
        let what = "the marker of the last close cannot be read".to_owned();
        return Err(annals_core::Corruption { file, offset: 0, what }.into());
    }
    let (end, torn) = recovery::find_end(store, &log, &last_close)?;
    let was_closed = matches!(last_close, LastClose::Clean(_));
    let trusted = was_closed || lock.same_boot;
    // An index that is believed is of this boot from now on, and of no close: sled writes once it is opened, and does
    // not sync. One that is not believed must be aside before the boot is said to be its.
    if trusted {
        confirm_boot(store, &lock)?;
    }
    let removed = clean::remove(&disk, store);
    removed.map_err(|error| OpenError::io("removing the marker of the last close in", store, &error))?;
    let (index, progress, rebuilt) = open_index(store, &log, &end, trusted)?;
    let tail = tail::take_in(&log, &index, progress, &end, options.index_batch_entries)?;
    if !trusted {
        confirm_boot(store, &lock)?;
    }
    let head = head_of(&tail.through);
    let Some(segment) = log.last_segment() else {
        return Err(OpenError::NotAStore { path: store.clone(), reason: "its log has no segment" });
    };
    let writer = Writer::new(Arc::clone(&log), Arc::clone(&segment), end)
        .map_err(|error| OpenError::io("opening", &segment.path, &error))?;
    let (shared, signal) = Shared::new(log, index, tail, options.event_cache_bytes);
    Ok(Opened { shared, head: signal, writer, lock, report: OpenReport { head, was_closed, torn, rebuilt } })
}

fn confirm_boot(store: &Path, lock: &FolderLock) -> Result<(), OpenError> {
    lock.confirm().map_err(|error| OpenError::io("writing the lock of", store, &error))
}

/// Makes sure that the folder is a store, or empty and allowed to become one.
fn prepare_folder(disk: &Disk, options: &SledOptions) -> Result<(), OpenError> {
    let store = &options.path;
    let not_a_store = |reason| Err(OpenError::NotAStore { path: store.clone(), reason });
    let log = Log::folder(store);
    if log.is_dir() || unfinished::is_there(store) {
        return Ok(());
    }
    match disk.list("folder", store) {
        Ok(_) if !options.create => return not_a_store("it has no folder `log`"),
        Ok(entries) => {
            if entries.iter().any(|entry| entry.file_name() != Some("lock".as_ref())) {
                return not_a_store("it has no folder `log`, but holds other files");
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !options.create => {
            return not_a_store("there is no such folder");
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return not_a_store("it is a file"),
        Err(error) => return Err(OpenError::io("reading", store, &error)),
    }
    create_folders(disk, &log).map_err(|error| OpenError::io("creating", &log, &error))
}

/// Creates `folder` and what is missing above it; each new name is synced in its parent, and so is that of the folder
/// in which they begin: an opening that was cut short may have made it.
pub(crate) fn create_folders(disk: &Disk, folder: &Path) -> io::Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        return match disk.sync_folder("folder", parent) {
            // Whoever made it can read what it is in.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        };
    }
    create_folders(disk, parent)?;
    disk.create_folder("folder", folder)?;
    disk.sync_folder("folder", parent)
}

/// Opens the index if it can be believed and belongs to this log, else moves it aside and begins an empty one.
fn open_index(
    store: &Path,
    log: &Arc<Log>,
    end: &Standing,
    trusted: bool,
) -> Result<(Index, Progress, Option<String>), OpenError> {
    let folder = index_folder(store);
    if !folder.exists() {
        let reason = (end.commit.get() > 0).then(|| "it was gone".to_owned());
        return Ok((Index::open(&log.disk, &folder)?, Progress::START, reason));
    }
    let reason = if end.commit.get() > 0 && !folder.join(index::FILE).exists() {
        "its files were gone".to_owned()
    } else if trusted {
        match Index::open(&log.disk, &folder) {
            Ok(index) => match believe(&index, log, end)? {
                Ok(progress) => return Ok((index, progress, None)),
                Err(reason) => reason,
            },
            Err(error) => error.to_string(),
        }
    } else {
        "the machine was started again before the store was closed".to_owned()
    };
    tracing::warn!(reason, "the index is moved aside and rebuilt from the log");
    move_aside(&log.disk, store, &folder).map_err(|error| OpenError::io("moving aside", &folder, &error))?;
    Ok((Index::open(&log.disk, &folder)?, Progress::START, Some(reason)))
}

/// Whether the index says something that fits the log: inside, why not.
fn believe(index: &Index, log: &Arc<Log>, end: &Standing) -> Result<Result<Progress, String>, OpenError> {
    let progress = match index.progress(log.id) {
        Ok(Some(progress)) => progress,
        Ok(None) => return Ok(Err("it belongs to another log, or is damaged".to_owned())),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let seen = index.seen(&progress);
    if seen > end.commit {
        // Only what is on disk in the log is ever indexed, so the log has lost what its index has seen.
        let Some(segment) = log.last_segment() else { return Ok(Err("there is no log".to_owned())) };
        let what = format!(
            "the log ends with commit {}, but its index has seen commit {seen}: restore the log from a backup, or remove \
             the folder {} to go on without",
            end.commit,
            index_folder(log.folder.parent().unwrap_or(&log.folder)).display()
        );
        return Err(segment.corruption(end.offset, what).into());
    }
    match recovery::holds(log, end, &progress.standing, progress.frame) {
        Ok(true) => Ok(Ok(progress)),
        Ok(false) => Ok(Err(format!("its commit {} is not the log's", progress.standing.commit))),
        Err(error @ ReadError::Corrupt(_)) => Err(error.into()),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// One index that was moved aside is kept, the latest.
pub(crate) fn move_aside(disk: &Disk, store: &Path, folder: &Path) -> io::Result<()> {
    let aside = store.join("index.aside");
    if aside.exists() {
        disk.remove_folder("index", &aside)?;
    }
    disk.rename("index", folder, &aside)?;
    disk.sync_folder("index", store)
}
