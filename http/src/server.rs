//! The server's life: bind, listen, serve, drain.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use socket2::{SockRef, TcpKeepalive};
use surehold::Engine;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::app::App;
use crate::edge::Door;
use crate::edge::limits::{
    ANSWERS_WAIT, CLOSE_WAIT, PEER_GONE, PROBE_AFTER, PROBE_EVERY, REQUESTS_WAIT,
};

/// Connections the system keeps until they are accepted.
const BACKLOG: u32 = 4096;

/// Takes the address. Until [`TcpSocket::listen`] nobody can connect: a client that tries is refused
/// at once and goes elsewhere.
///
/// # Errors
/// If it cannot be had.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit what follows. An answer never waits for more to say.
    socket.set_nodelay(true)?;
    let raw = SockRef::from(&socket);
    raw.set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY))?;
    #[cfg(target_os = "linux")]
    raw.set_tcp_user_timeout(Some(PEER_GONE))?;
    socket.bind(address)?;
    Ok(socket)
}

/// Opens the address to clients.
///
/// # Errors
/// If another process listens there by now.
pub fn listen(socket: TcpSocket) -> std::io::Result<TcpListener> {
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
    let leaving = async move {
        // An error means that nobody can say stop any more, which is the same.
        let _ = stopped.wait_for(|stopping| *stopping).await;
    };
    let mut served = tokio::spawn(Door::new(app).serve(listener, leaving));
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
async fn drain(engine: &Engine, served: &mut JoinHandle<()>) {
    let in_time = timeout(REQUESTS_WAIT, &mut *served).await.is_ok();
    engine.close_within(CLOSE_WAIT).await;
    if !in_time && timeout(ANSWERS_WAIT, served).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
    }
}
