//! A server that behaves like Stripe: localstripe, a program of others, behind a front of ours that
//! adds what it lacks. The front answers a repeated idempotency key with the first answer, can lose
//! answers and can be blind, and remembers what it was asked.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;

use crate::client::{Answer, Client};
use crate::pypi::programs;

/// The release of localstripe that is played against.
const LOCALSTRIPE: &str = "localstripe==1.15.10";
/// The key that the tests use.
pub(crate) const KEY: &str = "sk_test_0123456789abcdefWXYZ";

/// A Stripe of our own.
pub(crate) struct Stripe {
    child: Child,
    /// Where localstripe is.
    direct: String,
    /// Where our front is.
    pub(crate) url: String,
    front: Arc<Mutex<Front>>,
}

/// What the front does and has seen.
#[derive(Default)]
pub(crate) struct Front {
    /// So many answers to charges are lost: what was asked for is done.
    pub(crate) lose: u32,
    /// Nothing is answered but 500; what is asked for is done.
    pub(crate) blind: bool,
    /// Method, path and idempotency key of what came.
    pub(crate) seen: Vec<(String, String, String)>,
    answered: HashMap<String, Answer>,
}

struct Asked {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Stripe {
    pub(crate) fn start() -> Stripe {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stripe_server.py");
        let mut child = Command::new(python())
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let direct = format!("127.0.0.1:{}", port.trim());
        assert!(!port.trim().is_empty(), "localstripe did not start");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let front = Arc::<Mutex<Front>>::default();
        let (shared, behind) = (Arc::clone(&front), direct.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared, behind) = (stream.unwrap(), shared.clone(), behind.clone());
                std::thread::spawn(move || serve(&stream, &shared, &behind).unwrap_or_default());
            }
        });
        Stripe { child, direct, url, front }
    }

    pub(crate) fn front(&self) -> MutexGuard<'_, Front> {
        self.front.lock().unwrap()
    }

    /// All objects of this kind, as localstripe has them.
    pub(crate) fn all(&self, kind: &str) -> Vec<Value> {
        let token = format!("Bearer {KEY}");
        let path = format!("/v1/{kind}?limit=1000");
        let headers = [("authorization", token.as_str())];
        let answer = Client::new(&self.direct).send("GET", &path, &headers, None).unwrap();
        answer.expect(200).json()["data"].as_array().unwrap().clone()
    }

    /// Has localstripe tell what happens at this address.
    pub(crate) fn tell(&self, url: &str, secret: &str) {
        let body = serde_json::json!({"url": url, "secret": secret});
        Client::new(&self.direct).post("/_config/webhooks/one", &body).expect(200);
    }
}

impl Drop for Stripe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(stream: &TcpStream, front: &Mutex<Front>, behind: &str) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader)? {
        let header = |name: &str| asked.headers.iter().find(|(known, _)| known == name);
        let key = header("idempotency-key").map(|(_, key)| key.clone()).unwrap_or_default();
        let (blind, first) = {
            let mut front = front.lock().unwrap();
            front.seen.push((asked.method.clone(), asked.path.clone(), key.clone()));
            (front.blind, front.answered.get(&key).cloned())
        };
        let answer = match first {
            Some(answer) => answer,
            None => forward(&asked, behind)?,
        };
        let mut front = front.lock().unwrap();
        if !key.is_empty() {
            front.answered.insert(key, answer.clone());
        }
        if front.lose > 0 && asked.method == "POST" && asked.path == "/v1/payment_intents" {
            front.lose -= 1;
            return Ok(());
        }
        drop(front);
        let (status, body) = if blind { (500, "") } else { (answer.status, answer.body.as_str()) };
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\n\r\n");
        let mut writer = stream;
        writer.write_all(format!("{head}{body}").as_bytes())?;
    }
    Ok(())
}

fn forward(asked: &Asked, behind: &str) -> std::io::Result<Answer> {
    let passed = ["authorization", "content-type"];
    let headers = asked.headers.iter().filter(|(name, _)| passed.contains(&name.as_str()));
    let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = (asked.method == "POST").then_some(asked.body.as_slice());
    Client::new(behind).send(&asked.method, &asked.path, &headers, body)
}

/// Reads one request; `None` at the end of the connection.
fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body)?;
    Ok(Some(Asked { method, path, headers, body }))
}

/// The Python that has localstripe.
pub(crate) fn python() -> PathBuf {
    programs(LOCALSTRIPE).join("python")
}
