//! How fast the disk makes a write durable.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const WRITES: usize = 15;
const WRITE_BYTES: usize = 1024;

/// What the disk under a store can do.
#[derive(Debug, Clone, Copy)]
pub struct Disk {
    /// How long it takes to make one small write durable: the median of a few.
    pub fsync: Duration,
}

impl Disk {
    /// Writes a small file beside the store a few times, makes each write durable, and removes the file.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn measure(store: &Path) -> io::Result<Self> {
        let probe = Probe::create(store)?;
        let mut times = [Duration::ZERO; WRITES];
        for time in &mut times {
            let begin = Instant::now();
            (&probe.file).write_all(&[0; WRITE_BYTES])?;
            probe.file.sync_data()?;
            *time = begin.elapsed();
        }
        times.sort_unstable();
        Ok(Self { fsync: times.get(WRITES / 2).copied().unwrap_or_default() })
    }

    /// The least time that `commits` take here when `callers` share each fsync.
    #[must_use]
    pub fn least(&self, commits: u64, callers: usize) -> Duration {
        let groups = commits.div_ceil(callers.max(1) as u64);
        self.fsync.saturating_mul(u32::try_from(groups).unwrap_or(u32::MAX))
    }
}

/// A file that is gone when this is.
struct Probe {
    path: PathBuf,
    file: File,
}

impl Probe {
    fn create(store: &Path) -> io::Result<Self> {
        let mut name = store.file_name().unwrap_or_default().to_owned();
        name.push(format!(".probe-{}", std::process::id()));
        let path = store.with_file_name(name);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let file = File::create(&path)?;
        Ok(Self { path, file })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // Left behind it is a stray file of a few kilobytes, and no reason to fail.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measuring_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        Disk::measure(&folder.path().join("bank.annals")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn callers_share_an_fsync() {
        let disk = Disk { fsync: Duration::from_millis(10) };
        assert_eq!(disk.least(50_000, 64), Duration::from_millis(7_820));
        assert_eq!(disk.least(3, 1), Duration::from_millis(30));
    }
}
