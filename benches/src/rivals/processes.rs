//! The processes that a rival is made of: started with a log of their own, watched until they say where they listen,
//! and ended when they are dropped. What a killed one would leave behind, its folder, belongs to who started it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::RivalError;
use crate::server::{drain, end, parse_address};

/// How long a process may take to say where it listens.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How much of a log an error quotes.
const QUOTE_BYTES: usize = 2000;
/// The kernel counts processor time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// A process that is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: u32,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it says on stderr goes into a log below `folder`.
    pub(super) fn start(
        mut command: Command,
        name: &str,
        folder: &Path,
    ) -> Result<Self, RivalError> {
        let log = folder.join(format!("{name}.log"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let program = command.as_std().get_program().to_owned();
        let child = command.kill_on_drop(true).spawn().map_err(|error| {
            RivalError::Failed(format!("cannot run {}: {error}", Path::new(&program).display()))
        })?;
        let pid = child.id().ok_or_else(|| io::Error::other("a child that never ran"))?;
        Ok(Self { child, pid, log })
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Reads lines until as many addresses were said as are wanted. Later lines are read and forgotten, so that it
    /// never blocks on a full pipe.
    pub(super) async fn addresses(&mut self, wanted: usize) -> Result<Vec<SocketAddr>, RivalError> {
        let stdout = self.child.stdout.take();
        let stdout = stdout.ok_or_else(|| io::Error::other("stdout is not piped"))?;
        let mut lines = BufReader::new(stdout).lines();
        match timeout(READY_WITHIN, read_addresses(&mut lines, wanted)).await {
            Ok(Ok(found)) if found.len() == wanted => {
                tokio::spawn(drain(lines));
                Ok(found)
            }
            Ok(Ok(_)) => Err(self.failed("it ended before it was ready")),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(self.failed("it was not ready in time")),
        }
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// An error with the end of its log.
    pub(super) fn failed(&self, what: &str) -> RivalError {
        let bytes = fs::read(&self.log).unwrap_or_default();
        let tail = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(QUOTE_BYTES)..]);
        let name = self.log.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        RivalError::Failed(format!("{name}: {what}; its log ends:\n{}", tail.trim()))
    }

    /// Kills it if it still runs, and waits for its end.
    pub(super) fn end(&mut self) {
        end(&mut self.child);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

async fn read_addresses(
    lines: &mut Lines<BufReader<ChildStdout>>,
    wanted: usize,
) -> io::Result<Vec<SocketAddr>> {
    let mut found = Vec::new();
    while found.len() < wanted {
        let Some(line) = lines.next_line().await? else { break };
        found.extend(parse_address(&line));
    }
    Ok(found)
}

/// The processor time of a process and of all that descend from it, those that have ended too: PostgreSQL has a
/// process for each connection.
pub(super) fn family_time(pid: u32) -> io::Result<Duration> {
    let mut children: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    let mut own = None;
    for entry in fs::read_dir("/proc")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        // One that ended since the folder was read has handed its time to its parent.
        let Ok(stat) = fs::read_to_string(format!("/proc/{number}/stat")) else { continue };
        let Some((parent, ticks)) = parse(&stat) else { continue };
        if number == pid {
            own = Some(ticks);
        }
        children.entry(parent).or_default().push((number, ticks));
    }
    let mut total = own.ok_or_else(|| io::Error::other(format!("process {pid} is gone")))?;
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        for (number, ticks) in children.get(&parent).into_iter().flatten() {
            total += ticks;
            open.push(*number);
        }
    }
    Ok(TICK * total)
}

/// The parent, and the time of the process with that of its ended children.
fn parse(stat: &str) -> Option<(u32, u32)> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u32>().ok()).sum();
    Some((parent, ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_children_count() {
        let stat = "7 (a) b (c) S 5 2 3 4 5 6 7 8 9 10 120 30 4 1 20 0";
        assert_eq!(parse(stat), Some((5, 155)));
    }

    #[test]
    fn a_family_has_at_least_its_own_time() {
        let own = crate::usage::processor_time(std::process::id()).unwrap();
        assert!(family_time(std::process::id()).unwrap() >= own);
        assert!(family_time(u32::MAX).is_err());
    }
}
