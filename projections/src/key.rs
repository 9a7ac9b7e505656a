//! Keys of rows: bytes that are in the order of the values.

use std::cmp::Reverse;

use annals_core::{Position, Timestamp, Version};
use smallvec::SmallVec;

/// The bytes of a key while it is written.
///
/// What is written one after the other is in the order of the first, then of the second: no value's bytes are the beginning
/// of another's, so that keys of several parts are in the order of tuples.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KeyBytes(SmallVec<[u8; INLINE]>);

/// Keys of so many bytes need no memory of their own.
const INLINE: usize = 32;

impl KeyBytes {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of `key`.
    #[must_use]
    pub fn of<K: RowKey + ?Sized>(key: &K) -> Self {
        let mut bytes = Self::new();
        key.write(&mut bytes);
        bytes
    }

    /// These bytes as they are.
    pub(crate) fn raw(bytes: &[u8]) -> Self {
        Self(SmallVec::from_slice(bytes))
    }

    /// Bytes as they are. Their order is the order of the key only if all are of one length, or none is the beginning of
    /// another.
    pub fn push_raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Bytes of any length: each zero is followed by 255, and two zeros end them.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        if self.0.is_empty() && bytes.len() + 2 <= INLINE && !bytes.contains(&0) {
            // Most keys are one short text: zeros are there already.
            let mut all = [0; INLINE];
            if let Some(room) = all.get_mut(..bytes.len()) {
                room.copy_from_slice(bytes);
                self.0 = SmallVec::from_buf_and_len(all, bytes.len() + 2);
                return;
            }
        }
        for part in bytes.split_inclusive(|byte| *byte == 0) {
            self.0.extend_from_slice(part);
            if part.ends_with(&[0]) {
                self.0.push(u8::MAX);
            }
        }
        self.0.extend_from_slice(&[0, 0]);
    }

    /// What was written.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// A value by which rows are found and ordered. Derive it for structs and for enums without fields.
///
/// Texts are in the order of their bytes (Unicode's code points), numbers in theirs, `false` before `true`, `None` before
/// `Some`, parts of a tuple one after the other; [`Reverse`] turns the order around.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no key of a row",
    note = "derive it: `#[derive(RowKey)]`; texts, integers, booleans, ids, times, tuples and `Reverse` of these are keys"
)]
pub trait RowKey {
    /// Appends the bytes of the key, so that they are in the order of the values and none is the beginning of another.
    fn write(&self, key: &mut KeyBytes);
}

/// All texts that begin with this one, as the last part of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartsWith<'a>(pub &'a str);

impl RowKey for StartsWith<'_> {
    fn write(&self, key: &mut KeyBytes) {
        // No text of a key holds a zero that is followed by another one, so the end that is left out is all that differs.
        let start = key.0.len();
        key.push_bytes(self.0.as_bytes());
        let end = key.0.len().saturating_sub(2).max(start);
        key.0.truncate(end);
    }
}

impl RowKey for str {
    fn write(&self, key: &mut KeyBytes) {
        key.push_bytes(self.as_bytes());
    }
}

impl RowKey for String {
    fn write(&self, key: &mut KeyBytes) {
        self.as_str().write(key);
    }
}

impl RowKey for bool {
    fn write(&self, key: &mut KeyBytes) {
        key.push_raw(&[u8::from(*self)]);
    }
}

impl RowKey for () {
    fn write(&self, _: &mut KeyBytes) {}
}

impl RowKey for uuid::Uuid {
    fn write(&self, key: &mut KeyBytes) {
        key.push_raw(self.as_bytes());
    }
}

impl RowKey for Timestamp {
    fn write(&self, key: &mut KeyBytes) {
        self.as_micros().write(key);
    }
}

impl<const N: usize> RowKey for [u8; N] {
    fn write(&self, key: &mut KeyBytes) {
        key.push_raw(self);
    }
}

impl<K: RowKey + ?Sized> RowKey for &K {
    fn write(&self, key: &mut KeyBytes) {
        (**self).write(key);
    }
}

impl<K: RowKey> RowKey for Option<K> {
    fn write(&self, key: &mut KeyBytes) {
        self.is_some().write(key);
        if let Some(value) = self {
            value.write(key);
        }
    }
}

impl<K: RowKey> RowKey for Reverse<K> {
    fn write(&self, key: &mut KeyBytes) {
        let start = key.0.len();
        self.0.write(key);
        for byte in key.0.iter_mut().skip(start) {
            *byte = !*byte;
        }
    }
}

macro_rules! integers {
    ($($unsigned:ty, $signed:ty);*) => {$(
        impl RowKey for $unsigned {
            fn write(&self, key: &mut KeyBytes) {
                key.push_raw(&self.to_be_bytes());
            }
        }
        impl RowKey for $signed {
            fn write(&self, key: &mut KeyBytes) {
                // The negative ones come first.
                (self.cast_unsigned() ^ (<$unsigned>::MAX / 2 + 1)).write(key);
            }
        }
    )*};
}

integers!(u8, i8; u16, i16; u32, i32; u64, i64; u128, i128);

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl RowKey for $number {
            fn write(&self, key: &mut KeyBytes) {
                self.get().write(key);
            }
        }
    )*};
}

numbers!(Position, Version);

macro_rules! tuples {
    ($($($part:ident)+;)*) => {$(
        impl<$($part: RowKey),+> RowKey for ($($part,)+) {
            #[expect(non_snake_case, reason = "a part is named as its type")]
            fn write(&self, key: &mut KeyBytes) {
                let ($($part,)+) = self;
                $($part.write(key);)+
            }
        }
    )*};
}

tuples! { A; A B; A B C; A B C D; A B C D E; A B C D E F; }

#[cfg(test)]
mod tests;
