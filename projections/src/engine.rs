//! What other consumers of the log are built on: the same reading, decoding and taking over as projections. No part of the
//! interface of applications.

use std::sync::Arc;

use annals_core::{DecodeError, Head, Position, ReadError, Record, Store};
use tokio::sync::watch;

use crate::{
    Delivered, EventContext, Subscription,
    chunk::{Chunk, Column},
    feed::{Feed, Member},
};

pub use crate::{
    alarm::AlarmHook,
    consumer::{TakeOverError, take_over},
    decision::Decided,
    health::Signs,
    monitor::{Lateness, Look, Monitor, Watched},
    pulse::{Beats, Pulse},
    run::message,
};

/// The log, read and decoded once for consumers that are at one place.
#[derive(Clone)]
pub struct Log(Arc<Feed>);

/// A consumer's way through the log.
pub struct Following {
    feed: Arc<Feed>,
    member: Member,
    head: watch::Receiver<Head>,
    subscription: Subscription,
    position: Position,
}

/// The next piece of the log.
pub struct Piece {
    chunk: Arc<Chunk>,
    columns: Vec<Arc<dyn Column>>,
    subscription: Subscription,
    after: Position,
}

/// An event of a piece, for as long as somebody needs it.
#[derive(Clone)]
pub struct PieceEvent {
    piece: Arc<Piece>,
    place: RecordPlace,
    index: usize,
}

/// Where a record is in a piece.
#[derive(Debug, Clone, Copy)]
pub struct RecordPlace {
    index: usize,
    /// Which of the enums of the subscription its events are of.
    subscribed: usize,
}

impl Log {
    /// The log of `store`, for consumers with these subscriptions.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, subscriptions: Vec<Subscription>) -> Self {
        Self(Arc::new(Feed::new(store, subscriptions)))
    }

    /// Begins to follow it behind `after`, for one of the subscriptions.
    #[must_use]
    pub fn follow(&self, subscription: Subscription, head: watch::Receiver<Head>, after: Position) -> Following {
        let (feed, member) = (Arc::clone(&self.0), self.0.join(after));
        Following { feed, member, head, subscription, position: after }
    }
}

impl Following {
    /// The next piece, as soon as the log has come further. Dropped, it has read nothing.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn next(&mut self) -> Result<Piece, ReadError> {
        let chunk = self.feed.next(&self.member, self.position, &mut self.head).await?;
        let columns = self.subscription.columns(&chunk);
        let after = self.position;
        self.position = chunk.end();
        Ok(Piece { chunk, columns, subscription: self.subscription.clone(), after })
    }

    /// Whether nothing more is there by now.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.position >= self.head.borrow().position
    }
}

impl Piece {
    /// Everything up to here is in this piece, or before it.
    #[must_use]
    pub fn end(&self) -> Position {
        self.chunk.end()
    }

    /// Each record that is wanted, in order, with its events.
    pub fn records(&self) -> impl Iterator<Item = (RecordPlace, &Record, Result<Vec<Delivered<'_>>, &DecodeError>)> {
        let wanted = self.subscription.wanted(&self.chunk).filter(|(_, record, _)| record.position() > self.after);
        wanted.filter_map(|(index, record, subscribed)| {
            let place = RecordPlace { index, subscribed };
            Some((place, record, self.events(place, record)?))
        })
    }

    fn events<'a>(
        &'a self,
        place: RecordPlace,
        record: &'a Record,
    ) -> Option<Result<Vec<Delivered<'a>>, &'a DecodeError>> {
        let events = match self.columns.get(place.subscribed)?.events(place.index, record) {
            Ok(events) => events,
            Err(error) => return Some(Err(error)),
        };
        let count = events.count();
        let wanted = (0..count).filter_map(|index| {
            let (event, variant) = events.at(index)?;
            let is_wanted = count == 1 || self.subscription.wants(place.subscribed, variant);
            is_wanted.then(|| Delivered::new(event, EventContext::new(record, index)))
        });
        Some(Ok(wanted.collect()))
    }
}

impl PieceEvent {
    /// The event that is `index`th among those of the record at `place`, a place that `piece` gave.
    #[must_use]
    pub fn new(piece: &Arc<Piece>, place: RecordPlace, index: usize) -> Self {
        Self { piece: Arc::clone(piece), place, index }
    }

    /// The event; none when there is none at that place.
    #[must_use]
    pub fn get(&self) -> Option<Delivered<'_>> {
        let RecordPlace { index, subscribed } = self.place;
        let record = self.piece.chunk.records().get(index)?;
        let (event, _) = self.piece.columns.get(subscribed)?.events(index, record).ok()?.at(self.index)?;
        Some(Delivered::new(event, EventContext::new(record, self.index)))
    }
}

/// Whether one of several names is a proper name of a consumer.
///
/// # Errors
/// [`InvalidName`](crate::InvalidName).
pub fn check_name(what: &'static str, name: &'static str) -> Result<(), crate::InvalidName> {
    crate::name::check(what, name)
}
