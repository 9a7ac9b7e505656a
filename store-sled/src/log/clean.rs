//! The marker of a clean close: exactly where the log ended.

use std::{
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{disk::Disk, frame::Standing, wire::Cursor};

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
pub(crate) fn write(disk: &Disk, store: &Path, log: Uuid, standing: &Standing) -> io::Result<()> {
    let mut rest = log.as_bytes().to_vec();
    standing.encode(&mut rest);
    disk.replace("clean", &path(store), &[&MAGIC[..], &crc32c::crc32c(&rest).to_le_bytes(), &rest].concat())
}

pub(crate) fn read(disk: &Disk, store: &Path, log: Uuid) -> io::Result<LastClose> {
    let bytes = match disk.open("clean", &path(store)) {
        Ok(file) => file.read_all()?,
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
pub(crate) fn remove(disk: &Disk, store: &Path) -> io::Result<()> {
    match disk.remove("clean", &path(store)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => disk.sync_folder("clean", store),
    }
}
