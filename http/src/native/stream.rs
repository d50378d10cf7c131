//! Committed facts as they come: `text/event-stream`.
//!
//! A task per subscriber reads the engine and fills a short channel; the client's own pace empties
//! it. The stream ends when the client goes, when the server stops, or when the engine has nothing
//! more to say; the client comes back with `Last-Event-ID` and misses nothing.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use surehold::Market;
use surehold::event::Events;
use tokio::sync::mpsc;
use warp::sse::Event;
use warp::{Reply, Stream};

use crate::answer::Response;
use crate::app::App;
use crate::published::{Published, Publisher};

/// Pause after which a silent stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events read at once, and waiting for a slow client.
const AHEAD: usize = 64;

struct Subscription {
    events: mpsc::Receiver<Event>,
}

impl Stream for Subscription {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(cx).map(|event| event.map(Ok))
    }
}

/// The stream of everything after this sequence.
#[must_use]
pub fn open(app: &App, market: Market, after: u64, publisher: Publisher) -> Response {
    let (into, events) = mpsc::channel(AHEAD);
    let (engine, mut stopping) = (app.engine.clone(), app.stopping.clone());
    tokio::spawn(async move {
        let mut after = after;
        let telling = async {
            loop {
                let next = engine.events_within(market, after, AHEAD, HEARTBEAT).await;
                let Ok(events) = next else { return };
                after = events.cursor;
                let told = match events.events.is_empty() {
                    true => into.send(Event::default().comment("")).await.is_ok(),
                    false => send(&into, &publisher, &events).await,
                };
                if !told {
                    return;
                }
            }
        };
        // Whatever it waits for, be it a client that does not read: a server that stops waits for no
        // stream.
        tokio::select! {
            () = telling => {}
            () = into.closed() => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    });
    warp::sse::reply(Subscription { events }).into_response()
}

/// Whether the client is still there.
async fn send(into: &mpsc::Sender<Event>, publisher: &Publisher, events: &Events) -> bool {
    // What cannot be read now ends the stream; the client comes back to where it was.
    let Ok(published) = publisher.publish(events).await else { return false };
    for Published { sequence, place, name, body, .. } in published {
        let mut event = Event::default().event(name).data(body.to_string());
        if place.1 {
            // Only the last event of a sequence says that all of it was seen.
            event = event.id(sequence.to_string());
        }
        if into.send(event).await.is_err() {
            return false;
        }
    }
    true
}
