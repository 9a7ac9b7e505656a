//! Writing past the page cache: the disk takes the pages from where they lie in memory.
//!
//! That halves the work of a small durable write, and a file of zeros does not push what is read out of the cache.

use std::{fs::File, path::Path};

/// What is written past the page cache begins, ends and lies in memory at multiples of this: no disk in use wants more.
pub(crate) const PAGE_BYTES: usize = 4096;

/// What a write waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// That the disk has taken the bytes.
    Taken,
    /// That they are durable, as after a sync of the file's contents.
    Durable,
}

/// Opens a file that is there, to write it past the page cache. `None` where the system has no such writes; a file
/// system that has none says so here or when it is written to.
#[cfg(target_os = "linux")]
pub(crate) fn open(path: &Path, wait: Wait) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let durable = if wait == Wait::Durable { libc::O_DSYNC } else { 0 };
    std::fs::OpenOptions::new().write(true).custom_flags(libc::O_DIRECT | durable).open(path).ok()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn open(_: &Path, _: Wait) -> Option<File> {
    None
}

/// Bytes that begin at a multiple of [`PAGE_BYTES`] in memory.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    memory: Vec<u8>,
}

impl Pages {
    /// The first `length` bytes. More memory is taken if there is too little; then only the first `kept` bytes are
    /// what they were.
    pub(crate) fn first(&mut self, length: usize, kept: usize) -> &mut [u8] {
        if self.memory.len() < length + PAGE_BYTES {
            let mut memory = vec![0; (length + PAGE_BYTES).next_power_of_two()];
            let (from, to) = (begin(&self.memory), begin(&memory));
            if let (Some(from), Some(to)) = (self.memory.get(from..from + kept), memory.get_mut(to..to + kept)) {
                to.copy_from_slice(from);
            }
            self.memory = memory;
        }
        let begin = begin(&self.memory);
        self.memory.get_mut(begin..begin + length).unwrap_or_default()
    }

    /// How much memory they take.
    pub(crate) fn memory(&self) -> usize {
        self.memory.len()
    }
}

fn begin(memory: &[u8]) -> usize {
    memory.as_ptr().align_offset(PAGE_BYTES).min(memory.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_begin_at_a_page_and_keep_what_is_to_be_kept() {
        let mut pages = Pages::default();
        for round in 0..12_u8 {
            let length = 100 << round;
            let bytes = pages.first(length, 100);
            assert_eq!((bytes.len(), bytes.as_ptr().align_offset(PAGE_BYTES)), (length, 0));
            assert!(round == 0 || bytes[..100].iter().all(|byte| *byte == round));
            bytes.fill(round + 1);
        }
    }

    /// P1: the system itself says that a write to such a file returns once it is durable.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_durable_write_is_what_the_system_was_asked_for() {
        use std::os::fd::AsRawFd;

        let file = tempfile::NamedTempFile::new().unwrap();
        for (wait, flag) in [(Wait::Durable, libc::O_DSYNC), (Wait::Taken, 0)] {
            let Some(file) = open(file.path(), wait) else {
                eprintln!("SKIPPED: this file system has no writes past the page cache");
                return;
            };
            let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).unwrap();
            let flags = about.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
            let flags = i32::from_str_radix(flags.trim(), 8).unwrap();
            assert_eq!(flags & (libc::O_DIRECT | libc::O_DSYNC), libc::O_DIRECT | flag, "{about}");
        }
    }
}
