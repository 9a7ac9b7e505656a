//! What a power cut may leave of a store that is being loaded is completed, with everything that was saved (T3; F5).
//!
//! `ANNALS_SEED` names the first load, `ANNALS_SOAK_LOAD_IMAGES` how many images are made, fifty of each load.
#![allow(clippy::print_stderr, reason = "it says how to repeat what went wrong")]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use annals_conformance::soak;
use annals_core::{Commit, NameKey, RowWrite, Store, StoredCommit};
use annals_store_sled::{Loader, OpenError, SledOptions, SledStore};

use crate::support::{
    assert_index_agrees, copy_folder,
    faults::folder,
    mixed,
    power_cut::{Recorder, Recording},
    stored,
    workload::Random,
};

const COMMITS: usize = 40;
const IMAGES: u64 = 50;

/// Every other load prepares its segments ahead.
fn options(path: &Path, seed: u64) -> SledOptions {
    let options = SledOptions::new(path).segment_bytes(4096 + seed % 3 * 5000).index_batch_entries(8);
    if seed.is_multiple_of(2) { options.prepared_segments() } else { options }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// What is loaded.
struct Source {
    commits: Vec<StoredCommit>,
    key: NameKey,
}

impl Source {
    fn new(path: &Path) -> Self {
        let store = SledStore::open(SledOptions::new(path)).unwrap();
        block_on(async {
            for number in 0..COMMITS {
                store.commit(mixed(number)).await.unwrap();
            }
            store.commit(Commit::new().row(RowWrite::close(&"s-3".parse().unwrap()))).await.unwrap();
            store.shut_down().await;
        });
        Self { commits: stored(path), key: NameKey::random().unwrap() }
    }
}

/// A load to its end, or from what an image holds to its end, with everything that it did to its files.
struct Load {
    store: PathBuf,
    recording: Recording,
    seed: u64,
    /// When it began, and with how many commits.
    begin: (u64, usize),
    /// When each step was saved, and with how many commits.
    saved: Vec<(u64, usize)>,
    finished: u64,
    /// What the folder of the index was like at each close.
    closed: Vec<PathBuf>,
}

/// What the images have reached, so that the test cannot come to test nothing.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    images: u64,
    resumed: u64,
    finished: u64,
    again: u64,
}

impl Load {
    /// Loads what is missing in `store`. It saves now and then, and is sometimes closed and begun anew.
    fn run(source: &Source, store: &Path, seed: u64, recorder: &Arc<Recorder>, random: &mut Random) -> Self {
        let open = || Loader::open(options(store, seed).observer(recorder.clone())).unwrap();
        let (mut saved, mut closed) = (Vec::new(), Vec::new());
        let close = |closed: &mut Vec<PathBuf>| {
            let copy = store.with_extension(format!("closed-{}", closed.len()));
            copy_folder(&store.join("index"), &copy);
            closed.push(copy);
        };
        let start = recorder.moment();
        let mut loader = open();
        let begin = (start, at(&loader));
        loader.set_name_key(&source.key).unwrap();
        let mut next = begin.1;
        while next < source.commits.len() {
            let until = source.commits.len().min(next + 1 + random.below(6) as usize);
            for commit in &source.commits[next..until] {
                loader.load(commit.recorded, commit.to_commit()).unwrap();
            }
            next = until;
            if random.one_in(2) {
                loader.save(next.to_string()).unwrap();
                saved.push((recorder.moment(), next));
            }
            if random.one_in(12) {
                drop(loader);
                if store.join("clean").exists() {
                    close(&mut closed);
                }
                loader = open();
                next = at(&loader);
                assert_eq!(next, saved.last().map_or(begin.1, |(_, number)| *number));
            }
        }
        loader.finish().unwrap();
        let finished = recorder.moment();
        close(&mut closed);
        Self { store: store.to_owned(), recording: recorder.recording(), seed, begin, saved, finished, closed }
    }

    /// Makes an image of some moment behind the beginning, and checks it. `depth` power cuts more may follow.
    fn check(&self, source: &Source, random: &mut Random, image: &Path, depth: u64, seen: &mut Seen) {
        // The hardest moments are those at which a sync has not come back, or something was just promised.
        let syncs: Vec<_> = self.recording.syncs().into_iter().filter(|sync| *sync > self.begin.0).collect();
        let until = match random.below(5) {
            0 => self.begin.0 + random.below(self.recording.end() + 1 - self.begin.0),
            1 | 2 if !syncs.is_empty() => syncs[random.below(syncs.len() as u64) as usize],
            3 => self.finished,
            _ if self.saved.is_empty() => self.finished,
            _ => self.saved[random.below(self.saved.len() as u64) as usize].0,
        };
        self.recording.image(&self.store, until, random, image);
        self.leave_index(until, random, image);
        if image.join("lock").exists() {
            fs::write(image.join("lock"), "another boot").unwrap();
        }
        seen.images += 1;
        // Nothing that is not complete is opened as a store.
        match SledStore::open(options(image, self.seed).existing()) {
            Ok(store) => {
                seen.finished += 1;
                block_on(store.shut_down());
                drop(store);
            }
            Err(OpenError::Unfinished { .. } | OpenError::NotAStore { .. }) if until < self.finished => {
                seen.resumed += 1;
                self.resume(source, until, random, image, depth, seen);
            }
            Err(error) => panic!("{error}"),
        }
        self.check_whole(source, image);
    }

    /// The index as it was at the last close, if the image has been closed; else none, or that of some close.
    fn leave_index(&self, until: u64, random: &mut Random, image: &Path) {
        let closes = self.recording.closes(&self.store, until);
        let index = if image.join("clean").exists() {
            assert!(!self.recording.index_was_opened(&self.store, until), "an index that is believed may be torn");
            closes.checked_sub(1)
        } else {
            closes.checked_sub(1).filter(|_| image.join("log").exists() && random.one_in(2))
        };
        if let Some(copy) = index.and_then(|index| self.closed.get(index)) {
            copy_folder(copy, &image.join("index"));
        }
    }

    fn resume(&self, source: &Source, until: u64, random: &mut Random, image: &Path, depth: u64, seen: &mut Seen) {
        let recorder = Arc::new(if image.exists() { Recorder::over(image) } else { Recorder::new(None) });
        let again = Self::run(source, image, self.seed, &recorder, random);
        let saved = self.saved.iter().filter(|(moment, _)| *moment <= until);
        let least = saved.map(|(_, number)| *number).next_back().unwrap_or(self.begin.1);
        let steps: Vec<_> = [self.begin.1].into_iter().chain(self.saved.iter().map(|(_, number)| *number)).collect();
        let found = again.begin.1;
        assert!(
            found >= least && steps.contains(&found),
            "{found} commits were there, {least} were saved of {steps:?}"
        );
        if depth > 0 {
            seen.again += 1;
            again.check(source, random, &image.with_extension("again"), depth - 1, seen);
        }
    }

    fn check_whole(&self, source: &Source, image: &Path) {
        assert_eq!(stored(image), source.commits);
        let store = SledStore::open(options(image, self.seed).existing()).unwrap();
        block_on(async {
            assert_index_agrees(&store).await;
            assert_eq!(store.name_key(false).await.unwrap().as_ref(), Some(&source.key));
            store.shut_down().await;
        });
        drop(store);
        fs::remove_dir_all(image).unwrap();
    }
}

/// How many commits are in, which is what the value that was saved with them says.
fn at(loader: &Loader) -> usize {
    let progress = loader.progress();
    let number = progress.commit.get() as usize;
    assert_eq!(progress.value, if number == 0 { String::new() } else { number.to_string() });
    number
}

fn check_load(source: &Source, seed: u64, images: u64, forgets: Option<&'static str>) -> Seen {
    let folder = folder();
    let recorder = Arc::new(Recorder::new(forgets.map(|name| (name, None))));
    let store = folder.path().join("store");
    let load = Load::run(source, &store, seed, &recorder, &mut Random(seed));
    let mut seen = Seen::default();
    for number in 0..images {
        let mut random = Random(seed << 32 ^ number);
        load.check(source, &mut random, &folder.path().join(format!("image-{number}")), 1, &mut seen);
    }
    seen
}

#[test]
fn whatever_a_power_cut_leaves_of_a_load_is_completed_with_everything_that_was_saved() {
    let first = soak::seed("power cuts of loads") % (1 << 32);
    let loads = soak::size("ANNALS_SOAK_LOAD_IMAGES", 200).div_ceil(IMAGES);
    let folder = tempfile::tempdir().unwrap();
    let source = Source::new(&folder.path().join("source"));
    let mut all = Seen::default();
    for seed in first..first + loads {
        let seen = catch_unwind(AssertUnwindSafe(|| check_load(&source, seed, IMAGES, None))).unwrap_or_else(|panic| {
            eprintln!("repeat with ANNALS_SEED={seed} ANNALS_SOAK_LOAD_IMAGES={IMAGES}");
            std::panic::resume_unwind(panic)
        });
        for (sum, more) in [
            (&mut all.images, seen.images),
            (&mut all.resumed, seen.resumed),
            (&mut all.finished, seen.finished),
            (&mut all.again, seen.again),
        ] {
            *sum += more;
        }
    }
    soak::report(&format!(
        "load_images={} load_images_resumed={} load_images_cut_again={} lost=0",
        all.images, all.resumed, all.again
    ));
    if loads >= 4 {
        let is_varied = all.resumed >= 40 && all.finished >= 40 && all.again >= 40;
        assert!(is_varied, "the images have become harmless: {all:?}");
    }
}

/// Planted bugs: the images catch a loader that leaves out one kind of its syncs.
#[test]
fn a_sync_of_a_load_that_is_left_out_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::new(&folder.path().join("source"));
    for name in ["unfinished.sync_all", "unfinished.sync_folder", "log.sync", "name key.sync_all"] {
        let is_caught = (1..5)
            .any(|seed| catch_unwind(AssertUnwindSafe(|| check_load(&source, seed, IMAGES, Some(name)))).is_err());
        assert!(is_caught, "without {name} nothing goes wrong");
    }
}
