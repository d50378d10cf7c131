//! The real program as a process of its own: `serve` on a free port of this machine, with a fresh data
//! folder. It can be killed, stopped and started again on the same folder, and neither the process
//! nor the folder outlives this handle, also when a proof panics.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::Client;

/// How long a start or an end may take. A start replays little, an end is promised within 10 seconds;
/// the rest is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether a process ended.
const LOOK: Duration = Duration::from_millis(5);
/// What the program takes from the environment begins so, and what is the user's is not ours.
const ENVIRONMENT: &str = "SUREHOLD_";

/// How the server is started.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The markets, as the text of their files; without any the built-in ones.
    pub markets: Vec<String>,
    /// Flags beside listen, data, market and admin.
    pub flags: Vec<String>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
}

/// A server, running or not.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    settings: Settings,
    running: Option<Running>,
    folder: TempDir,
}

#[derive(Debug)]
struct Running {
    child: Child,
    address: String,
    stderr: Option<JoinHandle<String>>,
}

/// A process that ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// With what status.
    pub status: ExitStatus,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Server {
    /// Starts the program on a fresh data folder, and waits until it is ready.
    ///
    /// # Errors
    /// One line, with what the program wrote, if it does not get ready.
    pub fn start(program: &Path, settings: Settings) -> Result<Server, String> {
        let mut server = Server::prepare(program, settings)?;
        server.restart()?;
        Ok(server)
    }

    /// A server that does not run yet, so that something can be put into its data folder first.
    ///
    /// # Errors
    /// One line, if its folder cannot be made.
    pub fn prepare(program: &Path, settings: Settings) -> Result<Server, String> {
        let failed = |error: std::io::Error| format!("a folder for a server: {error}");
        let folder =
            tempfile::Builder::new().prefix("surehold-prove-").tempdir().map_err(failed)?;
        for (number, market) in settings.markets.iter().enumerate() {
            std::fs::write(market_file(folder.path(), number), market).map_err(failed)?;
        }
        Ok(Server { program: program.to_owned(), settings, running: None, folder })
    }

    /// Starts the program on the same folder, and waits until it is ready. One that still runs is
    /// killed first.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn restart(&mut self) -> Result<(), String> {
        self.kill();
        let mut child = spawn(self.command())?;
        let stderr = child.stderr.take().map(read_all);
        let ready = child.stdout.take().map(first_line);
        let line = ready.and_then(|ready| ready.recv_timeout(PATIENCE).ok()).unwrap_or_default();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.map(str::to_owned);
        // From here on it ends with this handle.
        self.running = Some(Running { child, address: address.unwrap_or_default(), stderr });
        if line.contains("http://") {
            return Ok(());
        }
        let ended = self.end();
        let wrote = ended.map(|ended| ended.stderr).unwrap_or_default();
        Err(format!("the server does not get ready: {:?} {}", line.trim(), wrote.trim()))
    }

    /// Starts the program on the same folder where it is expected to refuse, and waits for its end.
    ///
    /// # Errors
    /// If it gets ready, or does not end.
    pub fn refused(&self) -> Result<Ended, String> {
        let mut child = spawn(self.command())?;
        let stderr = child.stderr.take().map(read_all);
        let mut running = Running { child, address: String::new(), stderr };
        let ready = running.child.stdout.take().map(first_line);
        // Its standard output ends with it.
        let line = ready.and_then(|ready| ready.recv_timeout(PATIENCE).ok()).unwrap_or_default();
        if !line.is_empty() {
            return Err(format!("the server was expected to refuse, and said {:?}", line.trim()));
        }
        running.wait()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(ENVIRONMENT) {
                command.env_remove(name);
            }
        }
        command.env_remove("RUST_LOG");
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin", "--data"]).arg(self.data());
        for number in 0..self.settings.markets.len() {
            command.arg("--market").arg(market_file(self.folder.path(), number));
        }
        command.args(&self.settings.flags);
        command.envs(self.settings.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its host and port; empty while it does not run.
    #[must_use]
    pub fn address(&self) -> &str {
        self.running.as_ref().map_or("", |running| running.address.as_str())
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// A client with a connection of its own.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address())
    }

    /// Ends it with SIGKILL: it has no chance to finish anything.
    pub fn kill(&mut self) {
        // Dropping is killing, and waiting for the end.
        self.running = None;
    }

    /// Asks it with SIGTERM to finish, and waits for its end.
    ///
    /// # Errors
    /// If it does not run, cannot be asked, or does not end.
    pub fn stop(&mut self) -> Result<Ended, String> {
        let process = self.process().ok_or("the server does not run")?;
        signal("TERM", process)?;
        self.end()
    }

    fn end(&mut self) -> Result<Ended, String> {
        let mut running = self.running.take().ok_or("the server does not run")?;
        running.wait()
    }
}

impl Running {
    /// Waits for the end; one that does not come is made.
    fn wait(&mut self) -> Result<Ended, String> {
        let began = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    let stderr = self.stderr.take().map(JoinHandle::join);
                    let stderr = stderr.and_then(Result::ok).unwrap_or_default();
                    return Ok(Ended { status, stderr });
                }
                Ok(None) if began.elapsed() < PATIENCE => thread::park_timeout(LOOK),
                Ok(None) => return Err(format!("the server did not end within {PATIENCE:?}")),
                Err(error) => return Err(format!("the server: {error}")),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(stderr) = self.stderr.take() {
            let _ = stderr.join();
        }
    }
}

/// Sends a signal, by its name without `SIG`, to one process.
///
/// # Errors
/// One line, if that cannot be done.
pub fn signal(name: &str, process: u32) -> Result<(), String> {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).output();
    match sent {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("the program kill: {error}")),
    }
}

fn market_file(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("market{number}.toml"))
}

fn spawn(mut command: Command) -> Result<Child, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))
}

/// The first line, as soon as it is there; empty at the end. Whatever follows is read and dropped.
fn first_line(stdout: impl Read + Send + 'static) -> std::sync::mpsc::Receiver<String> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let (mut stdout, mut line) = (BufReader::new(stdout), String::new());
        // What cannot be read is an end, and nobody may listen any more.
        let _ = stdout.read_line(&mut line);
        let _ = tell.send(line);
        let _ = std::io::copy(&mut stdout, &mut std::io::sink());
    });
    told
}

fn read_all(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until it failed is what there is.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
