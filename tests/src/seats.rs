//! A boundary for what is tested through decisions: the seats of a hall.

use annals_core::{
    Boundary, Event, EventKind, Evolve, InvalidText, KindOf, Selection, Tag,
    codec::{self, EncodeError, PayloadError},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum SeatEvent {
    /// One more is taken by somebody with these wishes, each of which is a tag.
    Taken { hall: String, wishes: Vec<String> },
}

impl SeatEvent {
    pub(crate) fn taken(hall: &str) -> Self {
        Self::Taken { hall: hall.to_owned(), wishes: Vec::new() }
    }

    /// With so many tags.
    pub(crate) fn tagged(hall: &str, tags: usize) -> Self {
        Self::Taken { hall: hall.to_owned(), wishes: (1..tags).map(|wish| wish.to_string()).collect() }
    }
}

impl Event for SeatEvent {
    const KINDS: &'static [EventKind] = &[EventKind::new("Taken", "seat.taken", 1)];
    fn kind(&self) -> &'static EventKind {
        &Self::KINDS[0]
    }
    fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
        let Self::Taken { hall, wishes } = self;
        let wishes = wishes.iter().map(|wish| Tag::of("wish", wish));
        std::iter::once(Tag::of("hall", hall)).chain(wishes).collect()
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        codec::encode_variant(self)
    }
    fn decode(kind: usize, payload: &[u8]) -> Result<Self, PayloadError> {
        codec::decode_variant(u32::try_from(kind).expect("one kind"), payload)
    }
}

/// How many seats of a hall are taken.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Hall {
    pub(crate) taken: u64,
}

impl Evolve<SeatEvent> for Hall {
    fn evolve(&mut self, _: &SeatEvent) {
        self.taken += 1;
    }
}

impl Boundary for Hall {
    type Id = String;
    fn select(hall: &String) -> Selection<Self> {
        Selection::of(KindOf::<SeatEvent>::all()).tag("hall", hall)
    }
}

/// A boundary that names no kinds, or no alternatives at all.
#[derive(Debug, Default, Clone)]
pub(crate) struct Anything;

impl Evolve<SeatEvent> for Anything {
    fn evolve(&mut self, _: &SeatEvent) {}
}

impl Boundary for Anything {
    type Id = bool;
    fn select(has_alternative: &bool) -> Selection<Self> {
        if *has_alternative { Selection::of::<SeatEvent>([]).tag("hall", "main") } else { Selection::nothing() }
    }
}
