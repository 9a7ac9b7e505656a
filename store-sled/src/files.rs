//! What a store consists of, as far as its files say without being read through.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use annals_core::{Head, Timestamp};
use uuid::Uuid;

use crate::{
    LogReader, OpenError,
    log::{Log, clean::LastClose, frame::FORMAT, segment::Segment},
    open::index_folder,
    unfinished,
};

/// The files of a store, looked at without a lock and without reading them through: a store that is in use may be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreFiles {
    /// The format of the log.
    pub format: u32,
    /// The id of the log.
    pub log_id: Uuid,
    /// The files of the log, in their order.
    pub segments: Vec<SegmentFile>,
    /// Whether the store was closed; if not, it is in use, or ended without a close.
    pub is_closed: bool,
    /// Bytes in the files of the index, and of one that was moved aside.
    pub index_bytes: u64,
    /// Bytes that were cut off behind the last whole commit and set aside, at whatever opening.
    pub torn_bytes: u64,
    /// Whether there is a key of unique names.
    pub has_name_key: bool,
}

/// One file of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentFile {
    /// The file.
    pub path: PathBuf,
    /// Where in the log it begins, in bytes.
    pub offset: u64,
    /// How long it is, zeros behind the log's end included.
    pub bytes: u64,
    /// The last commit and position in front of it.
    pub behind: Head,
    /// The recorded time of the last commit in front of it; the epoch, if there is none.
    pub recorded: Timestamp,
}

impl StoreFiles {
    /// Looks at the store in the folder `store`.
    ///
    /// # Errors
    /// [`OpenError`], as for [`LogReader::open`].
    pub fn of(store: impl AsRef<Path>) -> Result<Self, OpenError> {
        let store = store.as_ref();
        let reader = LogReader::open(store)?;
        let segments = reader.log().segments();
        let segments = segments.iter().map(|segment| SegmentFile::of(segment)).collect::<Result<_, _>>()?;
        let size = |folder: PathBuf| size(&folder).map_err(|error| OpenError::io("measuring", &folder, &error));
        let last_close = reader.last_close().map_err(|error| OpenError::io("reading", store, &error))?;
        Ok(Self {
            format: FORMAT,
            log_id: reader.log_id(),
            segments,
            is_closed: matches!(last_close, LastClose::Clean(_)),
            index_bytes: size(index_folder(store))? + size(store.join("index.aside"))?,
            torn_bytes: size(store.join("torn"))?,
            has_name_key: store.join("names.key").exists(),
        })
    }

    /// Bytes in the files of the log.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }
}

impl SegmentFile {
    pub(crate) fn of(segment: &Segment) -> Result<Self, OpenError> {
        let start = segment.start;
        let bytes = segment.file.length().map_err(|error| OpenError::io("reading", &segment.path, &error))?;
        let behind = Head { commit: start.commit, position: start.position };
        Ok(Self { path: segment.path.clone(), offset: start.offset, bytes, behind, recorded: start.recorded })
    }
}

/// Makes sure that the folder `store` holds a log that is complete.
pub(crate) fn check_is_store(store: &Path) -> Result<(), OpenError> {
    if unfinished::is_there(store) {
        return Err(OpenError::Unfinished { path: store.to_owned() });
    }
    let folder = Log::folder(store);
    let reason = match fs::metadata(&folder) {
        Ok(found) if found.is_dir() => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(OpenError::io("reading", &folder, &error));
        }
        _ if store.is_file() => "it is a file",
        _ if !store.exists() => "there is no such folder",
        _ => "it has no folder `log`",
    };
    Err(OpenError::NotAStore { path: store.to_owned(), reason })
}

/// Bytes in the files of a folder and those in it. Files come and go while a store is in use.
fn size(folder: &Path) -> io::Result<u64> {
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let entries = match fs::read_dir(folder) {
        Err(error) if gone(&error) => return Ok(0),
        entries => entries?,
    };
    let mut bytes = 0;
    for entry in entries {
        let entry = entry?;
        bytes += match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path())?,
            Ok(found) => found.len(),
            Err(error) if gone(&error) => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SledOptions, SledStore};

    #[test]
    fn a_store_says_what_it_consists_of_while_it_is_open_and_closed() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(StoreFiles::of(folder.path()), Err(OpenError::NotAStore { .. })));
        let store = SledStore::open(SledOptions::new(folder.path())).unwrap();
        let open = StoreFiles::of(folder.path()).unwrap();
        assert!(!open.is_closed && open.segments.len() == 1 && open.index_bytes > 0);
        drop(store);
        let closed = StoreFiles::of(folder.path()).unwrap();
        assert!(closed.is_closed && closed.torn_bytes == 0 && !closed.has_name_key);
        assert_eq!((closed.log_bytes(), closed.log_id), (80, open.log_id));
    }
}
