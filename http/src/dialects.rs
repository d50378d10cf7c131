//! The REST of the reference marketplaces, over the same engine: one file per dialect, no rule in any.
//!
//! A market's dialect is mounted at `/{market}/...`; the first market's also at `/`. What the
//! reference systems have in common is the [`kit`]; a dialect is a table of its collections and the
//! few functions the table names.

pub mod kit;

pub mod airbnb;
pub mod edu;
pub mod gasstation;
pub mod talentshare;
pub mod yogiyogi;

use crate::app::App;
use crate::call::Call;
use crate::routes::Answering;

use self::kit::{Desk, Dialect, Links};

/// The dialects, each of the built-in market of its name.
static DIALECTS: [&Dialect; 5] = [
    &talentshare::DIALECT,
    &gasstation::DIALECT,
    &yogiyogi::DIALECT,
    &edu::DIALECT,
    &airbnb::DIALECT,
];

/// The dialect of the market with this name, if it has one.
#[must_use]
pub fn named(market: &str) -> Option<&'static Dialect> {
    DIALECTS.into_iter().find(|dialect| dialect.name == market)
}

/// Who answers this, if any dialect does.
#[must_use]
pub fn find<'a>(
    app: &'a App,
    call: &'a Call,
    method: &str,
    path: &[&'a str],
) -> Option<Answering<'a>> {
    let plans = app.engine.markets();
    let said = path.first().and_then(|part| plans.iter().find(|plan| plan.name == *part));
    let (plan, base, path) = match said {
        Some(plan) => (plan, format!("/{}", plan.name), &path[1..]),
        None => (plans.first()?, String::new(), path),
    };
    let dialect = named(&plan.name)?;
    let market = app.engine.market(&plan.name).ok()?;
    dialect.find(Desk { app, call, market, links: Links::new(app, call, base) }, method, path)
}
