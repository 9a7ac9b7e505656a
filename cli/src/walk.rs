//! Reading a store's log from the command line.

use std::path::{Path, PathBuf};

use annals_core::StoredCommit;
use annals_store_sled::LogReader;

use crate::{error::CliError, progress::Progress};

/// Shows how far it is behind so many commits.
const COMMITS_TOLD: u64 = 1_000;

/// Gives the commits of a store's log in their order, and shows how far it is.
pub(crate) struct Walk {
    store: PathBuf,
    reader: LogReader,
    progress: Progress,
    given: u64,
}

impl Walk {
    /// Opens the log of `store`.
    pub(crate) fn open(store: &Path) -> Result<Self, CliError> {
        let reader = LogReader::open(store).map_err(|error| CliError::opening(store, error))?;
        let progress = Progress::begin("reading");
        Ok(Self { store: store.to_owned(), reader, progress, given: 0 })
    }

    /// The same without showing how far it is.
    pub(crate) fn silent(store: &Path) -> Result<Self, CliError> {
        Ok(Self { progress: Progress::silent(), ..Self::open(store)? })
    }

    /// What reads it, to pass over parts.
    pub(crate) fn reader(&mut self) -> &mut LogReader {
        &mut self.reader
    }

    /// The next commit, if there is one by now.
    pub(crate) fn next(&mut self) -> Result<Option<StoredCommit>, CliError> {
        self.given += 1;
        if self.given.is_multiple_of(COMMITS_TOLD)
            && let Ok(progress) = self.reader.progress()
        {
            self.progress.reach(progress.bytes, progress.of_bytes);
        }
        let next = self.reader.next().transpose();
        next.map_err(|error| CliError::reading(&self.store, error))
    }
}
