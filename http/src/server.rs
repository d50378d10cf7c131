//! The socket and the server's life: bind, serve, drain.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use surehold::Engine;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

use crate::app::App;
use crate::routes;

/// Connections the system keeps until they are accepted.
const BACKLOG: u32 = 4096;
/// How long requests may still take once the server stops, before the engine is closed over them.
const REQUESTS_WAIT: Duration = Duration::from_secs(1);
/// How long answers may still take to be sent once the engine is closed.
const ANSWERS_WAIT: Duration = Duration::from_millis(500);

/// Takes the address.
///
/// # Errors
/// If it cannot be had.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit it: an answer never waits for more to say.
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How the server's life ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// It was asked to stop, and everything is on disk.
    Drained,
    /// The engine gave up, and why.
    Failed(String),
}

/// Serves until `stop` resolves or the engine gives up, then drains.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    stopping: watch::Sender<bool>,
    stop: impl Future<Output = ()>,
) -> End {
    let engine = app.engine.clone();
    let mut stopped = stopping.subscribe();
    let graceful = async move {
        // An error means that nobody can say stop any more, which is the same.
        let _ = stopped.wait_for(|stopping| *stopping).await;
    };
    let served = warp::serve(routes::filter(app)).incoming(listener).graceful(graceful).run();
    let mut served = tokio::spawn(served);
    let end = tokio::select! {
        () = stop => End::Drained,
        reason = engine.failed() => End::Failed(reason),
    };
    stopping.send_replace(true);
    if end == End::Drained {
        drain(&engine, &mut served).await;
    }
    served.abort();
    end
}

/// Lets requests finish, closes the engine, lets the last answers go.
async fn drain(engine: &Engine, served: &mut tokio::task::JoinHandle<()>) {
    let in_time = tokio::time::timeout(REQUESTS_WAIT, &mut *served).await.is_ok();
    engine.close().await;
    if !in_time && tokio::time::timeout(ANSWERS_WAIT, served).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
    }
}
