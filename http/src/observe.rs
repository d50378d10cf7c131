//! Probes and counters: whether the server lives, whether it takes orders, and how much it does.

use std::time::Duration;

use bytes::Bytes;
use metrics::{Counter, Histogram, counter, histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use surehold::view::Readiness;
use warp::http::StatusCode;

use crate::answer::{self, Response};
use crate::app::App;
use crate::native::Outcome;
use crate::problem::Problem;

/// Bounds of the latency histogram, in seconds.
const BOUNDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];
/// Pause between two gatherings of what the counters were told.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What a request is about, as far as the counters tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An order is placed.
    Place,
    /// An order is told something.
    Command,
    /// Orders are looked at.
    Orders,
    /// What is sold.
    Offerings,
    /// Committed facts.
    Events,
    /// The operator.
    Admin,
    /// Probes and metrics.
    Probe,
    /// A payment gateway tells something.
    Webhook,
    /// A dialect, or nothing at all.
    Other,
}

impl Class {
    const ALL: [(Class, &'static str); 9] = [
        (Class::Place, "place"),
        (Class::Command, "command"),
        (Class::Orders, "orders"),
        (Class::Offerings, "offerings"),
        (Class::Events, "events"),
        (Class::Admin, "admin"),
        (Class::Probe, "probe"),
        (Class::Webhook, "webhook"),
        (Class::Other, "dialect"),
    ];

    /// The class of a request.
    #[must_use]
    pub fn of(method: &str, path: &[&str]) -> Class {
        match (method, path) {
            (_, ["v1", "admin", ..]) => Class::Admin,
            ("POST", ["v1", _, "orders"]) => Class::Place,
            ("POST", ["v1", _, "orders", ..]) => Class::Command,
            (_, ["v1", _, "orders" | "idempotency", ..]) => Class::Orders,
            (_, ["v1", _, "offerings", ..]) => Class::Offerings,
            (_, ["v1", _, "events"]) => Class::Events,
            (
                _,
                ["livez" | "readyz" | "metrics"] | ["actuator", "health"] | ["v1", "openapi.json"],
            ) => Class::Probe,
            (_, ["webhooks", ..]) => Class::Webhook,
            _ => Class::Other,
        }
    }
}

/// The counters, looked up once.
pub struct Observe {
    handle: PrometheusHandle,
    classes: Vec<Meter>,
}

struct Meter {
    /// Answers by the first digit of their status.
    answers: [Counter; 6],
    seconds: Histogram,
}

impl Observe {
    /// Installs the process's recorder. Call it before the engine opens, so that nothing is lost.
    ///
    /// # Errors
    /// If the process has a recorder already.
    pub fn install() -> Result<Observe, BuildError> {
        let handle = PrometheusBuilder::new().set_buckets(&BOUNDS)?.install_recorder()?;
        Ok(Observe::over(handle))
    }

    /// Counters that nobody hears, for an edge without a process of its own.
    ///
    /// # Errors
    /// If there can be none.
    pub fn unheard() -> Result<Observe, BuildError> {
        let recorder = PrometheusBuilder::new().set_buckets(&BOUNDS)?.build_recorder();
        Ok(Observe::over(recorder.handle()))
    }

    fn over(handle: PrometheusHandle) -> Observe {
        let meter = |(_, class): (Class, &'static str)| Meter {
            answers: ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"].map(
                |status| counter!("http_requests_total", "class" => class, "status" => status),
            ),
            seconds: histogram!("http_request_seconds", "class" => class),
        };
        Observe { handle, classes: Class::ALL.map(meter).into() }
    }

    /// Keeps the counters small for as long as the process lives.
    pub fn keep_up(&self) {
        let handle = self.handle.clone();
        tokio::spawn(async move {
            let mut every = tokio::time::interval(UPKEEP_EVERY);
            loop {
                every.tick().await;
                handle.run_upkeep();
            }
        });
    }

    /// Counts one answer.
    pub fn count(&self, class: Class, status: StatusCode, took: Duration) {
        let Some(place) = Class::ALL.iter().position(|(known, _)| *known == class) else { return };
        let Some(meter) = self.classes.get(place) else { return };
        if let Some(answers) = meter.answers.get(usize::from(status.as_u16() / 100)) {
            answers.increment(1);
        }
        meter.seconds.record(took.as_secs_f64());
    }
}

/// `GET /livez`: whether the process makes progress.
///
/// # Errors
/// 503 if it does not.
pub async fn livez(app: &App) -> Outcome {
    match app.engine.stalled() {
        None => Ok(answer::json(StatusCode::OK, &json!({"status": "alive"}))),
        Some(reason) => {
            let reason = format!("the engine makes no progress: {reason}");
            Err(Problem::unavailable(reason, Duration::from_secs(1)))
        }
    }
}

/// `GET /readyz`: whether the server takes orders.
///
/// # Errors
/// 503 with the reason if it does not.
pub async fn readyz(app: &App) -> Outcome {
    match not_ready(app) {
        None => Ok(answer::json(StatusCode::OK, &json!({"status": "ready"}))),
        Some(reason) => Err(Problem::unavailable(reason, Duration::from_secs(1))),
    }
}

/// Why no orders are taken just now.
fn not_ready(app: &App) -> Option<String> {
    if *app.stopping.borrow() {
        return Some("the server is stopping".to_owned());
    }
    match app.engine.readiness() {
        Readiness::Ready => None,
        Readiness::NotReady(reason) => Some(reason),
    }
}

/// `GET /actuator/health`, as the reference systems' probes ask: UP while orders are taken.
///
/// # Errors
/// Never: 503 says DOWN.
pub async fn health(app: &App) -> Outcome {
    Ok(match not_ready(app) {
        None => answer::json(StatusCode::OK, &json!({"status": "UP"})),
        Some(_) => answer::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "DOWN"})),
    })
}

/// `GET /metrics`.
///
/// # Errors
/// Never.
pub async fn metrics(app: &App) -> Outcome {
    let text = Bytes::from(app.observe.handle.render());
    Ok(answer::raw(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text))
}

/// `POST /echo`: the request's body, and nothing done. The measure of what an answer costs at least.
///
/// # Errors
/// 400 unless the body is JSON.
pub async fn echo(body: &Bytes) -> Result<Response, Problem> {
    let value: serde_json::Value = serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
    Ok(answer::json(StatusCode::OK, &value))
}
