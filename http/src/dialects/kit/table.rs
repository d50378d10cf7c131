//! The table that is a dialect: its collections, their fields, rows, finders and writes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde_json::Value;
use surehold::view::{Collection as Rows, Rows as Numbers};

use super::{Desk, Failure, Sent, Tale, Told};
use crate::answer::Response;

/// What a function of a dialect comes to, once it is awaited.
pub type Making<'d, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'd>>;

/// Reads the row of this number.
pub type Row = for<'d> fn(&'d Desk<'d>, u64) -> Making<'d, Value>;
/// Reads all rows, in order.
pub type All = for<'d> fn(&'d Desk<'d>) -> Making<'d, Vec<(Key, Value)>>;
/// Lists numbers of rows, so many after so many, and says how many there are in all.
pub type Page = for<'d> fn(&'d Desk<'d>, u64, usize) -> Making<'d, Numbers>;
/// Makes a row of what a client sent.
pub type Post = for<'d> fn(&'d Desk<'d>, Sent) -> Making<'d, (Key, Value)>;
/// Changes the row with this key, and says what it is then.
pub type Update = for<'d> fn(&'d Desk<'d>, &'d str, Sent) -> Making<'d, Value>;
/// Deletes the row with this key.
pub type Delete = for<'d> fn(&'d Desk<'d>, &'d str) -> Making<'d, ()>;
/// Answers a request that is about no collection.
pub type Run = for<'d> fn(&'d Desk<'d>) -> Making<'d, Response>;

/// A reference marketplace on the wire.
pub struct Dialect {
    /// The market that speaks it.
    pub name: &'static str,
    /// Its collections, in the order of its index.
    pub collections: &'static [Collection],
    /// Its other addresses. They come before the collections: `POST /sales` may be one of these
    /// although there is a collection of that name.
    pub actions: &'static [Action],
    /// Whether what it publishes tells of what is sold as well, and of what is counted of it.
    pub tells_offerings: bool,
    /// What it publishes about a fact.
    pub tells: fn(&Tale<'_>) -> Vec<Told>,
}

/// A collection of the reference system.
#[derive(Clone, Copy)]
pub struct Collection {
    /// Its path and relation, such as `orders`.
    pub name: &'static str,
    /// What one of it is called, such as `order`.
    pub one: &'static str,
    /// What its key is called. The key is in links only, but lists may be sorted by it.
    pub key: &'static str,
    /// The fields of a row: those a client may send where there is a write, and all that profiles
    /// tell.
    pub fields: &'static [Field],
    /// How it is listed.
    pub listed: Listed,
    /// Where its rows come from.
    pub rows: Source,
    /// Whether some of the numbers may have no row (deleted, or not yet there). Such a collection is
    /// read whole while it is small, so that pages are full and counts are right.
    pub gaps: bool,
    /// How rows are found.
    pub finders: &'static [Finder],
    /// `POST`.
    pub post: Option<Post>,
    /// `PATCH` and `PUT`; what a `PUT` does not name is sent as null.
    pub update: Option<Update>,
    /// `PUT` of a row that is not there yet, where clients give the keys.
    pub make: Option<Update>,
    /// `DELETE`.
    pub delete: Option<Delete>,
}

impl Collection {
    /// What the rest of a table's entry is unless it says otherwise: paged, keyed by `id`, without
    /// rows, and written by nobody.
    pub const VIEW: Collection = Collection {
        name: "",
        one: "",
        key: "id",
        fields: &[],
        listed: Listed::Paged,
        rows: Source::Named(|_| Box::pin(async { Ok(Vec::new()) })),
        gaps: false,
        finders: &[],
        post: None,
        update: None,
        make: None,
        delete: None,
    };

    /// The key that this part of an address is.
    ///
    /// # Errors
    /// [`Failure::Nothing`] if it is none.
    pub fn key(&self, text: &str) -> Result<Key, Failure> {
        match self.rows {
            Source::Numbered(..) => super::number(text).map(Key::Number),
            Source::Named(_) => Ok(Key::Name(text.to_owned())),
        }
    }

    /// The row with this key, as it is in an address.
    ///
    /// # Errors
    /// [`Failure::Nothing`] if there is none.
    pub async fn read(&self, desk: &Desk<'_>, key: &str) -> Result<(Key, Value), Failure> {
        match self.rows {
            Source::Numbered(_, row) => {
                let number = super::number(key)?;
                Ok((Key::Number(number), row(desk, number).await?))
            }
            Source::Named(all) => {
                let mut rows = all(desk).await?.into_iter();
                rows.find(|(known, _)| known.to_string() == key).ok_or(Failure::Nothing)
            }
        }
    }
}

/// How a collection is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// In pages, with a `page` block.
    Paged,
    /// Not counted, as the reference systems' views: up to 1,000 rows at once, `?page=` goes on.
    Whole,
    /// Not at all: its items and finders have addresses, the collection takes no `GET`.
    Not,
}

/// Where rows come from.
#[derive(Clone, Copy)]
pub enum Source {
    /// Rows with numbers: how the numbers are listed, and how one row is read.
    Numbered(Ids, Row),
    /// Few rows, read whole: for what has names for keys, or is put together from other things.
    Named(All),
}

/// How the numbers of rows are listed.
#[derive(Clone, Copy)]
pub enum Ids {
    /// As the engine lists these things.
    Rows(Rows),
    /// The engine lists other things' numbers; a row's own is its place among them, from 1.
    Places(Rows),
    /// As what is sold is numbered.
    Offerings,
    /// As the dialect says.
    Own(Page),
}

/// A row's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A number, given by the engine.
    Number(u64),
    /// A name, given by a client.
    Name(String),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Number(number) => number.fmt(f),
            Key::Name(name) => f.write_str(name),
        }
    }
}

/// A finder: `GET /{collection}/search/{name}?{by}=`.
pub struct Finder {
    /// Its name, such as `findByOrderId`.
    pub name: &'static str,
    /// Its parameter.
    pub by: &'static str,
    /// What it answers.
    pub gives: Gives,
    /// Whose keys it finds.
    pub find: Find,
}

/// What a finder answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// One item; 404 if there is none.
    One,
    /// A list, perhaps empty.
    List,
}

/// How a finder finds.
#[derive(Clone, Copy)]
pub enum Find {
    /// The parameter is the row's key.
    Key,
    /// The parameter is a number from which the keys follow.
    Number(for<'d> fn(&'d Desk<'d>, u64) -> Making<'d, Vec<Key>>),
    /// The parameter is text from which the keys follow.
    Text(for<'d> fn(&'d Desk<'d>, String) -> Making<'d, Vec<Key>>),
}

/// An address that is no collection.
pub struct Action {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its parts.
    pub path: &'static [&'static str],
    /// Who answers.
    pub run: Run,
}

/// A field of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub holds: Holds,
}

/// What is in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Text.
    Text,
    /// A whole number, or one written as text.
    Whole,
    /// A number, or one written as text.
    Decimal,
    /// A card number or token, in digits. Of a full number only the last four digits are kept.
    Card,
}

/// A field with text.
#[must_use]
pub const fn text(name: &'static str) -> Field {
    Field { name, holds: Holds::Text }
}

/// A field with a whole number.
#[must_use]
pub const fn whole(name: &'static str) -> Field {
    Field { name, holds: Holds::Whole }
}

/// A field with a number.
#[must_use]
pub const fn decimal(name: &'static str) -> Field {
    Field { name, holds: Holds::Decimal }
}

/// A field with a card.
#[must_use]
pub const fn card(name: &'static str) -> Field {
    Field { name, holds: Holds::Card }
}
