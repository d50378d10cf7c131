//! What every run stands on: a payment service, a server that uses it, and a watched load.

use std::cell::RefCell;
use std::fs;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::books::Books;
use super::came::Came;
use super::crowd::{Crowd, End};
use super::market::Goods;
use crate::bank::{Bank, Manner};
use crate::control::Control;
use crate::http::{Cause, HttpError};
use crate::load::LoadError;
use crate::server::{Launch, Server};
use crate::wire::WireError;

/// A load tells how far it is this often, in seconds.
const TELL_EVERY: u64 = 5;

/// A server and its payment service.
#[derive(Debug)]
pub struct Shop {
    /// The server.
    pub server: Server,
    /// The payment service.
    pub bank: Bank,
    /// What it sells.
    pub goods: Goods,
    _folder: TempDir,
}

impl Shop {
    /// Starts both.
    ///
    /// # Errors
    /// Why they do not start.
    pub async fn open(launch: &Launch, goods: Goods, manner: Manner) -> Result<Shop, HttpError> {
        let bank = Bank::start(manner).map_err(HttpError::Machine)?;
        let folder = tempfile::tempdir_in(&launch.scratch).map_err(HttpError::Machine)?;
        let market = folder.path().join("market.toml");
        fs::write(&market, goods.file()).map_err(HttpError::Machine)?;
        let launch =
            Launch { market: Some(market), payment_url: Some(bank.url()), ..launch.clone() };
        let server = launch.start().await?;
        Ok(Shop { server, bank, goods, _folder: folder })
    }

    /// A crowd of this many, who all come at once.
    #[must_use]
    pub fn crowd(&self, connections: usize, end: End) -> Crowd {
        let (address, goods) = (self.server.address(), self.goods.clone());
        Crowd { address, connections, end, goods, ramp: Duration::ZERO }
    }

    /// Waits until everything is at rest.
    ///
    /// # Errors
    /// A question the server does not answer.
    pub async fn settle(
        &self,
        within: Duration,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Books, Cause> {
        let mut control = Control::open(self.server.address()).await?;
        Ok(Books::at_rest(&mut control, &self.goods.orders(), within, progress).await?)
    }

    /// What went wrong, with the server's last words.
    #[must_use]
    pub fn failed(&self, doing: &str, cause: Cause) -> HttpError {
        let last_words = self.server.last_words();
        HttpError::Running { doing: doing.to_owned(), cause, last_words }
    }
}

/// Runs a load and looks at it every second.
pub async fn watched<T>(
    load: impl Future<Output = T>,
    came: &Rc<RefCell<Came>>,
    look: &mut dyn FnMut(u64, &Came),
) -> T {
    let mut load = std::pin::pin!(load);
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.tick().await;
    for second in 1.. {
        tokio::select! {
            done = &mut load => return done,
            _ = seconds.tick() => look(second, &came.borrow()),
        }
    }
    load.await
}

/// Says now and then how far a load is.
pub fn tell(progress: &mut dyn FnMut(&str), doing: &str, second: u64, came: &Came) {
    if second.is_multiple_of(TELL_EVERY) {
        let answers = came.in_words();
        let silent = came.unanswered.len();
        let silent = if silent > 0 { format!(", {silent} unanswered") } else { String::new() };
        progress(&format!("{doing}: {second} s, {answers}{silent}"));
    }
}

/// Charges a second that so many workers get done who ask the payment service itself, one after the other.
///
/// # Errors
/// A connection that fails.
pub async fn direct(bank: &Bank, workers: usize, time: Duration) -> Result<f64, Cause> {
    let address = bank.address();
    let mut all = tokio::task::JoinSet::new();
    let began = Instant::now();
    for worker in 0..workers {
        all.spawn(async move {
            let mut connection = crate::wire::Connection::open(address).await?;
            let mut done = 0_u64;
            while began.elapsed() < time {
                // No number at its end: none of the server's payments.
                let key = format!("direct-{worker}-{done}-times");
                let body = format!(r#"{{"key":"{key}","amount":1,"currency":"EUR"}}"#);
                let request = crate::wire::render("POST", address, "/payments", &body);
                connection.exchange(&request).await?;
                done += 1;
            }
            Ok::<u64, WireError>(done)
        });
    }
    let mut done = 0;
    while let Some(worker) = all.join_next().await {
        let worker = worker.map_err(LoadError::Died)?;
        done += worker.map_err(|error| Cause::Control(error.into()))?;
    }
    bank.ledger().payments.clear();
    Ok(super::came::count(done) / began.elapsed().as_secs_f64())
}
