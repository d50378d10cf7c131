//! The real binary as a process: started on a free port, and gone when the test is.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::client::Client;

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// A market with few seats, paid with the order and confirmed at once.
pub(crate) const CINEMA: &str = r#"
name = "cinema"
currency = "EUR"
[[offerings]]
id = 1
name = "Seat"
price = { amount = 1250 }
inventory = { model = "seats", capacity = 3 }
[[offerings]]
id = 2
name = "Stream"
price = { amount = 400 }
inventory = { model = "unlimited" }
[[offerings]]
id = 3
name = "Popcorn by the kilogram"
price = { amount = 999 }
inventory = { model = "stock", quantity = 10.5 }
"#;

/// A market that is paid later and waits for an operator.
pub(crate) const GUIDE: &str = r#"
name = "guide"
currency = "EUR"
[payment]
when = "later"
within = "1 h"
[confirmation]
by = "operator"
within = "1 d"
[[offerings]]
id = 1
name = "Tour"
price = { amount = 5000 }
inventory = { model = "seats", capacity = 10 }
"#;

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Its host and port.
    pub(crate) address: String,
    /// The line it printed when it was ready.
    pub(crate) ready: String,
    stderr: Option<JoinHandle<String>>,
}

impl Server {
    /// Starts the talentshare market with the admin calls.
    pub(crate) fn start(folder: &Path) -> Server {
        Server::market(folder, "talentshare")
    }

    /// Starts this built-in market with the admin calls.
    pub(crate) fn market(folder: &Path, name: &str) -> Server {
        Server::with(folder, &["--market", name, "--admin"])
    }

    /// Starts these markets with the admin calls.
    pub(crate) fn markets(folder: &Path, markets: &[&str]) -> Server {
        let mut flags = vec!["--admin".to_owned()];
        for (index, market) in markets.iter().enumerate() {
            let file = folder.join(format!("market{index}.toml"));
            std::fs::write(&file, market).unwrap();
            flags.extend(["--market".to_owned(), file.display().to_string()]);
        }
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        Server::with(&folder.join("data"), &flags)
    }

    /// Starts on a free port with these flags.
    pub(crate) fn with(data: &Path, flags: &[&str]) -> Server {
        let mut command = command();
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data).args(flags);
        Server::spawn(command)
    }

    /// Starts whatever `command` says, and waits for its ready line.
    pub(crate) fn spawn(command: Command) -> Server {
        Starting::spawn(command).ready()
    }

    /// A client with a connection of its own.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Asks it to stop, and waits. Returns its status and what it wrote to stderr.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        signal("-TERM", self.child.id());
        let status = until("the server ends", || self.child.try_wait().unwrap());
        (status, self.stderr.take().unwrap().join().unwrap())
    }

    /// Ends it like a power cut does.
    pub(crate) fn kill(mut self) {
        signal("-KILL", self.child.id());
        self.child.wait().unwrap();
    }
}

/// A server that is not ready yet.
pub(crate) struct Starting {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
    /// What it wrote to stderr so far.
    said: String,
}

impl Starting {
    pub(crate) fn spawn(mut command: Command) -> Starting {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Starting { child, stdout, stderr, said: String::new() }
    }

    /// Returns the line on stderr with these words, when it comes.
    #[track_caller]
    pub(crate) fn says(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "not said: {words}");
            self.said.push_str(&line);
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Waits for its ready line.
    #[track_caller]
    pub(crate) fn ready(self) -> Server {
        let Starting { mut child, mut stdout, mut stderr, said: mut text } = self;
        let stderr = std::thread::spawn(move || {
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        let address = ready.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        let Some(address) = address.map(str::to_owned) else {
            let status = child.wait().unwrap();
            panic!("not ready: {ready:?}, {status}, stderr: {}", stderr.join().unwrap());
        };
        Server { child, address, ready, stderr: Some(stderr) }
    }

    /// Asks it to stop, and waits.
    pub(crate) fn stop(mut self) -> ExitStatus {
        signal("-TERM", self.child.id());
        until("the server ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(stderr) = self.stderr.take() {
            let text = stderr.join().unwrap_or_default();
            if std::thread::panicking() {
                eprintln!("the server wrote:\n{text}");
            }
        }
    }
}

/// The binary, without the environment of whoever runs the tests.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surehold"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SUREHOLD_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG");
    command
}

/// Sends a signal to one process.
pub(crate) fn signal(signal: &str, pid: u32) {
    let sent = Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(sent.success(), "kill {signal} {pid}");
}

/// Asks again until there is an answer.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
