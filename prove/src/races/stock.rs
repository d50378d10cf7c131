//! The last units of a stock, and the money for them, with a payment service that keeps books.

use std::time::Duration;

use serde_json::{Value, json};

use super::arena::{Arena, Stage, Tried, Wrong, at, number, order};
use super::scenario::Tally;
use super::slots::{AT_ONCE, exactly};
use crate::client::Request;
use crate::server::Settings;
use crate::standin::payments::{Fault, Manner, PaymentService, Step};

/// Units for everybody.
const STOCK: u64 = 3;
/// A slow payment takes this long.
const SLOW: Duration = Duration::from_millis(30);

/// A server whose payments go to this service.
pub(super) fn open<'a>(
    stage: &'a Stage<'_>,
    market: &str,
    service: &PaymentService,
) -> Tried<Arena<'a>> {
    stage.open_with(Settings {
        markets: vec![market.to_owned()],
        flags: vec!["--payment-url".to_owned(), service.url()],
        ..Settings::default()
    })
}

/// The wish for one unit, with a card by which the service's books can be read.
pub(super) fn with_card(card: &str) -> Value {
    json!({"payment": {"card": card}})
}

/// Holds that the engine's money is the service's money.
pub(super) fn same_money(arena: &mut Arena<'_>, service: &PaymentService) -> Tried<()> {
    let audit = arena.balanced()?;
    let books = service.books().clone();
    if let Some(wrong) = books.wrong.first() {
        return Err(Wrong::from(format!("the payment service was asked wrongly: {wrong}")));
    }
    let money = &audit["money"]["EUR"];
    let ours = (number(&money["captured"]), number(&money["refunded"]));
    let theirs = (books.captured(), books.refunded());
    if (i64::try_from(ours.0).ok(), i64::try_from(ours.1).ok()) == (Some(theirs.0), Some(theirs.1))
    {
        return Ok(());
    }
    Err(Wrong::from(format!("captured and refunded: {ours:?} by us, {theirs:?} by the service")))
}

/// medusa #16825: two checkouts for the last unit made two orders, and the one that failed halfway
/// stayed, without a reservation and without a payment. Here a crowd buys one unit, and the line to
/// the payment service breaks now and then: one order is paid, and all others came to nothing.
pub(super) fn orphan(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(60, 6), stage.size(100, 40));
    let service = PaymentService::start(stage.runtime.handle(), |step, card, before| {
        // One card in seven: few enough that the breaker rightly does not mind.
        let lost = step == Step::Charge && before == 0 && card.ends_with(['3', '7']);
        let lost = lost && card.starts_with('r') && !card.contains('5');
        Manner { after: Duration::ZERO, fault: lost.then_some(Fault::Lost) }
    })?;
    let mut arena = open(stage, AT_ONCE, &service)?;
    for round in 0..rounds {
        let stock = arena.offer(&json!({"model": "stock", "quantity": 1}))?;
        let name = |who: usize| format!("r{round}c{who}");
        let buy = |who| order(stock, &name(who), &with_card(&name(who)));
        let said = arena.rush((0..crowd).map(buy).collect())?;
        let (won, _) = exactly(&mut arena, &said, 1)?;
        let order = arena.reach(won[0], &["confirmed"])?;
        let mine = format!("r{round}c");
        let taken: Vec<String> = {
            let books = service.books();
            let of_round = books.payments.values().filter(|entry| entry.card.starts_with(&mine));
            of_round.filter(|entry| entry.captured).map(|entry| entry.card.clone()).collect()
        };
        if taken.len() != 1 || order["customer"] != taken[0].as_str() {
            return Err(arena.tell(format!("paid by {taken:?}, sold to {order}"), &won));
        }
    }
    same_money(&mut arena, &service)?;
    Ok(Tally { rounds: rounds as u64, of: "last units", requests: arena.requests })
}

/// vendure #3065: two customers paid for the last item, the slower one was charged after it was gone,
/// and the order stayed a cart. Here payments are slow, each by another time, and somebody takes a
/// unit out of the stock meanwhile: whoever is charged gets a unit, whoever gets none is not charged.
pub(super) fn charged(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(60, 6), stage.size(100, 40));
    let service = PaymentService::start(stage.runtime.handle(), |_, card, _| {
        let share = card.bytes().fold(0u32, |sum, byte| (sum * 31 + u32::from(byte)) % 100);
        Manner { after: SLOW * share / 100, fault: None }
    })?;
    let mut arena = open(stage, AT_ONCE, &service)?;
    for round in 0..rounds {
        let stock = arena.offer(&json!({"model": "stock", "quantity": STOCK}))?;
        let mine = format!("r{round}c");
        let buy = |who: usize| {
            let name = format!("{mine}{who}");
            order(stock, &name, &with_card(&name))
        };
        let mut crowd: Vec<Request> = (0..crowd).map(buy).collect();
        let path = at(&format!("offerings/{stock}/stock"));
        let place = crowd.len() * (round % 4) / 40;
        crowd.insert(place, Request::post(path, &json!({"removed": 1})));
        let mut said = arena.rush(crowd)?;
        let removed = said.remove(place);
        let left = match removed.status {
            200 => STOCK - 1,
            409 => STOCK,
            _ => return Err(format!("a stocktake was answered {}", removed.told()).into()),
        };
        let units = usize::try_from(left).unwrap_or(usize::MAX);
        let (won, _) = exactly(&mut arena, &said, units)?;
        let taken = {
            let books = service.books();
            books.payments.values().filter(|it| it.captured && it.card.starts_with(&mine)).count()
        };
        if taken != units || arena.free(stock)? != 0 {
            return Err(arena.tell(format!("{taken} were charged for {left} units"), &won));
        }
    }
    same_money(&mut arena, &service)?;
    Ok(Tally { rounds: rounds as u64, of: "stocks", requests: arena.requests })
}
