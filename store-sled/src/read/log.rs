//! Reading the log: scanning it, or looking at the places of tags and streams where the query allows it.

use std::{
    collections::{BTreeMap, VecDeque},
    task::{Context, Poll},
};

use annals_core::{AsOf, EventQuery, Position, QueryItem, ReadError, ReadLog, Record};

use super::{
    Batch, Batches,
    ahead::{Ahead, LongRead},
    is_forward,
    scan::ForwardScan,
};
use crate::{
    index::{keys, keys::Term, places},
    log::{Place, gather::Gather},
    shared::Shared,
};

/// Gives out the records of the log that match a query.
pub(crate) struct LogRecords<'a> {
    shared: &'a Shared,
    read: ReadLog,
    source: Source,
}

enum Source {
    /// Frame by frame.
    Scan(Box<ForwardScan>),
    /// The same, on a thread of its own.
    Ahead(Ahead),
    /// Piece by piece from the end, each piece read forward; `below` is where the next piece ends, `piece` how many
    /// positions it has.
    Back {
        below: Position,
        piece: u64,
    },
    /// Only where the index says that something may match, in the order of the log.
    Places {
        places: VecDeque<Place>,
        gather: Box<Gather>,
    },
    Done,
}

/// A backward read goes back so many positions at first, and up to so many later.
const PIECE_MIN: u64 = 64;
const PIECE_MAX: u64 = 1024;

/// A scan that has so much to read still goes on by a thread of its own, once it has given out a part: that it was not
/// dropped shows that all of it is wanted.
const LONG_BYTES: u64 = 4 << 20;

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
            Source::Places { places: places.into(), gather: Box::new(Gather::new(&shared.log, &shared.event_cache)) }
        } else if is_forward(read.direction) {
            let scan = ForwardScan::begin(&shared.log, read.clone(), last, published.offset);
            scan.map_or(Source::Done, |scan| Source::Scan(Box::new(scan)))
        } else {
            Source::Back { below: last.next(), piece: PIECE_MIN }
        };
        Ok(Self { shared, read, source })
    }

    /// The first record of a forward read.
    pub(crate) fn first(mut self) -> Result<Option<Record>, ReadError> {
        while let Some(batch) = self.next_batch(1) {
            match (batch.records.into_iter().next(), batch.error) {
                (Some(record), _) => return Ok(Some(record)),
                (None, Some(error)) => return Err(error),
                (None, None) => {}
            }
        }
        Ok(None)
    }

    /// The next batch of at most about `limit` records, read here and now.
    fn next_batch(&mut self, limit: usize) -> Option<Batch> {
        match &mut self.source {
            // What reads ahead is only ever polled.
            Source::Done | Source::Ahead(_) => None,
            Source::Scan(scan) => scan.next_batch(limit),
            Source::Back { below, piece } => {
                let last = below.previous();
                if last <= self.read.after {
                    return None;
                }
                let after = last.get().saturating_sub(*piece).max(self.read.after.get());
                let after = Position::new(after).unwrap_or_default();
                (*below, *piece) = (after.next(), (*piece * 2).min(PIECE_MAX));
                Some(self.read_piece(after, last).unwrap_or_else(Batch::failed))
            }
            Source::Places { places, gather } => {
                let forward = is_forward(self.read.direction);
                let count = limit.min(places.len()).min(super::BATCH_PLACES);
                if count == 0 {
                    return None;
                }
                let taken: Vec<_> = if forward {
                    places.drain(..count).collect()
                } else {
                    places.split_off(places.len() - count).into()
                };
                let mut found = gather.records(&taken);
                if !forward {
                    found.reverse();
                }
                let batch = self.batch_of(found);
                if batch.error.is_some() {
                    self.source = Source::Done;
                }
                Some(batch)
            }
        }
    }

    /// What matches among positions behind `after` up to `last`, the newest first.
    fn read_piece(&self, after: Position, last: Position) -> Result<Batch, ReadError> {
        let read = ReadLog::of(self.read.query.clone()).after(after);
        let end = self.shared.published().standing.offset;
        let mut records = Vec::new();
        if let Some(mut scan) = ForwardScan::begin(&self.shared.log, read, last, end) {
            while let Some(batch) = scan.next_batch(usize::MAX) {
                records.extend(batch.records);
                batch.error.map_or(Ok(()), Err)?;
            }
        }
        records.retain(|record| self.read.as_of.sees(record));
        records.reverse();
        Ok(Batch { records, error: None })
    }

    /// Keeps what matches, up to the first error.
    fn batch_of(&self, found: Vec<Result<Record, ReadError>>) -> Batch {
        let mut batch = Batch::default();
        for record in found {
            match record {
                Ok(record) if self.is_wanted(&record) => batch.records.push(record),
                Ok(_) => {}
                Err(error) => {
                    batch.error = Some(error);
                    break;
                }
            }
        }
        batch
    }

    fn is_wanted(&self, record: &Record) -> bool {
        record.position() > self.read.after && self.read.as_of.sees(record) && self.read.query.matches(record)
    }
}

impl Batches for LogRecords<'_> {
    fn poll_batch(&mut self, context: &mut Context<'_>, limit: usize) -> Poll<Option<Batch>> {
        if let Source::Scan(scan) = &self.source
            && scan.is_warm()
            && scan.bytes_left() >= LONG_BYTES
            && limit >= super::BATCH_RECORDS_MAX
        {
            self.source = match std::mem::replace(&mut self.source, Source::Done) {
                Source::Scan(scan) => match Ahead::start(scan, &self.shared.read_ahead) {
                    Ok(ahead) => Source::Ahead(ahead),
                    Err(scan) => Source::Scan(scan),
                },
                other => other,
            };
        }
        match &mut self.source {
            Source::Ahead(ahead) => ahead.poll_batch(context),
            _ => Poll::Ready(self.next_batch(limit)),
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
    if !is_indexed(query) {
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

/// Whether the index tells where a match may be.
pub(super) fn is_indexed(query: &EventQuery) -> bool {
    !query.items().is_empty() && query.items().iter().all(|item| is_item_indexed(query, item))
}

/// Tags are kept by tenant, so a query over every tenant cannot use them.
fn is_item_indexed(query: &EventQuery, item: &QueryItem) -> bool {
    !item.streams.is_empty() || (!item.tags.is_empty() && *query.tenant() != annals_core::TenantScope::Any)
}

pub(super) enum OwnedTerm {
    Stream(annals_core::StreamId),
    Tag(String),
}

impl OwnedTerm {
    pub(super) fn term(&self) -> Term<'_> {
        match self {
            Self::Stream(stream) => Term::Stream(stream.as_str()),
            Self::Tag(term) => Term::Tag(term),
        }
    }
}

/// What to look under: the item's streams, or else one of its tags, since a match carries all of them.
pub(super) fn terms(query: &EventQuery, item: &QueryItem) -> Vec<OwnedTerm> {
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
    while let Some(chunk) = index.guard("places", || places::chunk_with(index.places(), term.term(), before))? {
        for place in chunk.newest_first() {
            let place = index.guard("places", || place)?;
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
