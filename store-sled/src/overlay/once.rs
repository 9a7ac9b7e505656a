//! The idempotency keys of the tail: in which commit each was used.

use std::ops::{Bound, RangeBounds};

use annals_core::{Direction, LoggedTable};
use bytes::Bytes;

use super::{Overlay, Part};
use crate::index::{
    keys,
    once::{self, OnceKey, OnceMap},
};

/// The idempotency keys that were used or forgotten in a part: the log offset of the frame of the commit that used each of them
/// last, or `None` where it was forgotten.
///
/// In no order: they are random mostly, and their rows are listed seldom.
#[derive(Debug, Default)]
pub(crate) struct OnceKeys {
    frames: OnceMap<Option<u64>>,
}

impl OnceKeys {
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn reserve(&mut self, keys: usize) {
        self.frames.reserve(keys);
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&OnceKey, &Option<u64>)> {
        self.frames.iter()
    }

    /// Up to `limit` rows of `table` in the range, in the order of `direction`: where each is, `None` where it is not any
    /// more.
    fn rows<'a>(
        &'a self,
        table: &LoggedTable,
        range: &(Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> Vec<(Bytes, Option<Bytes>)> {
        let prefix = keys::logged_row(table, &[]);
        let range: (Bound<&[u8]>, Bound<&[u8]>) =
            (range.0.as_ref().map(|from| &**from), range.1.as_ref().map(|to| &**to));
        let is_inside = |key: &[u8]| RangeBounds::<[u8]>::contains(&range, key);
        let own = |(key, frame): (&'a OnceKey, &'a _)| Some((key.as_bytes().strip_prefix(&*prefix)?, frame));
        let mut rows: Vec<_> = self.frames.iter().filter_map(own).filter(|(key, _)| is_inside(key)).collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        if direction == Direction::Backward {
            rows.reverse();
        }
        let row = |(key, frame): (&[u8], &Option<u64>)| (Bytes::copy_from_slice(key), frame.map(once::value));
        rows.into_iter().take(limit).map(row).collect()
    }
}

impl Part {
    /// Adds that an idempotency key was used in the frame at this log offset, or forgotten.
    pub(crate) fn add_once(&mut self, key: OnceKey, frame: Option<u64>) {
        let bytes = key.as_bytes().len() + size_of::<u64>();
        if self.once.frames.insert(key, frame).is_none() {
            self.entries += 1;
            self.bytes += bytes;
        }
    }
}

impl Overlay {
    /// Where the row of `key` is, as [`once::value`] puts it, if the tail says so; inside, `None` where it was forgotten.
    pub(crate) fn once_row(&self, key: &OnceKey) -> Option<Option<Bytes>> {
        self.parts().find_map(|part| part.once.frames.get(key)).map(|frame| frame.map(once::value))
    }

    /// Up to `limit` rows of `$once` from each part, those of the older part first.
    pub(super) fn once_rows(
        &self,
        table: &LoggedTable,
        range: &(Bound<Bytes>, Bound<Bytes>),
        direction: Direction,
        limit: usize,
    ) -> impl Iterator<Item = (Bytes, Option<Bytes>)> {
        let parts = [self.frozen.as_deref(), Some(&self.active)].into_iter().flatten();
        parts.flat_map(move |part| part.once.rows(table, range, direction, limit))
    }
}
