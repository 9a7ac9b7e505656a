//! Finding the end of the log when it is opened, and telling a torn last group from damage.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use annals_core::{CommitNumber, ReadError};
use bytes::Bytes;
use uuid::Uuid;

use super::{
    Log,
    clean::LastClose,
    disk::Disk,
    frame::{
        FORMAT, GROUP_HEADER, GROUP_MAGIC, HeaderError, SEGMENT_HEADER, Standing, take_group_header,
        take_segment_header,
    },
    scanner::{Scanner, Step},
    segment::Segment,
    writer::create_segment,
};
use crate::{OpenError, TornTail};

/// Opens every segment, or begins the first one.
pub(crate) fn open_log(disk: &Disk, store: &Path) -> Result<Log, OpenError> {
    if let Some(log) = open_segments(disk, store)? {
        return Ok(log);
    }
    if store.join("index").exists() || store.join("clean").exists() {
        return Err(OpenError::NotAStore { path: store.to_owned(), reason: "the files of its log are gone" });
    }
    let (id, folder) = (Uuid::now_v7(), Log::folder(store));
    let segment = create_segment(disk, &folder, id, Standing::START)
        .map_err(|error| OpenError::io("creating a segment in", &folder, &error))?;
    Ok(Log::new(id, folder, disk.clone(), vec![Arc::new(segment)]))
}

/// Opens every segment; `None` where there is none.
pub(crate) fn open_segments(disk: &Disk, store: &Path) -> Result<Option<Log>, OpenError> {
    let folder = Log::folder(store);
    let paths = segment_paths(disk, &folder).map_err(|error| OpenError::io("listing", &folder, &error))?;
    let mut segments: Vec<Arc<Segment>> = Vec::with_capacity(paths.len());
    let mut id = None;
    for path in paths {
        let (log, segment) = open_segment(disk, &path)?;
        if *id.get_or_insert(log) != log {
            return Err(segment.corruption(segment.start.offset, "the segment belongs to another log").into());
        }
        check_follows(segments.last().map(AsRef::as_ref), &segment)?;
        segments.push(Arc::new(segment));
    }
    Ok(id.map(|id| Log::new(id, folder, disk.clone(), segments)))
}

/// Opens the segments that were begun since the log was opened; whether there are any.
pub(crate) fn open_later_segments(log: &Log) -> Result<bool, OpenError> {
    let paths = segment_paths(&log.disk, &log.folder).map_err(|error| OpenError::io("listing", &log.folder, &error))?;
    let mut found = false;
    for path in paths {
        let last = log.last_segment();
        if Segment::offset_of(&path) <= last.as_ref().map(|last| last.start.offset) {
            continue;
        }
        let (id, segment) = open_segment(&log.disk, &path)?;
        if id != log.id {
            return Err(segment.corruption(segment.start.offset, "the segment belongs to another log").into());
        }
        check_follows(last.as_deref(), &segment)?;
        log.add(Arc::new(segment));
        found = true;
    }
    Ok(found)
}

/// The files of the log, in their order.
pub(crate) fn segment_paths(disk: &Disk, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = disk.list("log", folder)?;
    paths.retain(|path| Segment::offset_of(path).is_some());
    paths.sort();
    Ok(paths)
}

/// Opens a file of the log, whose header says to which log it belongs.
pub(crate) fn open_segment(disk: &Disk, path: &Path) -> Result<(Uuid, Segment), OpenError> {
    let io = |error| OpenError::io("opening", path, &error);
    let file = disk.open("log", path).map_err(io)?;
    let offset = Segment::offset_of(path).unwrap_or_default();
    let segment = Segment::new(path.to_owned(), file, Standing { offset, ..Standing::START });
    let header = segment.read(offset, SEGMENT_HEADER).map_err(io)?;
    let damaged = |what: &str| OpenError::from(segment.corruption(offset, what));
    match take_segment_header(&header) {
        Err(HeaderError::Format(found)) => Err(OpenError::Format { file: path.to_owned(), found, supported: FORMAT }),
        Err(HeaderError::NotALog) => Err(damaged("the file does not begin as a segment of a log does")),
        Err(HeaderError::Damaged) => Err(damaged("the header of the segment does not match its checksum")),
        Ok((_, start)) if start.offset != offset => Err(damaged("the segment belongs to another place in the log")),
        Ok((log, start)) => Ok((log, segment.starting_at(start))),
    }
}

/// A segment begins where the file of the one before ends: none may be missing, cut or longer.
fn check_follows(before: Option<&Segment>, segment: &Segment) -> Result<(), OpenError> {
    let Some(before) = before else {
        if segment.start.offset == 0 {
            return Ok(());
        }
        return Err(segment
            .corruption(segment.start.offset, "the log begins here, its earlier segments are missing")
            .into());
    };
    let length = before.file.length().map_err(|error| io_open(before, &error))?;
    let expected = segment.start.offset - before.start.offset;
    if length == expected {
        return Ok(());
    }
    let what = format!("the file has {length} bytes, but the next segment begins behind {expected}");
    Err(before.corruption(before.start.offset + length.min(expected), what).into())
}

/// Finds where the log ends, checking every byte of its last segment. Cuts a torn last group, keeping its whole commits.
pub(crate) fn find_end(
    store: &Path,
    log: &Arc<Log>,
    last_close: &LastClose,
) -> Result<(Standing, Option<TornTail>), OpenError> {
    let Some(segment) = log.last_segment() else { return Ok((Standing::START, None)) };
    let start = Standing { offset: segment.start.offset + SEGMENT_HEADER as u64, ..segment.start };
    let Some(mut scanner) = Scanner::chained(Arc::clone(log), start) else { return Ok((start, None)) };
    // The end of the last whole commit, and of the last group that has one.
    let mut end = start;
    let bad = loop {
        match scanner.step()? {
            Step::Frame(_) => end = scanner.standing,
            Step::Bad(corruption) => break Some(corruption),
            Step::End => break None,
        }
    };
    let at = scanner.standing.offset;
    let rest = segment.read(end.offset, rest_of(&segment, end.offset)?).map_err(|error| io_open(&segment, &error))?;
    let nothing_behind = rest.iter().all(|byte| *byte == 0);
    match last_close {
        LastClose::Clean(closed) => {
            if let Some(corruption) = bad {
                return Err(corruption.into());
            }
            check_closed(&segment, &end, closed)?;
            Ok((end, None))
        }
        // Neither the last group nor the name of the last segment may have been synced: what is shown from now on must be
        // on disk.
        _ if nothing_behind => {
            sync_names(log)?;
            segment.file.sync_data().map_err(|error| OpenError::io("syncing", &segment.path, &error))?;
            Ok((end, None))
        }
        _ => {
            let behind = rest.slice(usize::try_from(at - end.offset).unwrap_or_default().min(rest.len())..);
            if let Some(later) = later_group(&behind, log.id, at, end.group) {
                let what = "the log is damaged here, but was written further behind";
                let corruption = bad.unwrap_or_else(|| segment.corruption(at, format!("{what}, at byte {later}")));
                return Err(corruption.into());
            }
            sync_names(log)?;
            cut(&log.disk, store, &segment, &end, &rest).map(|torn| (end, Some(torn)))
        }
    }
}

fn sync_names(log: &Log) -> Result<(), OpenError> {
    log.disk.sync_folder("log", &log.folder).map_err(|error| OpenError::io("syncing", &log.folder, &error))
}

/// Where the log stands when it was closed cleanly must be where it stands now.
pub(crate) fn check_closed(segment: &Segment, end: &Standing, closed: &Standing) -> Result<(), OpenError> {
    if end == closed {
        return Ok(());
    }
    let what = format!(
        "the log ends with commit {} at byte {} of the log, but was closed with commit {} at byte {}",
        end.commit, end.offset, closed.commit, closed.offset
    );
    Err(segment.corruption(end.offset, what).into())
}

pub(crate) fn rest_of(segment: &Segment, from: u64) -> Result<usize, OpenError> {
    let length = segment.file.length().map_err(|error| io_open(segment, &error))?;
    let rest = (segment.start.offset + length).saturating_sub(from);
    Ok(usize::try_from(rest).unwrap_or(usize::MAX))
}

fn io_open(segment: &Segment, error: &io::Error) -> OpenError {
    OpenError::io("reading", &segment.path, error)
}

/// The offset of a group header in `bytes`, which stand at `at`, with a number above `group`. Where there is one, what
/// comes before it was complete on disk once: groups are written one after the other, each synced before the next.
pub(crate) fn later_group(bytes: &Bytes, log: Uuid, at: u64, group: u64) -> Option<u64> {
    let mut from = 1;
    while let Some(found) = bytes.get(from..)?.windows(GROUP_MAGIC.len()).position(|window| window == GROUP_MAGIC) {
        let index = from + found;
        let offset = at + index as u64;
        let header = bytes.get(index..(index + GROUP_HEADER).min(bytes.len()))?;
        if take_group_header(header, log, offset).is_some_and(|(number, _)| number > group) {
            return Some(offset);
        }
        from = index + 1;
    }
    None
}

/// Copies what stands behind `end` aside and cuts it off.
fn cut(disk: &Disk, store: &Path, segment: &Segment, end: &Standing, rest: &[u8]) -> Result<TornTail, OpenError> {
    let used = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let folder = store.join("torn");
    let aside = folder.join(format!("{:020}-after-commit-{}.bytes", end.offset, end.commit));
    let io = |error| OpenError::io("setting a torn group aside in", &folder, &error);
    disk.create_folder("torn", &folder).and_then(|()| disk.sync_folder("torn", store)).map_err(io)?;
    disk.replace("torn", &aside, rest.get(..used).unwrap_or_default()).map_err(io)?;
    let cut = |error| OpenError::io("cutting a torn group off", &segment.path, &error);
    segment.file.set_length(end.offset - segment.start.offset).map_err(cut)?;
    segment.file.sync_all().map_err(cut)?;
    Ok(TornTail {
        file: segment.path.clone(),
        offset: end.offset - segment.start.offset,
        bytes: used as u64,
        kept_as: aside,
        last_commit: end.commit,
    })
}

/// Whether the log holds the commit that an index says it has seen last.
pub(crate) fn holds(log: &Arc<Log>, end: &Standing, seen: &Standing, frame: u64) -> Result<bool, ReadError> {
    if seen.commit == CommitNumber::ZERO {
        return Ok(true);
    }
    if seen.offset > end.offset {
        return Ok(false);
    }
    let Some(mut scanner) = Scanner::from_offset(Arc::clone(log), frame, end.offset) else { return Ok(false) };
    Ok(matches!(scanner.step()?, Step::Frame(found)
        if found.header.chain == seen.chain && found.header.common.commit == seen.commit))
}
