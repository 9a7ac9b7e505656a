//! `$once` in the index: for each idempotency key, where the commit is that used it. What the row says is in the log
//! ([`Log::repetition`](crate::log::Log::repetition)) and asked for seldom, while each new key changes another page: so
//! what stands there is short.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use annals_core::{IdempotencyKey, LoggedTable};
use bytes::Bytes;
use hashbrown::HashMap;

use super::{
    filter::{Bits, Changed, Filter},
    keys::{self, OnceRow},
    order::{common_length, head_of},
};
use crate::overlay::once::OnceKeys;

/// The key of the row of an idempotency key, and its bits in the filter, which are its hash, too: it is looked for in many
/// places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnceKey {
    pub(super) bits: Bits,
    key: OnceRow,
}

impl OnceKey {
    pub(crate) fn of(key: &IdempotencyKey) -> Self {
        Self::from(keys::once(key))
    }

    /// That of the row `row` of `table`, which is `$once` of some tenant.
    pub(crate) fn of_row(table: &LoggedTable, row: &[u8]) -> Self {
        Self::from(OnceRow::from_vec(keys::logged_row(table, row)))
    }

    /// The key of the row in the index.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.key
    }
}

impl From<OnceRow> for OnceKey {
    fn from(key: OnceRow) -> Self {
        Self { bits: Bits::of(&key), key }
    }
}

impl Hash for OnceKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.bits.as_hash());
    }
}

/// What is noted of idempotency keys.
pub(crate) type OnceMap<V> = HashMap<OnceKey, V, BuildHasherDefault<IsHashed>>;

/// Takes a hash for what it is.
#[derive(Debug, Default)]
pub(crate) struct IsHashed(u64);

impl Hasher for IsHashed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The keys that were used or forgotten, sorted; those that were used are added to the filter.
pub(crate) fn sorted<'a>(keys: &'a OnceKeys, filter: &Filter, changed: &mut Changed) -> Vec<Used<'a>> {
    let mut sorted: Vec<_> = keys.iter().map(|(key, frame)| Used::of(key.as_bytes(), *frame)).collect();
    for (key, _) in keys.iter().filter(|(_, frame)| frame.is_some()) {
        filter.insert_bits(key.bits, changed);
    }
    let common = common_length(sorted.iter().map(|used| used.key));
    for used in &mut sorted {
        used.head = head_of(used.key.get(common..).unwrap_or_default());
    }
    sorted.sort_unstable_by(|one, other| one.head.cmp(&other.head).then_with(|| one.key.cmp(other.key)));
    sorted
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
