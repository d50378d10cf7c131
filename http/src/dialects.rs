//! The REST of the reference marketplaces, over the same engine: one file per dialect, no rule in any.
//!
//! A market's dialect is mounted at `/{market}/...`; the first market's also at `/`.

pub mod failure;
pub mod hal;
pub mod input;
pub mod talentshare;

use std::future::Future;

use surehold::Market;

use crate::answer::Response;
use crate::app::App;
use crate::call::Call;
use crate::routes::Answering;

use self::failure::Failure;
use self::hal::Links;

/// Where a request for a dialect came in.
pub struct Desk<'a> {
    /// The server.
    pub app: &'a App,
    /// The request.
    pub call: &'a Call,
    /// The market.
    pub market: Market,
    /// How addresses are written for this client.
    pub links: Links,
}

/// What a handler of a dialect comes to.
pub type Outcome = Result<Response, Failure>;

/// Who answers this, if any dialect does.
#[must_use]
pub fn find<'a>(
    app: &'a App,
    call: &'a Call,
    method: &str,
    path: &[&'a str],
) -> Option<Answering<'a>> {
    let plans = app.engine.markets();
    let named = path.first().and_then(|part| plans.iter().find(|plan| plan.name == *part));
    let (plan, base, path) = match named {
        Some(plan) => (plan, format!("/{}", plan.name), &path[1..]),
        None => (plans.first()?, String::new(), path),
    };
    let market = app.engine.market(&plan.name).ok()?;
    let desk = Desk { app, call, market, links: Links::new(app, call, base) };
    match plan.name.as_str() {
        "talentshare" => talentshare::find(desk, method, path),
        _ => None,
    }
}

/// Turns what a handler comes to into an answer, when it is awaited.
pub fn run<'a>(
    call: &'a Call,
    outcome: impl Future<Output = Outcome> + Send + 'a,
) -> Answering<'a> {
    Box::pin(async move { outcome.await.unwrap_or_else(|failure| failure.answer(&call.path)) })
}
