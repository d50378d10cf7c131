//! Reviews, messages, points, figures and flows.

use surehold_domain::id::{OfferingId, OrderId, ReviewId};
use surehold_domain::quantity::Quantity;

use super::{Town, opinion};
use crate::refusal::Refusal;
use crate::view::{OfferingChange, OfferingFigures, OfferingTurn, OrderCommand};

#[tokio::test(start_paused = true)]
async fn reviews_are_written_changed_removed_and_listed() {
    let town = Town::fresh().await;
    let (engine, market, offering) = (&town.engine, town.first, OfferingId(1));
    let mut ids = Vec::new();
    for text in ["a", "b", "c", "d"] {
        let review = engine.write_review(market, offering, opinion(text)).await.unwrap();
        assert_eq!((review.text.as_str(), review.offering), (text, offering));
        ids.push(review.id);
    }
    engine.write_review(market, OfferingId(2), opinion("other")).await.unwrap();
    let changed = engine.change_review(market, ids[2], opinion("c2")).await.unwrap();
    assert_eq!(engine.review(market, ids[2]).await.unwrap(), changed);
    engine.remove_review(market, ids[1]).await.unwrap();

    let gone = Err(Refusal::NotFound { kind: "review", id: ids[1].0 });
    assert_eq!(engine.review(market, ids[1]).await, gone);
    assert_eq!(engine.change_review(market, ids[1], opinion("x")).await, gone);
    assert_eq!(engine.remove_review(market, ids[1]).await, gone.map(|_| ()));
    assert!(engine.review(market, ReviewId(99)).await.is_err());

    let page = engine.reviews_of(market, offering, 0, 2).await.unwrap();
    let texts: Vec<&str> = page.items.iter().map(|it| it.text.as_str()).collect();
    assert_eq!((texts, page.next), (vec!["a", "c2"], Some(ids[2].0)));
    let page = engine.reviews_of(market, offering, ids[2].0, 2).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
    let (all, total) = engine.reviews(market, 1, 2).await.unwrap();
    let texts: Vec<&str> = all.iter().map(|it| it.text.as_str()).collect();
    assert_eq!((texts, total), (vec!["c2", "d"], 4), "offsets count what stands");
    assert_eq!(engine.offering_figures(market, offering).await.unwrap().reviews, 3);

    let nothing = engine.write_review(market, OfferingId(9), opinion("x")).await;
    assert_eq!(nothing, Err(Refusal::NotFound { kind: "offering", id: 9 }));
    let bad = engine.write_review(market, offering, opinion("bell\u{7}")).await;
    assert!(matches!(bad, Err(Refusal::Invalid { field, .. }) if field == "content"));
    engine.core().unwrap().post.reviews.stop();
    let down = engine.write_review(market, offering, opinion("x")).await;
    assert_eq!(down, Err(Refusal::unavailable("the reviews are down")));
    assert!(engine.review(market, ids[0]).await.is_ok(), "what is written can be read");
    engine.close_offering(market, offering).await.unwrap();
    let closed = engine.write_review(market, offering, opinion("x")).await;
    assert_eq!(closed, Err(Refusal::NotFound { kind: "offering", id: 1 }));
    engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn messages_are_found_by_number_and_by_customer() {
    let town = Town::fresh().await;
    let (engine, market) = (&town.engine, town.first);
    let order = OrderId(1);
    let first = town.tell(order, "ann", false);
    town.tell(order, "ann", true);
    let bobs = town.tell(order, "bob", false);
    let last = town.tell(order, "ann", false);
    assert_eq!(engine.message(market, bobs).await.unwrap().customer, "bob");
    let hole = engine.message(market, surehold_domain::id::MessageId(2)).await;
    assert_eq!(hole, Err(Refusal::NotFound { kind: "message", id: 2 }));
    let page = engine.messages_of(market, "ann", 0, 1).await.unwrap();
    assert_eq!((page.items[0].id, page.next), (first, Some(first.0)));
    let page = engine.messages_of(market, "ann", first.0, 1).await.unwrap();
    assert_eq!((page.items[0].id, page.next), (last, None));
    let (all, total) = engine.messages(market, 1, 10).await.unwrap();
    assert_eq!((all[0].id, all[1].id, total), (bobs, last, 3), "a lost number is no row");
    assert_eq!(engine.messages(town.second, 0, 10).await.unwrap(), (Vec::new(), 0));
    engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn balances_are_the_sum_of_what_stands() {
    let town = Town::fresh().await;
    let (engine, market) = (&town.engine, town.first);
    town.credit(OrderId(7), "ann", 50);
    town.credit(OrderId(3), "ann", 20);
    town.credit(OrderId(5), "bob", 1);
    // One name that begins with another.
    town.credit(OrderId(6), "annabel", 1000);
    town.take_back(OrderId(7));
    let account = engine.mileage_of(market, "ann", 0, 1).await.unwrap();
    let entry = &account.entries.items[0];
    assert_eq!((account.balance, entry.order, entry.points), (20, OrderId(3), 20));
    let rest = engine.mileage_of(market, "ann", account.entries.next.unwrap(), 9).await.unwrap();
    let entry = &rest.entries.items[0];
    assert_eq!((rest.balance, entry.credited, entry.points), (20, 50, 0), "it is still shown");
    assert_eq!(rest.entries.next, None);
    let (all, total) = engine.mileages(market, 0, 10).await.unwrap();
    let orders: Vec<u64> = all.iter().map(|entry| entry.order.0).collect();
    assert_eq!((orders, total), (vec![7, 3, 5, 6], 4), "in the order of crediting");
    assert_eq!(engine.mileage(market, OrderId(5)).await.unwrap().customer, "bob");
    let none = engine.mileage(market, OrderId(1)).await;
    assert!(matches!(none, Err(Refusal::NotFound { .. })));
    let stranger = engine.mileage_of(market, "zoe", 0, 10).await.unwrap();
    assert_eq!((stranger.balance, stranger.entries.items.len()), (0, 0));
    engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn figures_count_what_is_booked_and_did_not_come_back() {
    let town = Town::fresh().await;
    let (engine, market, offering) = (&town.engine, town.first, OfferingId(2));
    let figures = async || engine.offering_figures(market, offering).await.unwrap();
    assert_eq!(figures().await, OfferingFigures::default());
    let first = town.queued("ann", 2, 3).await;
    let booked = figures().await;
    assert_eq!((booked.last_order, booked.last_turn), (Some(first), None));
    assert_eq!((booked.sold, booked.revenue), (Quantity::whole(3).unwrap(), 300));
    town.command(first, OrderCommand::Confirm).await;
    assert_eq!(figures().await.last_turn, Some(OfferingTurn::Reserved));
    let second = town.confirmed("bob", 2, 5).await;
    // One that never came into being leaves nothing.
    let mut new = crate::view::NewOrder {
        customer: "cy".to_owned(),
        offering,
        quantity: Quantity::ONE,
        booking: crate::view::Booking::Units,
        card: Some(surehold_actors::gateway::sandbox::DECLINED_BY_DEFAULT.to_owned()),
        attributes: Default::default(),
    };
    engine.place(market, new.clone(), None).await.unwrap();
    // What is brought is not sold.
    let supply = town.supply(2, 40);
    let now = figures().await;
    assert_eq!((now.sold, now.revenue), (Quantity::whole(8).unwrap(), 800));
    assert_eq!((now.last_order, now.last_turn), (Some(second), Some(OfferingTurn::Reserved)));
    town.cancel(first).await;
    let now = figures().await;
    assert_eq!((now.sold, now.revenue), (Quantity::whole(5).unwrap(), 500));
    assert_eq!((now.last_order, now.last_turn), (Some(second), Some(OfferingTurn::Cancelled)));
    engine.write_review(market, offering, opinion("good")).await.unwrap();
    assert_eq!(figures().await.last_turn, Some(OfferingTurn::Reviewed));
    let change = OfferingChange { name: Some("Two".to_owned()), ..OfferingChange::default() };
    engine.change_offering(market, offering, change).await.unwrap();
    assert_eq!(figures().await.last_turn, Some(OfferingTurn::Changed));
    town.cancel(second).await;
    let now = figures().await;
    assert_eq!((now.sold, now.revenue, now.has_sold), (Quantity::NONE, 0, true));

    let flows = engine.flows(market, 0, 10).await.unwrap();
    assert_eq!((flows.ids, flows.total), (vec![supply.0, first.0, second.0], 3));
    assert_eq!(engine.flow_of(market, first).await.unwrap(), Some(2));
    assert_eq!(engine.flow_of(market, OrderId(99)).await.unwrap(), None);

    // In a market that does not ask for it nothing is counted.
    new.card = Some("tok_1".to_owned());
    engine.place(town.second, new, None).await.unwrap();
    let figures = engine.offering_figures(town.second, offering).await.unwrap();
    assert_eq!(figures, OfferingFigures::default());
    engine.close().await;
}
