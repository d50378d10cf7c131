//! The configuration file.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use surehold::domain::card::Card;
use surehold::domain::time::Span;
use surehold::{Retention, SandboxSettings};

use super::{ConfigError, read};
use crate::edge::limits::Patience;

/// What the file says; what it does not say is left to the defaults.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Where to listen.
    pub listen: Option<String>,
    /// The data folder.
    pub data: Option<PathBuf>,
    /// The marketplaces.
    pub market: Vec<String>,
    /// Whether the admin calls are open.
    pub admin: Option<bool>,
    /// The origins whose pages may call.
    pub cors_origin: Vec<String>,
    /// The payment service.
    pub payment_url: Option<String>,
    /// Connections served at once.
    pub max_connections: Option<u32>,
    /// Requests a second of one client.
    pub rate_limit: Option<u32>,
    /// Requests at once of one client.
    pub rate_burst: Option<u32>,
    /// The proxies that are believed.
    pub trusted_proxy: Vec<String>,
    /// Seconds to wait for the data folder.
    pub wait_for_data: Option<u32>,
    /// Which records stay in the journal.
    pub keep_records: Option<Retention>,
    /// How long clients may take.
    pub patience: Patience,
    /// How the sandbox gateway behaves, if anything is said of it.
    pub sandbox: Option<SandboxSettings>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    listen: Option<String>,
    data: Option<PathBuf>,
    #[serde(default)]
    market: Vec<String>,
    admin: Option<bool>,
    #[serde(default)]
    cors_origin: Vec<String>,
    payment_url: Option<String>,
    max_connections: Option<NonZeroU32>,
    rate_limit: Option<NonZeroU32>,
    rate_burst: Option<NonZeroU32>,
    #[serde(default)]
    trusted_proxy: Vec<String>,
    wait_for_data: Option<u32>,
    keep_records: Option<WrittenRetention>,
    #[serde(default)]
    patience: WrittenPatience,
    sandbox: Option<WrittenSandbox>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number of records, or \"all\"")]
enum WrittenRetention {
    Count(u64),
    Word(String),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPatience {
    head: Option<String>,
    idle: Option<String>,
    body: Option<String>,
    send: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSandbox {
    decline: Option<Vec<String>>,
    delay: Option<String>,
    silent: Option<bool>,
}

impl File {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// The file, the key and the reason of the first thing that is wrong.
    pub fn read(path: &Path) -> Result<File, ConfigError> {
        File::parse(&path.display().to_string(), &read(path)?)
    }

    /// Reads the text of a configuration file; `name` is only used in errors.
    ///
    /// # Errors
    /// See [`File::read`].
    pub fn parse(name: &str, text: &str) -> Result<File, ConfigError> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
            ConfigError::Value(format!("{name}: line {line}: {}", one_line(error.message())))
        })?;
        let sandbox = written.sandbox.map(|sandbox| settings(name, sandbox)).transpose()?;
        let patience = patience(name, written.patience)?;
        let keep_records = match written.keep_records {
            None => None,
            Some(WrittenRetention::Count(count)) => Some(Retention::Last(count)),
            Some(WrittenRetention::Word(word)) => {
                Some(word.parse().map_err(|reason: String| {
                    ConfigError::Value(format!("{name}: keep_records: {reason}"))
                })?)
            }
        };
        Ok(File {
            listen: written.listen,
            data: written.data,
            market: written.market,
            admin: written.admin,
            cors_origin: written.cors_origin,
            payment_url: written.payment_url,
            max_connections: written.max_connections.map(NonZeroU32::get),
            rate_limit: written.rate_limit.map(NonZeroU32::get),
            rate_burst: written.rate_burst.map(NonZeroU32::get),
            trusted_proxy: written.trusted_proxy,
            wait_for_data: written.wait_for_data,
            keep_records,
            patience,
            sandbox,
        })
    }
}

fn patience(name: &str, written: WrittenPatience) -> Result<Patience, ConfigError> {
    let mut patience = Patience::default();
    let Patience { head, idle, body, send } = &mut patience;
    for (key, text, span) in [
        ("head", written.head, head),
        ("idle", written.idle, idle),
        ("body", written.body, body),
        ("send", written.send, send),
    ] {
        let Some(text) = text else { continue };
        let wrong = |reason| ConfigError::Value(format!("{name}: patience.{key}: {reason}"));
        match Span::parse(&text).map_err(wrong)? {
            Span(0) => return Err(wrong("must be longer than nothing".to_owned())),
            Span(millis) => *span = Duration::from_millis(millis),
        }
    }
    Ok(patience)
}

fn settings(name: &str, written: WrittenSandbox) -> Result<SandboxSettings, ConfigError> {
    let wrong =
        |key: &str, reason: String| ConfigError::Value(format!("{name}: sandbox.{key}: {reason}"));
    let mut settings = SandboxSettings::default();
    if let Some(decline) = written.decline {
        for card in &decline {
            Card::parse(card).map_err(|error| wrong("decline", error.to_string()))?;
        }
        settings.decline = decline.into_iter().collect();
    }
    if let Some(delay) = written.delay {
        let span = Span::parse(&delay).map_err(|reason| wrong("delay", reason))?;
        settings.delay = Duration::from_millis(span.0);
    }
    settings.silent = written.silent.unwrap_or(settings.silent);
    Ok(settings)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_everything() {
        let text = "listen = \"[::1]:9\"\nmarket = [\"a\"]\nadmin = true\n\
                    cors_origin = [\"https://a\"]\npayment_url = \"b\"\nrate_limit = 5\n\
                    trusted_proxy = [\"::1\"]\nkeep_records = \"all\"\n[patience]\nhead = \"1 s\"\n[sandbox]\n\
                    decline = [\"7\"]\ndelay = \"400 ms\"\nsilent = true\n";
        let file = File::parse("x.toml", text).unwrap();
        let sandbox = file.sandbox.unwrap();
        assert_eq!(sandbox.delay, Duration::from_millis(400));
        assert!(sandbox.silent && sandbox.decline.contains("7"));
        assert_eq!(file.payment_url.as_deref(), Some("b"));
        assert_eq!((file.admin, file.market), (Some(true), vec!["a".to_owned()]));
        assert_eq!(file.cors_origin, ["https://a"]);
        assert_eq!((file.rate_limit, file.rate_burst, file.max_connections), (Some(5), None, None));
        assert_eq!(file.trusted_proxy, ["::1"]);
        assert_eq!(file.keep_records, Some(Retention::All));
        let head = Duration::from_secs(1);
        assert_eq!(file.patience, Patience { head, ..Patience::default() });
    }

    #[test]
    fn names_file_key_and_reason() {
        for (text, words) in [
            ("lisen = \"x\"", ["x.toml", "lisen", "unknown"]),
            ("\n[sandbox]\ndely = \"1 s\"", ["line 3", "dely", "unknown"]),
            ("[sandbox]\ndelay = \"soon\"", ["sandbox.delay", "soon", "length of time"]),
            ("admin = 3", ["x.toml", "line 1", "bool"]),
            ("rate_limit = 0", ["x.toml", "line 1", "nonzero"]),
            ("keep_records = \"some\"", ["x.toml", "keep_records", "neither"]),
            ("keep_records = true", ["x.toml", "line 1", "number of records"]),
            ("[patience]\nhead = \"0 s\"", ["patience.head", "longer", "nothing"]),
        ] {
            let error = File::parse("x.toml", text).unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
