//! `$once` in the index: for each idempotency key, where the commit is that used it. What the row says is in the log
//! ([`Log::repetition`](crate::log::Log::repetition)) and asked for seldom, while each new key changes another page: so
//! what stands there is short.

use bytes::Bytes;
use sled::IVec;

use super::{
    filter::{Changed, Filter},
    pages::{self, Change, Draft, malformed},
    places::{common_length, head_of},
    tree::Tree,
};
use crate::{
    log::wire::{Cursor, put_varint},
    overlay::once::OnceKeys,
};

/// Writes the keys that were used or forgotten. Doing it twice changes nothing.
pub(crate) fn merge(tree: &Tree, keys: &OnceKeys, filter: &Filter, changed: &mut Changed) -> sled::Result<()> {
    let change = |(key, frame): (_, &Option<u64>)| KeyChange { head: 0, key, frame: *frame };
    let mut changes: Vec<_> = keys.iter().map(change).collect();
    for change in changes.iter().filter(|change| change.frame.is_some()) {
        filter.insert(change.key, changed);
    }
    let common = common_length(changes.iter().map(|change| change.key));
    for change in &mut changes {
        change.head = head_of(change.key.get(common..).unwrap_or_default());
    }
    changes.sort_unstable_by(|one, other| one.head.cmp(&other.head).then_with(|| one.key.cmp(other.key)));
    pages::merge(tree, &changes)
}

/// The value of the row whose key is `key`, as [`value`] puts it.
pub(crate) fn get(tree: &Tree, key: &[u8]) -> sled::Result<Option<Bytes>> {
    pages::get(tree, key)?.map(|stored| value_of(&stored)).transpose()
}

/// The same from what is stored under the key.
pub(crate) fn value_of(stored: &IVec) -> sled::Result<Bytes> {
    let frame = Cursor::new(stored).varint();
    frame.map(value).ok_or_else(|| malformed("the place of an idempotency key"))
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
struct KeyChange<'a> {
    /// The bytes of the key behind what all keys have in common: compared before the keys are.
    head: u64,
    key: &'a [u8],
    frame: Option<u64>,
}

impl Change for KeyChange<'_> {
    fn key(&self) -> &[u8] {
        self.key
    }

    fn apply(&self, draft: &mut Draft) -> sled::Result<()> {
        if draft.last().is_some_and(|(key, _)| key == self.key) {
            draft.pop();
        }
        if let Some(frame) = self.frame {
            let mut value = draft.take_room();
            put_varint(&mut value, frame);
            draft.push(self.key, [&value, &[]]);
            draft.give_room(value);
        }
        Ok(())
    }
}
