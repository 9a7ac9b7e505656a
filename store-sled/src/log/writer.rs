//! Appending groups to the log: one write and one sync each.

use std::{io, path::Path, sync::Arc};

use uuid::Uuid;

use super::{
    Log,
    disk::Disk,
    frame::{SEGMENT_HEADER, Standing, segment_header},
    layout::{EncodedGroup, segment_bytes},
    prepare::{Prepared, Preparer},
    segment::Segment,
};

/// Groups up to this size are written over zeros where there are some: a sync then has no metadata to write. For larger
/// groups that would only double the traffic.
const SMALL_GROUP_BYTES: usize = 256 << 10;

/// So many zeros follow a small group where no file was prepared.
const AHEAD_BYTES_MIN: u64 = 64 << 10;
const AHEAD_BYTES_MAX: u64 = 1 << 20;

/// The end of the log on the disk.
pub(crate) struct Writer {
    log: Arc<Log>,
    segment: Arc<Segment>,
    preparer: Preparer,
    /// Up to here the file holds zeros behind the log's end.
    zeroed: u64,
    /// Where the log stands: everything up to here is on disk.
    pub(crate) standing: Standing,
}

impl Writer {
    /// Writes behind `standing`, the end of the last segment, whose file ends there too.
    pub(crate) fn new(log: Arc<Log>, segment: Arc<Segment>, standing: Standing) -> Self {
        let preparer = Preparer::new(log.disk.clone(), &log.folder);
        Self { log, segment, preparer, zeroed: standing.offset, standing }
    }

    pub(crate) fn log_id(&self) -> Uuid {
        self.log.id
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Writes a group and waits until it is on disk. It must follow the one that was written last.
    ///
    /// After an error nothing may be written any more: what is on disk is unknown, and a second sync proves nothing.
    pub(crate) fn write(&mut self, group: &mut EncodedGroup) -> io::Result<()> {
        if group.before != self.standing {
            return Err(io::Error::other("the group does not follow the one before"));
        }
        if group.begins_segment {
            self.begin_segment()?;
        }
        let small = group.bytes.len() <= SMALL_GROUP_BYTES;
        let bytes = segment_bytes(&self.log.disk, self.segment.start.offset);
        if group.behind.offset > self.zeroed {
            self.zeroed = group.behind.offset;
            if small {
                let ahead = (bytes / 8).clamp(AHEAD_BYTES_MIN, AHEAD_BYTES_MAX);
                group.bytes.resize(group.bytes.len() + usize::try_from(ahead).unwrap_or_default(), 0);
                self.zeroed += ahead;
            }
        }
        self.segment.file.write_at(&group.bytes, group.offset() - self.segment.start.offset)?;
        self.segment.file.sync_data()?;
        self.standing = group.behind;
        let is_half_full = (self.standing.offset - self.segment.start.offset) * 2 > bytes;
        if small && is_half_full {
            self.preparer.ask(segment_bytes(&self.log.disk, self.segment.start.offset + bytes));
        }
        Ok(())
    }

    /// Cuts the zeros off, so that the file ends where the log ends, and leaves no prepared file.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.preparer.stop();
        self.trim()
    }

    fn trim(&mut self) -> io::Result<()> {
        self.segment.file.set_length(self.standing.offset - self.segment.start.offset)?;
        self.segment.file.sync_all()?;
        self.zeroed = self.standing.offset;
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        self.trim()?;
        let (segment, zeros) = match self.preparer.take() {
            Some(prepared) => (begin_prepared(&self.log, self.standing, &prepared)?, prepared.bytes),
            None => {
                (create_segment(&self.log.disk, &self.log.folder, self.log.id, self.standing)?, SEGMENT_HEADER as u64)
            }
        };
        self.segment = Arc::new(segment);
        self.log.add(Arc::clone(&self.segment));
        self.zeroed = self.standing.offset + zeros;
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

/// The same with a file of zeros.
fn begin_prepared(log: &Log, start: Standing, prepared: &Prepared) -> io::Result<Segment> {
    let path = log.folder.join(Segment::file_name(start.offset));
    prepared.file.write_at(&segment_header(log.id, &start), 0)?;
    prepared.file.sync_all()?;
    log.disk.rename("segment", &prepared.path, &path)?;
    log.disk.sync_folder("segment", &log.folder)?;
    let file = log.disk.open("log", &path)?;
    Ok(Segment::new(path, file, start))
}
