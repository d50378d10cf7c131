//! Reads a TOML document by hand, so that every error can say in which line and at which key it is,
//! what was found there, and what would be right.

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::attributes::{Attribute, Attributes};
use crate::day::shown;
use crate::quantity::Quantity;
use crate::time::Span;

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Bad {
    /// Where in the text, in bytes.
    pub(super) at: usize,
    /// The key, with its tables.
    pub(super) key: String,
    /// What is wrong, and what would be right.
    pub(super) reason: String,
}

/// A table of the document. It was opened with the keys it may have, and has no others.
pub(super) struct Table<'d> {
    /// Its own key, with its tables; nothing for the document.
    path: String,
    /// Where it begins.
    at: usize,
    values: &'d DeTable<'d>,
}

impl<'d> Table<'d> {
    /// The whole document.
    pub(super) fn document(values: &'d DeTable<'d>, known: &[&str]) -> Result<Table<'d>, Bad> {
        let table = Table { path: String::new(), at: 0, values };
        table.knows(known)?;
        Ok(table)
    }

    fn open(
        path: String,
        value: &'d Spanned<DeValue<'d>>,
        at: usize,
        known: &[&str],
    ) -> Result<Table<'d>, Bad> {
        let DeValue::Table(values) = value.get_ref() else {
            let short = path.rsplit('.').next().unwrap_or(&path);
            let start = if path.ends_with(']') { "" } else { &format!("{short} = ") };
            let reason = match value.get_ref() {
                DeValue::Array(_) => format!(
                    "must be one table, and a list was found: write [{short}] or {short} = {{ ... }} once"
                ),
                other @ (DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Table(_)) => format!(
                    "must be a table such as {start}{{ {} = ... }}, and {} was found",
                    known.first().unwrap_or(&"key"),
                    found(other)
                ),
            };
            return Err(Bad { at, key: path, reason });
        };
        let table = Table { path, at, values };
        table.knows(known)?;
        Ok(table)
    }

    /// Refuses the first key that is not among these.
    fn knows(&self, known: &[&str]) -> Result<(), Bad> {
        let unknown =
            self.values.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref()));
        let Some((key, _)) = unknown.min_by_key(|(key, _)| key.span().start) else {
            return Ok(());
        };
        let name = key.get_ref().as_ref();
        let near = known.iter().find(|known| near(name, known));
        let mut reason = "is not known here".to_owned();
        if let Some(near) = near {
            reason += &format!("; do you mean \"{near}\"?");
        } else if !self.path.is_empty() && super::file::TOP.contains(&name) {
            reason +=
                &format!("; \"{name}\" stands at the top of the file, above the first [table]");
        }
        reason += &format!(" Allowed here: {}", known.join(", "));
        Err(Bad { at: key.span().start, key: self.path_of(&plain(name)), reason })
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn place(&self, key: &str) -> usize {
        self.values.get_key_value(key).map_or(self.at, |(key, _)| key.span().start)
    }

    /// An error at one of its keys; at the table itself if it does not have that key.
    pub(super) fn bad(&self, key: &str, reason: impl Into<String>) -> Bad {
        Bad { at: self.place(key), key: self.path_of(key), reason: reason.into() }
    }

    /// An error at the table itself.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> Bad {
        Bad { at: self.at, key: self.path.clone(), reason: reason.into() }
    }

    pub(super) fn missing(&self, key: &str, what: &str) -> Bad {
        self.bad(key, format!("is missing: {what}"))
    }

    fn mistyped(&self, key: &str, value: &DeValue<'_>, what: &str) -> Bad {
        self.bad(key, format!("must be {what}, and {} was found", found(value)))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    fn value(&self, key: &str) -> Option<&'d DeValue<'d>> {
        self.values.get(key).map(Spanned::get_ref)
    }

    /// A text. `what` says what it should be, for the error.
    pub(super) fn text(&self, key: &str, what: &str) -> Result<Option<&'d str>, Bad> {
        match self.value(key) {
            None => Ok(None),
            Some(DeValue::String(text)) => Ok(Some(text.as_ref())),
            Some(other) => Err(self.mistyped(key, other, what)),
        }
    }

    /// One of these words; the first if it is not written.
    pub(super) fn word(&self, key: &str, words: &[&'static str]) -> Result<&'static str, Bad> {
        let Some(value) = self.value(key) else { return Ok(words.first().unwrap_or(&"")) };
        let DeValue::String(text) = value else {
            return Err(self.mistyped(key, value, &format!("one of {}", quoted(words))));
        };
        let known = words.iter().find(|word| **word == text.as_ref());
        known.copied().ok_or_else(|| {
            let reason =
                format!("{} is not known here; it must be one of {}", shown(text), quoted(words));
            self.bad(key, reason)
        })
    }

    /// A length of time that is longer than nothing.
    pub(super) fn span(&self, key: &str, default: Span) -> Result<Span, Bad> {
        let what = "a length of time in quotes, such as \"15 min\"";
        match self.text(key, what)?.map(Span::parse) {
            None => Ok(default),
            Some(Ok(Span(0))) => Err(self.bad(key, "must be longer than nothing")),
            Some(Ok(span)) => Ok(span),
            Some(Err(reason)) => Err(self.bad(key, reason)),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, Bad> {
        match self.value(key) {
            None => Ok(false),
            Some(DeValue::Boolean(flag)) => Ok(*flag),
            Some(other) => Err(self.mistyped(key, other, "true or false, without quotes")),
        }
    }

    pub(super) fn whole(&self, key: &str) -> Result<Option<i64>, Bad> {
        match self.value(key) {
            None => Ok(None),
            Some(value @ DeValue::Integer(_)) => match number(value) {
                Some(number) => Ok(Some(number)),
                None => Err(self.bad(key, "is beyond all numbers of this engine")),
            },
            Some(other) => Err(self.mistyped(key, other, "a whole number, without quotes")),
        }
    }

    /// A whole number from one bound to the other.
    pub(super) fn between(&self, key: &str, least: u64, most: u64) -> Result<Option<u64>, Bad> {
        let Some(number) = self.whole(key)? else { return Ok(None) };
        let within = u64::try_from(number).ok().filter(|it| (least..=most).contains(it));
        within.map(Some).ok_or_else(|| self.bad(key, format!("must be from {least} to {most}")))
    }

    /// A number of whole units, at least so many.
    pub(super) fn units(&self, key: &str, least: u64) -> Result<Option<Quantity>, Bad> {
        let units = self.between(key, least, 1_000_000_000)?.map(Quantity::whole).transpose();
        units.map_err(|error| self.bad(key, error.to_string()))
    }

    /// A quantity, perhaps with decimals, perhaps in quotes.
    pub(super) fn quantity(&self, key: &str) -> Result<Option<Quantity>, Bad> {
        let text = match self.value(key) {
            None => return Ok(None),
            Some(DeValue::Integer(number)) if number.radix() == 10 => number.as_str().to_owned(),
            Some(DeValue::Float(number)) => {
                number.as_str().parse::<f64>().map(|it| it.to_string()).unwrap_or_default()
            }
            Some(DeValue::String(text)) => text.to_string(),
            Some(
                other @ (DeValue::Integer(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_)
                | DeValue::Table(_)),
            ) => return Err(self.mistyped(key, other, "a number such as 20 or 0.5")),
        };
        Quantity::parse(&text).map(Some).map_err(|error| self.bad(key, error.to_string()))
    }

    /// A table in this one.
    pub(super) fn table(&self, key: &str, known: &[&str]) -> Result<Option<Table<'d>>, Bad> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        Table::open(self.path_of(key), value, self.place(key), known).map(Some)
    }

    /// A list of tables. `alone` says whether one table without a list is one of one.
    pub(super) fn tables(
        &self,
        key: &str,
        known: &[&str],
        alone: bool,
    ) -> Result<Vec<Table<'d>>, Bad> {
        let Some(value) = self.values.get(key) else { return Ok(Vec::new()) };
        let list = match value.get_ref() {
            DeValue::Array(list) => list,
            DeValue::Table(_) if alone => return Ok(self.table(key, known)?.into_iter().collect()),
            DeValue::Table(_) => {
                let path = self.path_of(key);
                let reason = format!(
                    "is a list of tables: write [[{path}]], with two brackets on each side"
                );
                return Err(self.bad(key, reason));
            }
            other @ (DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)) => return Err(self.mistyped(key, other, "a list of tables")),
        };
        let open = |(index, value): (usize, &'d Spanned<DeValue<'d>>)| {
            Table::open(format!("{}[{index}]", self.path_of(key)), value, value.span().start, known)
        };
        list.iter().enumerate().map(open).collect()
    }

    /// A list of texts, each with an error that is ready for it. Days and times may stand without
    /// quotes: TOML has values for them.
    pub(super) fn texts(&self, key: &str, what: &str) -> Result<Option<Vec<Text>>, Bad> {
        let list: &DeArray<'_> = match self.value(key) {
            None => return Ok(None),
            Some(DeValue::Array(list)) => list,
            Some(other) => return Err(self.mistyped(key, other, &format!("a list, {what}"))),
        };
        let read = |(index, value): (usize, &Spanned<DeValue<'_>>)| {
            let (at, key) = (value.span().start, format!("{}[{index}]", self.path_of(key)));
            match moment(value.get_ref()) {
                Some(text) => Ok(Text { text, at, key }),
                None => {
                    let found = found(value.get_ref());
                    let reason = format!("must be a text in quotes, and {found} was found");
                    Err(Bad { at, key, reason })
                }
            }
        };
        list.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
    }

    /// A day or a time, with or without quotes.
    pub(super) fn moment(&self, key: &str, what: &str) -> Result<String, Bad> {
        let Some(value) = self.value(key) else { return Err(self.missing(key, what)) };
        moment(value).ok_or_else(|| self.mistyped(key, value, what))
    }

    /// Named values that the engine only carries.
    pub(super) fn attributes(&self, key: &str) -> Result<(Attributes, Carried<'d>), Bad> {
        let (path, at) = (self.path_of(key), self.place(key));
        let Some(value) = self.value(key) else { return Ok((Attributes::new(), Carried(None))) };
        let DeValue::Table(values) = value else {
            return Err(self.mistyped(key, value, "a table such as { colour = \"red\" }"));
        };
        let table = Table { path, at, values };
        let mut carried = Attributes::new();
        for (name, value) in values {
            let value = carry(value.get_ref()).ok_or_else(|| {
                let name = name.get_ref();
                let reason = "must be a text, a number, or true or false";
                Bad {
                    at: table.place(name),
                    key: table.path_of(&plain(name)),
                    reason: reason.into(),
                }
            })?;
            carried.insert(name.get_ref().to_string(), value);
        }
        Ok((carried, Carried(Some(table))))
    }
}

/// A text in a list.
pub(super) struct Text {
    pub(super) text: String,
    at: usize,
    key: String,
}

impl Text {
    pub(super) fn bad(&self, reason: impl Into<String>) -> Bad {
        Bad { at: self.at, key: self.key.clone(), reason: reason.into() }
    }
}

/// The table of carried values, to name one of them in an error.
pub(super) struct Carried<'d>(Option<Table<'d>>);

impl Carried<'_> {
    pub(super) fn bad(&self, table: &Table<'_>, name: &str, reason: String) -> Bad {
        match &self.0 {
            Some(carried) => carried.bad(name, reason),
            None => table.bad("attributes", reason),
        }
    }
}

fn number(value: &DeValue<'_>) -> Option<i64> {
    let DeValue::Integer(number) = value else { return None };
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn moment(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Datetime(moment) => Some(moment.to_string()),
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => None,
    }
}

fn carry(value: &DeValue<'_>) -> Option<Attribute> {
    match value {
        DeValue::String(text) => Some(Attribute::Text(text.to_string())),
        DeValue::Integer(_) => number(value).map(Attribute::Whole),
        DeValue::Float(number) => number.as_str().parse().ok().map(Attribute::Decimal),
        DeValue::Boolean(flag) => Some(Attribute::Flag(*flag)),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// What stands in the file, for a person.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {}", shown(text)),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(flag) => format!("{flag}"),
        DeValue::Datetime(moment) => format!("the time {moment}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// A key as it can be shown: without control characters, and not too long.
fn plain(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// Whether two words differ by a typing error: at most two letters added, lost or exchanged.
fn near(written: &str, known: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (written.chars().collect(), known.chars().collect());
    let most = if b.len() < 5 { 1 } else { 2 };
    if a.len().abs_diff(b.len()) > most {
        return false;
    }
    // One line of the table of distances after the other: from all of `a` so far to each start of `b`.
    let mut line: Vec<usize> = (0..=b.len()).collect();
    for (row, left) in a.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, right) in b.iter().enumerate() {
            let exchanged = line[column] + usize::from(left != right);
            next.push(exchanged.min(line[column + 1] + 1).min(next[column] + 1));
        }
        line = next;
    }
    line.last().is_some_and(|distance| *distance <= most)
}
