//! The log: the only truth of the store.

pub(crate) mod clean;
pub(crate) mod event_head;
pub(crate) mod frame;
pub(crate) mod item;
pub(crate) mod items;
pub(crate) mod recovery;
pub(crate) mod scanner;
pub(crate) mod segment;
pub(crate) mod wire;
pub(crate) mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use annals_core::{Position, ReadError, Record};
use uuid::Uuid;

use self::{
    event_head::EventHead,
    frame::{FRAME_HEADER, Frame, FrameHeader, SEGMENT_HEADER},
    item::{ItemError, take_item},
    segment::Segment,
    wire::Cursor,
};

/// The files of the log, to read from. Who reads knows up to where: nothing here looks beyond what is asked for.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) id: Uuid,
    pub(crate) folder: PathBuf,
    segments: RwLock<Vec<Arc<Segment>>>,
    /// Lets a test make the next sync fail.
    #[cfg(test)]
    pub(crate) is_failing: std::sync::atomic::AtomicBool,
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

/// An event within this many bytes of the beginning of its frame is read together with the frame's header.
const NEAR_BYTES: u64 = 4096;

impl Log {
    pub(crate) fn new(id: Uuid, folder: PathBuf, segments: Vec<Arc<Segment>>) -> Self {
        Self {
            id,
            folder,
            segments: RwLock::new(segments),
            #[cfg(test)]
            is_failing: false.into(),
        }
    }

    pub(crate) fn folder(store: &Path) -> PathBuf {
        store.join("log")
    }

    pub(crate) fn add(&self, segment: Arc<Segment>) {
        self.segments.write().unwrap_or_else(PoisonError::into_inner).push(segment);
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

    /// Reads one event, checking the header of its frame and the event itself.
    pub(crate) fn record(&self, place: Place) -> Result<Record, ReadError> {
        let lost = || ReadError::Index { reason: format!("it places position {} outside the log", place.position) };
        let (segment, _) = self.segment(place.frame).ok_or_else(lost)?;
        let io = |error| io_error(&segment, &error);
        let end = u64::from(place.item) + u64::from(place.length);
        let near = usize::try_from(end).unwrap_or(usize::MAX);
        let (header, item) = if end <= NEAR_BYTES {
            let bytes = segment.read(place.frame, near).map_err(io)?;
            let at = (place.item as usize).min(bytes.len());
            (bytes.slice(..FRAME_HEADER.min(bytes.len())), bytes.slice(at..))
        } else {
            let header = segment.read(place.frame, FRAME_HEADER).map_err(io)?;
            (header, segment.read(place.frame + u64::from(place.item), place.length as usize).map_err(io)?)
        };
        let header = FrameHeader::take(&header, self.id, place.frame)
            .ok_or_else(|| segment.corruption(place.frame, "the header of a commit does not match its checksum"))?;
        let ordinal = place.position.get().checked_sub(header.common.first.get()).ok_or_else(lost)?;
        let index = usize::try_from(ordinal).unwrap_or(usize::MAX).saturating_add(usize::from(header.keyed));
        take_item(&mut Cursor::new(&item), header.common.commit, index)
            .and_then(EventHead::take)
            .and_then(|head| head.record(header.common, &item))
            .map_err(|error| item_error(&segment, place.frame + u64::from(place.item), error))
    }

    /// Damage, or an encoding of a later version, in the item at `at` bytes behind the beginning of `frame`.
    pub(crate) fn item_error(&self, frame: &Frame, (at, error): (u64, ItemError)) -> ReadError {
        match self.segment(frame.offset) {
            Some((segment, _)) => item_error(&segment, frame.offset + at, error),
            None => ReadError::Index { reason: format!("no segment holds byte {} of the log", frame.offset) },
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
