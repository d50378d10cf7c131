//! Whom an order asks on the bare path: a task for each offering, one for the payments, one for the confirmations.

use std::sync::Arc;

use surehold_domain::card::Card;
use surehold_domain::confirmation::{self, Confirmation, State};
use surehold_domain::id::{ConfirmationId, OfferingId, OrderId, OrderKey, PaymentId};
use surehold_domain::inventory::{self, Inventory, Model, Offering};
use surehold_domain::money::Money;
use surehold_domain::order::Claim;
use surehold_domain::payment::{self, Answer, Payment};
use surehold_domain::quantity::Quantity;
use surehold_domain::terms::ConfirmedBy;
use surehold_domain::testing;
use surehold_storage::redb::RedbJournal;
use surehold_storage::{Journal, Stream};
use tokio::sync::{mpsc, oneshot};

use super::path::{CONFIRMATION, OFFERING, PAYMENT, append, now};

/// Seats of an offering: more than there are orders.
const SEATS: u64 = 1_000_000_000;

/// A question, and where its answer goes.
#[derive(Debug)]
pub(super) struct Ask<T> {
    pub(super) what: T,
    pub(super) reply: oneshot::Sender<bool>,
}

/// To an offering.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) order: OrderId,
    pub(super) claim: Claim,
}

/// To the payments.
#[derive(Debug)]
pub(super) struct Charge {
    pub(super) payment: PaymentId,
    pub(super) order: OrderKey,
    pub(super) amount: Money,
    pub(super) card: Option<Card>,
}

/// To the confirmations.
#[derive(Debug)]
pub(super) struct Confirm {
    pub(super) confirmation: ConfirmationId,
    pub(super) order: OrderKey,
    pub(super) by: ConfirmedBy,
}

type Mailbox<T> = mpsc::UnboundedSender<Box<Ask<T>>>;

/// Starts an offering.
pub(super) fn offering(journal: Arc<RedbJournal>, id: OfferingId) -> Mailbox<Hold> {
    let (mailbox, mut mail) = mpsc::unbounded_channel::<Box<Ask<Hold>>>();
    tokio::spawn(async move {
        let mut inventory = opened(id)?;
        while let Some(ask) = mail.recv().await {
            let Ask { what: Hold { order, claim }, reply } = *ask;
            let held = hold(&journal, &mut inventory, order, claim);
            let _ = reply.send(held.is_some());
        }
        Some(())
    });
    mailbox
}

fn opened(id: OfferingId) -> Option<Inventory> {
    let offering = Offering {
        name: format!("Talent {id}"),
        price: testing::order().price,
        model: Model::Seats { capacity: Quantity::whole(SEATS).ok()? },
        overbook: Quantity::NONE,
        attributes: testing::order().attributes,
    };
    let event = inventory::Event::Opened(Box::new(offering));
    Inventory::begin(id, &inventory::Fact { at: now(), event })
}

fn hold(
    journal: &RedbJournal,
    inventory: &mut Inventory,
    order: OrderId,
    claim: Claim,
) -> Option<()> {
    let verdict = inventory.decide(inventory::Input::Hold { order, claim });
    let inventory::Verdict::Record(event) = verdict else { return None };
    let fact = inventory::Fact { at: now(), event };
    inventory.apply(&fact);
    let stream = Stream { kind: OFFERING, group: 0, id: inventory.id().0 };
    append(journal, stream, inventory.number(), &fact).map(drop)
}

/// Starts the payments. Their gateway answers at once, but is asked only once that is on disk, as a real one must be.
pub(super) fn payments(journal: Arc<RedbJournal>) -> Mailbox<Charge> {
    let (mailbox, mut mail) = mpsc::unbounded_channel::<Box<Ask<Charge>>>();
    tokio::spawn(async move {
        while let Some(ask) = mail.recv().await {
            let Ask { what: Charge { payment, order, amount, card }, reply } = *ask;
            let event = payment::Event::Requested { order, amount, card };
            let fact = payment::Fact { at: now(), event };
            let stream = Stream { kind: PAYMENT, group: 0, id: payment.0 };
            let asked = append(&journal, stream, 1, &fact);
            let payment = Payment::begin_with(payment, fact);
            if let (Some(asked), Some(payment)) = (asked, payment) {
                tokio::spawn(charged(Arc::clone(&journal), payment, asked, reply));
            }
        }
    });
    mailbox
}

async fn charged(
    journal: Arc<RedbJournal>,
    mut payment: Payment,
    asked: u64,
    reply: oneshot::Sender<bool>,
) -> Option<()> {
    journal.durable().reached(asked).await.ok()?;
    let answered = payment::Input::Answer(Answer::Captured);
    let payment::Verdict::Record(event) = payment.decide(answered, now()) else { return None };
    let fact = payment::Fact { at: now(), event };
    payment.apply(&fact);
    let stream = Stream { kind: PAYMENT, group: 0, id: payment.id().0 };
    append(&journal, stream, payment.number(), &fact)?;
    reply.send(payment.state_name() == "captured").ok()
}

/// Starts the confirmations, which are made at once.
pub(super) fn confirmations(journal: Arc<RedbJournal>) -> Mailbox<Confirm> {
    let (mailbox, mut mail) = mpsc::unbounded_channel::<Box<Ask<Confirm>>>();
    tokio::spawn(async move {
        while let Some(ask) = mail.recv().await {
            let Ask { what, reply } = *ask;
            let _ = reply.send(confirmed(&journal, &what).is_some());
        }
    });
    mailbox
}

fn confirmed(journal: &RedbJournal, what: &Confirm) -> Option<()> {
    let event = Confirmation::request(what.order, what.by, now());
    let fact = confirmation::Fact { at: now(), event };
    let made = Confirmation::begin(what.confirmation, &fact)?;
    let stream = Stream { kind: CONFIRMATION, group: 0, id: what.confirmation.0 };
    append(journal, stream, 1, &fact)?;
    matches!(made.state(), State::Confirmed).then_some(())
}
