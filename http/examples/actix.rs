//! The engine in an actix system: an actor takes orders as messages, and another is given what was committed.
//! Run it with `cargo run -p surehold-http --features actix --example actix`.

use std::error::Error;
use std::io::Write;

use actix::{Actor, Context, Handler, System};
use surehold::domain::{id::OfferingId, plan::Plan, quantity::Quantity, saga};
use surehold::event::CommittedFact;
use surehold::{Booking, Data, Engine, NewOrder, Options, Refusal};
use surehold_http::actix::{
    BookingEvent, Bookings, Cancel, Close, GetOrder, PlaceOrder, Quote, Subscribe,
};
use tokio::sync::mpsc;

const MARKET: &str = "name = 'demo'\ncurrency = 'EUR'\n[[offerings]]\nid = 1\nname = 'A seat'\n\
    price = { amount = 1250 }\ninventory = { model = 'seats', capacity = 1 }";

/// Is given each event once, in order; the next one comes when it has handled this one.
struct Ledger(mpsc::UnboundedSender<BookingEvent>);

impl Actor for Ledger {
    type Context = Context<Self>;
}

impl Handler<BookingEvent> for Ledger {
    type Result = ();

    fn handle(&mut self, event: BookingEvent, _: &mut Context<Self>) {
        let _ = self.0.send(event);
    }
}

fn told(fact: &CommittedFact) -> String {
    match fact {
        CommittedFact::Order(id, fact) => format!("order {id}: {}", fact.event.kind().name()),
        CommittedFact::Offering(id, fact) => format!("offering {id}: {}", fact.event.name()),
        CommittedFact::Payment(id, fact) => format!("payment {id}: {}", fact.event.name()),
        CommittedFact::Confirmation(id, fact) => {
            format!("confirmation {id}: {}", fact.event.name())
        }
        CommittedFact::Mileage(..) | CommittedFact::Review(..) | CommittedFact::Message(..) => {
            "this market has none of these".to_owned()
        }
    }
}

async fn book(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let plan = Plan::parse("demo.toml", MARKET)?;
    let data = Data::Folder(folder.path().join("data"));
    let engine = Engine::open(Options::new(data, vec![plan])).await?;
    let market = engine.market("demo")?;
    let bookings = Bookings::new(engine).start();

    let (written, mut ledger) = mpsc::unbounded_channel();
    let to = Ledger(written).start().recipient();
    bookings.send(Subscribe { market, after: 0, to }).await??;

    let order = |customer: &str| NewOrder {
        customer: customer.to_owned(),
        offering: OfferingId(1),
        quantity: Quantity::ONE,
        booking: Booking::Units,
        card: Some("tok_1".to_owned()),
        attributes: Default::default(),
    };
    let place = |customer| PlaceOrder { market, order: order(customer), key: None };
    let ann = bookings.send(place("ann")).await??;
    writeln!(out, "ann: {:?}, order {}", ann.placed, ann.order.id)?;
    let bob = bookings.send(place("bob")).await??;
    writeln!(out, "bob: {:?}, order {}", bob.placed, bob.order.id)?;

    let quote = bookings.send(Quote { market, order: ann.order.id }).await??;
    let (quote, attributes) = (Some(quote.quote), Default::default());
    let cancel = Cancel { market, order: ann.order.id, note: None, quote, attributes };
    writeln!(out, "ann: {}", bookings.send(cancel).await??.phase)?;
    // A refusal is an answer, and the engine's own.
    let nobody = GetOrder { market, order: surehold::domain::id::OrderId(99) };
    let refusal: Refusal = bookings.send(nobody).await?.expect_err("there are two orders");
    writeln!(out, "99: {refusal}")?;
    let carol = bookings.send(place("carol")).await??;
    writeln!(out, "carol: {:?}, order {}", carol.placed, carol.order.id)?;

    let carols = carol.order.id;
    loop {
        let event = ledger.recv().await.ok_or("the subscription ended")?;
        writeln!(out, "{:>3} {}", event.sequence, told(&event.fact))?;
        if matches!(&event.fact, CommittedFact::Order(order, fact)
            if *order == carols && matches!(fact.event, saga::Event::Confirmed { .. }))
        {
            break;
        }
    }
    bookings.send(Close).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    // The engine's actors use every core; the actix actors stay on this thread.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut out = Vec::new();
    let booked = System::with_tokio_rt(|| runtime).block_on(book(&mut out));
    std::io::stdout().write_all(&out)?;
    booked
}
