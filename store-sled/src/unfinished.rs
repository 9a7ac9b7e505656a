//! The file that marks a store into which not everything was put yet, and how far that has come.

use std::{
    io,
    path::{Path, PathBuf},
};

use annals_core::Corruption;
use bytes::Bytes;

use crate::{
    OpenError,
    log::{disk::Disk, frame::Standing, wire::Cursor},
};

const MAGIC: [u8; 8] = *b"annals.U";

/// How far a load has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    /// Where the log stood. What stands behind is no part of the load.
    pub(crate) standing: Standing,
    /// How many streams it held.
    pub(crate) streams: u64,
    /// What the caller wants to know then.
    pub(crate) value: Bytes,
}

impl Saved {
    /// Before the first commit.
    pub(crate) const NOTHING: Self = Self { standing: Standing::START, streams: 0, value: Bytes::new() };
}

/// The name of the file.
pub(crate) const NAME: &str = "unfinished";

fn path(store: &Path) -> PathBuf {
    store.join(NAME)
}

/// Whether the store is marked.
pub(crate) fn is_there(store: &Path) -> bool {
    path(store).exists()
}

/// How far the load has come, if the store is marked.
pub(crate) fn read(disk: &Disk, store: &Path) -> Result<Option<Saved>, OpenError> {
    let path = path(store);
    let bytes = match disk.open("unfinished", &path).and_then(|file| file.read_all()) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::io("reading", &path, &error)),
    };
    match parse(&bytes) {
        Some(saved) => Ok(Some(saved)),
        None => {
            let what = "how far the load has come cannot be read: remove the folder and begin again".to_owned();
            Err(Corruption { file: path.display().to_string(), offset: 0, what }.into())
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Saved> {
    let mut cursor = Cursor::new(bytes);
    if cursor.array()? != MAGIC {
        return None;
    }
    let checksum = cursor.u32()?;
    let rest = cursor.take_rest();
    if crc32c::crc32c(rest) != checksum {
        return None;
    }
    let mut cursor = Cursor::new(rest);
    let (standing, streams) = (Standing::take(&mut cursor)?, cursor.u64()?);
    Some(Saved { standing, streams, value: Bytes::copy_from_slice(cursor.take_rest()) })
}

/// Marks the store, in place of an earlier mark; it is on disk when this returns.
pub(crate) fn write(disk: &Disk, store: &Path, saved: &Saved) -> io::Result<()> {
    let mut rest = Vec::new();
    saved.standing.encode(&mut rest);
    rest.extend_from_slice(&saved.streams.to_le_bytes());
    rest.extend_from_slice(&saved.value);
    let bytes = [&MAGIC[..], &crc32c::crc32c(&rest).to_le_bytes(), &rest].concat();
    disk.replace("unfinished", &path(store), &bytes)
}

/// Takes the mark away; that is on disk when this returns.
pub(crate) fn remove(disk: &Disk, store: &Path) -> io::Result<()> {
    match disk.remove("unfinished", &path(store)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => disk.sync_folder("unfinished", store),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_comes_back_and_damage_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::default();
        assert_eq!(read(&disk, folder.path()).unwrap(), None);
        let standing = Standing { offset: 700, group: 3, chain: 9, ..Standing::START };
        for saved in [Saved::NOTHING, Saved { standing, streams: 5, value: "as far as this".into() }] {
            write(&disk, folder.path(), &saved).unwrap();
            assert_eq!(read(&disk, folder.path()).unwrap(), Some(saved));
        }
        let whole = std::fs::read(path(folder.path())).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(path(folder.path()), damaged).unwrap();
            assert!(matches!(read(&disk, folder.path()), Err(OpenError::Corrupt(_))), "byte {at}");
        }
        remove(&disk, folder.path()).unwrap();
        assert!(!is_there(folder.path()) && remove(&disk, folder.path()).is_ok());
    }
}
