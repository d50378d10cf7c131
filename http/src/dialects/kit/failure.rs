//! What went wrong, as the reference systems say it.

use serde_json::json;
use surehold::refusal::Refusal;
use warp::http::StatusCode;

use super::hal::WRITTEN;
use crate::answer::{self, Response};
use crate::problem::Problem;

/// What went wrong, for a client of a dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// There is nothing: 404 without a body.
    Nothing,
    /// The request cannot be used: 400.
    Bad(String),
    /// It does not fit how things stand: 409.
    Conflict(String),
    /// Not now: 503.
    Busy(Problem),
    /// What had to happen with it did not, and nothing was kept: 500, as the reference systems say.
    Undone,
    /// A fault of this server: 500.
    Fault(String),
}

const UNDONE: &str = "Could not commit JPA transaction; nested exception is \
    javax.persistence.RollbackException: Error while committing the transaction";

impl Failure {
    /// The answer to a request for `path`.
    #[must_use]
    pub fn answer(self, path: &str) -> Response {
        match self {
            Failure::Nothing => answer::empty(StatusCode::NOT_FOUND),
            Failure::Bad(why) => body(StatusCode::BAD_REQUEST, "Bad Request", &why, path),
            Failure::Conflict(why) => body(StatusCode::CONFLICT, "Conflict", &why, path),
            Failure::Busy(problem) => Response::from(problem),
            Failure::Undone => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                body(status, "Internal Server Error", UNDONE, path)
            }
            Failure::Fault(why) => {
                tracing::error!(why, "a fault of this server");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                body(status, "Internal Server Error", &why, path)
            }
        }
    }
}

fn body(status: StatusCode, error: &str, message: &str, path: &str) -> Response {
    let now = jiff::Timestamp::now();
    let timestamp = format!("{}+0000", now.strftime("%Y-%m-%dT%H:%M:%S%.3f"));
    let body = json!({
        "timestamp": timestamp,
        "status": status.as_u16(),
        "error": error,
        "message": message,
        "path": path,
    });
    answer::typed(status, WRITTEN, &body)
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure::Bad(problem.into_detail())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let why = refusal.to_string();
        match refusal {
            Refusal::NoSuchMarket(_) | Refusal::NotFound { .. } | Refusal::Gone { .. } => {
                Failure::Nothing
            }
            Refusal::Invalid { .. } | Refusal::KeyReused => Failure::Bad(why),
            Refusal::WrongPhase { .. } | Refusal::NotBegun { .. } | Refusal::Conflict(_) => {
                Failure::Conflict(why)
            }
            Refusal::Quarantined { .. } | Refusal::Unavailable { .. } => {
                Failure::Busy(Problem::from(refusal))
            }
            Refusal::Fault(_) => Failure::Fault(why),
            _ => Failure::Fault(why),
        }
    }
}
