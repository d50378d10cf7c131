//! The door: takes connections, serves each in a task of its own, and turns away who is too many.
//!
//! Who is too many is told so, instead of being left in the system's queue: a client that waits there
//! cannot tell a busy server from a dead one, and its own patience is used up before it is let in.

use std::convert::Infallible;
use std::future::pending;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use metrics::{Counter, counter};
use surehold::refusal::RETRY_AFTER;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use warp::http::{Request, Response as HttpResponse};

use super::limits::{ACCEPT_PAUSE, BUFFER_MAX, REFUSAL_WAIT, REFUSALS_MAX};
use super::line::Busy;
use super::lines::{Lines, Open};
use super::socket::{Answer, Socket};
use super::unsent::{Full, Unsent};
use crate::answer::Response;
use crate::app::App;
use crate::problem::Problem;
use crate::routes;

/// What a client is told who is too many.
const REFUSAL: &str = "HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\ncontent-length: 132\r\nretry-after: 1\r\n\
    connection: close\r\n\r\n\
    {\"type\":\"/problems/unavailable\",\"title\":\"Not now, try again\",\"status\":503,\
    \"detail\":\"the server has as many connections as it takes\"}";
/// Of what a refused client sends, so much is read and thrown away, lest its system drops the answer.
const REFUSAL_READ_MAX: u64 = 64 * 1024;

/// The door of a running server.
pub(crate) struct Door {
    app: Arc<App>,
    lines: Arc<Lines>,
    http: http1::Builder,
    unsent: Unsent,
    refusals: Arc<Semaphore>,
    refused: Counter,
    leaving: GracefulShutdown,
}

impl Door {
    pub(crate) fn new(app: Arc<App>) -> Door {
        let settings = &app.edge;
        let lines = Arc::new(Lines::new(settings.max_connections, settings.patience));
        let mut http = http1::Builder::new();
        http.max_buf_size(BUFFER_MAX);
        Door {
            app,
            lines,
            http,
            unsent: Unsent::default(),
            refusals: Arc::new(Semaphore::new(REFUSALS_MAX)),
            refused: counter!("surehold_connections_refused_total"),
            leaving: GracefulShutdown::new(),
        }
    }

    /// Serves until `stop` resolves. Then nobody new is let in, kept connections are told to close
    /// after the answer they wait for, and this returns when the last one did.
    pub(crate) async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let (app, lines) = (Arc::clone(&self.app), Arc::clone(&self.lines));
        let sweeping = lines.sweep(|tick| {
            if let Some(rates) = &app.rates {
                rates.sweep(tick);
            }
        });
        let serving = async {
            tokio::select! {
                () = stop => {}
                () = self.accept(&listener) => {}
            }
            // From here on new clients are refused by the system, and try elsewhere.
            drop(listener);
            self.lines.hurry();
            self.leaving.shutdown().await;
        };
        tokio::select! {
            () = serving => {}
            () = sweeping => {}
        }
    }

    async fn accept(&self, listener: &TcpListener) {
        let mut well = true;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    well = true;
                    match self.lines.add() {
                        Some(open) => self.let_in(stream, peer, open),
                        None => self.turn_away(stream),
                    }
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    if well {
                        tracing::error!(%error, "no connections can be taken just now");
                    }
                    well = false;
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn let_in(&self, stream: TcpStream, peer: SocketAddr, open: Open) {
        let line = Arc::clone(&open.line);
        let routes = routes::filter(Arc::clone(&self.app), peer.ip());
        let routes = TowerToHyperService::new(warp::service(routes));
        let answering = service_fn({
            let (line, unsent) = (Arc::clone(&line), self.unsent.clone());
            move |request: Request<Incoming>| {
                // What was done is told, however much waits; what was only asked for can be refused.
                let asks = request.method().is_safe();
                let begun = line.begin().map(|busy| (routes.call(request), busy));
                let unsent = unsent.clone();
                async move {
                    // A line that was cut is about to be dropped, and its request was never seen.
                    let Some((answering, busy)) = begun else { return pending().await };
                    let answer = answering.await?;
                    Ok::<_, Infallible>(counted(answer, asks, &unsent, busy))
                }
            }
        });
        let socket = Socket::new(stream, Arc::clone(&line));
        let served = self.leaving.watch(self.http.serve_connection(socket, answering));
        let task = tokio::spawn(async move {
            let _open = open;
            if let Err(error) = served.await {
                // A client that hangs up is no news.
                tracing::debug!(%error, %peer, "a connection broke");
            }
        });
        line.served_by(task.abort_handle());
    }

    fn turn_away(&self, stream: TcpStream) {
        self.refused.increment(1);
        let Ok(place) = Arc::clone(&self.refusals).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let _place = place;
            // A client that does not listen need not hear it.
            let _ = tokio::time::timeout(REFUSAL_WAIT, say_no(stream)).await;
        });
    }
}

/// The answer; to who only asked, if there is room for it among those that wait to be read.
fn counted(
    answer: Response,
    asks: bool,
    unsent: &Unsent,
    busy: Busy,
) -> HttpResponse<Answer<impl Body<Data = Bytes, Error = warp::Error> + Send + Unpin + use<>>> {
    let size = answer.body().size_hint().exact().unwrap_or(0);
    let (answer, part) = match unsent.add(size) {
        Ok(part) => (answer, part),
        Err(Full) if asks => {
            let reason = "too many large answers wait to be read; ask for less, or again shortly";
            (Response::from(Problem::unavailable(reason, RETRY_AFTER)), None)
        }
        Err(Full) => (answer, None),
    };
    answer.map(|body| Answer::new(body, part, busy))
}

/// Says why, and waits until the client has closed or said enough.
async fn say_no(mut stream: TcpStream) -> Result<(), Error> {
    stream.write_all(REFUSAL.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(REFUSAL_READ_MAX);
    let mut ignored = [0; 1024];
    while rest.read(&mut ignored).await? > 0 {}
    Ok(())
}

/// Whether the client went away before it was let in: nothing is wrong with the door.
fn is_the_clients(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_is_an_answer() {
        let (head, body) = REFUSAL.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], 503);
    }
}
