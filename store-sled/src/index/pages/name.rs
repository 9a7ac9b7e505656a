//! How the key of a page is written as a key of sled.
//!
//! sled 0.34 looks for what is before a key by that key with its last byte one less and four bytes of 255 behind
//! (`possible_predecessor`). Where one of its nodes begins between the two, it looks for ever, and gives up with a panic. So no key
//! of ours has four bytes of 255 in a row: behind three of them stands a zero, which changes nothing about their order.

use std::borrow::Cow;

use super::PAGE;

/// So many bytes of 255 may stand in a row.
const RUN: usize = 3;
const FULL: u8 = u8::MAX;
/// What stands behind them.
const STOP: u8 = 0;

/// The key of sled under which the page `key` is kept.
pub(super) fn sled_key(key: &[u8]) -> Vec<u8> {
    let mut sled_key = Vec::with_capacity(key.len() + 2);
    sled_key.push(PAGE);
    if !has_run(key) {
        sled_key.extend_from_slice(key);
        return sled_key;
    }
    let mut run = 0;
    for byte in key {
        sled_key.push(*byte);
        run = if *byte == FULL { run + 1 } else { 0 };
        if run == RUN {
            sled_key.push(STOP);
            run = 0;
        }
    }
    sled_key
}

/// The key of the page that is kept under a key of sled.
pub(super) fn name(sled_key: &[u8]) -> Cow<'_, [u8]> {
    let written = sled_key.get(1..).unwrap_or_default();
    if !has_run(written) {
        return Cow::Borrowed(written);
    }
    let mut name = Vec::with_capacity(written.len());
    let mut run = 0;
    for byte in written {
        if run == RUN {
            run = 0;
            continue;
        }
        name.push(*byte);
        run = if *byte == FULL { run + 1 } else { 0 };
    }
    Cow::Owned(name)
}

fn has_run(key: &[u8]) -> bool {
    // Texts hold no such byte, so that most keys are passed over once, many bytes at a time.
    key.contains(&FULL) && key.windows(RUN).any(|window| window.iter().all(|byte| *byte == FULL))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn keys() -> impl Strategy<Value = Vec<u8>> {
        vec(prop_oneof![3 => Just(FULL), 1 => Just(STOP), 1 => Just(254), 1 => any::<u8>()], 0..12)
    }

    proptest! {
        #[test]
        fn names_come_back_in_their_order_and_without_four_full_bytes(one in keys(), other in keys()) {
            let (first, second) = (sled_key(&one), sled_key(&other));
            prop_assert_eq!(&*name(&first), &one[..]);
            prop_assert_eq!(first.cmp(&second), one.cmp(&other));
            prop_assert!(!first.windows(4).any(|window| window == [FULL; 4]), "{first:?}");
            // What is right behind the one is not behind the other, unless that is not behind the one.
            let mut behind = first.clone();
            behind.push(0);
            prop_assert_eq!(second >= behind, other > one);
        }
    }
}
