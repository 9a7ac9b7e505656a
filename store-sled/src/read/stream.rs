//! Reading one stream.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use annals_core::{Direction, ReadError, ReadStream, Record, StreamId, Version};

use super::{
    BATCH_PLACES, BATCH_RECORDS_MAX, Batch, Batches,
    ahead::{Ahead, LongRead},
    is_forward,
};
use crate::{
    index::{
        keys::Term,
        malformed,
        places::{self, Chunk},
    },
    log::{Place, gather::Gather},
    shared::Shared,
    sync::Arc,
};

/// A read of one stream that has so many records left goes on by a thread of its own, once it has given out a part: that
/// it was not dropped shows that all of it is wanted.
const LONG_RECORDS: u64 = 2048;

/// A read of one stream.
pub(crate) enum StreamReading {
    Here(Box<StreamRecords>),
    /// On a thread of its own.
    Ahead(Ahead),
    Over,
}

/// Gives out the records of one stream, a chunk of places at a time.
pub(crate) struct StreamRecords {
    shared: Arc<Shared>,
    read: ReadStream,
    /// The version that comes next, and the one that is last; `None` at the end.
    next: Option<(Version, Version)>,
    places: VecDeque<Place>,
    gather: Gather,
    batch_places: usize,
}

impl StreamReading {
    /// The records that `read` asks for; `None` when there are none.
    pub(crate) fn begin(shared: &Arc<Shared>, read: ReadStream) -> Result<Option<Self>, ReadError> {
        Ok(StreamRecords::begin(shared, read)?.map(|records| Self::Here(Box::new(records))))
    }

    /// Lets a thread go on, if there is one to be had.
    fn go_ahead(&mut self) {
        if let Self::Here(records) = std::mem::replace(self, Self::Over) {
            let threads = Arc::clone(&records.shared.read_ahead);
            *self = match Ahead::start(records, &threads) {
                Ok(ahead) => Self::Ahead(ahead),
                Err(records) => Self::Here(records),
            };
        }
    }
}

impl Batches for StreamReading {
    fn poll_batch(&mut self, context: &mut Context<'_>, limit: usize) -> Poll<Option<Batch>> {
        if limit >= BATCH_RECORDS_MAX
            && let Self::Here(records) = self
            && records.left() >= LONG_RECORDS
        {
            self.go_ahead();
        }
        match self {
            Self::Here(records) => Poll::Ready(records.next_batch(limit)),
            Self::Ahead(ahead) => ahead.poll_batch(context),
            Self::Over => Poll::Ready(None),
        }
    }
}

impl StreamRecords {
    fn begin(shared: &Arc<Shared>, read: ReadStream) -> Result<Option<Self>, ReadError> {
        shared.check_open()?;
        let (version, newest) = newest(shared, &read.stream)?;
        let highest = read.to.min(version);
        let lowest = read.from.max(Version::FIRST);
        if lowest > highest {
            return Ok(None);
        }
        let (version, last) = match read.direction {
            Direction::Forward => (lowest, highest),
            Direction::Backward => (highest, lowest),
        };
        let gather = Gather::new(&shared.log, &shared.event_cache);
        let (shared, next, places) = (Arc::clone(shared), Some((version, last)), VecDeque::new());
        let mut records = Self { shared, read, next, places, gather, batch_places: BATCH_PLACES };
        if let Some(chunk) = newest.filter(|chunk| chunk.first <= version.get()) {
            records.places = records.places_of(version, &chunk)?;
        }
        Ok(Some(records))
    }

    /// How many records are left, at most.
    fn left(&self) -> u64 {
        self.next.map_or(0, |(version, last)| version.get().abs_diff(last.get()) + 1)
    }

    /// Places from `version` on, in the direction of the read.
    fn look_up(&self, version: Version) -> Result<VecDeque<Place>, ReadError> {
        if let Some(places) = self.shared.overlay().stream_places(&self.read.stream, version, self.read.direction) {
            return Ok(places.into());
        }
        let index = self.shared.index()?;
        let term = Term::Stream(self.read.stream.as_str());
        let chunk = index.guard("places", || places::chunk_with(index.places(), term, version.get()))?;
        self.places_of(version, &chunk.ok_or_else(|| self.lost(version))?)
    }

    /// The places of `chunk` from `version` on, in the direction of the read.
    fn places_of(&self, version: Version, chunk: &Chunk) -> Result<VecDeque<Place>, ReadError> {
        let lost = || self.lost(version);
        let mut places = self.shared.index()?.guard("places", || chunk.places())?;
        let at = version.get().checked_sub(chunk.first).and_then(|at| usize::try_from(at).ok()).ok_or_else(lost)?;
        places.get(at).ok_or_else(lost)?;
        Ok(match self.read.direction {
            Direction::Forward => places.split_off(at).into(),
            Direction::Backward => places.get(..=at).unwrap_or_default().iter().rev().copied().collect(),
        })
    }

    fn lost(&self, version: Version) -> ReadError {
        malformed(&format!("version {version} of stream {} is nowhere", self.read.stream))
    }

    /// Reads up to `limit` records from `version` on, up to `last`.
    fn read_some(&mut self, version: Version, last: Version, limit: usize) -> Result<Batch, ReadError> {
        if self.places.is_empty() {
            self.places = self.look_up(version)?;
        }
        let left = usize::try_from(version.get().abs_diff(last.get())).unwrap_or(usize::MAX).saturating_add(1);
        let count = limit.min(left).min(self.places.len()).min(self.batch_places);
        if count == 0 {
            return Err(malformed("a list of places is empty"));
        }
        let forward = is_forward(self.read.direction);
        let mut places: Vec<_> = self.places.drain(..count).collect();
        if !forward {
            places.reverse();
        }
        let mut found = self.gather.records(&places);
        if !forward {
            found.reverse();
        }
        Ok(self.take(version, last, found))
    }

    /// Takes what was found from `version` on, checking that it is what was asked for. The records stay in the memory that
    /// they were read into.
    fn take(&mut self, version: Version, last: Version, found: Vec<Result<Record, ReadError>>) -> Batch {
        let forward = is_forward(self.read.direction);
        let (mut next, mut error) = (Some(version), None);
        let seen = |record| {
            // What stands behind the end is not looked at.
            let version = next?;
            let following = if forward { version.next() } else { version.previous() };
            next = (version != last).then_some(following);
            match self.check(version, record) {
                Ok(record) if self.read.as_of.sees(&record) => return Some(record),
                // Positions and recorded times rise with versions: behind the first unseen record all are unseen.
                Ok(_) if forward => next = None,
                Ok(_) => {}
                Err(failed) => (next, error) = (None, Some(failed)),
            }
            None
        };
        let records = found.into_iter().filter_map(seen).collect();
        self.next = next.map(|version| (version, last));
        Batch { records, error }
    }

    fn check(&self, version: Version, record: Result<Record, ReadError>) -> Result<Record, ReadError> {
        match record {
            Ok(found) if found.version() != version || *found.stream() != self.read.stream => {
                Err(malformed(&format!("version {version} of stream {} is misplaced", self.read.stream)))
            }
            record => record,
        }
    }
}

/// The version of a stream, and the chunk with its newest places where that was read to know it. The tail is asked
/// first, so that nothing is missed that moves from there to the index meanwhile.
fn newest(shared: &Shared, stream: &StreamId) -> Result<(Version, Option<Chunk>), ReadError> {
    if let Some(version) = shared.overlay().version(stream) {
        return Ok((version, None));
    }
    let found = shared.index()?.newest_chunk(stream.as_str())?;
    Ok(found.map_or((Version::ZERO, None), |(version, chunk)| (version, Some(chunk))))
}

impl LongRead for StreamRecords {
    fn go_ahead(&mut self) {
        // They leave this processor in any case.
        self.batch_places = usize::MAX;
        self.gather.go_in_runs();
    }

    fn next_batch(&mut self, limit: usize) -> Option<Batch> {
        let (version, last) = self.next.take()?;
        Some(self.read_some(version, last, limit).unwrap_or_else(Batch::failed))
    }
}
