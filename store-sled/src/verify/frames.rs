//! The commits of one file of the log, each checked.

use std::sync::Arc;

use annals_core::{CommitNumber, Corruption, ReadError};

use super::{Verification, segments::Next};
use crate::{
    LogReader,
    log::{
        Log,
        frame::Standing,
        item::ItemError,
        items::Items,
        scanner::{Found, FoundFrame, Scanner},
        segment::Segment,
    },
};

/// Checks one commit of a file after the other.
pub(super) struct Frames {
    log: Arc<Log>,
    source: Source,
    /// Where the log stands behind what was checked.
    end: Standing,
}

/// What gives the frames of a file.
enum Source {
    /// A file that was complete when the next one was begun, at this offset.
    Complete(Scanner, u64),
    /// The last file, and those that are begun behind it.
    Last(LogReader),
}

impl Frames {
    /// `reader` stands at the beginning of the file, and knows no other.
    pub(super) fn new(reader: LogReader, next: &Next) -> Self {
        let (log, end) = (Arc::clone(reader.log()), reader.standing());
        let source = match next.offset.zip(Scanner::chained(Arc::clone(&log), end)) {
            Some((next, scanner)) => Source::Complete(scanner, next),
            None => Source::Last(reader),
        };
        Self { log, source, end }
    }

    /// Where the log stands behind what was found whole.
    pub(super) fn standing(&self) -> Standing {
        self.end
    }

    /// Up to where it is known to be on disk.
    pub(super) fn confirmed(&self) -> CommitNumber {
        match &self.source {
            Source::Complete(..) => self.end.commit,
            Source::Last(reader) => reader.confirmed(),
        }
    }

    /// The file in which it is.
    pub(super) fn last_segment(&self) -> Option<Arc<Segment>> {
        self.log.last_segment()
    }

    /// Checks the next commit; false where the file ends as it should.
    pub(super) fn check_next(&mut self, found: &mut Verification) -> Result<bool, ReadError> {
        let Some(frame) = self.source.find()? else {
            // The end may lie behind the header of a file.
            self.end = self.source.standing();
            return Ok(false);
        };
        let behind = self.source.standing();
        if frame.header.common.recorded < self.end.recorded {
            let what = "the commit was recorded before the one in front of it";
            return Err(self.corruption(frame.offset, what).into());
        }
        let items = self.source.scanner().items(&frame);
        let keyed = frame.header.keyed;
        check_items(items).map_err(|error| self.log.item_error(frame.offset, error))?;
        found.groups += behind.group - self.end.group;
        found.commits += 1;
        found.events += frame.header.events as u64;
        found.rows += frame.header.rows as u64;
        found.keys += u64::from(keyed);
        self.end = behind;
        Ok(true)
    }

    fn corruption(&self, at: u64, what: &str) -> Corruption {
        match self.log.segment(at) {
            Some((segment, _)) => segment.corruption(at, what),
            None => Corruption { file: self.log.folder.display().to_string(), offset: at, what: what.to_owned() },
        }
    }
}

impl Source {
    fn find(&mut self) -> Result<Option<FoundFrame>, ReadError> {
        match self {
            Self::Last(reader) => reader.find_frame(),
            Self::Complete(scanner, next) => match scanner.find()? {
                Found::Bad(corruption) => Err(corruption.into()),
                Found::Frame(_) if scanner.standing.offset > *next => {
                    Err(scanner.corruption("the file goes on where the next one begins").into())
                }
                Found::Frame(frame) => Ok(Some(frame)),
                Found::End if scanner.standing.offset < *next => {
                    Err(scanner.corruption("the segment ends before the next one begins").into())
                }
                Found::End => Ok(None),
            },
        }
    }

    fn scanner(&self) -> &Scanner {
        match self {
            Self::Complete(scanner, _) => scanner,
            Self::Last(reader) => reader.scanner(),
        }
    }

    fn standing(&self) -> Standing {
        match self {
            Self::Complete(scanner, _) => scanner.standing,
            Self::Last(reader) => reader.standing(),
        }
    }
}

/// Checks each item against its checksum, that it can be read, and that events stand at their places.
fn check_items(mut items: Items<'_>) -> Result<(), (u64, ItemError)> {
    items.once()?;
    let mut ordinal = 0;
    while let Some(event) = items.event()? {
        let at = u64::from(event.at);
        if event.head.ordinal != ordinal {
            return Err((at, ItemError::Damaged("the event stands at the place of another one")));
        }
        event.head.payload().map_err(|error| (at, error))?;
        ordinal += 1;
    }
    while items.row()?.is_some() {}
    items.end()
}
