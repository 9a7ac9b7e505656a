//! What a power cut may leave of a store opens again, with every acknowledged commit (T3; F5).
//!
//! `ANNALS_SEED` names the first workload, `ANNALS_SOAK_IMAGES` how many images are made, a hundred of each workload.
#![allow(clippy::print_stderr, reason = "it says how to repeat what went wrong")]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use annals_conformance::soak;
use annals_core::Store;
use annals_store_sled::{SledOptions, SledStore};

use crate::support::{
    copy_folder,
    faults::{assert_rebuilt_index_agrees, folder},
    power_cut::{Recorder, Recording},
    workload::{Fate, Outcome, Random, State, Told, Workload, generation},
};

/// Every other workload prepares its segments ahead.
fn options(path: &Path, seed: u64) -> SledOptions {
    let options = SledOptions::new(path).segment_bytes(4096 + seed % 3 * 5000).index_batch_entries(8);
    if seed.is_multiple_of(2) { options.prepared_segments() } else { options }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A workload that was run once, with everything that it did to its files.
struct Run {
    workload: Workload,
    folder: tempfile::TempDir,
    recording: Recording,
    outcome: Outcome,
    /// When each commit was acknowledged.
    acknowledged: Vec<(u64, u32)>,
    /// What the folder of the index was like, and when.
    copies: Vec<(u64, PathBuf)>,
    /// What it was like at each close.
    closed: Vec<PathBuf>,
}

fn run(seed: u64, forgets: Option<(&'static str, Option<usize>)>) -> Run {
    let folder = folder();
    let workload = Workload { seed, sessions: 3, steps: 4, payload_bytes: 300 + seed % 5 * 300, ..Workload::SMALL };
    let recorder = Arc::new(Recorder::new(forgets));
    let acknowledged = Mutex::new(Vec::new());
    let (copies, closed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let store = folder.path().join("store");
    let copy = |name: String| {
        let path = folder.path().join(name);
        copy_folder(&store.join("index"), &path);
        path
    };
    let told = |told| match told {
        Told::Acknowledged(index) => {
            acknowledged.lock().unwrap().push((recorder.moment(), index));
            if index % 6 == 0 {
                let copy = copy(format!("copy-{index}"));
                copies.lock().unwrap().push((recorder.moment(), copy));
            }
        }
        Told::Closed => {
            let mut closed = closed.lock().unwrap();
            let copy = copy(format!("closed-{}", closed.len()));
            closed.push(copy);
        }
    };
    let outcome = block_on(workload.run(&options(&store, seed).observer(recorder.clone()), told));
    assert_eq!(outcome.errors, [""; 0]);
    let recording = recorder.recording();
    let (acknowledged, copies) = (acknowledged.into_inner().unwrap(), copies.into_inner().unwrap());
    Run { workload, recording, outcome, acknowledged, copies, closed: closed.into_inner().unwrap(), folder }
}

impl Run {
    fn options(&self, path: &Path) -> SledOptions {
        options(path, self.workload.seed)
    }

    /// Makes the image `number`, opens it and checks it.
    fn check(&self, number: u64) {
        let mut random = Random(self.workload.seed << 32 ^ number);
        // The hardest moments are those at which a sync has not come back, or an acknowledgement was just given.
        let syncs = self.recording.syncs();
        let until = match random.below(5) {
            0 => 1 + random.below(self.recording.end()),
            1 | 2 => syncs[random.below(syncs.len() as u64) as usize],
            _ => self.acknowledged[random.below(self.acknowledged.len() as u64) as usize].0,
        };
        let image = self.folder.path().join(format!("image-{number}"));
        let store = self.folder.path().join("store");
        // In place of a power cut, the end of the process: all is there, but what was not synced may still be lost.
        let killed = random.one_in(4).then(|| Arc::new(self.recording.kill(&store, until, &image)));
        if killed.is_none() {
            self.recording.image(&store, until, &mut random, &image);
        }
        let closed = image.join("clean").exists();
        let closes = self.recording.closes(&store, until);
        if closed {
            // Before the marker is written, all of the index is synced; before it is gone, sled writes nothing.
            assert!(
                !self.recording.index_was_opened(&store, until),
                "a power cut now may tear an index that is believed"
            );
            copy_folder(&self.closed[closes - 1], &image.join("index"));
        } else if killed.is_none() && image.join("log").exists() {
            self.leave_index(until, &mut random, &image);
        }
        if image.join("lock").exists() {
            fs::write(image.join("lock"), "another boot").unwrap();
        }
        block_on(self.check_image(
            &image,
            until,
            closes.checked_sub(1).map(|last| &*self.closed[last]),
            killed,
            &mut random,
        ));
        fs::remove_dir_all(image).unwrap();
    }

    /// Puts an older index there, one mixed of two, or none.
    fn leave_index(&self, until: u64, random: &mut Random, image: &Path) {
        let older: Vec<_> = self.copies.iter().filter(|(taken, _)| *taken <= until).map(|(_, copy)| copy).collect();
        if older.is_empty() || random.one_in(3) {
            return;
        }
        let index = image.join("index");
        copy_folder(older[random.below(older.len() as u64) as usize], &index);
        let other = older[random.below(older.len() as u64) as usize];
        for entry in fs::read_dir(other).unwrap().map(Result::unwrap) {
            if entry.path().is_file() && random.one_in(2) {
                fs::copy(entry.path(), index.join(entry.file_name())).unwrap();
            }
        }
    }

    /// `index` is what the index was like when the store was last closed.
    async fn check_image(
        &self,
        image: &Path,
        until: u64,
        index: Option<&Path>,
        killed: Option<Arc<Recorder>>,
        random: &mut Random,
    ) {
        let closed = image.join("clean").exists();
        let is_cut_again = killed.is_some() || random.one_in(4);
        let recorder = killed.or_else(|| image.exists().then(|| Arc::new(Recorder::over(image))));
        let options = recorder.iter().fold(self.options(image), |options, recorder| options.observer(recorder.clone()));
        let begin = recorder.as_ref().map_or(0, |recorder| recorder.moment());
        let store = SledStore::open(options).unwrap();
        let state = State::of(&store).await.unwrap();
        let found = self.workload.commits_of(&state);
        let acknowledged = self.acknowledged_until(until);
        let fate = |index| if acknowledged.contains(&index) { Fate::Acknowledged } else { Fate::Unknown };
        let commits = self.outcome.commits.iter().map(|(index, _)| (*index, fate(*index))).collect();
        Outcome { commits, ..Outcome::default() }.check(&found);
        assert_eq!(store.report().was_closed, closed);
        let (before, _) = self.outcome.applied.unwrap();
        if closed {
            assert_eq!(store.report().rebuilt, None);
        } else {
            // Nothing of the index is believed: that the whole log was walked through proves its chain.
            assert!(found.is_empty() || store.report().rebuilt.is_some());
            assert_ne!(generation(&store).await.unwrap(), before, "derived tables begin again");
        }
        SEEN.torn.fetch_add(u64::from(store.report().torn.is_some()), Ordering::Relaxed);
        SEEN.closed.fetch_add(u64::from(closed), Ordering::Relaxed);
        self.workload.check_keys(&store, &found).await;
        if let Some(recorder) = recorder.filter(|_| is_cut_again && image.exists()) {
            let (found, acknowledged) = (found.len() as u32, acknowledged.len() as u32);
            let opened = Opened { store, image, recorder: &recorder, found, acknowledged, index, begin };
            self.cut_again(opened, random).await;
        }
    }

    /// A power cut while the store is opened and goes on: what was shown is still there.
    async fn cut_again(&self, opened: Opened<'_>, random: &mut Random) {
        let Opened { store, image, recorder, found, acknowledged, index, begin } = opened;
        let shown = recorder.moment();
        let next = found;
        store.commit(self.workload.commit(next)).await.unwrap();
        let committed = recorder.moment();
        store.shut_down().await;
        drop(store);
        let recording = recorder.recording();
        let until = begin + random.below(recording.end() + 1 - begin);
        let second = image.with_extension("again");
        recording.image(image, until, random, &second);
        if second.join("clean").exists() {
            assert!(!recording.index_was_opened(image, until), "a power cut now may tear an index that is believed");
            let closed_again = recording.closes(image, until) > recording.closes(image, begin);
            copy_folder(index.filter(|_| !closed_again).unwrap_or(&image.join("index")), &second.join("index"));
        }
        let store = SledStore::open(self.options(&second)).unwrap();
        let state = State::of(&store).await.unwrap();
        let found = self.workload.commits_of(&state);
        let least = match until {
            _ if until >= committed => next + 1,
            _ if until >= shown => next,
            _ => acknowledged,
        };
        assert!(found.iter().copied().eq(0..found.len() as u32));
        assert!((least..=next + 1).contains(&(found.len() as u32)), "{} commits of {least}", found.len());
        store.shut_down().await;
        drop(store);
        assert_rebuilt_index_agrees(&self.options(&second), &state).await;
        fs::remove_dir_all(second).unwrap();
        SEEN.again.fetch_add(1, Ordering::Relaxed);
    }

    fn acknowledged_until(&self, moment: u64) -> Vec<u32> {
        self.acknowledged.iter().filter(|(given, _)| *given <= moment).map(|(_, commit)| *commit).collect()
    }
}

/// An image that was opened.
struct Opened<'a> {
    store: SledStore,
    image: &'a Path,
    recorder: &'a Recorder,
    /// How many commits it has, and how many of them were acknowledged before the power cut.
    found: u32,
    acknowledged: u32,
    /// What the index was like when the store was last closed.
    index: Option<&'a Path>,
    /// When it was opened.
    begin: u64,
}

/// What the images have reached, so that the test cannot come to test nothing.
struct Seen {
    images: AtomicU64,
    closed: AtomicU64,
    torn: AtomicU64,
    again: AtomicU64,
}

static SEEN: Seen =
    Seen { images: AtomicU64::new(0), closed: AtomicU64::new(0), torn: AtomicU64::new(0), again: AtomicU64::new(0) };

#[test]
fn whatever_a_power_cut_leaves_opens_with_every_acknowledged_commit() {
    let first = soak::seed("power cuts") % (1 << 32);
    let (workloads, images) = (soak::size("ANNALS_SOAK_IMAGES", 2000).div_ceil(100), 100);
    let next = AtomicU64::new(first);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + workloads {
                return;
            }
            let run = run(seed, None);
            for number in 0..images {
                catch_unwind(AssertUnwindSafe(|| run.check(number))).unwrap_or_else(|panic| {
                    eprintln!("image {number}: repeat with ANNALS_SEED={seed} ANNALS_SOAK_IMAGES=100");
                    std::panic::resume_unwind(panic)
                });
                SEEN.images.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let [images_seen, closed, torn, again] =
        [&SEEN.images, &SEEN.closed, &SEEN.torn, &SEEN.again].map(|count| count.load(Ordering::Relaxed));
    soak::report(&format!("images={images_seen} images_torn={torn} images_cut_again={again} lost=0"));
    assert_eq!(images_seen, workloads * images);
    if images_seen >= 2000 {
        assert!(closed >= 20 && torn >= 50 && again >= 200, "the images have become harmless");
    }
}

/// Planted bugs: the images catch a store that leaves out one kind of its syncs, or a single one.
#[test]
fn a_sync_that_is_left_out_is_caught() {
    let is_caught = |seed, name, number| {
        let run = run(seed, Some((name, number)));
        (0..300).any(|image| catch_unwind(AssertUnwindSafe(|| run.check(image))).is_err())
    };
    let kinds =
        ["log.sync", "log.sync_all", "segment.sync_all", "segment.sync_folder", "clean.sync_all", "clean.sync_folder"];
    for name in kinds {
        assert!(is_caught(1, name, None), "without {name} nothing goes wrong");
    }
    assert!(is_caught(2, "prepared.sync_all", None), "without prepared.sync_all nothing goes wrong");
    // Which syncs stand between an acknowledgement and the next sync is a matter of how commits fell into groups.
    assert!((3..10).any(|number| is_caught(1, "log.sync", Some(number))), "no single sync is missed");
}
