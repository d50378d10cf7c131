//! One server under measurement, from its start to its end, as every suite over HTTP needs it.
//!
//! ```text
//! start -> offerings -> is it safe when the power goes? -> legs -> memory, disk -> audit, listing -> SIGTERM -> disk
//! ```
//!
//! Whatever fails meanwhile is told with what was being done and with the end of the server's stderr.

use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use crate::control::Control;
use crate::http::{Cause, HttpError};
use crate::load::{Load, Pace, Script, Tally};
use crate::machine::Machine;
use crate::power;
use crate::report::{Leg, Series};
use crate::server::{Launch, Server};

/// How long a server may answer nothing before the run is given up.
const STALLED_AFTER: Duration = Duration::from_secs(15);
/// How long the listing may take to show every order.
const LISTED_WITHIN: Duration = Duration::from_secs(60);
/// The same when the run has failed anyway: nobody waits long for a listing that may never come right.
const LISTED_SOON: Duration = Duration::from_secs(1);

/// One server under measurement.
pub struct Trial<'a> {
    server: Server,
    /// What it did so far.
    pub series: Series,
    doing: String,
    progress: &'a mut dyn FnMut(&str),
}

impl<'a> Trial<'a> {
    /// Starts a server on a fresh folder. `progress` is told what is going on, a line at a time.
    ///
    /// # Errors
    /// A server that does not start.
    pub async fn start(
        launch: &Launch,
        connections: usize,
        pace: Pace,
        progress: &'a mut dyn FnMut(&str),
    ) -> Result<Self, HttpError> {
        let server = launch.start().await?;
        let looked = server.memory().and_then(|memory| Ok((memory, server.disk()?)));
        let (memory, disk) = looked.map_err(HttpError::Machine)?;
        let series = Series::new(connections, pace, memory, disk);
        Ok(Self { server, series, doing: String::new(), progress })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// Makes offerings and returns their ids.
    ///
    /// # Errors
    /// A call that is not answered as the contract says.
    pub async fn make_offerings(
        &mut self,
        count: usize,
        inventory: &Value,
    ) -> Result<Vec<u64>, Cause> {
        "making the offerings".clone_into(&mut self.doing);
        let mut control = Control::open(self.server.address()).await?;
        let mut offerings = Vec::with_capacity(count);
        for number in 0..count {
            offerings.push(control.make_offering(&format!("offering {number}"), inventory).await?);
        }
        Ok(offerings)
    }

    /// Sees that there is an echo, and that orders wait for the disk; what speaks against that is a failure, and then
    /// nothing may be measured.
    ///
    /// # Errors
    /// An echo that is none, or orders that cannot be placed.
    pub async fn may_be_measured(
        &mut self,
        machine: &Machine,
        bodies: &[String],
    ) -> Result<bool, Cause> {
        "seeing whether orders wait for the disk".clone_into(&mut self.doing);
        if let Some(body) = bodies.first() {
            Control::open(self.server.address()).await?.try_echo(body).await?;
        }
        let evidence = power::look(&self.server, machine, bodies).await?;
        self.series.orders_made += evidence.orders_made;
        let doubts = evidence.doubts();
        self.series.power = Some(evidence);
        let not_safe =
            |doubt| format!("not safe when the power goes, so there are no figures: {doubt}");
        self.series.failures.extend(doubts.iter().map(not_safe));
        Ok(doubts.is_empty())
    }

    /// Drives one leg and keeps its figures.
    ///
    /// # Errors
    /// A load that does not finish.
    pub async fn leg<S: Script + 'static>(
        &mut self,
        round: usize,
        name: &str,
        requests: usize,
        script: &Rc<S>,
    ) -> Result<Tally, Cause> {
        let what = format!("round {round} {name}");
        let (tally, leg) = self.drive(&what, requests, self.series.pace, script).await?;
        self.series.push(name, leg, &tally);
        Ok(tally)
    }

    /// Drives some load that is not measured, in a closed loop.
    ///
    /// # Errors
    /// A load that does not finish.
    pub async fn warm_up<S: Script + 'static>(
        &mut self,
        name: &str,
        requests: usize,
        script: &Rc<S>,
    ) -> Result<Tally, Cause> {
        Ok(self.drive(&format!("warm-up {name}"), requests, Pace::Closed, script).await?.0)
    }

    async fn drive<S: Script + 'static>(
        &mut self,
        what: &str,
        requests: usize,
        pace: Pace,
        script: &Rc<S>,
    ) -> Result<(Tally, Leg), Cause> {
        self.doing = format!("{}, {what}", self.series.in_words());
        let load = Load {
            address: self.server.address(),
            connections: self.series.connections,
            requests,
            // The script says what is right.
            expected: 0,
            stalled_after: STALLED_AFTER,
        };
        let driven = load.play(pace, Rc::clone(script));
        let (tally, leg) = Leg::timed::<Cause>(|| self.server.processor_time(), driven).await?;
        (self.progress)(&format!("{}: {:.0}/s", self.doing, leg.per_second));
        Ok((tally, leg))
    }

    /// After the legs: looks at what they left, checks the books and stops the server. `measured` is how the legs went.
    ///
    /// # Errors
    /// What went wrong with the legs, with the server's last words.
    pub async fn close(mut self, measured: Result<(), Cause>) -> Result<Series, HttpError> {
        let closed = match measured {
            Ok(()) => self.look_at_the_end().await,
            Err(cause) => Err(cause),
        };
        if let Err(cause) = closed {
            let last_words = self.server.last_words();
            return Err(HttpError::Running { doing: self.doing, cause, last_words });
        }
        match self.server.stop().await {
            Ok(stopped) => self.series.stopped(&stopped),
            Err(error) => self.series.failures.push(error.to_string()),
        }
        Ok(self.series)
    }

    async fn look_at_the_end(&mut self) -> Result<(), Cause> {
        self.series.loaded(self.server.memory()?, self.server.disk()?);
        "checking the books".clone_into(&mut self.doing);
        (self.progress)(&format!("{}: checking the books", self.series.in_words()));
        self.check().await;
        Ok(())
    }

    /// Holds the answers given against the books of the server. A check that cannot be made does not cost the figures.
    async fn check(&mut self) {
        let series = &mut self.series;
        let mut control = match Control::open(self.server.address()).await {
            Ok(control) => control,
            Err(error) => return series.failures.push(format!("the books are closed: {error}")),
        };
        let within = if series.failures.is_empty() { LISTED_WITHIN } else { LISTED_SOON };
        match control.list_until(series.orders_made, within).await {
            Ok(listing) => series.listed(listing),
            Err(error) => series.remarks.push(format!("the listing could not be checked: {error}")),
        }
        match control.audit().await {
            Ok((balanced, audit)) => series.audited(balanced, &audit),
            Err(error) => series.failures.push(format!("the audit could not be asked: {error}")),
        }
    }
}
