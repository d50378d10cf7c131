//! What a process and a folder use: memory and processor time from `/proc`, bytes from the file system.
//!
//! Linux only, as the figures of this product are. A figure that cannot be read is an error, not a zero.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

/// The kernel reports processor time in ticks of `USER_HZ`, which is 100 on every Linux a program can see.
const TICK: Duration = Duration::from_millis(10);
/// `st_blocks` counts in these, whatever the file system's own block size is.
const BLOCK_BYTES: u64 = 512;

/// Resident memory of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Now (`VmRSS`).
    pub resident_bytes: u64,
    /// The most so far (`VmHWM`).
    pub peak_bytes: u64,
}

/// Size of a folder, with everything below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// The sum of the files' lengths; holes count.
    pub apparent_bytes: u64,
    /// What the file system has allocated to them; holes do not count.
    pub allocated_bytes: u64,
}

/// Reads the resident memory of a process.
pub fn memory(pid: u32) -> io::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = |name| field_kib(&status, name).ok_or_else(|| unreadable(name));
    Ok(Memory { resident_bytes: kib("VmRSS:")? * 1024, peak_bytes: kib("VmHWM:")? * 1024 })
}

/// Reads the processor time (user and system, all threads) that a process has used.
pub fn processor_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = parse_ticks(&stat).ok_or_else(|| unreadable("utime"))?;
    Ok(TICK * ticks)
}

/// Reads how many bytes a process has caused to be written to storage: each page counts once when it becomes dirty, and
/// again only after it was written back. Storage in memory counts nothing.
pub fn storage_written(pid: u32) -> io::Result<u64> {
    let figures = fs::read_to_string(format!("/proc/{pid}/io"))?;
    let written = figures.lines().find_map(|line| line.strip_prefix("write_bytes:"));
    written.and_then(|bytes| bytes.trim().parse().ok()).ok_or_else(|| unreadable("write_bytes"))
}

/// Adds up a folder. A file that disappears meanwhile (a compaction) counts as nothing.
pub fn disk(folder: &Path) -> io::Result<Disk> {
    let mut total = Disk::default();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if metadata.is_dir() {
                folders.push(entry.path());
                continue;
            }
            total.apparent_bytes += metadata.len();
            total.allocated_bytes += metadata.blocks() * BLOCK_BYTES;
        }
    }
    Ok(total)
}

fn field_kib(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Fields 14 and 15, counted after the command name, which may itself contain blanks and parentheses.
fn parse_ticks(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

fn unreadable(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no {what} in /proc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_memory_and_time_can_be_read() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.resident_bytes > 0 && memory.peak_bytes >= memory.resident_bytes);
        processor_time(std::process::id()).unwrap();
        storage_written(std::process::id()).unwrap();
    }

    #[test]
    fn ticks_are_found_behind_an_awkward_name() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 120 30 0 0 20 0";
        assert_eq!(parse_ticks(stat), Some(150));
        assert_eq!(parse_ticks("7 (a) S 1"), None);
    }

    #[test]
    fn holes_count_only_as_apparent_bytes() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(folder.path().join("deep/solid"), vec![1; 8192]).unwrap();
        let holes = fs::File::create(folder.path().join("holes")).unwrap();
        holes.set_len(1 << 20).unwrap();
        let disk = disk(folder.path()).unwrap();
        assert_eq!(disk.apparent_bytes, (1 << 20) + 8192);
        assert!(disk.allocated_bytes < 1 << 20, "{disk:?}");
    }
}
