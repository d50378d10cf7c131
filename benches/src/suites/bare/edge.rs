//! The bare path over HTTP: warp as it comes, one route for orders and one that gives back what it got. It is told to
//! start as the server is, and ends on the same signal, so that the harness drives both in the same way.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use surehold_domain::card::Card;
use surehold_domain::id::OfferingId;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use warp::http::StatusCode;
use warp::{Filter, Rejection, Reply};

use super::path::{Bare, Wanted};
use crate::suites::{SuiteError, runtime};

/// The name of the hidden command that makes a process this server.
pub const COMMAND: &str = "bare-server";
/// The largest order.
const BODY_BYTES_MAX: u64 = 64 * 1024;

/// As the server is started.
#[derive(Debug, Clone, Args)]
pub struct EdgeArgs {
    /// Offerings, with numbers from 1.
    #[arg(long)]
    pub offerings: u64,
    /// For the server, this says to serve.
    pub verb: String,
    /// Where it listens.
    #[arg(long)]
    pub listen: SocketAddr,
    /// Its data folder.
    #[arg(long)]
    pub data: PathBuf,
    /// For the server, this opens the admin calls.
    #[arg(long)]
    pub admin: bool,
    /// For the server, this opens the echo; here it is always open.
    #[arg(long)]
    pub echo: bool,
    /// For the server, this names the market.
    #[arg(long)]
    pub market: String,
}

#[derive(Deserialize)]
struct Body {
    customer: String,
    offering: u64,
    payment: Paid,
}

#[derive(Deserialize)]
struct Paid {
    card: String,
}

/// Serves until it is told to end.
///
/// # Errors
/// The journal does not open, or the address is taken.
pub fn serve(args: &EdgeArgs) -> Result<(), SuiteError> {
    runtime()?.block_on(live(args))
}

async fn live(args: &EdgeArgs) -> Result<(), SuiteError> {
    let bare = Bare::open(&args.data, args.offerings)?;
    let listener = TcpListener::bind(args.listen).await?;
    let mut end = signal(SignalKind::terminate())?;
    writeln!(std::io::stdout().lock(), "bare path on http://{}", listener.local_addr()?)?;
    let routes = orders(Arc::clone(&bare)).or(echo());
    let serving = warp::serve(routes).incoming(listener).graceful(async move {
        end.recv().await;
    });
    serving.run().await;
    bare.close();
    Ok(())
}

fn echo() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let route = warp::path!("echo").and(warp::post());
    route
        .and(warp::body::content_length_limit(BODY_BYTES_MAX))
        .and(warp::body::json::<Value>())
        .map(|body: Value| warp::reply::json(&body))
}

fn orders(bare: Arc<Bare>) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let route = warp::path!("v1" / "talentshare" / "orders").and(warp::post());
    route
        .and(warp::body::content_length_limit(BODY_BYTES_MAX))
        .and(warp::body::json::<Body>())
        .then(move |body| place(Arc::clone(&bare), body))
}

async fn place(bare: Arc<Bare>, body: Body) -> impl Reply {
    let Some(card) = Card::parse(&body.payment.card).ok() else {
        return warp::reply::with_status(warp::reply::json(&"no card"), StatusCode::BAD_REQUEST);
    };
    let wanted = Wanted { customer: body.customer, offering: OfferingId(body.offering), card };
    match bare.place(wanted).await {
        Ok(told) => warp::reply::with_status(warp::reply::json(&told), StatusCode::CREATED),
        Err(error) => warp::reply::with_status(
            warp::reply::json(&error.to_string()),
            StatusCode::INTERNAL_SERVER_ERROR,
        ),
    }
}
