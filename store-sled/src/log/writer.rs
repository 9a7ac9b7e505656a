//! Appending groups to the log: one write and one sync each.

use std::{io, path::Path, sync::Arc};

use uuid::Uuid;

use super::{
    Log,
    disk::Disk,
    frame::{GROUP_HEADER, SEGMENT_HEADER, Standing, put_group_header, segment_header},
    segment::Segment,
};

/// A segment is as large as the log before it, between these bounds, so that a small store stays small.
const SEGMENT_BYTES_MIN: u64 = 1 << 20;
const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// Groups up to this size are followed by zeros, over which later groups are written without changing the file's
/// length: a sync then has no metadata to write. Larger groups would only double the traffic.
const SMALL_GROUP_BYTES: usize = 256 << 10;
const AHEAD_BYTES_MIN: u64 = 64 << 10;
const AHEAD_BYTES_MAX: u64 = 1 << 20;

/// The end of the log, where the committer writes.
pub(crate) struct Writer {
    log: Arc<Log>,
    segment: Arc<Segment>,
    /// Up to here the file holds zeros behind the log's end.
    zeroed: u64,
    /// Where the log stands: everything up to here is on disk.
    pub(crate) standing: Standing,
}

impl Writer {
    /// Writes behind `standing`, the end of the last segment, whose file ends there too.
    pub(crate) fn new(log: Arc<Log>, segment: Arc<Segment>, standing: Standing) -> Self {
        Self { log, segment, zeroed: standing.offset, standing }
    }

    pub(crate) fn log_id(&self) -> Uuid {
        self.log.id
    }

    /// Begins a group: the header, and where the log stands behind it. Begins a new segment first when the last one is
    /// full.
    pub(crate) fn begin_group(&mut self) -> io::Result<(Vec<u8>, Standing)> {
        if self.standing.offset - self.segment.start.offset >= self.segment_bytes() {
            self.begin_segment()?;
        }
        let first = self.standing.offset == self.segment.start.offset + SEGMENT_HEADER as u64;
        let previous_end = if first { self.segment.start.offset } else { self.standing.offset };
        let number = self.standing.group + 1;
        let mut group = Vec::with_capacity(4096);
        put_group_header(&mut group, self.log.id, self.standing.offset, number, previous_end);
        let offset = self.standing.offset + GROUP_HEADER as u64;
        Ok((group, Standing { offset, group: number, ..self.standing }))
    }

    /// Writes a whole group and waits until it is on disk; `behind` is where the log then stands.
    ///
    /// After an error nothing may be written any more: what is on disk is unknown, and a second sync proves nothing.
    pub(crate) fn write_group(&mut self, mut group: Vec<u8>, behind: Standing) -> io::Result<()> {
        let small = group.len() <= SMALL_GROUP_BYTES;
        if behind.offset > self.zeroed {
            self.zeroed = behind.offset;
            if small {
                let ahead = (self.segment_bytes() / 8).clamp(AHEAD_BYTES_MIN, AHEAD_BYTES_MAX);
                group.resize(group.len() + usize::try_from(ahead).unwrap_or_default(), 0);
                self.zeroed += ahead;
            }
        }
        self.segment.file.write_at(&group, self.standing.offset - self.segment.start.offset)?;
        self.segment.file.sync_data()?;
        self.standing = behind;
        Ok(())
    }

    /// Cuts the zeros off, so that the file ends where the log ends.
    pub(crate) fn trim(&mut self) -> io::Result<()> {
        self.segment.file.set_length(self.standing.offset - self.segment.start.offset)?;
        self.segment.file.sync_all()?;
        self.zeroed = self.standing.offset;
        Ok(())
    }

    fn segment_bytes(&self) -> u64 {
        self.log.disk.segment_bytes(self.segment.start.offset.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX))
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        self.trim()?;
        self.segment = Arc::new(create_segment(&self.log.disk, &self.log.folder, self.log.id, self.standing)?);
        self.log.add(Arc::clone(&self.segment));
        self.standing.offset += SEGMENT_HEADER as u64;
        self.zeroed = self.standing.offset;
        Ok(())
    }
}

/// Creates a segment that begins at `start`. After a crash it is there with its whole header, or not at all.
pub(crate) fn create_segment(disk: &Disk, folder: &Path, log: Uuid, start: Standing) -> io::Result<Segment> {
    let path = folder.join(Segment::file_name(start.offset));
    disk.replace("segment", &path, &segment_header(log, &start))?;
    let file = disk.open("log", &path)?;
    Ok(Segment::new(path, file, start))
}
