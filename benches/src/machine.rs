//! Facts about the machine, without which a rate means little: cores, load, file system, and what a sync costs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How many writes are synced to learn what a sync costs. A debug build is tried, not measured.
const SYNCS: u64 = if cfg!(debug_assertions) { 50 } else { 200 };
/// The size of each such write.
const WRITE_BYTES: usize = 4096;

/// The machine a run was made on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// Cores this process may use.
    pub cores: usize,
    /// The processor's name, as the kernel tells it.
    pub processor: String,
    /// The kernel's release.
    pub kernel: String,
    /// Type of the file system that holds the data folder.
    pub file_system: String,
    /// Load average of the last minute, before the run: what else the machine was doing. `NaN` when it is not known.
    #[serde(deserialize_with = "number_or_nothing")]
    pub load_before: f64,
    /// What overwriting 4 KiB and `fdatasync` takes in the data folder's file system.
    pub sync: Sync,
}

/// Latency of a synced write.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Sync {
    /// The median, in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile, in milliseconds.
    pub p99_ms: f64,
}

impl Machine {
    /// Looks at the machine; `folder` is where the data folders will be.
    pub fn look(folder: &Path) -> io::Result<Self> {
        let unknown = || "unknown".to_owned();
        let load = fs::read_to_string("/proc/loadavg")?;
        let first = load.split_whitespace().next().and_then(|first| first.parse().ok());
        Ok(Self {
            cores: thread::available_parallelism()?.get(),
            processor: processor().unwrap_or_else(unknown),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            file_system: file_system(folder).unwrap_or_else(unknown),
            load_before: first.unwrap_or(f64::NAN),
            sync: measure_sync(folder)?,
        })
    }
}

/// JSON has no `NaN`; what is not known is `null` there.
fn number_or_nothing<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The type of the innermost mount that contains the folder.
fn file_system(folder: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let containing = mounts.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    containing.max_by_key(|(length, _)| *length).map(|(_, kind)| kind.to_owned())
}

/// A file whose blocks are allocated already, as those of a journal in use, and what a synced write to it takes.
#[derive(Debug)]
pub(crate) struct SyncProbe(tempfile::NamedTempFile);

impl SyncProbe {
    pub(crate) fn new_in(folder: &Path) -> io::Result<Self> {
        let probe = tempfile::NamedTempFile::new_in(folder)?;
        for place in 0..SYNCS {
            probe.as_file().write_all_at(&[1; WRITE_BYTES], place * WRITE_BYTES as u64)?;
        }
        probe.as_file().sync_all()?;
        Ok(Self(probe))
    }

    /// Overwrites 4 KiB and syncs; the place depends on the number.
    pub(crate) fn take(&self, number: u64) -> io::Result<Duration> {
        let file: &File = self.0.as_file();
        let start = Instant::now();
        file.write_all_at(&[2; WRITE_BYTES], number % SYNCS * WRITE_BYTES as u64)?;
        file.sync_data()?;
        Ok(start.elapsed())
    }
}

/// How long overwriting 4 KiB and `fdatasync` takes in that folder, time after time.
pub(crate) fn sync_times(folder: &Path) -> io::Result<Vec<Duration>> {
    let probe = SyncProbe::new_in(folder)?;
    (0..SYNCS).map(|number| probe.take(number)).collect()
}

fn measure_sync(folder: &Path) -> io::Result<Sync> {
    let mut taken = sync_times(folder)?;
    taken.sort_unstable();
    Ok(Sync { p50_ms: at_percent(&taken, 50), p99_ms: at_percent(&taken, 99) })
}

fn at_percent(sorted: &[Duration], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).map_or(f64::NAN, |taken| taken.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::look(folder.path()).unwrap();
        assert!(machine.cores > 0 && machine.load_before >= 0.0, "{machine:?}");
        assert!(machine.sync.p50_ms > 0.0 && machine.sync.p50_ms <= machine.sync.p99_ms);
        assert_ne!(machine.file_system, "unknown");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the probe is removed");
    }
}
