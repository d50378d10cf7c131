//! What the engine shows beside orders: the operator's queue, reviews, messages, points, figures of
//! offerings, and how far the views have come.

use surehold_domain::id::{ConfirmationId, MessageId, OfferingId, OrderId, PaymentId, ReviewId};
use surehold_domain::message::Occasion;
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::Phase;
use surehold_domain::time::Timestamp;

use super::{OrderView, Page};

/// A confirmation in the operator's queue, with its order as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingView {
    /// The confirmation's number in its market.
    pub id: ConfirmationId,
    /// The order it is for.
    pub order: OrderView,
    /// Since when it waits.
    pub since: Timestamp,
    /// By when somebody should speak.
    pub until: Timestamp,
}

/// A review, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewView {
    /// Its number in its market.
    pub id: ReviewId,
    /// What it is about.
    pub offering: OfferingId,
    /// Who says it; may be empty.
    pub customer: String,
    /// From 1 to 5, if one was given.
    pub rating: Option<u8>,
    /// The text.
    pub text: String,
    /// When it was written.
    pub written_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A message to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// Its number in its market.
    pub id: MessageId,
    /// What it is about.
    pub occasion: Occasion,
    /// The order it tells of.
    pub order: OrderId,
    /// What was booked.
    pub offering: OfferingId,
    /// Whom it tells.
    pub customer: String,
    /// The text.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
}

/// What one order earned, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MileageEntry {
    /// The order; the entry has its number.
    pub order: OrderId,
    /// Whose points they are.
    pub customer: String,
    /// What was booked.
    pub offering: OfferingId,
    /// The payment they came with, if something was paid.
    pub payment: Option<PaymentId>,
    /// How many were credited.
    pub credited: u64,
    /// How many still stand: all of them, or none.
    pub points: u64,
    /// When they were credited, or taken back.
    pub updated_at: Timestamp,
}

/// A customer's points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MileageAccount {
    /// Whose.
    pub customer: String,
    /// The sum of all entries that still stood when the views last looked.
    pub balance: u64,
    /// The entries, each as it stands now.
    pub entries: Page<MileageEntry>,
}

/// What happened to an offering last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferingTurn {
    /// An order for it was confirmed.
    Reserved,
    /// What was booked of it came back.
    Cancelled,
    /// Somebody wrote, changed or removed a review.
    Reviewed,
    /// What is sold changed.
    Changed,
}

/// What is counted of an offering. Orders that bring something are no sales.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferingFigures {
    /// The order that was booked last.
    pub last_order: Option<OrderId>,
    /// What happened to it last.
    pub last_turn: Option<OfferingTurn>,
    /// What is booked and did not come back; the largest quantity there is if that is beyond it.
    pub sold: Quantity,
    /// The price of that, in minor units of the market's currency.
    pub revenue: i64,
    /// Whether it was ever booked, also if all of it came back.
    pub has_sold: bool,
    /// Reviews that stand. Unlike the rest they are counted in every market.
    pub reviews: u64,
}

/// Why a person should look at an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Its undoing cannot finish.
    Stuck,
    /// It crashed too often and was set aside.
    Quarantined,
    /// Its time has come, and nothing acted on it.
    Overdue,
}

/// An order that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttentionView {
    /// Its market's name.
    pub market: String,
    /// Whether this engine has the market's plan; without it the order takes no commands.
    pub served: bool,
    /// Its number in its market.
    pub order: OrderId,
    /// Where it is.
    pub phase: Phase,
    /// Why somebody should look.
    pub why: Look,
    /// What it is being undone for, or what it died of.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Where a page of [`AttentionView`]s ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionPlace {
    /// The market's number on this node.
    pub market: u16,
    /// The order's number.
    pub order: u64,
}

/// One page of orders that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttentionPage {
    /// What is on it.
    pub items: Vec<AttentionView>,
    /// After what the next one begins; `None` after the last.
    pub next: Option<AttentionPlace>,
}

/// The circuit breaker of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerView {
    /// `closed`, `open` or `half_open`.
    pub state: &'static str,
    /// Until when it stays like this by itself; `None` when it is closed.
    pub until: Option<Timestamp>,
}

/// How far the views have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewsProgress {
    /// Every record up to this sequence is in them.
    pub cursor: u64,
    /// The last record that is durable.
    pub last: u64,
    /// How far a rebuild beside them is, if one is under way.
    pub rebuilding: Option<u64>,
    /// Whether an operator stopped them.
    pub stopped: bool,
}
