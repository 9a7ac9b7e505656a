//! The places of one stream or tag in a part of the tail.

use crate::log::Place;

/// One place or several: most streams have few events in one part, many of them one, which costs no allocation.
#[derive(Debug)]
pub(crate) enum Places {
    One(Place),
    Several(Vec<Place>),
}

impl Places {
    /// All of `places`, which begin with `first`.
    pub(crate) fn of(first: Place, places: &[Place]) -> Self {
        if places.len() <= 1 { Self::One(first) } else { Self::Several(places.to_vec()) }
    }

    pub(crate) fn push(&mut self, place: Place) {
        self.extend(&[place]);
    }

    pub(crate) fn extend(&mut self, more: &[Place]) {
        match self {
            Self::One(first) => {
                // A stream that goes on mostly goes on for some events.
                let mut places = Vec::with_capacity((more.len() + 1).max(4));
                places.push(*first);
                places.extend_from_slice(more);
                *self = Self::Several(places);
            }
            Self::Several(places) => places.extend_from_slice(more),
        }
    }

    pub(crate) fn as_slice(&self) -> &[Place] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Several(places) => places,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.as_slice().len()
    }
}
