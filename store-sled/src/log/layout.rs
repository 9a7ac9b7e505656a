//! Where groups go in the log: decided before they are written, so that one can be encoded while another is written.

use uuid::Uuid;

use super::{
    Log,
    disk::Disk,
    frame::{GROUP_HEADER, SEGMENT_HEADER, Standing, put_group_header},
    segment::Segment,
};

/// A segment is as large as the log before it, between these bounds, so that a small store stays small.
const SEGMENT_BYTES_MIN: u64 = 1 << 20;
const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// How large the segment that begins at the log offset `start` becomes before the next one is begun.
pub(crate) fn segment_bytes(disk: &Disk, start: u64) -> u64 {
    disk.segment_bytes(start.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX))
}

/// A group as it is to be written.
#[derive(Debug)]
pub(crate) struct EncodedGroup {
    /// Where the log stands before it.
    pub(crate) before: Standing,
    /// Whether a segment is begun for it.
    pub(crate) begins_segment: bool,
    /// Its header and its frames.
    pub(crate) bytes: Vec<u8>,
    /// Where the log stands behind it.
    pub(crate) behind: Standing,
}

impl EncodedGroup {
    /// The log offset of its first byte.
    pub(crate) fn offset(&self) -> u64 {
        self.before.offset + if self.begins_segment { SEGMENT_HEADER as u64 } else { 0 }
    }
}

/// Where the next group goes.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) log: Uuid,
    disk: Disk,
    /// The log offset at which the last segment begins.
    segment: u64,
    /// Where the log will stand when every group so far is written.
    pub(crate) standing: Standing,
}

impl Layout {
    /// The layout behind `standing`, the end of `segment`.
    pub(crate) fn new(log: &Log, segment: &Segment, standing: Standing) -> Self {
        Self { log: log.id, disk: log.disk.clone(), segment: segment.start.offset, standing }
    }

    /// Begins a group in `buffer`: its header. The next one follows it only once it is [taken](Self::take).
    pub(crate) fn begin(&self, mut buffer: Vec<u8>) -> EncodedGroup {
        let before = self.standing;
        let begins_segment = before.offset - self.segment >= segment_bytes(&self.disk, self.segment);
        let segment = if begins_segment { before.offset } else { self.segment };
        let offset = before.offset + if begins_segment { SEGMENT_HEADER as u64 } else { 0 };
        let is_first = offset == segment + SEGMENT_HEADER as u64;
        let previous_end = if is_first { segment } else { offset };
        let number = before.group + 1;
        buffer.clear();
        put_group_header(&mut buffer, self.log, offset, number, previous_end);
        let behind = Standing { offset: offset + GROUP_HEADER as u64, group: number, ..before };
        EncodedGroup { before, begins_segment, bytes: buffer, behind }
    }

    /// Lets the next group follow `group`.
    pub(crate) fn take(&mut self, group: &EncodedGroup) {
        if group.begins_segment {
            self.segment = group.before.offset;
        }
        self.standing = group.behind;
    }
}
