//! How the process is told what to do: flags beat the environment, which beats the file, which beats
//! the defaults. What comes out is valid, or one line says why not.

pub mod file;
pub mod flags;
pub mod markets;
pub mod payments;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use surehold::Retention;
use surehold::domain::plan::{Plan, PlanError};

use self::file::File;
use self::flags::ServeFlags;
use self::payments::{Asked, Payments, STRIPE_KEY, STRIPE_WEBHOOK_SECRET};
use crate::app::AdminAccess;
use crate::cors::Cors;
use crate::edge;
use crate::edge::client::Net;
use crate::edge::limits::CONNECTIONS_MAX;
use crate::edge::rate::RateLimit;

/// Where the server listens unless it is told otherwise.
pub const LISTEN: &str = "127.0.0.1:8080";
/// Where the data is unless it is told otherwise.
pub const DATA: &str = "./data";
/// The environment variable with the admin token. It is no flag, so that it is in no process list.
pub const ADMIN_TOKEN: &str = "SUREHOLD_ADMIN_TOKEN";

/// Everything `surehold serve` needs to know.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// The marketplaces, the first of which is also at `/`.
    pub plans: Vec<Plan>,
    /// The admin calls, if they are open.
    pub admin: Option<AdminAccess>,
    /// The origins whose pages may call.
    pub cors: Cors,
    /// Who moves the money.
    pub payments: Payments,
    /// Seconds by which the clock is off, for tests.
    pub clock_off: i64,
    /// How connections are accepted and limited.
    pub edge: edge::Settings,
    /// How long to wait for a data folder that another server has.
    pub wait_for_data: Duration,
    /// Which records stay in the journal.
    pub retention: Retention,
    /// Whether `POST /echo` answers.
    pub echo: bool,
}

/// What only the environment tells. None of it is a flag, so that it is in no process list.
#[derive(Clone, Default)]
pub struct Secrets {
    /// The bearer token of the admin calls.
    pub admin_token: Option<String>,
    /// Stripe's API key.
    pub stripe_key: Option<String>,
    /// What Stripe signs its events with.
    pub stripe_webhook: Option<String>,
}

impl Secrets {
    /// Reads them. An empty one is none.
    #[must_use]
    pub fn from_env() -> Secrets {
        let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Secrets {
            admin_token: read(ADMIN_TOKEN),
            stripe_key: read(STRIPE_KEY),
            stripe_webhook: read(STRIPE_WEBHOOK_SECRET),
        }
    }
}

/// Why the process cannot start: one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value is not what it should be.
    #[error("{0}")]
    Value(String),
    /// A file cannot be read.
    #[error("{}: {reason}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A market file is wrong.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl Config {
    /// Puts the flags (which know the environment), the file and the secrets together.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load(flags: ServeFlags, secrets: Secrets) -> Result<Config, ConfigError> {
        let file = match &flags.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let edge = settings(&flags, &file)?;
        let wait_for_data = flags.wait_for_data.or(file.wait_for_data).unwrap_or(0);
        let wait_for_data = Duration::from_secs(u64::from(wait_for_data));
        let retention = flags.keep_records.or(file.keep_records).unwrap_or_default();
        let listen = flags.listen.or(file.listen).unwrap_or_else(|| LISTEN.to_owned());
        let listen = address(&listen)?;
        let markets = if flags.market.is_empty() { file.market } else { flags.market };
        let plans = markets::load(&markets)?;
        let admin = flags.admin.or(file.admin).unwrap_or(false);
        let admin = admin.then(|| AdminAccess { token: secrets.admin_token.clone() });
        if let Some(AdminAccess { token: None }) = &admin
            && !listen.ip().is_loopback()
        {
            let reason = format!(
                "--admin on {listen}, which others can reach, needs a token in {ADMIN_TOKEN}"
            );
            return Err(ConfigError::Value(reason));
        }
        let origins =
            if flags.cors_origin.is_empty() { file.cors_origin } else { flags.cors_origin };
        let cors = Cors::parse(&origins)
            .map_err(|reason| ConfigError::Value(format!("--cors-origin: {reason}")))?;
        let data = flags.data.or(file.data).unwrap_or_else(|| PathBuf::from(DATA));
        let payment_url = flags.payment_url.or(file.payment_url);
        let asked = Asked { payment_url, stripe_url: flags.stripe_url, sandbox: file.sandbox };
        let payments = Payments::choose(asked, &secrets)?;
        let (clock_off, echo) = (flags.clock_off.unwrap_or(0), flags.echo);
        Ok(Config {
            listen,
            data,
            plans,
            admin,
            cors,
            payments,
            edge,
            wait_for_data,
            retention,
            clock_off,
            echo,
        })
    }
}

/// How connections are accepted and limited.
fn settings(flags: &ServeFlags, file: &File) -> Result<edge::Settings, ConfigError> {
    let max_connections = flags.max_connections.or(file.max_connections);
    let max_connections = match max_connections {
        Some(most) => usize::try_from(most).unwrap_or(usize::MAX),
        None => CONNECTIONS_MAX,
    };
    let burst = flags.rate_burst.or(file.rate_burst);
    let rate = flags
        .rate_limit
        .or(file.rate_limit)
        .map(|per_second| RateLimit { per_second, burst: burst.unwrap_or(per_second) });
    if rate.is_none() && burst.is_some() {
        let reason = "--rate-burst: has no meaning without --rate-limit";
        return Err(ConfigError::Value(reason.to_owned()));
    }
    let trusted =
        if flags.trusted_proxy.is_empty() { &file.trusted_proxy } else { &flags.trusted_proxy };
    let trusted: Result<Vec<Net>, String> = trusted.iter().map(|net| net.parse()).collect();
    let trusted =
        trusted.map_err(|reason| ConfigError::Value(format!("--trusted-proxy: {reason}")))?;
    Ok(edge::Settings { max_connections, patience: file.patience, rate, trusted })
}

/// A data folder that is to be compacted.
#[derive(Debug)]
pub struct Folder {
    /// Where it is.
    pub data: PathBuf,
    /// The marketplaces that a server on it has.
    pub plans: Vec<Plan>,
    /// Records that stay at least.
    pub kept: u64,
}

impl Config {
    /// The folder that these flags mean, for commands that work on it while no server does.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn folder(flags: ServeFlags) -> Result<Folder, ConfigError> {
        let file = match &flags.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let data = flags.data.or(file.data).unwrap_or_else(|| PathBuf::from(DATA));
        let markets = if flags.market.is_empty() { file.market } else { flags.market };
        let kept = match flags.keep_records.or(file.keep_records) {
            Some(Retention::All) => u64::MAX,
            Some(Retention::Last(kept)) => kept,
            None => 0,
        };
        Ok(Folder { data, plans: markets::load(&markets)?, kept })
    }

    /// Where the server is that these flags mean, for commands that talk to it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn server(flags: &ServeFlags) -> Result<SocketAddr, ConfigError> {
        let file = match &flags.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let listen = flags.listen.clone().or(file.listen);
        address(listen.as_deref().unwrap_or(LISTEN))
    }
}

/// An address such as `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`.
fn address(text: &str) -> Result<SocketAddr, ConfigError> {
    let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    named.as_deref().unwrap_or(text).parse().map_err(|_| {
        let reason = format!("--listen: \"{text}\" is not an address such as \"{LISTEN}\"");
        ConfigError::Value(reason)
    })
}

/// Reads a file that must be there.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
        file: path.to_owned(),
        reason: format!("cannot be read: {error}"),
    })
}
