//! The adapter for actix: a program of actors around a real engine.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, only clippy cannot tell")]

use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, ActorContext, Addr, Context, Handler, Message, ResponseFuture, System};
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::id::{OfferingId, OrderId};
use surehold::domain::inventory::{Availability, Model, Patch};
use surehold::domain::plan::Plan;
use surehold::domain::quantity::Quantity;
use surehold::domain::saga::Phase;
use surehold::event::{Committed, CommittedFact};
use surehold::stores::{Opened, Stores};
use surehold::{
    Booking, Data, Engine, Idempotency, Market, NewOffering, NewOrder, Options, OrderFilter,
    OrderView, Placed, Placement, Readiness, Refusal, Sandbox, SandboxSettings,
};
use surehold_http::actix::{
    AddOffering, Annotate, Ask, BookingEvent, Bookings, Cancel, ChangeOffering, Close,
    CloseOffering, Complete, Confirm, CountSubscriptions, FindMarket, FindOrder, GetAvailability,
    GetConfirmation, GetEvents, GetHistory, GetOffering, GetOrder, GetPayment, ListOfferings,
    ListOrders, ListWaiting, NoShow, Pay, PlaceOrder, Quote, Reject, Subscribe,
};
use surehold_storage::faulty::FaultyJournal;
use surehold_storage::{JournalError, MemoryJournal, MemorySnapshots};
use tokio::sync::{Semaphore, mpsc};

/// One market that books at once, one whose customers pay later and whose operator speaks.
fn plans() -> Vec<Plan> {
    let offerings = "currency = 'EUR'\n[[offerings]]\nid = 1\nname = 'A seat'\n\
        price = { amount = 1250 }\ninventory = { model = 'seats', capacity = 1000 }\n";
    let quick = format!("name = 'quick'\n{offerings}");
    let slow = format!(
        "name = 'slow'\n{offerings}[payment]\nwhen = 'later'\nwithin = '1 h'\n\
         [confirmation]\nby = 'operator'\nwithin = '9 h'"
    );
    [quick, slow].iter().map(|text| Plan::parse("plan.toml", text).unwrap()).collect()
}

struct Town {
    engine: Engine,
    bookings: Addr<Bookings>,
    quick: Market,
    slow: Market,
}

impl Town {
    async fn open(data: Data) -> Town {
        Town::with(Options::new(data, plans())).await
    }

    async fn with(options: Options) -> Town {
        let engine = Engine::open(options).await.unwrap();
        let bookings = Bookings::new(engine.clone()).start();
        let market = async |name: &str| bookings.send(FindMarket(name.to_owned())).await.unwrap();
        let (quick, slow) = (market("quick").await.unwrap(), market("slow").await.unwrap());
        Town { engine, bookings, quick, slow }
    }

    /// Asks and is answered.
    async fn ask<A>(&self, message: A) -> A::Result
    where
        A: Ask + Send,
        A::Result: Send,
    {
        self.bookings.send(message).await.unwrap()
    }

    async fn place(&self, market: Market, customer: &str) -> Placement {
        self.ask(order_in(market, customer)).await.unwrap()
    }

    async fn subscribe(&self, after: u64, to: actix::Recipient<BookingEvent>) {
        self.bookings.send(Subscribe { market: self.quick, after, to }).await.unwrap().unwrap();
    }

    async fn subscriptions(&self) -> usize {
        self.bookings.send(CountSubscriptions).await.unwrap()
    }

    /// Everything the first market has committed, once nothing more comes.
    async fn committed(&self, orders: u64) -> Vec<Committed> {
        until("every order is confirmed", async || {
            let phase = Some(Phase::Confirmed);
            let filter = OrderFilter { phase, ..OrderFilter::default() };
            let page = self.engine.orders(self.quick, filter, 0, 1000).await.unwrap();
            page.items.len() as u64 == orders
        })
        .await;
        self.engine.events(self.quick, 0, 1000).await.unwrap().events
    }
}

fn order_in(market: Market, customer: &str) -> PlaceOrder {
    let order = NewOrder {
        customer: customer.to_owned(),
        offering: OfferingId(1),
        quantity: Quantity::ONE,
        booking: Booking::Units,
        card: Some("tok_1".to_owned()),
        attributes: Attributes::new(),
    };
    PlaceOrder { market, order, key: None }
}

async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    for _ in 0..10_000 {
        if look().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came about that {what}");
}

/// Runs in a system whose runtime has several threads, as a program would have it.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    System::with_tokio_rt(|| runtime).block_on(test);
}

/// A subscriber that needs leave for each event, and notes what it was given.
struct Reader {
    leave: Arc<Semaphore>,
    given: Arc<AtomicUsize>,
    read: mpsc::UnboundedSender<BookingEvent>,
}

/// The other end of a reader.
struct Desk {
    reader: Addr<Reader>,
    leave: Arc<Semaphore>,
    given: Arc<AtomicUsize>,
    read: mpsc::UnboundedReceiver<BookingEvent>,
}

impl Reader {
    fn start(leave: usize) -> Desk {
        let (leave, given) = (Arc::new(Semaphore::new(leave)), Arc::<AtomicUsize>::default());
        let (into, read) = mpsc::unbounded_channel();
        let reader = Reader { leave: Arc::clone(&leave), given: Arc::clone(&given), read: into };
        Desk { reader: reader.start(), leave, given, read }
    }
}

impl Desk {
    async fn next(&mut self, events: usize) -> Vec<Committed> {
        let mut all = Vec::with_capacity(events);
        while all.len() < events {
            let BookingEvent { sequence, fact, .. } = self.read.recv().await.unwrap();
            all.push(Committed { sequence, fact });
        }
        all
    }
}

impl Actor for Reader {
    type Context = Context<Self>;
}

impl Handler<BookingEvent> for Reader {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, event: BookingEvent, _: &mut Context<Self>) -> Self::Result {
        self.given.fetch_add(1, Ordering::SeqCst);
        let (leave, read) = (Arc::clone(&self.leave), self.read.clone());
        Box::pin(async move {
            leave.acquire().await.unwrap().forget();
            let _ = read.send(event);
        })
    }
}

struct Leave;

impl Message for Leave {
    type Result = ();
}

impl Handler<Leave> for Reader {
    type Result = ();

    fn handle(&mut self, _: Leave, context: &mut Context<Self>) {
        context.stop();
    }
}

#[test]
fn an_order_goes_its_way_through_messages() {
    run(async {
        let town = Town::open(Data::Memory).await;
        let (market, card) = (town.slow, "tok_7".to_owned());
        let placement = town.place(market, "ann").await;
        assert_eq!(placement.placed, Placed::ToBePaid);
        let order = placement.order.id;
        let paid = town.ask(Pay { market, order, card: card.clone() }).await.unwrap();
        assert_eq!(paid.phase, Phase::Paid);
        until("it waits for the operator", async || {
            let page = town.ask(ListWaiting { market, after: 0, limit: 10 }).await.unwrap();
            page.items.iter().any(|waiting| waiting.order.id == order)
        })
        .await;
        assert_eq!(town.ask(Confirm { market, order }).await.unwrap().phase, Phase::Confirmed);
        let again = town.ask(Pay { market, order, card }).await;
        let phase = Phase::Confirmed;
        assert_eq!(again, Err(Refusal::WrongPhase { phase, command: "be paid" }));
        let quote = town.ask(Quote { market, order }).await.unwrap();
        assert_eq!(quote.refund.amount(), 1250);
        assert_eq!(town.ask(Complete { market, order }).await.unwrap().phase, Phase::Fulfilled);
        let history = town.ask(GetHistory { market, order }).await.unwrap();
        assert_eq!(history.steps.last().unwrap().phase, Phase::Fulfilled);
        let payment = paid.payment.unwrap().id;
        assert_eq!(town.ask(GetPayment { market, payment }).await.unwrap().state, "captured");
        let confirmation = paid.confirmation.unwrap().id;
        let confirmation = town.ask(GetConfirmation { market, confirmation }).await.unwrap();
        assert_eq!(confirmation.state, Some("confirmed"));
        town.bookings.send(Close).await.unwrap();
    });
}

#[test]
fn an_order_comes_to_each_of_its_other_ends_through_messages() {
    run(async {
        let town = Town::open(Data::Memory).await;
        let (slow, quick) = (town.slow, town.quick);
        let paid = async |customer: &str| {
            let order = town.place(slow, customer).await.order.id;
            town.ask(Pay { market: slow, order, card: "tok_7".to_owned() }).await.unwrap();
            until("it waits for the operator", async || {
                let order = town.ask(GetOrder { market: slow, order }).await.unwrap();
                order.confirmation.is_some_and(|it| it.state == Some("waiting"))
            })
            .await;
            order
        };
        let (order, note) = (paid("ann").await, Some("full".to_owned()));
        let rejected = town.ask(Reject { market: slow, order, note }).await.unwrap();
        assert_eq!(
            (rejected.phase, rejected.payment.unwrap().state),
            (Phase::Cancelled, "refunded")
        );
        let order = paid("bob").await;
        town.ask(Confirm { market: slow, order }).await.unwrap();
        let absent = town.ask(NoShow { market: slow, order, note: None }).await.unwrap();
        assert_eq!(absent.reason.unwrap().code(), "no_show");

        let order = town.place(quick, "cy").await.order.id;
        let attributes = Attributes::from([("seat".to_owned(), Attribute::Text("7".to_owned()))]);
        let noted = town.ask(Annotate { market: quick, order, attributes: attributes.clone() });
        assert_eq!(noted.await.unwrap().attributes, attributes);
        let quote = Some(town.ask(Quote { market: quick, order }).await.unwrap().quote + 1);
        let cancel = |quote| Cancel {
            market: quick,
            order,
            note: Some("ill".to_owned()),
            quote,
            attributes: Attributes::new(),
        };
        let refused = town.ask(cancel(quote)).await;
        assert!(matches!(refused, Err(Refusal::Conflict(_))), "{refused:?}");
        let cancelled = town.ask(cancel(None)).await.unwrap();
        assert_eq!(cancelled.phase, Phase::Cancelled);
        assert_eq!(cancelled.reason.unwrap().note(), Some("ill"));
        town.bookings.send(Close).await.unwrap();
    });
}

#[test]
fn what_is_asked_wrongly_is_refused_by_the_engine() {
    run(async {
        let town = Town::open(Data::Memory).await;
        let nowhere = town.bookings.send(FindMarket("nowhere".to_owned())).await.unwrap();
        assert_eq!(nowhere, Err(Refusal::NoSuchMarket("nowhere".to_owned())));
        let missing = town.ask(GetOrder { market: town.quick, order: OrderId(9) }).await;
        assert_eq!(missing, Err(Refusal::NotFound { kind: "order", id: 9 }));
        let mut bad = order_in(town.quick, "ann");
        bad.order.card = Some("4000 0000".to_owned());
        let bad = town.ask(bad).await;
        assert!(matches!(&bad, Err(Refusal::Invalid { .. })), "{bad:?}");
        let keyed = |customer: &str| {
            let mut message = order_in(town.quick, customer);
            let body = customer.as_bytes().to_vec();
            message.key = Some(Idempotency { key: "k".to_owned(), body });
            message
        };
        let first = town.ask(keyed("ann")).await.unwrap().order.id;
        assert_eq!(town.ask(keyed("ann")).await.unwrap().order.id, first);
        assert_eq!(town.ask(keyed("bob")).await, Err(Refusal::KeyReused));
        let find = |key: &str| FindOrder { market: town.quick, key: key.to_owned() };
        assert_eq!(town.ask(find("k")).await.unwrap().unwrap().id, first);
        assert_eq!(town.ask(find("other")).await.unwrap(), None);
        town.bookings.send(Close).await.unwrap();
    });
}

#[test]
fn what_is_sold_is_kept_through_messages() {
    run(async {
        let town = Town::open(Data::Memory).await;
        let market = town.quick;
        let seats = |seats| Model::Seats { capacity: Quantity::whole(seats).unwrap() };
        let offering = NewOffering {
            id: None,
            name: "A box".to_owned(),
            price: None,
            model: seats(4),
            overbook: None,
            attributes: Attributes::new(),
        };
        let offering = town.ask(AddOffering { market, offering }).await.unwrap().id;
        let change = Patch { model: Some(seats(5)), ..Patch::default() };
        town.ask(ChangeOffering { market, offering, change }).await.unwrap();
        let free = town.ask(GetOffering { market, offering }).await.unwrap().free;
        assert_eq!(free, Some(Quantity::whole(5).unwrap()));
        let asked = GetAvailability { market, offering, from: None, to: None };
        let (_, availability) = town.ask(asked).await.unwrap();
        assert!(matches!(availability, Availability::Units { .. }), "{availability:?}");
        let list = ListOfferings { market, after: 0, limit: 10 };
        assert_eq!(town.ask(list).await.unwrap().items.len(), 2);
        town.ask(CloseOffering { market, offering }).await.unwrap();
        let gone = town.ask(GetOffering { market, offering }).await;
        assert_eq!(gone, Err(Refusal::NotFound { kind: "offering", id: offering.0 }));
        town.bookings.send(Close).await.unwrap();
    });
}

/// A program's own question.
struct Busiest(Market);

impl Message for Busiest {
    type Result = Result<Vec<OrderView>, Refusal>;
}

impl Ask for Busiest {
    async fn ask(self, engine: Engine) -> Self::Result {
        Ok(engine.orders(self.0, OrderFilter::default(), 0, 2).await?.items)
    }
}

#[test]
fn a_program_may_ask_what_no_message_here_asks() {
    run(async {
        let town = Town::open(Data::Memory).await;
        for customer in ["ann", "bob", "cy"] {
            town.place(town.quick, customer).await;
        }
        assert_eq!(town.ask(Busiest(town.quick)).await.unwrap().len(), 2);
        town.bookings.send(Close).await.unwrap();
    });
}

/// With a gateway that answers after a while, and one thread for everything: whoever asks for something else is answered
/// while the order waits.
#[test]
fn an_order_that_waits_holds_up_nobody() {
    System::new().block_on(async {
        let mut options = Options::new(Data::Memory, plans());
        let delay = Duration::from_millis(700);
        let settings = SandboxSettings { delay, ..SandboxSettings::default() };
        options.gateway = Arc::new(Sandbox::new(settings));
        let town = Town::with(options).await;
        let mut waiting = std::pin::pin!(town.bookings.send(order_in(town.quick, "ann")));
        let filter = OrderFilter::default();
        let list = ListOrders { market: town.quick, filter, after: 0, limit: 10 };
        let mut answers = 0;
        let placement = loop {
            tokio::select! {
                placement = &mut waiting => break placement.unwrap().unwrap(),
                page = town.ask(list.clone()) => answers += page.unwrap().items.len(),
            }
        };
        assert_eq!(placement.placed, Placed::Booked);
        assert!(answers > 0, "nobody was shown the order while it waited");
        town.bookings.send(Close).await.unwrap();
    });
}

#[test]
fn a_subscriber_is_given_everything_in_order() {
    run(async {
        let town = Town::open(Data::Memory).await;
        let (mut first, mut late) = (Reader::start(10_000), Reader::start(10_000));
        town.subscribe(0, first.reader.clone().recipient()).await;
        let places: Vec<_> = (0..40)
            .map(|number| town.bookings.send(order_in(town.quick, &format!("c{number}"))))
            .collect();
        for place in places {
            // The mailbox is shorter than this: what does not fit waits for its turn.
            assert_eq!(place.await.unwrap().unwrap().placed, Placed::Booked);
        }
        town.place(town.slow, "of another market").await;
        let all = town.committed(40).await;
        assert!(all.len() > 40 * 4, "{}", all.len());
        assert_eq!(first.next(all.len()).await, all);
        let page = GetEvents { market: town.quick, after: 0, limit: 1000 };
        assert_eq!(town.ask(page).await.unwrap().events, all);
        // Who was away goes on where it was.
        let (seen, rest) = all.split_at(all.len() / 2);
        town.subscribe(seen.last().unwrap().sequence, late.reader.clone().recipient()).await;
        assert_eq!(late.next(rest.len()).await, rest);
        assert_eq!(first.given.load(Ordering::SeqCst), all.len(), "nothing is given twice");
        town.bookings.send(Close).await.unwrap();
    });
}

#[test]
fn a_slow_subscriber_is_waited_for() {
    run(async {
        let town = Town::open(Data::Memory).await;
        let (mut slow, mut quick) = (Reader::start(0), Reader::start(10_000));
        town.subscribe(0, slow.reader.clone().recipient()).await;
        town.subscribe(0, quick.reader.clone().recipient()).await;
        for number in 0..20 {
            town.place(town.quick, &format!("c{number}")).await;
        }
        let all = town.committed(20).await;
        // The other one has all of it, so there was time.
        assert_eq!(quick.next(all.len()).await, all);
        assert_eq!(
            slow.given.load(Ordering::SeqCst),
            1,
            "the second waits until the first is handled"
        );
        slow.leave.add_permits(3);
        assert_eq!(slow.next(3).await, all[..3]);
        until("the fourth is given", async || slow.given.load(Ordering::SeqCst) == 4).await;
        slow.leave.add_permits(10_000);
        assert_eq!(slow.next(all.len() - 3).await, all[3..]);
        town.bookings.send(Close).await.unwrap();
    });
}

#[test]
fn a_subscription_ends_with_its_recipient_though_nothing_happens() {
    run(async {
        let town = Town::open(Data::Memory).await;
        let (gone, stays) = (Reader::start(10_000), Reader::start(10_000));
        town.subscribe(0, gone.reader.clone().recipient()).await;
        town.subscribe(0, stays.reader.clone().recipient()).await;
        assert_eq!(town.subscriptions().await, 2);
        gone.reader.send(Leave).await.unwrap();
        until("one subscription is left", async || town.subscriptions().await == 1).await;
        // One that is in the middle of an event ends as well.
        let stuck = Reader::start(0);
        town.subscribe(0, stuck.reader.clone().recipient()).await;
        until("it is given one", async || stuck.given.load(Ordering::SeqCst) == 1).await;
        stuck.reader.send(Leave).await.unwrap();
        stuck.leave.add_permits(1);
        until("one subscription is left", async || town.subscriptions().await == 1).await;
        town.bookings.send(Close).await.unwrap();
    });
}

/// A disk that can be told to refuse the next write; what was written before is there when it is opened again.
#[derive(Default)]
struct Disk(Mutex<Option<Shelf>>);

struct Shelf {
    kept: Arc<MemoryJournal>,
    opened: Arc<FaultyJournal<MemoryJournal>>,
}

impl Disk {
    fn refuse(&self) {
        self.0.lock().unwrap().as_ref().unwrap().opened.fail_at(1);
    }
}

impl Stores for Disk {
    fn open(&self) -> Result<Opened, JournalError> {
        let mut shelf = self.0.lock().unwrap();
        let kept = shelf.as_ref().map_or_else(|| MemoryJournal::new(7), |it| it.kept.reopened());
        let opened = FaultyJournal::new(Arc::clone(&kept));
        *shelf = Some(Shelf { kept, opened: Arc::clone(&opened) });
        // Snapshots are a cache: without them the journal is read from its beginning.
        Ok((opened, MemorySnapshots::new()))
    }

    fn room(&self) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn a_subscription_goes_on_when_the_data_is_opened_anew() {
    run(async {
        let disk = Arc::<Disk>::default();
        let town = Town::open(Data::Stores(disk.clone())).await;
        let mut reader = Reader::start(10_000);
        town.subscribe(0, reader.reader.clone().recipient()).await;
        town.place(town.quick, "ann").await;
        let before = town.committed(1).await;
        assert_eq!(reader.next(before.len()).await, before);
        disk.refuse();
        let refused = town.ask(order_in(town.quick, "bob")).await;
        assert!(matches!(refused, Err(Refusal::Unavailable { .. })), "{refused:?}");
        until("the data was opened anew", async || town.engine.tree().await.restarts > 0).await;
        until("orders are taken again", async || town.engine.readiness() == Readiness::Ready).await;
        town.place(town.quick, "cy").await;
        let after = town.committed(2).await.split_off(before.len());
        assert!(!after.is_empty());
        assert_eq!(reader.next(after.len()).await, after);
        assert_eq!(town.subscriptions().await, 1);
        town.bookings.send(Close).await.unwrap();
    });
}

#[test]
fn a_subscription_outlives_the_address() {
    run(async {
        let Town { engine, bookings, quick: market, .. } = Town::open(Data::Memory).await;
        let mut reader = Reader::start(10_000);
        let to = reader.reader.clone().recipient();
        bookings.send(Subscribe { market, after: 0, to }).await.unwrap().unwrap();
        drop(bookings);
        let PlaceOrder { order, .. } = order_in(market, "ann");
        engine.place(market, order, None).await.unwrap();
        while !matches!(reader.next(1).await[0].fact, CommittedFact::Order(..)) {}
        engine.close().await;
    });
}

async fn reopened(folder: &Path) -> Engine {
    Engine::open(Options::new(Data::Folder(folder.to_owned()), plans())).await.unwrap()
}

#[test]
fn closing_finishes_what_was_taken_and_ends_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(async {
        let town = Town::open(Data::Folder(data.clone())).await;
        let reader = Reader::start(10_000);
        town.subscribe(0, reader.reader.clone().recipient()).await;
        let place = |number| town.bookings.send(order_in(town.quick, &format!("c{number}")));
        let mut answers: Vec<_> = (0..30).map(|number| actix::spawn(place(number))).collect();
        let first: Placement = answers.remove(0).await.unwrap().unwrap().unwrap();
        assert_eq!(first.placed, Placed::Booked);
        town.bookings.send(Close).await.unwrap();
        assert!(town.engine.is_closed() && !town.bookings.connected());
        let mut booked = 1;
        for answer in answers {
            match answer.await.unwrap() {
                Ok(Ok(placement)) => {
                    assert_eq!(placement.placed, Placed::Booked);
                    booked += 1;
                }
                Ok(Err(refusal)) => assert!(matches!(refusal, Refusal::Unavailable { .. })),
                // It still stood before the mailbox.
                Err(error) => assert!(matches!(error, actix::MailboxError::Closed)),
            }
        }
        let mut read = reader.read;
        drop(reader.reader);
        // The subscription had the last address of the reader, and has let it go.
        while read.recv().await.is_some() {}
        let engine = reopened(&data).await;
        let orders = engine.orders(town.quick, OrderFilter::default(), 0, 100).await.unwrap();
        assert!(orders.items.len() >= booked, "{booked} were answered");
        engine.close().await;
    });
}

#[test]
fn a_closed_engine_takes_no_subscription() {
    run(async {
        let town = Town::open(Data::Memory).await;
        town.engine.close().await;
        let to = Reader::start(0).reader.recipient();
        let refused = town.bookings.send(Subscribe { market: town.quick, after: 0, to }).await;
        assert!(matches!(refused.unwrap(), Err(Refusal::Unavailable { .. })));
        let late = town.ask(order_in(town.quick, "ann")).await;
        assert!(matches!(late, Err(Refusal::Unavailable { .. })), "{late:?}");
    });
}
