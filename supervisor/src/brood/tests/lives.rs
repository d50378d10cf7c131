//! How lives begin and end.

use super::*;

#[tokio::test(start_paused = true)]
async fn whatever_a_child_dies_of_is_said_and_it_lives_again() {
    let deaths =
        [(Say::Panic("a word"), "a word"), (Say::Fail, "the journal is closed: the disk is full")];
    for (death, cause) in deaths {
        let nursery = Nursery::new();
        let supervisor = nursery.supervisor().await;
        nursery.brood.send(1, Say::Note(1));
        nursery.brood.send(1, death);
        nursery.brood.send(1, Say::Note(2));
        let restarted = |it: &Nursery| it.all.place(1, "restarted").is_some();
        nursery.until("it is restarted", restarted).await;
        nursery.brood.send(1, Say::Note(3));
        nursery.answer(1).await;
        assert_eq!(nursery.brood.last_cause().as_deref(), Some(cause));
        // What it died of is not repeated; what came behind is not lost.
        assert_eq!(nursery.all.numbers(1, "note"), [1, 2, 3]);
        let nodes = children(&supervisor).await;
        assert_eq!((nodes.len(), nodes[0].state, nodes[0].restarts), (1, "up", 1));
        assert_eq!(nodes[0].last_cause.as_deref(), Some(cause));
        assert_eq!((nursery.brood.restarts(), nursery.brood.live()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn mail_between_two_lives_waits_for_the_next() {
    let nursery = Nursery::new();
    let _supervisor = nursery.supervisor().await;
    nursery.all.stillborn.store(1, Ordering::Relaxed);
    nursery.brood.begin(1, 7);
    nursery.until("it died of its beginning", |it| it.brood.last_cause().is_some()).await;
    assert_eq!(nursery.brood.last_cause().unwrap(), "no beginning");
    for number in 1..=10 {
        let sent = nursery.brood.send(1, Say::Note(number));
        assert_eq!(sent == Sent::Delivered, number <= 8, "{number}");
    }
    nursery.until("it lives again", |it| it.all.numbers(1, "note").len() == 8).await;
    assert_eq!(nursery.all.numbers(1, "note"), (1..=8).collect::<Vec<_>>());
    assert_eq!(nursery.all.numbers(1, "seed"), [7], "a seed is for the first life");
    assert_eq!(nursery.all.seen().most, 1);
}

#[tokio::test(start_paused = true)]
async fn who_dies_of_every_life_is_set_aside() {
    let nursery = Nursery::new();
    let supervisor = nursery.supervisor().await;
    nursery.all.barren.store(true, Ordering::Relaxed);
    nursery.brood.send(1, Say::Note(1));
    nursery.until("it is set aside", |it| it.brood.count_quarantined() == 1).await;
    assert_eq!(nursery.brood.quarantined(1).as_deref(), Some("not now"));
    assert_eq!(nursery.brood.send(1, Say::Note(2)), Sent::Restarting);
    assert_eq!(children(&supervisor).await[0].state, "quarantined");
    nursery.all.barren.store(false, Ordering::Relaxed);
    nursery.brood.poison(1, true);
    assert!(nursery.brood.release(1), "it lives again, and without a fault on demand");
    nursery.answer(1).await;
    assert!(nursery.all.place(1, "poisoned").is_none());
    assert!(children(&supervisor).await.is_empty(), "and without its past");
    nursery.brood.poison(2, true);
    nursery.answer(2).await;
    assert!(nursery.all.place(2, "poisoned").is_some());
    assert!(nursery.all.place(2, "restarted").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_good_end_forgets_what_was_before() {
    let nursery = Nursery::new();
    let supervisor = nursery.supervisor().await;
    for crashes in 1..=5 {
        nursery.brood.send(1, Say::Panic("a word"));
        nursery.until("it lives again", |it| it.all.numbers(1, "restarted").len() == crashes).await;
        assert_eq!(children(&supervisor).await[0].restarts, 1, "the first as far as it knows");
        nursery.brood.send(1, Say::NoteAndRest(0));
        nursery.until("it sleeps", |it| it.brood.live() == 0).await;
        assert!(children(&supervisor).await.is_empty());
    }
    assert_eq!((nursery.brood.restarts(), nursery.brood.count_quarantined()), (5, 0));
    assert!(nursery.brood.shard(1).slots.is_empty(), "nothing is kept of who sleeps");
}

#[tokio::test(start_paused = true)]
async fn mail_that_comes_as_a_life_ends_begins_the_next() {
    let nursery = Nursery::new();
    let _supervisor = nursery.supervisor().await;
    nursery.brood.send(1, Say::Will(5));
    nursery.until("the will is read", |it| !it.all.numbers(1, "note").is_empty()).await;
    let seen = nursery.all.seen();
    let words: Vec<&str> = seen.log.iter().map(|(_, what, _)| *what).collect();
    assert_eq!(words, ["began", "gone", "began", "note"]);
    assert_eq!(seen.most, 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_told_something_before_it_sleeps_stays_awake() {
    let nursery = Nursery::new();
    let _supervisor = nursery.supervisor().await;
    nursery.brood.send(1, Say::RestAndNote(1));
    nursery.until("it is written", |it| !it.all.numbers(1, "note").is_empty()).await;
    assert_eq!((nursery.brood.live(), nursery.all.place(1, "gone")), (1, None));
    nursery.brood.rest(1);
    nursery.until("it sleeps", |it| it.brood.live() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn the_idle_sleep_and_those_who_are_told_something_stay() {
    let nursery = Nursery::new();
    let _supervisor = nursery.supervisor().await;
    for key in 1..=3 {
        nursery.answer(key).await;
    }
    for _ in 0..5 {
        tokio::time::sleep(crate::limits::SWEEP_EVERY).await;
        nursery.answer(3).await;
    }
    assert_eq!(nursery.brood.live(), 1);
    nursery.brood.set_stopped(true);
    nursery.until("all sleep", |it| it.brood.live() == 0).await;
    assert_eq!(nursery.brood.send(3, Say::Note(1)), Sent::Stopped);
    nursery.brood.set_stopped(false);
    nursery.answer(3).await;
    assert_eq!(nursery.brood.live(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_begun_late_lives_already() {
    let nursery = Nursery::new();
    let _supervisor = nursery.supervisor().await;
    nursery.brood.send(1, Say::Note(1));
    nursery.brood.begin(1, 7);
    nursery.brood.send(1, Say::Note(2));
    nursery.answer(1).await;
    assert_eq!(nursery.all.numbers(1, "note"), [1, 2]);
    assert_eq!((nursery.brood.live(), nursery.all.seen().most), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn who_always_has_mail_lets_others_live() {
    let nursery = Nursery::new();
    let _supervisor = nursery.supervisor().await;
    nursery.brood.send(1, Say::Chatter(10_000));
    nursery.answer(2).await;
    assert!(nursery.all.place(1, "silent").is_none(), "it still chatters");
    nursery.until("it is silent", |it| it.all.place(1, "silent").is_some()).await;
}

/// Rests race with mail from two threads. Nobody crashes, so nothing may be lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mail_is_lost_or_overtaken_by_rests_and_no_key_lives_twice() {
    const KEYS: u64 = 4;
    const SENDERS: u64 = 4;
    const EACH: u64 = 5_000;
    let nursery = Nursery::new();
    let supervisor = nursery.supervisor().await;
    // It reigns by now: without that mail would wait, and there may be too much of it.
    assert!(children(&supervisor).await.is_empty());
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let brood = Arc::clone(&nursery.brood);
            tokio::spawn(async move {
                for number in 0..EACH {
                    let (key, number) = (number % KEYS, sender * EACH + number);
                    let rests = number % 3 == 0;
                    let say = if rests { Say::NoteAndRest(number) } else { Say::Note(number) };
                    assert_eq!(brood.send(key, say), Sent::Delivered);
                    if number % 7 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    for key in 0..KEYS {
        nursery.answer(key).await;
        let notes = nursery.all.numbers(key, "note");
        assert_eq!(notes.len() as u64, SENDERS * EACH / KEYS);
        for sender in 0..SENDERS {
            let own = notes.iter().filter(|note| **note / EACH == sender);
            assert!(own.is_sorted(), "the order of one sender is kept");
        }
        nursery.brood.rest(key);
    }
    nursery.until("all sleep", |it| it.brood.live() == 0).await;
    assert_eq!(nursery.all.seen().most, 1, "a key has at most one life");
    let lives = nursery.all.seen().log.iter().filter(|(_, what, _)| *what == "began").count();
    assert!(lives > 4 * 10, "there were many lives: {lives}");
    assert!(children(&supervisor).await.is_empty());
}
