//! Streams or tags of a part of the tail, put in the order of their keys.

use annals_core::{StreamId, Version};
use smol_str::SmolStr;

use super::{keys::Term, pages::malformed};
use crate::{log::Place, overlay::places::Places};

/// What a part of the tail has of a stream or tag.
pub(super) struct Given<'a> {
    pub(super) term: Term<'a>,
    pub(super) may_be_new: bool,
    pub(super) places: &'a [Place],
}

impl<'a> Given<'a> {
    pub(super) fn of_stream((stream, (first, places)): &'a (StreamId, (Version, Places))) -> Self {
        let may_be_new = *first == Version::FIRST;
        Self { term: Term::Stream(stream.as_str()), may_be_new, places: places.as_slice() }
    }

    pub(super) fn of_tag((term, places): &'a (SmolStr, Places)) -> Self {
        Self { term: Term::Tag(term), may_be_new: true, places: places.as_slice() }
    }
}

/// Entries in the order of their keys, and the room to put them in it. That is kept, because the allocator does not get over
/// as much memory being taken and given back with each batch: other things then lie where it was, and it is taken elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// All keys in one buffer, so that a term costs no allocation.
    keys: Vec<u8>,
    spans: Vec<Span>,
}

/// Where the key of an entry stands among all keys.
#[derive(Debug)]
struct Span {
    /// The bytes of the key behind what all keys have in common: compared before the keys are.
    head: u64,
    start: u32,
    end: u32,
    /// The entry's, twice, and one more if it is new.
    index: u32,
}

/// An entry in its turn.
#[derive(Clone, Copy)]
pub(super) struct Sorted<'a> {
    pub(super) key: &'a [u8],
    /// Which entry it is.
    pub(super) index: usize,
    pub(super) is_new: bool,
}

impl Order {
    /// Puts `entries` in order, in place of those before. `is_new` is asked of the keys of those that may be new.
    pub(super) fn sort<'a, E>(
        &mut self,
        entries: &'a [E],
        given: impl Fn(&'a E) -> Given<'a>,
        mut is_new: impl FnMut(&[u8]) -> bool,
    ) -> sled::Result<()> {
        let Self { keys, spans } = self;
        keys.clear();
        spans.clear();
        keys.reserve(entries.len() * 24);
        spans.reserve(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let Given { term, may_be_new, .. } = given(entry);
            let start = keys.len();
            term.put_prefix(keys);
            let is_new = may_be_new && is_new(keys.get(start..).unwrap_or_default());
            let number = |number| u32::try_from(number).map_err(|_| malformed("a batch of 4 GiB"));
            let index = number(index * 2 + usize::from(is_new))?;
            spans.push(Span { head: 0, start: number(start)?, end: number(keys.len())?, index });
        }
        let key = |span: &Span| key_of(keys, span);
        let common = common_length(spans.iter().map(key));
        for span in &mut *spans {
            span.head = head_of(key(span).get(common..).unwrap_or_default());
        }
        spans.sort_unstable_by(|one, other| one.head.cmp(&other.head).then_with(|| key(one).cmp(key(other))));
        Ok(())
    }

    /// The entries, in order.
    pub(super) fn sorted(&self) -> impl Iterator<Item = Sorted<'_>> + Clone {
        self.spans.iter().map(|span| Sorted {
            key: key_of(&self.keys, span),
            index: span.index as usize / 2,
            is_new: span.index % 2 == 1,
        })
    }
}

fn key_of<'a>(keys: &'a [u8], span: &Span) -> &'a [u8] {
    keys.get(span.start as usize..span.end as usize).unwrap_or_default()
}

/// The first bytes of `key` as a number that sorts as they do.
pub(super) fn head_of(key: &[u8]) -> u64 {
    match key.first_chunk() {
        Some(head) => u64::from_be_bytes(*head),
        None => key.iter().chain(&[0; 8]).take(8).fold(0, |head, byte| (head << 8) | u64::from(*byte)),
    }
}

/// How many bytes all keys begin with.
pub(super) fn common_length<'a>(mut keys: impl Iterator<Item = &'a [u8]>) -> usize {
    let Some(first) = keys.next() else { return 0 };
    let common = |length: usize, key: &[u8]| {
        let pairs = first.iter().zip(key).take(length);
        pairs.take_while(|(one, other)| one == other).count()
    };
    keys.fold(first.len(), common)
}
