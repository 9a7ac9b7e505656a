//! The log: the only truth of the store.

pub(crate) mod append;
pub(crate) mod cache;
pub(crate) mod clean;
pub(crate) mod direct;
pub(crate) mod disk;
mod doorkeeper;
pub(crate) mod event_head;
pub(crate) mod frame;
pub(crate) mod gather;
pub(crate) mod headers;
pub(crate) mod item;
pub(crate) mod items;
pub(crate) mod layout;
pub(crate) mod prepare;
pub(crate) mod recent;
pub(crate) mod recovery;
mod repetition;
pub(crate) mod scanner;
pub(crate) mod segment;
pub(crate) mod wire;
pub(crate) mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use annals_core::{Position, ReadError};
use uuid::Uuid;

use self::{disk::Disk, frame::SEGMENT_HEADER, item::ItemError, segment::Segment};

/// The files of the log, to read from. Who reads knows up to where: nothing here looks beyond what is asked for.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) id: Uuid,
    pub(crate) folder: PathBuf,
    pub(crate) disk: Disk,
    segments: RwLock<Vec<Arc<Segment>>>,
}

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The position of the event.
    pub(crate) position: Position,
    /// The log offset of its frame.
    pub(crate) frame: u64,
    /// Where its item begins within the frame.
    pub(crate) item: u32,
    /// How long its item is.
    pub(crate) length: u32,
}

impl Log {
    pub(crate) fn new(id: Uuid, folder: PathBuf, disk: Disk, segments: Vec<Arc<Segment>>) -> Self {
        Self { id, folder, disk, segments: RwLock::new(segments) }
    }

    pub(crate) fn folder(store: &Path) -> PathBuf {
        store.join("log")
    }

    pub(crate) fn add(&self, segment: Arc<Segment>) {
        self.segments.write().unwrap_or_else(PoisonError::into_inner).push(segment);
    }

    /// All segments, in their order.
    pub(crate) fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The segment that holds the log offset `offset`, and where the next one begins.
    pub(crate) fn segment(&self, offset: u64) -> Option<(Arc<Segment>, Option<u64>)> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let count = segments.partition_point(|segment| segment.start.offset <= offset);
        let segment = segments.get(count.checked_sub(1)?)?;
        Some((Arc::clone(segment), segments.get(count).map(|next| next.start.offset)))
    }

    pub(crate) fn last_segment(&self) -> Option<Arc<Segment>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// A place at or before the frame that holds `position`, from which to scan.
    pub(crate) fn offset_before(&self, position: Position) -> u64 {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let count = segments.partition_point(|segment| segment.start.position < position);
        let Some(segment) = count.checked_sub(1).and_then(|index| segments.get(index)) else {
            return SEGMENT_HEADER as u64;
        };
        segment.mark_before(position).unwrap_or(segment.start.offset + SEGMENT_HEADER as u64)
    }

    /// Damage, or an encoding of a later version, in the item at `at` bytes behind the beginning of the frame at `frame`.
    pub(crate) fn item_error(&self, frame: u64, (at, error): (u64, ItemError)) -> ReadError {
        match self.segment(frame) {
            Some((segment, _)) => item_error(&segment, frame + at, error),
            None => ReadError::Index { reason: format!("no segment holds byte {frame} of the log") },
        }
    }
}

fn item_error(segment: &Segment, at: u64, error: ItemError) -> ReadError {
    match error {
        ItemError::Damaged(what) => segment.corruption(at, what).into(),
        ItemError::Encoding(found) => {
            let offset = at.saturating_sub(segment.start.offset);
            ReadError::UnknownEncoding { what: format!("{} at byte {offset}", segment.path.display()), found }
        }
    }
}

pub(crate) fn io_error(segment: &Segment, error: &io::Error) -> ReadError {
    ReadError::Io { what: format!("reading {}", segment.path.display()), reason: error.to_string() }
}
