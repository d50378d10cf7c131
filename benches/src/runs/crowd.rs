//! Customers, one on each connection: each orders, waits for the answer, perhaps takes the order back, and orders
//! again. Whoever is told to come back later stays away as long as that says.
//!
//! Unlike `load`, a connection that fails does not end the run: it is counted, and opened again. That nothing was
//! answered is one of the things such a run is about.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};

use super::came::{Came, Heard, note};
use super::market::Goods;
use crate::wire::{self, Connection, WireError};

/// How long one answer may take before the customer gives up: longer than the server lets anybody wait.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause before a connection that failed is opened again.
const REOPEN: Duration = Duration::from_millis(100);

/// When a load ends.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// After this time; what is under way then is waited for.
    After(Duration),
    /// After so many orders.
    Orders(u64),
}

/// The customers.
#[derive(Debug, Clone)]
pub struct Crowd {
    /// The server.
    pub address: SocketAddr,
    /// How many customers.
    pub connections: usize,
    /// When they have enough.
    pub end: End,
    /// What they order.
    pub goods: Goods,
    /// Over which time they come in, so that they do not all do the same at once.
    pub ramp: Duration,
}

struct Shared {
    crowd: Crowd,
    began: Instant,
    next: Cell<u64>,
    came: Rc<RefCell<Came>>,
}

impl Crowd {
    /// Orders until the end; `came` can be looked at meanwhile.
    pub async fn order(self, came: &Rc<RefCell<Came>>) {
        let (connections, ramp) = (self.connections, self.ramp);
        let came = Rc::clone(came);
        let shared =
            Rc::new(Shared { crowd: self, began: Instant::now(), next: Cell::new(0), came });
        let all = async {
            let mut customers = JoinSet::new();
            for number in 0..connections {
                let share = u32::try_from(number).unwrap_or(u32::MAX);
                let of = u32::try_from(connections).unwrap_or(u32::MAX);
                customers.spawn_local(Rc::clone(&shared).customer(ramp * share / of));
            }
            customers.join_all().await;
        };
        LocalSet::new().run_until(all).await;
        shared.came.borrow_mut().elapsed = shared.began.elapsed();
    }
}

impl Shared {
    async fn customer(self: Rc<Self>, after: Duration) {
        tokio::time::sleep(after).await;
        let mut connection = None;
        while let Some(number) = self.take() {
            if let Err(error) = self.buy(&mut connection, number).await {
                note(&mut self.came.borrow_mut().unanswered, error.to_string());
                connection = None;
                tokio::time::sleep(REOPEN).await;
            }
        }
    }

    fn take(&self) -> Option<u64> {
        let number = self.next.get();
        let more = match self.crowd.end {
            End::After(time) => self.began.elapsed() < time,
            End::Orders(orders) => number < orders,
        };
        more.then(|| self.next.set(number + 1))?;
        Some(number)
    }

    async fn buy(&self, connection: &mut Option<Connection>, number: u64) -> Result<(), WireError> {
        let Crowd { address, goods, .. } = &self.crowd;
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(Connection::open(*address).await?),
        };
        let request = wire::render("POST", *address, &goods.orders(), &goods.body(number));
        self.came.borrow_mut().sent += 1;
        let asked = Instant::now();
        let answer = in_time(connection.exchange(&request)).await?;
        let heard = self.came.borrow_mut().answered(&answer, goods.also_right(), asked.elapsed());
        let Heard { id, accepted, stay_away } = heard;
        if let Some(id) = id.filter(|_| accepted && goods.takes_back(number)) {
            self.take_back(connection, id).await?;
        }
        if let Some(time) = stay_away {
            tokio::time::sleep(time).await;
        }
        Ok(())
    }

    async fn take_back(&self, connection: &mut Connection, id: u64) -> Result<(), WireError> {
        let Crowd { address, goods, .. } = &self.crowd;
        let path = format!("{}/{id}/cancel", goods.orders());
        let request = wire::render("POST", *address, &path, "{}");
        let answer = in_time(connection.exchange(&request)).await?;
        let mut came = self.came.borrow_mut();
        // 409: it cannot be taken back where it is by now.
        if !matches!(answer.status, 200 | 202 | 409 | 503) {
            let status = answer.status;
            note(&mut came.wrong, format!("taking order {id} back was answered {status}"));
        }
        // One that was refused in words may have been heard all the same.
        let heard = answer.status != 409;
        if let Some(sale) = came.sales.iter_mut().rev().find(|sale| sale.id == id) {
            sale.taken_back = heard;
        }
        Ok(())
    }
}

/// Waits for an answer, but not for ever.
pub(super) async fn in_time<T>(
    answer: impl Future<Output = Result<T, WireError>>,
) -> Result<T, WireError> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => {
            Err(WireError::Receive(std::io::Error::other(format!("no answer within {PATIENCE:?}"))))
        }
    }
}
