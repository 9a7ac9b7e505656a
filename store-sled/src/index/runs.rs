//! The idempotency keys: where the commit is that used each of them, in sorted runs.
//!
//! Keys are random mostly: among many others, each goes to another page, and to write a page for each costs more than all the
//! rest of them. So a batch of keys is written as a run, in a file of its own beside those of sled, and sixteen runs of about
//! the same size are merged into one: a key is written once for each sixteenfold of all that came behind it.
//!
//! A file has its name once it is whole, and the name says the keys of which commits it has. One that was merged has no other use
//! than to be removed; which those are is seen from the names. So a batch or a merge may be cut short anywhere, and the keys of
//! commits that are taken in again are there already: however often that is cut short, no more files come of it.
//!
//! Invariant: of a key holds what the newest run says that has it.

mod merged;
mod run;

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use annals_core::Direction;

use self::{
    merged::Merged,
    run::{Run, Writing},
};
use super::{once::Used, pages::malformed};
use crate::log::disk::Disk;

/// So many runs of about the same size become one. A key that exists is looked for in up to as many of each size.
const MERGED: u64 = if cfg!(test) { 3 } else { 16 };

/// Runs of fewer keys are all of the same size: they are merged for little.
const SMALL_KEYS: u64 = if cfg!(test) { 40 } else { 16_384 };

/// The keys that were used.
#[derive(Debug)]
pub(crate) struct Runs {
    disk: Disk,
    folder: PathBuf,
    /// The oldest first. Who reads keeps what it reads in; a file that is removed meanwhile stays until it is closed.
    runs: RwLock<Arc<[Arc<Run>]>>,
}

impl Runs {
    /// Opens the runs in `folder`; removes what is not needed any more.
    pub(crate) fn open(disk: &Disk, folder: &Path) -> sled::Result<Self> {
        let unfinished = unfinished(folder);
        let mut found = Vec::new();
        for path in disk.list("index", folder)? {
            match commits_of(&path) {
                Some(commits) => found.push((commits, path)),
                None if path == unfinished => disk.remove("index", &path)?,
                None => {}
            }
        }
        // Of those that begin alike, the longest is first, and has what the others have.
        found.sort_by_key(|(commits, _)| (*commits.start(), std::cmp::Reverse(*commits.end())));
        let (mut runs, mut last) = (Vec::new(), 0);
        for (commits, path) in found {
            if *commits.end() <= last {
                disk.remove("index", &path)?;
                continue;
            }
            if *commits.start() != last + 1 {
                return Err(malformed(&format!("idempotency keys: a file is missing in front of {}", path.display())));
            }
            last = *commits.end();
            runs.push(Arc::new(Run::open(disk, path, commits)?));
        }
        Ok(Self { disk: disk.clone(), folder: folder.to_owned(), runs: RwLock::new(runs.into()) })
    }

    /// The last commit whose key is there for sure, or a later one that had none.
    pub(crate) fn through(&self) -> u64 {
        self.runs().last().map_or(0, |run| *run.commits.end())
    }

    /// Adds keys that were used or forgotten in commits up to `through`, sorted: of those behind the ones that are there already all
    /// that were, and perhaps of others before. Doing it twice changes nothing. Nobody else may add any meanwhile.
    pub(crate) fn add(&self, keys: &[Used<'_>], through: u64) -> sled::Result<()> {
        let commits = self.through() + 1..=through;
        if !keys.is_empty() && !commits.is_empty() {
            let mut writing = Writing::new(&self.disk, unfinished(&self.folder))?;
            for used in keys {
                writing.add(used.key, used.frame)?;
            }
            let run = writing.finish(self.path(&commits), commits)?;
            self.publish(self.runs().iter().cloned().chain([Arc::new(run)]).collect());
        }
        while self.merge_last()? {}
        Ok(())
    }

    /// What is said of `key`: the log offset of the frame that used it.
    pub(crate) fn get(&self, key: &[u8]) -> sled::Result<Option<u64>> {
        for run in self.runs().iter().rev() {
            if let Some(said) = run.get(key)? {
                return Ok(said);
            }
        }
        Ok(None)
    }

    /// The keys that are used, from `from` on and before `to`, each with its frame.
    pub(crate) fn range(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
    ) -> impl Iterator<Item = sled::Result<(Vec<u8>, u64)>> + use<> {
        let mut merged = Some(Merged::of(&self.runs(), from, to, direction));
        std::iter::from_fn(move || {
            let next = match merged.as_mut()? {
                Ok(merged) => next_used(merged).transpose(),
                Err(_) => merged.take()?.err().map(Err),
            };
            if next.as_ref().is_some_and(Result::is_err) {
                merged = None;
            }
            next
        })
    }

    /// Makes one of the last runs, if there are enough of about the same size; false if not.
    fn merge_last(&self) -> sled::Result<bool> {
        let runs = self.runs();
        let Some(size) = runs.last().map(|run| size_of_run(run.keys)) else { return Ok(false) };
        let others = runs.iter().rposition(|run| size_of_run(run.keys) > size).map_or(0, |larger| larger + 1);
        let (others, alike) = runs.split_at_checked(others).unwrap_or_default();
        let (Some(first), Some(last)) = (alike.first(), alike.last()) else { return Ok(false) };
        if (alike.len() as u64) < MERGED {
            return Ok(false);
        }
        let commits = *first.commits.start()..=*last.commits.end();
        let mut writing = Writing::new(&self.disk, unfinished(&self.folder))?;
        let (mut merged, mut key) = (Merged::of(alike, &[], END, Direction::Forward)?, Vec::new());
        while let Some(said) = merged.take(&mut key)? {
            // What is forgotten must be said as long as an older run may say otherwise.
            if said.is_some() || !others.is_empty() {
                writing.add(&key, said)?;
            }
        }
        let run = writing.finish(self.path(&commits), commits)?;
        self.publish(others.iter().cloned().chain([Arc::new(run)]).collect());
        for run in alike {
            self.disk.remove("index", &run.path)?;
        }
        Ok(true)
    }

    fn runs(&self) -> Arc<[Arc<Run>]> {
        Arc::clone(&self.runs.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn publish(&self, runs: Arc<[Arc<Run>]>) {
        *self.runs.write().unwrap_or_else(PoisonError::into_inner) = runs;
    }

    fn path(&self, commits: &RangeInclusive<u64>) -> PathBuf {
        self.folder.join(format!("{PREFIX}{}-{}", commits.start(), commits.end()))
    }
}

/// Behind all keys.
pub(super) const END: &[u8] = &[u8::MAX];

/// What the names of the files begin with.
const PREFIX: &str = "once-";

/// The name of a file that is not whole yet.
fn unfinished(folder: &Path) -> PathBuf {
    folder.join("once.new")
}

/// The keys of which commits a file has, going by its name; `None` if it is another file.
fn commits_of(path: &Path) -> Option<RangeInclusive<u64>> {
    let (first, last) = path.file_name()?.to_str()?.strip_prefix(PREFIX)?.split_once('-')?;
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// How large a run of so many keys is: the next size has [`MERGED`] times as many.
fn size_of_run(keys: u64) -> u32 {
    (keys / SMALL_KEYS).checked_ilog(MERGED).map_or(0, |size| size + 1)
}

/// The next key that is used.
fn next_used(merged: &mut Merged) -> sled::Result<Option<(Vec<u8>, u64)>> {
    let mut key = Vec::new();
    while let Some(said) = merged.take(&mut key)? {
        if let Some(frame) = said {
            return Ok(Some((key, frame)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        sync::atomic::{AtomicU64, Ordering},
    };

    use proptest::{collection, prelude::*, test_runner::TestCaseError};

    use super::*;
    use crate::index::spend::{Spend, WRITES};

    fn disk() -> Disk {
        Disk { observer: Some(Arc::new(Spend)), ..Disk::default() }
    }

    type Model = BTreeMap<Vec<u8>, Option<u64>>;

    fn add(runs: &Runs, batch: &Model, through: u64) -> sled::Result<()> {
        runs.add(&batch.iter().map(|(key, frame)| Used::of(key, *frame)).collect::<Vec<_>>(), through)
    }

    /// The keys that are used, as they are listed.
    fn listed(runs: &Runs, direction: Direction) -> Vec<(Vec<u8>, u64)> {
        runs.range(b"k", b"l", direction).map(Result::unwrap).collect()
    }

    fn files(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
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
        prop_assert_eq!(backward.filter(|(key, _)| is_wanted(key)).collect::<Vec<_>>(), used.clone());
        let (from, to) = (b"k-0500".to_vec(), b"k-1500~".to_vec());
        let part = used.into_iter().filter(|(key, _)| (&from..&to).contains(&key)).collect::<Vec<_>>();
        for direction in [Direction::Forward, Direction::Backward] {
            let mut found: Vec<_> = runs.range(&from, &to, direction).map(Result::unwrap).collect();
            if direction == Direction::Backward {
                found.reverse();
            }
            found.retain(|(key, _)| is_wanted(key));
            prop_assert_eq!(&found, &part);
        }
        for (key, frame) in model.iter().filter(|(key, _)| is_wanted(key)).step_by(5) {
            prop_assert_eq!(runs.get(key).unwrap(), *frame);
            prop_assert_eq!(runs.get(&[key.as_slice(), b"+"].concat()).unwrap(), None);
        }
        Ok(())
    }

    /// Keys of which some are long, so that blocks have few of them and many.
    fn batch() -> impl Strategy<Value = Model> {
        let key = prop_oneof![9 => 0_u32..2000, 1 => 0_u32..10]
            .prop_map(|number| format!("k-{number:04}{}", "~".repeat(number as usize % 7 * 90)).into_bytes());
        collection::btree_map(key, proptest::option::weighted(0.8, any::<u64>()), 0..100)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

        /// T1: wherever a batch is cut short, what it does not say is as before; taken in again, all is as it says.
        #[test]
        fn runs_are_a_map_also_when_a_batch_is_cut_short(
            batches in collection::vec((batch(), prop_oneof![Just(usize::MAX), 0_usize..40]), 1..40),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (mut runs, mut model) = (Runs::open(&disk(), folder.path()).unwrap(), Model::new());
            for ((batch, writes), through) in batches.into_iter().zip(1..) {
                let mut writes = Some(writes);
                while let Some(most) = writes.take() {
                    WRITES.set(most);
                    let whole = add(&runs, &batch, through * 10).is_ok();
                    WRITES.set(usize::MAX);
                    if !whole {
                        runs = Runs::open(&disk(), folder.path()).unwrap();
                        prop_assert_eq!(files(folder.path()), runs.runs().len(), "what is not needed is removed");
                        prop_assert!(runs.runs().len() < 20, "no more come of it");
                        check(&runs, &model, &batch)?;
                        // One more each time: it comes to an end.
                        writes = Some(most + 1);
                    }
                }
                model.extend(batch);
                check(&runs, &model, &Model::new())?;
            }
            prop_assert_eq!(files(folder.path()), runs.runs().len());
            check(&Runs::open(&disk(), folder.path()).unwrap(), &model, &Model::new())?;
        }
    }

    /// Readers beside a writer find all keys that were added before they began, wherever they are just then.
    #[test]
    fn keys_are_found_and_listed_while_runs_are_merged() {
        const ROUNDS: u64 = 60;
        let folder = tempfile::tempdir().unwrap();
        let (runs, added) = (Runs::open(&disk(), folder.path()).unwrap(), AtomicU64::new(0));
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
                add(&runs, &(0..150).map(|n| (key(n, round), Some(round))).collect(), round + 1).unwrap();
                added.store(round + 1, Ordering::Release);
            }
        });
        assert!(runs.runs().len() < 10, "they were merged");
    }

    /// P10: whatever byte of a run is another one, that is an error, and never another answer.
    #[test]
    fn a_damaged_run_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(&disk(), folder.path()).unwrap();
        let key = |n: u64| format!("k-{n:04}").into_bytes();
        add(&runs, &(0..600).map(|n| (key(n), Some(n * 300))).collect(), 1).unwrap();
        let path = runs.runs()[0].path.clone();
        let whole = std::fs::read(&path).unwrap();
        let answers = |runs: &Runs| (0..600).map(|n| runs.get(&key(n))).collect::<sled::Result<Vec<_>>>();
        let expected = answers(&runs).unwrap();
        for at in (0..whole.len()).step_by(7).chain(whole.len() - 40..whole.len()) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, &damaged).unwrap();
            let found = Runs::open(&Disk::default(), folder.path()).and_then(|runs| answers(&runs));
            let reason = found.expect_err("damage is an error").to_string();
            assert!(reason.contains("once-1-1"), "byte {at}: {reason}");
            let again = Runs::open(&Disk::default(), folder.path());
            assert!(again.map_or(true, |runs| runs.through() == 0), "whoever opens it next knows of it");
        }
        for length in [0, 1, 27, 4096, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            Runs::open(&Disk::default(), folder.path()).expect_err("so is a file that is cut");
        }
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(answers(&Runs::open(&Disk::default(), folder.path()).unwrap()).unwrap(), expected);
    }

    /// P5: a file that is gone is an error, not a key that is new.
    #[test]
    fn a_file_that_is_gone_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(&disk(), folder.path()).unwrap();
        for through in [3, 8] {
            add(&runs, &[(vec![b'k', through], Some(1))].into(), through.into()).unwrap();
        }
        assert_eq!(runs.through(), 8);
        std::fs::remove_file(&runs.runs()[0].path).unwrap();
        let reason = Runs::open(&disk(), folder.path()).unwrap_err().to_string();
        assert!(reason.contains("once-4-8"), "{reason}");
    }
}
