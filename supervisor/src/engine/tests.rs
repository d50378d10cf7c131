//! What the engine shows beside orders, over facts that are appended as their actors would.

mod attention;
mod cards;
mod rebuild;
mod retention;
mod stores;
mod support;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use ractor::Actor;
use surehold_actors::clock::RuntimeClock;
use surehold_actors::machine::{Machine, Serial};
use surehold_actors::reviews::{ReviewsActor, ReviewsArgs};
use surehold_actors::stream::{self, Kind, Series};
use surehold_domain::attributes::Attributes;
use surehold_domain::id::{ConfirmationId, MarketId, MessageId, OfferingId, OrderId, OrderKey};
use surehold_domain::message::{Message, Occasion};
use surehold_domain::mileage::{self, Mileage};
use surehold_domain::order::Claim;
use surehold_domain::plan::Plan;
use surehold_domain::quantity::Quantity;
use surehold_domain::review::Opinion;
use surehold_domain::saga::{AfterHold, Event, Fact, Phase, Saga};
use surehold_domain::time::Timestamp;
use surehold_storage::Stream;

use super::{Data, Engine, Market, Options};
use crate::retention::Retention;
use crate::stores::Stores;
use crate::view::{Collection, NewOrder, OrderCommand, OrderFilter, OrderView};

const START: Timestamp = Timestamp(1_800_000_000_000);
const FIRST: MarketId = MarketId(0);
const CUSTOMERS: [&str; 3] = ["ann", "bob", "cy"];

/// Two markets: one with an operator whose figures are counted, one without either.
fn plans() -> Vec<Plan> {
    let offerings = "currency = 'EUR'\n[[offerings]]\nid = 1\nname = 'Always one more'\n\
        price = { amount = 1250 }\ninventory = { model = 'unlimited' }\n[[offerings]]\nid = 2\n\
        name = 'A litre'\nprice = { amount = 100 }\n\
        inventory = { model = 'stock', quantity = 1000000 }\n";
    let first = format!(
        "name = 'first'\n{offerings}[confirmation]\nby = 'operator'\nwithin = '9 h'\n[views]\nfigures = true"
    );
    let second = format!("name = 'second'\n{offerings}");
    [first, second].iter().map(|text| Plan::parse("plan.toml", text).unwrap()).collect()
}

struct Town {
    engine: Engine,
    first: Market,
    second: Market,
}

impl Town {
    async fn open(stores: Arc<dyn Stores>) -> Town {
        Town::keeping(stores, Retention::All).await
    }

    /// As [`Town::open`], where old records may go.
    async fn keeping(stores: Arc<dyn Stores>, retention: Retention) -> Town {
        let mut options = Options::new(Data::Stores(stores), plans());
        options.retention = retention;
        options.clock = Arc::new(RuntimeClock::starting_at(START));
        let engine = Engine::open(options).await.unwrap();
        let args = ReviewsArgs { post: Arc::clone(&engine.core().unwrap().post) };
        let (reviews, _) = Actor::spawn(None, ReviewsActor, args).await.unwrap();
        engine.core().unwrap().post.reviews.fill(reviews);
        let (first, second) = (engine.market("first").unwrap(), engine.market("second").unwrap());
        Town { engine, first, second }
    }

    async fn fresh() -> Town {
        Town::open(Arc::<stores::Kept>::default()).await
    }

    async fn place(&self, market: Market, customer: &str, offering: u64, units: u64) -> OrderView {
        let new = NewOrder {
            customer: customer.to_owned(),
            offering: OfferingId(offering),
            quantity: Quantity::whole(units).unwrap(),
            booking: crate::view::Booking::Units,
            card: Some("tok_1".to_owned()),
            attributes: Attributes::new(),
        };
        self.engine.place(market, new, None).await.unwrap().order
    }

    /// An order of the first market that stands in the queue.
    async fn queued(&self, customer: &str, offering: u64, units: u64) -> OrderId {
        let id = self.place(self.first, customer, offering, units).await.id;
        self.look("it waits in the queue", async || {
            let order = self.engine.order(self.first, id).await.unwrap();
            order.confirmation.is_some_and(|it| it.state == Some("waiting"))
        })
        .await;
        id
    }

    async fn command(&self, order: OrderId, command: OrderCommand) {
        self.engine.command(self.first, order, command).await.unwrap();
    }

    async fn confirmed(&self, customer: &str, offering: u64, units: u64) -> OrderId {
        let id = self.queued(customer, offering, units).await;
        self.command(id, OrderCommand::Confirm).await;
        id
    }

    async fn cancel(&self, order: OrderId) {
        let (note, quote, attributes) = (None, None, Attributes::new());
        self.command(order, OrderCommand::Cancel { note, quote, attributes }).await;
        self.look("it is cancelled", async || {
            let view = self.engine.order(self.first, order).await.unwrap();
            view.phase == Phase::Cancelled
        })
        .await;
    }

    async fn look(&self, what: &str, mut look: impl AsyncFnMut() -> bool) {
        for _ in 0..20_000 {
            if look().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it never came about that {what}");
    }

    fn append<M: Machine>(&self, stream: Stream, number: u32, fact: &M::Fact) {
        self.engine.core().unwrap().post.shelf.append::<M>(stream, number, fact).unwrap();
    }

    fn now(&self) -> Timestamp {
        self.engine.core().unwrap().post.clock.now()
    }

    fn next(&self, kind: Kind) -> u64 {
        self.engine.core().unwrap().post.shelf.numbers().next(kind, FIRST)
    }

    /// An order of the first market that brings something, up to its confirmation.
    fn supply(&self, offering: u64, units: u64) -> OrderId {
        let id = OrderId(self.next(Kind::Order));
        let mut order = surehold_domain::testing::order();
        order.offering = OfferingId(offering);
        order.claim = Claim::Supply(Quantity::whole(units).unwrap());
        let (at, until) = (self.now(), Timestamp(self.now().0 + 90 * 86_400_000));
        let confirmation = ConfirmationId(self.next(Kind::Confirmation));
        let held = Event::Held(AfterHold::Confirm { confirmation, until });
        let facts = [
            Saga::place(order, None, at),
            Fact { at, event: held },
            Fact { at, event: Event::Confirmed { until } },
        ];
        let stream = stream::order(OrderKey { market: FIRST, order: id });
        for (number, fact) in (1..).zip(&facts) {
            self.append::<Saga>(stream, number, fact);
        }
        id
    }

    /// Records that mean nothing to the views.
    fn noise(&self, records: u64) {
        for _ in 0..records {
            let stream = stream::serial(Series::Sales, FIRST, self.next(Kind::Sale));
            self.append::<Serial>(stream, 1, &Serial { order: OrderId(1) });
        }
    }

    fn credit(&self, order: OrderId, customer: &str, points: u64) {
        let key = OrderKey { market: FIRST, order };
        let event = mileage::Event::Credited {
            order: key,
            customer: customer.to_owned(),
            offering: OfferingId(1),
            payment: None,
            points,
        };
        let fact = mileage::Fact { at: self.now(), event };
        self.append::<Mileage>(stream::mileage(key), 1, &fact);
    }

    fn take_back(&self, order: OrderId) {
        let stream = stream::mileage(OrderKey { market: FIRST, order });
        let fact = mileage::Fact { at: self.now(), event: mileage::Event::TakenBack };
        self.append::<Mileage>(stream, 2, &fact);
    }

    /// A message; with `lost`, its number is given and nothing is written.
    fn tell(&self, order: OrderId, customer: &str, lost: bool) -> MessageId {
        let id = MessageId(self.next(Kind::Message));
        let message = Message {
            id,
            source: id.0,
            occasion: Occasion::Paid,
            order,
            offering: OfferingId(1),
            customer: customer.to_owned(),
            text: format!("Order {order}."),
            at: self.now(),
        };
        if !lost {
            self.append::<Message>(stream::message(FIRST, id), 1, &message);
        }
        id
    }

    /// Everything that the views know, line by line.
    async fn portrait(&self) -> Vec<String> {
        let (engine, mut lines) = (&self.engine, Vec::new());
        for market in [self.first, self.second] {
            for collection in [
                Collection::Orders,
                Collection::Payments,
                Collection::Confirmations,
                Collection::Cancellations,
                Collection::Messages,
                Collection::Mileages,
                Collection::Flows,
            ] {
                let mut at = 0;
                loop {
                    let rows = engine.rows(market, collection, at, 1000).await.unwrap();
                    lines.push(format!("{collection:?} {rows:?}"));
                    let Some(last) = rows.ids.last() else { break };
                    let cancellation =
                        engine.cancellation_of(market, OrderId(*last)).await.unwrap();
                    let flow = engine.flow_of(market, OrderId(*last)).await.unwrap();
                    lines.push(format!("{last} {cancellation:?} {flow:?}"));
                    at += rows.ids.len() as u64;
                }
            }
            let waiting = engine.waiting(market, 0, 1000).await.unwrap();
            lines.extend(waiting.items.iter().map(|it| format!("{it:?}")));
            let core = engine.core().unwrap();
            let numbers = core.views.waiting(engine.market_id(&core, market), 0, 1000).unwrap();
            let shown: Vec<u64> = waiting.items.iter().map(|it| it.id.0).collect();
            assert_eq!(numbers, shown, "the view itself knows who left");
            let reviews = engine.reviews(market, 0, 1000).await.unwrap();
            let messages = engine.messages(market, 0, 1000).await.unwrap();
            let mileages = engine.mileages(market, 0, 1000).await.unwrap();
            lines.push(format!("{reviews:?} {messages:?} {mileages:?}"));
            for offering in [1, 2].map(OfferingId) {
                let figures = engine.offering_figures(market, offering).await.unwrap();
                let reviews = engine.reviews_of(market, offering, 0, 1000).await.unwrap();
                let filter = OrderFilter { offering: Some(offering), ..OrderFilter::default() };
                let orders = engine.orders(market, filter, 0, 1000).await.unwrap();
                lines.push(format!("{figures:?} {reviews:?} {orders:?}"));
            }
            for name in CUSTOMERS {
                let account = engine.mileage_of(market, name, 0, 1000).await.unwrap();
                let messages = engine.messages_of(market, name, 0, 1000).await.unwrap();
                let filter =
                    OrderFilter { customer: Some(name.to_owned()), ..OrderFilter::default() };
                let orders = engine.orders(market, filter, 0, 1000).await.unwrap();
                lines.push(format!("{account:?} {messages:?} {orders:?}"));
            }
        }
        lines
    }
}

fn opinion(text: &str) -> Opinion {
    Opinion { customer: "ann".to_owned(), rating: Some(4), text: text.to_owned() }
}
