//! The marker of a clean close: exactly where the log ended.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{
    frame::Standing,
    segment::{replace_file, sync_folder},
    wire::Cursor,
};

const MAGIC: [u8; 8] = *b"annals.C";

/// What the store's folder says of its last close.
#[derive(Debug, PartialEq)]
pub(crate) enum LastClose {
    /// There is no marker: the store was not closed, or never used.
    Unclean,
    /// The log ended here, and nothing was written since.
    Clean(Standing),
    /// There is a marker that cannot be read, or that belongs to another log.
    Damaged,
}

fn path(store: &Path) -> PathBuf {
    store.join("clean")
}

/// Says that the log ends at `standing` and nothing will be written before the next open.
pub(crate) fn write(store: &Path, log: Uuid, standing: &Standing) -> io::Result<()> {
    let mut rest = log.as_bytes().to_vec();
    standing.encode(&mut rest);
    replace_file(&path(store), &[&MAGIC[..], &crc32c::crc32c(&rest).to_le_bytes(), &rest].concat())
}

pub(crate) fn read(store: &Path, log: Uuid) -> io::Result<LastClose> {
    let bytes = match fs::read(path(store)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LastClose::Unclean),
        Err(error) => return Err(error),
    };
    Ok(parse(&bytes, log).map_or(LastClose::Damaged, LastClose::Clean))
}

fn parse(bytes: &[u8], log: Uuid) -> Option<Standing> {
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
    (Uuid::from_bytes(cursor.array()?) == log).then(|| Standing::take(&mut cursor))?
}

/// Takes the marker away before anything is written.
pub(crate) fn remove(store: &Path) -> io::Result<()> {
    match fs::remove_file(path(store)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => sync_folder(store),
    }
}
