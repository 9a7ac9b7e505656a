//! Which events a boundary is folded from, and how.

use std::{
    any::{Any, TypeId, type_name},
    fmt,
    marker::PhantomData,
};

use crate::{
    DecodeError, Event, EventKind, EventQuery, Evolve, InvalidText, LoadError, QueryItem, Record, Tag, Tenant,
    decode_record,
};

/// One kind of the events `E`, to select by. Written as [`kinds!`](crate::kinds), which checks the names while compiling.
pub struct KindOf<E> {
    kind: &'static EventKind,
    events: PhantomData<fn() -> E>,
}

impl<E: Event> KindOf<E> {
    /// The kind of the variant `variant`.
    ///
    /// # Panics
    /// When there is no such variant; in a constant, as [`kinds!`](crate::kinds) writes it, that is an error of the compiler.
    #[must_use]
    #[expect(clippy::panic, clippy::indexing_slicing, reason = "runs while compiling; the index is below the length")]
    pub const fn named(variant: &str) -> Self {
        let mut index = 0;
        while index < E::KINDS.len() {
            if is_same(E::KINDS[index].variant.as_bytes(), variant.as_bytes()) {
                return Self { kind: &E::KINDS[index], events: PhantomData };
            }
            index += 1;
        }
        panic!("the event enum has no variant of this name")
    }

    /// All kinds of the enum.
    pub fn all() -> impl Iterator<Item = Self> {
        E::KINDS.iter().map(|kind| Self { kind, events: PhantomData })
    }
}

/// Equality of texts, which constants do not have yet.
#[expect(clippy::indexing_slicing, reason = "the index is below both lengths, which are equal")]
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Kinds of events to select by: `kinds![CourseEvent::Defined, CourseEvent::CapacityChanged]`, variants of one enum.
///
/// A name that is no variant does not compile.
#[macro_export]
macro_rules! kinds {
    ($($events:ident :: $variant:ident),+ $(,)?) => {
        [$({
            const KIND: $crate::KindOf<$events> = $crate::KindOf::named(stringify!($variant));
            KIND
        }),+]
    };
}

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
    /// By which of the folds.
    fold: usize,
}

/// How the events of one enum are folded into one state.
struct Fold<B> {
    events: TypeId,
    stored: Stored<B>,
    emitted: NewlyEmitted<B>,
}

type Stored<B> = Box<dyn Fn(&mut B, &Record) -> Result<(), DecodeError> + Send + Sync>;
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
        let mut query = QueryItem::new();
        for kind in kinds {
            match kind.kind.event_type() {
                Ok(event_type) => query.types.push(event_type),
                Err(problem) => self.problem = Some(problem),
            }
        }
        self.items.push(Item { query, fold });
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

    /// Folds a stored event.
    pub(super) fn fold(&self, state: &mut B, record: &Record) -> Result<(), DecodeError> {
        for fold in self.folds_of(record.event_type.as_str(), &record.tags) {
            (fold.stored)(state, record)?;
        }
        Ok(())
    }

    /// Folds an event that is emitted now, if it would be selected once it is stored.
    pub(crate) fn fold_emitted<E: Event>(&self, state: &mut B, kind: &EventKind, tags: &[Tag], event: &E) {
        for fold in self.folds_of(kind.name, tags).filter(|fold| fold.events == TypeId::of::<E>()) {
            (fold.emitted)(state, event);
        }
    }

    fn folds_of(&self, event_type: &str, tags: &[Tag]) -> impl Iterator<Item = &Fold<B>> {
        let texts = tags.iter().map(Tag::as_str);
        self.folds.iter().enumerate().filter_map(move |(index, fold)| {
            // Streams are not selected by, so which one it is does not matter.
            let mut own = self.items.iter().filter(|item| item.fold == index);
            own.any(|item| item.query.matches("", event_type, &texts)).then_some(fold)
        })
    }
}

impl<B> Fold<B> {
    fn of<E: Event>() -> Self
    where
        B: Evolve<E>,
    {
        Self {
            events: TypeId::of::<E>(),
            stored: Box::new(|state, record| {
                state.evolve(&decode_record::<E>(record)?);
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
            stored: Box::new(move |whole, record| stored(part(whole), record)),
            emitted: Box::new(move |whole, event| emitted(part(whole), event)),
        }
    }
}

impl<B> fmt::Debug for Selection<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items.iter().map(|item| &item.query)).finish()
    }
}

impl<E> fmt::Debug for KindOf<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KindOf({})", self.kind.name)
    }
}
