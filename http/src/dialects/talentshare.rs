//! talentshare: a customer books a talent and pays with the order; the engine confirms.
//!
//! Orders are written by clients; every other collection is a view of what the engine did.
//! Any effective update of an order cancels it, as in the reference system.

mod mypages;
mod orders;
mod views;

use surehold::domain::attributes::{Attribute, Attributes};
use surehold::view::OrderView;

use super::failure::Failure;
use super::hal::Kind;
use super::{Desk, run};
use crate::fields::NUMBER_MAX;
use crate::routes::Answering;
use crate::shapes::One;

const ORDER: Kind = Kind { collection: "orders", one: "order" };
const PAYMENT: Kind = Kind { collection: "paymentHist", one: "paymentHist" };
const CONFIRMATION: Kind = Kind { collection: "confirmations", one: "confirmation" };
const CANCELLATION: Kind = Kind { collection: "cancellations", one: "cancellation" };
const MYPAGE: Kind = Kind { collection: "mypages", one: "mypage" };

/// The attribute that marks an order as deleted by a client of this dialect.
const DELETED: &str = "_deleted";

/// Who answers this, if this dialect does.
#[must_use]
pub fn find<'a>(desk: Desk<'a>, method: &str, path: &[&'a str]) -> Option<Answering<'a>> {
    let call = desk.call;
    Some(match (method, path) {
        ("GET", []) => run(call, index(desk)),
        ("POST", ["orders"]) => run(call, orders::place(desk)),
        ("GET", ["orders"]) => run(call, orders::list(desk)),
        ("GET", ["orders", id]) => run(call, orders::show(desk, id)),
        ("PATCH", ["orders", id]) => run(call, orders::update(desk, id, false)),
        ("PUT", ["orders", id]) => run(call, orders::update(desk, id, true)),
        ("DELETE", ["orders", id]) => run(call, orders::delete(desk, id)),
        ("GET", ["paymentHist"]) => run(call, views::payments(desk)),
        ("GET", ["paymentHist", id]) => run(call, views::payment(desk, id)),
        ("GET", ["confirmations"]) => run(call, views::confirmations(desk)),
        ("GET", ["confirmations", id]) => run(call, views::confirmation(desk, id)),
        ("GET", ["cancellations"]) => run(call, views::cancellations(desk)),
        ("GET", ["cancellations", id]) => run(call, views::cancellation(desk, id)),
        ("GET", ["mypages"]) => run(call, mypages::list(desk)),
        ("GET", ["mypages", "search"]) => run(call, mypages::finders(desk)),
        ("GET", ["mypages", "search", "findByOrderId"]) => run(call, mypages::find_by_order(desk)),
        ("GET", ["mypages", id]) => run(call, mypages::show(desk, id)),
        _ => return None,
    })
}

async fn index(desk: Desk<'_>) -> super::Outcome {
    let paged = [ORDER, PAYMENT, CONFIRMATION, CANCELLATION].map(|kind| kind.collection);
    Ok(desk.links.index(&paged, &[MYPAGE.collection]))
}

/// The number in a path; what is no number is nowhere.
fn number(text: &str) -> Result<u64, Failure> {
    match text.parse() {
        Ok(id @ 1..=NUMBER_MAX) => Ok(id),
        _ => Err(Failure::Nothing),
    }
}

/// A kept value, as it is shown; null if there is none.
fn shown<'a>(kept: &'a Attributes, name: &str) -> One<'a> {
    One(kept.get(name).unwrap_or(&Attribute::Null))
}

/// Whether a client deleted the order.
fn is_deleted(order: &OrderView) -> bool {
    order.attributes.get(DELETED) == Some(&Attribute::Flag(true))
}
