//! The audit: every unit and every cent is in exactly one account.
//!
//! It recounts from what is stored, while orders go on: every order is held against its payment and
//! its offering, every hold against its order. What disagrees because it is under way is looked at
//! again; what still disagrees is a finding. Its time grows with the orders ever made.

use std::collections::BTreeMap;
use std::time::Duration;

use surehold_actors::shelf::{Loaded, ShelfError};
use surehold_actors::stream::{self, Kind, OfferingKey, PaymentKey};
use surehold_domain::id::{MarketId, OfferingId, OrderId, OrderKey, PaymentId};
use surehold_domain::invariants;
use surehold_domain::inventory::Inventory;
use surehold_domain::payment::{Payment, State};
use surehold_domain::saga::{Phase, Saga};

use super::Engine;
use crate::core::Core;
use crate::limits::FINDINGS_MAX;
use crate::refusal::Refusal;
use crate::view::{Account, Audit};

/// Looks at things that disagree before that counts as a finding.
const LOOKS_MAX: u32 = 100;
/// Pause between two such looks.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// Things looked at between two turns for others.
const TURN: u64 = 256;

impl Engine {
    /// The balances, counted anew.
    ///
    /// # Errors
    /// [`Refusal`] if what is stored cannot be read.
    pub async fn audit(&self) -> Result<Audit, Refusal> {
        let core = self.core()?;
        let mut count =
            Count { core: &core, books: Books::default(), inventories: BTreeMap::new() };
        let sequence = core.post.shelf.journal().last();
        for market in &core.markets {
            count.market(*market).await?;
        }
        Ok(count.books.close(sequence))
    }
}

#[derive(Default)]
struct Books {
    orders: u64,
    units: BTreeMap<&'static str, i128>,
    money: BTreeMap<String, BTreeMap<&'static str, i128>>,
    findings: Vec<String>,
}

impl Books {
    fn unit(&mut self, account: &'static str, thousandths: u64) {
        *self.units.entry(account).or_default() += i128::from(thousandths);
    }

    fn cent(&mut self, currency: &str, account: &'static str, amount: i64) {
        let accounts = self.money.entry(currency.to_owned()).or_default();
        *accounts.entry(account).or_default() += i128::from(amount);
    }

    fn find(&mut self, finding: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    fn close(mut self, sequence: u64) -> Audit {
        let of = |accounts: &BTreeMap<&'static str, i128>, name| {
            accounts.get(name).copied().unwrap_or_default()
        };
        let units = &self.units;
        let (there, placed) =
            (of(units, "capacity"), of(units, "free") + of(units, "held") + of(units, "sold"));
        if there != placed {
            self.findings.push(format!("units: {there} there are, {placed} are accounted for"));
        }
        for (currency, accounts) in &self.money {
            let (taken, kept) =
                (of(accounts, "captured"), of(accounts, "kept") + of(accounts, "refunded"));
            if taken != kept {
                self.findings
                    .push(format!("{currency}: {taken} were taken, {kept} are accounted for"));
            }
        }
        let list = |accounts: BTreeMap<&'static str, i128>| {
            accounts.into_iter().map(|(name, holds)| Account { name, holds }).collect()
        };
        Audit {
            balanced: self.findings.is_empty(),
            sequence,
            orders: self.orders,
            units: list(self.units),
            money: self.money.into_iter().map(|(code, accounts)| (code, list(accounts))).collect(),
            findings: self.findings,
        }
    }
}

struct Count<'a> {
    core: &'a Core,
    books: Books,
    /// Offerings as they were when an order last disagreed with them.
    inventories: BTreeMap<OfferingKey, Inventory>,
}

impl Count<'_> {
    async fn market(&mut self, market: MarketId) -> Result<(), Refusal> {
        let numbers = self.core.post.shelf.numbers();
        for id in 1..=numbers.last(Kind::Order, market) {
            self.order(OrderKey { market, order: OrderId(id) }).await?;
            turn(id).await;
        }
        for id in 1..=numbers.last(Kind::Payment, market) {
            self.payment(PaymentKey { market, payment: PaymentId(id) })?;
            turn(id).await;
        }
        for id in 1..=numbers.last(Kind::Offering, market) {
            self.offering(OfferingKey { market, offering: OfferingId(id) }).await?;
            turn(id).await;
        }
        Ok(())
    }

    async fn order(&mut self, key: OrderKey) -> Result<(), Refusal> {
        let mut looks = 0;
        while let Some(problem) = self.look_at_order(key)? {
            looks += 1;
            if looks == LOOKS_MAX {
                self.books.find(problem);
                break;
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        Ok(())
    }

    /// Holds an order against its payment and its offering; says what disagrees.
    fn look_at_order(&mut self, key: OrderKey) -> Result<Option<String>, ShelfError> {
        let shelf = &self.core.post.shelf;
        // A number that was given and never used is nobody's order.
        let Some(Loaded { machine: early, .. }) = shelf.load::<Saga>(stream::order(key))? else {
            return Ok(None);
        };
        let payment = match early.payment() {
            Some(payment) => {
                let stream = PaymentKey { market: key.market, payment }.stream();
                shelf.load::<Payment>(stream)?.map(|loaded| loaded.machine)
            }
            None => None,
        };
        // The order again, after its payment: it only ever follows it.
        let Some(Loaded { machine: saga, .. }) = shelf.load::<Saga>(stream::order(key))? else {
            return Ok(None);
        };
        if let Err(broken) = invariants::order(&saga) {
            return Ok(Some(format!("{}: {}", broken.rule, broken.seen)));
        }
        if let Some(payment) = &payment
            && let Err(broken) = invariants::order_and_payment_agree(&saga, payment)
        {
            return Ok(Some(format!("{}: {}", broken.rule, broken.seen)));
        }
        if payment.is_none() && saga.captured().is_some() {
            return Ok(Some(format!("order {} was paid by nothing", key.order)));
        }
        if let Some(problem) = self.look_at_units(&saga)? {
            return Ok(Some(problem));
        }
        self.books.orders += 1;
        Ok(None)
    }

    fn look_at_units(&mut self, saga: &Saga) -> Result<Option<String>, ShelfError> {
        let key = OfferingKey { market: saga.key().market, offering: saga.order().offering };
        let agrees = |inventory: &Inventory| {
            if inventory.offering().model.capacity().is_none() {
                return true;
            }
            let held = inventory.holds().get(&saga.key().order);
            if saga.brings().is_some() {
                let counted = inventory.receipts().contains(&saga.key().order);
                return held.is_none() && (counted || saga.phase() != Phase::Fulfilled);
            }
            match must_hold(saga.phase()) {
                Some(true) => held == Some(&saga.order().claim),
                Some(false) => held.is_none(),
                None => true,
            }
        };
        if self.inventories.get(&key).is_some_and(agrees) {
            return Ok(None);
        }
        let Some(loaded) = self.core.post.shelf.load::<Inventory>(key.stream())? else {
            return Ok(Some(format!("order {} books nothing", saga.key().order)));
        };
        let agreed = agrees(&loaded.machine);
        self.inventories.insert(key, loaded.machine);
        Ok((!agreed).then(|| {
            format!("order {} is {}: its units say otherwise", saga.key().order, saga.phase())
        }))
    }

    fn payment(&mut self, key: PaymentKey) -> Result<(), Refusal> {
        let Some(loaded) = self.core.post.shelf.load::<Payment>(key.stream())? else {
            return Ok(());
        };
        let payment = loaded.machine;
        let (amount, currency) = (payment.amount().amount(), payment.amount().currency());
        let code = currency.code();
        match payment.state() {
            State::Captured | State::Refunding { .. } => {
                self.books.cent(code, "captured", amount);
                self.books.cent(code, "kept", amount);
            }
            State::Refunded(back) => {
                self.books.cent(code, "captured", amount);
                self.books.cent(code, "refunded", back.amount());
                self.books.cent(code, "kept", amount - back.amount());
            }
            State::Pending
            | State::Unknown { .. }
            | State::Voiding { .. }
            | State::Settling { .. } => self.books.cent(code, "in_flight", amount),
            State::Declined(_) | State::Voided => self.books.cent(code, "never_taken", amount),
        }
        Ok(())
    }

    async fn offering(&mut self, key: OfferingKey) -> Result<(), Refusal> {
        let shelf = &self.core.post.shelf;
        let Some(loaded) = shelf.load::<Inventory>(key.stream())? else { return Ok(()) };
        let inventory = loaded.machine;
        if let Err(broken) = invariants::never_oversold(&inventory) {
            self.books.find(format!("{}: {}", broken.rule, broken.seen));
        }
        let Some((capacity, free)) = inventory.account() else { return Ok(()) };
        self.books.unit("capacity", capacity.thousandths());
        self.books.unit("free", free.thousandths());
        for (order, claim) in inventory.holds() {
            let sold = self.hold(key, OrderKey { market: key.market, order: *order }).await?;
            self.books.unit(if sold { "sold" } else { "held" }, claim.charged().thousandths());
        }
        Ok(())
    }

    /// Holds a hold against its order; says whether it is sold for good.
    async fn hold(&mut self, key: OfferingKey, order: OrderKey) -> Result<bool, Refusal> {
        let shelf = &self.core.post.shelf;
        for _ in 0..LOOKS_MAX {
            let saga = shelf.load::<Saga>(stream::order(order))?.map(|loaded| loaded.machine);
            match saga.map(|saga| saga.phase()) {
                Some(Phase::Confirmed | Phase::Fulfilled) => return Ok(true),
                Some(phase) if must_hold(phase) != Some(false) => return Ok(false),
                // It may have been given back since this offering was read.
                Some(_) | None => {
                    let inventory = shelf.load::<Inventory>(key.stream())?;
                    if inventory.is_some_and(|now| !now.machine.holds().contains_key(&order.order))
                    {
                        return Ok(false);
                    }
                }
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        self.books.find(format!(
            "offering {}: order {} holds units and should not",
            key.offering, order.order
        ));
        Ok(false)
    }
}

/// Whether an order in this phase must hold its units; `None` while that is under way.
fn must_hold(phase: Phase) -> Option<bool> {
    match phase {
        Phase::Paying | Phase::Unpaid | Phase::Paid | Phase::Confirmed | Phase::Fulfilled => {
            Some(true)
        }
        Phase::Refused | Phase::Cancelled => Some(false),
        Phase::Holding | Phase::Refunding | Phase::Releasing | Phase::Stuck => None,
    }
}

async fn turn(id: u64) {
    if id.is_multiple_of(TURN) {
        tokio::task::yield_now().await;
    }
}
