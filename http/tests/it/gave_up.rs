//! A tree that cannot be started again: the probe says so, and the server ends as failed, so that
//! whoever runs the process starts another. (Of the exit status only the last step is not here: the
//! line of `main.rs` that turns this end into 70.)

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use surehold::domain::plan::Plan;
use surehold::stores::{MemoryStores, Opened, Stores};
use surehold::{Data, Engine, Options};
use surehold_http::app::App;
use surehold_http::cors::Cors;
use surehold_http::edge::Settings;
use surehold_http::edge::limits::{CONNECTIONS_MAX, Patience};
use surehold_http::observe::{Observe, livez};
use surehold_http::server::{self, End};
use surehold_storage::JournalError;
use tokio::sync::watch;
use warp::http::StatusCode;

use crate::server::CINEMA;

/// Stores that open once. After that, opening them is a fault of the software.
#[derive(Default)]
struct Once {
    stores: MemoryStores,
    opened: AtomicBool,
}

impl Stores for Once {
    fn open(&self) -> Result<Opened, JournalError> {
        assert!(!self.opened.swap(true, Ordering::Relaxed), "a fault on demand");
        self.stores.open()
    }

    fn room(&self) -> Result<(), String> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_gives_up_for_good_ends_the_server() {
    let stores = Arc::new(Once::default());
    let plan = Plan::parse("cinema.toml", CINEMA).unwrap();
    let options = Options::new(Data::Stores(stores.clone()), vec![plan]);
    let engine = Engine::open(options).await.unwrap();
    let socket = server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let (stopping, stopped) = watch::channel(false);
    let edge = Settings {
        max_connections: CONNECTIONS_MAX,
        patience: Patience::default(),
        rate: None,
        trusted: Vec::new(),
    };
    let app = Arc::new(App {
        engine,
        admin: None,
        cors: Cors::Any,
        webhook: None,
        echo: false,
        edge,
        rates: None,
        address,
        observe: Observe::install().unwrap(),
        stopping: stopped,
    });
    assert_eq!(livez(&app).await.unwrap().status(), StatusCode::OK);
    let listener = server::listen(socket).unwrap();
    let serving = server::serve(Arc::clone(&app), listener, stopping, std::future::pending());
    let serving = tokio::spawn(serving);
    // The journal ends without having been asked to, and cannot be opened again.
    stores.stores.open().unwrap().0.close();
    let End::Failed(reason) = serving.await.unwrap() else { panic!("it ended in order") };
    assert!(!reason.is_empty());
    let problem = livez(&app).await.unwrap_err();
    assert!(problem.into_detail().contains("no progress"));
    assert!(!app.engine.is_alive());
}
