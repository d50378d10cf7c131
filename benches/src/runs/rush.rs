//! A rush: orders come at a fixed rate, whatever becomes of those before them.
//!
//! A latency counts from the moment at which the order should have left, so that neither a slow server nor a slow
//! generator hides waiting. No order is left out: one that finds no free connection leaves late, and is counted as late.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};

use super::came::{Came, note};
use super::crowd::in_time;
use super::market::Goods;
use crate::wire::{self, Connection, WireError};

/// An order that leaves this much after its time found no connection.
const LATE: Duration = Duration::from_millis(100);

/// What to send.
#[derive(Debug, Clone)]
pub struct Rush {
    /// The server.
    pub address: SocketAddr,
    /// How many connections, each with one request in flight.
    pub connections: usize,
    /// Orders a second.
    pub rate: f64,
    /// For how long.
    pub time: Duration,
    /// What is ordered.
    pub goods: Goods,
    /// The number of the first order: what came before had others.
    pub first: u64,
}

struct Shared {
    rush: Rush,
    began: Instant,
    next: Cell<u64>,
    came: Rc<RefCell<Came>>,
}

impl Rush {
    /// Sends everything and waits for every answer. Returns when the last order should have left.
    ///
    /// # Errors
    /// A connection that cannot be opened before it begins.
    pub async fn run(self, came: &Rc<RefCell<Came>>) -> Result<Instant, WireError> {
        let mut open = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            open.push(Connection::open(self.address).await?);
        }
        let ends = self.time;
        let shared = Rc::new(Shared {
            rush: self,
            began: Instant::now(),
            next: Cell::new(0),
            came: Rc::clone(came),
        });
        let all = async {
            let mut sending = JoinSet::new();
            for connection in open {
                sending.spawn_local(Rc::clone(&shared).send(Some(connection)));
            }
            sending.join_all().await;
        };
        LocalSet::new().run_until(all).await;
        // Answers that come after the end belong to it, but no order is sent any more.
        came.borrow_mut().elapsed = ends;
        Ok(shared.began + ends)
    }
}

impl Shared {
    async fn send(self: Rc<Self>, mut connection: Option<Connection>) {
        while let Some((number, due)) = self.take() {
            tokio::time::sleep_until(due.into()).await;
            if let Err(error) = self.order(&mut connection, number, due).await {
                note(&mut self.came.borrow_mut().unanswered, error.to_string());
                connection = None;
            }
        }
    }

    /// The next order and when it has to leave.
    fn take(&self) -> Option<(u64, Instant)> {
        let number = self.next.get();
        let due = Duration::from_secs_f64(super::came::count(number) / self.rush.rate);
        (due < self.rush.time).then(|| self.next.set(number + 1))?;
        Some((number, self.began + due))
    }

    async fn order(
        &self,
        connection: &mut Option<Connection>,
        number: u64,
        due: Instant,
    ) -> Result<(), WireError> {
        let Rush { address, goods, first, .. } = &self.rush;
        let request = wire::render("POST", *address, &goods.orders(), &goods.body(first + number));
        let late = due.elapsed() > LATE;
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(Connection::open(*address).await?),
        };
        {
            let mut came = self.came.borrow_mut();
            came.sent += 1;
            came.late += u64::from(late);
        }
        let answer = in_time(connection.exchange(&request)).await?;
        self.came.borrow_mut().answered(&answer, goods.also_right(), due.elapsed());
        Ok(())
    }
}
