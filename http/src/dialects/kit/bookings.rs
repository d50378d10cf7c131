//! What dialects ask of the engine: book, look, cancel, delete, keep beside the order. It is all
//! said in the engine's words; no rule is here.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use surehold::Refusal;
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::card::Card;
use surehold::domain::id::{OfferingId, OrderId, PaymentId};
use surehold::domain::quantity::Quantity;
use surehold::domain::saga::Phase;
use surehold::view::{Booking, NewOrder, OrderCommand, OrderView, PaymentView, Placed};

use super::{Desk, Failure, Found, Sent};
use crate::fields::NUMBER_MAX;

/// The attribute that marks an order as deleted by a client of a dialect.
const DELETED: &str = "_deleted";
/// The attribute with the call that cancelled an order.
const CANCELLED_BY: &str = "_cancelled_by";

impl Desk<'_> {
    /// Books one unit, paid with the order.
    ///
    /// # Errors
    /// As [`Desk::place`].
    pub async fn book(
        &self,
        offering: OfferingId,
        customer: Option<&str>,
        card: String,
        attributes: Attributes,
    ) -> Result<OrderView, Failure> {
        let customer = customer.unwrap_or_default().to_owned();
        let (quantity, card) = (Quantity::ONE, Some(card));
        let booking = Booking::Units;
        self.place(NewOrder { customer, offering, quantity, booking, card, attributes }).await
    }

    /// Places an order that is a booking once this returns, and nothing at all otherwise.
    ///
    /// # Errors
    /// 409 if there is no room; 500 as the reference systems say it if the payment does not come
    /// about; what is wrong with the order.
    pub async fn place(&self, new: NewOrder) -> Result<OrderView, Failure> {
        let placement = self.engine().place(self.market, new, None).await?;
        let order = placement.order;
        match placement.placed {
            Placed::Booked | Placed::ToBePaid => Ok(order),
            Placed::UnderWay => {
                // The client is told that nothing was kept, so nothing may come of it any more.
                let cancel = cancel(Attributes::new());
                self.engine().command(self.market, order.id, cancel).await?;
                Err(Failure::Undone)
            }
            Placed::NoRoom => Err(Failure::Conflict(
                "there is no room left; nothing was booked or charged, choose another or try later"
                    .to_owned(),
            )),
            Placed::Declined
            | Placed::PaymentsDown
            | Placed::InventoryDown
            | Placed::CameToNothing => Err(Failure::Undone),
        }
    }

    /// The order of this number, if it came into being; deleted or not, for views.
    ///
    /// # Errors
    /// [`Failure::Nothing`] if there is none.
    pub async fn order(&self, id: u64) -> Result<OrderView, Failure> {
        let order = self.engine().order(self.market, OrderId(id)).await?;
        if order.came_into_being() { Ok(order) } else { Err(Failure::Nothing) }
    }

    /// The order of this number, if it came into being and was not deleted.
    ///
    /// # Errors
    /// [`Failure::Nothing`] if there is none.
    pub async fn live_order(&self, id: u64) -> Result<OrderView, Failure> {
        let order = self.order(id).await?;
        if is_deleted(&order) { Err(Failure::Nothing) } else { Ok(order) }
    }

    /// The number of an order's cancellation, if it was cancelled. One that never was asks nobody.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn cancellation_of(&self, order: &OrderView) -> Result<Option<u64>, Failure> {
        if order.reason.is_none() {
            return Ok(None);
        }
        Ok(self.engine().cancellation_of(self.market, order.id).await?)
    }

    /// Cancels an order and keeps the change beside it; one that is cancelled already only keeps the
    /// change.
    ///
    /// # Errors
    /// 409 if the order cannot be cancelled any more.
    pub async fn cancel(
        &self,
        order: &OrderView,
        change: Attributes,
    ) -> Result<OrderView, Failure> {
        match self.engine().command(self.market, order.id, cancel(change.clone())).await {
            Ok(cancelled) => {
                let mut changed = change.iter();
                if changed.all(|(name, value)| cancelled.attributes.get(name) == Some(value)) {
                    return Ok(cancelled);
                }
            }
            Err(Refusal::WrongPhase { phase: Phase::Cancelled, .. }) => {}
            Err(refusal) => return Err(refusal.into()),
        }
        // It was cancelled before, perhaps a moment ago: what is sent now is only kept beside it.
        self.annotate(order, change).await
    }

    /// Cancels an order, and says whether it was this call that did: of many at the same instant, one.
    ///
    /// # Errors
    /// 409 if the order cannot be cancelled any more.
    pub async fn cancel_first(&self, order: &OrderView) -> Result<bool, Failure> {
        static CALLS: AtomicI64 = AtomicI64::new(0);
        let call = Attribute::Whole(CALLS.fetch_add(1, Ordering::Relaxed));
        let mark = Attributes::from([(CANCELLED_BY.to_owned(), call.clone())]);
        match self.engine().command(self.market, order.id, cancel(mark)).await {
            Ok(cancelled) => Ok(cancelled.attributes.get(CANCELLED_BY) == Some(&call)),
            Err(Refusal::WrongPhase { phase: Phase::Cancelled, .. }) => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Keeps the change beside the order, and does nothing else.
    ///
    /// # Errors
    /// Why the engine does not.
    pub async fn annotate(
        &self,
        order: &OrderView,
        change: Attributes,
    ) -> Result<OrderView, Failure> {
        let annotate = OrderCommand::Annotate(change);
        Ok(self.engine().command(self.market, order.id, annotate).await?)
    }

    /// Cancels the order of this number and keeps what was sent, if that changes anything: what an
    /// update means to the reference systems in which any update cancels.
    ///
    /// # Errors
    /// [`Failure::Nothing`] if there is none; 409 if it cannot be cancelled any more.
    pub async fn cancel_if_changed(&self, id: &str, sent: Sent) -> Result<OrderView, Failure> {
        let order = self.live_order(number(id)?).await?;
        let change = sent.changes(&order.attributes);
        if change.is_empty() { Ok(order) } else { self.cancel(&order, change).await }
    }

    /// Hides the order of this number from its collection, and cancels it unless it was fulfilled.
    ///
    /// # Errors
    /// [`Failure::Nothing`] if there is none, or it was deleted before.
    pub async fn delete(&self, id: &str) -> Result<(), Failure> {
        self.hide(&self.live_order(number(id)?).await?).await
    }

    /// Hides this order from its collection, and cancels it unless it was fulfilled.
    ///
    /// # Errors
    /// 409 if it cannot be cancelled now.
    pub async fn hide(&self, order: &OrderView) -> Result<(), Failure> {
        let mark = Attributes::from([(DELETED.to_owned(), Attribute::Flag(true))]);
        if order.phase == Phase::Fulfilled {
            self.annotate(order, mark).await?;
        } else {
            self.cancel(order, mark).await?;
        }
        Ok(())
    }
}

/// Whether a client of a dialect deleted this order.
#[must_use]
pub fn is_deleted(order: &OrderView) -> bool {
    order.attributes.get(DELETED) == Some(&Attribute::Flag(true))
}

fn cancel(attributes: Attributes) -> OrderCommand {
    OrderCommand::Cancel { note: None, quote: None, attributes }
}

/// The number in an address.
///
/// # Errors
/// [`Failure::Nothing`]: what is no number is nowhere.
pub fn number(text: &str) -> Result<u64, Failure> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(id @ 1..=NUMBER_MAX) if digits => Ok(id),
        _ => Err(Failure::Nothing),
    }
}

/// The number of the promise that was made to the customer, if one was; also if it was cancelled
/// later.
#[must_use]
pub fn confirmed(order: &OrderView) -> Option<u64> {
    let made = order.confirmation.as_ref().filter(|made| made.state == Some("confirmed"));
    made.map(|made| made.id.0)
}

/// A kept value as JSON; null if there is none.
#[must_use]
pub fn shown(order: &OrderView, name: &str) -> Value {
    kept_in(&order.attributes, name)
}

/// One of some kept values as JSON; null if there is none.
#[must_use]
pub fn kept_in(kept: &Attributes, name: &str) -> Value {
    kept.get(name).map_or(Value::Null, value)
}

/// A kept value as JSON.
#[must_use]
pub fn value(kept: &Attribute) -> Value {
    match kept {
        Attribute::Null => Value::Null,
        Attribute::Flag(flag) => Value::from(*flag),
        Attribute::Whole(number) => Value::from(*number),
        Attribute::Decimal(number) => Value::from(*number),
        Attribute::Text(text) => Value::from(text.as_str()),
    }
}

/// Which of two texts fits a payment: the first while the money is here, the second once it went
/// back.
///
/// # Errors
/// [`Failure::Nothing`] if no money ever came of it: such a payment has no row.
pub fn paid_or<'t>(
    payment: &PaymentView,
    paid: &'t str,
    back: &'t str,
) -> Result<&'t str, Failure> {
    match payment.state {
        "captured" => Ok(paid),
        "refunded" | "partly_refunded" => Ok(back),
        _ => Err(Failure::Nothing),
    }
}

/// The row of a payment where payments show the card they were made with.
///
/// # Errors
/// [`Failure::Nothing`] if there is no such payment, or no money ever came of it.
pub async fn card_payment(desk: &Desk<'_>, id: u64, paid: &str, back: &str) -> Found {
    let payment = desk.engine().payment(desk.market, PaymentId(id)).await?;
    let status = paid_or(&payment, paid, back)?;
    Ok(json!({ "orderId": payment.order.0, "cardNo": card_no(&payment), "status": status }))
}

/// What an event tells of such a payment.
#[must_use]
pub fn card_payment_told(order: &OrderView, status: &str) -> Value {
    let payment = order.payment.as_ref();
    json!({
        "id": payment.map(|payment| payment.id.0),
        "orderId": order.id.0,
        "cardNo": payment.and_then(card_no),
        "status": status,
    })
}

/// The card of a payment as a number: a token's digits, or a full number's last four.
#[must_use]
fn card_no(payment: &PaymentView) -> Option<i64> {
    let digits = match payment.card.as_ref()? {
        Card::Token(token) => token,
        Card::Number { last4 } => last4,
    };
    digits.parse().ok()
}
