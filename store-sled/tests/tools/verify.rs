//! P10: a check of a store's log finds every damaged byte and says where it is and what it costs; a check of the index finds
//! what does not follow from the log.

use std::{fs, path::Path};

use annals_store_sled::{OpenError, SledOptions, SledStore, Verification, Verify, verify_index};

use super::store::{segments, store};

fn verify(store: &Path) -> Verification {
    Verify::new(store).run().unwrap()
}

#[tokio::test]
async fn a_whole_log_is_counted_through() {
    let folder = store(60, 50).await;
    let found = verify(folder.path());
    assert!(found.is_whole() && found.segments > 2, "{found:?}");
    assert_eq!((found.commits, found.events, found.keys, found.rows), (61, 120, 12, 7));
    assert_eq!((found.head.commit.get(), found.head.position.get(), found.confirmed.get()), (61, 120, 61));
    let bytes: u64 = segments(folder.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert_eq!(found.bytes, bytes);
}

/// Every byte of every file, one bit flipped: damage is found in that file, at most so far in front of it as a commit is
/// long, and nothing in front of it is doubted.
#[tokio::test]
async fn every_damaged_byte_is_found_and_named() {
    let folder = store(24, 50).await;
    let whole = verify(folder.path());
    let paths = segments(folder.path());
    assert!(paths.len() > 1);
    for path in &paths {
        let bytes = fs::read(path).unwrap();
        for at in (0..bytes.len()).step_by(13) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            fs::write(path, &damaged).unwrap();
            let said = Verify::new(folder.path()).run();
            fs::write(path, &bytes).unwrap();
            if let (8..12, Err(OpenError::Format { .. })) = (at, &said) {
                continue;
            }
            let found = said.unwrap();
            assert!(!found.is_whole(), "byte {at} of {}", path.display());
            let damage = &found.damages[0];
            assert_eq!(damage.corruption.file, path.display().to_string(), "byte {at}: {damage}");
            assert!(damage.corruption.offset <= at as u64, "byte {at}: {damage}");
            assert!(damage.behind.commit < whole.head.commit, "byte {at}: {damage}");
        }
    }
    assert_eq!(verify(folder.path()), whole);
}

/// Damage in one file says nothing of the others, which are checked as well.
#[tokio::test]
async fn behind_a_damaged_file_the_check_goes_on() {
    let folder = store(60, 50).await;
    let paths = segments(folder.path());
    for path in &paths[..2] {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    let found = verify(folder.path());
    assert_eq!(found.damaged, 2);
    let [first, second] = [&found.damages[0], &found.damages[1]];
    assert!(first.through.unwrap().commit <= second.behind.commit, "{first} {second}");
    let commit = first.commit.unwrap();
    assert_eq!(
        (commit.number, commit.positions.unwrap().0),
        (first.behind.commit.next(), first.behind.position.next())
    );
    assert!(found.commits < 61 && found.head.commit.get() == 61, "{found:?}");
}

#[tokio::test]
async fn a_file_that_is_cut_or_gone_is_found() {
    for index in 0..3 {
        let folder = store(60, 50).await;
        let paths = segments(folder.path());
        let bytes = fs::read(&paths[index]).unwrap();
        fs::write(&paths[index], &bytes[..bytes.len() - 10]).unwrap();
        let found = verify(folder.path());
        assert_eq!(found.damaged, 1, "{found:?}");
        assert!(found.damages[0].corruption.file.contains(&*paths[index].file_name().unwrap().to_string_lossy()));
        fs::remove_file(&paths[index]).unwrap();
        let found = verify(folder.path());
        assert_eq!(found.damaged, 1, "{found:?}");
    }
}

/// Neither the file behind it, whose header cannot be believed, nor anything else says so.
#[tokio::test]
async fn a_file_that_is_cut_in_front_of_a_damaged_one_is_found() {
    let folder = store(60, 50).await;
    let paths = segments(folder.path());
    let bytes = fs::read(&paths[0]).unwrap();
    let last_frame = bytes.windows(4).rposition(|window| window == b"aFRM").unwrap();
    fs::write(&paths[0], &bytes[..last_frame]).unwrap();
    let mut bytes = fs::read(&paths[1]).unwrap();
    bytes[20] ^= 1;
    fs::write(&paths[1], bytes).unwrap();
    let found = verify(folder.path());
    let places: Vec<_> = found.damages.iter().map(|damage| damage.corruption.offset).collect();
    assert_eq!(places, [last_frame as u64, 0]);
}

/// What a writer has not finished, and what a crash has left torn, is no damage.
#[tokio::test]
async fn a_torn_end_of_a_store_that_was_not_closed_is_no_damage() {
    let folder = store(10, 50).await;
    fs::remove_file(folder.path().join("clean")).unwrap();
    let last = segments(folder.path()).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    fs::write(&last, &bytes[..bytes.len() - 5]).unwrap();
    let found = verify(folder.path());
    assert!(found.is_whole() && found.commits == 10, "{found:?}");
}

/// However an index was written, in small parts or built anew at once, it is the same.
#[tokio::test]
async fn a_whole_index_is_what_follows_from_the_log() {
    for (commits, batch_entries) in [(1, 50), (60, 3), (700, 20), (700, 57_000)] {
        let folder = store(commits, batch_entries).await;
        let scratch = folder.path().join("scratch");
        let found = verify_index(folder.path(), &scratch).unwrap();
        assert!(found.is_whole() && found.entries > 5, "{commits} {batch_entries} {found:?}");
        assert!(!scratch.exists());
    }
}

#[tokio::test]
async fn an_index_that_does_not_follow_from_the_log_is_found() {
    let [one, other] = [store(60, 50).await, store(61, 50).await];
    let scratch = one.path().join("scratch");
    fs::rename(one.path().join("index"), one.path().join("mine")).unwrap();
    let found = verify_index(one.path(), &scratch).unwrap();
    assert!(!found.is_whole() && found.differences[0].contains("no index"), "{found:?}");
    fs::rename(other.path().join("index"), one.path().join("index")).unwrap();
    let found = verify_index(one.path(), &scratch).unwrap();
    assert!(!found.is_whole() && found.differences[0].contains("another log"), "{found:?}");
    let open = SledStore::open(SledOptions::new(one.path())).unwrap();
    assert!(matches!(verify_index(one.path(), &scratch), Err(OpenError::InUse { .. })));
    drop(open);
    assert!(verify_index(one.path(), &scratch).unwrap().is_whole());
}
