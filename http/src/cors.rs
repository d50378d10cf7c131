//! Which pages in a browser may call this server from an origin of their own (CORS).
//!
//! The operator's calls and the metrics are never for pages. A request without an `Origin` costs one
//! look at its headers.

use warp::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::answer::{self, Response};

/// What a page may send.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// What a page may read of an answer, beside what every page may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Location, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset",
);
/// For how many seconds a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// The origins whose pages may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// All of them, none with credentials.
    #[default]
    Any,
    /// These, with credentials.
    Listed(Vec<String>),
}

/// What a request says of where it comes from.
#[derive(Debug)]
pub struct Visit {
    origin: Option<HeaderValue>,
    asks: Option<Preflight>,
}

/// What a browser asks before it sends a page's request.
#[derive(Debug)]
struct Preflight {
    headers: Option<HeaderValue>,
}

impl Visit {
    /// Reads it.
    #[must_use]
    pub fn of(method: &Method, headers: &HeaderMap) -> Visit {
        let origin = headers.get(ORIGIN).cloned();
        let asks = origin.is_some()
            && *method == Method::OPTIONS
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let asks = asks
            .then(|| Preflight { headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned() });
        Visit { origin, asks }
    }

    /// Whether a browser asks before it sends a page's request: nobody else need answer that.
    #[must_use]
    pub fn only_asks(&self) -> bool {
        self.asks.is_some()
    }
}

/// The answer to a browser that only asks, before the origins are looked at.
#[must_use]
pub fn asked() -> Response {
    answer::empty(StatusCode::NO_CONTENT)
}

/// Whether pages may use this address at all.
#[must_use]
pub fn covers(path: &[&str]) -> bool {
    !matches!(path, ["v1", "admin", ..] | ["metrics"] | ["webhooks", ..])
}

impl Cors {
    /// Reads the origins of `--cors-origin`; all if there are none.
    ///
    /// # Errors
    /// One line that names the origin and says what is wrong with it.
    pub fn parse(origins: &[String]) -> Result<Cors, String> {
        let origins: Vec<_> = origins.iter().map(|origin| origin.trim()).collect();
        match origins[..] {
            [] | ["*"] => return Ok(Cors::Any),
            _ if origins.contains(&"*") => {
                return Err("\"*\" allows every origin and cannot stand beside others; give only \
                            \"*\", or only the others"
                    .to_owned());
            }
            _ => {}
        }
        match origins.iter().find(|origin| !is_origin(origin)) {
            Some(wrong) => Err(format!(
                "\"{wrong}\" is not an origin such as \"https://shop.example\" (no path, no slash \
                 at its end)"
            )),
            None => Ok(Cors::Listed(origins.into_iter().map(str::to_ascii_lowercase).collect())),
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        match self {
            Cors::Any => true,
            Cors::Listed(origins) => {
                let mut origins = origins.iter();
                origins.any(|known| known.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
            }
        }
    }

    /// Says on an answer which page may read it.
    pub fn mark(&self, visit: Visit, answer: &mut Response) {
        let headers = answer.headers_mut();
        if let Cors::Listed(_) = self {
            // Also where no origin was sent: a cache must not show that answer to a page.
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        let Some(origin) = visit.origin.filter(|origin| self.allows(origin)) else { return };
        match self {
            Cors::Any => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            }
            Cors::Listed(_) => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                let yes = HeaderValue::from_static("true");
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
            }
        }
        match visit.asks {
            None => {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            }
            Some(Preflight { headers: wanted }) => {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
                headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
                if let Some(wanted) = wanted {
                    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted);
                }
            }
        }
    }
}

/// Whether a browser could send this as an `Origin`: scheme, host, perhaps a port.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !scheme.is_empty()
        && scheme.bytes().all(in_scheme)
        && host.bytes().all(in_host)
        && host.bytes().next().is_some_and(|byte| byte != b':')
        && !host.ends_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(origins: &[&str]) -> Result<Cors, String> {
        Cors::parse(&origins.iter().map(|origin| (*origin).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn reads_origins() {
        assert_eq!(parse(&[]), Ok(Cors::Any));
        assert_eq!(parse(&["*"]), Ok(Cors::Any));
        let listed = parse(&["https://Shop.example", " http://localhost:3000", "http://[::1]:8"]);
        let Ok(Cors::Listed(origins)) = &listed else { panic!("{listed:?}") };
        assert_eq!(origins[..2], ["https://shop.example", "http://localhost:3000"]);
    }

    #[test]
    fn refuses_what_no_browser_sends() {
        for origin in
            ["", "null", "shop.example", "https://", "https://a/", "https://a/b", "https://a b"]
        {
            let error = parse(&[origin]).unwrap_err();
            assert!(error.contains(&format!("\"{origin}\"")), "{error}");
        }
        for origins in [["*", "https://a"], ["https://a", "*"], ["*", "*"]] {
            assert!(parse(&origins).unwrap_err().contains("beside"), "{origins:?}");
        }
    }
}
