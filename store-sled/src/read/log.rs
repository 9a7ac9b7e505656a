//! Reading the log: scanning it, or looking at the places of tags and streams where the query allows it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use annals_core::{AsOf, Direction, EventQuery, Position, QueryItem, ReadError, ReadLog, Record};

use super::is_forward;
use crate::{
    index::{guard, keys, keys::Term, places},
    log::{Place, scanner::Scanner},
    shared::Shared,
};

/// Gives out the records of the log that match a query.
pub(crate) struct LogRecords<'a> {
    shared: &'a Shared,
    read: ReadLog,
    /// Nothing behind it is of interest.
    last: Position,
    source: Source,
}

enum Source {
    /// Frame by frame, up to a log offset.
    Scan {
        scanner: Box<Scanner>,
        end: u64,
        records: VecDeque<Record>,
    },
    /// Piece by piece from the end, each piece read forward; `below` is where the next piece ends.
    Back {
        below: Position,
        records: VecDeque<Record>,
    },
    /// Only where the index says that something may match.
    Places(VecDeque<Place>),
    Done,
}

/// A backward read goes back so many positions at a time.
const PIECE: u64 = 1024;

impl<'a> LogRecords<'a> {
    pub(crate) fn begin(shared: &'a Shared, read: ReadLog) -> Result<Self, ReadError> {
        shared.check_open()?;
        let published = shared.published().standing;
        let last = match read.as_of {
            AsOf::Position(position) => position.min(published.position),
            _ => published.position,
        };
        // What is known of the query's kinds says where its last match is, or that there is none.
        let last = match shared.last_match(&read.query)? {
            Some(found) => last.min(found.highest()),
            None => last,
        };
        let source = if read.after >= last {
            Source::Done
        } else if let Some(places) = candidates(shared, &read.query, read.after, last)? {
            let mut places: VecDeque<_> = places.into();
            if !is_forward(read.direction) {
                places.make_contiguous().reverse();
            }
            Source::Places(places)
        } else if is_forward(read.direction) {
            scan(shared, read.after, published.offset)
        } else {
            Source::Back { below: last.next(), records: VecDeque::new() }
        };
        Ok(Self { shared, read, last, source })
    }

    fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        match &mut self.source {
            Source::Done => Ok(None),
            Source::Places(places) => places.pop_front().map(|place| self.shared.log.record(place)).transpose(),
            Source::Scan { scanner, end, records } => loop {
                if let Some(record) = records.pop_front() {
                    return Ok(Some(record));
                }
                let Some(frame) = scanner.next_before(*end)? else { return Ok(None) };
                if frame.header.events == 0 || frame.header.last() <= self.read.after {
                    continue;
                }
                let content = frame.content().map_err(|error| self.shared.log.item_error(&frame, error))?;
                records.extend(content.events.into_iter().map(|(record, ..)| record));
            },
            Source::Back { below, records } => loop {
                if let Some(record) = records.pop_back() {
                    return Ok(Some(record));
                }
                let last = below.previous();
                if last <= self.read.after {
                    return Ok(None);
                }
                let after = last.get().saturating_sub(PIECE).max(self.read.after.get());
                let after = Position::new(after).unwrap_or_default();
                let piece = ReadLog::of(self.read.query.clone()).after(after).as_of(AsOf::Position(last));
                *records = Self::begin_scan(self.shared, piece).collect::<Result<_, _>>()?;
                *below = after.next();
            },
        }
    }

    /// A forward scan, whatever the query.
    fn begin_scan(shared: &'a Shared, read: ReadLog) -> Self {
        let published = shared.published().standing;
        let source = scan(shared, read.after, published.offset);
        Self { shared, read, last: published.position, source }
    }

    /// Whether nothing behind `record` in the direction of the read is seen.
    fn is_beyond(&self, record: &Record) -> bool {
        match self.read.direction {
            Direction::Forward => record.position > self.last || !self.read.as_of.sees(record),
            Direction::Backward => record.position <= self.read.after,
        }
    }
}

fn scan(shared: &Shared, after: Position, end: u64) -> Source {
    let offset = shared.log.offset_before(after.next());
    match Scanner::from_offset(Arc::clone(&shared.log), offset) {
        Some(scanner) => Source::Scan { scanner: Box::new(scanner), end, records: VecDeque::new() },
        None => Source::Done,
    }
}

impl Iterator for LogRecords<'_> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = match self.next_record() {
                Ok(record) => record?,
                Err(error) => return Some(Err(error)),
            };
            if self.is_beyond(&record) {
                return None;
            }
            if record.position > self.read.after && self.read.as_of.sees(&record) && self.read.query.matches(&record) {
                return Some(Ok(record));
            }
        }
    }
}

/// The places in (after, last] where the query may match, in the order of the log; `None` when an item can only be
/// found by scanning.
fn candidates(
    shared: &Shared,
    query: &EventQuery,
    after: Position,
    last: Position,
) -> Result<Option<Vec<Place>>, ReadError> {
    if query.items().is_empty() || !query.items().iter().all(|item| is_indexed(query, item)) {
        return Ok(None);
    }
    let mut places = BTreeMap::new();
    for item in query.items() {
        for term in terms(query, item) {
            for place in places_after(shared, &term, after)? {
                if place.position <= last {
                    places.insert(place.position, place);
                }
            }
        }
    }
    Ok(Some(places.into_values().collect()))
}

/// Tags are kept by tenant, so a query over every tenant cannot use them.
fn is_indexed(query: &EventQuery, item: &QueryItem) -> bool {
    !item.streams.is_empty() || (!item.tags.is_empty() && *query.tenant() != annals_core::TenantScope::Any)
}

enum OwnedTerm {
    Stream(annals_core::StreamId),
    Tag(bytes::Bytes),
}

impl OwnedTerm {
    fn term(&self) -> Term<'_> {
        match self {
            Self::Stream(stream) => Term::Stream(stream.as_str()),
            Self::Tag(term) => Term::Tag(term),
        }
    }
}

/// What to look under: the item's streams, or else one of its tags, since a match carries all of them.
fn terms(query: &EventQuery, item: &QueryItem) -> Vec<OwnedTerm> {
    if !item.streams.is_empty() {
        return item.streams.iter().cloned().map(OwnedTerm::Stream).collect();
    }
    let tenant = match query.tenant() {
        annals_core::TenantScope::Only(Some(tenant)) => Some(tenant.as_str()),
        _ => None,
    };
    item.tags.iter().take(1).map(|tag| OwnedTerm::Tag(keys::tag_term(tenant, tag))).collect()
}

/// The places of `term` behind `after`: what sled has, read from its end backward, and the unindexed tail. The tail is
/// read first, so that nothing is missed that moves from there to sled meanwhile; what is seen twice counts once.
fn places_after(shared: &Shared, term: &OwnedTerm, after: Position) -> Result<Vec<Place>, ReadError> {
    let mut places = match term {
        OwnedTerm::Stream(stream) => shared.overlay().stream_places_after(stream, after),
        OwnedTerm::Tag(term) => shared.overlay().tag_places_after(term, after),
    };
    let index = shared.index()?;
    let mut before = u64::MAX;
    while let Some(chunk) = guard(|| places::chunk_with(index.places(), term.term(), before))? {
        for place in chunk.newest_first() {
            let place = guard(|| place)?;
            if place.position <= after {
                return Ok(places);
            }
            places.push(place);
        }
        if chunk.first <= 1 {
            break;
        }
        before = chunk.first - 1;
    }
    Ok(places)
}
