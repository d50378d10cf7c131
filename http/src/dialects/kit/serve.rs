//! Who answers a request for a dialect: one match over method and path, and one over what that means.

use serde_json::Value;
use warp::http::StatusCode;

use super::hal::{READ, WRITTEN};
use super::table::{
    Action, Collection, Delete, Dialect, Find, Finder, Gives, Key, Listed, Post, Source, Update,
};
use super::{Desk, Failure, Outcome, Sent, list};
use crate::answer::{self, Response};
use crate::query::Query;
use crate::routes::Answering;

/// What a request asks for.
enum Ask<'a> {
    Index(&'static Dialect),
    Profiles(&'static Dialect),
    Profile(&'static Collection),
    Act(&'static Action),
    List(&'static Collection),
    Show(&'static Collection, &'a str),
    Finders(&'static Collection),
    Find(&'static Collection, &'static Finder),
    Post(&'static Collection, Post),
    Patch(&'static Collection, &'a str, Update),
    Put(&'static Collection, &'a str, Update),
    Delete(&'a str, Delete),
}

impl Dialect {
    /// Who answers this, if the dialect does. Nothing has begun before it is awaited.
    #[must_use]
    pub fn find<'a>(
        &'static self,
        desk: Desk<'a>,
        method: &str,
        path: &[&'a str],
    ) -> Option<Answering<'a>> {
        let ask = self.ask(method, path)?;
        Some(Box::pin(async move {
            let outcome = ask.answer(&desk).await;
            Ok(outcome.unwrap_or_else(|failure| failure.answer(&desk.call.path)))
        }))
    }

    fn ask<'a>(&'static self, method: &str, path: &[&'a str]) -> Option<Ask<'a>> {
        let mut actions = self.actions.iter();
        if let Some(action) = actions.find(|act| act.method == method && act.path == path) {
            return Some(Ask::Act(action));
        }
        let named = |name: &str| self.collections.iter().find(|of| of.name == name);
        match (method, path) {
            ("GET", []) => Some(Ask::Index(self)),
            ("GET", ["profile"]) => Some(Ask::Profiles(self)),
            ("GET", ["profile", name]) => named(name).map(Ask::Profile),
            (_, [name, rest @ ..]) => named(name)?.ask(method, rest),
            (_, []) => None,
        }
    }
}

impl Collection {
    fn ask<'a>(&'static self, method: &str, path: &[&'a str]) -> Option<Ask<'a>> {
        let finders = self.finders;
        match (method, path) {
            ("GET", []) => (self.listed != Listed::Not).then_some(Ask::List(self)),
            ("POST", []) => self.post.map(|post| Ask::Post(self, post)),
            ("GET", ["search"]) if !finders.is_empty() => Some(Ask::Finders(self)),
            ("GET", ["search", name]) => {
                let finder = finders.iter().find(|finder| finder.name == *name);
                finder.map(|finder| Ask::Find(self, finder))
            }
            ("GET", [key]) => Some(Ask::Show(self, key)),
            ("PATCH", [key]) => self.update.map(|update| Ask::Patch(self, key, update)),
            ("PUT", [key]) => self.update.map(|update| Ask::Put(self, key, update)),
            ("DELETE", [key]) => self.delete.map(|delete| Ask::Delete(key, delete)),
            (_, _) => None,
        }
    }
}

impl Ask<'_> {
    async fn answer(self, desk: &Desk<'_>) -> Outcome {
        let body = &desk.call.body;
        match self {
            Ask::Index(dialect) => Ok(desk.index(dialect)),
            Ask::Profiles(dialect) => Ok(desk.profiles(dialect)),
            Ask::Profile(of) => Ok(desk.profile(of)),
            Ask::Act(action) => (action.run)(desk).await,
            Ask::List(of) => list::list(desk, of).await,
            Ask::Show(of, key) => {
                let (key, row) = of.read(desk, key).await?;
                Ok(answer::typed(StatusCode::OK, READ, &desk.item(of, &key, row)))
            }
            Ask::Finders(of) => Ok(desk.finders(of)),
            Ask::Find(of, finder) => found(desk, of, finder).await,
            Ask::Post(of, post) => made(desk, of, post).await,
            Ask::Patch(of, key, update) => {
                let sent = Sent::read(of.fields, body)?;
                changed(desk, of, (key, update), sent, desk.call.accepts_anything()).await
            }
            Ask::Put(of, key, update) => {
                let sent = Sent::read(of.fields, body)?.whole(of.fields);
                match (changed(desk, of, (key, update), sent.clone(), true).await, of.make) {
                    (Err(Failure::Nothing), Some(make)) => {
                        let row = make(desk, key, sent).await?;
                        Ok(created(desk, of, &of.key(key)?, row))
                    }
                    (outcome, _) => outcome,
                }
            }
            Ask::Delete(key, delete) => {
                delete(desk, key).await?;
                Ok(answer::empty(StatusCode::NO_CONTENT))
            }
        }
    }
}

async fn made(desk: &Desk<'_>, of: &Collection, post: Post) -> Outcome {
    let sent = Sent::read(of.fields, &desk.call.body)?;
    let (key, row) = post(desk, sent).await?;
    Ok(created(desk, of, &key, row))
}

fn created(desk: &Desk<'_>, of: &Collection, key: &Key, row: Value) -> Response {
    let response = answer::typed(StatusCode::CREATED, WRITTEN, &desk.item(of, key, row));
    answer::at(response, &desk.links.item(of, key))
}

/// Changes a row. A client that accepts nothing is told nothing.
async fn changed(
    desk: &Desk<'_>,
    of: &Collection,
    (key, update): (&str, Update),
    sent: Sent,
    told: bool,
) -> Outcome {
    let row = update(desk, key, sent).await?;
    if !told {
        return Ok(answer::empty(StatusCode::NO_CONTENT));
    }
    let item = desk.item(of, &of.key(key)?, row);
    Ok(answer::typed(StatusCode::OK, WRITTEN, &item))
}

async fn found(desk: &Desk<'_>, of: &Collection, finder: &Finder) -> Outcome {
    let mut rows = Vec::new();
    for key in keys(desk, of, finder).await? {
        match of.read(desk, &key.to_string()).await {
            Ok(row) => rows.push(row),
            Err(Failure::Nothing) => {}
            Err(failure) => return Err(failure),
        }
    }
    match finder.gives {
        Gives::List => Ok(desk.found(of, rows)),
        Gives::One => {
            let (key, row) = rows.into_iter().next().ok_or(Failure::Nothing)?;
            Ok(answer::typed(StatusCode::OK, READ, &desk.item(of, &key, row)))
        }
    }
}

/// The keys a finder finds. What cannot be anything's number finds nothing.
async fn keys(desk: &Desk<'_>, of: &Collection, finder: &Finder) -> Result<Vec<Key>, Failure> {
    let mut query = Query::parse(&desk.call.query)?;
    let missing = |what: &str| Failure::Bad(format!("{}: must be {what}", finder.by));
    let asked = query.take(finder.by).filter(|text| !text.trim().is_empty());
    let asked = asked.map(|text| text.trim().to_owned());
    let found = match finder.find {
        Find::Text(find) => find(desk, asked.ok_or_else(|| missing("given"))?).await,
        Find::Key if matches!(of.rows, Source::Named(_)) => {
            Ok(vec![Key::Name(asked.ok_or_else(|| missing("given"))?)])
        }
        Find::Key => {
            let number = asked.and_then(|text| text.parse::<i64>().ok());
            let number = number.ok_or_else(|| missing("a whole number"))?;
            Ok(u64::try_from(number).map(Key::Number).into_iter().collect())
        }
        Find::Number(find) => {
            let number = asked.and_then(|text| text.parse::<i64>().ok());
            let number = number.ok_or_else(|| missing("a whole number"))?;
            match u64::try_from(number) {
                Ok(number) => find(desk, number).await,
                Err(_) => Ok(Vec::new()),
            }
        }
    };
    match found {
        Err(Failure::Nothing) => Ok(Vec::new()),
        found => found,
    }
}
