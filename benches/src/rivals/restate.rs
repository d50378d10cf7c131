//! Restate as one of those that are measured: its server and its SDK from the package registry of Node, installed into a
//! temporary folder, and an endpoint in Node (`rivals/restate/index.mjs`) that carries an order through its steps.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use super::ask::Asking;
use super::processes::{Process, family_time};
use super::{Books, Rival, RivalError};
use crate::workload::Workload;

const PACKAGE: &str = include_str!("../../rivals/restate/package.json");
const ENDPOINT: &str = include_str!("../../rivals/restate/index.mjs");
/// The settings without which an answer would not be on disk; they are the defaults.
const UNSYNCED: [&str; 2] = ["rocksdb-disable-wal-fsync = true", "rocksdb-disable-wal = true"];
/// How long the installation may take.
const INSTALLED_WITHIN: Duration = Duration::from_secs(300);
/// How long the server may take until it takes requests.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long its invocations may take to be at rest.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The installed packages.
#[derive(Debug)]
pub(super) struct Packages {
    server: PathBuf,
    folder: TempDir,
}

/// A running server with its endpoint.
#[derive(Debug)]
pub(super) struct Restate {
    server: Process,
    endpoint: Process,
    ingress: SocketAddr,
    admin: SocketAddr,
    charges: SocketAddr,
    units: u64,
    // Last, so that it is removed when nobody writes to it any more.
    _folder: TempDir,
}

impl Packages {
    /// Installs them below `scratch`.
    pub(super) async fn install(scratch: &Path) -> Result<Self, RivalError> {
        let missing = |why: &str| {
            let how = "on Debian: apt-get install npm, with access to its registry";
            RivalError::Missing(format!("Restate cannot be installed: {why}; {how}"))
        };
        let folder = tempfile::Builder::new().prefix("surehold-restate-").tempdir_in(scratch)?;
        fs::write(folder.path().join("package.json"), PACKAGE)?;
        fs::write(folder.path().join("index.mjs"), ENDPOINT)?;
        let mut npm = Command::new("npm");
        // Scripts of packages are not needed here, and one of them would report to its makers.
        npm.args(["install", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"]);
        npm.current_dir(folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(INSTALLED_WITHIN, npm.output()).await;
        match output {
            Err(_) => return Err(missing("npm takes too long")),
            Ok(Err(error)) => return Err(missing(&format!("npm does not run ({error})"))),
            Ok(Ok(output)) if !output.status.success() => {
                return Err(missing(String::from_utf8_lossy(&output.stderr).trim()));
            }
            Ok(Ok(_)) => {}
        }
        let packages = fs::read_dir(folder.path().join("node_modules/@restatedev"))?;
        let server = packages
            .filter_map(|entry| Some(entry.ok()?.path().join("bin/restate-server")))
            .find(|program| program.is_file())
            .ok_or_else(|| missing("there is no server for this machine"))?;
        Ok(Self { server, folder })
    }

    /// Sees that a default server has every answer on disk; there is no way to ask a running one.
    async fn look(&self) -> Result<(), RivalError> {
        let dump = Command::new(&self.server).arg("--dump-config").output().await?;
        let dump = String::from_utf8_lossy(&dump.stdout).into_owned();
        if !dump.contains("rocksdb-disable-wal-fsync = false") {
            return Err(RivalError::Failed("Restate does not say whether it syncs".to_owned()));
        }
        match UNSYNCED.iter().find(|unsynced| dump.contains(**unsynced)) {
            Some(unsynced) => Err(RivalError::Failed(format!("Restate runs with {unsynced}"))),
            None => Ok(()),
        }
    }

    /// Starts a server with so many partitions, and an endpoint that it knows.
    pub(super) async fn start(&self, partitions: usize) -> Result<Restate, RivalError> {
        self.look().await?;
        let scratch = self.folder.path();
        let folder = tempfile::Builder::new().prefix("data-").tempdir_in(scratch)?;
        let [ingress, admin, fabric] = free_addresses()?;
        let mut command = Command::new(&self.server);
        command.args(["--no-logo", "--node-name", "bench", "--base-dir"]).arg(folder.path());
        let settings = [
            ("RESTATE_DEFAULT_NUM_PARTITIONS", partitions.to_string()),
            ("RESTATE_INGRESS__BIND_PORT", ingress.port().to_string()),
            ("RESTATE_ADMIN__BIND_PORT", admin.port().to_string()),
            ("RESTATE_BIND_PORT", fabric.port().to_string()),
            ("RESTATE_BIND_IP", "127.0.0.1".to_owned()),
            ("RESTATE_LISTEN_MODE", "tcp".to_owned()),
            ("RESTATE_LOG_FILTER", "warn".to_owned()),
            ("RESTATE_DISABLE_TELEMETRY", "true".to_owned()),
            ("RESTATE_ADMIN__DISABLE_WEB_UI", "true".to_owned()),
        ];
        command.envs(settings);
        let server = Process::start(command, "restate-server", scratch)?;
        let mut command = Command::new("node");
        command.arg("index.mjs").current_dir(scratch);
        let mut endpoint = Process::start(command, "restate-endpoint", scratch)?;
        let addresses = endpoint.addresses(2).await?;
        let (Some(&at), Some(&charges)) = (addresses.first(), addresses.get(1)) else {
            return Err(endpoint.failed("it said no addresses"));
        };
        let units = 0;
        let mut restate =
            Restate { server, endpoint, ingress, admin, charges, units, _folder: folder };
        let uri = json!({"uri": format!("http://{at}")});
        restate.wait(admin, "/deployments", &uri).await?;
        restate.wait(ingress, "/echo/echo", &json!({})).await?;
        Ok(restate)
    }
}

impl Restate {
    /// Asks until it is done: the parts of the server come up one after the other.
    async fn wait(&mut self, at: SocketAddr, path: &str, body: &Value) -> Result<(), RivalError> {
        let deadline = Instant::now() + READY_WITHIN;
        let mut again = tokio::time::interval(LOOK_EVERY);
        loop {
            again.tick().await;
            let error = match timeout(READY_WITHIN, ask(at, path, body)).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            if self.server.has_ended() || Instant::now() > deadline {
                return Err(self.server.failed(&format!("it is not ready: {path}: {error}")));
            }
        }
    }

    /// One number out of its own state.
    async fn query(&self, what: &str) -> Result<u64, RivalError> {
        let query = json!({"query": format!("SELECT {what}")});
        let said = ask(self.admin, "/query", &query).await?;
        let number = &said["rows"][0]["n"];
        number.as_u64().ok_or_else(|| RivalError::Failed(format!("{what} is {said}")))
    }

    async fn look(&self) -> Result<Books, RivalError> {
        let left =
            "coalesce(sum(cast(value_utf8 AS bigint)), 0) AS n FROM state WHERE key = 'left'";
        let taken = self.units.saturating_sub(self.query(left).await?);
        let orders = self.query("count(*) AS n FROM state WHERE key LIKE 'order:%'").await?;
        let charges = Asking::open(self.charges).await?.ask("GET", "/", "").await?;
        let charges = charges["charges"].as_u64().unwrap_or_default();
        let whole = |count: u64| count.saturating_sub(orders);
        let (orderless, unpaid) = (whole(charges), taken.saturating_sub(charges.max(orders)));
        Ok(Books { orders, taken, charges, unpaid, orderless })
    }
}

impl Rival for Restate {
    fn address(&self) -> SocketAddr {
        self.ingress
    }

    fn echoes(&self, bodies: &[String]) -> Workload {
        Workload::new(self.ingress, "/echo/echo", bodies)
    }

    fn orders(&self, bodies: &[String]) -> Workload {
        Workload::addressed(self.ingress, bodies, |body| {
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            format!("/offering/{}/order", body["offering"])
        })
    }

    fn done(&self) -> u16 {
        200
    }

    fn processor_time(&self) -> io::Result<Duration> {
        Ok(family_time(self.server.pid())? + family_time(self.endpoint.pid())?)
    }

    async fn make_offerings(&mut self, count: u64, units: u64) -> Result<Vec<u64>, RivalError> {
        let mut asking = Asking::open(self.ingress).await?;
        let body = json!({"capacity": units}).to_string();
        for offering in 1..=count {
            asking.ask("POST", &format!("/offering/{offering}/open"), &body).await?;
        }
        self.units = count * units;
        Ok((1..=count).collect())
    }

    /// Looks until no invocation is under way and two looks say the same, or the time is up; then what was seen last.
    async fn books(&mut self) -> Result<Books, RivalError> {
        let mut before = None;
        let deadline = Instant::now() + SETTLED_WITHIN;
        let mut again = tokio::time::interval(LOOK_EVERY);
        loop {
            again.tick().await;
            let moving = "count(*) AS n FROM sys_invocation WHERE status <> 'completed'";
            let moving = self.query(moving).await?;
            let books = self.look().await?;
            let settled = moving == 0 && before == Some(books);
            if settled || Instant::now() > deadline {
                return Ok(books);
            }
            before = Some(books);
        }
    }
}

async fn ask(at: SocketAddr, path: &str, body: &Value) -> Result<Value, RivalError> {
    Asking::open(at).await?.ask("POST", path, &body.to_string()).await
}

/// Addresses that were free a moment ago: the server does not say which ones it took by itself.
fn free_addresses() -> io::Result<[SocketAddr; 3]> {
    let listen = || TcpListener::bind("127.0.0.1:0");
    let listeners = [listen()?, listen()?, listen()?];
    let [one, two, three] = &listeners;
    Ok([one.local_addr()?, two.local_addr()?, three.local_addr()?])
}
