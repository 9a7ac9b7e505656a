//! What a page is to hold, before it is written.

use super::{FILL_BYTES, PAGE_BYTES, common};
use crate::log::wire::put_varint;

/// Entries in ascending order of their keys.
#[derive(Default)]
pub(crate) struct Draft {
    bytes: Vec<u8>,
    entries: Vec<Span>,
    room: Vec<u8>,
}

/// Where an entry stands in the bytes: key, then value.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    value: usize,
    end: usize,
}

impl Draft {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// Room in which a value is put together, empty; to be given back.
    pub(crate) fn take_room(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.room)
    }

    pub(crate) fn give_room(&mut self, mut room: Vec<u8>) {
        room.clear();
        self.room = room;
    }

    /// Adds an entry behind the others; the value is given in two parts.
    pub(crate) fn push(&mut self, key: &[u8], value: [&[u8]; 2]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.end_entry(start, value);
    }

    /// Adds an entry if `wanted` says so of its key, which is given in two parts.
    pub(super) fn push_if(&mut self, shared: &[u8], rest: &[u8], value: &[u8], wanted: impl Fn(&[u8]) -> bool) -> bool {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(shared);
        self.bytes.extend_from_slice(rest);
        let is_wanted = wanted(self.bytes.get(start..).unwrap_or_default());
        if is_wanted {
            self.end_entry(start, [value, &[]]);
        } else {
            self.bytes.truncate(start);
        }
        is_wanted
    }

    fn end_entry(&mut self, start: usize, value: [&[u8]; 2]) {
        let middle = self.bytes.len();
        for part in value {
            self.bytes.extend_from_slice(part);
        }
        self.entries.push(Span { start, value: middle, end: self.bytes.len() });
    }

    /// The last entry.
    pub(crate) fn last(&self) -> Option<(&[u8], &[u8])> {
        self.entries.last().map(|span| self.entry(*span))
    }

    /// Removes the last entry.
    pub(crate) fn pop(&mut self) {
        if let Some(span) = self.entries.pop() {
            self.bytes.truncate(span.start);
        }
    }

    fn entry(&self, span: Span) -> (&[u8], &[u8]) {
        let part = |from, to| self.bytes.get(from..to).unwrap_or_default();
        (part(span.start, span.value), part(span.value, span.end))
    }

    fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().map(|span| self.entry(*span))
    }
}

/// The pages that hold what `draft` does, the first under `page_key`: one if it fits, else several that are alike full.
pub(super) fn pages_of<'a>(draft: &'a Draft, page_key: &'a [u8]) -> Vec<(&'a [u8], Vec<u8>)> {
    let mut pages = cut(draft, page_key, PAGE_BYTES);
    if pages.len() > 1 {
        let total: usize = pages.iter().map(|(_, page)| page.len()).sum();
        pages = cut(draft, page_key, total.div_ceil(total.div_ceil(FILL_BYTES).max(1)));
    }
    pages
}

/// Cuts before the entry that would make a page longer than `limit`; a page holds one entry at least.
fn cut<'a>(draft: &'a Draft, page_key: &'a [u8], limit: usize) -> Vec<(&'a [u8], Vec<u8>)> {
    let mut pages: Vec<(&[u8], Vec<u8>)> = Vec::new();
    let (mut before, mut first) = (page_key, page_key);
    let mut page = Vec::with_capacity(limit);
    for (key, value) in draft.entries() {
        let mut shared = common(before, key);
        if !page.is_empty() && page.len() + key.len() - shared + value.len() + 4 > limit {
            pages.push((first, std::mem::replace(&mut page, Vec::with_capacity(limit))));
            (first, shared) = (key, key.len());
        }
        put_varint(&mut page, shared as u64);
        put_varint(&mut page, (key.len() - shared) as u64);
        put_varint(&mut page, value.len() as u64);
        page.extend_from_slice(key.get(shared..).unwrap_or_default());
        page.extend_from_slice(value);
        before = key;
    }
    if !page.is_empty() {
        pages.push((first, page));
    }
    pages
}
