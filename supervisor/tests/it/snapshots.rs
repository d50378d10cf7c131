//! The snapshots are a cache: deleted, garbled or aged, as a whole or in one place, they change nothing
//! but the time until all of it is built anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use surehold::domain::id::OrderId;
use surehold::domain::saga::Phase;
use surehold::{Data, Engine, Options, OrderView, Placed, Readiness, Refusal};
use surehold_actors::shelf::SNAPSHOTS;
use surehold_actors::stream::Kind;
use surehold_storage::{Change, Direction, SledSnapshots, SnapshotStore};

use crate::world::{order, plan, until};

async fn open(folder: &Path) -> Engine {
    Engine::open(Options::new(Data::Folder(folder.to_owned()), vec![plan("")])).await.unwrap()
}

/// Asks until there is an answer. Snapshots that are found to be wrong are built anew meanwhile.
async fn answer<T>(ask: impl AsyncFn() -> Result<T, Refusal>) -> T {
    until("there is an answer", || async {
        match ask().await {
            Ok(answer) => Some(answer),
            Err(Refusal::Unavailable { .. }) => None,
            Err(refusal) => panic!("a wrong answer: {refusal}"),
        }
    })
    .await
}

async fn orders(engine: &Engine, count: u64) -> Vec<OrderView> {
    let market = engine.market("demo").unwrap();
    let mut orders = Vec::new();
    for id in 1..=count {
        orders.push(answer(async || engine.order(market, OrderId(id)).await).await);
    }
    orders
}

async fn balanced(engine: &Engine, what: &str) {
    let audit = answer(async || engine.audit().await).await;
    assert!(audit.balanced, "{what}: {:?}", audit.findings);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn garble(folder: &Path, seed: u64) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            garble(&entry.path(), seed);
            continue;
        }
        let mut bytes = fs::read(entry.path()).unwrap();
        let mut place = seed;
        for _ in 0..bytes.len().div_ceil(4096) {
            place = place
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let index = usize::try_from(place >> 33).unwrap() % bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(index) {
                *byte ^= 0x5a;
            }
        }
        fs::write(entry.path(), bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_garbling_and_ageing_the_snapshots_is_harmless() {
    const COUNT: u64 = 60;
    let temp = tempfile::tempdir().unwrap();
    let (data, aged) = (temp.path().join("data"), temp.path().join("aged"));
    let snapshots = data.join("snapshots");
    let engine = open(&data).await;
    let market = engine.market("demo").unwrap();
    for _ in 0..COUNT / 2 {
        engine.place(market, order(1), None).await.unwrap();
    }
    engine.close().await;
    drop(engine);
    copy(&snapshots, &aged);
    let engine = open(&data).await;
    for _ in 0..COUNT / 2 {
        engine.place(market, order(1), None).await.unwrap();
    }
    engine.close().await;
    drop(engine);
    let engine = open(&data).await;
    let before = orders(&engine, COUNT).await;
    engine.close().await;
    drop(engine);
    for harm in 0..10u64 {
        match harm {
            0 => fs::remove_dir_all(&snapshots).unwrap(),
            1 => {
                fs::remove_dir_all(&snapshots).unwrap();
                copy(&aged, &snapshots);
            }
            seed => garble(&snapshots, seed),
        }
        let engine = open(&data).await;
        assert_eq!(orders(&engine, COUNT).await, before, "harm {harm}");
        balanced(&engine, &format!("harm {harm}")).await;
        let rows = answer(async || engine.rows(market, surehold::Collection::Orders, 0, 100).await);
        let rows = rows.await;
        assert_eq!(rows.total, COUNT, "harm {harm}");
        engine.close().await;
    }
}

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// The snapshots of one kind, read behind the engine's back.
fn entries(data: &Path, kind: Kind) -> Entries {
    let snapshots = SledSnapshots::open(&data.join("snapshots")).unwrap();
    let (from, to) = ([kind as u8], [kind as u8 + 1]);
    snapshots.scan(SNAPSHOTS, &from, &to, Direction::Up, usize::MAX).unwrap().into_iter().collect()
}

/// Makes them what they are not.
fn put(data: &Path, now: &Entries, then: &Entries) {
    let snapshots = SledSnapshots::open(&data.join("snapshots")).unwrap();
    let gone = now.keys().map(|key| Change::Remove { space: SNAPSHOTS, key: key.clone() });
    let put = |(key, value): (&Vec<u8>, &Vec<u8>)| Change::Put {
        space: SNAPSHOTS,
        key: key.clone(),
        value: value.clone(),
    };
    let changes = gone.chain(then.iter().map(put)).collect();
    snapshots.apply(changes).unwrap();
    snapshots.sync().unwrap();
}

/// The folder of an engine that sold all three seats of an offering, with what the snapshots knew when
/// only one was sold, and what they know in the end.
async fn sold_out(data: &Path, kind: Kind) -> (Entries, Entries) {
    for seats in [1, 2] {
        let engine = open(data).await;
        let market = engine.market("demo").unwrap();
        for _ in 0..seats {
            assert_eq!(engine.place(market, order(2), None).await.unwrap().placed, Placed::Booked);
        }
        engine.close().await;
        drop(engine);
        if seats == 1 {
            fs::create_dir_all(data.join("then")).unwrap();
            copy(&data.join("snapshots"), &data.join("then/snapshots"));
        }
    }
    (entries(&data.join("then"), kind), entries(data, kind))
}

/// Nobody gets a fourth seat, whatever the snapshots say, and afterwards everything is as it was.
async fn sells_nothing_twice(data: &Path, what: &str, opens: bool) {
    let engine = open(data).await;
    let market = engine.market("demo").unwrap();
    for _ in 0..3 {
        let placed = answer(async || engine.place(market, order(2), None).await).await;
        // Whoever waited while the data was opened anew is told later.
        assert!(matches!(placed.placed, Placed::NoRoom | Placed::UnderWay), "{what}: {placed:?}");
        until("there is no room", || async {
            let order = engine.order(market, placed.order.id).await.ok()?;
            assert_ne!(order.phase, Phase::Confirmed, "{what}");
            (order.phase == Phase::Refused).then_some(())
        })
        .await;
    }
    until("the engine is ready", || async {
        (engine.readiness() == Readiness::Ready).then_some(())
    })
    .await;
    // What opening reads is found wrong and healed by then; the rest by the first who needs it. Of parts it
    // reads those that the last facts were about, if the checkpoint at the close came before these.
    assert!(engine.tree().await.restarts <= u64::from(!opens), "{what}");
    let sold = orders(&engine, 3).await;
    assert!(sold.iter().all(|order| order.phase == Phase::Confirmed), "{what}: {sold:?}");
    balanced(&engine, what).await;
    engine.close().await;
    drop(engine);
    let engine = open(data).await;
    balanced(&engine, what).await;
    assert_eq!(orders(&engine, 3).await, sold, "{what}");
    assert_eq!(engine.tree().await.restarts, 0, "{what}: it is healed");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offering_put_back_to_an_older_batch_sells_no_seat_twice() {
    for head in [true, false] {
        let temp = tempfile::tempdir().unwrap();
        let data = temp.path();
        let (mut then, mut now) = sold_out(data, Kind::Offering).await;
        assert_ne!(then, now);
        if !head {
            // Only what tells who holds what is old.
            then.retain(|key, _| key.len() > 11);
            now.retain(|key, _| key.len() > 11);
        }
        put(data, &now, &then);
        sells_nothing_twice(data, &format!("an older offering, its head too: {head}"), head).await;
        let healed = entries(data, Kind::Offering);
        let old = then.iter().filter(|(key, value)| now.get(*key) != Some(*value));
        for (key, value) in old {
            assert_ne!(healed.get(key), Some(value), "it was healed, its head too: {head}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_the_snapshots_lost_or_put_back_are_found_again() {
    for lost in [true, false] {
        let temp = tempfile::tempdir().unwrap();
        let data = temp.path();
        let (then, now) = sold_out(data, Kind::Order).await;
        put(data, &now, &if lost { BTreeMap::new() } else { then });
        let engine = open(data).await;
        // The third is not in the older ones, and is not said to be nobody's.
        let sold = orders(&engine, 3).await;
        assert!(sold.iter().all(|order| order.phase == Phase::Confirmed), "{sold:?}");
        assert_eq!(engine.tree().await.restarts, 1, "it was found at run time");
        balanced(&engine, "orders").await;
        engine.close().await;
        drop(engine);
        sells_nothing_twice(data, "after it", true).await;
    }
}
