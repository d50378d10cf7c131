//! What all dialects are made of: the contract of a collection, as the reference systems share it.
//!
//! A dialect is one file with a [`Dialect`]: a table of [`Collection`]s, and of [`Action`]s where the
//! reference system has addresses that are no collection. The table says which collections there
//! are, which fields a row has, where rows come from, how they are found, and who does the writes:
//!
//! ```text
//! static COLLECTIONS: [Collection; 2] = [
//!     Collection {
//!         name: "orders",
//!         one: "order",
//!         fields: &[text("name"), card("cardNo"), text("status")],
//!         rows: Source::Numbered(Ids::Rows(Rows::Orders), |desk, id| Box::pin(order(desk, id))),
//!         gaps: true,                                    // a deleted one is no longer shown
//!         post: Some(|desk, sent| Box::pin(place(desk, sent))),
//!         ..Collection::VIEW
//!     },
//!     Collection { name: "mypages", one: "mypage", listed: Listed::Whole, ..Collection::VIEW },
//! ];
//! async fn order(desk: &Desk<'_>, id: u64) -> Found { ... Ok(json!({ "name": ... })) }
//! ```
//!
//! `talentshare.rs` is the shortest example. A table names functions as closures that box them, for
//! no other reason than that a table cannot name an async function.
//!
//! From that the kit answers: `GET /`, lists with pages, sorting and links, items with links, finders
//! and their list, profiles, `POST` (201 with `Location`), `PATCH` and `PUT`, `DELETE`, 404 without a
//! body, and 405 for whatever the table does not name. A row that is not there is
//! [`Failure::Nothing`], wherever it is looked for. What dialects ask of the engine is in
//! [`bookings`]; whatever clients send is read by [`Sent`] and [`Form`].

pub mod bookings;
pub mod failure;
pub mod hal;
pub mod input;
pub mod list;
pub mod serve;
pub mod table;
pub mod tell;

pub use bookings::{
    card_payment, card_payment_told, confirmed, is_deleted, kept_in, number, paid_or, shown, value,
};
pub use failure::Failure;
pub use hal::Links;
pub use input::{Form, Sent};
pub use table::{
    Action, Collection, Dialect, Field, Find, Finder, Gives, Ids, Key, Listed, Making, Run, Source,
    card, decimal, text, whole,
};
pub use tell::{Around, Tale, Told, told};

use serde_json::Value;
use surehold::domain::plan::Plan;
use surehold::{Engine, Market};

use crate::answer::Response;
use crate::app::App;
use crate::call::Call;

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

impl Desk<'_> {
    /// The market's plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.app.engine.plan(self.market)
    }

    /// Who is asked.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.app.engine
    }
}

/// What a request for a dialect comes to.
pub type Outcome = Result<Response, Failure>;

/// A row without its links: a JSON object.
pub type Found = Result<Value, Failure>;
