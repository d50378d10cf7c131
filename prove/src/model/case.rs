//! What is modelled: under which terms, how many orders, how much may go wrong.

use surehold_domain::attributes::Attributes;
use surehold_domain::id::OfferingId;
use surehold_domain::inventory::{self, Model, Offering};
use surehold_domain::money::{Currency, Money};
use surehold_domain::order::{Claim, Order};
use surehold_domain::quantity::Quantity;
use surehold_domain::terms::{
    ConfirmedBy, LateMoney, PaymentTerms, Terms, WhenUnavailable, WhenUnconfirmed,
};
use surehold_domain::time::Span;

use crate::world::{Entry, START, Time, World};

/// Facts the disk may be behind: enough that a hold, the order's word and the charge's request are
/// all still in the air.
const TAIL_MAX: usize = 3;

/// One model.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Its terms, in words.
    pub(crate) name: &'static str,
    pub(crate) terms: Terms,
    /// How many orders there are.
    pub(crate) orders: u64,
    /// How much may go wrong.
    pub(crate) faults: u8,
}

/// All terms that are modelled.
pub(crate) fn all() -> Vec<(&'static str, Terms)> {
    let plain = surehold_domain::testing::terms();
    let mut operator = plain.clone();
    operator.confirmation.by = ConfirmedBy::Operator;
    let mut silence = operator.clone();
    silence.confirmation.then = WhenUnconfirmed::Confirm;
    let mut later = plain.clone();
    later.payment = PaymentTerms::Later { within: Span::seconds(2 * 86_400) };
    let mut deferred = plain.clone();
    deferred.when_unavailable = WhenUnavailable::PayLater { within: Span::seconds(3600) };
    let mut taken = operator.clone();
    taken.late = LateMoney::Retake;
    vec![
        ("pay with the order, confirmed at once", plain),
        ("pay with the order, an operator confirms", operator),
        ("pay with the order, silence confirms", silence),
        ("pay later", later),
        ("pay later if the gateway is down", deferred),
        ("late money is taken, an operator confirms", taken),
    ]
}

impl Case {
    /// One unit, and nobody has asked for it yet.
    pub(crate) fn begin(&self) -> World {
        let mut world = World::new(Time::Abstract, TAIL_MAX);
        let price = price();
        let model = Model::Seats { capacity: Quantity::ONE };
        let (name, overbook) = ("the seat".to_owned(), Quantity::NONE);
        let offering = Offering { name, price, model, overbook, attributes: Attributes::new() };
        let event = inventory::Event::Opened(Box::new(offering));
        world.record(Entry::Inventory(OfferingId(1), inventory::Fact { at: START, event }));
        world.sync(1);
        world
    }

    /// What every customer asks for.
    pub(crate) fn order(&self) -> Order {
        Order {
            customer: "ann".to_owned(),
            offering: OfferingId(1),
            claim: Claim::Units(Quantity::ONE),
            price: price(),
            starts_at: None,
            attributes: Attributes::new(),
            terms: self.terms.clone(),
        }
    }
}

fn price() -> Money {
    let euro = Currency::parse("EUR").expect("EUR is a currency");
    Money::new(1000, euro).expect("1000 is an amount")
}
