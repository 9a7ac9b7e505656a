//! What the code calls that `#[projection]` and `derive(Row)` write. No part of the interface.

use annals_core::{Event, KindOf};

pub use annals_core::shape;

/// The most bytes of the message about variants that are neither handled nor ignored.
const MESSAGE_BYTES_MAX: usize = 2048;

/// Fails, while compiling, unless every variant of `E`, which the user writes as `events`, is among `seen`.
///
/// A name that is no variant is rustc's to report, at the pattern: then nothing is said here.
///
/// # Panics
/// When a variant is missing, with a message that names it.
#[track_caller]
#[expect(clippy::indexing_slicing, reason = "runs while compiling; the indexes are below the lengths")]
pub const fn covered<E: Event, const N: usize>(events: &str, seen: [&str; N]) {
    let mut found = [0; N];
    let mut index = 0;
    while index < N {
        match KindOf::<E>::find(seen[index]) {
            Some(kind) => found[index] = kind.index(),
            None => return,
        }
        index += 1;
    }
    let mut missing = Missing::nothing();
    let mut kind = 0;
    while kind < E::KINDS.len() {
        if !contains(&found, kind) {
            missing = missing.and(events, E::KINDS[kind].variant);
        }
        kind += 1;
    }
    missing.report();
}

#[expect(clippy::indexing_slicing, reason = "the index is below the length")]
const fn contains(numbers: &[usize], number: usize) -> bool {
    let mut index = 0;
    while index < numbers.len() {
        if numbers[index] == number {
            return true;
        }
        index += 1;
    }
    false
}

/// The names of variants that are missing, one after the other, while compiling.
struct Missing {
    names: Text,
    count: usize,
}

impl Missing {
    const fn nothing() -> Self {
        Self { names: Text { bytes: [0; MESSAGE_BYTES_MAX], len: 0 }, count: 0 }
    }

    const fn and(self, events: &str, variant: &str) -> Self {
        let separator = if self.count == 0 { "`" } else { "`, `" };
        let names = self.names.then(separator).then(events).then("::").then(variant);
        Self { names, count: self.count + 1 }
    }

    #[track_caller]
    #[expect(clippy::panic, reason = "runs while compiling")]
    const fn report(self) {
        let Self { names, count } = self;
        let text = match count {
            0 => return,
            1 => {
                // Once more for each of the two ways out, so that they can be copied.
                let name = names;
                let text = name.then("` is neither handled nor ignored: add `#[on(");
                text.joined(&name, 1).then(" { .. })]` or `ignore(").joined(&name, 1).then(")`")
            }
            _ => names.then("` are neither handled nor ignored: add `#[on(..)]` or `ignore(..)` for each"),
        };
        match text.as_str() {
            Some(text) => panic!("{}", text),
            None => panic!("variants of an event enum are neither handled nor ignored"),
        }
    }
}

/// A text that grows while compiling. What does not fit is left out.
#[derive(Clone, Copy)]
struct Text {
    bytes: [u8; MESSAGE_BYTES_MAX],
    len: usize,
}

impl Text {
    const fn then(self, text: &str) -> Self {
        self.with(text.as_bytes(), 0)
    }

    /// With `other` behind it, less the first `skipped` bytes of that.
    const fn joined(self, other: &Self, skipped: usize) -> Self {
        match other.as_str() {
            Some(text) => self.with(text.as_bytes(), skipped),
            None => self,
        }
    }

    #[expect(clippy::indexing_slicing, reason = "the indexes are below the lengths")]
    const fn with(mut self, bytes: &[u8], skipped: usize) -> Self {
        if self.len + bytes.len() > MESSAGE_BYTES_MAX {
            return self;
        }
        let mut index = skipped;
        while index < bytes.len() {
            self.bytes[self.len] = bytes[index];
            self.len += 1;
            index += 1;
        }
        self
    }

    const fn as_str(&self) -> Option<&str> {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => Some(text),
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use annals_core::{
        EventKind, InvalidText, Tag,
        codec::{Bytes, EncodeError, PayloadError},
    };

    use super::*;

    #[derive(Clone)]
    struct AccountEvent;

    impl Event for AccountEvent {
        const KINDS: &'static [EventKind] = &[
            EventKind::new("Opened", "account.opened", 1),
            EventKind::new("Deposited", "account.deposited", 1),
            EventKind::new("Closed", "account.closed", 1),
        ];
        fn kind(&self) -> &'static EventKind {
            &Self::KINDS[0]
        }
        fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
            Ok(vec![])
        }
        fn encode(&self) -> Result<Bytes, EncodeError> {
            Ok(Bytes::new())
        }
        fn decode(_: usize, _: &[u8]) -> Result<Self, PayloadError> {
            Ok(Self)
        }
    }

    fn message<const N: usize>(seen: [&'static str; N]) -> Option<String> {
        let failed = std::panic::catch_unwind(|| covered::<AccountEvent, N>("AccountEvent", seen)).err()?;
        failed.downcast_ref::<String>().cloned().or_else(|| failed.downcast_ref::<&str>().map(|&text| text.to_owned()))
    }

    #[test]
    fn a_variant_that_is_missing_is_named() {
        const { covered::<AccountEvent, 3>("AccountEvent", ["Closed", "Opened", "Deposited"]) };
        let expected = "`AccountEvent::Closed` is neither handled nor ignored: \
             add `#[on(AccountEvent::Closed { .. })]` or `ignore(AccountEvent::Closed)`";
        assert_eq!(message(["Opened", "Deposited"]).as_deref(), Some(expected));
        let expected = "`AccountEvent::Opened`, `AccountEvent::Closed` are neither handled nor ignored: \
             add `#[on(..)]` or `ignore(..)` for each";
        assert_eq!(message(["Deposited"]).as_deref(), Some(expected));
    }

    #[test]
    fn a_name_that_is_no_variant_is_left_to_rustc() {
        assert_eq!(message(["Opened", "Depositd"]), None);
    }
}
