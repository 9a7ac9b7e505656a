//! The folder into which is loaded: empty at first, then an unfinished store that is taken back to what was saved.

use std::{io, path::Path, sync::Arc};

use super::LoaderError;
use crate::{
    OpenError, SledOptions,
    lock::FolderLock,
    log::{
        Log,
        clean::{self, LastClose},
        disk::Disk,
        frame::{SEGMENT_HEADER, Standing},
        recovery,
        scanner::Scanner,
        segment::Segment,
    },
    open::{self, Opened, create_folders, index_folder},
    unfinished::{self, Saved},
};

/// Opens the store as it was when its progress was saved last, or begins one.
pub(super) fn open(options: &SledOptions) -> Result<(Opened, Saved), LoaderError> {
    let (store, disk) = (&options.path, options.disk());
    let create =
        |folder: &Path| create_folders(&disk, folder).map_err(|error| OpenError::io("creating", folder, &error));
    check_folder(&disk, store)?;
    create(store)?;
    let lock = FolderLock::take(&disk, store)?;
    // Somebody else may have begun or finished it before it was locked.
    check_folder(&disk, store)?;
    let saved = match unfinished::read(&disk, store)? {
        Some(saved) => saved,
        None => {
            let marked = unfinished::write(&disk, store, &Saved::NOTHING);
            marked.map_err(|error| OpenError::io("marking", store, &error))?;
            Saved::NOTHING
        }
    };
    create(&Log::folder(store))?;
    take_back(&disk, store, &saved.standing)?;
    Ok((open::open_locked(options, lock)?, saved))
}

/// Makes sure that the folder holds an unfinished store, or nothing.
fn check_folder(disk: &Disk, store: &Path) -> Result<(), LoaderError> {
    if unfinished::is_there(store) {
        return Ok(());
    }
    if Log::folder(store).is_dir() {
        return Err(LoaderError::Occupied { path: store.to_owned() });
    }
    // What an opening leaves that was killed before it had marked the folder.
    let ours = ["lock", "unfinished.new"];
    let reason = match disk.list("folder", store) {
        Ok(entries) if entries.iter().all(|entry| ours.iter().any(|ours| entry.ends_with(ours))) => return Ok(()),
        Ok(_) => "it has no folder `log`, but holds other files",
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => "it is a file",
        Err(error) => return Err(OpenError::io("reading", store, &error).into()),
    };
    Err(OpenError::NotAStore { path: store.to_owned(), reason }.into())
}

/// Removes what stands in the log behind `end`, and the index that may know of it. A kill meanwhile leaves as much to do.
fn take_back(disk: &Disk, store: &Path, end: &Standing) -> Result<(), OpenError> {
    let Some(log) = recovery::open_segments(disk, store)? else {
        if end.commit.is_zero() {
            return Ok(());
        }
        return Err(OpenError::NotAStore { path: store.to_owned(), reason: "the files of its log are gone" });
    };
    let log = Arc::new(log);
    let failed = |error| OpenError::io("taking back what was not saved in", store, &error);
    if clean::read(disk, store, log.id).map_err(failed)? == LastClose::Clean(*end) {
        return Ok(());
    }
    check_holds(&log, end)?;
    clean::remove(disk, store).map_err(failed)?;
    remove_index(disk, store).map_err(failed)?;
    for segment in log.segments().iter().rev() {
        if is_kept(segment, end) {
            return cut(segment, end).map_err(failed);
        }
        disk.remove("log", &segment.path).and_then(|()| disk.sync_folder("log", &log.folder)).map_err(failed)?;
    }
    Ok(())
}

fn remove_index(disk: &Disk, store: &Path) -> io::Result<()> {
    let folder = index_folder(store);
    if folder.exists() {
        disk.remove_folder("index", &folder)?;
    }
    disk.sync_folder("index", store)
}

/// The first segment is; it holds no commits if nothing was saved.
fn is_kept(segment: &Segment, end: &Standing) -> bool {
    segment.start.offset == 0 || segment.start.offset < end.offset
}

fn cut(segment: &Segment, end: &Standing) -> io::Result<()> {
    let length = end.offset.saturating_sub(segment.start.offset).max(SEGMENT_HEADER as u64);
    segment.file.set_length(length)?;
    segment.file.sync_all()
}

/// Makes sure that the log stood at `end` once: what was saved was on disk.
fn check_holds(log: &Arc<Log>, end: &Standing) -> Result<(), OpenError> {
    let segments = log.segments();
    let Some(segment) = segments.iter().rfind(|segment| is_kept(segment, end)) else { return Ok(()) };
    let begin = Standing { offset: segment.start.offset + SEGMENT_HEADER as u64, ..segment.start };
    if end.offset <= begin.offset {
        return Ok(());
    }
    let Some(mut scanner) = Scanner::chained(Arc::clone(log), begin) else { return Ok(()) };
    while scanner.find_before(end.offset)?.is_some() {}
    if scanner.standing == *end {
        return Ok(());
    }
    let what =
        format!("commit {} was saved, but the log holds another one: remove the folder and begin again", end.commit);
    Err(scanner.corruption(what).into())
}
