//! Appending groups to the log: one write and one sync each.

use std::{io, path::Path, sync::Arc};

use uuid::Uuid;

use super::{
    Log,
    append::Appender,
    direct::{PAGE_BYTES, Pages},
    disk::Disk,
    frame::{SEGMENT_HEADER, Standing, segment_header},
    layout::{EncodedGroup, segment_bytes},
    prepare::{Prepared, Preparer},
    segment::Segment,
};

/// Groups up to this size are written with zeros behind them where no file was prepared: the syncs of those that follow
/// then have no metadata to write. For larger groups that would only double the traffic.
const SMALL_GROUP_BYTES: usize = 256 << 10;

/// So many zeros follow a small group then.
const AHEAD_BYTES_MIN: u64 = 64 << 10;
const AHEAD_BYTES_MAX: u64 = 1 << 20;

/// The end of the log on the disk.
pub(crate) struct Writer {
    log: Arc<Log>,
    segment: Arc<Segment>,
    /// The one before, if this process has written it.
    before: Option<Arc<Segment>>,
    appender: Appender,
    preparer: Preparer,
    /// Up to here the segment's file holds zeros behind the log's end.
    zeroed: u64,
    /// Where the log stands: everything up to here is on disk.
    pub(crate) standing: Standing,
}

impl Writer {
    /// Writes behind `standing`, the end of the last segment, whose file ends there too.
    pub(crate) fn new(log: Arc<Log>, segment: Arc<Segment>, standing: Standing) -> io::Result<Self> {
        let preparer = Preparer::new(log.disk.clone(), &log.folder);
        let zeroed = standing.offset - segment.start.offset;
        let appender = Appender::new(&log.disk, &segment.path, zeroed)?;
        Ok(Self { log, segment, before: None, appender, preparer, zeroed, standing })
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
    pub(crate) fn write(&mut self, group: &EncodedGroup) -> io::Result<()> {
        if group.before != self.standing {
            return Err(io::Error::other("the group does not follow the one before"));
        }
        if group.begins_segment {
            self.begin_segment()?;
        }
        let start = self.segment.start.offset;
        let bytes = segment_bytes(&self.log.disk, start);
        let is_beyond = group.behind.offset - start > self.zeroed;
        let zeros = if is_beyond && group.bytes.len() <= SMALL_GROUP_BYTES {
            (bytes / 8).clamp(AHEAD_BYTES_MIN, AHEAD_BYTES_MAX)
        } else {
            0
        };
        let end = self.appender.write(&group.bytes, usize::try_from(zeros).unwrap_or_default())?;
        self.zeroed = self.zeroed.max(end);
        self.segment.recent.add(group.offset() - start, &group.bytes);
        if let Some(before) = &self.before {
            before.recent.give_way_to(&self.segment.recent);
        }
        // Otherwise whoever is the first to scan the end of a segment would begin where that begins.
        self.segment.mark(group.before.position.next(), group.offset());
        self.standing = group.behind;
        let is_half_full = (self.standing.offset - start) * 2 > bytes;
        if is_half_full {
            self.preparer.ask(segment_bytes(&self.log.disk, start + bytes));
        }
        Ok(())
    }

    /// Cuts the zeros off, so that the file ends where the log ends, and leaves no prepared file.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.preparer.stop();
        self.trim()
    }

    fn trim(&self) -> io::Result<()> {
        self.segment.file.set_length(self.standing.offset - self.segment.start.offset)?;
        self.segment.file.sync_all()
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        self.trim()?;
        let header = SEGMENT_HEADER as u64;
        let (segment, zeroed) = match self.preparer.take() {
            Some(prepared) => {
                let zeroed = prepared.bytes;
                (begin_prepared(&self.log, self.standing, prepared)?, zeroed)
            }
            None => (create_segment(&self.log.disk, &self.log.folder, self.log.id, self.standing)?, header),
        };
        self.appender = Appender::new(&self.log.disk, &segment.path, header)?;
        let begun = Arc::new(segment);
        self.log.add(Arc::clone(&begun));
        let ended = std::mem::replace(&mut self.segment, begun);
        if let Some(before) = self.before.replace(ended) {
            before.recent.clear();
        }
        self.zeroed = zeroed;
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
fn begin_prepared(log: &Log, start: Standing, mut prepared: Prepared) -> io::Result<Segment> {
    let path = log.folder.join(Segment::file_name(start.offset));
    let mut page = Pages::default();
    let page = page.first(PAGE_BYTES, 0);
    page.split_at_mut(SEGMENT_HEADER).0.copy_from_slice(&segment_header(log.id, &start));
    prepared.file.write_pages(page, 0)?;
    prepared.file.sync_all()?;
    log.disk.rename("segment", &prepared.path, &path)?;
    log.disk.sync_folder("segment", &log.folder)?;
    let file = log.disk.open("log", &path)?;
    Ok(Segment::new(path, file, start))
}
