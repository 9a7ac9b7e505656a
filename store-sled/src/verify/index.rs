//! Comparing a store's index with one that is built anew.

use std::{fs, io, path::Path, sync::Arc};

use annals_core::CommitNumber;

use crate::{
    LogReader, OpenError, SledOptions,
    index::Index,
    lock::FolderLock,
    log::{Log, disk::Disk, frame::Standing},
    open::{index_folder, tail},
    overlay::Progress,
};

/// What a comparison of a store's index with one that was built anew has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct IndexVerification {
    /// Up to which commit the index had been written; what is behind was taken in for the comparison, as opening does.
    pub through: CommitNumber,
    /// How many entries were compared.
    pub entries: u64,
    /// How many of them differ, are missing, or should not be there.
    pub differing: u64,
    /// The first ten of them; or why the index cannot be used at all, so that the next opening builds it anew.
    pub differences: Vec<String>,
}

impl IndexVerification {
    /// Whether the index is what follows from the log.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.differing == 0 && self.differences.is_empty()
    }

    fn unusable(reason: impl ToString) -> Self {
        Self { differing: 1, differences: vec![reason.to_string()], ..Self::default() }
    }
}

/// Compares the index of the store in the folder `store` with one that is built anew from its log: every place of every
/// stream and tag, every row of logged tables, every idempotency key, the last positions of all kinds of events, and the
/// filter. Derived tables are not looked at, because only their consumers know what belongs in them.
///
/// The store must not be in use; it is locked meanwhile. Nothing in it is changed: copies are made in the folder `scratch`,
/// which is created and removed, and takes twice as much as the index.
///
/// Blocks, for as long as an index takes to build.
///
/// # Errors
/// [`OpenError`] when the store is in use, its log cannot be read, or there is no room in `scratch`. An index that cannot be
/// read is none.
pub fn verify_index(store: impl AsRef<Path>, scratch: impl AsRef<Path>) -> Result<IndexVerification, OpenError> {
    let (store, scratch) = (store.as_ref(), scratch.as_ref());
    let mut reader = LogReader::open(store)?;
    let _locked = FolderLock::take(&Disk::default(), store)?;
    reader.pass_over(|_| true);
    while reader.find_frame()?.is_some() {}
    let failed = |error| OpenError::io("copying the index to", scratch, &error);
    if scratch.exists() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    if !index_folder(store).exists() {
        return Ok(IndexVerification::unusable("there is no index"));
    }
    let compared = copy(&index_folder(store), &scratch.join("found")).map_err(failed).and_then(|()| {
        let end = reader.standing();
        compare(reader.log(), &end, scratch, SledOptions::new(store).index_batch_entries)
    });
    match fs::remove_dir_all(scratch) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => compared,
    }
}

fn compare(
    log: &Arc<Log>,
    end: &Standing,
    scratch: &Path,
    batch_entries: usize,
) -> Result<IndexVerification, OpenError> {
    let disk = Disk::default();
    let found = match Index::open(&disk, &scratch.join("found")) {
        Ok(found) => found,
        Err(error) => return Ok(IndexVerification::unusable(error)),
    };
    let progress = match found.progress(log.id) {
        Ok(Some(progress)) => progress,
        Ok(None) => return Ok(IndexVerification::unusable("the index belongs to another log")),
        Err(error) => return Ok(IndexVerification::unusable(error)),
    };
    let through = progress.standing.commit;
    let (seen, last) = (found.seen(&progress), end.commit);
    if seen > last {
        let what = format!("the index has seen commit {seen}, but the log ends with commit {last}");
        return Ok(IndexVerification::unusable(what));
    }
    take_in(&found, log, progress, end, batch_entries)?;
    let anew = Index::open(&disk, &scratch.join("anew"))?;
    take_in(&anew, log, Progress::START, end, batch_entries)?;
    Ok(match found.compare(&anew) {
        Ok(compared) => IndexVerification {
            through,
            entries: compared.entries,
            differing: compared.differing,
            differences: compared.differences,
        },
        Err(error) => IndexVerification::unusable(error),
    })
}

/// Takes in all of the log behind `progress`.
fn take_in(
    index: &Index,
    log: &Arc<Log>,
    progress: Progress,
    end: &Standing,
    batch_entries: usize,
) -> Result<(), OpenError> {
    let rest = tail::take_in(log, index, progress, end, batch_entries)?;
    Ok(index.take_in(&rest, log.id)?)
}

/// Copies a folder with what is in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
