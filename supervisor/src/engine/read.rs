//! Reading: one order, its history, one payment, one confirmation. Always current, always durable.

use surehold_actors::machine::Serial;
use surehold_actors::shelf::Loaded;
use surehold_actors::stream::{self, ConfirmationKey, PaymentKey, Series};
use surehold_actors::watch::Seen;
use surehold_domain::confirmation::Confirmation;
use surehold_domain::id::{ConfirmationId, OrderId, OrderKey, PaymentId};
use surehold_domain::order::Order;
use surehold_domain::payment::Payment;
use surehold_domain::plan::Plan;
use surehold_domain::saga::{Phase, Reason, Saga};

use super::orders::load;
use super::{Engine, Market};
use crate::core::Core;
use crate::refusal::Refusal;
use crate::view::{ConfirmationView, History, OrderView, PaymentView};

impl Engine {
    /// An order as it stands.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or why it cannot be read.
    pub async fn order(&self, market: Market, order: OrderId) -> Result<OrderView, Refusal> {
        let core = self.core()?;
        let key = OrderKey { market: self.market_id(&core, market), order };
        let seen = load(&core, key)?;
        self.show(&core, self.plan(market), seen).await
    }

    /// The order with this number among the sales, or the supplies, of a market that takes both.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or why it cannot be read.
    pub async fn numbered(
        &self,
        market: Market,
        series: Series,
        number: u64,
    ) -> Result<OrderView, Refusal> {
        let core = self.core()?;
        let stream = stream::serial(series, self.market_id(&core, market), number);
        let serial = core.post.shelf.load::<Serial>(stream)?;
        let serial = serial.ok_or(Refusal::NotFound { kind: "order", id: number })?;
        self.order(market, serial.machine.order).await
    }

    /// The last number given among the sales, or the supplies, of a market that takes both.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] while the engine is down.
    pub fn last_number(&self, market: Market, series: Series) -> Result<u64, Refusal> {
        let core = self.core()?;
        let market = self.market_id(&core, market);
        Ok(core.post.shelf.numbers().last(series.kind(), market))
    }

    /// An order's steps, each with its time and cause.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or why it cannot be read.
    pub async fn history(&self, market: Market, order: OrderId) -> Result<History, Refusal> {
        let core = self.core()?;
        let key = OrderKey { market: self.market_id(&core, market), order };
        let seen = load(&core, key)?;
        self.durable(&core, seen.sequence).await?;
        Ok(History { order, steps: seen.saga.history().to_vec() })
    }

    /// A payment as it stands.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or why it cannot be read.
    pub async fn payment(&self, market: Market, id: PaymentId) -> Result<PaymentView, Refusal> {
        let core = self.core()?;
        let key = PaymentKey { market: self.market_id(&core, market), payment: id };
        let loaded = core.post.shelf.load::<Payment>(key.stream())?;
        let Loaded { machine: payment, sequence } =
            loaded.ok_or(Refusal::NotFound { kind: "payment", id: id.0 })?;
        self.durable(&core, sequence).await?;
        Ok(PaymentView {
            id,
            order: payment.order().order,
            state: payment.state_name(),
            card: payment.card().cloned(),
            amount: payment.amount(),
        })
    }

    /// A confirmation as it stands.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or why it cannot be read.
    pub async fn confirmation(
        &self,
        market: Market,
        id: ConfirmationId,
    ) -> Result<ConfirmationView, Refusal> {
        let core = self.core()?;
        let key = ConfirmationKey { market: self.market_id(&core, market), confirmation: id };
        let loaded = core.post.shelf.load::<Confirmation>(key.stream())?;
        let Loaded { machine: confirmation, sequence } =
            loaded.ok_or(Refusal::NotFound { kind: "confirmation", id: id.0 })?;
        self.durable(&core, sequence).await?;
        let state = Some(confirmation.state_name());
        Ok(ConfirmationView { id, order: confirmation.order().order, state })
    }

    /// The order as the outside may see it: once all that it tells of is durable.
    pub(super) async fn show(
        &self,
        core: &Core,
        plan: &Plan,
        seen: Seen,
    ) -> Result<OrderView, Refusal> {
        let (payment, paid) = payment_view(core, &seen.saga)?;
        self.durable(core, seen.sequence.max(paid)).await?;
        // Made last: it is large, and need not be kept while this waits.
        Ok(order_view(plan, seen.saga, payment))
    }

    /// The order, and the last record of all that it tells of.
    pub(super) fn view(
        &self,
        core: &Core,
        plan: &Plan,
        seen: Seen,
    ) -> Result<(OrderView, u64), Refusal> {
        let (payment, paid) = payment_view(core, &seen.saga)?;
        Ok((order_view(plan, seen.saga, payment), seen.sequence.max(paid)))
    }
}

/// The order and its payment, as they are shown.
fn order_view(plan: &Plan, saga: Box<Saga>, mut payment: Option<PaymentView>) -> OrderView {
    let (id, market, phase) = (saga.key().order, plan.name.clone(), saga.phase());
    let reason = saga.reason().cloned();
    let confirmation = saga.confirmation().map(|id| confirmation_view(&saga, id));
    let (created_at, updated_at) = (saga.placed_at(), saga.updated_at());
    let deadline = saga.deadline();
    let changed = saga.attributes_changed();
    let placed_attributes = changed.then(|| saga.placed_attributes().clone());
    let (order, card) = saga.into_order();
    let Order { customer, offering, claim, price, attributes, .. } = order;
    if let Some(payment) = &mut payment {
        payment.card = card;
    }
    OrderView {
        id,
        market,
        phase,
        reason,
        customer,
        offering,
        quantity: claim.quantity(),
        price,
        payment,
        confirmation,
        created_at,
        updated_at,
        deadline,
        attributes,
        placed_attributes,
        claim,
    }
}

/// The order tells most of it; only while money is under way does the payment know more. With it
/// comes the payment's last record, where that was looked at. What it is paid with is the order's to say.
fn payment_view(core: &Core, saga: &Saga) -> Result<(Option<PaymentView>, u64), Refusal> {
    let Some(id) = saga.payment() else { return Ok((None, 0)) };
    let key = saga.key();
    let settled = match (saga.phase(), saga.captured(), saga.refunded()) {
        (Phase::Paid | Phase::Confirmed | Phase::Fulfilled, _, _) => Some("captured"),
        (Phase::Cancelled, Some(charged), Some(back)) if charged == back => Some("refunded"),
        (Phase::Cancelled, Some(_), Some(_)) => Some("partly_refunded"),
        (Phase::Cancelled, Some(_), None) => Some("captured"),
        (Phase::Cancelled, None, _)
            if matches!(saga.reason(), Some(Reason::PaymentDeclined(_))) =>
        {
            Some("declined")
        }
        (_, _, _) => None,
    };
    let (state, sequence) = match settled {
        Some(state) => (state, 0),
        None => {
            let stream = PaymentKey { market: key.market, payment: id }.stream();
            let loaded = core.post.shelf.load::<Payment>(stream)?;
            loaded.map_or(("pending", 0), |loaded| (loaded.machine.state_name(), loaded.sequence))
        }
    };
    let (order, amount) = (key.order, saga.order().price);
    Ok((Some(PaymentView { id, order, state, card: None, amount }), sequence))
}

fn confirmation_view(saga: &Saga, id: ConfirmationId) -> ConfirmationView {
    use surehold_domain::saga::{Asked, State};
    let state = match saga.state() {
        State::Paid { asked: Asked::Waiting | Asked::Demanded, .. } => Some("waiting"),
        State::Confirmed { .. } | State::Delivering { .. } | State::Fulfilled => Some("confirmed"),
        State::Paid { asked: Asked::Requested, .. }
        | State::Holding { .. }
        | State::Paying { .. }
        | State::Crediting { .. }
        | State::Unpaid { .. } => None,
        State::Undoing { .. } | State::Stuck { .. } | State::Refused(_) | State::Cancelled(_) => {
            // What was promised stays on record as promised, also when it was cancelled later.
            if was_confirmed(saga) { Some("confirmed") } else { Some("rejected") }
        }
    };
    ConfirmationView { id, order: saga.key().order, state }
}

fn was_confirmed(saga: &Saga) -> bool {
    saga.history().iter().any(|step| step.phase == Phase::Confirmed)
}
