//! The agenda: when orders come due, who waits, and what is found page by page.

use std::collections::BTreeMap;

use surehold_storage::faulty::Dice;

use super::*;

fn key(order: u64) -> OrderKey {
    OrderKey { market: MarketId(0), order: OrderId(order) }
}

fn open(deadline: u64, owed: Option<Party>) -> Option<Open> {
    Some(Open { deadline: Timestamp(deadline), owed, mark: Mark::Plain })
}

#[test]
fn an_order_comes_due_at_its_last_deadline_and_again_until_it_moves() {
    let agenda = Agenda::default();
    agenda.set(key(1), open(10, Some(Party::Inventory)), Timestamp(0));
    agenda.set(key(1), open(50, None), Timestamp(0));
    agenda.set(key(2), open(30, Some(Party::Payments)), Timestamp(0));
    let due = |now: u64| agenda.due(Timestamp(now), Timestamp(now + 5), 10);
    assert_eq!(due(10), (vec![], Some(Timestamp(30))), "moved back, not due");
    assert_eq!(due(30), (vec![key(2)], Some(Timestamp(35))));
    assert_eq!(due(35).0, vec![key(2)], "nobody acted: due again");
    agenda.set(key(2), None, Timestamp(0));
    assert_eq!(due(60).0, vec![key(1)]);
    assert_eq!(agenda.overdue(Timestamp(60), Span(9)), 1);
    assert_eq!(agenda.overdue(Timestamp(60), Span(10)), 0);
}

#[test]
fn an_earlier_deadline_moves_an_order_forward() {
    let agenda = Agenda::default();
    agenda.set(key(1), open(50, None), Timestamp(0));
    agenda.set(key(1), open(20, Some(Party::Confirmations)), Timestamp(0));
    assert_eq!(agenda.due(Timestamp(20), Timestamp(25), 10).0, vec![key(1)]);
    assert_eq!(agenda.owed(Some(Party::Confirmations)), vec![key(1)]);
    assert_eq!(agenda.owed(Some(Party::Payments)), vec![]);
}

#[test]
fn marked_and_overdue_orders_are_found_page_by_page() {
    let agenda = Agenda::default();
    for order in 1..=6 {
        let mark = if order % 2 == 0 { Mark::Stuck } else { Mark::Unreached };
        let open = Open { deadline: Timestamp(order * 10), owed: None, mark };
        agenda.set(key(order), Some(open), Timestamp(0));
    }
    let stuck = |after, limit| agenda.list_marked(Mark::Stuck, after, limit);
    assert_eq!(stuck(None, 2), vec![key(2), key(4)]);
    assert_eq!(stuck(Some(key(4)), 2), vec![key(6)]);
    assert_eq!(agenda.list_marked(Mark::Unreached, None, 9), vec![key(1), key(3), key(5)]);
    let late = |after, limit| agenda.list_overdue(Timestamp(51), Span(10), after, limit);
    assert_eq!(late(None, 3), vec![key(1), key(2), key(3)]);
    assert_eq!(late(Some(key(3)), 3), vec![key(4)]);
    agenda.set(key(2), open(99, None), Timestamp(1));
    agenda.set(key(4), None, Timestamp(1));
    assert_eq!((agenda.marked(Mark::Stuck), agenda.marked(Mark::Unreached)), (1, 3));
}

#[test]
fn an_order_that_nobody_looks_at_is_overdue_wherever_it_stands() {
    let agenda = Agenda::default();
    agenda.set(key(1), open(10, None), Timestamp(0));
    agenda.set(key(2), open(10, None), Timestamp(0));
    agenda.set(key(3), open(10, None), Timestamp(0));
    agenda.set(key(3), open(90, None), Timestamp(0));
    // The first was found due and stands in the time line after the moment it is asked about.
    assert_eq!(agenda.due(Timestamp(10), Timestamp(40), 1).0, vec![key(1)]);
    let late = |now| agenda.list_overdue(Timestamp(now), Span(5), None, 9);
    assert_eq!((late(15), late(16)), (vec![], vec![key(1), key(2)]));
    assert_eq!(agenda.overdue(Timestamp(60), Span(5)), 2, "the third has time");
}

#[test]
fn an_order_that_nobody_answers_is_found_again_and_again() {
    let agenda = Agenda::default();
    agenda.set(key(1), open(500, Some(Party::Payments)), Timestamp(0));
    agenda.set(key(2), open(500, None), Timestamp(0));
    let find = |now: u64| agenda.unanswered(Timestamp(now), Span(10), 10);
    assert_eq!((find(9), find(10), find(15)), (vec![], vec![key(1)], vec![]));
    assert_eq!(find(20), vec![key(1)]);
}

/// What the agenda says of who waits, against the plainest list there is.
#[test]
fn who_waits_is_known_whoever_comes_and_goes() {
    let parties = [None, Some(Party::Inventory), Some(Party::Payments), Some(Party::Confirmations)];
    let (agenda, mut model) = (Agenda::default(), BTreeMap::new());
    let mut dice = Dice::new(7);
    for round in 0..3000 {
        let (order, what) = (key(dice.below(40)), dice.below(5));
        let owed = parties[usize::try_from(what).unwrap_or(0) % parties.len()];
        let entry = open(1000 + dice.below(100), owed);
        let entry = if what == 4 { None } else { entry };
        agenda.set(order, entry, Timestamp(round));
        match entry {
            Some(open) => model.insert(order, open),
            None => model.remove(&order),
        };
        let waits = |party: Option<Party>| -> Vec<OrderKey> {
            let owed = |open: &Open| open.owed.is_some() && (party.is_none() || open.owed == party);
            model.iter().filter(|(_, open)| owed(open)).map(|(order, _)| *order).collect()
        };
        for party in parties {
            assert_eq!(agenda.owed(party), waits(party), "round {round}");
            assert_eq!(agenda.waiting(party), waits(party).len());
        }
        assert_eq!(agenda.len(), model.len());
    }
    let found = agenda.unanswered(Timestamp(4000), Span(1), 100);
    assert_eq!(found, agenda.owed(None));
    assert!(agenda.unanswered(Timestamp(4000), Span(1), 100).is_empty(), "they begin anew");
    let due = agenda.due(Timestamp(5000), Timestamp(5001), 100).0;
    assert_eq!(due.len(), model.len(), "each stands in the time line once");
}

/// Whoever looks at the time line hears of an order that is to be looked at before that, and of no other.
#[tokio::test]
async fn an_order_that_is_early_is_heard_of() {
    let agenda = Agenda::default();
    let heard = async || {
        let heard = agenda.earlier();
        let turn = tokio::task::yield_now();
        tokio::select! {
            biased;
            () = heard => true,
            () = turn => false,
        }
    };
    assert!(!heard().await);
    agenda.set(key(1), open(50, None), Timestamp(0));
    assert!(heard().await, "nothing stood there");
    agenda.set(key(2), open(60, None), Timestamp(0));
    agenda.set(key(1), open(70, None), Timestamp(0));
    assert!(!heard().await, "neither is earlier");
    agenda.set(key(2), open(40, None), Timestamp(0));
    assert!(heard().await);
    agenda.set(key(2), None, Timestamp(0));
    assert_eq!(agenda.due(Timestamp(0), Timestamp(5), 9).1, Some(Timestamp(50)));
    agenda.set(key(3), open(45, None), Timestamp(0));
    assert!(heard().await);
}

/// The time line against the plainest there is, with new orders in its queue and others not.
#[test]
fn every_order_comes_due_in_its_turn_wherever_it_stands() {
    let (agenda, mut model) = (Agenda::default(), BTreeMap::new());
    let mut dice = Dice::new(11);
    for now in 0..4000 {
        let (order, time) = (key(dice.below(60)), Timestamp(now));
        let far = if dice.below(4) == 0 { 4 * HOLD_ANSWER.0 } else { HOLD_ANSWER.0 };
        let deadline = if dice.below(3) == 0 { now + dice.below(40) } else { now + far };
        if dice.below(5) == 0 {
            agenda.set(order, None, time);
            model.remove(&order);
        } else {
            agenda.set(order, open(deadline, None), time);
            model.insert(order, deadline);
        }
        let passed = model.iter().filter(|(_, deadline)| **deadline < now);
        let passed: Vec<OrderKey> = passed.map(|(order, _)| *order).collect();
        assert_eq!(agenda.list_overdue(time, Span(0), None, 99), passed, "at {now}");
        assert_eq!(agenda.overdue(time, Span(0)), passed.len());
        if now % 7 == 0 {
            let (mut due, next) = agenda.due(time, Timestamp(now + 1), 99);
            due.sort_unstable();
            let wanted = model.iter().filter(|(_, deadline)| **deadline <= now);
            assert_eq!(due, wanted.map(|(order, _)| *order).collect::<Vec<_>>(), "at {now}");
            assert!(next.is_none_or(|next| next > time));
        }
    }
    let end = Timestamp(10 * HOLD_ANSWER.0);
    let due = agenda.due(end, end.plus(Span(1)), 99).0;
    assert_eq!(due.len(), model.len(), "each stands in the time line once");
}
