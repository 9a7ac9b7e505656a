//! The file with the key that unique names are hashed with.

use std::{
    io,
    path::{Path, PathBuf},
};

use annals_core::{Corruption, NameKey, ReadError};

use crate::log::{disk::Disk, wire::Cursor};

const MAGIC: [u8; 8] = *b"annals.K";

fn path(store: &Path) -> PathBuf {
    store.join("names.key")
}

/// The key, if there is one.
pub(crate) fn read(disk: &Disk, store: &Path) -> Result<Option<NameKey>, ReadError> {
    let path = path(store);
    let bytes = match disk.open("name key", &path).and_then(|file| file.read_all()) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("reading", &path, &error)),
    };
    match parse(&bytes) {
        Some(key) => Ok(Some(key)),
        None => {
            let what = "it is no key of unique names: restore it from a backup".to_owned();
            Err(Corruption { file: path.display().to_string(), offset: 0, what }.into())
        }
    }
}

fn parse(bytes: &[u8]) -> Option<NameKey> {
    let mut cursor = Cursor::new(bytes);
    if cursor.array()? != MAGIC {
        return None;
    }
    let checksum = cursor.u32()?;
    let key: [u8; 32] = cursor.take_rest().try_into().ok()?;
    (crc32c::crc32c(&key) == checksum).then(|| NameKey::from_bytes(key))
}

/// Writes a key where there is none, or the same again; it is on disk when this returns.
pub(crate) fn write(disk: &Disk, store: &Path, key: &NameKey) -> Result<(), ReadError> {
    let path = path(store);
    let bytes = [&MAGIC[..], &crc32c::crc32c(key.as_bytes()).to_le_bytes(), key.as_bytes()].concat();
    disk.replace("name key", &path, &bytes).map_err(|error| failed("writing", &path, &error))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> ReadError {
    ReadError::Io { what: format!("{what} {}", path.display()), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_and_a_damaged_one_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::default();
        assert_eq!(read(&disk, folder.path()).unwrap(), None);
        let key = NameKey::random().unwrap();
        write(&disk, folder.path(), &key).unwrap();
        assert_eq!(read(&disk, folder.path()).unwrap(), Some(key));
        let whole = std::fs::read(path(folder.path())).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(path(folder.path()), damaged).unwrap();
            let error = read(&disk, folder.path()).unwrap_err();
            assert!(error.to_string().contains("names.key"), "byte {at}: {error}");
        }
        std::fs::write(path(folder.path()), &whole[..20]).unwrap();
        assert!(matches!(read(&disk, folder.path()), Err(ReadError::Corrupt(_))));
    }
}
