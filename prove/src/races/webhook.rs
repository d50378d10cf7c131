//! What a payment provider says unasked, at the same instant as its answer.

use serde_json::json;

use super::arena::{Arena, Stage, Tried, Wrong, command, number, order};
use super::scenario::Tally;
use super::slots::{AT_ONCE, outcome, times};
use crate::server::Settings;
use crate::standin::stripe::{KEY, SECRET, Stripe};

/// Of so many answers to a confirmation, one is lost on its way.
const LOST_OF: usize = 8;

/// medusa #13301 and saleor #12652: the provider's webhook and the customer's own confirmation both
/// carried the same order on, and it was captured twice, or one of them found it gone. Here a stand-in
/// for Stripe sends its signed event, three times, while its answer is on the way, and some answers are
/// lost: every order is paid once. Then all are cancelled, each twice at once: it is given back once.
pub(super) fn captured_once(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(15, 3), stage.size(100, 32));
    let stripe = Stripe::start(stage.runtime.handle())?;
    let mut arena = stage.open_with(Settings {
        markets: vec![AT_ONCE.to_owned()],
        flags: vec!["--stripe-url".to_owned(), stripe.url()],
        environment: vec![
            ("SUREHOLD_STRIPE_KEY".to_owned(), KEY.to_owned()),
            ("SUREHOLD_STRIPE_WEBHOOK_SECRET".to_owned(), SECRET.to_owned()),
        ],
    })?;
    stripe.tell(arena.server.address());
    for round in 0..rounds {
        let seats = arena.offer(&json!({"model": "seats", "capacity": crowd}))?;
        stripe.books().lose = (crowd / LOST_OF) as u64;
        let wish = json!({"payment": {"card": "pm_card_visa"}});
        let buy = |who| order(seats, &format!("r{round}c{who}"), &wish);
        let said = arena.rush((0..crowd).map(buy).collect())?;
        let (won, _) = outcome(&said)?;
        for id in &won {
            let order = arena.reach(*id, &["confirmed"])?;
            let paid = times(&mut arena, *id, "OrderPaid")?;
            if paid != 1 || order["payment"]["state"] != "captured" {
                return Err(arena.tell(format!("paid {paid} times: {order}"), &[*id]));
            }
        }
        books_agree(&mut arena, &stripe, (round + 1) * crowd, round * crowd)?;
        let both = won.iter().flat_map(|id| [command(*id, "cancel"), command(*id, "cancel")]);
        arena.rush(both.collect())?;
        for id in &won {
            arena.reach(*id, &["cancelled"])?;
        }
        books_agree(&mut arena, &stripe, (round + 1) * crowd, (round + 1) * crowd)?;
    }
    let taken = (rounds * crowd * 3) as u64;
    arena.until("all events were taken", |_| {
        let books = stripe.books();
        if let Some(refused) = books.events_refused.first() {
            return Err(Wrong::from(format!("an event was answered {refused}")));
        }
        Ok((books.events_taken == taken).then_some(()))
    })?;
    let requests = arena.requests + taken;
    Ok(Tally { rounds: rounds as u64, of: "crowds with three events each", requests })
}

/// Holds that Stripe has as many charges and refunds as orders need, one for each key, and that its
/// money is ours.
fn books_agree(
    arena: &mut Arena<'_>,
    stripe: &Stripe,
    charges: usize,
    refunds: usize,
) -> Tried<()> {
    let audit = arena.balanced()?;
    let books = stripe.books().clone();
    let twice = books.intents.iter().find(|intent| {
        let key = intent["metadata"]["surehold_key"].as_str().unwrap_or_default();
        books.of_key(key).count() != 1
    });
    if let Some(twice) = twice {
        return Err(Wrong::from(format!("charged twice: {twice}")));
    }
    if (books.intents.len(), books.refunds.len()) != (charges, refunds) {
        let (made, back) = (books.intents.len(), books.refunds.len());
        let what = format!("{made} charges and {back} refunds, not {charges} and {refunds}");
        return Err(Wrong::from(what));
    }
    let money = &audit["money"]["EUR"];
    let ours = [number(&money["captured"]), number(&money["refunded"])];
    let theirs = [books.captured(), books.refunded()];
    if ours.map(|amount| i64::try_from(amount).unwrap_or(i64::MAX)) != theirs {
        let what = format!("captured and refunded: {ours:?} by us, {theirs:?} by the provider");
        return Err(Wrong::from(what));
    }
    Ok(())
}
