//! The only place where a no becomes a status and a body (RFC 9457).

use std::time::Duration;

use serde::Serialize;
use surehold::domain::saga::Phase;
use surehold::refusal::{RETRY_AFTER, Refusal};
use warp::http::StatusCode;
use warp::http::header::{ALLOW, CONNECTION, RETRY_AFTER as RETRY_AFTER_HEADER, WWW_AUTHENTICATE};

use crate::answer::{self, PROBLEM, Response};
use crate::shapes::Moment;

/// What went wrong, for a client of the native API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<Told>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    status: StatusCode,
    /// The stable name, the last part of `type`.
    kind: &'static str,
    title: &'static str,
    /// What it is this time.
    detail: String,
    field: Option<String>,
    phase: Option<Phase>,
    order: Option<u64>,
    first: Option<u64>,
    retry_after: Option<Duration>,
    allow: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
}

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Problem {
        let detail = detail.into();
        Problem(Box::new(Told {
            status,
            kind,
            title,
            detail,
            field: None,
            phase: None,
            order: None,
            first: None,
            retry_after: None,
            allow: None,
        }))
    }

    /// What it is this time, in words.
    #[must_use]
    pub fn into_detail(self) -> String {
        self.0.detail
    }

    /// 400: the request cannot be read.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    /// 422: a value is not what it should be.
    #[must_use]
    pub fn invalid(field: impl Into<String>, reason: impl AsRef<str>) -> Problem {
        let field = field.into();
        let detail = format!("{field}: {}", reason.as_ref());
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Problem::new(status, "invalid", "A value is not what it should be", detail).of_field(field)
    }

    /// 404: nothing is here.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing here", detail)
    }

    /// 405: something is here, but it cannot be used like that.
    #[must_use]
    pub fn wrong_method(allow: String) -> Problem {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        let detail = format!("this address takes {allow}");
        let mut problem = Problem::new(status, "wrong-method", "The method does not fit", detail);
        problem.0.allow = Some(allow);
        problem
    }

    /// 413: the body is too long.
    #[must_use]
    pub fn too_large(most: usize) -> Problem {
        let detail = format!("a body may have at most {most} bytes");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Problem::new(status, "too-large", "The body is too long", detail)
    }

    /// 408: the body did not come.
    #[must_use]
    pub fn too_slow() -> Problem {
        let status = StatusCode::REQUEST_TIMEOUT;
        Problem::new(status, "too-slow", "The body did not arrive", "the body took too long")
    }

    /// 415: the body is not JSON, or does not say so.
    #[must_use]
    pub fn not_json() -> Problem {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let detail = "send the body as application/json";
        Problem::new(status, "not-json", "The body must be JSON", detail)
    }

    /// 401: the admin calls need the token.
    #[must_use]
    pub fn unauthorised() -> Problem {
        let detail = "send the admin token as a bearer token";
        let status = StatusCode::UNAUTHORIZED;
        Problem::new(status, "unauthorised", "The admin token is missing or wrong", detail)
    }

    /// 429: this client asks too often.
    #[must_use]
    pub fn too_many(retry_after: Duration) -> Problem {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let detail = "this client asked too often; nothing was done for this request";
        let title = "Too many requests from this client";
        let mut problem = Problem::new(status, "too-many-requests", title, detail);
        problem.0.retry_after = Some(retry_after);
        problem
    }

    /// 503: not now.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Problem {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut problem = Problem::new(status, "unavailable", "Not now, try again", detail);
        problem.0.retry_after = Some(retry_after);
        problem
    }

    /// The same, naming the value that is wrong.
    #[must_use]
    pub fn of_field(mut self, field: impl Into<String>) -> Problem {
        self.0.field = Some(field.into());
        self
    }

    /// The same, naming the order it is about.
    #[must_use]
    pub fn of_order(mut self, order: u64) -> Problem {
        self.0.order = Some(order);
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NoSuchMarket(_) => Problem::new(
                StatusCode::NOT_FOUND,
                "no-such-market",
                "There is no such market here",
                detail,
            ),
            Refusal::NotFound { .. } => Problem::not_found(detail),
            Refusal::Invalid { field, reason } => Problem::invalid(field, reason),
            Refusal::WrongPhase { phase, .. } => {
                let title = "The command does not fit the order's phase";
                let mut problem = Problem::new(StatusCode::CONFLICT, "wrong-phase", title, detail);
                problem.0.phase = Some(phase);
                problem
            }
            Refusal::NotBegun { starts_at } => {
                let title = "What was booked has not begun";
                let detail = format!("{detail}; it begins at {}", Moment(starts_at));
                let mut problem = Problem::new(StatusCode::CONFLICT, "not-begun", title, detail);
                problem.0.phase = Some(Phase::Confirmed);
                problem
            }
            Refusal::Conflict(_) => {
                let title = "It clashes with how things stand";
                Problem::new(StatusCode::CONFLICT, "conflict", title, detail)
            }
            Refusal::KeyReused => {
                let title = "The idempotency key belongs to another request";
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Problem::new(status, "idempotency-key-reused", title, detail)
                    .of_field("Idempotency-Key")
            }
            Refusal::Quarantined { order, .. } => {
                let title = "The order is set aside until an operator looks";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Problem::new(status, "quarantined", title, detail).of_order(order)
            }
            Refusal::Gone { first } => {
                let title = "What was asked for is no longer kept";
                let mut problem = Problem::new(StatusCode::GONE, "gone", title, detail);
                problem.0.first = Some(first);
                problem
            }
            Refusal::Unavailable { reason, retry_after } => {
                Problem::unavailable(reason, retry_after)
            }
            Refusal::Fault(_) => fault(detail),
            _ => fault(detail),
        }
    }
}

fn fault(detail: String) -> Problem {
    tracing::error!(detail, "a fault of this server");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Problem::new(status, "fault", "A fault of this server", detail)
}

impl From<Problem> for Response {
    fn from(Problem(problem): Problem) -> Response {
        let body = Body {
            r#type: format!("/problems/{}", problem.kind),
            title: problem.title,
            status: problem.status.as_u16(),
            detail: &problem.detail,
            field: problem.field.as_deref(),
            phase: problem.phase.map(Phase::name),
            order: problem.order,
            first: problem.first,
        };
        let mut response = answer::typed(problem.status, PROBLEM, &body);
        if let Some(allow) = &problem.allow {
            response = answer::with(response, ALLOW, allow);
        }
        if problem.status == StatusCode::UNAUTHORIZED {
            response = answer::with(response, WWW_AUTHENTICATE, "Bearer");
        }
        if matches!(problem.status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            response = answer::with(response, CONNECTION, "close");
        }
        let busy = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];
        if busy.contains(&problem.status) {
            let after = seconds(problem.retry_after.unwrap_or(RETRY_AFTER));
            response = answer::with(response, RETRY_AFTER_HEADER, &after.to_string());
        }
        response
    }
}

/// Whole seconds, rounded up, at least one.
fn seconds(span: Duration) -> u64 {
    span.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1)
}
