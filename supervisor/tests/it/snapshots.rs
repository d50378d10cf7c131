//! The snapshots are a cache: deleted, garbled or aged, they change nothing but the time to start.

use std::fs;
use std::path::Path;

use surehold::domain::id::OrderId;
use surehold::{Data, Engine, Options, OrderView};

use crate::world::{order, plan};

async fn open(folder: &Path) -> Engine {
    Engine::open(Options::new(Data::Folder(folder.to_owned()), vec![plan("")])).await.unwrap()
}

async fn orders(engine: &Engine, count: u64) -> Vec<OrderView> {
    let market = engine.market("demo").unwrap();
    let mut orders = Vec::new();
    for id in 1..=count {
        orders.push(engine.order(market, OrderId(id)).await.unwrap());
    }
    orders
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
        let audit = engine.audit().await.unwrap();
        assert!(audit.balanced, "harm {harm}: {:?}", audit.findings);
        let rows = engine.rows(market, surehold::Collection::Orders, 0, 100).await.unwrap();
        assert_eq!(rows.total, COUNT, "harm {harm}");
        engine.close().await;
    }
}
