//! Whether a run's figures are those of a disk: the folder lies on one, a sync takes the time of one, and the device
//! was really told to flush as often as the run's commits need it at least.
//!
//! The kernel counts the flush requests of each block device. Other programs flush too, so the count is only held
//! against the least that is needed: a run that flushed less often cannot have been durable.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::machine::Machine;

/// File systems that keep everything in memory.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];
/// A faster sync than this is no sync: a folder in memory, or a disk that lies.
const SYNC_MS_MIN: f64 = 0.02;
/// The field of a device's `stat` that counts its flushes, from 0.
const FLUSHES: usize = 15;

/// What is known before a run.
pub struct Safety {
    machine: Machine,
    device: Option<PathBuf>,
    before: Option<u64>,
}

/// What became of it.
pub struct Verdict {
    /// What speaks against the figures.
    pub failures: Vec<String>,
    /// What could not be seen.
    pub remarks: Vec<String>,
    /// What was seen, for the settings of the findings.
    pub settings: Vec<(String, String)>,
}

impl Safety {
    /// Looks at the folder and its device, before anything is measured.
    ///
    /// # Errors
    /// The folder cannot be written, or `/proc` cannot be read.
    pub fn before(folder: &Path) -> io::Result<Self> {
        let machine = Machine::look(folder)?;
        let device = device(folder);
        let before = device.as_deref().and_then(flushes);
        Ok(Self { machine, device, before })
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Judges a run that needed at least so many synced commits, one after another.
    #[must_use]
    pub fn after(&self, commits_min: u64) -> Verdict {
        let flushed = self.device.as_deref().and_then(flushes).zip(self.before);
        let flushed = flushed.map(|(now, before)| now.saturating_sub(before));
        self.judge(flushed, commits_min)
    }

    fn judge(&self, flushed: Option<u64>, commits_min: u64) -> Verdict {
        let Machine { file_system, sync, .. } = &self.machine;
        let (mut failures, mut remarks) = (Vec::new(), Vec::new());
        if IN_MEMORY.contains(&file_system.as_str()) {
            failures.push(format!("the data lies in memory ({file_system}): name a --scratch"));
        } else if sync.p50_ms < SYNC_MS_MIN {
            failures.push(format!("a sync takes {:.4} ms: nothing reaches a disk", sync.p50_ms));
        }
        match flushed {
            Some(flushed) if flushed < commits_min => failures.push(format!(
                "the device was flushed {flushed} times, and the commits need {commits_min}"
            )),
            Some(_) => {}
            None => remarks.push("the device does not count its flushes".to_owned()),
        }
        let settings = vec![
            super::setting("durability", "every answer after fdatasync"),
            super::setting("file system", file_system),
            super::setting("commits at least", commits_min),
            super::setting("device flushes", flushed.map_or("?".to_owned(), |it| it.to_string())),
        ];
        Verdict { failures, remarks, settings }
    }
}

/// The kernel's folder about the disk that holds this folder; of a partition, about the whole disk.
fn device(folder: &Path) -> Option<PathBuf> {
    let device = fs::metadata(folder).ok()?.dev();
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & !0xfff);
    let minor = (device & 0xff) | ((device >> 12) & !0xff);
    let place = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    let whole = if place.join("partition").exists() { place.parent()?.to_owned() } else { place };
    Some(whole.join("stat"))
}

/// How often the device was flushed since the machine started.
fn flushes(stat: &Path) -> Option<u64> {
    fs::read_to_string(stat).ok()?.split_whitespace().nth(FLUSHES)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Sync;

    fn verdict(file_system: &str, p50_ms: f64, flushed: Option<u64>) -> (usize, usize) {
        let text = String::new;
        let sync = Sync { p50_ms, p99_ms: p50_ms };
        let (cores, load_before) = (1, 0.0);
        let file_system = file_system.to_owned();
        let machine =
            Machine { cores, processor: text(), kernel: text(), file_system, load_before, sync };
        let verdict = Safety { machine, device: None, before: None }.judge(flushed, 10);
        (verdict.failures.len(), verdict.remarks.len())
    }

    #[test]
    fn only_a_disk_that_was_synced_often_enough_will_do() {
        assert_eq!(verdict("ext4", 0.2, Some(10)), (0, 0));
        assert_eq!(verdict("ext4", 0.2, Some(9)), (1, 0));
        assert_eq!(verdict("ext4", 0.2, None), (0, 1), "not seen is not wrong");
        assert_eq!(verdict("ext4", 0.001, Some(10)), (1, 0));
        assert_eq!(verdict("tmpfs", 0.001, Some(0)), (2, 0));
    }
}
