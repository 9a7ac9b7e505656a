//! `$once` in the index: for each idempotency key, where the commit is that used it. What the row says is in the log
//! ([`Log::repetition`](crate::log::Log::repetition)) and asked for seldom, while each new key changes another page: so
//! what stands there is short.

use bytes::Bytes;
use sled::IVec;

use super::{
    filter::{Changed, Filter},
    order::{common_length, head_of},
    pages::{Change, Draft, malformed},
};
use crate::{
    log::wire::{Cursor, put_varint},
    overlay::once::OnceKeys,
};

/// The keys that were used or forgotten, sorted; those that were used are added to the filter.
pub(crate) fn sorted<'a>(keys: &'a OnceKeys, filter: &Filter, changed: &mut Changed) -> Vec<Used<'a>> {
    let mut sorted: Vec<_> = keys.iter().map(|(key, frame)| Used::of(key, *frame)).collect();
    for used in sorted.iter().filter(|used| used.frame.is_some()) {
        filter.insert(used.key, changed);
    }
    let common = common_length(sorted.iter().map(|used| used.key));
    for used in &mut sorted {
        used.head = head_of(used.key.get(common..).unwrap_or_default());
    }
    sorted.sort_unstable_by(|one, other| one.head.cmp(&other.head).then_with(|| one.key.cmp(other.key)));
    sorted
}

/// The value of a row from what is stored under its key.
pub(crate) fn value_of(stored: &IVec) -> sled::Result<Bytes> {
    frame_in(stored)?.map(value).ok_or_else(lost)
}

/// The frame that is stored under a key; none where it was forgotten.
pub(super) fn frame_in(stored: &[u8]) -> sled::Result<Option<u64>> {
    if stored.is_empty() {
        return Ok(None);
    }
    Cursor::new(stored).varint().map(Some).ok_or_else(lost)
}

/// Puts what is stored of a key at the end of `draft`.
pub(super) fn push(draft: &mut Draft, key: &[u8], frame: Option<u64>) {
    let mut stored = draft.take_room();
    if let Some(frame) = frame {
        put_varint(&mut stored, frame);
    }
    draft.push(key, [&stored, &[]]);
    draft.give_room(stored);
}

fn lost() -> sled::Error {
    malformed("the place of an idempotency key")
}

/// What stands for a row of `$once` until it is read from the log: the log offset of the frame, eight bytes.
pub(crate) fn value(frame: u64) -> Bytes {
    Bytes::copy_from_slice(&frame.to_be_bytes())
}

/// The log offset in such a value.
pub(crate) fn frame_of(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_be_bytes)
}

/// A key that was used in a frame, or forgotten.
pub(crate) struct Used<'a> {
    /// The bytes of the key behind what all keys have in common: compared before the keys are.
    head: u64,
    pub(super) key: &'a [u8],
    pub(super) frame: Option<u64>,
}

impl<'a> Used<'a> {
    pub(super) fn of(key: &'a [u8], frame: Option<u64>) -> Self {
        Self { head: 0, key, frame }
    }
}

impl Change for Used<'_> {
    fn key(&self) -> &[u8] {
        self.key
    }

    fn apply(&self, draft: &mut Draft) -> sled::Result<()> {
        if draft.last().is_some_and(|(key, _)| key == self.key) {
            draft.pop();
        }
        if self.frame.is_some() {
            push(draft, self.key, self.frame);
        }
        Ok(())
    }
}
