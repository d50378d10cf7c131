//! Placing an order, and everything that may be asked of one. A refused command changed nothing.

use surehold::domain::attributes::Attributes;
use surehold::domain::id::OrderId;
use surehold::{Idempotency, Market, NewOrder, OrderCommand, OrderView, Placement, QuoteView};

use super::asks;

/// Places an order and waits until it is paid, refused or undone. See [`Engine::place`](surehold::Engine::place).
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceOrder {
    /// In which market.
    pub market: Market,
    /// What is asked for.
    pub order: NewOrder,
    /// The client's own name for the request, so that repeating it is harmless.
    pub key: Option<Idempotency>,
}

asks!(PlaceOrder => Placement, |it, engine| engine.place(it.market, it.order, it.key).await);

/// Pays an order that waits for its money.
#[derive(Clone, PartialEq, Eq)]
pub struct Pay {
    /// In which market.
    pub market: Market,
    /// Which order.
    pub order: OrderId,
    /// A card number or a token, as typed.
    pub card: String,
}

asks!(Pay => OrderView, |it, engine| {
    engine.command(it.market, it.order, OrderCommand::Pay { card: it.card }).await
});

/// The operator says yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// In which market.
    pub market: Market,
    /// Which order.
    pub order: OrderId,
}

asks!(Confirm => OrderView, |it, engine| {
    engine.command(it.market, it.order, OrderCommand::Confirm).await
});

/// The operator says no; what was taken is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// In which market.
    pub market: Market,
    /// Which order.
    pub order: OrderId,
    /// Why, perhaps.
    pub note: Option<String>,
}

asks!(Reject => OrderView, |it, engine| {
    engine.command(it.market, it.order, OrderCommand::Reject { note: it.note }).await
});

/// What was booked was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complete {
    /// In which market.
    pub market: Market,
    /// Which order.
    pub order: OrderId,
}

asks!(Complete => OrderView, |it, engine| {
    engine.command(it.market, it.order, OrderCommand::Complete).await
});

/// The customer did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoShow {
    /// In which market.
    pub market: Market,
    /// Which order.
    pub order: OrderId,
    /// What the operator says of it, perhaps.
    pub note: Option<String>,
}

asks!(NoShow => OrderView, |it, engine| {
    engine.command(it.market, it.order, OrderCommand::NoShow { note: it.note }).await
});

/// Cancels; what was taken is undone, and the answer waits for it a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Cancel {
    /// In which market.
    pub market: Market,
    /// Which order.
    pub order: OrderId,
    /// Why, perhaps.
    pub note: Option<String>,
    /// A quote that must be honoured, as [`Quote`] gave it.
    pub quote: Option<u32>,
    /// What the marketplace keeps beside the order, as far as it changes with this.
    pub attributes: Attributes,
}

asks!(Cancel => OrderView, |it, engine| {
    let command =
        OrderCommand::Cancel { note: it.note, quote: it.quote, attributes: it.attributes };
    engine.command(it.market, it.order, command).await
});

/// Changes what the marketplace keeps beside an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotate {
    /// In which market.
    pub market: Market,
    /// Which order.
    pub order: OrderId,
    /// The names that change, with their values.
    pub attributes: Attributes,
}

asks!(Annotate => OrderView, |it, engine| {
    engine.command(it.market, it.order, OrderCommand::Annotate(it.attributes)).await
});

/// Says what a cancellation now would return, and holds to it for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// In which market.
    pub market: Market,
    /// Which order.
    pub order: OrderId,
}

asks!(Quote => QuoteView, |it, engine| engine.quote(it.market, it.order).await);
