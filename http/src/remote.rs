//! `surehold rebuild-views`: asks a running server to build its views anew, and shows how far it is.

use std::io::{IsTerminal, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long the server may take for one answer.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// Width of the bar.
const BAR: usize = 40;

/// Has the views of the server at this address built anew, and returns when they are.
///
/// # Errors
/// One line that says what went wrong and what to do.
pub fn rebuild_views(server: SocketAddr, token: Option<&str>) -> Result<String, String> {
    let ask = |method: &str, path: &str| ask(server, token, method, path);
    ask("POST", "/v1/admin/views/rebuild")?;
    let bar = Bar::new();
    loop {
        let progress = ask("GET", "/v1/admin/views")?;
        let number = |name: &str| progress[name].as_u64();
        let last = number("last").unwrap_or(0);
        let Some(reached) = number("rebuilding") else {
            bar.end(last);
            return Ok(format!("the views were built anew from {last} records"));
        };
        bar.show(reached, last);
        std::thread::park_timeout(PAUSE);
    }
}

/// A bar on a terminal; nothing where nobody looks.
pub(crate) struct Bar {
    drawn: bool,
}

impl Bar {
    pub(crate) fn new() -> Bar {
        Bar { drawn: std::io::stderr().is_terminal() }
    }

    pub(crate) fn show(&self, reached: u64, last: u64) {
        if !self.drawn {
            return;
        }
        let share = |of: u64| of.saturating_mul(reached.min(last)) / last.max(1);
        let full = usize::try_from(share(BAR as u64)).unwrap_or(BAR);
        let (done, left) = ("#".repeat(full), "-".repeat(BAR - full.min(BAR)));
        let line = format!("\r[{done}{left}] {:3}%  {reached} of {last} records", share(100));
        // Whether it can be seen is nothing to fail for.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }

    pub(crate) fn end(&self, last: u64) {
        self.show(last, last);
        if self.drawn {
            let _ = std::io::stderr().write_all(b"\n");
        }
    }
}

/// One request, one answer, one connection.
fn ask(server: SocketAddr, token: Option<&str>, method: &str, path: &str) -> Result<Value, String> {
    let silent = |error: std::io::Error| {
        format!(
            "no server answers on {server} ({error}); start one with --admin, or say where it is \
             with --listen"
        )
    };
    let mut stream = TcpStream::connect_timeout(&server, ANSWER_WAIT).map_err(silent)?;
    stream.set_read_timeout(Some(ANSWER_WAIT)).map_err(silent)?;
    let bearer = token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\ncontent-length: 0\r\n\
         {bearer}\r\n"
    );
    stream.write_all(head.as_bytes()).map_err(silent)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(silent)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer.as_str(), ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    match status {
        "200" | "202" => Ok(body),
        "404" => Err(format!("the server on {server} has no admin calls; start it with --admin")),
        _ => {
            let detail = body["detail"].as_str().unwrap_or("it said no more");
            Err(format!("the server on {server} answered {status}: {detail}"))
        }
    }
}
