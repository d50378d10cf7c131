//! Whether a server waits for the disk before it answers: seen, not asked.
//!
//! A rate of answers that are not on disk is a figure of something else. So before anything is measured, some orders are
//! placed one at a time, a synced write of our own beside each, and three things must hold:
//! - the data folder is on a disk: its file system is none in memory, and a sync takes as long as a disk needs;
//! - the fastest order takes at least half as long as the fastest sync: of all that a busy disk does to a time, nothing
//!   makes it shorter;
//! - the kernel counts at least a page for each order that the server wrote to storage. A page that is overwritten counts
//!   again only when it was written back meanwhile, so a server that leaves its journal in the page cache counts next to
//!   nothing.
//!
//! Where the kernel does not count (it did not count our own synced pages either), only the times speak, and the settings
//! say so.

use std::time::Instant;

use crate::http::Cause;
use crate::machine::{Machine, SyncProbe};
use crate::report::median;
use crate::server::Server;
use crate::usage::storage_written;
use crate::wire::{self, Connection};

/// Orders of the probe.
pub const ORDERS: usize = 40;
/// A faster sync than this is no sync: a folder in memory, or a disk that lies.
pub const SYNC_MS_MIN: f64 = 0.02;
/// The least share of a sync that an order takes: the two do not write the same number of pages.
const SYNC_SHARE_MIN: f64 = 0.5;
/// The least pages an order writes: the head of the journal, at the least.
const PAGES_MIN: f64 = 1.0;
const PAGE_BYTES: f64 = 4096.0;
/// File systems that no power cut survives.
const IN_MEMORY: [&str; 3] = ["tmpfs", "ramfs", "rootfs"];

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Type of the file system of the data folder.
    pub file_system: String,
    /// The median order, one at a time.
    pub order_ms: f64,
    /// The median sync, taken in turns with the orders.
    pub sync_ms: f64,
    /// The fastest order and the fastest sync.
    pub fastest_ms: (f64, f64),
    /// Pages written to storage for each order; `None` where the kernel does not count them.
    pub pages_per_order: Option<f64>,
    /// How many orders were answered 201.
    pub orders_made: u64,
}

/// Places orders one at a time, each beside a sync.
///
/// # Errors
/// A connection that fails, or a file that cannot be written.
pub async fn look(
    server: &Server,
    machine: &Machine,
    bodies: &[String],
) -> Result<Evidence, Cause> {
    let host = server.address();
    let probe = SyncProbe::new_in(server.folder())?;
    let mut connection =
        Connection::open(host).await.map_err(crate::control::ControlError::Wire)?;
    let own = std::process::id();
    // A kernel that does not let this be read does not count.
    let (before, own_before) = (server.storage_written().ok(), storage_written(own).ok());
    let (mut orders, mut syncs, mut orders_made) = (Vec::new(), Vec::new(), 0);
    for (number, body) in (0..).zip(bodies.iter().cycle().take(ORDERS)) {
        syncs.push(probe.take(number)?.as_secs_f64() * 1e3);
        let request = wire::render("POST", host, "/v1/talentshare/orders", body);
        let start = Instant::now();
        let answer = connection.exchange(&request).await;
        let answer = answer.map_err(crate::control::ControlError::Wire)?;
        orders.push(start.elapsed().as_secs_f64() * 1e3);
        orders_made += u64::from(answer.status == 201);
    }
    let fastest = |of: &[f64]| of.iter().copied().fold(f64::INFINITY, f64::min);
    let fastest_ms = (fastest(&orders), fastest(&syncs));
    let pages =
        |now: u64, before: Option<u64>| Some(now.saturating_sub(before?) as f64 / PAGE_BYTES);
    let written = server.storage_written().ok().and_then(|now| pages(now, before));
    // Each of our own synced writes overwrote a page, so this many must have been counted.
    let own_written = storage_written(own).ok().and_then(|now| pages(now, own_before));
    let counted = own_written.is_some_and(|pages| pages >= ORDERS as f64);
    Ok(Evidence {
        file_system: machine.file_system.clone(),
        order_ms: median(orders),
        sync_ms: median(syncs),
        fastest_ms,
        pages_per_order: written.filter(|_| counted).map(|pages| pages / ORDERS as f64),
        orders_made,
    })
}

impl Evidence {
    /// What speaks against a server that is safe when the power goes; nothing, if it may be measured.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let Self { file_system, sync_ms, pages_per_order, orders_made, .. } = self;
        let (order, sync) = self.fastest_ms;
        let mut doubts = Vec::new();
        if IN_MEMORY.contains(&file_system.as_str()) {
            doubts.push(format!(
                "the data folder is in memory ({file_system}); name a disk with --scratch"
            ));
        }
        if *sync_ms < SYNC_MS_MIN {
            doubts.push(format!("a sync takes {sync_ms:.3} ms here: nothing waits for a disk"));
        }
        if *orders_made < ORDERS as u64 {
            doubts.push(format!("only {orders_made} of {ORDERS} orders were answered 201"));
        }
        if order < sync * SYNC_SHARE_MIN {
            doubts.push(format!(
                "the fastest order is answered after {order:.3} ms, but the fastest sync takes {sync:.3} ms: \
                 it cannot be durable"
            ));
        }
        if let Some(pages) = pages_per_order.filter(|pages| *pages < PAGES_MIN) {
            doubts.push(format!(
                "the server wrote {pages:.2} pages to storage for each order: they wait in memory, not on disk"
            ));
        }
        doubts
    }

    /// How it was seen, for the settings of a run.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self { file_system, order_ms, sync_ms, .. } = self;
        let pages = match self.pages_per_order {
            Some(pages) => format!("{pages:.1} pages written to storage for each"),
            None => "the kernel counts no writes here".to_owned(),
        };
        format!(
            "yes, seen before measuring: {ORDERS} orders one at a time took {order_ms:.2} ms each, a sync {sync_ms:.2} ms, \
             {pages}, {file_system}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_waits_for_a_disk_may_be_measured() {
        let good = Evidence {
            file_system: "ext4".to_owned(),
            order_ms: 0.9,
            sync_ms: 0.2,
            fastest_ms: (0.5, 0.2),
            pages_per_order: Some(4.0),
            orders_made: ORDERS as u64,
        };
        assert_eq!(good.doubts(), Vec::<String>::new());
        let uncounted = Evidence { pages_per_order: None, ..good.clone() };
        assert_eq!(uncounted.doubts(), Vec::<String>::new());
        assert!(uncounted.in_words().contains("counts no writes"), "{}", uncounted.in_words());
        let doubted = [
            (Evidence { file_system: "tmpfs".to_owned(), ..good.clone() }, "in memory"),
            (Evidence { fastest_ms: (0.09, 0.2), ..good.clone() }, "cannot be durable"),
            (Evidence { sync_ms: 0.01, ..good.clone() }, "nothing waits for a disk"),
            (Evidence { pages_per_order: Some(0.1), ..good.clone() }, "wait in memory"),
            (Evidence { orders_made: 1, ..good }, "only 1 of 40"),
        ];
        for (evidence, why) in doubted {
            let doubts = evidence.doubts();
            assert!(doubts.len() == 1 && doubts[0].contains(why), "{why}: {doubts:?}");
        }
    }
}
