//! The service that a user would write instead: axum over PostgreSQL, as a process of its own.
//!
//! It speaks as our server does (the same requests, answers of the same shape) and takes an order in one of three
//! ways, see [`Way`]. It is this program again, with a subcommand nobody sees; it ends with its stdin.

mod orders;

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_postgres::NoTls;

use super::postgres;
use orders::Placed;

const SCHEMA: &str = include_str!("../../rivals/schema.sql");
const OFFERINGS: &str = include_str!("../../rivals/offerings.sql");
const BOOKS: &str = include_str!("../../rivals/books.sql");
const RESERVED: &str = include_str!("../../rivals/reserved.sql");
/// Connections to the database until another number is asked for.
const POOL: usize = 16;

/// How an order is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// One SQL statement: stock, order and payment as rows. Nobody is charged outside the database.
    OneStatement,
    /// One transaction of three statements: the guarded update, the order, the payment. Nobody is charged outside either.
    OneTx,
    /// Two transactions with the charge between them: the only one of the three that can ask a payment service.
    TwoTx,
}

/// What the process is told.
#[derive(Debug, Clone, clap::Args)]
pub struct ShopArgs {
    /// The folder with PostgreSQL's socket.
    #[arg(long)]
    socket: PathBuf,
    /// The database.
    #[arg(long)]
    database: String,
    /// How an order is taken.
    #[arg(long, value_enum)]
    way: Way,
}

/// What every request has.
struct Shop {
    pool: Pool,
    way: Way,
    /// The payment service: what it charged, for which order.
    sandbox: Mutex<HashMap<i64, i64>>,
}

/// A request for an order, as our server takes it.
#[derive(Debug, Deserialize)]
struct Order {
    customer: String,
    offering: i64,
    #[serde(default = "one")]
    quantity: i64,
    payment: Payment,
}

#[derive(Debug, Deserialize)]
struct Payment {
    card: String,
}

#[derive(Debug, Deserialize)]
struct Wanted {
    count: i64,
    units: i64,
}

/// An order as it is answered, as our server answers it.
#[derive(Serialize)]
struct Answered<'a> {
    id: i64,
    phase: &'static str,
    customer: &'a str,
    offering: i64,
    quantity: i64,
    price: Price,
    payment: Paid<'a>,
    created_at: String,
}

#[derive(Serialize)]
struct Price {
    amount: i64,
    currency: &'static str,
}

#[derive(Serialize)]
struct Paid<'a> {
    id: i64,
    state: &'static str,
    card_last4: &'a str,
}

/// What went wrong, answered as 500.
struct Failure(String);

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0).into_response()
    }
}

/// Runs the process until its stdin ends.
///
/// # Errors
/// When it cannot start.
pub fn serve(args: &ShopArgs) -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(args))
}

async fn run(args: &ShopArgs) -> Result<(), Box<dyn Error>> {
    let config = postgres::config(&args.socket, &args.database);
    // What a pool does by default: no question on reuse.
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config, NoTls, manager);
    let pool = Pool::builder(manager).max_size(POOL).build()?;
    pool.get().await?.batch_execute(SCHEMA).await?;
    let shop = Arc::new(Shop { pool, way: args.way, sandbox: Mutex::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "shop ready at http://{}", listener.local_addr()?)?;
    let app = Router::new()
        .route("/echo", post(|body: Json<Value>| async { body }))
        .route("/v1/talentshare/orders", post(order))
        .route("/offerings", post(make_offerings))
        .route("/pool/{size}", post(resize))
        .route("/books", get(books))
        .with_state(shop);
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).ok();
    });
    tokio::select! {
        served = axum::serve(listener, app) => Ok(served?),
        _ = async { tokio::io::stdin().read_to_end(&mut Vec::new()).await } => Ok(()),
    }
}

async fn order(
    State(shop): State<Arc<Shop>>,
    Json(order): Json<Order>,
) -> Result<Response, Failure> {
    let Some(placed) = shop.place(&order).await? else {
        return Ok(
            (StatusCode::CONFLICT, Json(json!({"title": "not enough left"}))).into_response()
        );
    };
    let Placed { id, amount, created_at } = placed;
    let card = &order.payment.card;
    let answered = Answered {
        id,
        phase: "confirmed",
        customer: &order.customer,
        offering: order.offering,
        quantity: order.quantity,
        price: Price { amount, currency: "KRW" },
        payment: Paid {
            id,
            state: "captured",
            card_last4: card.get(card.len().saturating_sub(4)..).unwrap_or_default(),
        },
        created_at: jiff::Timestamp::try_from(created_at)?.to_string(),
    };
    let location = [(header::LOCATION, format!("/v1/talentshare/orders/{id}"))];
    Ok((StatusCode::CREATED, location, Json(answered)).into_response())
}

async fn make_offerings(
    State(shop): State<Arc<Shop>>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Failure> {
    let client = shop.pool.get().await?;
    client.execute(OFFERINGS, &[&wanted.count, &wanted.units]).await?;
    client.batch_execute("VACUUM ANALYZE").await?;
    Ok(Json(json!({"made": wanted.count})))
}

async fn resize(State(shop): State<Arc<Shop>>, Path(size): Path<usize>) -> Json<Value> {
    shop.pool.resize(size);
    Json(json!({"size": size}))
}

/// The counts of [`super::Books`], by the same names.
async fn books(State(shop): State<Arc<Shop>>) -> Result<Json<Value>, Failure> {
    let client = shop.pool.get().await?;
    let row = client.query_one(BOOKS, &[]).await?;
    let (orders, taken, payments): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let reserved: Vec<i64> =
        client.query(RESERVED, &[]).await?.iter().map(|row| row.get(0)).collect();
    let sandbox = shop.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
    let charged = reserved.iter().filter(|id| sandbox.contains_key(id)).count();
    let charges = match shop.way {
        Way::OneStatement | Way::OneTx => payments,
        Way::TwoTx => i64::try_from(sandbox.len())?,
    };
    Ok(Json(json!({
        "orders": orders, "taken": taken, "charges": charges,
        "unpaid": reserved.len() - charged, "orderless": charged,
    })))
}

fn one() -> i64 {
    1
}
