//! The process: configuration, engine, server, and an orderly end.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use surehold::{Data, Engine, OpenError, Options, SystemClock};
use surehold_http::app::App;
use surehold_http::compaction;
use surehold_http::config::flags::{Cli, Command, ServeFlags};
use surehold_http::config::payments::Payments;
use surehold_http::config::{Config, Secrets, markets};
use surehold_http::edge::files::make_room;
use surehold_http::edge::limits::DATA_LOOK;
use surehold_http::edge::rate::Rates;
use surehold_http::observe::Observe;
use surehold_http::proving;
use surehold_http::remote;
use surehold_http::server::{self, End};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The process could not start.
const CANNOT_START: u8 = 2;
/// The engine gave up: a fault of the software or of the machine (sysexits' EX_SOFTWARE).
const GAVE_UP: u8 = 70;
/// What is logged unless RUST_LOG says otherwise.
const LOGGED: &str = "warn";
/// The same for proofs: everything goes wrong there, on purpose, and the verdicts tell what matters.
const LOGGED_WHILE_PROVING: &str = "off";

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(CANNOT_START));
        }
    };
    let logged = match cli.command {
        Some(Command::Prove(_)) => LOGGED_WHILE_PROVING,
        None
        | Some(
            Command::Serve | Command::CheckMarket { .. } | Command::RebuildViews | Command::Compact,
        ) => LOGGED,
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(logged));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    #[cfg(feature = "mutants")]
    if let Err(reason) = broken_on_purpose() {
        let _ = say(&mut std::io::stderr(), &format!("surehold: {reason}"));
        return ExitCode::from(CANNOT_START);
    }
    let done = match cli.command {
        None | Some(Command::Serve) => serve(cli.serve),
        Some(Command::CheckMarket { file }) => match markets::file(&file) {
            Ok(_) => say(&mut std::io::stdout(), "ok").map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
        .map(|()| ExitCode::SUCCESS),
        Some(Command::RebuildViews) => rebuild_views(cli.serve).map(|()| ExitCode::SUCCESS),
        Some(Command::Compact) => compact(cli.serve).map(|()| ExitCode::SUCCESS),
        Some(Command::Prove(flags)) => proving::prove(flags),
    };
    done.unwrap_or_else(|reason| {
        let _ = say(&mut std::io::stderr(), &format!("surehold: {reason}"));
        ExitCode::from(CANNOT_START)
    })
}

/// Puts in the fault that SUREHOLD_MUTANT names, and says so.
#[cfg(feature = "mutants")]
fn broken_on_purpose() -> Result<(), String> {
    use surehold::domain::mutant::{Mutant, choose};

    let Ok(name) = std::env::var("SUREHOLD_MUTANT") else { return Ok(()) };
    let mutant = Mutant::ALL.into_iter().find(|mutant| mutant.name() == name);
    let mutant = mutant.ok_or_else(|| format!("there is no mutant \"{name}\""))?;
    choose(mutant);
    say(&mut std::io::stderr(), &format!("WARN broken on purpose: {name}")).map_err(said)
}

fn rebuild_views(flags: ServeFlags) -> Result<(), String> {
    let server = Config::server(&flags).map_err(said)?;
    let done = remote::rebuild_views(server, Secrets::from_env().admin_token.as_deref())?;
    say(&mut std::io::stdout(), &done).map_err(said)
}

fn compact(flags: ServeFlags) -> Result<(), String> {
    let folder = Config::folder(flags).map_err(said)?;
    let done = compaction::compact(&folder).map_err(|error| opening(&folder.data, &error))?;
    say(&mut std::io::stdout(), &done).map_err(said)
}

fn serve(flags: ServeFlags) -> Result<ExitCode, String> {
    let config = Config::load(flags, Secrets::from_env()).map_err(said)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(said)?;
    let end = runtime.block_on(run(config))?;
    // Whatever still waits for a client does not keep the process.
    runtime.shutdown_background();
    match end {
        End::Drained => Ok(ExitCode::SUCCESS),
        End::Failed(reason) => {
            let _ = say(&mut std::io::stderr(), &format!("surehold: gave up: {reason}"));
            Ok(ExitCode::from(GAVE_UP))
        }
    }
}

async fn run(config: Config) -> Result<End, String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(said)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(said)?;
    let observe = Observe::install().map_err(said)?;
    observe.keep_up();
    let cannot_listen =
        |error: std::io::Error| format!("cannot listen on {}: {error}", config.listen);
    let socket = server::bind(config.listen).map_err(cannot_listen)?;
    let address = socket.local_addr().map_err(said)?;
    let mut edge = config.edge;
    let allowed = make_room(edge.max_connections);
    if allowed < edge.max_connections {
        tracing::warn!(
            allowed,
            "fewer connections than asked for: the system allows too few files"
        );
        edge.max_connections = allowed;
    }

    let names: Vec<_> = config.plans.iter().map(|plan| plan.name.clone()).collect();
    let Payments { gateway, webhook } = config.payments;
    say(&mut std::io::stderr(), &format!("INFO payments: {}", gateway.describe())).map_err(said)?;
    let mut options = Options::new(Data::Folder(config.data.clone()), config.plans);
    options.gateway = gateway;
    options.retention = config.retention;
    options.clock = Arc::new(SystemClock::off_by(config.clock_off.saturating_mul(1000)));
    let mut stop = pin!(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    let engine = tokio::select! {
        engine = open(options, &config.data, address, config.wait_for_data) => engine?,
        // Who is told to stop while it waits for the data has nothing to finish.
        () = &mut stop, if !config.wait_for_data.is_zero() => return Ok(End::Drained),
    };
    // Not before: a client that comes too early is refused and tries elsewhere.
    let listener = match server::listen(socket) {
        Ok(listener) => listener,
        Err(error) => {
            engine.close().await;
            return Err(cannot_listen(error));
        }
    };

    let (stopping, stopped) = watch::channel(false);
    let (admin, cors, echo) = (config.admin, config.cors, config.echo);
    let rates = edge.rate.map(Rates::new);
    let app = App {
        engine,
        admin,
        cors,
        echo,
        webhook,
        edge,
        rates,
        address,
        observe,
        stopping: stopped,
    };
    let app = Arc::new(app);
    let (data, names) = (config.data.display(), names.join(", "));
    let ready = format!("surehold is ready on http://{address}, data in {data}, markets: {names}");
    say(&mut std::io::stdout(), &ready).map_err(said)?;
    Ok(server::serve(app, listener, stopping, stop).await)
}

/// Opens the engine. Data that another server has is waited for, for at most so long.
async fn open(
    options: Options,
    data: &Path,
    address: SocketAddr,
    patience: Duration,
) -> Result<Engine, String> {
    let until = Instant::now() + patience;
    let mut told = false;
    loop {
        match Engine::open(options.clone()).await {
            Err(error @ OpenError::InUse(_)) if Instant::now() < until => {
                if !told {
                    let line = format!("INFO {error}; waiting for it, and not yet on {address}");
                    say(&mut std::io::stderr(), &line).map_err(said)?;
                }
                told = true;
                tokio::time::sleep(DATA_LOOK).await;
            }
            opened => return opened.map_err(|error| opening(data, &error)),
        }
    }
}

/// Why the data was not opened. What came from elsewhere is said with where it lies.
fn opening(data: &Path, error: &OpenError) -> String {
    if matches!(error, OpenError::Newer(_)) {
        return format!("{}: {error}", data.display());
    }
    error.to_string()
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Writes one line.
fn say(to: &mut impl Write, line: &str) -> std::io::Result<()> {
    writeln!(to, "{line}")?;
    to.flush()
}
