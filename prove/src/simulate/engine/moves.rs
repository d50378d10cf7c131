//! What happens in a world: moves at times, all made from the seed before it begins. Each stands for
//! itself, so that a story can be told again with fewer of them.

use std::fmt;

use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::day::Day;
use surehold::domain::id::OfferingId;
use surehold::domain::quantity::Quantity;
use surehold::{Booking, NewOrder};
use surehold_storage::faulty::Dice;

use super::bank::Mood;
use super::town::{AUTO, FREE, LATER, NAMES, OPERATOR, SOLD, Sold, Way};

/// A move and its time, in milliseconds since the world began.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) at: u64,
    pub(super) what: What,
}

/// What happens. Orders are named by the place of their errand.
#[derive(Clone, Debug)]
pub(super) enum What {
    Place(usize, Wish),
    /// The same request once more, under its key.
    Again(usize),
    /// Another request under the same key.
    Other(usize),
    Pay(usize),
    Cancel(usize),
    /// Asks what would come back, then cancels for that.
    CancelQuoted(usize),
    Confirm(usize),
    Reject(usize),
    Complete(usize),
    Annotate(usize),
    Read(usize),
    CrashOrder(usize),
    CrashPart(&'static str),
    StopPart(&'static str),
    StartPart(&'static str),
    Bank(Mood),
    /// Nothing becomes durable for so many milliseconds.
    Freeze(u64),
    /// The next write fails.
    DiskFails,
    /// The next write fails, and there is no room for so many milliseconds.
    DiskFull(u64),
    /// The snapshots take nothing for so many milliseconds.
    SnapshotsFail(u64),
    /// The node dies.
    Die(Death),
    /// The node is closed in order and started again.
    Restart,
    /// The clock jumps ahead by so many milliseconds.
    Jump(u64),
    /// Somebody looks at the balances.
    Look,
}

/// How the node dies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Death {
    /// With the record so many later; 0 is at once.
    pub(super) records: u64,
    /// How long it is away, in milliseconds.
    pub(super) away: u64,
    /// What becomes of what was not synced is made from this.
    pub(super) dice: u64,
    /// Whether the snapshots are gone altogether.
    pub(super) snapshots_lost: bool,
}

/// What a customer wants.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) sold: Sold,
    pub(super) keyed: bool,
    pub(super) customer: u64,
    /// In thousandths.
    pub(super) units: u64,
    /// Which night or slot, and for how many nights.
    pub(super) first: u32,
    pub(super) nights: u32,
}

/// The first night that is sold.
const FIRST_NIGHT: &str = "2027-02-01";
const SLOTS: [&str; 2] = ["2027-02-01T10:00", "2027-02-01T12:00"];

/// The name of the attribute that says whose errand an order is.
pub(super) const ERRAND: &str = "errand";

impl Wish {
    /// The order as it is placed. `other` asks for something else.
    pub(super) fn order(&self, errand: usize, other: bool) -> NewOrder {
        let day = Day::parse(FIRST_NIGHT).unwrap_or(Day::from_number(0)).plus(self.first);
        let booking = match self.sold.way {
            Way::Units | Way::Measured => Booking::Units,
            Way::Nights => Booking::Nights { from: day, to: day.plus(self.nights) },
            Way::Slots => Booking::Slot(SLOTS[self.first as usize % SLOTS.len()].to_owned()),
            Way::Supply => Booking::Supply,
        };
        let number = i64::try_from(errand).unwrap_or(i64::MAX);
        let units = if other { self.units + 1000 } else { self.units };
        NewOrder {
            customer: format!("customer {}", self.customer),
            offering: OfferingId(self.sold.offering),
            quantity: Quantity::from_thousandths(units).unwrap_or(Quantity::ONE),
            booking,
            card: Some(format!("tok_{errand}")),
            attributes: Attributes::from([(ERRAND.to_owned(), Attribute::Whole(number))]),
        }
    }
}

/// Throws with a seed.
pub(super) struct Fate(Dice);

impl Fate {
    pub(super) fn new(seed: u64, salt: u64) -> Fate {
        let mut dice = Dice::new(seed ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        dice.below(2);
        Fate(dice)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound.max(1))
    }

    /// From `least` to `most`.
    pub(super) fn from(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap_or(0)]
    }
}

/// Fewest and most orders of a world.
const ORDERS: (u64, u64) = (20, 45);
/// How long orders are placed for, in milliseconds.
const SPAN: u64 = 120_000;
/// Faults happen until so much later.
const FAULTS: u64 = SPAN + 40_000;
const PARTS: [&str; 7] =
    ["inventory", "payments", "confirmations", "mileage", "messages", "reviews", "views"];

/// All moves of a world, in order.
pub(super) fn moves(seed: u64) -> Vec<Move> {
    let mut fate = Fate::new(seed, 1);
    let mut moves = Vec::new();
    let count = fate.from(ORDERS.0, ORDERS.1);
    // Some worlds are crowded: everybody comes within seconds.
    let span = if fate.chance(25) { SPAN / 20 } else { SPAN };
    for errand in 0..usize::try_from(count).unwrap_or(0) {
        let at = fate.below(span);
        errands(&mut fate, errand, at, &mut moves);
    }
    let faults = if fate.chance(10) { 0 } else { fate.below(14) };
    for _ in 0..faults {
        fault(&mut fate, span + 40_000, &mut moves);
    }
    for _ in 0..fate.below(3) {
        moves.push(Move { at: fate.below(FAULTS), what: What::Look });
    }
    moves.sort_by_key(|one| one.at);
    moves
}

fn wish(fate: &mut Fate) -> Wish {
    let sold = fate.one_of(&SOLD);
    let units = match sold.way {
        Way::Units | Way::Nights | Way::Slots => 1000 * if fate.chance(20) { 2 } else { 1 },
        Way::Measured | Way::Supply => 500 * fate.from(1, 3),
    };
    Wish {
        sold,
        keyed: fate.chance(70),
        customer: fate.below(6),
        units,
        first: u32::try_from(fate.below(3)).unwrap_or(0),
        nights: u32::try_from(fate.from(1, 2)).unwrap_or(1),
    }
}

/// An order, and what its customer and its operator do later.
fn errands(fate: &mut Fate, errand: usize, at: u64, moves: &mut Vec<Move>) {
    let wish = wish(fate);
    let (market, keyed) = (wish.sold.market, wish.keyed);
    moves.push(Move { at, what: What::Place(errand, wish) });
    let mut later = |fate: &mut Fate, percent: u64, within: u64, what: What| {
        if fate.chance(percent) {
            let at = at + fate.below(within);
            moves.push(Move { at, what: what.clone() });
            if fate.chance(20) {
                // Twice, as an impatient finger does; or long after.
                let again = at + if fate.chance(50) { 0 } else { fate.below(20_000) };
                moves.push(Move { at: again, what });
            }
        }
    };
    if keyed {
        later(fate, 35, 8_000, What::Again(errand));
        later(fate, 10, 20_000, What::Other(errand));
    }
    if market == LATER || market == OPERATOR {
        let percent = if market == LATER { 85 } else { 20 };
        later(fate, percent, 55_000, What::Pay(errand));
        later(fate, 60, 60_000, What::Confirm(errand));
        later(fate, 15, 60_000, What::Reject(errand));
    }
    let annoyed = if market == AUTO { 25 } else { 15 };
    later(fate, annoyed, 60_000, What::Cancel(errand));
    later(fate, 10, 60_000, What::CancelQuoted(errand));
    later(fate, if market == FREE { 40 } else { 20 }, 90_000, What::Complete(errand));
    later(fate, 10, 60_000, What::Annotate(errand));
    later(fate, 20, 90_000, What::Read(errand));
    later(fate, 4, 10_000, What::CrashOrder(errand));
}

fn fault(fate: &mut Fate, span: u64, moves: &mut Vec<Move>) {
    let at = fate.below(span);
    let mut then = |at: u64, what: What| moves.push(Move { at, what });
    match fate.below(24) {
        0..=5 => {
            let records = if fate.chance(30) { 0 } else { fate.from(1, 60) };
            let (away, dice) = (fate.from(10, 20_000), fate.below(u64::MAX));
            let snapshots_lost = fate.chance(10);
            then(at, What::Die(Death { records, away, dice, snapshots_lost }));
        }
        6 => then(at, What::Restart),
        7..=9 => {
            let ms = if fate.chance(50) { fate.from(50, 3000) } else { fate.from(3000, 20_000) };
            then(at, What::Freeze(ms));
            if fate.chance(50) {
                // It hangs, and then it dies: what was told meanwhile must not have been.
                let (away, dice) = (fate.from(10, 3000), fate.below(u64::MAX));
                let death = Death { records: 0, away, dice, snapshots_lost: false };
                then(at + fate.below(ms), What::Die(death));
            }
        }
        10 => then(at, What::DiskFails),
        11 => then(at, What::DiskFull(fate.from(500, 15_000))),
        12 => then(at, What::SnapshotsFail(fate.from(10_000, 90_000))),
        13..=15 => {
            let part = fate.one_of(&PARTS);
            then(at, What::StopPart(part));
            then(at + fate.from(100, 40_000), What::StartPart(part));
        }
        16..=18 => (0..fate.from(1, 3)).for_each(|more| {
            then(at + more * 700, What::CrashPart(fate.one_of(&PARTS)));
        }),
        19 => then(at, What::Jump(fate.from(100, 60_000))),
        _ => {
            let mood = fate.one_of(&[Mood::Shaky, Mood::Shaky, Mood::Down, Mood::Slow]);
            then(at, What::Bank(mood));
            then(at + fate.from(1000, 90_000), What::Bank(Mood::Well));
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Move { at, what } = self;
        match what {
            What::Place(errand, wish) => {
                let Wish { sold, keyed, customer, units, first, nights } = wish;
                let (market, Sold { offering, way, .. }) = (NAMES[sold.market], sold);
                let key = if *keyed { "with a key" } else { "without a key" };
                write!(
                    f,
                    "{at}: errand {errand} of customer {customer}: {units} thousandths of \
                     {market}/{offering} by {way:?}, from {first} for {nights}, {key}"
                )
            }
            What::Again(_)
            | What::Other(_)
            | What::Pay(_)
            | What::Cancel(_)
            | What::CancelQuoted(_)
            | What::Confirm(_)
            | What::Reject(_)
            | What::Complete(_)
            | What::Annotate(_)
            | What::Read(_)
            | What::CrashOrder(_)
            | What::CrashPart(_)
            | What::StopPart(_)
            | What::StartPart(_)
            | What::Bank(_)
            | What::Freeze(_)
            | What::DiskFails
            | What::DiskFull(_)
            | What::SnapshotsFail(_)
            | What::Die(_)
            | What::Restart
            | What::Jump(_)
            | What::Look => write!(f, "{at}: {what:?}"),
        }
    }
}
