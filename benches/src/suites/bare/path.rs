//! The bare path of an order: the same machines, the same eight records in the same journal, the same two waits for the
//! disk, on bare tasks and channels. Nothing else: see the suite for what an engine has to do besides.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use surehold_domain::card::Card;
use surehold_domain::id::{
    ConfirmationId, EffectId, MarketId, OfferingId, OrderId, OrderKey, PaymentId,
};
use surehold_domain::order::Order;
use surehold_domain::saga::{Effect, Fact, Input, Next, Outcome, Phase, Saga, Verdict};
use surehold_domain::testing;
use surehold_domain::time::Timestamp;
use surehold_storage::redb::RedbJournal;
use surehold_storage::{Journal, JournalError, NewRecord, Stream, codec};
use tokio::sync::{mpsc, oneshot};

use super::parties::{self, Ask, Charge, Confirm, Hold};
use crate::suites::SuiteError;

/// Kinds of streams; an engine has more.
pub(super) const OFFERING: u8 = 3;
pub(super) const ORDER: u8 = 4;
pub(super) const PAYMENT: u8 = 5;
pub(super) const CONFIRMATION: u8 = 6;

/// What a customer sends.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Who.
    pub customer: String,
    /// What.
    pub offering: OfferingId,
    /// Paid with.
    pub card: Card,
}

/// What a customer is told.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// The order's number.
    pub id: u64,
    /// Who asked.
    pub customer: String,
    /// For what.
    pub offering: u64,
    /// Where it stands.
    pub phase: &'static str,
    /// What it costs, in cents.
    pub amount: i64,
    /// When it was placed, in milliseconds since 1970.
    pub created_at: u64,
}

/// Everybody on the path, and the journal.
#[derive(Debug)]
pub struct Bare {
    journal: Arc<RedbJournal>,
    offerings: Vec<mpsc::UnboundedSender<Box<Ask<Hold>>>>,
    payments: mpsc::UnboundedSender<Box<Ask<Charge>>>,
    confirmations: mpsc::UnboundedSender<Box<Ask<Confirm>>>,
    orders: AtomicU64,
    others: AtomicU64,
}

impl Bare {
    /// Opens a journal in this folder, and starts a task for each offering, for the payments and for the confirmations.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(folder: &Path, offerings: u64) -> Result<Arc<Self>, JournalError> {
        let journal = RedbJournal::open(folder)?;
        let start = |id| parties::offering(Arc::clone(&journal), OfferingId(id));
        Ok(Arc::new(Self {
            offerings: (1..=offerings).map(start).collect(),
            payments: parties::payments(Arc::clone(&journal)),
            confirmations: parties::confirmations(Arc::clone(&journal)),
            journal,
            orders: AtomicU64::new(1),
            others: AtomicU64::new(1),
        }))
    }

    /// Places an order and answers when its payment is on disk, as the engine does.
    ///
    /// # Errors
    /// The order comes to anything but a paid one, or the journal fails.
    pub async fn place(self: &Arc<Self>, wanted: Wanted) -> Result<Told, SuiteError> {
        let _at_work = self.journal.durable().enter();
        let (tell, told) = oneshot::channel();
        tokio::spawn(live(Arc::clone(self), wanted, tell));
        let (sequence, told) =
            told.await.map_err(|_| SuiteError::Answer("an order came to nothing".to_owned()))?;
        let on_disk = self.journal.durable().reached(sequence).await;
        on_disk.map_err(|error| SuiteError::Answer(error.to_string()))?;
        Ok(told)
    }

    /// Records on disk; an order leaves eight.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.journal.last()
    }

    /// Writes what is left and gives the folder up.
    pub fn close(&self) {
        self.journal.close();
    }

    fn other(&self) -> u64 {
        self.others.fetch_add(1, Ordering::Relaxed)
    }

    async fn ask(&self, effect: Effect, id: EffectId) -> Option<Outcome> {
        let order = id.order;
        match effect {
            Effect::Hold { offering, claim } => {
                let at = usize::try_from(offering.0.checked_sub(1)?).ok()?;
                let held = asked(self.offerings.get(at)?, Hold { order: order.order, claim });
                held.await?.then(|| Outcome::Held(Next::Payment(PaymentId(self.other()))))
            }
            Effect::Charge { payment, amount, card } => {
                let charged = asked(&self.payments, Charge { payment, order, amount, card });
                charged.await?.then(|| Outcome::Captured(ConfirmationId(self.other())))
            }
            Effect::Confirm { confirmation, terms, .. } => {
                let by = terms.by;
                let confirmed = asked(&self.confirmations, Confirm { confirmation, order, by });
                confirmed.await?.then_some(Outcome::Confirmed)
            }
            Effect::Refund { .. }
            | Effect::Settle { .. }
            | Effect::Release { .. }
            | Effect::Withdraw { .. }
            | Effect::Credit { .. }
            | Effect::Supply { .. } => None,
        }
    }
}

async fn asked<T>(party: &mpsc::UnboundedSender<Box<Ask<T>>>, what: T) -> Option<bool> {
    let (reply, answer) = oneshot::channel();
    party.send(Box::new(Ask { what, reply })).ok()?;
    answer.await.ok()
}

/// An order's life: decide, apply, append, ask the next one.
async fn live(bare: Arc<Bare>, wanted: Wanted, tell: oneshot::Sender<(u64, Told)>) -> Option<()> {
    let number = bare.orders.fetch_add(1, Ordering::Relaxed);
    let key = OrderKey { market: MarketId(0), order: OrderId(number) };
    let Wanted { customer, offering, card } = wanted;
    let order = Order { customer, offering, ..testing::order() };
    let fact = Saga::place(order, Some(card), now());
    let stream = Stream { kind: ORDER, group: 0, id: number };
    append(&bare.journal, stream, 1, &fact)?;
    let mut saga = Saga::begin_with(key, fact)?;
    let mut tell = Some(tell);
    while let (Some(effect), Some(id)) = (saga.effect(), saga.effect_id()) {
        let outcome = bare.ask(effect, id).await?;
        let Verdict::Record(event) = saga.decide(Input::Outcome(id, outcome), now()) else {
            return None;
        };
        let fact = Fact { at: now(), event };
        saga.apply(&fact);
        let sequence = append(&bare.journal, stream, saga.number(), &fact)?;
        if saga.phase() == Phase::Paid
            && let Some(tell) = tell.take()
        {
            // Who went away needs no answer.
            let _ = tell.send((sequence, told(&saga)));
        }
    }
    Some(())
}

fn told(saga: &Saga) -> Told {
    let order = saga.order();
    Told {
        id: saga.key().order.0,
        customer: order.customer.clone(),
        offering: order.offering.0,
        phase: saga.phase().name(),
        amount: order.price.amount(),
        created_at: saga.placed_at().0,
    }
}

/// Encodes a fact and appends it; says where it stands.
pub(super) fn append<T: Serialize>(
    journal: &RedbJournal,
    stream: Stream,
    number: u32,
    fact: &T,
) -> Option<u64> {
    let bytes = codec::encode(1, fact).ok()?;
    journal.append_one(NewRecord { stream, number, bytes }).ok()
}

/// The time.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
