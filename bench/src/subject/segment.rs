//! Where the yardstick's bytes go.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, Write},
    path::Path,
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
};

const SEGMENT_BYTES: usize = 32 << 20;
static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

/// How a log gets its space on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// One file that grows: each sync writes its new length too.
    Growing,
    /// Segments that another thread fills with zeros, one ahead: a sync writes data alone, but each byte is written twice.
    Preallocated,
}

/// The file that is written, and where the next one comes from.
pub(super) struct Segments {
    file: File,
    /// What is left in `file`; a growing one has no end.
    room_bytes: usize,
    /// Segments that are ready; nothing for a growing log.
    ready: Option<Receiver<io::Result<File>>>,
}

impl Segments {
    pub(super) fn open(folder: &Path, space: Space) -> io::Result<Self> {
        match space {
            Space::Growing => {
                let file = create(folder, 0)?;
                sync_folder(folder)?;
                Ok(Self { file, room_bytes: usize::MAX, ready: None })
            }
            Space::Preallocated => {
                let file = fill(folder, 0)?;
                // The channel holds nothing: the filler is one segment ahead, never two.
                let (filled, ready) = mpsc::sync_channel(0);
                let folder = folder.to_owned();
                thread::Builder::new()
                    .name("yardstick filler".to_owned())
                    .spawn(move || fill_ahead(&folder, &filled))?;
                Ok(Self { file, room_bytes: SEGMENT_BYTES, ready: Some(ready) })
            }
        }
    }

    /// Writes a group and syncs it.
    pub(super) fn write(&mut self, group: &[u8]) -> io::Result<()> {
        if let Some(ready) = self.ready.as_ref().filter(|_| group.len() > self.room_bytes) {
            self.file = ready.recv().map_err(io::Error::other)??;
            self.room_bytes = SEGMENT_BYTES;
        }
        self.room_bytes = self.room_bytes.saturating_sub(group.len());
        self.file.write_all(group)?;
        self.file.sync_data()
    }
}

/// Ends when the log is gone.
fn fill_ahead(folder: &Path, filled: &SyncSender<io::Result<File>>) {
    for number in 1.. {
        if filled.send(fill(folder, number)).is_err() {
            return;
        }
    }
}

fn fill(folder: &Path, number: u32) -> io::Result<File> {
    let mut file = create(folder, number)?;
    for _ in 0..SEGMENT_BYTES / ZEROS.len() {
        file.write_all(&ZEROS)?;
    }
    file.sync_all()?;
    sync_folder(folder)?;
    file.rewind()?;
    Ok(file)
}

fn create(folder: &Path, number: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(folder.join(format!("{number}.log")))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file, and needs no sync of its own.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_segment_is_followed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut segments = Segments::open(folder.path(), Space::Preallocated).unwrap();
        let group = vec![7; SEGMENT_BYTES / 2 + 1];
        segments.write(&group).unwrap();
        segments.write(&group).unwrap();

        for number in 0..2 {
            let written = std::fs::read(folder.path().join(format!("{number}.log"))).unwrap();
            assert_eq!(written.len(), SEGMENT_BYTES);
            assert_eq!(written.iter().filter(|byte| **byte == 7).count(), group.len());
        }
    }
}
