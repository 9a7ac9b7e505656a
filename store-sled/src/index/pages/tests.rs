use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use annals_core::Direction;
use proptest::{collection, prelude::*, test_runner::TestCaseError};

use super::*;
use crate::{
    index::{
        spend::{Spend, WRITES},
        tree::Database,
    },
    log::disk::Disk,
};

/// Sets or removes the entry of a key.
type Set = (Vec<u8>, Option<Vec<u8>>);

impl Change for Set {
    fn key(&self) -> &[u8] {
        &self.0
    }

    fn apply(&self, draft: &mut Draft) -> sled::Result<()> {
        if draft.last().is_some_and(|(key, _)| key == self.0) {
            draft.pop();
        }
        if let Some(value) = &self.1 {
            draft.push(&self.0, [value, &[]]);
        }
        Ok(())
    }
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn tree() -> Tree {
    let disk = Disk { observer: Some(Arc::new(Spend)), ..Disk::default() };
    Database::temporary(disk).tree("pages").unwrap()
}

fn change(model: &mut Model, changes: &[Set]) {
    for (key, value) in changes {
        match value {
            Some(value) => drop(model.insert(key.clone(), value.clone())),
            None => drop(model.remove(key)),
        }
    }
}

fn all(tree: &Tree, from: &[u8], to: &[u8], direction: Direction) -> Vec<(Vec<u8>, Vec<u8>)> {
    let entries = range(tree, from.to_vec(), to.to_vec(), direction);
    entries.map(|entry| entry.map(|(key, value)| (key, value.to_vec())).unwrap()).collect()
}

const END: &[u8] = &[0xff; 8];

fn check(tree: &Tree, model: &Model, probes: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let wanted: Vec<_> = model.clone().into_iter().collect();
    prop_assert_eq!(&all(tree, &[], END, Direction::Forward), &wanted);
    let backward: Vec<_> = all(tree, &[], END, Direction::Backward);
    prop_assert!(backward.iter().rev().eq(&wanted));
    for (probe, other) in probes.iter().zip(probes.iter().rev()) {
        prop_assert_eq!(get(tree, probe).unwrap().map(|value| value.to_vec()), model.get(probe).cloned());
        let last = model.range::<[u8], _>((Bound::Unbounded, Bound::Included(&probe[..]))).next_back();
        let found = last_at(tree, probe).unwrap().map(|(key, value)| (key, value.to_vec()));
        prop_assert_eq!(found, last.map(|(key, value)| (key.clone(), value.clone())));
        let (from, to) = (probe.min(other), probe.max(other));
        let wanted: Vec<_> = model.range(from.clone()..to.clone()).map(|(k, v)| (k.clone(), v.clone())).collect();
        prop_assert_eq!(&all(tree, from, to, Direction::Forward), &wanted);
        prop_assert!(all(tree, from, to, Direction::Backward).iter().rev().eq(&wanted));
    }
    Ok(())
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    let wide = (0_u16..3000).prop_map(|number| format!("s/stream-{number}").into_bytes());
    prop_oneof![8 => wide, 1 => collection::vec(0_u8..3, 0..4), 1 => "[a-c]{1,300}".prop_map(String::into_bytes)]
}

fn changes() -> impl Strategy<Value = Vec<Set>> {
    let value = prop_oneof![8 => collection::vec(any::<u8>(), 0..60), 1 => collection::vec(any::<u8>(), 0..5000)];
    let put = collection::btree_map(key(), proptest::option::weighted(0.7, value), 0..200);
    let remove = (0_u16..3000, 0_u16..3000).prop_map(|(one, other)| {
        let range = one.min(other)..one.max(other);
        range.map(|number| (format!("s/stream-{number}").into_bytes(), None)).collect::<BTreeMap<_, _>>()
    });
    prop_oneof![5 => put, 1 => remove].prop_map(|changes| changes.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn pages_are_an_ordered_map(batches in collection::vec(changes(), 1..8), probes in collection::vec(key(), 20)) {
        let (tree, mut model) = (tree(), Model::new());
        for batch in batches {
            merge(&tree, &batch).unwrap();
            change(&mut model, &batch);
            check(&tree, &model, &probes)?;
        }
    }

    /// T1: after each number of writes, what was there before and is not changed is still found, once; and doing it
    /// again gives what would have been.
    #[test]
    fn a_merge_that_is_cut_short_is_repeated(
        batches in collection::vec((changes(), 0_usize..40), 1..6),
        probes in collection::vec(key(), 20),
    ) {
        let (tree, mut model) = (tree(), Model::new());
        for (batch, writes) in batches {
            WRITES.set(writes);
            let whole = merge(&tree, &batch).is_ok();
            WRITES.set(usize::MAX);
            let changed = |key: &Vec<u8>| batch.binary_search_by(|(other, _)| other.cmp(key)).is_ok();
            let found = all(&tree, &[], END, Direction::Forward);
            prop_assert!(found.is_sorted_by(|a, b| a.0 < b.0));
            let kept: Vec<_> = found.into_iter().filter(|(key, _)| !changed(key)).collect();
            let wanted: Vec<_> = model.clone().into_iter().filter(|(key, _)| !changed(key)).collect();
            prop_assert_eq!(kept, wanted);
            if !whole {
                // Another batch in between: what a cut split left over must not come back.
                merge(&tree, &batch).unwrap();
            }
            change(&mut model, &batch);
            check(&tree, &model, &probes)?;
        }
    }
}

#[test]
fn empty_pages_are_removed() {
    let tree = tree();
    let key = |number: u32| format!("queue-{number:08}").into_bytes();
    for number in 0..200 {
        let put = (number * 50..number * 50 + 50).map(|number| (key(number), Some(vec![7; 40])));
        let taken = (number * 50..number * 50 + 50).filter_map(|number| number.checked_sub(100));
        let mut batch: Vec<Set> = taken.map(|number| (key(number), None)).chain(put).collect();
        batch.sort();
        merge(&tree, &batch).unwrap();
    }
    assert_eq!(all(&tree, &[], END, Direction::Forward).len(), 100);
    assert!(tree.inner().len() < 10, "{} pages", tree.inner().len());
}

/// Readers beside a writer that splits pages see every entry that is there all the time, once and in order.
#[test]
fn a_range_neither_repeats_nor_skips_while_pages_are_split() {
    let (tree, done) = (tree(), AtomicBool::new(false));
    let steady: Vec<Set> = (0..2000).map(|n| (format!("k-{n:05}").into_bytes(), Some(vec![1; 30]))).collect();
    merge(&tree, &steady).unwrap();
    std::thread::scope(|scope| {
        for direction in [Direction::Forward, Direction::Backward] {
            let (tree, done, steady) = (&tree, &done, &steady);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let mut found = all(tree, &[], END, direction);
                    if direction == Direction::Backward {
                        found.reverse();
                    }
                    assert!(found.is_sorted_by(|a, b| a.0 < b.0), "in order, each once");
                    let found = found.iter().filter(|(key, _)| key.len() == 7).map(|(key, _)| key);
                    assert!(found.eq(steady.iter().map(|(key, _)| key)), "nothing is skipped");
                }
            });
        }
        let (tree, done, steady) = (&tree, &done, &steady);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                for (key, value) in steady {
                    assert_eq!(get(tree, key).unwrap().as_deref(), value.as_deref(), "by its key");
                    assert_eq!(last_at(tree, key).unwrap().unwrap().0, *key, "and as the last one");
                }
            }
        });
        for round in 0..30_u32 {
            let extra = (0..2000).step_by(7).map(|n| format!("k-{n:05}-{round}").into_bytes());
            let extra: Vec<_> = extra.map(|key| (key, Some(vec![2; 50]))).collect();
            merge(tree, &extra).unwrap();
            if round % 3 == 2 {
                let mut gone: Vec<Set> = Vec::new();
                for round in round - 2..=round {
                    gone.extend((0..2000).step_by(7).map(|n| (format!("k-{n:05}-{round}").into_bytes(), None)));
                }
                gone.sort();
                merge(tree, &gone).unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// A split that was cut short leaves entries in the lower page that the upper ones hold too. They do not come back when
/// the upper pages are emptied.
#[test]
fn what_a_cut_split_left_over_does_not_come_back() {
    let tree = tree();
    let put = |n: u32| (format!("k-{n:05}").into_bytes(), Some(vec![1; PAGE_BYTES / 60]));
    merge(&tree, &(0..40).map(put).collect::<Vec<_>>()).unwrap();
    assert_eq!(tree.inner().len(), 1);
    let more: Vec<_> = (40..60).map(put).collect();
    WRITES.set(2);
    assert!(merge(&tree, &more).is_err());
    WRITES.set(usize::MAX);
    assert_eq!(tree.inner().len(), 3, "the upper pages are there, the lower one is not shortened yet");
    merge(&tree, &more).unwrap();
    // Those of the upper pages alone: the lower page is not written again for any of them.
    let upper = tree.inner().iter().keys().nth(1).unwrap().unwrap();
    let (left, gone): (Vec<_>, Vec<_>) = (0..60).map(|n| put(n).0).partition(|key| *key.as_slice() < *name(&upper));
    merge(&tree, &gone.into_iter().map(|key| (key, None)).collect::<Vec<_>>()).unwrap();
    assert_eq!(tree.inner().len(), 1, "the upper pages are removed");
    let found: Vec<_> = all(&tree, &[], END, Direction::Forward).into_iter().map(|(key, _)| key).collect();
    assert_eq!(found, left);
}

/// The key of a row by a number, as an index over rows has it.
fn by_number(number: i64, row: u64) -> Vec<u8> {
    let sorted = (number ^ i64::MIN).to_be_bytes();
    [b"stock:available\0".as_slice(), &sorted, format!("{row:05}").as_bytes()].concat()
}

/// Where sled splits a node between -1 and 0, the upper one begins with the first bytes of 0 alone. Whether it does depends on
/// how many there are of each.
#[test]
fn what_is_before_a_key_is_found_where_numbers_fall_below_zero() {
    let page = vec![7; PAGE_BYTES];
    for count in 60..90 {
        let tree = tree();
        for (number, count) in [(-1, count), (0, 40)] {
            for row in 0..count {
                tree.insert(sled_key(&by_number(number, row)), page.as_slice()).unwrap();
            }
        }
        for row in 0..39 {
            tree.remove(sled_key(&by_number(0, row))).unwrap();
            let before = page_before(&tree, &sled_key(&by_number(0, row + 1))).unwrap().unwrap();
            assert_eq!(*name(&before.0), by_number(-1, count - 1));
        }
    }
}
