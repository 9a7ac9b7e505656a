//! Reading one stream.

use std::collections::VecDeque;

use annals_core::{Direction, ReadError, ReadStream, Record, Version};

use super::is_forward;
use crate::{
    index::{guard, keys::Term, malformed, places},
    log::Place,
    shared::Shared,
};

/// Gives out the records of one stream, a chunk of places at a time.
pub(crate) struct StreamRecords<'a> {
    shared: &'a Shared,
    read: ReadStream,
    /// The version that comes next, and the one that is last; `None` at the end.
    next: Option<(Version, Version)>,
    places: VecDeque<Place>,
}

impl<'a> StreamRecords<'a> {
    pub(crate) fn begin(shared: &'a Shared, read: ReadStream) -> Result<Self, ReadError> {
        shared.check_open()?;
        let highest = read.to.min(shared.version(&read.stream)?);
        let lowest = read.from.max(Version::FIRST);
        let next = (lowest <= highest).then_some(match read.direction {
            Direction::Forward => (lowest, highest),
            Direction::Backward => (highest, lowest),
        });
        Ok(Self { shared, read, next, places: VecDeque::new() })
    }

    /// Places from `version` on, in the direction of the read.
    fn look_up(&self, version: Version) -> Result<VecDeque<Place>, ReadError> {
        if let Some(places) = self.shared.overlay().stream_places(&self.read.stream, version, self.read.direction) {
            return Ok(places.into());
        }
        let lost = || malformed(&format!("version {version} of stream {} is nowhere", self.read.stream));
        let index = self.shared.index()?;
        let term = Term::Stream(self.read.stream.as_str());
        let found = guard(|| {
            let chunk = places::chunk_with(index.places(), term, version.get())?;
            chunk.map(|chunk| Ok((chunk.first, chunk.places()?))).transpose()
        })?;
        let (first, places) = found.ok_or_else(lost)?;
        let at = version.get().checked_sub(first).and_then(|at| usize::try_from(at).ok()).ok_or_else(lost)?;
        places.get(at).ok_or_else(lost)?;
        Ok(match self.read.direction {
            Direction::Forward => places.get(at..).unwrap_or_default().iter().copied().collect(),
            Direction::Backward => places.get(..=at).unwrap_or_default().iter().rev().copied().collect(),
        })
    }

    fn read_next(&mut self, version: Version) -> Result<Record, ReadError> {
        if self.places.is_empty() {
            self.places = self.look_up(version)?;
        }
        let place = self.places.pop_front();
        let place = place.ok_or_else(|| malformed("a list of places is empty"))?;
        let record = self.shared.log.record(place)?;
        if record.version != version || record.stream != self.read.stream {
            return Err(malformed(&format!("version {version} of stream {} is misplaced", self.read.stream)));
        }
        Ok(record)
    }
}

impl Iterator for StreamRecords<'_> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (version, last) = self.next?;
            let forward = is_forward(self.read.direction);
            let following = if forward { version.next() } else { version.previous() };
            self.next = (version != last).then_some((following, last));
            match self.read_next(version) {
                // Positions and recorded times rise with versions: behind the first unseen record all are unseen.
                Ok(record) if !self.read.as_of.sees(&record) && forward => return None,
                Ok(record) if !self.read.as_of.sees(&record) => {}
                result => return Some(result),
            }
        }
    }
}
