//! The files of a log, opened one by one, so that a damaged one does not keep the others from being looked at.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use annals_core::{Corruption, Head};
use uuid::Uuid;

use crate::{
    OpenError,
    files::check_is_store,
    log::{
        Log,
        clean::{self, LastClose},
        disk::Disk,
        frame::Standing,
        recovery,
        segment::Segment,
    },
};

/// The files of a log, in their order.
pub(crate) struct Segments {
    store: PathBuf,
    log_id: Uuid,
    opened: Vec<Opened>,
    bytes: u64,
    /// Where it was closed, if it was.
    closed: Option<Standing>,
}

/// One of them.
pub(crate) enum Opened {
    Whole(Arc<Segment>),
    /// Its header cannot be believed; it begins at this offset of the log, as its name says.
    Damaged(Corruption, u64),
}

/// What follows a file of the log.
#[derive(Clone, Copy)]
pub(crate) struct Next {
    /// Where the next file begins, if there is one.
    pub(crate) offset: Option<u64>,
    start: Option<Standing>,
}

impl Next {
    /// Where the log stands in front of the next file, as its header says; behind the last file, where it was closed.
    pub(crate) fn start(&self) -> Option<Standing> {
        self.start
    }
}

impl Segments {
    /// Opens the files of the log of `store`.
    ///
    /// # Errors
    /// There is no log, none of its files can be believed, one has a later format, or the operating system refuses.
    pub(crate) fn open(store: &Path) -> Result<Self, OpenError> {
        let not_a_store = |reason| OpenError::NotAStore { path: store.to_owned(), reason };
        check_is_store(store)?;
        let (folder, disk) = (Log::folder(store), Disk::that_only_reads());
        let paths =
            recovery::segment_paths(&disk, &folder).map_err(|error| OpenError::io("listing", &folder, &error))?;
        let (mut opened, mut log_id, mut bytes, mut first) = (Vec::new(), None, 0, None);
        for path in paths {
            let offset = Segment::offset_of(&path).unwrap_or_default();
            bytes += path.metadata().map_or(0, |found| found.len());
            opened.push(match recovery::open_segment(&disk, &path) {
                Ok((log, segment)) if *log_id.get_or_insert(log) != log => {
                    Opened::Damaged(segment.corruption(offset, "the segment belongs to another log"), offset)
                }
                Ok((_, segment)) => Opened::Whole(Arc::new(segment)),
                Err(OpenError::Corrupt(corruption)) => {
                    first.get_or_insert_with(|| corruption.clone());
                    Opened::Damaged(corruption, offset)
                }
                Err(error) => return Err(error),
            });
        }
        match (log_id, first) {
            (Some(log_id), _) => {
                let closed = match clean::read(&disk, store, log_id) {
                    Ok(LastClose::Clean(closed)) => Some(closed),
                    _ => None,
                };
                Ok(Self { store: store.to_owned(), log_id, opened, bytes, closed })
            }
            (None, Some(corruption)) => Err(corruption.into()),
            (None, None) => Err(not_a_store("its log has no segment")),
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.opened.len() as u64
    }

    /// Bytes in all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn log_id(&self) -> Uuid {
        self.log_id
    }

    /// The last commit and position when it was closed, if it was.
    pub(crate) fn closed(&self) -> Option<Head> {
        self.closed.map(|closed| Head { commit: closed.commit, position: closed.position })
    }

    pub(crate) fn folder(&self) -> PathBuf {
        Log::folder(&self.store)
    }

    /// Each with what follows it.
    pub(crate) fn with_next(&self) -> impl Iterator<Item = (&Opened, Next)> {
        self.opened.iter().enumerate().map(|(index, opened)| {
            let next = match self.opened.get(index + 1) {
                None => Next { offset: None, start: self.closed },
                Some(Opened::Whole(next)) => Next { offset: Some(next.start.offset), start: Some(next.start) },
                Some(Opened::Damaged(_, offset)) => Next { offset: Some(*offset), start: None },
            };
            (opened, next)
        })
    }
}

/// What is wrong with `segment` behind a log that stands at `before`.
pub(crate) fn check_follows(before: Option<&Standing>, segment: &Segment) -> Option<Corruption> {
    let (before, start) = (before?, &segment.start);
    if before == start {
        return None;
    }
    let what = if before.offset == 0 {
        "the log begins here, its earlier segments are missing"
    } else {
        "the segment does not continue the one before"
    };
    Some(segment.corruption(start.offset, what))
}
