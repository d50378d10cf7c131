//! Lists: `GET /{collection}?page=&size=&sort=`.
//!
//! What is small enough is read whole: then it can be sorted by any field, and what has no row is
//! neither shown nor counted. What is larger is listed in the order in which its rows came into
//! being, or the other way round.

use std::cmp::Ordering;
use std::future::poll_fn;
use std::task::Poll;

use serde_json::Value;
use surehold::view::Rows as Numbers;

use super::hal::Place;
use super::table::{Collection, Ids, Key, Listed, Making, Row, Source};
use super::{Desk, Failure, Outcome};
use crate::query::Query;

/// Rows of a page unless the client says otherwise.
const PAGE: u64 = 20;
/// Most rows of a page.
const PAGE_MAX: u64 = 1000;
/// Largest collection that is read whole.
const WHOLE_MAX: u64 = 1000;
/// Rows read side by side: many of them wait for the same thing, such as the views.
const ABREAST: usize = 64;

/// What a client asks of a list.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    /// The page's number, from 0.
    number: u64,
    /// How many rows it has.
    size: u64,
    /// What it is sorted by: fields, and whether downwards.
    sort: Vec<(&'static str, bool)>,
}

/// Answers with the page that is asked for.
///
/// # Errors
/// 400 when the query cannot be read; why the rows cannot be.
pub async fn list(desk: &Desk<'_>, of: &'static Collection) -> Outcome {
    let asked = Asked::read(of, &desk.call.query)?;
    let (rows, total) = match of.rows {
        Source::Named(all) => asked.cut(of, all(desk).await?),
        Source::Numbered(ids, row) => numbered(desk, of, (ids, row), &asked).await?,
    };
    let place = Place { number: asked.number, size: asked.size, total };
    let place = (of.listed == Listed::Paged).then_some(place);
    Ok(desk.list(of, rows, place, &asked.sorted()))
}

/// Rows with numbers, and how many there are.
async fn numbered(
    desk: &Desk<'_>,
    of: &Collection,
    (ids, row): (Ids, Row),
    asked: &Asked,
) -> Result<(Vec<(Key, Value)>, u64), Failure> {
    if of.gaps || asked.sort.iter().any(|(field, _)| *field != of.key) {
        let all = ids.page(desk, 0, WHOLE_MAX).await?;
        if all.total <= WHOLE_MAX {
            return Ok(asked.cut(of, read(desk, row, &all.ids).await?));
        }
    }
    let downwards = asked.sort.first().is_some_and(|(_, downwards)| *downwards);
    let page = if downwards {
        let total = ids.page(desk, 0, 0).await?.total;
        let end = total.saturating_sub(asked.offset());
        let from = end.saturating_sub(asked.size);
        let mut page = ids.page(desk, from, end - from).await?;
        page.ids.reverse();
        page
    } else {
        ids.page(desk, asked.offset(), asked.size).await?
    };
    Ok((read(desk, row, &page.ids).await?, page.total))
}

/// The rows of these numbers that are there.
///
/// # Errors
/// Why they cannot be read.
pub async fn read(desk: &Desk<'_>, row: Row, ids: &[u64]) -> Result<Vec<(Key, Value)>, Failure> {
    let mut rows = Vec::with_capacity(ids.len());
    for some in ids.chunks(ABREAST) {
        let reading = some.iter().map(|id| row(desk, *id)).collect();
        for (id, found) in some.iter().zip(together(reading).await) {
            match found {
                Ok(row) => rows.push((Key::Number(*id), row)),
                Err(Failure::Nothing) => {}
                Err(failure) => return Err(failure),
            }
        }
    }
    Ok(rows)
}

/// Awaits all of them at once.
async fn together<T>(mut making: Vec<Making<'_, T>>) -> Vec<Result<T, Failure>> {
    let mut made: Vec<_> = making.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut waiting = false;
        for (making, made) in making.iter_mut().zip(&mut made) {
            if made.is_none() {
                match making.as_mut().poll(context) {
                    Poll::Ready(outcome) => *made = Some(outcome),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    made.into_iter().flatten().collect()
}

impl Ids {
    /// Numbers of rows, and how many there are in all.
    async fn page(self, desk: &Desk<'_>, offset: u64, most: u64) -> Result<Numbers, Failure> {
        let limit = usize::try_from(most).unwrap_or(usize::MAX);
        match self {
            Ids::Rows(of) => Ok(desk.engine().rows(desk.market, of, offset, limit).await?),
            Ids::Places(of) => {
                let total = desk.engine().rows(desk.market, of, 0, 0).await?.total;
                let ids = (offset.saturating_add(1)..=total).take(limit).collect();
                Ok(Numbers { ids, total })
            }
            Ids::Offerings => offerings(desk, offset, limit).await,
            Ids::Own(page) => page(desk, offset, limit).await,
        }
    }
}

/// Numbers of what is sold. They are walked from the first: there are never very many.
async fn offerings(desk: &Desk<'_>, offset: u64, limit: usize) -> Result<Numbers, Failure> {
    let (mut all, mut after) = (Vec::new(), Some(0));
    while let Some(last) = after {
        let page = desk.engine().offerings(desk.market, last, 1000).await?;
        all.extend(page.items.iter().map(|offering| offering.id.0));
        after = page.next;
    }
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    Ok(Numbers { ids: all.into_iter().skip(offset).take(limit).collect(), total })
}

impl Asked {
    /// Reads `?page=&size=&sort=`. As in the reference systems, what is no number, or no field of a
    /// row, counts as absent.
    fn read(of: &Collection, query: &str) -> Result<Asked, Failure> {
        let mut query = Query::parse(query)?;
        let mut number = |name| query.take(name).and_then(|text| text.parse::<u64>().ok());
        let usual = match of.listed {
            Listed::Paged => PAGE,
            Listed::Whole | Listed::Not => PAGE_MAX,
        };
        let size = number("size").filter(|size| *size > 0).unwrap_or(usual).min(PAGE_MAX);
        let number = number("page").unwrap_or(0).min(u64::MAX / PAGE_MAX);
        let sort = query.take_all("sort").iter().flat_map(|text| sort(of, text)).collect();
        Ok(Asked { number, size, sort })
    }

    /// The place of its first row.
    fn offset(&self) -> u64 {
        self.number * self.size
    }

    /// Of all rows, those that are asked for, in the order that is asked for; and how many all are.
    fn cut(&self, of: &Collection, mut rows: Vec<(Key, Value)>) -> (Vec<(Key, Value)>, u64) {
        rows.sort_by(|one, other| {
            let by = self.sort.iter().map(|(field, downwards)| {
                let order = if *field == of.key && one.1.get(field).is_none() {
                    one.0.cmp(&other.0)
                } else {
                    compare(&one.1[*field], &other.1[*field])
                };
                if *downwards { order.reverse() } else { order }
            });
            by.fold(Ordering::Equal, Ordering::then)
        });
        let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let offset = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        (rows.into_iter().skip(offset).take(size).collect(), total)
    }

    /// The sorting, as links to other pages repeat it.
    fn sorted(&self) -> String {
        let word = |downwards: bool| if downwards { "desc" } else { "asc" };
        let one = |(field, downwards): &(&str, bool)| format!("&sort={field},{}", word(*downwards));
        self.sort.iter().map(one).collect()
    }
}

/// Reads `field,field,desc`.
fn sort(of: &Collection, text: &str) -> Vec<(&'static str, bool)> {
    let mut names: Vec<_> = text.split(',').map(str::trim).collect();
    let last = names.last().map(|last| last.to_ascii_lowercase());
    let downwards = last.as_deref() == Some("desc");
    if downwards || last.as_deref() == Some("asc") {
        names.pop();
    }
    let known = |name: &str| {
        let mut fields = of.fields.iter().map(|field| field.name).chain([of.key]);
        fields.find(|field| *field == name)
    };
    names.into_iter().filter_map(known).map(|name| (name, downwards)).collect()
}

/// Which of two values comes first: nothing, no, yes, numbers, text.
fn compare(one: &Value, other: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) | Value::Object(_) => 5,
    };
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one.cmp(&other),
            (_, _) => one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal),
        },
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (_, _) => rank(one).cmp(&rank(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::table::{text, whole};
    use super::*;

    const ORDERS: Collection =
        Collection { name: "orders", fields: &[text("name"), whole("n")], ..Collection::VIEW };

    #[test]
    fn absurd_pages_are_only_empty() {
        let asked = Asked::read(&ORDERS, "page=18446744073709551615&size=99999").unwrap();
        assert_eq!(asked.size, PAGE_MAX);
        assert!(asked.offset() > 0);
        let asked = Asked::read(&ORDERS, "page=x&size=0&sort=nothing,desc&sort=").unwrap();
        assert_eq!(asked, Asked { number: 0, size: 20, sort: Vec::new() });
    }

    #[test]
    fn sorts_by_fields_and_by_the_key() {
        let rows = || {
            let row = |id, name: Value, n: Value| (Key::Number(id), json!({"name": name, "n": n}));
            vec![
                row(1, json!("b"), json!(10)),
                row(2, json!("a"), json!(9)),
                row(3, json!(null), json!(9)),
            ]
        };
        for (query, expected) in [
            ("", [1, 2, 3]),
            ("sort=id,desc", [3, 2, 1]),
            ("sort=name", [3, 2, 1]),
            ("sort=n,asc", [2, 3, 1]),
            ("sort=n&sort=id,DESC", [3, 2, 1]),
            ("sort=n,name,desc", [1, 2, 3]),
        ] {
            let asked = Asked::read(&ORDERS, query).unwrap();
            let (sorted, total) = asked.cut(&ORDERS, rows());
            let keys: Vec<_> = sorted.into_iter().map(|(key, _)| key).collect();
            assert_eq!((keys, total), (expected.map(Key::Number).into(), 3), "{query}");
        }
        let asked = Asked::read(&ORDERS, "sort=n,name,desc&size=1&page=1").unwrap();
        assert_eq!(asked.sorted(), "&sort=n,desc&sort=name,desc");
        assert_eq!(asked.cut(&ORDERS, rows()).0[0].0, Key::Number(2));
    }
}
