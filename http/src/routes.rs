//! The URL table. One filter takes every request; one match says who answers it.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Buf;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::{Filter, Rejection, Stream};

use crate::answer::Response;
use crate::app::App;
use crate::call::{Call, discard, read_body};
use crate::cors::{self, Visit};
use crate::dialects;
use crate::edge::client::{self, Client};
use crate::edge::rate::Allowance;
use crate::native::{
    Outcome, admin, attention, commands, description, events, inventory, offerings, orders, queue,
    support,
};
use crate::observe::{self, Class};
use crate::problem::Problem;
use crate::webhooks;

/// An answer in the making. It has not begun before it is awaited.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Methods anything here answers to, in the order in which `Allow` names them.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Most parts a path of the table has, and one more.
const PARTS_MAX: usize = 8;

/// Who answers what.
fn find<'a>(app: &'a App, call: &'a Call, method: &str, path: &[&'a str]) -> Option<Answering<'a>> {
    Some(match (method, path) {
        ("GET", ["livez"]) => run(observe::livez(app)),
        ("GET", ["readyz"]) => run(observe::readyz(app)),
        ("GET", ["metrics"]) => run(observe::metrics(app)),
        ("GET", ["actuator", "health"]) => run(observe::health(app)),
        ("GET", ["v1", "openapi.json"]) => run(description::show()),
        ("POST", ["echo"]) if app.echo => run(observe::echo(&call.body)),
        ("POST", ["webhooks", "stripe"]) => {
            let webhook = app.webhook.as_ref()?;
            run(webhooks::stripe(app, call, webhook))
        }
        (_, ["webhooks", ..]) => return None,

        (_, ["v1", "admin", ..]) if app.admin.is_none() => return None,
        ("GET", ["v1", "admin", "tree"]) => run(admin::tree(app, call)),
        ("GET", ["v1", "admin", "audit"]) => run(admin::audit(app, call)),
        ("GET", ["v1", "admin", "attention"]) => run(attention::list(app, call)),
        ("POST", ["v1", "admin", "participants", name, verb @ ("stop" | "start" | "crash")]) => {
            run(admin::participant(app, call, name, verb))
        }
        ("GET", ["v1", "admin", "views"]) => run(admin::views(app, call)),
        ("POST", ["v1", "admin", "views", "rebuild"]) => run(admin::rebuild_views(app, call)),
        ("POST", ["v1", "admin", "orders", market, id, "crash"]) => {
            run(admin::crash_order(app, call, market, id))
        }
        ("POST", ["v1", "admin", "orders", market, id, "retry"]) => {
            run(admin::retry_order(app, call, market, id))
        }
        (_, ["v1", "admin", ..]) => return None,

        ("POST", ["v1", m, "orders"]) => run(orders::place(app, call, m)),
        ("GET", ["v1", m, "orders"]) => run(orders::list(app, call, m)),
        ("GET", ["v1", m, "orders", id]) => run(orders::show(app, m, id)),
        ("GET", ["v1", m, "orders", id, "history"]) => run(orders::history(app, m, id)),
        ("POST", ["v1", m, "orders", id, "cancellation-quote"]) => {
            run(commands::quote(app, call, m, id))
        }
        (
            "POST",
            [
                "v1",
                m,
                "orders",
                id,
                verb @ ("pay" | "confirm" | "reject" | "complete" | "no-show" | "cancel"),
            ],
        ) => run(commands::command(app, call, (m, id), verb)),

        ("GET", ["v1", m, "idempotency", key]) => run(orders::by_key(app, m, key)),

        ("POST", ["v1", m, "offerings"]) => run(offerings::add(app, call, m)),
        ("GET", ["v1", m, "offerings"]) => run(offerings::list(app, call, m)),
        ("GET", ["v1", m, "offerings", id]) => run(offerings::show(app, m, id)),
        ("PATCH", ["v1", m, "offerings", id]) => run(offerings::change(app, call, m, id)),
        ("DELETE", ["v1", m, "offerings", id]) => run(offerings::close(app, m, id)),
        ("GET", ["v1", m, "offerings", id, "availability"]) => {
            run(inventory::availability(app, call, m, id))
        }
        ("POST", ["v1", m, "offerings", id, "stock"]) => run(inventory::adjust(app, call, m, id)),
        ("GET", ["v1", m, "events"]) => run(events::list(app, call, m)),

        ("GET", ["v1", m, "confirmations"]) => run(queue::waiting(app, call, m)),
        ("POST", ["v1", m, "offerings", id, "reviews"]) => {
            run(support::write_review(app, call, m, id))
        }
        ("GET", ["v1", m, "offerings", id, "reviews"]) => run(support::reviews(app, call, m, id)),
        ("GET", ["v1", m, "reviews", id]) => run(support::review(app, m, id)),
        ("DELETE", ["v1", m, "reviews", id]) => run(support::remove_review(app, m, id)),
        ("GET", ["v1", m, "customers", c, "mileage"]) => run(support::mileage(app, call, m, c)),
        ("GET", ["v1", m, "customers", c, "messages"]) => run(support::messages(app, call, m, c)),
        (_, ["v1", ..]) => return None,

        (_, path) => return dialects::find(app, call, method, path),
    })
}

fn run<'a>(outcome: impl Future<Output = Outcome> + Send + 'a) -> Answering<'a> {
    // As it is: another future around it would take the same room once more.
    Box::pin(outcome)
}

/// The one filter of the server, for a connection of this peer's.
pub fn filter(
    app: Arc<App>,
    peer: IpAddr,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |method, path, query, headers, body| {
            let head = Head { method, path, query, headers };
            answer(Arc::clone(&app), peer, head, body)
        })
}

/// A request before its body.
struct Head {
    method: Method,
    path: FullPath,
    query: String,
    headers: HeaderMap,
}

async fn answer<S, B>(app: Arc<App>, peer: IpAddr, head: Head, body: S) -> Response
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf + Send,
{
    let began = Instant::now();
    let Head { method, path, query, headers } = head;
    let visit = Visit::of(&method, &headers);
    let path = path.as_str();
    let mut parts = [""; PARTS_MAX];
    let parts = split(path, &mut parts);
    let method = if method == Method::HEAD { Method::GET } else { method };
    let class = parts.map_or(Class::Other, |parts| Class::of(method.as_str(), parts));
    let open = parts.is_none_or(cors::covers);
    let only_asks = open && visit.only_asks();
    let allowance = if only_asks { None } else { count(&app, class, peer, &headers, began) };
    let refused_for = allowance.as_ref().and_then(Allowance::refused_for);
    let mut response = match refused_for {
        Some(wait) => {
            discard(&headers, body).await;
            Response::from(Problem::too_many(wait))
        }
        None => match (read_body(&headers, body, app.edge.patience.body).await, parts) {
            (Err(problem), _) => Response::from(problem),
            (Ok(_), _) if only_asks => cors::asked(),
            (Ok(_), None) => Response::from(nowhere()),
            (Ok(body), Some(parts)) => {
                let path = path.to_owned();
                let call = Call { method, path, query, headers, body };
                route(&app, &call, parts).await
            }
        },
    };
    if let Some(allowance) = allowance {
        allowance.mark(&mut response);
    }
    if open {
        app.cors.mark(visit, &mut response);
    }
    app.observe.count(class, response.status(), began.elapsed());
    response
}

/// Counts the request against what its client may do, if that is limited. Probes are asked by
/// machines that would take a refusal for an illness, and the operator is never locked out.
fn count(
    app: &App,
    class: Class,
    peer: IpAddr,
    headers: &HeaderMap,
    now: Instant,
) -> Option<Allowance> {
    let rates = app.rates.as_ref().filter(|_| !matches!(class, Class::Probe | Class::Admin))?;
    let client = client::of(peer, headers, &app.edge.trusted);
    Some(rates.take(Client::from(client), now))
}

async fn route<'a>(app: &'a App, call: &'a Call, path: &[&'a str]) -> Response {
    if let Some(answering) = find(app, call, call.method.as_str(), path) {
        return answering.await.unwrap_or_else(Response::from);
    }
    let allow: Vec<_> =
        METHODS.into_iter().filter(|method| find(app, call, method, path).is_some()).collect();
    Response::from(if allow.is_empty() {
        nowhere()
    } else {
        Problem::wrong_method(allow.join(", "))
    })
}

fn nowhere() -> Problem {
    Problem::not_found("there is nothing at this address")
}

/// The parts of a path, without the empty one after a closing slash; `None` if there are too many.
fn split<'p, 'a>(path: &'a str, parts: &'p mut [&'a str; PARTS_MAX]) -> Option<&'p [&'a str]> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Some(&[]);
    }
    let mut count = 0;
    for part in path.split('/') {
        *parts.get_mut(count)? = part;
        count += 1;
    }
    parts.get(..count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_paths() {
        let check = |path: &str, expected: Option<&[&str]>| {
            assert_eq!(split(path, &mut [""; PARTS_MAX]), expected, "{path}");
        };
        check("/", Some(&[]));
        check("", Some(&[]));
        check("/orders/", Some(&["orders"]));
        check("/orders//1", Some(&["orders", "", "1"]));
        check("/1/2/3/4/5/6/7/8", Some(&["1", "2", "3", "4", "5", "6", "7", "8"]));
        check("/1/2/3/4/5/6/7/8/9", None);
    }
}
