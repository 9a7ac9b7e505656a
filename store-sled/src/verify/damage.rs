//! A damaged place of a log, and what it costs.

use std::{fmt, path::Path, sync::Arc};

use annals_core::{CommitNumber, Corruption, Head, Position};
use uuid::Uuid;

use crate::{
    OpenError,
    log::{
        frame::{FRAME_HEADER, FRAME_MAGIC, FrameHeader, Standing},
        recovery,
        segment::Segment,
    },
};

/// A damaged place of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The file, where in it, and what was found.
    pub corruption: Corruption,
    /// Where the place is in the whole log, in bytes from its beginning.
    pub log_offset: u64,
    /// The last commit and position in front of it that are whole.
    pub behind: Head,
    /// The commit in which it is, where that can be read.
    pub commit: Option<DamagedCommit>,
    /// The last commit and position that stand behind it in the same file, where that is known. They were not checked,
    /// because the hash over all commits ends at the damage.
    pub through: Option<Head>,
    /// Where the log stands in front of it.
    pub(crate) end: Standing,
}

/// A commit that is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DamagedCommit {
    /// Its number.
    pub number: CommitNumber,
    /// The first and the last position that it gave out, if it carries events.
    pub positions: Option<(Position, Position)>,
}

impl Damage {
    /// The file that begins at `offset` cannot be believed.
    pub(super) fn of_header(corruption: Corruption, offset: u64, behind: &Standing, next: Option<Standing>) -> Self {
        let through = next.filter(|next| next.offset > offset).map(|next| head(&next));
        Self { corruption, log_offset: offset, behind: head(behind), commit: None, through, end: *behind }
    }

    /// What stands behind `end` in `segment` is damaged.
    pub(super) fn of_frame(
        segment: Option<Arc<Segment>>,
        log: Uuid,
        corruption: Corruption,
        end: &Standing,
        next: Option<Standing>,
    ) -> Result<Self, OpenError> {
        let Some(segment) = segment else {
            let log_offset = end.offset;
            return Ok(Self { corruption, log_offset, behind: head(end), commit: None, through: None, end: *end });
        };
        // It may be that of the last close.
        let is_segment = segment.path == Path::new(&corruption.file);
        let log_offset = if is_segment { segment.start.offset + corruption.offset } else { end.offset };
        let rest = recovery::rest_of(&segment, end.offset)?;
        let rest = segment.read(end.offset, rest);
        let rest = rest.map_err(|error| OpenError::io("reading", &segment.path, &error))?;
        let readable = headers(&rest, log, end.offset);
        // The first one behind what is whole is the damaged one, unless its own header is what is damaged.
        let first = readable.first().filter(|first| first.common.commit == end.commit.next());
        let commit = first.map(|first| DamagedCommit {
            number: first.common.commit,
            positions: (first.events > 0).then(|| (first.common.first, first.last())),
        });
        let last = readable.last().map(|last| Head { commit: last.common.commit, position: last.last() });
        let through = next.map(|next| head(&next)).or(last);
        Ok(Self { corruption, log_offset, behind: head(end), commit, through, end: *end })
    }
}

fn head(standing: &Standing) -> Head {
    Head { commit: standing.commit, position: standing.position }
}

/// The headers of commits in `bytes`, which stand at `at`, in their order: those that can be read.
fn headers(bytes: &[u8], log: Uuid, at: u64) -> Vec<FrameHeader> {
    readable_frames(bytes, log, at).map(|(_, header)| header).collect()
}

/// The same, each with where it begins in `bytes`.
pub(crate) fn readable_frames(bytes: &[u8], log: Uuid, at: u64) -> impl Iterator<Item = (usize, FrameHeader)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = bytes.get(from..)?;
            let begins = from + rest.windows(FRAME_MAGIC.len()).position(|window| window == FRAME_MAGIC)?;
            let header = bytes.get(begins..(begins + FRAME_HEADER).min(bytes.len()))?;
            from = begins + 1;
            // What a body holds is no header: that would stand at another place.
            if let Some(header) = FrameHeader::take(header, log, at + begins as u64) {
                return Some((begins, header));
            }
        }
    })
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {} of the log)", self.corruption, self.log_offset)?;
        if let Some(DamagedCommit { number, positions }) = self.commit {
            write!(f, ", in commit {number}")?;
            match positions {
                Some((first, last)) if first == last => write!(f, " at position {first}")?,
                Some((first, last)) => write!(f, " at positions {first} to {last}")?,
                None => write!(f, " without events")?,
            }
        }
        let Head { commit, position } = self.behind;
        write!(f, "; commits up to {commit}, positions up to {position} in front of it are whole")?;
        match self.through {
            Some(through) if through.commit > commit => {
                write!(f, ", those up to {} and {} behind it cannot be checked", through.commit, through.position)
            }
            _ => Ok(()),
        }
    }
}
