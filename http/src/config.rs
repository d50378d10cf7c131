//! How the process is told what to do: flags beat the environment, which beats the file, which beats
//! the defaults. What comes out is valid, or one line says why not.

pub mod file;
pub mod flags;
pub mod markets;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use surehold::SandboxSettings;
use surehold::domain::plan::{Plan, PlanError};

use self::file::File;
use self::flags::ServeFlags;
use crate::app::AdminAccess;
use crate::cors::Cors;

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
    /// How the sandbox gateway behaves.
    pub sandbox: SandboxSettings,
    /// Whether `POST /echo` answers.
    pub echo: bool,
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
    /// Puts the flags (which know the environment) and the file together. `token` is what
    /// [`ADMIN_TOKEN`] holds.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load(flags: ServeFlags, token: Option<String>) -> Result<Config, ConfigError> {
        let file = match &flags.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let listen = flags.listen.or(file.listen).unwrap_or_else(|| LISTEN.to_owned());
        let listen = address(&listen)?;
        let markets = if flags.market.is_empty() { file.market } else { flags.market };
        let plans = markets::load(&markets)?;
        let admin = flags.admin.or(file.admin).unwrap_or(false);
        let admin = admin.then(|| AdminAccess { token: token.filter(|token| !token.is_empty()) });
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
        Ok(Config { listen, data, plans, admin, cors, sandbox: file.sandbox, echo: flags.echo })
    }
}

impl Config {
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
