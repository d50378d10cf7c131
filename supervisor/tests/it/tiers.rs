//! What comes back of a cancelled stay or slot: by the time left, as quoted, and to the cent.

use std::sync::Arc;
use std::time::Duration;

use surehold::domain::attributes::Attributes;
use surehold::domain::day::Day;
use surehold::domain::id::OrderId;
use surehold::domain::saga::Phase;
use surehold::domain::time::Timestamp;
use surehold::{Booking, OrderCommand, OrderView, Refusal};

use crate::world::{World, cancel, order};

/// Stays at 1001 a night and slots at 1001, beside what is sold without a date.
const DATED: &str = r#"
[[offerings]]
id = 3
name = "A room"
price = { amount = 1001 }
inventory = { model = "nights", units = 9 }
[[offerings]]
id = 4
name = "A court"
price = { amount = 1001 }
inventory = { model = "slots", capacity = 9, zone = "Europe/Berlin", slots = ["2027-01-20T01:00"] }
[cancellation]
quote_holds = "15 min"
tiers = [{ until = "48 h", percent = 100 }, { until = "24 h", percent = 50 }]
"#;

/// When the stay begins, at midnight in UTC, and the slot as well, which is read in Berlin.
const START: Timestamp = Timestamp(1_800_403_200_000);

const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_secs(5);

fn stay() -> Booking {
    let from = Day::parse("2027-01-20").unwrap();
    Booking::Nights { from, to: from.plus(3) }
}

fn slot() -> Booking {
    Booking::Slot("2027-01-20T01:00".to_owned())
}

struct Dated {
    world: World,
    starts: tokio::time::Instant,
}

impl Dated {
    /// Opens when so much is left before the start.
    async fn open(left: Duration) -> Dated {
        let now = Timestamp(START.0 - u64::try_from(left.as_millis()).unwrap());
        let starts = tokio::time::Instant::now() + left;
        let world = World::open_at(now, DATED, Arc::default(), Arc::default()).await;
        Dated { world, starts }
    }

    async fn book(&self, booking: Booking) -> OrderId {
        let offering = if matches!(booking, Booking::Slot(_)) { 4 } else { 3 };
        let mut new = order(offering);
        new.booking = booking;
        let placed = self.world.engine.place(self.world.market, new, None).await.unwrap();
        self.world.phase(placed.order.id, Phase::Confirmed).await.id
    }

    /// Sleeps until so much is left before the start.
    async fn until_left(&self, left: Duration) {
        tokio::time::sleep_until(self.starts - left).await;
    }

    async fn quote(&self, id: OrderId) -> (u32, i64) {
        let quote = self.world.engine.quote(self.world.market, id).await.unwrap();
        (quote.quote, quote.refund.amount())
    }

    async fn cancel_by(&self, id: OrderId, quote: u32) -> Result<OrderView, Refusal> {
        let quote = Some(quote);
        let command = OrderCommand::Cancel { note: None, quote, attributes: Attributes::new() };
        self.world.engine.command(self.world.market, id, command).await
    }

    /// The books in cents: captured, given back, kept; and what the bank holds is what is kept.
    async fn books(&self) -> (i128, i128, i128) {
        self.world.check_books().await;
        let audit = self.world.engine.audit().await.unwrap();
        let (_, accounts) = &audit.money[0];
        let of = |name| {
            let found = accounts.iter().find(|account| account.name == name);
            found.map_or(0, |account| account.holds)
        };
        assert_eq!((of("in_flight"), of("never_taken")), (0, 0));
        (of("captured"), of("refunded"), of("kept"))
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_left_says_what_comes_back() {
    let table = [
        (48 * HOUR + MOMENT, 100),
        (48 * HOUR - MOMENT, 50),
        (24 * HOUR + MOMENT, 50),
        (24 * HOUR - MOMENT, 0),
        (MOMENT, 0),
    ];
    for (left, percent) in table {
        let dated = Dated::open(left + MOMENT).await;
        let (mut captured, mut back) = (0, 0);
        let bookings = [(stay(), 3003), (slot(), 1001), (slot(), 1001)];
        let mut ids = Vec::new();
        for (booking, _) in bookings.clone() {
            ids.push(dated.book(booking).await);
        }
        dated.until_left(left).await;
        for ((booking, price), id) in bookings.into_iter().zip(ids) {
            // Half a cent is rounded up, for the customer.
            let expected = (price * percent + 50) / 100;
            assert_eq!(dated.quote(id).await.1, expected, "{left:?} before {booking:?}");
            dated.world.command(id, cancel()).await;
            let view = dated.world.phase(id, Phase::Cancelled).await;
            let state = match percent {
                100 => "refunded",
                50 => "partly_refunded",
                _ => "captured",
            };
            assert_eq!(view.payment.unwrap().state, state, "{left:?} before {booking:?}");
            captured += i128::from(price);
            back += i128::from(expected);
        }
        assert_eq!(dated.books().await, (captured, back, captured - back));
        dated.world.engine.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_start_nothing_comes_back_and_units_do() {
    for (booking, price) in [(stay(), 3003), (slot(), 1001)] {
        let dated = Dated::open(HOUR).await;
        let id = dated.book(booking).await;
        tokio::time::sleep_until(dated.starts + HOUR).await;
        assert_eq!(dated.quote(id).await.1, 0);
        dated.world.command(id, cancel()).await;
        dated.world.phase(id, Phase::Cancelled).await;
        assert_eq!(dated.books().await, (price, 0, price));
        dated.world.engine.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_quote_holds_over_the_change_of_a_tier() {
    for (booking, price) in [(stay(), 3003), (slot(), 1001)] {
        for (tier, quoted) in [(48, price), (24, (price + 1) / 2)] {
            let dated = Dated::open(tier * HOUR + 120 * MOMENT).await;
            let id = dated.book(booking.clone()).await;
            dated.until_left(tier * HOUR + 60 * MOMENT).await;
            let (quote, refund) = dated.quote(id).await;
            assert_eq!(refund, quoted);
            // The tier changed five minutes ago, the quote holds for five more.
            dated.until_left(tier * HOUR - 60 * MOMENT).await;
            dated.cancel_by(id, quote).await.unwrap();
            dated.world.phase(id, Phase::Cancelled).await;
            let (price, quoted) = (i128::from(price), i128::from(quoted));
            assert_eq!(dated.books().await, (price, quoted, price - quoted));
            dated.world.engine.close().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_quote_is_refused_and_changes_nothing() {
    for (booking, price) in [(stay(), 3003), (slot(), 1001)] {
        let dated = Dated::open(49 * HOUR).await;
        let id = dated.book(booking).await;
        dated.until_left(48 * HOUR + 60 * MOMENT).await;
        let (quote, refund) = dated.quote(id).await;
        assert_eq!(refund, price);
        tokio::time::sleep(Duration::from_secs(15 * 60) + MOMENT).await;
        let refused = dated.cancel_by(id, quote).await;
        assert!(matches!(refused, Err(Refusal::Conflict(_))), "{refused:?}");
        let refused = dated.cancel_by(id, quote + 1).await;
        assert!(matches!(refused, Err(Refusal::Conflict(_))), "{refused:?}");
        assert_eq!(dated.world.order(id).await.phase, Phase::Confirmed);
        // Now the tier of now counts, quoted or not.
        let half = (price + 1) / 2;
        let (quote, refund) = dated.quote(id).await;
        assert_eq!(refund, half);
        dated.cancel_by(id, quote).await.unwrap();
        dated.world.phase(id, Phase::Cancelled).await;
        let (price, half) = (i128::from(price), i128::from(half));
        assert_eq!(dated.books().await, (price, half, price - half));
        dated.world.engine.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_quote_outlives_a_crash_of_its_order_and_its_payments() {
    let dated = Dated::open(25 * HOUR).await;
    let id = dated.book(stay()).await;
    dated.until_left(24 * HOUR + 60 * MOMENT).await;
    let (quote, refund) = dated.quote(id).await;
    dated.until_left(24 * HOUR - 60 * MOMENT).await;
    dated.world.engine.crash_order(dated.world.market, id, false).await.unwrap();
    let cancelling = dated.cancel_by(id, quote);
    dated.world.engine.crash("payments").await.unwrap();
    cancelling.await.unwrap();
    dated.world.phase(id, Phase::Cancelled).await;
    assert_eq!((refund, dated.books().await), (1502, (3003, 1502, 1501)));
    dated.world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_has_no_date_comes_back_whole() {
    let dated = Dated::open(HOUR).await;
    let id = dated.world.place(2).await.order.id;
    dated.world.phase(id, Phase::Confirmed).await;
    tokio::time::sleep(2 * HOUR).await;
    dated.world.command(id, cancel()).await;
    dated.world.phase(id, Phase::Cancelled).await;
    assert_eq!(dated.books().await, (1250, 1250, 0));
    dated.world.engine.close().await;
}
