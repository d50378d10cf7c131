//! The markets of a world: small, quick, and between them with every way to count, pay and confirm.

use surehold::domain::plan::{Plan, PlanError};

/// How something is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By whole units.
    Units,
    /// By halves of a unit.
    Measured,
    /// By nights.
    Nights,
    /// By slots.
    Slots,
    /// By bringing some.
    Supply,
}

/// Something that can be ordered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sold {
    /// The market, by its place among the plans.
    pub(super) market: usize,
    /// Its number there.
    pub(super) offering: u64,
    /// How it is booked.
    pub(super) way: Way,
}

const fn sold(market: usize, offering: u64, way: Way) -> Sold {
    Sold { market, offering, way }
}

/// Everything that can be ordered.
pub(super) const SOLD: [Sold; 11] = [
    sold(AUTO, 1, Way::Units),
    sold(AUTO, 2, Way::Units),
    sold(OPERATOR, 1, Way::Nights),
    sold(OPERATOR, 2, Way::Units),
    sold(LATER, 1, Way::Slots),
    sold(LATER, 2, Way::Measured),
    sold(POINTS, 1, Way::Units),
    sold(FREE, 1, Way::Measured),
    sold(FREE, 1, Way::Supply),
    sold(POINTS, 2, Way::Nights),
    sold(LATER, 3, Way::Units),
];

/// Paid with the order, confirmed by itself, refused without a gateway.
pub(super) const AUTO: usize = 0;
/// Confirmed by an operator, paid later where the gateway is down, refunds by the time left.
pub(super) const OPERATOR: usize = 1;
/// Paid later; silence of the operator counts as yes.
pub(super) const LATER: usize = 2;
/// No booking without its points.
pub(super) const POINTS: usize = 3;
/// Nothing is paid, and stock is brought.
pub(super) const FREE: usize = 4;

/// The markets' names, in the order of the plans.
pub(super) const NAMES: [&str; 5] = ["auto", "operator", "later", "points", "free"];

const PLANS: [&str; 5] = [
    r#"
name = "auto"
currency = "EUR"
[payment]
when = "with_order"
hold = "40 s"
when_unavailable = "refuse"
[completion]
after = "150 s"
[messages]
paid = "{order} is paid"
confirmed = "{order} is yours"
cancelled = "{order} is undone"
[[offerings]]
id = 1
name = "Always one more"
price = { amount = 1250 }
inventory = { model = "unlimited" }
[[offerings]]
id = 2
name = "A seat"
price = { amount = 990 }
inventory = { model = "seats", capacity = 2, overbook = 1 }
"#,
    r#"
name = "operator"
currency = "EUR"
[payment]
when = "with_order"
hold = "30 s"
when_unavailable = "pay_later"
pay_later_within = "60 s"
[confirmation]
by = "operator"
within = "45 s"
then = "cancel"
[completion]
after = "120 s"
[cancellation]
quote_holds = "20 s"
[[cancellation.tiers]]
until = "720 h"
percent = 100
[[cancellation.tiers]]
until = "240 h"
percent = 50
[[offerings]]
id = 1
name = "A room"
price = { amount = 5001 }
inventory = { model = "nights", units = 2 }
[[offerings]]
id = 2
name = "A place"
price = { amount = 700 }
inventory = { model = "seats", capacity = 3 }
"#,
    r#"
name = "later"
currency = "KRW"
[payment]
when = "later"
within = "50 s"
hold = "25 s"
when_unavailable = "pay_later"
pay_later_within = "40 s"
[confirmation]
by = "operator"
within = "30 s"
then = "confirm"
[completion]
after = "100 s"
[messages]
waiting = "{order} waits"
rejected = "{order} was rejected"
[[offerings]]
id = 1
name = "A lesson"
price = { amount = 30000 }
inventory = { model = "slots", capacity = 1, overbook = 1, slots = ["2027-02-01T10:00", "2027-02-01T12:00"] }
[[offerings]]
id = 2
name = "A litre"
price = { amount = 1500 }
inventory = { model = "stock", quantity = 2.5 }
[[offerings]]
id = 3
name = "A gift"
price = { amount = 0 }
inventory = { model = "seats", capacity = 2 }
"#,
    r#"
name = "points"
currency = "EUR"
[payment]
when = "with_order"
hold = "40 s"
when_unavailable = "refuse"
[completion]
after = "150 s"
[mileage]
points = 2
sync = true
[messages]
earned = "{points} for {order}"
taken_back = "{points} of {order} are gone"
[[offerings]]
id = 1
name = "A flight"
price = { amount = 4200 }
inventory = { model = "seats", capacity = 3 }
[[offerings]]
id = 2
name = "A bed"
price = { amount = 1900 }
inventory = { model = "nights", units = 1, overbook = 1 }
"#,
    r#"
name = "free"
currency = "EUR"
[payment]
when = "none"
[completion]
after = "80 s"
[supply]
confirmation = { by = "auto" }
completion = { after = "70 s" }
[views]
figures = true
[[offerings]]
id = 1
name = "Diesel"
price = { amount = 1500 }
inventory = { model = "stock", quantity = 1.5 }
"#,
];

/// The markets.
///
/// # Errors
/// [`PlanError`] if one of the texts above is no plan.
pub(super) fn plans() -> Result<Vec<Plan>, PlanError> {
    PLANS.iter().zip(NAMES).map(|(text, name)| Plan::parse(name, text)).collect()
}
