//! What a world begins with: what is sold, and what customers will ask for under which terms.

use surehold_domain::attributes::Attributes;
use surehold_domain::day::Day;
use surehold_domain::id::OfferingId;
use surehold_domain::inventory::{Model, Offering};
use surehold_domain::money::{Currency, Money};
use surehold_domain::order::{Claim, Order};
use surehold_domain::quantity::Quantity;
use surehold_domain::slot::Slot;
use surehold_domain::terms::{
    ConfirmedBy, Earn, LateMoney, MileageTerms, PaymentTerms, RefundTier, Terms, WhenUnavailable,
    WhenUnconfirmed,
};
use surehold_domain::time::Span;
use surehold_domain::zone::Zone;
use surehold_storage::faulty::Dice;

/// Fewest and most orders a scene has.
const ORDERS: (u64, u64) = (8, 40);
/// Offerings of a scene, each of another kind or of the same kind with another size.
const OFFERINGS: (u64, u64) = (2, 6);
const DAY: Span = Span::seconds(86_400);

/// What takes time to make and is the same for all scenes.
pub(crate) struct Fixtures {
    slots: Vec<Slot>,
    days: Vec<Day>,
    euro: Currency,
}

/// What is sold, and what will be asked for.
pub(crate) struct Scene {
    pub(crate) offerings: Vec<(OfferingId, Offering)>,
    /// The orders; the number of each is its idempotency key.
    pub(crate) orders: Vec<Order>,
}

impl Fixtures {
    pub(crate) fn new() -> Fixtures {
        let hours = ["09:00", "10:00", "11:00"];
        let slot = |hour: &str| Zone::utc().slot(&format!("2027-03-28T{hour}")).ok();
        let slots = hours.iter().filter_map(|hour| slot(hour)).collect();
        let first = Day::parse("2027-03-01").unwrap_or_default();
        let days = (0..8).map(|later| first.plus(later)).collect();
        let euro = Currency::parse("EUR").expect("EUR is a currency");
        Fixtures { slots, days, euro }
    }

    fn money(&self, amount: i64) -> Money {
        Money::new(amount, self.euro).unwrap_or(Money::zero(self.euro))
    }
}

impl Scene {
    /// The scene of a seed.
    pub(crate) fn of(fixtures: &Fixtures, seed: u64) -> Scene {
        let mut dice = Dice::new(seed);
        let offerings: Vec<(OfferingId, Offering)> = (1..=OFFERINGS.0
            + dice.below(OFFERINGS.1 - OFFERINGS.0 + 1))
            .map(|number| (OfferingId(number), offering(fixtures, number, &mut dice)))
            .collect();
        let count = ORDERS.0 + dice.below(ORDERS.1 - ORDERS.0 + 1);
        let orders = (0..count).map(|_| {
            let (id, offering) = &offerings[below(&mut dice, offerings.len())];
            order(fixtures, *id, offering, &mut dice)
        });
        let orders = orders.collect();
        Scene { offerings, orders }
    }
}

fn below(dice: &mut Dice, bound: usize) -> usize {
    usize::try_from(dice.below(bound as u64)).unwrap_or(0)
}

fn units(count: u64) -> Quantity {
    Quantity::whole(count).unwrap_or(Quantity::ONE)
}

fn offering(fixtures: &Fixtures, number: u64, dice: &mut Dice) -> Offering {
    let few = units(1 + dice.below(3));
    let model = match dice.below(8) {
        0..3 => Model::Seats { capacity: few },
        3..5 => Model::Stock { quantity: units(1 + dice.below(6)) },
        5 => Model::Nights { units: few },
        6 => {
            let (zone, slots) = (Zone::utc(), fixtures.slots.clone());
            Model::Slots { capacity: few, zone, slots }
        }
        _ => Model::Unlimited,
    };
    let sells_beyond = model.capacity().is_some() && dice.below(3) == 0;
    let overbook = if sells_beyond { Quantity::ONE } else { Quantity::NONE };
    let (name, price) = (format!("offering {number}"), fixtures.money(1000));
    Offering { name, price, model, overbook, attributes: Attributes::new() }
}

fn order(fixtures: &Fixtures, id: OfferingId, offering: &Offering, dice: &mut Dice) -> Order {
    let some = units(1 + dice.below(2));
    let mut terms = terms(dice);
    let claim = match &offering.model {
        Model::Stock { .. } if dice.below(5) == 0 => Claim::Supply(some),
        Model::Unlimited | Model::Seats { .. } | Model::Stock { .. } => Claim::Units(some),
        Model::Nights { .. } => {
            let from = below(dice, fixtures.days.len() - 1);
            let to = from + 1 + below(dice, fixtures.days.len() - 1 - from);
            Claim::Nights { from: fixtures.days[from], to: fixtures.days[to], units: some }
        }
        Model::Slots { slots, .. } => {
            Claim::Slot { slot: slots[below(dice, slots.len())], units: some }
        }
    };
    let supplied = matches!(claim, Claim::Supply(_));
    if supplied {
        (terms.payment, terms.mileage) = (PaymentTerms::None, None);
    }
    let free = supplied || dice.below(12) == 0;
    let price = fixtures.money(if free { 0 } else { 1000 });
    let starts_at = match claim.starts_at(&Zone::utc()) {
        Some(start) => Some(start),
        None if dice.below(3) == 0 => Some(crate::world::START.plus(Span(DAY.0 * dice.below(9)))),
        None => None,
    };
    let customer = "ann".to_owned();
    let attributes = Attributes::new();
    Order { customer, offering: id, claim, price, starts_at, attributes, terms }
}

fn terms(dice: &mut Dice) -> Terms {
    let mut terms = surehold_domain::testing::terms();
    terms.payment = match dice.below(8) {
        0 => PaymentTerms::None,
        1 | 2 => PaymentTerms::Later { within: Span(2 * DAY.0) },
        _ => PaymentTerms::WithOrder,
    };
    if dice.below(2) == 0 {
        terms.when_unavailable = WhenUnavailable::PayLater { within: Span::seconds(3600) };
    }
    if dice.below(3) == 0 {
        terms.late = LateMoney::Retake;
    }
    if dice.below(2) == 0 {
        terms.confirmation.by = ConfirmedBy::Operator;
    }
    if dice.below(3) == 0 {
        terms.confirmation.then = WhenUnconfirmed::Confirm;
    }
    if dice.below(3) == 0 {
        let tier = |days: u64, percent| RefundTier { until: Span(days * DAY.0), percent };
        terms.tiers = vec![tier(5, 100), tier(2, 50)];
    }
    if dice.below(4) == 0 {
        terms.mileage = Some(MileageTerms { earn: Earn::Per(100), sync: dice.below(2) == 0 });
    }
    terms
}
