//! The native API: JSON in, JSON out, refusals as problems. One file per kind of thing; each handler
//! reads the request, asks the engine once and writes what it said.

pub mod admin;
pub mod attention;
pub mod commands;
pub mod description;
pub mod events;
pub mod facts;
pub mod inventory;
pub mod offerings;
pub mod order_body;
pub mod orders;
pub mod queue;
pub mod stream;
pub mod support;

use surehold::Market;

use crate::answer::Response;
use crate::app::App;
use crate::fields::NUMBER_MAX;
use crate::problem::Problem;

/// What a handler comes to.
pub type Outcome = Result<Response, Problem>;

/// The market of this name.
///
/// # Errors
/// 404 if there is none.
pub fn market(app: &App, name: &str) -> Result<Market, Problem> {
    Ok(app.engine.market(name)?)
}

/// The number in a path.
///
/// # Errors
/// 404 if it is not one: there can be no such thing.
pub fn number(kind: &str, text: &str) -> Result<u64, Problem> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(id @ 1..=NUMBER_MAX) if digits => Ok(id),
        _ => Err(Problem::not_found(format!("there is no such {kind} in this market"))),
    }
}
