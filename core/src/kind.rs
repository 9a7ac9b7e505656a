//! Kinds of events to select by.

use std::{fmt, marker::PhantomData};

use crate::{Event, EventKind, EventType, InvalidText, QueryItem};

/// One kind of the events `E`, to select by. Written as [`kinds!`](crate::kinds), which checks the names while compiling.
///
/// It stands for every form in which such events were ever stored: a query by kind also finds what is stored under a
/// former name, or was stored as another type that is read as this kind today.
pub struct KindOf<E> {
    index: usize,
    events: PhantomData<fn() -> E>,
}

impl<E: Event> KindOf<E> {
    /// The kind of the variant `variant`.
    ///
    /// # Panics
    /// When there is no such variant; in a constant, as [`kinds!`](crate::kinds) writes it, that is an error of the compiler.
    #[must_use]
    #[track_caller]
    #[expect(clippy::panic, reason = "runs while compiling")]
    pub const fn named(variant: &str) -> Self {
        match Self::find(variant) {
            Some(kind) => kind,
            None => panic!("the event enum has no variant of this name"),
        }
    }

    /// The kind of the variant `variant`, if there is one.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "the index is below the length")]
    pub const fn find(variant: &str) -> Option<Self> {
        let mut index = 0;
        while index < E::KINDS.len() {
            if is_same(E::KINDS[index].variant.as_bytes(), variant.as_bytes()) {
                return Some(Self { index, events: PhantomData });
            }
            index += 1;
        }
        None
    }

    /// All kinds of the enum.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..E::KINDS.len()).map(|index| Self { index, events: PhantomData })
    }

    /// Its place in [`Event::KINDS`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }

    /// What there is to know of it.
    #[expect(clippy::indexing_slicing, reason = "the index is one of a kind")]
    #[must_use]
    pub fn kind(self) -> &'static EventKind {
        &E::KINDS[self.index]
    }

    /// Every name under which such events are stored: the present one first, each once.
    pub(crate) fn stored_names(self) -> Vec<&'static str> {
        let kind = self.kind();
        let own = std::iter::once(kind.name).chain(kind.aliases.iter().copied());
        let others = E::PAST.iter().filter(|past| past.kinds.contains(&self.index)).map(|past| past.name);
        let mut names = Vec::new();
        for name in own.chain(others) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl QueryItem {
    /// Also accepts events of these kinds, in every form in which they were ever stored.
    ///
    /// # Errors
    /// [`InvalidText`] when a stored name is no event type; a derived one always is.
    pub fn kinds<E: Event>(mut self, kinds: impl IntoIterator<Item = KindOf<E>>) -> Result<Self, InvalidText> {
        for name in kinds.into_iter().flat_map(KindOf::stored_names) {
            let event_type = EventType::new(name)?;
            if !self.types.contains(&event_type) {
                self.types.push(event_type);
            }
        }
        Ok(self)
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

impl<E> Clone for KindOf<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for KindOf<E> {}

impl<E: Event> fmt::Debug for KindOf<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KindOf({})", self.kind().name)
    }
}
