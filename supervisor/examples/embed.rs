//! The engine inside a program of one's own: open, place, look, follow, close.
//! Run it with `cargo run -p surehold --example embed`.

use surehold::domain::{id::OfferingId, plan::Plan, quantity::Quantity};
use surehold::{Booking, Data, Engine, NewOrder, Options};

const MARKET: &str = "name = 'demo'\ncurrency = 'EUR'\n[[offerings]]\nid = 1\nname = 'A seat'\n\
    price = { amount = 1250 }\ninventory = { model = 'seats', capacity = 3 }";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plan = Plan::parse("demo.toml", MARKET)?;
    let engine = Engine::open(Options::new(Data::Memory, vec![plan])).await?;
    let market = engine.market("demo")?;
    let (customer, offering) = ("ann".to_owned(), OfferingId(1));
    let (quantity, card) = (Quantity::ONE, Some("tok_1".to_owned()));
    let (booking, attributes) = (Booking::Units, Default::default());
    let order = NewOrder { customer, offering, quantity, booking, card, attributes };
    let placement = engine.place(market, order, None).await?;
    let mut out = String::new();
    out += &format!(
        "{:?}: order {} is {}\n",
        placement.placed, placement.order.id, placement.order.phase
    );
    for committed in engine.subscribe(market, 0).next().await? {
        out += &format!("{:>3} {:?}\n", committed.sequence, committed.fact);
    }
    engine.close().await;
    std::io::Write::write_all(&mut std::io::stdout(), out.as_bytes())?;
    Ok(())
}
