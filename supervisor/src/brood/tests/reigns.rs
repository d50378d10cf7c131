//! What happens to children when their supervisor goes, and how the next one begins.

use super::*;

#[tokio::test(start_paused = true)]
async fn without_a_supervisor_nobody_begins_and_nothing_is_lost() {
    let nursery = Nursery::new();
    nursery.brood.begin(1, 7);
    nursery.brood.send(1, Say::Note(1));
    nursery.brood.send(2, Say::Note(2));
    assert_eq!(nursery.brood.live(), 0);
    let first = nursery.supervisor().await;
    nursery.answer(1).await;
    nursery.answer(2).await;
    assert_eq!(nursery.all.numbers(1, "seed"), [7]);
    assert_eq!(
        (nursery.all.numbers(1, "note"), nursery.all.numbers(2, "note")),
        (vec![1], vec![2])
    );
    first.0.stop_and_wait(None, None).await.unwrap();
    // Both waited for mail, and were woken to go.
    assert_eq!(nursery.brood.live(), 0);
    assert_eq!(nursery.all.seen().living.values().sum::<usize>(), 0);
    for number in 3..=6 {
        nursery.brood.send(1, Say::Note(number));
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((nursery.brood.live(), nursery.all.numbers(1, "note").len()), (0, 1));
    let _second = nursery.supervisor().await;
    nursery.answer(1).await;
    assert_eq!(nursery.all.numbers(1, "note"), [1, 3, 4, 5, 6]);
    assert_eq!(nursery.all.seen().most, 1);
}

/// Whoever is counted has begun, whatever came of it; the time is paused, so the hour is none.
#[tokio::test(start_paused = true)]
async fn the_next_reign_begins_when_the_last_life_is_over() {
    let nursery = Nursery::new();
    let (first, ended) = nursery.supervisor().await;
    nursery.answer(1).await;
    let reign = nursery.brood.locked(0).reign.clone().unwrap();
    let last = Life::new(Arc::clone(&nursery.brood), reign, 2, false);
    first.kill();
    ended.await.unwrap();
    let second = nursery.supervisor().await;
    nursery.brood.send(3, Say::Note(3));
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, children(&second)).await.is_err(), "one still lives");
    assert_eq!(nursery.all.place(3, "began"), None);
    assert_eq!(nursery.brood.live(), 1, "the idle one was woken and went");
    drop(last);
    nursery.answer(3).await;
    assert!(children(&second).await.is_empty());
}

/// The next supervisor may be there while one of the last one's children is still in a handler.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn nobody_lives_twice_because_a_handler_outlives_its_supervisor() {
    let nursery = Nursery::new();
    let (first, ended) = nursery.supervisor().await;
    let (release, until) = mpsc::channel();
    nursery.brood.send(1, Say::Hang(until));
    nursery.brood.send(1, Say::Note(1));
    nursery.answer(2).await;
    nursery.until("it hangs", |it| it.all.place(1, "hangs").is_some()).await;
    first.kill();
    ended.await.unwrap();
    nursery.until("the idle one is gone", |it| it.all.place(2, "gone").is_some()).await;
    let _second = nursery.supervisor().await;
    nursery.brood.send(1, Say::Note(2));
    nursery.brood.send(3, Say::Note(3));
    release.send(()).unwrap();
    nursery.answer(3).await;
    nursery.answer(1).await;
    assert!(nursery.all.place(1, "gone") < nursery.all.place(3, "began"));
    // What it had not looked at died with it; what came later waited.
    assert_eq!(nursery.all.numbers(1, "note"), [2]);
    assert_eq!((nursery.all.seen().most, nursery.brood.live()), (1, 2));
}

/// A late word of the last reign does no harm: its end, and the end of its supervisor's state.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_reign_that_is_over_does_not_end_the_next() {
    let nursery = Nursery::new();
    let _first = nursery.supervisor().await;
    nursery.answer(1).await;
    let old = nursery.brood.locked(0).reign.clone();
    let _second = nursery.supervisor().await;
    nursery
        .until("the second reigns", |it| {
            let now = it.brood.locked(0).reign.clone();
            matches!((&now, &old), (Some(now), Some(old)) if !Arc::ptr_eq(now, old))
        })
        .await;
    nursery.answer(1).await;
    nursery.brood.depose(old.as_ref());
    nursery.answer(1).await;
    assert_eq!(nursery.all.numbers(1, "began").len(), 2, "one life in each reign");
    assert_eq!(nursery.brood.live(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reigns_that_end_under_load_leave_nobody_behind() {
    const KEYS: u64 = 16;
    let nursery = Nursery::new();
    let done = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..2u64)
        .map(|sender| {
            let (brood, done) = (Arc::clone(&nursery.brood), Arc::clone(&done));
            tokio::spawn(async move {
                let mut number = sender;
                while !done.load(Ordering::Relaxed) {
                    number += 2;
                    let say = match number % 61 {
                        0 => Say::Panic("a word"),
                        1..=20 => Say::NoteAndRest(number),
                        _ => Say::Note(number),
                    };
                    brood.send(number % KEYS, say);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for reign in 0..60 {
        let (supervisor, ended) = nursery.supervisor().await;
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        if reign % 2 == 0 {
            supervisor.kill();
        } else {
            supervisor.stop(None);
        }
        // Half of the time the next one is there before the last one is quite gone.
        if reign % 4 < 2 {
            ended.await.unwrap();
        }
    }
    done.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await.unwrap();
    }
    let last = nursery.supervisor().await;
    nursery.until("it reigns", |it| it.brood.locked(0).reign.is_some()).await;
    last.0.stop_and_wait(None, None).await.unwrap();
    assert_eq!(nursery.brood.live(), 0);
    let seen = nursery.all.seen();
    assert_eq!(seen.living.values().sum::<usize>(), 0, "nobody is left behind");
    assert_eq!(seen.most, 1, "no key lived twice");
    assert!(seen.log.iter().any(|(_, what, _)| *what == "note"), "somebody lived");
}
