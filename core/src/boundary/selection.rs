//! Which events a boundary is folded from, and how.

use std::{
    any::{Any, TypeId, type_name},
    fmt,
};

use crate::{
    DecodeError, Event, EventKind, EventQuery, Evolve, InvalidText, KindOf, LoadError, QueryItem, Record, Tag, Tenant,
    decode_record,
};

/// Which events a boundary `B` is folded from: any of its alternatives, each some kinds of one enum that carry all of its
/// tags. An event that several alternatives match is folded once.
///
/// ```text
/// Selection::of(kinds![CourseEvent::Defined]).tag("course", id)
///     .or(kinds![SeatEvent::Taken]).tag("course", id)
/// ```
pub struct Selection<B> {
    items: Vec<Item>,
    folds: Vec<Fold<B>>,
    problem: Option<InvalidText>,
}

struct Item {
    query: QueryItem,
    /// The stored names of its kinds as they are today; the query also has those of the past.
    kinds: Vec<&'static str>,
    /// By which of the folds.
    fold: usize,
}

/// How the events of one enum are folded into one state.
struct Fold<B> {
    events: TypeId,
    stored: Stored<B>,
    emitted: NewlyEmitted<B>,
}

/// Folds those events of a record whose kinds are selected: one that was split may hold others too.
type Stored<B> = Box<dyn Fn(&mut B, &Record, &dyn Fn(&EventKind) -> bool) -> Result<(), DecodeError> + Send + Sync>;
type NewlyEmitted<B> = Box<dyn Fn(&mut B, &dyn Any) + Send + Sync>;

impl<B> Selection<B> {
    /// No events yet: what one begins with whose id is a list, each element of it an alternative.
    ///
    /// A boundary that is left so is refused when it is read ([`LoadError::Unbounded`]).
    #[must_use]
    pub const fn nothing() -> Self {
        Self { items: Vec::new(), folds: Vec::new(), problem: None }
    }

    /// The events of these kinds.
    pub fn of<E: Event>(kinds: impl IntoIterator<Item = KindOf<E>>) -> Self
    where
        B: Evolve<E>,
    {
        Self::nothing().or(kinds)
    }

    /// The same, or events of these kinds.
    #[must_use]
    pub fn or<E: Event>(mut self, kinds: impl IntoIterator<Item = KindOf<E>>) -> Self
    where
        B: Evolve<E>,
    {
        let events = TypeId::of::<E>();
        let known = self.folds.iter().position(|fold| fold.events == events);
        let fold = known.unwrap_or_else(|| {
            self.folds.push(Fold::of::<E>());
            self.folds.len() - 1
        });
        let kinds: Vec<_> = kinds.into_iter().collect();
        let query = QueryItem::new().kinds(kinds.iter().copied()).unwrap_or_else(|problem| {
            self.problem = Some(problem);
            QueryItem::new()
        });
        self.items.push(Item { query, kinds: kinds.iter().map(|kind| kind.kind().name).collect(), fold });
        self
    }

    /// The same, where the events of the last alternative also carry the tag `name:value`. A value that makes no tag shows
    /// when the boundary is read.
    #[must_use]
    pub fn tag(mut self, name: &str, value: impl fmt::Display) -> Self {
        match (Tag::of(name, value), self.items.last_mut()) {
            (Ok(tag), Some(item)) => item.query.tags.push(tag),
            (Err(problem), _) => self.problem = Some(problem),
            // Without an alternative there is nothing to restrict, and the query is refused.
            (Ok(_), None) => {}
        }
        self
    }

    /// Also selects what a part of the state is folded from.
    pub(super) fn take_in<P: 'static>(&mut self, part: Selection<P>, of: fn(&mut B) -> &mut P)
    where
        B: 'static,
    {
        let offset = self.folds.len();
        self.items.extend(part.items.into_iter().map(|item| Item { fold: item.fold + offset, ..item }));
        self.folds.extend(part.folds.into_iter().map(|fold| fold.within(of)));
        self.problem = self.problem.take().or(part.problem);
    }

    /// The one query for what is read and for the condition of the commit.
    pub(crate) fn query(&self, tenant: Option<&Tenant>) -> Result<EventQuery, LoadError> {
        if let Some(problem) = &self.problem {
            return Err(LoadError::InvalidId(problem.clone()));
        }
        if self.items.is_empty() || self.items.iter().any(|item| item.query.types.is_empty()) {
            return Err(LoadError::Unbounded { boundary: type_name::<B>() });
        }
        Ok(EventQuery::new(self.items.iter().map(|item| item.query.clone())).in_tenant(tenant.cloned()))
    }

    /// By which tags it selects, in the order of its alternatives.
    pub(super) fn tags(&self) -> Vec<Tag> {
        self.items.iter().flat_map(|item| item.query.tags.iter().cloned()).collect()
    }

    /// By which fold each alternative is folded.
    pub(super) fn plan(&self) -> Vec<usize> {
        self.items.iter().map(|item| item.fold).collect()
    }

    /// Folds the events of a record.
    pub(super) fn fold(&self, state: &mut B, record: &Record) -> Result<(), DecodeError> {
        for (index, fold) in self.folds.iter().enumerate() {
            // Streams are not selected by, so which one it is does not matter.
            let tags = record.tags().iter().map(Tag::as_str);
            let own = self.items.iter().filter(|item| item.fold == index);
            let mut matching = own.filter(|item| item.query.matches("", record.event_type().as_str(), &tags));
            if let Some(first) = matching.next() {
                let is_selected = |kind: &EventKind| {
                    std::iter::once(first).chain(matching.clone()).any(|item| item.kinds.contains(&kind.name))
                };
                (fold.stored)(state, record, &is_selected)?;
            }
        }
        Ok(())
    }

    /// Folds an event that is emitted now, if it would be selected once it is stored.
    pub(crate) fn fold_emitted<E: Event>(&self, state: &mut B, kind: &EventKind, tags: &[Tag], event: &E) {
        let tags = tags.iter().map(Tag::as_str);
        for (index, fold) in self.folds.iter().enumerate().filter(|(_, fold)| fold.events == TypeId::of::<E>()) {
            let mut own = self.items.iter().filter(|item| item.fold == index);
            if own.any(|item| item.query.matches("", kind.name, &tags)) {
                (fold.emitted)(state, event);
            }
        }
    }
}

impl<B> Fold<B> {
    fn of<E: Event>() -> Self
    where
        B: Evolve<E>,
    {
        Self {
            events: TypeId::of::<E>(),
            stored: Box::new(|state, record, is_selected| {
                let events = decode_record::<E>(record)?;
                events.iter().filter(|event| is_selected(event.kind())).for_each(|event| state.evolve(event));
                Ok(())
            }),
            emitted: Box::new(|state, event| {
                if let Some(event) = event.downcast_ref::<E>() {
                    state.evolve(event);
                }
            }),
        }
    }

    /// The same fold of a part, as one of the whole.
    fn within<W: 'static>(self, part: fn(&mut W) -> &mut B) -> Fold<W>
    where
        B: 'static,
    {
        let Self { events, stored, emitted } = self;
        Fold {
            events,
            stored: Box::new(move |whole, record, is_selected| stored(part(whole), record, is_selected)),
            emitted: Box::new(move |whole, event| emitted(part(whole), event)),
        }
    }
}

impl<B> fmt::Debug for Selection<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items.iter().map(|item| &item.query)).finish()
    }
}
