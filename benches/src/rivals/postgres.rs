//! A PostgreSQL cluster of our own: made in a fresh folder from the installed programs, reachable only through a socket
//! in that folder, with every answer on disk, and gone at the end.
//!
//! PostgreSQL refuses to run as root; where we are root, it runs as its own user of Debian's package, or as nobody.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::Command;
use tokio_postgres::{Client, Config, NoTls};

use super::RivalError;
use super::processes::{Process, family_time};

/// How to get it.
const MISSING: &str =
    "PostgreSQL is not installed: there is no initdb; on Debian: apt-get install postgresql";
/// The cluster's only user.
pub(super) const USER: &str = "bench";
/// How long it may take to accept connections.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two tries.
const TRY_EVERY: Duration = Duration::from_millis(50);
/// How long a stop may take, with its checkpoint; then it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(15);
/// What makes an answer durable. They are the defaults, and asked for all the same.
const DURABLE: [&str; 3] = ["fsync", "synchronous_commit", "full_page_writes"];
/// The rest is set as one would on a machine for it, with no work that nobody needs: memory for the data, and room so that
/// no checkpoint falls into a leg.
const SETTINGS: [&str; 10] = [
    "listen_addresses=",
    "shared_buffers=512MB",
    "max_connections=100",
    "wal_level=minimal",
    "max_wal_senders=0",
    "wal_buffers=16MB",
    "max_wal_size=8GB",
    "checkpoint_timeout=30min",
    "jit=off",
    "logging_collector=off",
];

/// A running cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    process: Process,
    /// What it says of its version.
    pub(super) version: String,
    /// Its settings as it says them itself, with those that make answers durable first.
    pub(super) settings: Vec<(String, String)>,
    // Last, so that it is removed when nobody writes to it any more.
    folder: TempDir,
}

impl Cluster {
    /// Makes a cluster below `scratch`, starts it, and sees that it keeps what it says.
    pub(super) async fn start(scratch: &Path) -> Result<Self, RivalError> {
        let programs =
            find_programs().await.ok_or_else(|| RivalError::Missing(MISSING.to_owned()))?;
        let folder = tempfile::Builder::new().prefix("surehold-pg-").tempdir_in(scratch)?;
        let user = other_user()?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        let as_user = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(folder.path()).env("LC_ALL", "C").env_remove("PGDATA");
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        make(as_user("initdb"), folder.path()).await?;
        let mut command = as_user("postgres");
        command.arg("-D").arg(data(folder.path())).arg("-k").arg(folder.path());
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        for name in DURABLE {
            command.args(["-c", &format!("{name}=on")]);
        }
        let process = Process::start(command, "postgres", folder.path())?;
        let (version, settings) = (String::new(), Vec::new());
        let mut cluster = Self { process, version, settings, folder };
        cluster.wait().await?;
        cluster.look().await?;
        Ok(cluster)
    }

    /// Waits until it accepts connections.
    async fn wait(&mut self) -> Result<(), RivalError> {
        let deadline = Instant::now() + READY_WITHIN;
        let mut ticks = tokio::time::interval(TRY_EVERY);
        loop {
            ticks.tick().await;
            match self.connect("postgres").await {
                Ok(_) => return Ok(()),
                Err(_) if self.process.has_ended() => {
                    return Err(self.process.failed("it ended before it was ready"));
                }
                Err(error) if Instant::now() > deadline => {
                    return Err(self.process.failed(&format!("it was not ready in time: {error}")));
                }
                Err(_) => {}
            }
        }
    }

    /// Reads its settings; an answer must mean that it is on disk.
    async fn look(&mut self) -> Result<(), RivalError> {
        let client = self.connect("postgres").await?;
        let names = DURABLE.into_iter().chain(["wal_sync_method", "shared_buffers"]);
        for name in names {
            let value: String = client.query_one(&format!("SHOW {name}"), &[]).await?.get(0);
            if DURABLE.contains(&name) && value != "on" {
                return Err(RivalError::Failed(format!("PostgreSQL runs with {name} = {value}")));
            }
            self.settings.push((format!("postgres.{name}"), value));
        }
        self.version = client.query_one("SHOW server_version", &[]).await?.get(0);
        Ok(())
    }

    /// The folder with its socket.
    pub(super) fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// The processor time of all its processes.
    pub(super) fn processor_time(&self) -> io::Result<Duration> {
        family_time(self.process.pid())
    }

    /// Makes an empty database, and has everything before it on disk, so that nobody pays for another's writes.
    pub(super) async fn make_database(&self, name: &str) -> Result<(), RivalError> {
        let client = self.connect("postgres").await?;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        client.batch_execute("CHECKPOINT").await?;
        Ok(())
    }

    async fn connect(&self, database: &str) -> Result<Client, RivalError> {
        let config = config(self.socket(), database);
        let (client, connection) = config.connect(NoTls).await?;
        // It ends with the client.
        tokio::spawn(async move { connection.await.ok() });
        Ok(client)
    }
}

impl Drop for Cluster {
    /// Asks it to stop (SIGINT: now, in good order) and waits; what does not stop is killed.
    fn drop(&mut self) {
        let pid = self.process.pid().to_string();
        let asked = std::process::Command::new("kill").args(["-INT", &pid]).status();
        let deadline = Instant::now() + STOP_WITHIN;
        if asked.is_ok_and(|status| status.success()) {
            while !self.process.has_ended() && Instant::now() < deadline {
                // Nobody else runs on this thread; it looks again in a moment.
                std::thread::park_timeout(TRY_EVERY);
            }
        }
        self.process.end();
    }
}

/// How to connect through the socket in `folder`.
pub(super) fn config(folder: &Path, database: &str) -> Config {
    let mut config = Config::new();
    config.host_path(folder).user(USER).dbname(database);
    config
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

async fn make(mut initdb: Command, folder: &Path) -> Result<(), RivalError> {
    initdb.arg("-D").arg(data(folder));
    initdb.args(["--username", USER, "--auth=trust", "--encoding=UTF8", "--locale=C"]);
    // An empty cluster is worth nothing to a power cut, and its files are many; what follows is synced.
    initdb.arg("--no-sync");
    let output = initdb.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(RivalError::Failed(format!("initdb failed: {said}")))
}

/// The folder with PostgreSQL's programs: where `pg_config` says, where Debian has them (the newest), or on the path.
async fn find_programs() -> Option<PathBuf> {
    let said = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().await;
    let said = said.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let mut places: Vec<PathBuf> = said.into_iter().map(PathBuf::from).collect();
    let entries = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    places.extend(versions.into_iter().map(|(_, folder)| folder.join("bin")));
    places.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    places.into_iter().find(|place| {
        place.is_absolute() && ["initdb", "postgres"].iter().all(|it| place.join(it).is_file())
    })
}

/// Whom it runs as when we are root: user and group.
fn other_user() -> io::Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let found = ids(&users, "postgres").or_else(|| ids(&users, "nobody"));
    found.map(Some).ok_or_else(|| io::Error::other("no user that PostgreSQL could run as"))
}

/// User and group of this name.
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = users.lines().map(|line| line.split(':'));
    let mut fields = fields.find_map(|mut fields| (fields.next()? == name).then_some(fields))?;
    fields.next()?;
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let users = "root:x:0:0:::\nnobody2:x:7:7:::\nnobody:x:65534:65533:::\n";
        assert_eq!(ids(users, "nobody"), Some((65534, 65533)));
        assert_eq!(ids(users, "postgres"), None);
    }
}
