//! The order of keys is that of values, and no value's bytes are the beginning of another's.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// Texts that are alike: with zeros, and the beginnings of each other.
fn a_text() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(select(vec!['\0', '\u{1}', 'a', 'b', 'ÿ', '\u{10ffff}']), 0..4).prop_map(String::from_iter),
        any::<String>(),
    ]
}

/// Numbers at the borders, and others.
fn a_number() -> impl Strategy<Value = i32> {
    prop_oneof![select(vec![i32::MIN, -256, -1, 0, 1, 255, 256, i32::MAX]), any::<i32>()]
}

type Key = (Option<String>, Reverse<(String, i32)>, (bool, Reverse<Option<i32>>), u8, Reverse<String>, i64);

fn a_key() -> impl Strategy<Value = Key> {
    let reverse = (a_text(), a_number()).prop_map(Reverse);
    let option = proptest::option::of(a_number()).prop_map(Reverse);
    (
        proptest::option::of(a_text()),
        reverse,
        (any::<bool>(), option),
        any::<u8>(),
        a_text().prop_map(Reverse),
        any::<i64>(),
    )
}

/// The same key, or another one that differs from some part on.
fn two_keys() -> impl Strategy<Value = (Key, Key)> {
    (a_key(), a_key(), 0..7_usize).prop_map(|(one, other, same)| {
        let part = |number| number < same;
        let other = (
            if part(0) { one.0.clone() } else { other.0 },
            if part(1) { one.1.clone() } else { other.1 },
            if part(2) { one.2 } else { other.2 },
            if part(3) { one.3 } else { other.3 },
            if part(4) { one.4.clone() } else { other.4 },
            if part(5) { one.5 } else { other.5 },
        );
        (one, other)
    })
}

fn agrees<K: RowKey + Ord + std::fmt::Debug>(one: &K, other: &K) {
    let (bytes, others) = (KeyBytes::of(one), KeyBytes::of(other));
    assert_eq!(bytes.cmp(&others), one.cmp(other), "{one:?} and {other:?}");
    if one != other {
        assert!(!others.as_slice().starts_with(bytes.as_slice()), "{one:?} begins {other:?}");
    }
}

proptest! {
    #[test]
    fn keys_are_in_the_order_of_values((one, other) in two_keys()) {
        agrees(&one, &other);
        agrees(&Reverse(one), &Reverse(other));
    }

    #[test]
    fn single_values_are_in_their_order(texts in (a_text(), a_text()), numbers in (a_number(), a_number())) {
        agrees(&texts.0, &texts.1);
        agrees(&Some(&texts.0), &None);
        agrees(&numbers.0, &numbers.1);
        agrees(&i128::from(numbers.0), &i128::from(numbers.1));
        agrees(&numbers.0.cast_unsigned(), &numbers.1.cast_unsigned());
        agrees(&[numbers.0.to_be_bytes()[3]; 3], &[numbers.1.to_be_bytes()[3]; 3]);
    }

    /// A prefix of a text finds the texts that begin with it, and a part of a key the keys that begin with that part.
    #[test]
    fn a_prefix_finds_what_begins_with_it(hall in a_text(), other in a_text(), number in a_number(), cut in 0..5_usize) {
        let cut: String = hall.chars().take(cut).collect();
        let begins = |key: &KeyBytes, part: &KeyBytes| key.as_slice().starts_with(part.as_slice());
        let key = KeyBytes::of(&(number, hall.as_str(), 7_u8));
        prop_assert!(begins(&key, &KeyBytes::of(&(number, StartsWith(&cut)))));
        prop_assert_eq!(begins(&key, &KeyBytes::of(&(number, StartsWith(&other)))), hall.starts_with(&other));
        prop_assert_eq!(begins(&key, &KeyBytes::of(&(number, other.as_str()))), hall == other);
        prop_assert!(begins(&key, &KeyBytes::of(&number)) && !begins(&key, &KeyBytes::of(&(number ^ 1))));
    }
}
