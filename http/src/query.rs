//! What stands after the question mark.

use surehold::domain::day::Day;

use crate::fields::NUMBER_MAX;
use crate::problem::Problem;

/// The parameters of one request, decoded.
#[derive(Debug)]
pub struct Query {
    left: Vec<(String, String)>,
}

impl Query {
    /// Reads `a=b&c=d`.
    ///
    /// # Errors
    /// 400 when it is not UTF-8 once decoded.
    pub fn parse(text: &str) -> Result<Query, Problem> {
        let mut left = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            left.push((decode(name)?, decode(value)?));
        }
        Ok(Query { left })
    }

    /// Takes a parameter; the last one if it was given twice.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.left.iter().rposition(|(known, _)| known == name)?;
        let (_, value) = self.left.swap_remove(at);
        self.left.retain(|(known, _)| known != name);
        Some(value)
    }

    /// Takes a parameter as often as it was given, in order.
    pub fn take_all(&mut self, name: &str) -> Vec<String> {
        let (taken, left) =
            std::mem::take(&mut self.left).into_iter().partition(|(known, _)| known == name);
        self.left = left;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// Takes a whole number between two bounds.
    ///
    /// # Errors
    /// 422 if it is anything else.
    pub fn number(&mut self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && (least..=most).contains(&number) => Ok(Some(number)),
            _ => {
                let reason = format!("must be a whole number from {least} to {most}");
                Err(Problem::invalid(name, reason))
            }
        }
    }

    /// Takes a day such as `2027-03-28`.
    ///
    /// # Errors
    /// 422 if it is anything else.
    pub fn day(&mut self, name: &str) -> Result<Option<Day>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        Day::parse(&text).map(Some).map_err(|error| Problem::invalid(name, error.to_string()))
    }

    /// Takes the size of a page.
    ///
    /// # Errors
    /// 422 unless it is from 1 to 1000.
    pub fn limit(&mut self, usual: usize) -> Result<usize, Problem> {
        let limit = self.number("limit", 1, 1000)?;
        Ok(limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usual))
    }

    /// Takes the place where a page begins.
    ///
    /// # Errors
    /// 422 unless it is one.
    pub fn place(&mut self, name: &str) -> Result<u64, Problem> {
        Ok(self.number(name, 0, NUMBER_MAX)?.unwrap_or(0))
    }

    /// Takes a sequence, if there is one.
    ///
    /// # Errors
    /// 422 unless it is a number that one can be.
    pub fn sequence(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        self.number(name, 0, NUMBER_MAX)
    }

    /// Takes yes or no; no if it is absent.
    ///
    /// # Errors
    /// 422 unless it is `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.take(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true" | "") => Ok(true),
            Some(_) => Err(Problem::invalid(name, "must be true or false")),
        }
    }

    /// Refuses the parameters nobody took.
    ///
    /// # Errors
    /// 422 naming the first of them.
    pub fn finish(self) -> Result<(), Problem> {
        match self.left.first() {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                Err(Problem::invalid(name, "is not known here"))
            }
        }
    }
}

/// A part of an address, decoded.
///
/// # Errors
/// 400 when it is not UTF-8 once decoded.
pub fn decoded(part: &str) -> Result<String, Problem> {
    // Only in a query does a plus sign stand for a space.
    decode(&part.replace('+', "%2B"))
}

fn decode(text: &str) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hex), rest.next().and_then(hex)) {
                (Some(high), Some(low)) => high * 16 + low,
                _ => return Err(Problem::bad_request("the query has a broken % sign")),
            },
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| Problem::bad_request("the query is not UTF-8"))
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_takes() {
        let mut query = Query::parse("a=1&b=x+y%21&a=2&c").unwrap();
        assert_eq!(query.number("a", 0, 9).unwrap(), Some(2));
        assert_eq!(query.take("b").as_deref(), Some("x y!"));
        assert!(query.flag("c").unwrap());
        assert!(query.finish().is_ok());
    }

    #[test]
    fn refuses_what_is_broken() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff"] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
        for text in ["limit=0", "limit=1001", "limit=-1", "limit=+1", "limit=", "limit=1e2"] {
            assert!(Query::parse(text).unwrap().limit(50).is_err(), "{text}");
        }
    }
}
