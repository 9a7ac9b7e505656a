//! SIGKILL in the middle of a copy (T1): the same copy, started again, ends as one that was left alone.

use std::{
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use annals_conformance::{random::Random, soak};
use annals_core::Store;
use annals_store_sled::{
    CopyError, CopyTransform, LoaderError, OpenError, SledOptions, SledStore,
    faults::{Call, Effect, Observer},
};

use super::{Folder, small, transformations::Everything};
use crate::support::{
    assert_index_agrees, files, open,
    process::{Running, STORE},
    stored,
};

/// So many copies are killed; each about as often as it takes to end.
const COPIES: u64 = 12;
/// A copy of so few commits is not killed so often.
const KILLS_MAX: u64 = 100;
/// A kill comes within so many microseconds of a mark.
const MOMENT_US: u64 = 3_000;

fn copy(from: &Path, to: &Path) -> CopyTransform<Everything> {
    CopyTransform::new(from, to, Everything::default()).target_options(small).mark_every(7)
}

/// One write each, so that lines stay whole.
pub(crate) fn say(line: &str) {
    io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Does nothing in an ordinary run.
#[test]
fn copies_until_it_is_killed() {
    let Ok(to) = std::env::var(STORE) else { return };
    let to = Path::new(&to);
    say("ready");
    let copied =
        copy(&to.with_file_name("from"), to).progress(|progress| say(&format!("read {}", progress.commit))).run();
    // The kill may have come behind the end.
    if !matches!(copied, Err(CopyError::Target(LoaderError::Occupied { .. }))) {
        copied.unwrap();
    }
    say("ended");
}

/// Kills copies into `to` until one has ended; returns how many were killed.
fn kill_until_it_ends(to: &Path, random: &mut Random) -> u64 {
    let mut kills = 0;
    let mut has_ended = false;
    while !has_ended {
        let mut running = Running::start(to, "copy::kill::copies_until_it_is_killed");
        running.reads("ready");
        let moment = Duration::from_micros(random.below(MOMENT_US));
        running.kill_after(random.below(6), moment, |line| {
            has_ended |= line == "ended";
            line.starts_with("read ")
        });
        if has_ended {
            break;
        }
        kills += 1;
        assert!(kills < KILLS_MAX, "the copy does not come on");
        match SledStore::open(small(SledOptions::new(to)).existing()) {
            // Before it is marked, the folder is as it was found.
            Err(OpenError::Unfinished { .. } | OpenError::NotAStore { .. }) => {}
            Err(error) => panic!("{error}"),
            // It was killed behind the end.
            Ok(store) => {
                assert!(store.head().borrow().commit.get() > 50);
                break;
            }
        }
    }
    kills
}

#[tokio::test]
async fn a_copy_that_is_killed_again_and_again_ends_as_one_that_is_not() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let copies = soak::size("ANNALS_SOAK_COPY_KILLS", COPIES);
    let mut random = Random::new(soak::seed("copy kill"));
    let folder = Folder::with_source().await;
    let before = files(&folder.from);
    let report = copy(&folder.from, &folder.to).run().unwrap();
    let undisturbed = stored(&folder.to);
    let mut kills = 0;
    for number in 0..copies {
        let to = folder.folder.path().join(format!("killed-{number}"));
        kills += kill_until_it_ends(&to, &mut random);
        assert_eq!(stored(&to), undisturbed);
        assert_eq!(files(&folder.from), before);
        let verification = copy(&folder.from, &to).verify().unwrap();
        assert!(verification.is_equal(), "{verification:?}");
        assert_index_agrees(&open(&to)).await;
    }
    soak::report(&format!("copies={copies} copies_killed={kills} lost=0"));
    assert!(kills >= copies, "the kills did not meet work: {kills}");
    // What is reported is of the whole copy, however often it was taken up.
    let to = folder.folder.path().join("taken-up");
    let stopped = copy(&folder.from, &to).target_options(|options| options.observer(StopsAt::mark(4))).run();
    assert!(stopped.is_err());
    let taken_up = copy(&folder.from, &to).run().unwrap();
    assert!(taken_up.resumed_behind.is_some());
    assert_eq!((taken_up.counts, taken_up.streams_written), (report.counts, report.streams_written));
}

/// Lets the progress be saved so many times.
struct StopsAt {
    left: AtomicUsize,
}

impl StopsAt {
    fn mark(number: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(number) })
    }
}

impl Observer for StopsAt {
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        let is_save = call.on == "unfinished" && matches!(call.effect, Effect::Rename { .. });
        if is_save && self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_err() {
            return Err(io::Error::other("no more"));
        }
        make(usize::MAX)
    }
}
