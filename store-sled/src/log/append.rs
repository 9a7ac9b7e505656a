//! Writing behind the end of a file, in whole pages.

use std::{io, path::Path};

use super::{
    direct::{PAGE_BYTES, Pages},
    disk::{Disk, DiskFile},
};

/// Memory for pages beyond this is given back after a large write.
const MEMORY_MAX: usize = 4 << 20;

/// Writes behind the end of a file. The last page that is not full is written again with what follows it, its bytes
/// unchanged; what follows in the last page is zeros.
#[derive(Debug)]
pub(crate) struct Appender {
    file: DiskFile,
    /// Where the page that is not full begins in the file; its first bytes stand in front in `pages`.
    page: u64,
    kept: usize,
    pages: Pages,
}

impl Appender {
    /// Writes from byte `at` of the file on; nothing but zeros stands there.
    pub(crate) fn new(disk: &Disk, path: &Path, at: u64) -> io::Result<Self> {
        let file = disk.open_to_append("log", path)?;
        let kept = usize::try_from(at % PAGE_BYTES as u64).unwrap_or_default();
        let page = at - kept as u64;
        let mut pages = Pages::default();
        let read = file.read_at(pages.first(kept, 0), page)?;
        if read < kept {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends before the log does"));
        }
        Ok(Self { file, page, kept, pages })
    }

    /// Writes `bytes` and at least so many `zeros` behind them, and waits until they are on disk. Returns how many bytes
    /// the file has then at least.
    pub(crate) fn write(&mut self, bytes: &[u8], zeros: usize) -> io::Result<u64> {
        let used = self.kept + bytes.len();
        let length = (used + zeros).next_multiple_of(PAGE_BYTES);
        let pages = self.pages.first(length, self.kept);
        let (taken, behind) = pages.split_at_mut(used);
        taken.split_at_mut(self.kept).1.copy_from_slice(bytes);
        behind.fill(0);
        self.file.write_pages(pages, self.page)?;
        self.file.sync_pages()?;
        let end = self.page + length as u64;
        let full = used - used % PAGE_BYTES;
        pages.copy_within(full..used, 0);
        self.page += full as u64;
        self.kept = used - full;
        self.give_back();
        Ok(end)
    }

    fn give_back(&mut self) {
        if self.pages.memory() > MEMORY_MAX {
            let mut fewer = Pages::default();
            fewer.first(self.kept, 0).copy_from_slice(self.pages.first(self.kept, self.kept));
            self.pages = fewer;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Whatever the sizes, the file holds all bytes one after the other, and zeros behind.
    #[test]
    fn what_is_appended_stands_one_behind_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for begin in [0, 80, 4095, 4096, 5000_usize] {
            let mut expected = vec![7; begin];
            fs::write(&path, &expected).unwrap();
            let mut appender = Appender::new(&Disk::default(), &path, begin as u64).unwrap();
            for (number, length) in [1, 4095, 3, 4096, 20_000, 0, 5 << 20, 400].into_iter().enumerate() {
                let bytes = vec![u8::try_from(number + 1).unwrap(); length];
                expected.extend_from_slice(&bytes);
                let end = appender.write(&bytes, number * 1000).unwrap();
                let found = fs::read(&path).unwrap();
                assert!(found.starts_with(&expected) && found[expected.len()..].iter().all(|byte| *byte == 0));
                assert!(end as usize >= expected.len() + number * 1000 && end as usize <= found.len());
            }
            assert!(appender.pages.memory() <= MEMORY_MAX);
        }
    }

    #[test]
    fn a_file_that_ends_too_early_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, [7; 100]).unwrap();
        let error = Appender::new(&Disk::default(), &path, 101).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
