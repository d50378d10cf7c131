//! Looking, and what is sold. Of one thing a read is always current and tells only what is on disk; a list may lag behind by
//! moments.

use surehold::domain::day::Day;
use surehold::domain::id::{ConfirmationId, OfferingId, OrderId, PaymentId};
use surehold::domain::inventory::Availability;
use surehold::event::Events;
use surehold::{
    ConfirmationView, History, Market, NewOffering, OfferingChange, OfferingView, OrderFilter,
    OrderView, Page, PaymentView, WaitingView,
};

use super::asks;

/// An order as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetOrder {
    /// In which market.
    pub market: Market,
    /// Which.
    pub order: OrderId,
}

asks!(GetOrder => OrderView, |it, engine| engine.order(it.market, it.order).await);

/// An order's steps, each with its time and cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetHistory {
    /// In which market.
    pub market: Market,
    /// Of which order.
    pub order: OrderId,
}

asks!(GetHistory => History, |it, engine| engine.history(it.market, it.order).await);

/// The order that an idempotency key made, if it made one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindOrder {
    /// In which market.
    pub market: Market,
    /// The key.
    pub key: String,
}

asks!(FindOrder => Option<OrderView>, |it, engine| engine.order_by_key(it.market, &it.key).await);

/// A page of orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOrders {
    /// In which market.
    pub market: Market,
    /// Which of them.
    pub filter: OrderFilter,
    /// After which number: 0 for the first page, then what the page before says is next.
    pub after: u64,
    /// At most so many.
    pub limit: usize,
}

asks!(ListOrders => Page<OrderView>, |it, engine| {
    engine.orders(it.market, it.filter, it.after, it.limit).await
});

/// A page of what waits for the operator's word, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListWaiting {
    /// In which market.
    pub market: Market,
    /// After which number: 0 for the first page, then what the page before says is next.
    pub after: u64,
    /// At most so many.
    pub limit: usize,
}

asks!(ListWaiting => Page<WaitingView>, |it, engine| {
    engine.waiting(it.market, it.after, it.limit).await
});

/// A payment as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetPayment {
    /// In which market.
    pub market: Market,
    /// Which.
    pub payment: PaymentId,
}

asks!(GetPayment => PaymentView, |it, engine| engine.payment(it.market, it.payment).await);

/// A confirmation as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetConfirmation {
    /// In which market.
    pub market: Market,
    /// Which.
    pub confirmation: ConfirmationId,
}

asks!(GetConfirmation => ConfirmationView, |it, engine| {
    engine.confirmation(it.market, it.confirmation).await
});

/// A page of committed facts, for whoever asks now and then; [`Subscribe`](super::Subscribe) is for whoever follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetEvents {
    /// In which market.
    pub market: Market,
    /// After which sequence.
    pub after: u64,
    /// At most so many.
    pub limit: usize,
}

asks!(GetEvents => Events, |it, engine| engine.events(it.market, it.after, it.limit).await);

/// Puts something up for sale.
#[derive(Clone, Debug, PartialEq)]
pub struct AddOffering {
    /// In which market.
    pub market: Market,
    /// What.
    pub offering: NewOffering,
}

asks!(AddOffering => OfferingView, |it, engine| engine.add_offering(it.market, it.offering).await);

/// Changes what is sold.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeOffering {
    /// In which market.
    pub market: Market,
    /// Which.
    pub offering: OfferingId,
    /// What of it.
    pub change: OfferingChange,
}

asks!(ChangeOffering => OfferingView, |it, engine| {
    engine.change_offering(it.market, it.offering, it.change).await
});

/// Sells no more of something; who holds some keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseOffering {
    /// In which market.
    pub market: Market,
    /// Which.
    pub offering: OfferingId,
}

asks!(CloseOffering => (), |it, engine| engine.close_offering(it.market, it.offering).await);

/// What is sold, as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetOffering {
    /// In which market.
    pub market: Market,
    /// Which.
    pub offering: OfferingId,
}

asks!(GetOffering => OfferingView, |it, engine| engine.offering(it.market, it.offering).await);

/// A page of what is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListOfferings {
    /// In which market.
    pub market: Market,
    /// After which number: 0 for the first page, then what the page before says is next.
    pub after: u64,
    /// At most so many.
    pub limit: usize,
}

asks!(ListOfferings => Page<OfferingView>, |it, engine| {
    engine.offerings(it.market, it.after, it.limit).await
});

/// What is free of an offering: in all, or for each night or slot between two days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetAvailability {
    /// In which market.
    pub market: Market,
    /// Of what.
    pub offering: OfferingId,
    /// From which day on.
    pub from: Option<Day>,
    /// Up to before which day.
    pub to: Option<Day>,
}

asks!(GetAvailability => (OfferingView, Availability), |it, engine| {
    engine.availability(it.market, it.offering, (it.from, it.to)).await
});
