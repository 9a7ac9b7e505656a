//! Archives: whatever happens on the way, a store becomes the same store again, or an error is said.

use std::{fs, path::Path};

use annals_store_sled::{
    ArchiveError, Export, ExportError, Import, ImportError, LoaderError, OpenError, SledOptions, SledStore,
};

use super::store::{commits, store};

fn export(store: &Path) -> Vec<u8> {
    let mut archive = Vec::new();
    let report = Export::new(store).write(&mut archive, Path::new("memory")).unwrap();
    assert_eq!(report.bytes, archive.len() as u64);
    archive
}

fn import(archive: &[u8], to: &Path) -> Result<annals_store_sled::ImportReport, ImportError> {
    Import::new(to).save_every(7).read(archive)
}

/// The same ids, numbers, positions, times, rows and keys; an archive of the new store is the same to the byte.
#[tokio::test]
async fn a_round_trip_is_byte_equal() {
    let from = store(60, 50).await;
    let archive = export(from.path());
    let to = from.path().join("imported");
    let report = import(&archive, &to).unwrap();
    assert_eq!((report.through.commit.get(), report.through.position.get(), report.resumed_behind), (61, 120, None));
    assert_eq!(commits(&to), commits(from.path()));
    assert_eq!(export(&to), archive);
    assert_eq!(fs::read(to.join("names.key")).unwrap(), fs::read(from.path().join("names.key")).unwrap());
    let opened = SledStore::open(SledOptions::new(&to)).unwrap();
    assert!(opened.report().was_closed && opened.report().rebuilt.is_none());
}

/// What a kill has left of an archive is gone on with, wherever it was cut, and whatever stands there.
#[tokio::test]
async fn an_export_goes_on_where_it_was_cut() {
    let from = store(20, 50).await;
    let archive = export(from.path());
    let [path, unfinished] = ["bank.archive", "bank.archive.unfinished"].map(|name| from.path().join(name));
    let mut resumed = 0;
    for length in (0..archive.len()).step_by(97) {
        let mut cut = archive[..length].to_vec();
        if length.is_multiple_of(2) {
            cut.extend_from_slice(b"torn");
        }
        fs::write(&unfinished, cut).unwrap();
        let report = Export::new(from.path()).to_file(&path).unwrap();
        resumed = resumed.max(report.resumed_behind.unwrap_or_default().get());
        assert!(fs::read(&path).unwrap() == archive, "cut at {length}");
        assert!(!unfinished.exists());
        fs::remove_file(&path).unwrap();
    }
    assert!(resumed > 15, "the last was taken up behind commit {resumed}");
}

#[tokio::test]
async fn an_export_is_not_mixed_with_that_of_another_store() {
    let [one, other] = [store(20, 50).await, store(20, 50).await];
    let path = one.path().join("bank.archive");
    let archive = export(one.path());
    fs::write(one.path().join("bank.archive.unfinished"), &archive[..archive.len() / 2]).unwrap();
    assert!(matches!(Export::new(other.path()).to_file(&path), Err(ExportError::OtherStore { .. })));
    Export::new(one.path()).to_file(&path).unwrap();
    assert!(matches!(Export::new(one.path()).to_file(&path), Err(ExportError::Occupied { .. })));
}

/// An archive that ends too early is taken in as far as it goes, and gone on with.
#[tokio::test]
async fn an_import_goes_on_where_it_was_cut() {
    let from = store(40, 50).await;
    let archive = export(from.path());
    let to = from.path().join("imported");
    for length in [0, 20, 60, archive.len() / 3, archive.len() / 2, archive.len() - 1] {
        let error = import(&archive[..length], &to).unwrap_err();
        let is_expected = matches!(
            error,
            ImportError::Archive(
                ArchiveError::Truncated { .. } | ArchiveError::NotAnArchive | ArchiveError::Damaged { .. }
            )
        );
        assert!(is_expected, "{length}: {error}");
        assert!(!to.join("clean").exists() || to.join("unfinished").exists());
    }
    let report = import(&archive, &to).unwrap();
    assert!(report.resumed_behind.unwrap().get() >= 35, "{report:?}");
    assert_eq!(export(&to), archive);
}

/// P10: no archive with a damaged byte is taken for a whole one.
#[tokio::test]
async fn every_damaged_byte_of_an_archive_is_found() {
    let from = store(6, 50).await;
    let archive = export(from.path());
    for at in (0..archive.len()).step_by(5) {
        let mut damaged = archive.clone();
        damaged[at] ^= 4;
        let to = from.path().join(format!("imported-{at}"));
        let error = import(&damaged, &to).unwrap_err();
        assert!(matches!(error, ImportError::Archive(_)), "byte {at}: {error}");
    }
    let longer = [&archive[..], b"x"].concat();
    assert!(matches!(
        import(&longer, &from.path().join("longer")),
        Err(ImportError::Archive(ArchiveError::Damaged { .. }))
    ));
}

#[tokio::test]
async fn an_import_goes_into_an_empty_folder_or_its_own() {
    let [one, other] = [store(40, 50).await, store(40, 50).await];
    let [archive, another] = [export(one.path()), export(other.path())];
    let error = import(&archive, other.path()).unwrap_err();
    assert!(matches!(error, ImportError::Target(LoaderError::Occupied { .. })), "{error}");
    let to = one.path().join("imported");
    import(&archive[..archive.len() - 1], &to).unwrap_err();
    assert!(matches!(SledStore::open(SledOptions::new(&to)), Err(OpenError::Unfinished { .. })));
    assert!(matches!(import(&another, &to), Err(ImportError::OtherArchive { .. })));
    import(&archive, &to).unwrap();
}
