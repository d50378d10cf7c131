//! The command line of the suites that measure: their options, and what is made of their findings.
//!
//! Every such suite takes the options of [`Output`] beside its own. A new one needs options of its own (`clap::Args`), a
//! variant in `main` that calls [`Measured::run`] with what makes its findings, and a line in [`ALL`].

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use surehold_benches::build::build_server;
use surehold_benches::calibrate;
use surehold_benches::document::Document;
use surehold_benches::findings::Findings;
use surehold_benches::http;
use surehold_benches::interrupt::unless_interrupted;
use surehold_benches::page;
use surehold_benches::plan::{Inventory, Plan};
use surehold_benches::progress::Progress;
use surehold_benches::server::Launch;
use surehold_benches::suites::{hot, mixed};

use super::{actors, at_least_one, direct};

/// What a suite gives, or why it gives nothing.
pub(crate) type Found = Result<Findings, Box<dyn Error>>;

/// What tells a reader what is going on.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(&str);

/// A suite's own options, and those that every suite has.
#[derive(Args)]
pub(crate) struct Measured<A: Args> {
    #[command(flatten)]
    pub(crate) what: A,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(crate) struct Output {
    /// Also write what was found as JSON, which `--compare` reads.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write a page with plots into this folder: one `index.html` that needs nothing else.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// What the suites over HTTP need of the outside.
#[derive(Args, Clone)]
pub(crate) struct Outside {
    /// The server's binary; without it, the release binary is built.
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
    /// Folder for the fresh data folders, on the disk to be measured; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct HttpArgs {
    /// Requests of one leg, and as many echoes.
    #[arg(long, default_value = "100000", value_parser = at_least_one)]
    orders: usize,
    /// Keep-alive connections, each with one request in flight; several numbers make several series.
    #[arg(long, default_value = "64", value_delimiter = ',', value_parser = at_least_one)]
    connections: Vec<usize>,
    /// How often the legs alternate; the medians count.
    #[arg(long, default_value = "5", value_parser = at_least_one)]
    rounds: usize,
    /// How many offerings the orders are spread over.
    #[arg(long, default_value = "1000", value_parser = at_least_one)]
    offerings: usize,
    /// What the offerings hold.
    #[arg(long, value_enum, default_value = "seats")]
    inventory: Inventory,
    /// Open loop: so many requests a second, whatever becomes of them; latency counts from the time at which each was
    /// due. Without it, every connection sends its next request when it was answered.
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// Seed of the requests.
    #[arg(long, default_value = "1")]
    seed: u64,
    #[command(flatten)]
    outside: Outside,
}

#[derive(Args)]
pub(crate) struct AllArgs {
    /// Requests of one leg; every suite has its size from this.
    #[arg(long, default_value = "20000", value_parser = at_least_one)]
    pub(crate) orders: usize,
    /// Keep-alive connections of the suites over HTTP.
    #[arg(long, default_value = "1,64,256", value_delimiter = ',', value_parser = at_least_one)]
    pub(crate) connections: Vec<usize>,
    /// How many offerings their orders are spread over.
    #[arg(long, default_value = "1000", value_parser = at_least_one)]
    pub(crate) offerings: usize,
    /// How often the legs of each suite alternate; the medians count.
    #[arg(long, default_value = "3", value_parser = at_least_one)]
    pub(crate) rounds: usize,
    /// Seed of the requests.
    #[arg(long, default_value = "1")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) outside: Outside,
}

/// The suites over HTTP.
#[derive(Clone, Copy)]
pub(crate) enum OverHttp {
    Http,
    Hot,
    Mixed,
}

/// A suite of `all`: its name, how many lines it tells if that is known, and how it runs in a modest size.
type Part = (&'static str, fn(&AllArgs) -> Option<u64>, fn(&AllArgs, Tell<'_>) -> Found);

/// Every suite, in a modest size. Those in this process come before those over HTTP, whose clean end on an interrupt
/// stays in force after them.
const ALL: [Part; 9] = [
    ("engine", |_| None, direct::modest_engine),
    ("journal", |_| None, direct::modest_journal),
    ("memory", |_| None, direct::modest_memory),
    ("recovery", |_| None, direct::modest_recovery),
    ("actors", |_| None, actors::modest),
    ("bare", |_| None, direct::modest_bare),
    (
        "http",
        |args| steps(OverHttp::Http, &args.modest()),
        |args, tell| over_http(OverHttp::Http, &args.modest(), tell),
    ),
    (
        "hot",
        |args| steps(OverHttp::Hot, &args.modest()),
        |args, tell| over_http(OverHttp::Hot, &args.modest(), tell),
    ),
    (
        "mixed",
        |args| steps(OverHttp::Mixed, &args.modest()),
        |args, tell| over_http(OverHttp::Mixed, &args.modest(), tell),
    ),
];

impl Output {
    /// Prints, and writes what was asked for; whether every subject kept its promise.
    fn present(&self, findings: Vec<Findings>) -> Result<bool, Box<dyn Error>> {
        let document = Document::new(findings);
        io::stdout().lock().write_all(document.to_string().as_bytes())?;
        if let Some(file) = &self.json {
            document.write(file)?;
        }
        if let Some(folder) = &self.report {
            page::write(&document, folder)
                .map_err(|error| format!("cannot write {}: {error}", folder.display()))?;
        }
        Ok(document.is_sound())
    }
}

impl<A: Args> Measured<A> {
    /// Runs one suite and presents what it found. `steps` is how many lines it tells, where that is known.
    pub(crate) fn run(
        self,
        name: &str,
        steps: Option<u64>,
        suite: impl FnOnce(&A, Tell<'_>) -> Found,
    ) -> Result<bool, Box<dyn Error>> {
        let found = watched(name, steps, |tell| suite(&self.what, tell))?;
        self.output.present(vec![found])
    }
}

impl Measured<HttpArgs> {
    /// Runs a suite over HTTP.
    pub(crate) fn over_http(mut self, which: OverHttp) -> Result<bool, Box<dyn Error>> {
        self.what.outside.find_server()?;
        let steps = steps(which, &self.what);
        self.run(which.name(), steps, |args, tell| over_http(which, args, tell))
    }
}

impl Measured<AllArgs> {
    /// Runs every suite and presents what they found together.
    pub(crate) fn all(mut self) -> Result<bool, Box<dyn Error>> {
        self.what.outside.find_server()?;
        let mut found = Vec::with_capacity(ALL.len());
        for (name, steps, suite) in ALL {
            found.push(watched(name, steps(&self.what), |tell| suite(&self.what, tell))?);
        }
        self.output.present(found)
    }
}

impl AllArgs {
    /// The options of a suite over HTTP in a modest size.
    fn modest(&self) -> HttpArgs {
        HttpArgs {
            orders: self.orders,
            connections: self.connections.clone(),
            rounds: self.rounds,
            offerings: self.offerings,
            inventory: Inventory::Seats,
            rate: None,
            seed: self.seed,
            outside: self.outside.clone(),
        }
    }
}

impl Outside {
    /// Builds the server if nobody named one, before anything draws on the terminal.
    fn find_server(&mut self) -> Result<(), Box<dyn Error>> {
        if self.server.is_none() {
            self.server = Some(build_server()?);
        }
        Ok(())
    }

    fn launch(&self) -> Result<Launch, Box<dyn Error>> {
        let mut launch = Launch::new(self.server.clone().map_or_else(build_server, Ok)?);
        launch.scratch = self.scratch.clone().unwrap_or(launch.scratch);
        Ok(launch)
    }
}

impl HttpArgs {
    fn plan(&self) -> Plan {
        Plan {
            orders: self.orders,
            connections: self.connections.clone(),
            rounds: self.rounds,
            offerings: self.offerings,
            inventory: self.inventory,
            rate: self.rate,
            seed: self.seed,
        }
    }
}

impl OverHttp {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Hot => "hot",
            Self::Mixed => "mixed",
        }
    }
}

/// Runs a suite and shows what is going on; the yardsticks that it did not take itself are taken after it.
fn watched(name: &str, steps: Option<u64>, suite: impl FnOnce(Tell<'_>) -> Found) -> Found {
    let mut progress = Progress::begin(name, steps);
    let mut found = suite(&mut |line| progress.tell(line))?;
    calibrate::complete(&mut found.calibrations, found.machine.sync)?;
    Ok(found)
}

/// How many lines a suite over HTTP tells: one for the machine, then for each series its warm-ups, legs and books.
fn steps(which: OverHttp, args: &HttpArgs) -> Option<u64> {
    let legs = match which {
        OverHttp::Http | OverHttp::Mixed => 2,
        OverHttp::Hot => 3,
    };
    u64::try_from(1 + args.connections.len() * (legs * (args.rounds + 1) + 1)).ok()
}

/// Runs a suite until done or interrupted; either way the server is gone and its folder removed.
fn over_http(which: OverHttp, args: &HttpArgs, tell: Tell<'_>) -> Found {
    let (plan, launch) = (args.plan(), args.outside.launch()?);
    // One thread: the cores are the server's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let running = async {
        match which {
            OverHttp::Http => http::run(&plan, &launch, tell).await,
            OverHttp::Hot => hot::run(&plan, &launch, tell).await,
            OverHttp::Mixed => mixed::run(&plan, &launch, tell).await,
        }
    };
    Ok(runtime.block_on(unless_interrupted(running))??)
}

/// A rate of at least one a second: below that, a load could not be told from one that stalls.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().map_err(|error| error.to_string())?;
    if rate.is_finite() && rate >= 1.0 { Ok(rate) } else { Err("must be at least 1".to_owned()) }
}
