//! HAL, as the reference systems write it: items with links, and collections with pages.

use serde::Serialize;
use serde_json::{Map, Value, json};
use warp::http::StatusCode;

use super::Desk;
use super::failure::Failure;
use crate::answer::{self, Response};
use crate::app::App;
use crate::call::Call;
use crate::query::Query;

/// What a write answers.
pub const WRITTEN: &str = "application/json;charset=UTF-8";
/// What a read answers.
pub const READ: &str = "application/hal+json;charset=UTF-8";
/// Rows of a page unless the client says otherwise.
const PAGE: u64 = 20;
/// Most rows of a page.
pub const PAGE_MAX: u64 = 1000;

/// How addresses are written for one client: with the host it used, and where it found the market.
#[derive(Debug, Clone)]
pub struct Links {
    base: String,
}

impl Links {
    /// Addresses below `mount`, which is empty or begins with a slash.
    #[must_use]
    pub fn new(app: &App, call: &Call, mount: String) -> Links {
        let base = match call.host() {
            Some(host) => format!("http://{host}{mount}"),
            None => format!("http://{}{mount}", app.address),
        };
        Links { base }
    }

    /// The address of a collection.
    #[must_use]
    pub fn collection(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// The address of an item.
    #[must_use]
    pub fn item(&self, collection: &str, id: u64) -> String {
        format!("{}/{collection}/{id}", self.base)
    }

    /// The index of the market: its collections.
    #[must_use]
    pub fn index(&self, paged: &[&str], whole: &[&str]) -> Response {
        let mut links = Map::new();
        for name in paged {
            let href = format!("{}{{?page,size,sort}}", self.collection(name));
            links.insert((*name).to_owned(), json!({ "href": href, "templated": true }));
        }
        for name in whole {
            links.insert((*name).to_owned(), link(self.collection(name)));
        }
        answer::typed(StatusCode::OK, READ, &json!({ "_links": links }))
    }
}

/// One link.
fn link(href: String) -> Value {
    json!({ "href": href })
}

/// What an item is called and where it is.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its collection.
    pub collection: &'static str,
    /// One of it.
    pub one: &'static str,
}

/// An item with its links: `self`, and one named after what it is.
#[must_use]
pub fn item<T: Serialize>(links: &Links, kind: Kind, id: u64, body: &T) -> Value {
    let mut value = serde_json::to_value(body).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        let href = links.item(kind.collection, id);
        let both = json!({ "self": link(href.clone()), kind.one: link(href) });
        fields.insert("_links".to_owned(), both);
    }
    value
}

/// Which page of a collection a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Its number, from 0.
    pub number: u64,
    /// How many rows it has.
    pub size: u64,
}

impl Paging {
    /// Reads `?page=&size=`. As in the reference systems, what is no number counts as absent.
    ///
    /// # Errors
    /// 400 when the query cannot be read.
    pub fn read(query: &str, usual: Option<u64>) -> Result<Paging, Failure> {
        let mut query = Query::parse(query)?;
        let mut number = |name| query.take(name).and_then(|text| text.parse::<u64>().ok());
        let size = number("size").filter(|size| *size > 0).unwrap_or(usual.unwrap_or(PAGE));
        let size = size.min(PAGE_MAX);
        let number = number("page").unwrap_or(0).min(u64::MAX / PAGE_MAX);
        Ok(Paging { number, size })
    }

    /// The place of its first row.
    #[must_use]
    pub fn offset(self) -> u64 {
        self.number * self.size
    }

    /// How many rows it has.
    #[must_use]
    pub fn limit(self) -> usize {
        usize::try_from(self.size).unwrap_or(1)
    }
}

/// A whole collection, or one that is not counted.
#[must_use]
pub fn collection(links: &Links, name: &str, items: Vec<Value>, more: &[(&str, String)]) -> Value {
    let mut all = Map::new();
    all.insert("self".to_owned(), link(links.collection(name)));
    for (name, href) in more {
        all.insert((*name).to_owned(), link(href.clone()));
    }
    json!({ "_embedded": { name: items }, "_links": all })
}

/// One page of a collection of `total` rows.
#[must_use]
pub fn page(links: &Links, name: &str, items: Vec<Value>, paging: Paging, total: u64) -> Value {
    let Paging { number, size } = paging;
    let pages = total.div_ceil(size);
    let at = |number: u64| format!("{}?page={number}&size={size}", links.collection(name));
    let mut more = Vec::new();
    if pages > 1 {
        more.push(("first", at(0)));
        if number > 0 {
            more.push(("prev", at(number - 1)));
        }
        if number + 1 < pages {
            more.push(("next", at(number + 1)));
        }
        more.push(("last", at(pages - 1)));
    }
    let mut value = collection(links, name, items, &more);
    let page = json!({
        "size": size,
        "totalElements": total,
        "totalPages": pages,
        "number": number,
    });
    if let Value::Object(fields) = &mut value {
        fields.insert("page".to_owned(), page);
    }
    value
}

impl Desk<'_> {
    /// An item that was read.
    #[must_use]
    pub fn read<T: Serialize>(&self, kind: Kind, id: u64, body: &T) -> Response {
        answer::typed(StatusCode::OK, READ, &item(&self.links, kind, id, body))
    }

    /// An item that was made.
    #[must_use]
    pub fn made<T: Serialize>(&self, kind: Kind, id: u64, body: &T) -> Response {
        let value = item(&self.links, kind, id, body);
        let response = answer::typed(StatusCode::CREATED, WRITTEN, &value);
        answer::at(response, &self.links.item(kind.collection, id))
    }

    /// An item that was changed; a client that accepts nothing is told nothing.
    #[must_use]
    pub fn changed<T: Serialize>(&self, kind: Kind, id: u64, body: &T) -> Response {
        if !self.call.accepts_anything() {
            return answer::empty(StatusCode::NO_CONTENT);
        }
        answer::typed(StatusCode::OK, WRITTEN, &item(&self.links, kind, id, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_know_their_neighbours() {
        let links = Links { base: "http://h".to_owned() };
        let paging = Paging::read("page=1&size=2", None).unwrap();
        assert_eq!((paging.offset(), paging.limit()), (2, 2));
        let page = page(&links, "orders", Vec::new(), paging, 5);
        assert_eq!(page["page"]["totalPages"], 3);
        assert_eq!(page["_links"]["next"]["href"], "http://h/orders?page=2&size=2");
        assert_eq!(page["_links"]["prev"]["href"], "http://h/orders?page=0&size=2");
        assert_eq!(page["_embedded"]["orders"], json!([]));
    }

    #[test]
    fn absurd_pages_are_only_empty() {
        let paging = Paging::read("page=18446744073709551615&size=99999", None).unwrap();
        assert_eq!(paging.size, PAGE_MAX);
        assert!(paging.offset() > 0);
        assert_eq!(Paging::read("page=x&size=0", None).unwrap(), Paging { number: 0, size: 20 });
    }
}
