//! Reading events at known places; what lies close together is read at once.

use std::sync::Arc;

use annals_core::{ReadError, Record};
use bytes::Bytes;

use super::{
    Log, Place,
    event_head::EventHead,
    frame::{FRAME_HEADER, FrameHeader},
    io_error,
    item::take_item,
    item_error,
    segment::Segment,
    wire::Cursor,
};

/// An event within this many bytes of the beginning of its frame is read together with the frame's header.
const NEAR_BYTES: u64 = 4096;

/// Events this close to each other are read together: a read costs about as much as copying so many bytes.
const GAP_BYTES: u64 = 4096;

/// At most this much is read together.
const TOGETHER_BYTES: u64 = 64 << 10;

/// Reads events at known places.
pub(crate) struct Gather<'a> {
    log: &'a Log,
    segment: Option<(Arc<Segment>, u64)>,
    /// What was read last, and where it stands in the log. The buffer is used again and again.
    window: Vec<u8>,
    window_at: u64,
    /// The header of the frame that was read last.
    header: Option<(u64, FrameHeader)>,
}

impl Place {
    fn item_at(&self) -> u64 {
        self.frame.saturating_add(u64::from(self.item))
    }

    fn end(&self) -> u64 {
        self.item_at().saturating_add(u64::from(self.length))
    }

    fn is_near(&self) -> bool {
        u64::from(self.item) + u64::from(self.length) <= NEAR_BYTES
    }
}

impl<'a> Gather<'a> {
    pub(crate) fn new(log: &'a Log) -> Self {
        Self { log, segment: None, window: Vec::new(), window_at: 0, header: None }
    }

    /// The records at `places`, which stand in the order of the log. Checks the header of each one's frame and the
    /// event itself.
    pub(crate) fn records(&mut self, places: &[Place]) -> Vec<Result<Record, ReadError>> {
        let mut rest = places;
        let mut records = Vec::with_capacity(places.len());
        while let Some((place, following)) = rest.split_first() {
            records.push(self.record(*place, following));
            rest = following;
        }
        records
    }

    fn record(&mut self, place: Place, following: &[Place]) -> Result<Record, ReadError> {
        let lost = || ReadError::Index { reason: format!("it places position {} outside the log", place.position) };
        let segment = self.segment(place.frame).ok_or_else(lost)?;
        let header = self.header(&segment, place, following)?;
        let ordinal = place.position.get().checked_sub(header.common.first.get()).ok_or_else(lost)?;
        let index = usize::try_from(ordinal).unwrap_or(usize::MAX).saturating_add(usize::from(header.keyed));
        let end = || end_of_cluster(place.item_at(), place, following);
        let item = self.bytes(&segment, place.item_at(), place.length as usize, end)?;
        take_item(&mut Cursor::new(item), header.common.commit, index)
            .and_then(EventHead::take)
            .and_then(|head| head.record(header.common, Bytes::copy_from_slice))
            .map_err(|error| item_error(&segment, place.item_at(), error))
    }

    fn header(&mut self, segment: &Segment, place: Place, following: &[Place]) -> Result<FrameHeader, ReadError> {
        if let Some((at, header)) = self.header
            && at == place.frame
        {
            return Ok(header);
        }
        let log = self.log.id;
        let end = || if place.is_near() { end_of_cluster(place.frame, place, following) } else { 0 };
        let header = FrameHeader::take(self.bytes(segment, place.frame, FRAME_HEADER, end)?, log, place.frame)
            .ok_or_else(|| segment.corruption(place.frame, "the header of a commit does not match its checksum"))?;
        self.header = Some((place.frame, header));
        Ok(header)
    }

    /// The segment that holds the log offset `at`.
    fn segment(&mut self, at: u64) -> Option<Arc<Segment>> {
        if let Some((segment, end)) = &self.segment
            && (segment.start.offset..*end).contains(&at)
        {
            return Some(Arc::clone(segment));
        }
        let (segment, next) = self.log.segment(at)?;
        // The last segment is looked up each time: another one may be begun behind it.
        self.segment = next.map(|next| (Arc::clone(&segment), next));
        Some(segment)
    }

    /// `length` bytes at the log offset `at`, or fewer where the file ends. If they are not there yet, everything up
    /// to `end` is read with them.
    fn bytes(
        &mut self,
        segment: &Segment,
        at: u64,
        length: usize,
        end: impl FnOnce() -> u64,
    ) -> Result<&[u8], ReadError> {
        let skip = at.checked_sub(self.window_at).and_then(|skip| usize::try_from(skip).ok());
        let range = skip.and_then(|skip| Some(skip..skip.checked_add(length)?));
        let range = match range.filter(|range| range.end <= self.window.len()) {
            Some(range) => range,
            None => {
                let wanted = usize::try_from(end().saturating_sub(at)).unwrap_or_default().max(length);
                self.window_at = at;
                segment.read_into(at, wanted, &mut self.window).map_err(|error| io_error(segment, &error))?;
                0..length.min(self.window.len())
            }
        };
        Ok(self.window.get(range).unwrap_or_default())
    }
}

/// Where the events end that are read together with `place`, from the log offset `from` on.
fn end_of_cluster(from: u64, place: Place, following: &[Place]) -> u64 {
    let mut last = place;
    for next in following {
        let begins = if next.frame == last.frame { next.item_at() } else { next.frame };
        let together = next.is_near() || next.frame == last.frame;
        if !together || begins > last.end() + GAP_BYTES || next.end() > from + TOGETHER_BYTES {
            break;
        }
        last = *next;
    }
    last.end()
}
