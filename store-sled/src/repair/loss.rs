//! What is lost when a log is cut off.

use std::{collections::BTreeMap, fs, path::Path};

use annals_core::{CommitNumber, Head, Position, StreamId, Version};
use uuid::Uuid;

use crate::{
    Damage, OpenError,
    log::{
        Log,
        disk::Disk,
        frame::{FRAME_HEADER, FrameHeader, Standing},
        items::Items,
        recovery,
        segment::Segment,
    },
    verify::readable_frames,
};

/// What is lost when a log is cut off, as far as what stands behind can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Loss {
    /// The first and the last commit, if there are any. There may be later ones when the store was not closed, and none of
    /// them can be read.
    pub commits: Option<(CommitNumber, CommitNumber)>,
    /// The first and the last position, if there are any.
    pub positions: Option<(Position, Position)>,
    /// How many of the events can still be read in what is kept aside.
    pub readable_events: u64,
    /// The streams whose events can be read, in their order.
    pub streams: Vec<LostStream>,
    /// Bytes of the log that are cut off, zeros at its end included.
    pub bytes: u64,
}

/// What a stream loses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostStream {
    /// The stream.
    pub stream: StreamId,
    /// The first and the last version that were found among what is lost.
    pub versions: (Version, Version),
    /// The first and the last position of them.
    pub positions: (Position, Position),
    /// How many of them were found.
    pub events: u64,
}

impl Loss {
    /// What stands in the log of `store` behind `damage`.
    pub(super) fn behind(damage: &Damage, store: &Path, log: Uuid, closed: Option<Head>) -> Result<Self, OpenError> {
        let end = damage.end;
        let mut last = damage.behind;
        let (mut loss, mut streams) = (Self::default(), BTreeMap::new());
        let folder = Log::folder(store);
        let paths = recovery::segment_paths(&Disk::that_only_reads(), &folder);
        for path in paths.map_err(|error| OpenError::io("listing", &folder, &error))? {
            let begins = Segment::offset_of(&path).unwrap_or_default();
            let length = path.metadata().map_or(0, |found| found.len());
            if begins + length <= end.offset {
                continue;
            }
            // A file of the log is at most as large as one commit and 64 MiB.
            let bytes = fs::read(&path).map_err(|error| OpenError::io("reading", &path, &error))?;
            let from = usize::try_from(end.offset.saturating_sub(begins)).unwrap_or(usize::MAX).min(bytes.len());
            loss.bytes += (bytes.len() - from) as u64;
            let rest = bytes.get(from..).unwrap_or_default();
            for (at, header) in readable_frames(rest, log, begins + from as u64) {
                if header.common.commit > last.commit {
                    last = Head { commit: header.common.commit, position: header.last() };
                }
                loss.readable_events += read(rest, at, header, &mut streams);
            }
        }
        last = last_of([last, damage.through.unwrap_or(last), closed.unwrap_or(last)]);
        loss.streams = streams.into_values().collect();
        loss.count(&end, last);
        Ok(loss)
    }

    fn count(&mut self, end: &Standing, last: Head) {
        if last.commit > end.commit {
            self.commits = Some((end.commit.next(), last.commit));
        }
        if last.position > end.position {
            self.positions = Some((end.position.next(), last.position));
        }
    }

    /// How many commits are lost.
    #[must_use]
    pub fn count_of_commits(&self) -> u64 {
        self.commits.map_or(0, |(first, last)| last.get() - first.previous().get())
    }

    /// How many events are lost.
    #[must_use]
    pub fn count_of_events(&self) -> u64 {
        self.positions.map_or(0, |(first, last)| last.get() - first.previous().get())
    }
}

/// Notes the events of a frame that can be read, and says how many they are.
fn read(bytes: &[u8], at: usize, header: FrameHeader, streams: &mut BTreeMap<StreamId, LostStream>) -> u64 {
    let from = at + FRAME_HEADER;
    let body = bytes.get(from..(from + header.body).min(bytes.len())).unwrap_or_default();
    let (mut items, mut events) = (Items::new(header, body), 0);
    while let Ok(Some(event)) = items.event() {
        let (Ok(stream), Ok(position)) = (event.head.stream_id(), event.head.position(header.common)) else { continue };
        let version = event.head.version;
        let lost = streams.entry(stream.clone()).or_insert(LostStream {
            stream,
            versions: (version, version),
            positions: (position, position),
            events: 0,
        });
        lost.versions = (lost.versions.0.min(version), lost.versions.1.max(version));
        lost.positions = (lost.positions.0.min(position), lost.positions.1.max(position));
        lost.events += 1;
        events += 1;
    }
    events
}

fn last_of(heads: [Head; 3]) -> Head {
    let commit = heads.iter().map(|head| head.commit).max();
    let position = heads.iter().map(|head| head.position).max();
    Head { commit: commit.unwrap_or_default(), position: position.unwrap_or_default() }
}
