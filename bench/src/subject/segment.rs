//! Where the yardstick's bytes go.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
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
    /// The same, written past the page cache in whole pages, each write durable: the least that this disk can do.
    Direct,
}

/// The file that is written, and where the next one comes from.
pub(super) struct Segments {
    file: File,
    /// What is written past the page cache, if that is how it is written.
    pages: Option<Pages>,
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
                Ok(Self { file, pages: None, room_bytes: usize::MAX, ready: None })
            }
            Space::Preallocated | Space::Direct => {
                let how = if space == Space::Direct { libc::O_DIRECT | libc::O_DSYNC } else { 0 };
                let file = fill(folder, 0, how)?;
                // The channel holds nothing: the filler is one segment ahead, never two.
                let (filled, ready) = mpsc::sync_channel(0);
                let folder = folder.to_owned();
                thread::Builder::new()
                    .name("yardstick filler".to_owned())
                    .spawn(move || fill_ahead(&folder, how, &filled))?;
                let pages = (space == Space::Direct).then(Pages::default);
                Ok(Self { file, pages, room_bytes: SEGMENT_BYTES, ready: Some(ready) })
            }
        }
    }

    /// Writes a group and syncs it.
    pub(super) fn write(&mut self, group: &[u8]) -> io::Result<()> {
        if let Some(ready) = self.ready.as_ref().filter(|_| group.len() > self.room_bytes) {
            self.file = ready.recv().map_err(io::Error::other)??;
            self.room_bytes = SEGMENT_BYTES;
            self.pages = self.pages.is_some().then(Pages::default);
        }
        self.room_bytes = self.room_bytes.saturating_sub(group.len());
        if let Some(pages) = &mut self.pages {
            return pages.write(&self.file, group);
        }
        self.file.write_all(group)?;
        self.file.sync_data()
    }
}

/// The pages that are written, the last one of the group before in front: it is written again with what follows.
#[derive(Default)]
struct Pages {
    memory: Vec<u8>,
    kept: usize,
    at: u64,
}

const PAGE_BYTES: usize = 4096;

impl Pages {
    fn write(&mut self, file: &File, group: &[u8]) -> io::Result<()> {
        let used = self.kept + group.len();
        let length = used.next_multiple_of(PAGE_BYTES);
        let pages = self.first(length);
        let (taken, behind) = pages.split_at_mut(used);
        taken.split_at_mut(used - group.len()).1.copy_from_slice(group);
        behind.fill(0);
        let full = used - used % PAGE_BYTES;
        let at = self.at;
        let pages = self.first(length);
        file.write_all_at(pages, at)?;
        pages.copy_within(full..used, 0);
        self.kept = used - full;
        self.at += full as u64;
        Ok(())
    }

    /// So many bytes from a page boundary in memory on; those that are kept stay.
    fn first(&mut self, length: usize) -> &mut [u8] {
        let begin = |memory: &[u8]| memory.as_ptr().align_offset(PAGE_BYTES).min(memory.len());
        if self.memory.len() < length + PAGE_BYTES {
            let from = begin(&self.memory);
            let kept = self.memory.get(from..from + self.kept).unwrap_or_default().to_vec();
            self.memory = vec![0; 2 * (length + PAGE_BYTES)];
            let to = begin(&self.memory);
            self.memory.split_at_mut(to).1.split_at_mut(kept.len()).0.copy_from_slice(&kept);
        }
        let begin = begin(&self.memory);
        self.memory.get_mut(begin..begin + length).unwrap_or_default()
    }
}

/// Ends when the log is gone.
fn fill_ahead(folder: &Path, how: i32, filled: &SyncSender<io::Result<File>>) {
    for number in 1.. {
        if filled.send(fill(folder, number, how)).is_err() {
            return;
        }
    }
}

/// A file of zeros, opened with the flags `how`.
fn fill(folder: &Path, number: u32, how: i32) -> io::Result<File> {
    let mut file = create(folder, number)?;
    for _ in 0..SEGMENT_BYTES / ZEROS.len() {
        file.write_all(&ZEROS)?;
    }
    file.sync_all()?;
    sync_folder(folder)?;
    file.rewind()?;
    if how != 0 {
        return OpenOptions::new().write(true).custom_flags(how).open(folder.join(format!("{number}.log")));
    }
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
        for space in [Space::Preallocated, Space::Direct] {
            let folder = folder.path().join(format!("{space:?}"));
            std::fs::create_dir(&folder).unwrap();
            let mut segments = Segments::open(&folder, space).unwrap();
            let group = vec![7; SEGMENT_BYTES / 2 + 1];
            segments.write(&group).unwrap();
            segments.write(&group).unwrap();

            for number in 0..2 {
                let written = std::fs::read(folder.join(format!("{number}.log"))).unwrap();
                assert_eq!(written.len(), SEGMENT_BYTES);
                assert_eq!(written.iter().filter(|byte| **byte == 7).count(), group.len());
            }
        }
    }
}
