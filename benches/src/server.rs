//! The measured server: a child process on a fresh data folder.
//!
//! Nothing of it stays behind: a server that is dropped is killed and its folder removed. Its stderr goes to a file
//! beside the data folder, and the end of that file is part of every error, so a server that dies says why.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::usage::{self, Disk, Memory};

/// How long a server may take to be ready on an empty folder.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to drain: twice the ten seconds it promises, so that a late drain is seen as such.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// How long a killed server is waited for, so that its folder is removed only when nobody writes to it any more.
const KILLED_WITHIN: Duration = Duration::from_secs(2);
/// How much of its stderr an error quotes.
const QUOTE_BYTES: usize = 4000;

/// Which program to start, and how.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The server's binary.
    pub program: PathBuf,
    /// Arguments before the server's own; a wrapper needs them, the server does not.
    pub leading: Vec<OsString>,
    /// The folder in which fresh data folders are made; without one, the system's temporary folder.
    pub scratch: PathBuf,
    /// A file with the market; the built-in talentshare without one.
    pub market: Option<PathBuf>,
    /// The payment service; the sandbox without one.
    pub payment_url: Option<String>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pid: u32,
    address: SocketAddr,
    folder: TempDir,
    data: PathBuf,
}

/// How a server ended.
#[derive(Debug, Clone, Copy)]
pub struct Stopped {
    /// Its exit status.
    pub status: ExitStatus,
    /// From SIGTERM to its end.
    pub drained_in: Duration,
    /// What it left on disk.
    pub disk: Disk,
}

/// Why a server could not be started, looked at or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The program could not be run.
    #[error("cannot run {program}: {source}")]
    Spawn {
        /// Which one.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended, or closed its stdout, without saying where it listens.
    #[error("the server ended before it was ready; its stderr ends:\n{0}")]
    NotReady(String),
    /// It was silent for too long.
    #[error("the server was not ready within {READY_WITHIN:?}; its stderr ends:\n{0}")]
    Slow(String),
    /// It had ended before it was asked to.
    #[error("the server ended before SIGTERM; its stderr ends:\n{0}")]
    Gone(String),
    /// It did not end when asked to.
    #[error("the server did not end within {STOP_WITHIN:?} of SIGTERM; its stderr ends:\n{0}")]
    Unstoppable(String),
    /// A file or a figure of it could not be read.
    #[error("cannot look at the server: {0}")]
    Io(#[from] io::Error),
}

impl Launch {
    /// Launches a server binary on data folders in the system's temporary folder.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            leading: Vec::new(),
            scratch: std::env::temp_dir(),
            market: None,
            payment_url: None,
        }
    }

    /// Starts the server on a fresh folder and waits until it says where it listens.
    pub async fn start(&self) -> Result<Server, ServerError> {
        self.start_in(None).await
    }

    /// Starts the server on this data folder, which stays, and waits until it says where it listens.
    pub async fn start_on(&self, data: &Path) -> Result<Server, ServerError> {
        self.start_in(Some(data)).await
    }

    async fn start_in(&self, kept: Option<&Path>) -> Result<Server, ServerError> {
        let folder =
            tempfile::Builder::new().prefix("surehold-bench-").tempdir_in(&self.scratch)?;
        let data = kept.map_or_else(|| data(folder.path()), Path::to_owned);
        let mut command = self.command(folder.path(), &data)?;
        let mut child = command
            .spawn()
            .map_err(|source| ServerError::Spawn { program: self.program.clone(), source })?;
        let pid = child.id().ok_or_else(|| io::Error::other("a child that never ran"))?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("stdout is not piped"))?;
        let mut lines = BufReader::new(stdout).lines();
        let heard = timeout(READY_WITHIN, find_address(&mut lines)).await;
        if let Ok(Ok(Some(address))) = heard {
            tokio::spawn(drain(lines));
            return Ok(Server { child, pid, address, folder, data });
        }
        end(&mut child);
        let last_words = quote(folder.path());
        Err(match heard {
            Ok(Err(error)) => error.into(),
            Ok(Ok(_)) => ServerError::NotReady(last_words),
            Err(_) => ServerError::Slow(last_words),
        })
    }

    fn command(&self, folder: &Path, data: &Path) -> io::Result<Command> {
        let mut command = Command::new(&self.program);
        command.args(&self.leading).args(["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(data).args(["--admin", "--echo", "--market"]);
        match &self.market {
            Some(file) => command.arg(file),
            None => command.arg("talentshare"),
        };
        if let Some(url) = &self.payment_url {
            command.args(["--payment-url", url]);
        }
        // The shell's own settings for a server must not slip into a measurement.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"SUREHOLD_") {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(folder.join("stderr"))?).kill_on_drop(true);
        Ok(command)
    }
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its resident memory, now and at most.
    pub fn memory(&self) -> io::Result<Memory> {
        usage::memory(self.pid)
    }

    /// The processor time it has used.
    pub fn processor_time(&self) -> io::Result<Duration> {
        usage::processor_time(self.pid)
    }

    /// What its data folder takes.
    pub fn disk(&self) -> io::Result<Disk> {
        usage::disk(&self.data)
    }

    /// How many bytes it has caused to be written to storage.
    pub fn storage_written(&self) -> io::Result<u64> {
        usage::storage_written(self.pid)
    }

    /// The folder in which its data folder lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The end of its stderr.
    #[must_use]
    pub fn last_words(&self) -> String {
        quote(self.folder.path())
    }

    /// Asks it to drain (SIGTERM), waits for its end and removes its folder.
    pub async fn stop(mut self) -> Result<Stopped, ServerError> {
        let asked = Instant::now();
        let pid = self.pid.to_string();
        let kill = Command::new("kill").args(["-TERM", &pid]).status().await?;
        if !kill.success() {
            return Err(ServerError::Gone(self.last_words()));
        }
        let Ok(status) = timeout(STOP_WITHIN, self.child.wait()).await else {
            return Err(ServerError::Unstoppable(self.last_words()));
        };
        Ok(Stopped { status: status?, drained_in: asked.elapsed(), disk: self.disk()? })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Kills a child that still runs, and waits for its end.
pub(crate) fn end(child: &mut Child) {
    // An error means that it has ended already.
    child.start_kill().ok();
    let asked = Instant::now();
    while matches!(child.try_wait(), Ok(None)) && asked.elapsed() < KILLED_WITHIN {
        std::thread::yield_now();
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Reads lines until one names the address.
async fn find_address<R: AsyncRead + Unpin>(
    lines: &mut Lines<BufReader<R>>,
) -> io::Result<Option<SocketAddr>> {
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = parse_address(&line) {
            return Ok(Some(address));
        }
    }
    Ok(None)
}

/// Keeps reading what the server prints, so that it never blocks on a full pipe or fails on a closed one.
pub(crate) async fn drain<R: AsyncRead + Unpin>(mut lines: Lines<BufReader<R>>) {
    while let Ok(Some(_)) = lines.next_line().await {}
}

/// Where a line says that somebody listens.
pub(crate) fn parse_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:[]".contains(c)));
    rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', ':']).parse().ok()
}

/// The end of a server's stderr, as text.
fn quote(folder: &Path) -> String {
    let bytes = fs::read(folder.join("stderr")).unwrap_or_default();
    let start = bytes.len().saturating_sub(QUOTE_BYTES);
    match String::from_utf8_lossy(&bytes[start..]).trim() {
        "" => "(it wrote nothing)".to_owned(),
        words => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_any_wording() {
        let found = Some("127.0.0.1:4123".parse().unwrap());
        assert_eq!(parse_address("surehold is ready at http://127.0.0.1:4123, data in /d"), found);
        assert_eq!(parse_address("http://127.0.0.1:4123/ (data /d)"), found);
        assert_eq!(parse_address("data /d on http://127.0.0.1:4123."), found);
        assert_eq!(parse_address("running 1 test"), None);
        assert_eq!(parse_address("http://nowhere"), None);
    }
}
