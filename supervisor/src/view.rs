//! What the engine shows of itself: plain values, made for reading. How they look on a wire is the
//! edge's affair.

use surehold_domain::attributes::Attributes;
use surehold_domain::card::Card;
use surehold_domain::day::Day;
use surehold_domain::id::{ConfirmationId, OfferingId, OrderId, PaymentId};
use surehold_domain::inventory::Model;
use surehold_domain::money::Money;
use surehold_domain::order::Claim;
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{Phase, Reason, Step};
use surehold_domain::time::Timestamp;

mod support;
pub use support::*;

/// An order, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderView {
    /// Its number in its market.
    pub id: OrderId,
    /// Its market's name.
    pub market: String,
    /// Where it is.
    pub phase: Phase,
    /// Why it did not come, or is not coming, to its end.
    pub reason: Option<Reason>,
    /// Who asked.
    pub customer: String,
    /// What is booked.
    pub offering: OfferingId,
    /// How much of it.
    pub quantity: Quantity,
    /// The price of all of it.
    pub price: Money,
    /// The payment asked for last.
    pub payment: Option<PaymentView>,
    /// The confirmation, once it was asked for.
    pub confirmation: Option<ConfirmationView>,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When its last fact was recorded.
    pub updated_at: Timestamp,
    /// When it is looked at again.
    pub deadline: Option<Timestamp>,
    /// What the marketplace keeps beside it.
    pub attributes: Attributes,
    /// What it kept when the order was placed, if that changed since.
    pub placed_attributes: Option<Attributes>,
    /// Which part of the offering it is about.
    pub claim: Claim,
}

impl OrderView {
    /// What the marketplace kept beside it when it was placed.
    #[must_use]
    pub fn placed(&self) -> &Attributes {
        self.placed_attributes.as_ref().unwrap_or(&self.attributes)
    }

    /// Whether it brings units instead of taking them.
    #[must_use]
    pub fn brings(&self) -> bool {
        matches!(self.claim, Claim::Supply(_))
    }

    /// Whether the order ever was a booking: it was paid, or has nothing to pay and is held. Those
    /// that never were are kept for their history, and shown to nobody but who asks for them.
    #[must_use]
    pub fn came_into_being(&self) -> bool {
        self.confirmation.is_some()
    }
}

/// A payment, as its order shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct PaymentView {
    /// Its number in its market.
    pub id: PaymentId,
    /// The order it pays.
    pub order: OrderId,
    /// `pending`, `authorised`, `captured`, `unknown`, `declined`, `voided`, `refunded` or
    /// `partly_refunded`.
    pub state: &'static str,
    /// What it is paid with.
    pub card: Option<Card>,
    /// How much.
    pub amount: Money,
}

/// A confirmation, as its order shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmationView {
    /// Its number in its market.
    pub id: ConfirmationId,
    /// The order it is for.
    pub order: OrderId,
    /// `waiting`, `confirmed` or `rejected`; `None` while the request has not been taken up.
    pub state: Option<&'static str>,
}

/// What a customer asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOrder {
    /// Who asks; may be empty only where a dialect allows it.
    pub customer: String,
    /// What for.
    pub offering: OfferingId,
    /// How many units.
    pub quantity: Quantity,
    /// Which of them, or when.
    pub booking: Booking,
    /// What with: a card number or a token, as typed.
    pub card: Option<String>,
    /// What the marketplace keeps beside the order.
    pub attributes: Attributes,
}

/// Which part of an offering an order is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Booking {
    /// Any of its units.
    #[default]
    Units,
    /// Nights, from arrival to departure; the night of departure is free.
    Nights {
        /// The day of arrival.
        from: Day,
        /// The day of departure.
        to: Day,
    },
    /// The slot that begins at this local time of the offering's zone, such as `2027-03-28T10:00`.
    Slot(String),
    /// It brings units instead of taking them, where the plan has a `[supply]`.
    Supply,
}

/// A client's own name for a request, so that repeating it is harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key: 1 to 255 visible characters.
    pub key: String,
    /// The request's body, or whatever tells one request from another.
    pub body: Vec<u8>,
}

/// What a placed order came to, as far as the customer had to wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is a booking: paid, or nothing to pay.
    Booked,
    /// The units are held; the customer has still to pay.
    ToBePaid,
    /// It is still under way; look again.
    UnderWay,
    /// The card was declined; nothing was kept.
    Declined,
    /// There was no room; nothing was kept.
    NoRoom,
    /// The payments, or the points that come with them, are down; nothing was kept.
    PaymentsDown,
    /// The inventory is down; nothing was kept.
    InventoryDown,
    /// It came to nothing for another reason, which the order tells.
    CameToNothing,
}

/// A placed order and what it came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// What it came to.
    pub placed: Placed,
    /// The order.
    pub order: OrderView,
}

/// What may be asked of an order.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderCommand {
    /// Pay an unpaid order with this card, as typed.
    Pay {
        /// A card number or a token.
        card: String,
    },
    /// The operator says yes.
    Confirm,
    /// The operator says no.
    Reject {
        /// Why, perhaps.
        note: Option<String>,
    },
    /// What was booked was delivered.
    Complete,
    /// The customer did not come.
    NoShow {
        /// What the operator says of it, perhaps.
        note: Option<String>,
    },
    /// Cancel.
    Cancel {
        /// Why, perhaps.
        note: Option<String>,
        /// A quote that must be honoured.
        quote: Option<u32>,
        /// What the marketplace keeps beside the order, as far as it changes with this.
        attributes: Attributes,
    },
    /// Change what the marketplace keeps beside the order.
    Annotate(Attributes),
}

/// What a cancellation would return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuoteView {
    /// The quote's number, to be sent with the cancellation.
    pub quote: u32,
    /// How much comes back.
    pub refund: Money,
    /// Until when that holds.
    pub valid_until: Timestamp,
}

/// What is sold, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferingView {
    /// Its number in its market.
    pub id: OfferingId,
    /// What people call it.
    pub name: String,
    /// The price of one unit.
    pub price: Money,
    /// How its units are counted.
    pub model: Model,
    /// How much may be sold beyond what there is.
    pub overbook: Quantity,
    /// How much is held.
    pub held: Quantity,
    /// How much is free; `None` without a limit, and where each night or slot has its own.
    pub free: Option<Quantity>,
    /// What the marketplace keeps beside it.
    pub attributes: Attributes,
}

/// Something new to sell.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOffering {
    /// The number it shall have; the next one if none is asked for.
    pub id: Option<OfferingId>,
    /// What people call it.
    pub name: String,
    /// The price of one unit; the plan's, or nothing, if none is given.
    pub price: Option<Money>,
    /// How its units are counted.
    pub model: Model,
    /// How much may be sold beyond what there is; the plan's if none is given.
    pub overbook: Option<Quantity>,
    /// What the marketplace keeps beside it.
    pub attributes: Attributes,
}

/// What changes about an offering.
pub type OfferingChange = surehold_domain::inventory::Patch;

/// Which orders a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only this customer's.
    pub customer: Option<String>,
    /// Only those of this offering.
    pub offering: Option<OfferingId>,
    /// Only those in this phase.
    pub phase: Option<Phase>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins; `None` after the last.
    pub next: Option<u64>,
}

/// One page of a numbered collection, in the order in which its rows came into being.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// The things' numbers, in order.
    pub ids: Vec<u64>,
    /// Rows in all.
    pub total: u64,
}

/// A collection of things that came into being, for dialects that list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// Orders that became bookings.
    Orders,
    /// Payments that were captured.
    Payments,
    /// Confirmations that were taken up.
    Confirmations,
    /// Orders whose booking was cancelled: the numbers are the orders'; a cancellation's own number
    /// is its place in the list, from 1.
    Cancellations,
    /// Messages to customers.
    Messages,
    /// Orders that earned points, in the order of crediting.
    Mileages,
    /// Orders that move stock, where that is counted: one that brings something from when it is
    /// confirmed, one that takes from when its goods came back.
    Flows,
}

/// An order's steps.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The order.
    pub order: OrderId,
    /// Its steps, oldest first. At most 64 are kept: the first and the latest.
    pub steps: Vec<Step>,
}

/// Whether the engine takes orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It does.
    Ready,
    /// It does not, and why.
    NotReady(String),
}

/// One node of the supervision tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeNode {
    /// Its name.
    pub name: String,
    /// `up`, `restarting`, `stopped` or `quarantined`.
    pub state: &'static str,
    /// Restarts since the process started.
    pub restarts: u64,
    /// What the last restart was for.
    pub last_cause: Option<String>,
    /// Live children, where it has them on demand.
    pub live: Option<usize>,
    /// How much waits for it: orders that are owed its answer (of `orders`: any answer), or, of the
    /// snapshots, records since the last checkpoint.
    pub queue: Option<usize>,
    /// Durable records that a follower has not read yet.
    pub behind: Option<u64>,
    /// The circuit breaker, where it has one.
    pub breaker: Option<BreakerView>,
    /// Children worth telling of: fixed ones, and those that were restarted or are quarantined.
    pub children: Vec<TreeNode>,
}

/// An account of the audit: what it counts, and whether it is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: &'static str,
    /// What it holds, in what it counts.
    pub holds: i128,
}

/// The balances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Whether every unit and every cent is in exactly one account.
    pub balanced: bool,
    /// The sequence up to which everything was counted.
    pub sequence: u64,
    /// Orders looked at.
    pub orders: u64,
    /// Units, in thousandths, by account.
    pub units: Vec<Account>,
    /// Money, in minor units, by currency and account.
    pub money: Vec<(String, Vec<Account>)>,
    /// What is wrong, at most 100 lines.
    pub findings: Vec<String>,
}
