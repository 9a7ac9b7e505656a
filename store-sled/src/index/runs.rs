//! The idempotency keys that came last, in sorted runs, before they go among the older ones.
//!
//! Keys are random mostly: among many older ones each goes to another page, and to write a page for a few keys costs more
//! than all the rest of them. So a batch of keys is written as a run, in pages of its own, and what is written again and
//! again is the pages of older keys, for sixteen runs at once.
//!
//! Invariant: of a key holds what the newest run says that has it, else what is among the older ones. Runs are removed only
//! once all that they say is there, the oldest first. So a batch may be cut short anywhere, and be taken in again.

use std::sync::{
    Mutex, PoisonError, RwLock,
    atomic::{AtomicU32, Ordering},
};

use annals_core::Direction;
use sled::IVec;

use super::{
    once::{self, Used, frame_in},
    pages::{self, Change, Draft, Range, malformed},
    tree::Tree,
};

/// So many runs go among the older keys. A key that exists is looked for in all of them.
const RUNS_MAX: u32 = if cfg!(test) { 4 } else { 16 };

/// Batches of fewer keys go to the run before, until together they are so many.
const RUN_KEYS: usize = if cfg!(test) { 50 } else { 16_384 };

/// So many keys at a time go from runs to the older ones.
const MOVED_KEYS: usize = if cfg!(test) { 70 } else { 16_384 };

/// The runs, and the keys that are older than they.
#[derive(Debug)]
pub(crate) struct Runs {
    /// What is in run 3 is kept under the key with a 3 in front.
    tree: Tree,
    /// Among other entries.
    older: Tree,
    count: AtomicU32,
    /// How many keys the newest run has, or more.
    newest_keys: Mutex<usize>,
    /// Held while keys are listed, and while those that have moved are removed: what is listed has moved before or is still
    /// there.
    listed: RwLock<()>,
}

impl Runs {
    /// The runs in `tree`.
    pub(crate) fn open(tree: Tree, older: Tree) -> sled::Result<Self> {
        let last = pages::range(&tree, Vec::new(), END.to_vec(), Direction::Backward).next().transpose()?;
        let count = match last {
            Some((key, _)) => run_of(&key)?.saturating_add(1),
            None => 0,
        };
        let newest_keys = Mutex::new(RUN_KEYS);
        Ok(Self { tree, older, count: AtomicU32::new(count), newest_keys, listed: RwLock::new(()) })
    }

    /// Adds keys that were used or forgotten, sorted. Doing it twice changes nothing.
    pub(crate) fn add(&self, keys: &[Used<'_>]) -> sled::Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut newest_keys = self.newest_keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = self.count.load(Ordering::Acquire);
        if *newest_keys >= RUN_KEYS {
            if count >= RUNS_MAX {
                self.settle()?;
                count = 0;
            }
            (count, *newest_keys) = (count + 1, 0);
        }
        *newest_keys += keys.len();
        let said = |used: &Used<'_>| Said { key: run_key(count.saturating_sub(1), used.key), frame: used.frame };
        pages::merge(&self.tree, &keys.iter().map(said).collect::<Vec<_>>())?;
        self.count.store(count, Ordering::Release);
        Ok(())
    }

    /// What is stored of `key`: the place of its frame.
    pub(crate) fn get(&self, key: &[u8]) -> sled::Result<Option<IVec>> {
        // From here on what moves is found among the older ones.
        for run in (0..self.count.load(Ordering::Acquire)).rev() {
            if let Some(said) = pages::get(&self.tree, &run_key(run, key))? {
                return Ok(Some(said).filter(|said| !said.is_empty()));
            }
        }
        pages::get(&self.older, key)
    }

    /// The entries from `from` on and before `to`, those of the runs over the older ones, which may be entries of any kind.
    pub(crate) fn range(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
    ) -> impl Iterator<Item = sled::Result<(Vec<u8>, IVec)>> + use<'_> {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        let mut merged = self.merged(from, to, direction);
        merged.sources.push(Source::of(pages::range(&self.older, from.to_vec(), to.to_vec(), direction), 0));
        std::iter::from_fn(move || {
            let _held = &listed;
            // Of what is forgotten nothing is stored.
            merged.by_ref().find(|entry| entry.as_ref().map_or(true, |(_, stored)| !stored.is_empty()))
        })
    }

    /// What the runs alone say.
    fn merged(&self, from: &[u8], to: &[u8], direction: Direction) -> Merged {
        let run = |run| {
            let entries = pages::range(&self.tree, run_key(run, from), run_key(run, to), direction);
            Source::of(entries, RUN_BYTES)
        };
        let sources = (0..self.count.load(Ordering::Acquire)).rev().map(run).collect();
        Merged { sources, direction }
    }

    /// Moves what the runs say to the older keys.
    fn settle(&self) -> sled::Result<()> {
        let mut merged = self.merged(&[], END, Direction::Forward);
        loop {
            let keys: Vec<_> = merged.by_ref().take(MOVED_KEYS).collect::<Result<_, _>>()?;
            let used = |(key, stored)| Ok(Used::of(key, frame_in(stored)?));
            let moved = keys.iter().map(|(key, stored)| used((key.as_slice(), stored)));
            pages::merge(&self.older, &moved.collect::<sled::Result<Vec<_>>>()?)?;
            if keys.len() < MOVED_KEYS {
                break;
            }
        }
        let _listed = self.listed.write().unwrap_or_else(PoisonError::into_inner);
        pages::clear(&self.tree)?;
        self.count.store(0, Ordering::Release);
        Ok(())
    }
}

/// What a run says of a key; nothing is stored of one that is forgotten.
struct Said {
    key: Vec<u8>,
    frame: Option<u64>,
}

impl Change for Said {
    fn key(&self) -> &[u8] {
        &self.key
    }

    fn apply(&self, draft: &mut Draft) -> sled::Result<()> {
        if draft.last().is_some_and(|(key, _)| key == self.key) {
            draft.pop();
        }
        once::push(draft, &self.key, self.frame);
        Ok(())
    }
}

/// Behind all keys.
const END: &[u8] = &[u8::MAX];

/// How many bytes stand in front of a key in a run.
const RUN_BYTES: usize = size_of::<u32>();

fn run_key(run: u32, key: &[u8]) -> Vec<u8> {
    [&run.to_be_bytes()[..], key].concat()
}

/// The number of the run that has an entry.
fn run_of(key: &[u8]) -> sled::Result<u32> {
    key.first_chunk().map(|run| u32::from_be_bytes(*run)).ok_or_else(|| malformed("the key of a run"))
}

/// Entries of several sources as one list, each key once, as the first source has it that does.
struct Merged {
    sources: Vec<Source>,
    direction: Direction,
}

/// The entries of a run, or the older ones.
struct Source {
    /// The one that comes next, if it was taken already.
    next: Option<(Vec<u8>, IVec)>,
    rest: Range,
    /// So many bytes stand in front of each key.
    prefix: usize,
    is_begun: bool,
}

impl Source {
    fn of(rest: Range, prefix: usize) -> Self {
        Self { next: None, rest, prefix, is_begun: false }
    }

    fn key(&self) -> Option<&[u8]> {
        self.next.as_ref().map(|(key, _)| key.as_slice())
    }

    /// Takes the entry that comes next.
    fn take(&mut self) -> sled::Result<Option<(Vec<u8>, IVec)>> {
        self.is_begun = true;
        let mut next = self.rest.next().transpose()?;
        if let Some((key, _)) = &mut next {
            key.drain(..self.prefix.min(key.len()));
        }
        Ok(std::mem::replace(&mut self.next, next))
    }
}

impl Merged {
    fn first(&mut self) -> sled::Result<Option<(Vec<u8>, IVec)>> {
        for source in self.sources.iter_mut().filter(|source| !source.is_begun) {
            source.take()?;
        }
        let direction = self.direction;
        let is_before = |one: &[u8], other: &[u8]| match direction {
            Direction::Forward => one < other,
            Direction::Backward => one > other,
        };
        let mut first: Option<&mut Source> = None;
        for source in self.sources.iter_mut().filter(|source| source.next.is_some()) {
            let found = first.as_ref().and_then(|first| first.key());
            if found.zip(source.key()).is_none_or(|(found, key)| is_before(key, found)) {
                first = Some(source);
            }
        }
        let Some(entry) = first.map(Source::take).transpose()?.flatten() else { return Ok(None) };
        for source in
            self.sources.iter_mut().filter(|source| source.next.as_ref().is_some_and(|(key, _)| *key == entry.0))
        {
            source.take()?;
        }
        Ok(Some(entry))
    }
}

impl Iterator for Merged {
    type Item = sled::Result<(Vec<u8>, IVec)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.first().transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        sync::{Arc, atomic::AtomicU64},
    };

    use proptest::{collection, prelude::*, test_runner::TestCaseError};

    use super::*;
    use crate::{
        index::{
            spend::{Spend, WRITES},
            tree::Database,
        },
        log::disk::Disk,
    };

    fn trees() -> (Tree, Tree) {
        let database = Database::temporary(Disk { observer: Some(Arc::new(Spend)), ..Disk::default() });
        (database.tree("once").unwrap(), database.tree("entries").unwrap())
    }

    type Model = BTreeMap<Vec<u8>, Option<u64>>;

    fn add(runs: &Runs, batch: &Model) -> sled::Result<()> {
        runs.add(&batch.iter().map(|(key, frame)| Used::of(key, *frame)).collect::<Vec<_>>())
    }

    /// The keys that are used, as they are listed.
    fn listed(runs: &Runs, direction: Direction) -> Vec<(Vec<u8>, u64)> {
        let entry = |entry: sled::Result<(Vec<u8>, IVec)>| {
            entry.map(|(key, stored)| (key, frame_in(&stored).unwrap().unwrap())).unwrap()
        };
        runs.range(b"k", b"l", direction).map(entry).collect()
    }

    fn check(runs: &Runs, model: &Model, but: &Model) -> Result<(), TestCaseError> {
        let is_wanted = |key: &Vec<u8>| !but.contains_key(key);
        let used = model.iter().filter_map(|(key, frame)| frame.map(|frame| (key.clone(), frame)));
        let used: Vec<_> = used.filter(|(key, _)| is_wanted(key)).collect();
        let mut found = listed(runs, Direction::Forward);
        prop_assert!(found.is_sorted_by(|one, other| one.0 < other.0));
        found.retain(|(key, _)| is_wanted(key));
        prop_assert_eq!(&found, &used);
        let backward = listed(runs, Direction::Backward).into_iter().rev();
        prop_assert_eq!(backward.filter(|(key, _)| is_wanted(key)).collect::<Vec<_>>(), used);
        for (key, frame) in model.iter().filter(|(key, _)| is_wanted(key)).step_by(5) {
            let stored = runs.get(key).unwrap();
            prop_assert_eq!(stored.map(|stored| frame_in(&stored).unwrap().unwrap()), *frame);
        }
        Ok(())
    }

    fn batch() -> impl Strategy<Value = Model> {
        let key =
            prop_oneof![9 => 0_u32..2000, 1 => 0_u32..10].prop_map(|number| format!("k-{number:04}").into_bytes());
        collection::btree_map(key, proptest::option::weighted(0.8, any::<u64>()), 0..100)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

        /// T1: wherever a batch is cut short, what it does not say is as before; taken in again, all is as it says.
        #[test]
        fn runs_are_a_map_also_when_a_batch_is_cut_short(
            batches in collection::vec((batch(), prop_oneof![Just(usize::MAX), 0_usize..20]), 1..40),
        ) {
            let (tree, older) = trees();
            let (mut runs, mut model) = (Runs::open(tree.clone(), older.clone()).unwrap(), Model::new());
            for (batch, writes) in batches {
                WRITES.set(writes);
                let whole = add(&runs, &batch).is_ok();
                WRITES.set(usize::MAX);
                if !whole {
                    runs = Runs::open(tree.clone(), older.clone()).unwrap();
                    check(&runs, &model, &batch)?;
                    add(&runs, &batch).unwrap();
                }
                model.extend(batch);
                check(&runs, &model, &Model::new())?;
            }
        }
    }

    /// Readers beside a writer find all keys that were added before they began, wherever they are just then.
    #[test]
    fn keys_are_found_and_listed_while_they_move() {
        const ROUNDS: u64 = 60;
        let (tree, older) = trees();
        let (runs, added) = (Runs::open(tree, older).unwrap(), AtomicU64::new(0));
        let key = |n: u64, round: u64| format!("k-{n:04}-{round:02}").into_bytes();
        std::thread::scope(|scope| {
            for direction in [Direction::Forward, Direction::Backward] {
                let (runs, added) = (&runs, &added);
                scope.spawn(move || {
                    while added.load(Ordering::Acquire) < ROUNDS {
                        let rounds = added.load(Ordering::Acquire);
                        let found: BTreeSet<_> = listed(runs, direction).into_iter().map(|(key, _)| key).collect();
                        let mut wanted = (0..rounds).flat_map(|round| (0..150).map(move |n| key(n, round)));
                        assert!(wanted.all(|key| found.contains(&key)), "nothing is skipped");
                        assert!((0..rounds).all(|round| runs.get(&key(round, round)).unwrap().is_some()));
                    }
                });
            }
            for round in 0..ROUNDS {
                add(&runs, &(0..150).map(|n| (key(n, round), Some(round))).collect()).unwrap();
                added.store(round + 1, Ordering::Release);
            }
        });
        assert!(runs.count.load(Ordering::Relaxed) <= RUNS_MAX, "they have moved");
    }
}
