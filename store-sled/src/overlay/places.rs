//! The places of one stream or tag in a part of the tail.

use crate::log::Place;

/// One place or several: most streams have few events in one part, many of them one, which costs no allocation.
#[derive(Debug)]
pub(crate) enum Places {
    One(Place),
    Several(Vec<Place>),
}

impl Places {
    pub(crate) fn push(&mut self, place: Place) {
        match self {
            Self::One(first) => *self = Self::Several(vec![*first, place]),
            Self::Several(places) => places.push(place),
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
