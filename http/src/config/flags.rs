//! The command line and its environment.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};
use surehold::Retention;
use surehold_prove::Proof;

const AFTER: &str = "\
Environment:
  Every option is also a variable, as shown above. SUREHOLD_ADMIN_TOKEN is the bearer token the
  admin calls need; with --admin on an address that is not loopback it must be set.
  SUREHOLD_STRIPE_KEY has Stripe move the money, SUREHOLD_STRIPE_WEBHOOK_SECRET opens
  POST /webhooks/stripe for its events. RUST_LOG sets what is logged to stderr (default: warn).

A configuration file is TOML and holds the same names:
  listen = \"127.0.0.1:8080\"
  data = \"./data\"
  market = [\"talentshare\", \"markets/cinema.toml\"]
  admin = false
  cors_origin = [\"https://shop.example\"]
  payment_url = \"https://pay.example\"   # instead of the sandbox
  max_connections = 10000
  rate_limit = 50
  rate_burst = 100
  trusted_proxy = [\"10.0.0.0/8\"]
  wait_for_data = 30
  keep_records = 8000000         # or \"all\"
  [patience]                     # how long clients may take
  head = \"10 s\"                  # for the head of a request
  idle = \"75 s\"                  # between two requests
  body = \"10 s\"                  # for the next 4 KiB of a body, thrice at most
  send = \"30 s\"                  # for reading anything of an answer
  [sandbox]                      # how the built-in payment sandbox behaves
  decline = [\"4000000000000002\"]
  delay = \"400 ms\"
  silent = false

Exit status: 0 after SIGTERM or SIGINT, 2 if it cannot start, 70 if the engine gave up.";

/// Surehold, a booking engine: never sells twice, never loses a cent or a seat, never gets stuck.
#[derive(Debug, Parser)]
#[command(name = "surehold", version, after_help = AFTER, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: ServeFlags,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server (the default).
    #[command(after_help = AFTER)]
    Serve,
    /// Check a market file: prints "ok", or what is wrong with it and exits with status 2.
    CheckMarket {
        /// The TOML file.
        file: PathBuf,
    },
    /// Have a running server build its views anew from the journal, while orders go on; shows a bar.
    /// The server is the one on --listen, and must have been started with --admin.
    RebuildViews,
    /// Make the data of a server that is not running smaller: what orders came to stays, how they came
    /// to it leaves the journal, but for the newest records (--keep-records) [default here: 0] and for
    /// what messages and points still need. Start it with the server's --data and --market.
    Compact,
    /// Try to break the promise, in every way known, and print the verdicts. Nothing of yours is
    /// touched: proofs work in memory and in folders of their own. Status 0: all green, 1: not.
    Prove(ProveFlags),
}

/// What to prove.
#[derive(Debug, Args)]
pub struct ProveFlags {
    /// Which proofs: model, simulate, power, fuzz, races, upgrades, process [default: all].
    #[arg(value_name = "PROOF")]
    pub proofs: Vec<Proof>,
    /// How many seeds, where a proof has seeds.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: Option<u64>,
    /// The first seed; the same seed does the same again [default: a fresh one, which is printed].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How long, where a proof runs for a time.
    #[arg(long, value_name = "MINUTES")]
    pub minutes: Option<f64>,
    /// Small sizes, for a look that takes seconds.
    #[arg(long)]
    pub quick: bool,
}

/// How to serve. Options may stand before or after `serve`.
#[derive(Debug, Default, Args)]
pub struct ServeFlags {
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, global = true, value_name = "ADDR", env = "SUREHOLD_LISTEN")]
    pub listen: Option<String>,
    /// Folder with the data; one server at a time uses it [default: ./data].
    #[arg(long, global = true, value_name = "DIR", env = "SUREHOLD_DATA")]
    pub data: Option<PathBuf>,
    /// A built-in market or a TOML file; may be repeated. The first is also at `/`
    /// [default: every built-in market: talentshare, gasstation, yogiyogi, edu, airbnb].
    #[arg(
        long,
        global = true,
        value_name = "NAME_OR_FILE",
        env = "SUREHOLD_MARKET",
        value_delimiter = ',',
        action = ArgAction::Append
    )]
    pub market: Vec<String>,
    /// A TOML file with the same settings; options and environment beat it.
    #[arg(long, global = true, value_name = "FILE", env = "SUREHOLD_CONFIG")]
    pub config: Option<PathBuf>,
    /// Open the admin calls under /v1/admin: the tree, faults on demand, the audit.
    #[arg(
        long,
        global = true,
        env = "SUREHOLD_ADMIN",
        value_name = "BOOL",
        value_parser = BoolishValueParser::new(),
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub admin: Option<bool>,
    /// An origin whose pages may call this server from a browser, with credentials; may be
    /// repeated. "*" allows all, without credentials. Admin calls and metrics are for no page
    /// [default: *].
    #[arg(
        long,
        global = true,
        value_name = "ORIGIN",
        env = "SUREHOLD_CORS_ORIGIN",
        value_delimiter = ',',
        action = ArgAction::Append
    )]
    pub cors_origin: Vec<String>,
    /// Connections served at once; the next ones are told 503 and closed [default: 10000].
    #[arg(
        long,
        global = true,
        value_name = "COUNT",
        env = "SUREHOLD_MAX_CONNECTIONS",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub max_connections: Option<u32>,
    /// Requests a second that one client may make, by its address (an IPv6 network of 64 bits is
    /// one client); above that it is told 429. Probes and admin calls are not counted
    /// [default: no limit].
    #[arg(
        long,
        global = true,
        value_name = "COUNT",
        env = "SUREHOLD_RATE_LIMIT",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub rate_limit: Option<u32>,
    /// Requests that one client may make at once [default: as many as --rate-limit].
    #[arg(
        long,
        global = true,
        value_name = "COUNT",
        env = "SUREHOLD_RATE_BURST",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub rate_burst: Option<u32>,
    /// A proxy that is believed when it says in X-Forwarded-For for whom it asks: an address, or a
    /// block such as 10.0.0.0/8; may be repeated [default: none].
    #[arg(
        long,
        global = true,
        value_name = "ADDR/BITS",
        env = "SUREHOLD_TRUSTED_PROXY",
        value_delimiter = ',',
        action = ArgAction::Append
    )]
    pub trusted_proxy: Vec<String>,
    /// When another server has the data folder: seconds to wait for it, without listening, before
    /// giving up. For a rolling restart [default: 0].
    #[arg(long, global = true, value_name = "SECONDS", env = "SUREHOLD_WAIT_FOR_DATA")]
    pub wait_for_data: Option<u32>,
    /// Records that stay in the journal for those who read events, at least; older ones leave it
    /// while the server runs, and what they came to stays. "all" keeps all [default: 8000000].
    #[arg(long, global = true, value_name = "COUNT", env = "SUREHOLD_KEEP_RECORDS")]
    pub keep_records: Option<Retention>,
    /// A payment service that moves the money, spoken to in JSON as the README says. Without it
    /// and without Stripe's key a sandbox does, and no money moves.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "SUREHOLD_PAYMENT_URL",
        hide_env_values = true
    )]
    pub payment_url: Option<String>,
    /// A server that behaves like Stripe, for tests.
    #[arg(long, global = true, value_name = "URL", env = "SUREHOLD_STRIPE_URL", hide = true)]
    pub stripe_url: Option<String>,
    /// Seconds by which this server's clock is off, for tests.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        env = "SUREHOLD_CLOCK_OFF",
        hide = true,
        allow_negative_numbers = true
    )]
    pub clock_off: Option<i64>,
    /// Answer `POST /echo`, for measuring.
    #[arg(long, global = true, hide = true)]
    pub echo: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_options_before_and_after_serve() {
        let admin = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap().serve.admin;
        assert_eq!(admin("surehold --admin"), Some(true));
        assert_eq!(admin("surehold --admin serve"), Some(true));
        assert_eq!(admin("surehold serve --admin"), Some(true));
        assert_eq!(admin("surehold serve --admin=false"), Some(false));
        assert_eq!(admin("surehold serve"), None);
        let cli = Cli::try_parse_from("surehold serve --market a,b --market c".split(' ')).unwrap();
        assert_eq!(cli.serve.market, ["a", "b", "c"]);
    }
}
