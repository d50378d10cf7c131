//! The shop over PostgreSQL as one of those that are measured: its process, and the cluster's.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Value, json};
use tokio::process::Command;

use super::ask::Asking;
use super::ours::ORDERS;
use super::postgres::Cluster;
use super::processes::{Process, family_time};
use super::shop::Way;
use super::{Books, Rival, RivalError};
use crate::workload::Workload;

/// Connections to the database that are tried. Many share one sync of the disk, but few wait better for the same row.
const POOLS: [usize; 4] = [8, 16, 32, 64];
/// The subcommand of this program that is the shop.
const SUBCOMMAND: &str = "rival-shop";
/// Pause between two looks at the books, far above what a statement takes.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A shop on a database of its own.
#[derive(Debug)]
pub(super) struct Shops<'a> {
    cluster: &'a Cluster,
    process: Process,
    address: SocketAddr,
}

impl<'a> Shops<'a> {
    /// Starts one; `program` is the one that has the subcommand.
    pub(super) async fn start(
        cluster: &'a Cluster,
        program: &Path,
        way: Way,
        logs: &Path,
    ) -> Result<Self, RivalError> {
        let name = way.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default();
        let database = name.replace('-', "_");
        cluster.make_database(&database).await?;
        let mut command = Command::new(program);
        command.arg(SUBCOMMAND).arg("--socket").arg(cluster.socket());
        command.args(["--database", &database, "--way", &name]);
        let mut process = Process::start(command, &name, logs)?;
        let addresses = process.addresses(1).await?;
        let Some(&address) = addresses.first() else {
            return Err(process.failed("it said no address"));
        };
        Ok(Self { cluster, process, address })
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, RivalError> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Asking::open(self.address).await?.ask(method, path, &body).await
    }
}

impl Rival for Shops<'_> {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn echoes(&self, bodies: &[String]) -> Workload {
        Workload::new(self.address, "/echo", bodies)
    }

    fn orders(&self, bodies: &[String]) -> Workload {
        Workload::new(self.address, ORDERS, bodies)
    }

    fn done(&self) -> u16 {
        201
    }

    fn processor_time(&self) -> io::Result<Duration> {
        Ok(family_time(self.process.pid())? + self.cluster.processor_time()?)
    }

    async fn make_offerings(&mut self, count: u64, units: u64) -> Result<Vec<u64>, RivalError> {
        self.ask("POST", "/offerings", &json!({"count": count, "units": units})).await?;
        Ok((1..=count).collect())
    }

    fn sizes(&self) -> &[usize] {
        &POOLS
    }

    async fn resize(&mut self, size: usize) -> Result<(), RivalError> {
        self.ask("POST", &format!("/pool/{size}"), &Value::Null).await.map(drop)
    }

    /// Reads until two looks in a row say the same: a statement whose client has gone may still be under way.
    async fn books(&mut self) -> Result<Books, RivalError> {
        let mut before = None;
        let mut again = tokio::time::interval(LOOK_EVERY);
        loop {
            again.tick().await;
            let books = read(&self.ask("GET", "/books", &Value::Null).await?)?;
            if before == Some(books) {
                return Ok(books);
            }
            before = Some(books);
        }
    }
}

fn read(said: &Value) -> Result<Books, RivalError> {
    let count = |name: &str| {
        let missing = || RivalError::Failed(format!("no {name} in {said}"));
        said[name].as_u64().ok_or_else(missing)
    };
    Ok(Books {
        orders: count("orders")?,
        taken: count("taken")?,
        charges: count("charges")?,
        unpaid: count("unpaid")?,
        orderless: count("orderless")?,
    })
}
