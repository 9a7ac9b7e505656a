//! Backups: a whole store at every moment, whatever is written meanwhile and wherever copying ends; restores that replace
//! nothing by what is damaged.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::SystemTime,
};

use annals_core::Store;
use annals_store_sled::{
    Backup, BackupError, BackupReport, OpenError, Restore, RestoreError, SledOptions, SledStore, Verify,
};

use super::store::{commit, commits, options, segments, store};

fn backup(from: &Path, to: &Path) -> BackupReport {
    Backup::new(from, to).run().unwrap()
}

async fn add(store: &Path, numbers: std::ops::Range<u64>) {
    let store = SledStore::open(options(store, 50)).unwrap();
    for number in numbers {
        // The stream that is closed takes no more.
        let _ = store.commit(commit(number)).await;
    }
    store.shut_down().await;
}

fn files(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let entries = segments(folder).into_iter().map(|path| {
        let changed = path.metadata().unwrap().modified().unwrap();
        (path.clone(), (fs::read(&path).unwrap(), changed))
    });
    entries.collect()
}

#[tokio::test]
async fn a_backup_is_the_same_store_and_grows_by_what_is_new() {
    let from = store(40, 50).await;
    let to = from.path().join("backup");
    let first = backup(from.path(), &to);
    assert_eq!((first.through.commit.get(), first.behind.commit.get(), first.segments), (41, 0, first.segments_copied));
    assert_eq!(commits(&to), commits(from.path()));
    assert_eq!(fs::read(to.join("names.key")).unwrap(), fs::read(from.path().join("names.key")).unwrap());
    assert!(Verify::new(&to).run().unwrap().is_whole());
    let before = files(&to);
    let same = backup(from.path(), &to);
    assert_eq!((same.segments_copied, same.bytes_copied, same.behind), (0, 0, first.through));
    add(from.path(), 41..80).await;
    let second = backup(from.path(), &to);
    assert_eq!(second.behind, first.through);
    assert!(second.segments_copied < second.segments && second.through.commit > first.through.commit, "{second:?}");
    assert_eq!(commits(&to), commits(from.path()));
    let after = files(&to);
    let mut full = before.iter().take(before.len() - 1);
    assert!(full.all(|(path, file)| after[path] == *file), "a full file was touched again");
    let opened = SledStore::open(SledOptions::new(&to)).unwrap();
    assert!(opened.report().was_closed && opened.report().head == second.through);
}

/// While somebody writes as fast as he can, each backup is a whole store: the first commits, none torn.
#[test]
fn backups_of_a_store_in_use_are_whole() {
    let from = tempfile::tempdir().unwrap();
    let to = from.path().join("backup");
    let store = SledStore::open(options(from.path(), 50)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            runtime.block_on(async {
                for number in 1.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    // Some carry idempotency keys and rows.
                    store.commit(commit(number)).await.unwrap();
                }
            });
        });
        let mut last = 0;
        for _ in 0..20 {
            let report = backup(from.path(), &to);
            let held = commits(&to);
            assert_eq!(held.len() as u64, report.through.commit.get());
            assert!(held.len() >= last);
            // What is being written is no damage.
            assert_eq!(Verify::new(from.path()).run().unwrap().damages, []);
            last = held.len();
            assert!(Verify::new(&to).run().unwrap().is_whole());
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let all = commits(from.path());
    let held = commits(&to);
    assert_eq!(held[..], all[..held.len()]);
}

/// Copying that was cut short, at the marker, in the middle of the last file or behind it, is gone on with.
#[tokio::test]
async fn a_backup_that_was_cut_short_is_completed() {
    let from = store(40, 50).await;
    let to = from.path().join("backup");
    backup(from.path(), &to);
    add(from.path(), 41..80).await;
    let whole = commits(from.path());
    for removed in 0..3 {
        fs::remove_file(to.join("clean")).unwrap();
        let last = segments(&to).pop().unwrap();
        match removed {
            0 => {}
            1 => {
                let bytes = fs::read(&last).unwrap();
                fs::write(&last, &bytes[..bytes.len() - 30]).unwrap();
            }
            _ => {
                fs::remove_file(&last).unwrap();
                fs::write(last.with_extension("new"), "half of it").unwrap();
            }
        }
        backup(from.path(), &to);
        assert_eq!(commits(&to), whole, "{removed}");
    }
}

#[tokio::test]
async fn a_backup_is_of_one_store_and_never_goes_back() {
    let [one, other] = [store(40, 50).await, store(40, 50).await];
    let to = one.path().join("backup");
    let old = one.path().join("old");
    backup(one.path(), &old);
    add(one.path(), 41..60).await;
    backup(one.path(), &to);
    let run = |from: &Path, to: &Path| Backup::new(from, to).run().unwrap_err();
    assert!(matches!(run(other.path(), &to), BackupError::OtherStore { .. }));
    assert!(matches!(run(&old, &to), BackupError::Diverged { .. }), "the store was put back");
    fs::remove_file(to.join("clean")).unwrap();
    assert!(matches!(run(&old, &to), BackupError::Diverged { .. }), "the store was put back");
    add(&old, 60..61).await;
    assert!(matches!(run(one.path(), &old), BackupError::Diverged { .. }), "the backup was written to");
    fs::create_dir(one.path().join("else")).unwrap();
    fs::write(one.path().join("else/file"), "").unwrap();
    assert!(matches!(run(one.path(), &one.path().join("else")), BackupError::Occupied { .. }));
    let open = SledStore::open(SledOptions::new(&to)).unwrap();
    assert!(matches!(run(one.path(), &to), BackupError::Target(OpenError::InUse { .. })));
    drop(open);
}

#[tokio::test]
async fn a_damaged_store_is_not_backed_up() {
    let from = store(40, 50).await;
    let to = from.path().join("backup");
    let first = segments(from.path()).remove(0);
    let mut bytes = fs::read(&first).unwrap();
    bytes[2_000] ^= 1;
    fs::write(&first, &bytes).unwrap();
    assert!(matches!(Backup::new(from.path(), &to).run(), Err(BackupError::Read(_))));
}

#[tokio::test]
async fn a_restore_replaces_only_what_may_be_replaced_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let from = store(40, 50).await;
    let [saved, to] = ["saved", "bank"].map(|name| folder.path().join(name));
    backup(from.path(), &saved);
    let whole = commits(&saved);
    Restore::new(&saved, &to).run().unwrap();
    assert_eq!(commits(&to), whole);
    add(&to, 41..50).await;
    let newer = commits(&to);
    assert!(matches!(Restore::new(&saved, &to).run(), Err(RestoreError::Occupied { .. })));
    let open = SledStore::open(SledOptions::new(&to)).unwrap();
    let error = Restore::new(&saved, &to).replace().run().unwrap_err();
    assert!(matches!(error, RestoreError::Target(OpenError::InUse { .. })), "{error}");
    drop(open);
    let with_slash = PathBuf::from(format!("{}/", to.display()));
    let report = Restore::new(&saved, with_slash).replace().run().unwrap();
    assert_eq!(report.replaced, Some(folder.path().join("bank.replaced")));
    assert_eq!((commits(&to), commits(report.replaced.as_ref().unwrap())), (whole.clone(), newer));
    assert!(matches!(Restore::new(&saved, &to).replace().run(), Err(RestoreError::Kept { .. })));
    let opened = SledStore::open(SledOptions::new(&to)).unwrap();
    assert!(opened.report().was_closed);
}

/// P10: nothing is replaced by a backup with a damaged byte.
#[tokio::test]
async fn a_damaged_backup_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let from = store(20, 50).await;
    let [saved, to] = ["saved", "bank"].map(|name| folder.path().join(name));
    backup(from.path(), &saved);
    Restore::new(&saved, &to).run().unwrap();
    let whole = commits(&to);
    for path in segments(&saved) {
        let bytes = fs::read(&path).unwrap();
        for at in [30, bytes.len() / 2, bytes.len() - 20] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            let error = Restore::new(&saved, &to).replace().run().unwrap_err();
            assert!(matches!(error, RestoreError::Damaged { .. }), "byte {at}: {error}");
            assert_eq!(commits(&to), whole);
            assert!(!folder.path().join("bank.restoring").exists());
        }
        fs::write(&path, bytes).unwrap();
    }
}
