//! What the figures depend on: the machine, a process's memory, a folder's space.

use std::{fs, io, path::Path, process::Command};

/// The machine and what the program was built with, in one line.
pub(crate) fn line() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = value_of("/proc/cpuinfo", "model name").unwrap_or_default();
    let memory = value_of("/proc/meminfo", "MemTotal").and_then(|total| kibibytes(&total)).unwrap_or(f64::NAN);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let output = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let rustc = output("rustc", "--version").unwrap_or_else(|| "rustc unknown".to_owned());
    let date = output("date", "--iso-8601=minutes").unwrap_or_default();
    let gibibytes = memory / f64::from(1 << 20);
    format!(
        "{date}, {cores} cores ({cpu}), {gibibytes:.0} GiB of memory, {} {}, {rustc}",
        std::env::consts::OS,
        kernel.trim()
    )
}

/// The memory of this process in MB, now and at its highest; no number where the system does not say.
pub(crate) fn memory_mb() -> (f64, f64) {
    let field = |name| {
        let kibibytes = value_of("/proc/self/status", name).and_then(|value| kibibytes(&value));
        kibibytes.map_or(f64::NAN, |kibibytes| kibibytes * 1024.0 / 1e6)
    };
    (field("VmRSS"), field("VmHWM"))
}

/// The value behind `name:` in a file of such lines.
fn value_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

fn kibibytes(value: &str) -> Option<f64> {
    value.strip_suffix("kB")?.trim().parse().ok()
}

/// The bytes that a folder takes on the disk.
pub(crate) fn disk_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { disk_bytes(&entry.path())? } else { allocated(&metadata) };
    }
    Ok(bytes)
}

#[cfg(unix)]
fn allocated(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn allocated(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}

/// Copies a folder with all that is in it, and waits until it is on disk: whoever opens the copy and syncs a file of it would wait for
/// that.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            fs::File::open(&target)?.sync_all()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_copied_and_measured_with_all_below() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("below")).unwrap();
        fs::write(from.join("below/file"), vec![7; 100_000]).unwrap();
        copy_folder(&from, &to).unwrap();
        assert_eq!(fs::read(to.join("below/file")).unwrap().len(), 100_000);
        let bytes = disk_bytes(&from).unwrap();
        assert!((100_000..200_000).contains(&bytes), "{bytes}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_memory_of_this_process_is_known() {
        let (now, highest) = memory_mb();
        assert!(now > 0.1 && highest >= now, "{now} {highest}");
    }
}
