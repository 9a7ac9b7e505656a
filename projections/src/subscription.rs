//! Which events a projection is given.

use std::{any::TypeId, fmt, sync::Arc};

use annals_core::{Category, Event, EventQuery, EventType, InvalidText, KindOf, QueryItem, Record, StreamId, Tag};

use crate::chunk::{Chunk, Column, ColumnOf};

/// Which events a projection is given: kinds of one enum or of several, and of these, where it says so, only those of
/// some streams, categories or tags. Events of every tenant are meant; rows are kept in the tables of the event's tenant.
///
/// An event of the past is one of its kind, whatever it was called.
#[derive(Clone, Default)]
pub struct Subscription {
    enums: Vec<Subscribed>,
    restriction: QueryItem,
    filters: Vec<Filter>,
    invalid: Option<InvalidText>,
}

type Filter = Arc<dyn Fn(&Record) -> bool + Send + Sync>;

/// Kinds of one enum.
#[derive(Clone)]
struct Subscribed {
    events: TypeId,
    variants: Vec<&'static str>,
    types: Vec<EventType>,
    column: fn(&Chunk) -> Arc<dyn Column>,
}

impl Subscription {
    /// No events yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also events of these kinds: `Subscription::new().kinds(kinds![AccountEvent::Opened, AccountEvent::Closed])`.
    #[must_use]
    pub fn kinds<E: Event>(mut self, kinds: impl IntoIterator<Item = KindOf<E>>) -> Self {
        let kinds: Vec<_> = kinds.into_iter().collect();
        let found = QueryItem::new().kinds(kinds.iter().copied());
        let types = match found {
            Ok(item) => item.types,
            Err(invalid) => {
                self.invalid = Some(invalid);
                return self;
            }
        };
        let variants = kinds.iter().map(|kind| kind.kind().variant).collect();
        self.enums.push(Subscribed { events: TypeId::of::<E>(), variants, types, column: ColumnOf::<E>::of });
        self
    }

    /// Also events of the variants of `E` with these names. A name that is no variant means nothing; the macro relies on
    /// rustc to say so at the pattern.
    #[must_use]
    pub fn variants<E: Event>(self, variants: &[&str]) -> Self {
        self.kinds(KindOf::<E>::all().filter(|kind| variants.contains(&kind.kind().variant)))
    }

    /// Of these only such in one of the categories that are named.
    #[must_use]
    pub fn category(mut self, category: Category) -> Self {
        self.restriction = self.restriction.category(category);
        self
    }

    /// Of these only such in one of the streams that are named.
    #[must_use]
    pub fn stream(mut self, stream: StreamId) -> Self {
        self.restriction = self.restriction.stream(stream);
        self
    }

    /// Of these only such that carry all the tags that are named.
    #[must_use]
    pub fn tag(mut self, tag: Tag) -> Self {
        self.restriction = self.restriction.tag(tag);
        self
    }

    /// Of these only such whose record is accepted. What it says must follow from the record alone, for ever.
    #[must_use]
    pub fn filter(mut self, accept: impl Fn(&Record) -> bool + Send + Sync + 'static) -> Self {
        self.filters.push(Arc::new(accept));
        self
    }

    /// Which records to read, from those of every tenant.
    #[must_use]
    pub fn query(&self) -> EventQuery {
        EventQuery::new([self.item()]).any_tenant()
    }

    /// What was wrong with a stored name, if anything.
    pub(crate) fn invalid(&self) -> Option<&InvalidText> {
        self.invalid.as_ref()
    }

    /// Whether it asks for no event at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.enums.iter().all(|subscribed| subscribed.types.is_empty())
    }

    pub(crate) fn item(&self) -> QueryItem {
        let mut item = self.restriction.clone();
        item.types = self.enums.iter().flat_map(|subscribed| subscribed.types.iter().cloned()).collect();
        item
    }

    /// Whether more than the type of an event decides.
    pub(crate) fn is_restricted(&self) -> bool {
        !self.restriction.is_match_all()
    }

    /// Which of the enums `record` is an event of, if it is wanted.
    pub(crate) fn enum_of(&self, record: &Record) -> Option<usize> {
        self.enum_of_type(record.event_type()).filter(|_| self.accepts(record))
    }

    /// The records of a chunk that are wanted: which they are, and which of the enums they are events of.
    pub(crate) fn wanted<'a>(&'a self, chunk: &'a Chunk) -> impl Iterator<Item = (usize, &'a Record, usize)> {
        let enums: Vec<_> = chunk.types().iter().map(|event_type| self.enum_of_type(event_type)).collect();
        let only_types_count = !self.is_restricted() && self.filters.is_empty();
        chunk.typed().enumerate().filter_map(move |(index, (number, record))| {
            let wanted = enums.get(number).copied().flatten()?;
            (only_types_count || self.accepts(record)).then_some((index, record, wanted))
        })
    }

    fn enum_of_type(&self, event_type: &EventType) -> Option<usize> {
        self.enums.iter().position(|subscribed| subscribed.types.contains(event_type))
    }

    /// Whether what is said beside the type of an event admits `record`.
    fn accepts(&self, record: &Record) -> bool {
        let restricted = self.is_restricted() && !self.restriction.accepts(record);
        !restricted && self.filters.iter().all(|accept| accept(record))
    }

    /// The decoded events of a chunk, an entry for each of the enums.
    pub(crate) fn columns(&self, chunk: &Chunk) -> Vec<Arc<dyn Column>> {
        self.enums.iter().map(|subscribed| (subscribed.column)(chunk)).collect()
    }

    /// Decodes what is wanted of a chunk.
    pub(crate) fn decode(&self, chunk: &Chunk) {
        let columns = self.columns(chunk);
        for (index, record, number) in self.wanted(chunk) {
            if let Some(column) = columns.get(number) {
                // An error is kept like an event, for whoever asks.
                let _ = column.events(index, record);
            }
        }
    }

    /// Whether events of this variant of the enum are wanted, where a record holds several.
    pub(crate) fn wants(&self, subscribed: usize, variant: &str) -> bool {
        self.enums.get(subscribed).is_some_and(|subscribed| subscribed.variants.contains(&variant))
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.enums.iter().map(|subscribed| (subscribed.events, &subscribed.variants)).collect();
        f.debug_struct("Subscription").field("kinds", &kinds).field("query", &self.query()).finish_non_exhaustive()
    }
}
