//! What cannot be copied, into what, and through what: typed, and nothing half done.

use std::{fs, path::Path, sync::Arc};

use annals_core::{Commit, Fate, ReadError, Record, Store, Timestamp, TransformError, Unchanged};
use annals_store_sled::{CopyError, CopyTransform, Loader, LoaderError, OpenError, SledOptions, SledStore};

use super::{Folder, small, source, transformations::By};
use crate::support::{event, files, mixed, open, segments, stored};

fn unchanged(from: &Path, to: &Path) -> Result<(), CopyError> {
    CopyTransform::new(from, to, Unchanged).target_options(small).mark_every(7).run().map(drop)
}

#[tokio::test]
async fn a_source_that_is_no_store_begins_no_target() {
    let folder = Folder::with_source().await;
    let empty = folder.folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for source in [&empty, &folder.folder.path().join("nowhere")] {
        let error = unchanged(source, &folder.to).unwrap_err();
        assert!(matches!(error, CopyError::Source(OpenError::NotAStore { .. })), "{error}");
    }
    let mut loader = Loader::open(SledOptions::new(&empty)).unwrap();
    loader.load(Timestamp::EPOCH, mixed(0)).unwrap();
    loader.save("mine").unwrap();
    drop(loader);
    let error = unchanged(&empty, &folder.to).unwrap_err();
    assert!(matches!(error, CopyError::Source(OpenError::Unfinished { .. })), "{error}");
    assert!(!folder.to.exists());
    // Nor is it taken for a copy that was begun.
    let error = unchanged(&folder.from, &empty).unwrap_err();
    assert!(matches!(error, CopyError::NoCopy { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_source_ends_the_copy_and_a_restored_one_lets_it_go_on() {
    let folder = Folder::with_source().await;
    let all = stored(&folder.from);
    let damaged = segments(&folder.from)[2].clone();
    let whole = fs::read(&damaged).unwrap();
    let mut bytes = whole.clone();
    bytes[2000] ^= 8;
    fs::write(&damaged, bytes).unwrap();
    let error = unchanged(&folder.from, &folder.to).unwrap_err();
    let CopyError::Read(ReadError::Corrupt(corruption)) = error else { panic!("{error}") };
    assert_eq!(Path::new(&corruption.file), damaged);
    assert!(matches!(SledStore::open(SledOptions::new(&folder.to)), Err(OpenError::Unfinished { .. })));
    fs::write(&damaged, whole).unwrap();
    unchanged(&folder.from, &folder.to).unwrap();
    assert_eq!(stored(&folder.to), all);
}

#[tokio::test]
async fn a_target_that_is_not_empty_is_left_as_it_is() {
    let folder = Folder::with_source().await;
    for target in [&folder.from, &folder.to] {
        if target == &folder.to {
            drop(open(target));
        }
        let before = files(target);
        let error = unchanged(&folder.from, target).unwrap_err();
        assert!(matches!(error, CopyError::Target(LoaderError::Occupied { .. })), "{error}");
        assert_eq!(files(target), before);
    }
    let other = folder.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "dear bank").unwrap();
    let error = unchanged(&folder.from, &other).unwrap_err();
    assert!(matches!(error, CopyError::Target(LoaderError::Open(OpenError::NotAStore { .. }))), "{error}");
    assert_eq!(files(&other).len(), 1);
}

/// Fails at the record with this payload.
fn failing(
    payload: &'static str,
) -> impl Fn(&Record) -> Result<Fate, Box<dyn std::error::Error + Send + Sync>> + Clone + Send {
    move |record| if record.payload() == payload.as_bytes() { Err("no".into()) } else { Ok(Fate::Keep) }
}

#[tokio::test]
async fn a_target_is_completed_by_the_same_copy_alone() {
    let folder = Folder::with_source().await;
    let begin =
        |name, payload| CopyTransform::new(&folder.from, &folder.to, By(name, failing(payload))).mark_every(7).run();
    let error = begin("one", "100").unwrap_err();
    let CopyError::Transform(TransformError::Failed { reason, .. }) = &error else { panic!("{error}") };
    assert_eq!(reason.to_string(), "no");
    let error = begin("two", "nothing").unwrap_err();
    assert_eq!(error.to_string(), "the target was begun by transformation one, expected two");
    let other = folder.folder.path().join("other");
    source(&other).await;
    let error = CopyTransform::new(&other, &folder.to, By("one", failing("nothing"))).run().unwrap_err();
    assert!(matches!(error, CopyError::OtherSource { .. }), "{error}");
    // The same name, but it gives less for what is there already.
    let fewer = By("one", |record: &Record| Ok(if record.payload().len() == 1 { Fate::Drop } else { Fate::Keep }));
    let error = CopyTransform::new(&folder.from, &folder.to, fewer).run().unwrap_err();
    assert!(matches!(error, CopyError::Unrepeatable { .. }), "{error}");

    // What was at fault is away.
    begin("one", "nothing").unwrap();
    assert_eq!(stored(&folder.to), stored(&folder.from));
}

#[tokio::test]
async fn a_source_that_no_longer_holds_what_was_copied_is_told() {
    let folder = Folder::with_source().await;
    let store = open(&folder.from);
    store.commit(Commit::of([event("s-1", "bad")])).await.unwrap();
    store.shut_down().await;
    let earlier = folder.folder.path().join("earlier");
    crate::support::copy_folder(&folder.from, &earlier);
    let store = open(&folder.from);
    for number in 1000..1020 {
        store.commit(Commit::of([event("s-1", &number.to_string())])).await.unwrap();
    }
    store.shut_down().await;
    let copy = |from, payload| CopyTransform::new(from, &folder.to, By("one", failing(payload))).mark_every(1).run();
    copy(&folder.from, "1019").unwrap_err();
    let error = copy(&earlier, "nothing").unwrap_err();
    assert!(matches!(error, CopyError::SourceChanged { .. }), "{error}");
    // As long as it was, but other commits.
    let store = open(&earlier);
    for number in 2000..2020 {
        store.commit(Commit::of([event("s-1", &number.to_string())])).await.unwrap();
    }
    store.shut_down().await;
    let error = copy(&earlier, "nothing").unwrap_err();
    assert!(matches!(error, CopyError::SourceChanged { .. }), "{error}");
}

#[tokio::test]
async fn a_transformation_that_panics_or_breaks_the_rules_is_told_with_its_place() {
    let folder = Folder::with_source().await;
    let panicking =
        By("panics", |record: &Record| if record.payload() == b"40" { panic!("oh") } else { Ok(Fate::Keep) });
    let error = CopyTransform::new(&folder.from, &folder.to, panicking).run().unwrap_err();
    let CopyError::Transform(TransformError::Panicked { message, .. }) = &error else { panic!("{error}") };
    assert_eq!(message, "oh");
    let late = By("late", |record: &Record| {
        // The stream is closed before it ends.
        let event = record.to_event();
        Ok(if record.payload() == b"of a tenant" {
            Fate::Change(annals_core::NewEvent { stream: "s-3".parse()?, ..event })
        } else {
            Fate::Keep
        })
    });
    let to = folder.folder.path().join("late");
    let error = CopyTransform::new(&folder.from, &to, late).run().unwrap_err();
    let text = error.to_string();
    assert_eq!(text, "commit 125 was not loaded: stream s-3 is closed, no more events can be appended");
    assert!(matches!(SledStore::open(SledOptions::new(&to)), Err(OpenError::Unfinished { .. })));
}

/// The calls that fail are those of the target; the source has none that writes.
#[tokio::test]
async fn a_disk_that_fails_leaves_an_unfinished_target_that_goes_on() {
    let folder = Folder::with_source().await;
    let all = stored(&folder.from);
    let mut reached = 0;
    for name in [
        "log.write",
        "segment.create",
        "unfinished.write",
        "unfinished.rename",
        "unfinished.sync_folder",
        "unfinished.remove",
    ] {
        for number in [1, 3] {
            let to = folder.folder.path().join(format!("{name}-{number}"));
            let fault = crate::support::faults::Fault::new(
                Some(name),
                number,
                crate::support::faults::Moment::Before,
                crate::support::faults::Failure::Once(std::io::ErrorKind::StorageFull),
            );
            let fault = Arc::new(fault);
            let observed = Arc::clone(&fault);
            let copied = CopyTransform::new(&folder.from, &to, Unchanged)
                .target_options(|options| small(options).observer(observed))
                .mark_every(7)
                .run();
            if fault.was_reached() {
                reached += 1;
                assert!(copied.is_err(), "{name} {number}");
                unchanged(&folder.from, &to).unwrap();
            }
            assert_eq!(stored(&to), all, "{name} {number}");
        }
    }
    assert!(reached > 8, "{reached}");
}
