//! HAL, as the reference systems write it: items with links, lists with pages, and the index.

use serde_json::{Map, Value, json};
use warp::http::StatusCode;

use super::table::{Collection, Key, Listed};
use super::{Desk, Dialect};
use crate::answer::{self, Response};
use crate::app::App;
use crate::call::Call;

/// What a write answers.
pub const WRITTEN: &str = "application/json;charset=UTF-8";
/// What a read answers.
pub const READ: &str = "application/hal+json;charset=UTF-8";
/// What a profile is.
const ALPS: &str = "application/alps+json;charset=UTF-8";

/// How addresses are written for one client: with the host it used, and where it found the market.
#[derive(Debug, Clone)]
pub struct Links {
    host: String,
    base: String,
}

impl Links {
    /// Addresses below `mount`, which is empty or begins with a slash.
    #[must_use]
    pub fn new(app: &App, call: &Call, mount: String) -> Links {
        let host = match call.host() {
            Some(host) => format!("http://{host}"),
            None => format!("http://{}", app.address),
        };
        Links { base: format!("{host}{mount}"), host }
    }

    /// The address that was asked.
    #[must_use]
    pub fn again(&self, call: &Call) -> String {
        let mark = if call.query.is_empty() { "" } else { "?" };
        format!("{}{}{mark}{}", self.host, call.path, call.query)
    }

    /// The address of a collection, or of whatever is at this path.
    #[must_use]
    pub fn to(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// The address of an item.
    #[must_use]
    pub fn item(&self, of: &Collection, key: &Key) -> String {
        format!("{}/{}/{key}", self.base, of.name)
    }
}

/// One link.
#[must_use]
pub fn link(href: String) -> Value {
    json!({ "href": href })
}

/// One link with parameters to fill in.
fn template(href: String) -> Value {
    json!({ "href": href, "templated": true })
}

/// Which page of a list this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number, from 0.
    pub number: u64,
    /// How many rows it has.
    pub size: u64,
    /// How many rows there are in all.
    pub total: u64,
}

impl Place {
    /// The `page` block.
    fn block(self) -> Value {
        let Place { number, size, total } = self;
        let pages = total.div_ceil(size);
        json!({ "size": size, "totalElements": total, "totalPages": pages, "number": number })
    }

    /// The pages around it, by name.
    fn neighbours(self) -> Vec<(&'static str, u64)> {
        let last = self.total.div_ceil(self.size).saturating_sub(1);
        if last == 0 {
            return Vec::new();
        }
        let mut pages = vec![("first", 0)];
        if self.number > 0 {
            pages.push(("prev", self.number - 1));
        }
        if self.number < last {
            pages.push(("next", self.number + 1));
        }
        pages.push(("last", last));
        pages
    }
}

impl Desk<'_> {
    /// A row with its links: `self`, and one named after what it is.
    #[must_use]
    pub fn item(&self, of: &Collection, key: &Key, mut row: Value) -> Value {
        if let Value::Object(fields) = &mut row {
            let href = self.links.item(of, key);
            let both = json!({ "self": link(href.clone()), of.one: link(href) });
            fields.insert("_links".to_owned(), both);
        }
        row
    }

    /// The answer of an action: a value without links.
    #[must_use]
    pub fn says(&self, value: &Value) -> Response {
        answer::typed(StatusCode::OK, WRITTEN, value)
    }

    /// The answer of an action in plain words.
    #[must_use]
    pub fn says_plainly(&self, words: impl Into<String>) -> Response {
        answer::text(StatusCode::OK, words.into())
    }

    /// A list. `place` is where it is among pages, `sorted` what its links repeat of the query.
    #[must_use]
    pub fn list(
        &self,
        of: &Collection,
        rows: Vec<(Key, Value)>,
        place: Option<Place>,
        sorted: &str,
    ) -> Response {
        let at = self.links.to(of.name);
        let mut links = Map::new();
        for (name, number) in place.map(Place::neighbours).unwrap_or_default() {
            let size = place.map_or(0, |place| place.size);
            links.insert(name.to_owned(), link(format!("{at}?page={number}&size={size}{sorted}")));
        }
        links.insert("profile".to_owned(), link(self.links.to(&format!("profile/{}", of.name))));
        if !of.finders.is_empty() {
            links.insert("search".to_owned(), link(format!("{at}/search")));
        }
        links.insert("self".to_owned(), link(at));
        let mut body = self.embedded(of, rows, Value::Object(links));
        if let (Some(place), Value::Object(fields)) = (place, &mut body) {
            fields.insert("page".to_owned(), place.block());
        }
        answer::typed(StatusCode::OK, READ, &body)
    }

    /// What a finder found.
    #[must_use]
    pub fn found(&self, of: &Collection, rows: Vec<(Key, Value)>) -> Response {
        let answer = self.embedded(of, rows, json!({ "self": link(self.links.again(self.call)) }));
        answer::typed(StatusCode::OK, READ, &answer)
    }

    fn embedded(&self, of: &Collection, rows: Vec<(Key, Value)>, links: Value) -> Value {
        let items: Vec<_> = rows.into_iter().map(|(key, row)| self.item(of, &key, row)).collect();
        json!({ "_embedded": { of.name: items }, "_links": links })
    }

    /// The index of the market: its collections.
    #[must_use]
    pub fn index(&self, dialect: &Dialect) -> Response {
        let mut links = Map::new();
        for of in dialect.collections {
            let at = self.links.to(of.name);
            let entry = match of.listed {
                Listed::Paged => template(format!("{at}{{?page,size,sort}}")),
                Listed::Whole | Listed::Not => link(at),
            };
            links.insert(of.name.to_owned(), entry);
        }
        links.insert("profile".to_owned(), link(self.links.to("profile")));
        answer::typed(StatusCode::OK, READ, &json!({ "_links": links }))
    }

    /// The finders of a collection.
    #[must_use]
    pub fn finders(&self, of: &Collection) -> Response {
        let at = format!("{}/search", self.links.to(of.name));
        let mut links = Map::new();
        for finder in of.finders {
            let href = format!("{at}/{}{{?{}}}", finder.name, finder.by);
            links.insert(finder.name.to_owned(), template(href));
        }
        links.insert("self".to_owned(), link(at));
        answer::typed(StatusCode::OK, READ, &json!({ "_links": links }))
    }

    /// Where the collections' profiles are.
    #[must_use]
    pub fn profiles(&self, dialect: &Dialect) -> Response {
        let mut links = Map::new();
        for of in dialect.collections {
            let at = self.links.to(&format!("profile/{}", of.name));
            links.insert(of.name.to_owned(), link(at));
        }
        links.insert("self".to_owned(), link(self.links.to("profile")));
        answer::typed(StatusCode::OK, READ, &json!({ "_links": links }))
    }

    /// The fields of a collection's rows (ALPS).
    #[must_use]
    pub fn profile(&self, of: &Collection) -> Response {
        let field = |name: &str| json!({ "name": name, "type": "SEMANTIC" });
        let fields: Vec<_> = of.fields.iter().map(|it| field(it.name)).collect();
        let row = json!({
            "id": format!("{}-representation", of.one),
            "href": self.links.to(&format!("profile/{}", of.name)),
            "descriptor": fields,
        });
        let body = json!({ "alps": { "version": "1.0", "descriptor": [row] } });
        answer::typed(StatusCode::OK, ALPS, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_know_their_neighbours() {
        let names = |number, total| {
            let place = Place { number, size: 2, total };
            place.neighbours().into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(1, 5), "first prev next last");
        assert_eq!(names(0, 5), "first next last");
        assert_eq!(names(2, 5), "first prev last");
        assert_eq!(names(9, 5), "first prev last");
        assert_eq!((names(0, 0), names(0, 2)), (String::new(), String::new()));
        let place = Place { number: 1, size: 2, total: 5 };
        assert_eq!(place.block()["totalPages"], 3);
        assert_eq!(place.neighbours()[2], ("next", 2));
    }
}
