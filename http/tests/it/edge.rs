//! Clients that are too slow, too many, or do not listen: each is cut or told so, and nobody else
//! notices.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, connect, read, read_chunk, read_head};
use crate::server::{CINEMA, Server, command, until};

/// How long clients may take here: as little as goes.
const HASTY: &str = "[patience]\nhead = \"1 s\"\nidle = \"1 s\"\nbody = \"1 s\"\nsend = \"1 s\"\n";
/// What that comes to at most, with the sweep's second and a busy machine.
const SOON: Duration = Duration::from_secs(6);

fn hasty(folder: &std::path::Path) -> Server {
    let (config, market) = (folder.join("surehold.toml"), folder.join("cinema.toml"));
    std::fs::write(&config, HASTY).unwrap();
    std::fs::write(&market, CINEMA).unwrap();
    let flags = ["--config", config.to_str().unwrap(), "--market", market.to_str().unwrap()];
    Server::with(&folder.join("data"), &flags)
}

/// Whether the server has ended the connection; bytes that it sent are skipped.
fn ended(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let ended = match stream.read(&mut [0; 4096]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).unwrap();
    ended
}

/// A counter of the server's, 0 if it is not there.
fn metric(server: &Server, line: &str) -> u64 {
    let metrics = server.client().get("/metrics").body;
    let value = metrics.lines().find_map(|found| found.strip_prefix(line));
    value.map_or(0, |value| value.trim().parse().unwrap())
}

#[test]
fn slow_heads_and_silence_are_cut_but_no_stream() {
    let folder = tempfile::tempdir().unwrap();
    let server = hasty(folder.path());
    let mut events = BufReader::new(connect(&server.address).unwrap());
    let ask =
        "GET /v1/cinema/events?after=1000000 HTTP/1.1\r\nhost: a\r\naccept: text/event-stream";
    write!(events.get_mut(), "{ask}\r\n\r\n").unwrap();
    assert_eq!(read_head(&mut events).unwrap().0, 200);

    let began = Instant::now();
    let silent = connect(&server.address).unwrap();
    let mut kept = connect(&server.address).unwrap();
    write!(kept, "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut slow = connect(&server.address).unwrap();
    write!(slow, "GET /livez HTTP/1.1\r\nhost: ").unwrap();
    let mut open = vec![silent, kept];
    let mut still_slow = true;
    until("all three are cut", || {
        // Every byte comes in time, the head does not.
        still_slow = still_slow && slow.write_all(b"a").is_ok() && !ended(&mut slow);
        open.retain_mut(|stream| !ended(stream));
        server.client().get("/livez").expect(200);
        (open.is_empty() && !still_slow).then_some(())
    });
    assert!(began.elapsed() > Duration::from_millis(900), "{:?}", began.elapsed());
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(metric(&server, "surehold_connections_cut_total{why=\"head\"}"), 2);
    assert_eq!(metric(&server, "surehold_connections_cut_total{why=\"idle\"}"), 1);

    let stream = json!({"customer": "ann", "offering": 2, "payment": {"card": "7"}});
    let mut fresh = BufReader::new(connect(&server.address).unwrap());
    write!(
        fresh.get_mut(),
        "GET /v1/cinema/events HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n\r\n"
    )
    .unwrap();
    server.client().post("/v1/cinema/orders", &stream).expect(201);
    assert_eq!(read_head(&mut fresh).unwrap().0, 200);
    assert!(read_chunk(&mut fresh).unwrap().is_some());
    // The old one was silent all the time, and is there.
    assert!(!ended(events.get_mut()));
}

#[test]
fn a_body_that_trickles_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let server = hasty(folder.path());
    let mut slow = connect(&server.address).unwrap();
    let head = "POST /v1/cinema/orders HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    write!(slow, "{head}content-length: 1000\r\n\r\n{{").unwrap();
    let began = Instant::now();
    let mut reader = BufReader::new(slow.try_clone().unwrap());
    let answer = std::thread::scope(|scope| {
        let trickling = scope.spawn(|| {
            // Until the connection is ended.
            while slow.write_all(b" ").is_ok() && began.elapsed() < SOON {
                std::thread::park_timeout(Duration::from_millis(50));
            }
        });
        let answer = read(&mut reader, true).unwrap();
        server.client().get("/livez").expect(200);
        trickling.join().unwrap();
        answer
    });
    assert_eq!((answer.status, &answer.json()["type"]), (408, &json!("/problems/too-slow")));
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn who_does_not_read_is_cut_and_others_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let server = hasty(folder.path());
    let mut desk = server.client();
    for number in 0..30 {
        let long: serde_json::Map<_, _> =
            (0..30).map(|n| (format!("k{n}"), json!("x".repeat(1000)))).collect();
        let name = format!("Offering {number}");
        let inventory = json!({"model": "unlimited"});
        let new = json!({"name": name, "inventory": inventory, "attributes": long});
        desk.post("/v1/cinema/offerings", &new).expect(201);
    }
    let list = "/v1/cinema/offerings?limit=1000";
    let bytes = desk.get(list).expect(200).body.len();
    assert!(bytes > 800_000, "{bytes}");

    let mut deaf = connect(&server.address).unwrap();
    let asked = format!("GET {list} HTTP/1.1\r\nhost: a\r\n\r\n").repeat(60);
    deaf.write_all(asked.as_bytes()).unwrap();
    let began = Instant::now();
    until("it is cut", || {
        server.client().get(list).expect(200);
        let cut = metric(&server, "surehold_connections_cut_total{why=\"send\"}");
        (cut == 1).then_some(())
    });
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let mut rest = Vec::new();
    // What the system had taken may still come, or be lost.
    let _ = deaf.read_to_end(&mut rest);
    assert!(rest.len() < 60 * bytes, "{} bytes of {}", rest.len(), 60 * bytes);
}

#[test]
fn who_is_one_too_many_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with(folder.path(), &["--max-connections", "3"]);
    let mut inside: Vec<Client> = (0..3).map(|_| server.client()).collect();
    for client in &mut inside {
        client.get("/livez").expect(200);
    }
    for _ in 0..50 {
        let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "7"}});
        let refused = server.client().post("/v1/talentshare/orders", &order).expect(503);
        assert_eq!(refused.json()["type"], "/problems/unavailable");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(refused.header("connection"), Some("close"));
    }
    // One who says nothing hears it as well.
    let mut quiet = BufReader::new(connect(&server.address).unwrap());
    assert_eq!(read(&mut quiet, true).unwrap().status, 503);
    let metrics = inside[0].get("/metrics").body;
    assert!(metrics.contains("\nsurehold_connections 3\n"), "{metrics}");
    assert!(metrics.contains("\nsurehold_connections_refused_total 51\n"), "{metrics}");
    inside.pop();
    until("there is room again", || (server.client().get("/livez").status == 200).then_some(()));
    inside[0].get("/v1/talentshare/orders/1").expect(404);
}

#[test]
fn hardly_any_files_are_enough_to_refuse_and_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let inner = command();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 96 && exec \"$0\" \"$@\""]).arg(inner.get_program());
    for (name, value) in inner.get_envs().filter(|(_, value)| value.is_none()) {
        assert!(value.is_none());
        limited.env_remove(name);
    }
    limited.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path());
    let server = Server::spawn(limited);
    let mut first = server.client();
    first.get("/livez").expect(200);
    // More than the process may have files. Each is let in, refused, or waits in the system's queue.
    let crowd: Vec<_> = (0..200).map(|_| connect(&server.address).unwrap()).collect();
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "7"}});
    for _ in 0..20 {
        first.post("/v1/talentshare/orders", &order).expect(201);
    }
    drop(crowd);
    until("there is room again", || {
        let answer = server.client().send("GET", "/livez", &[], None);
        answer.is_ok_and(|answer| answer.status == 200).then_some(())
    });
    let (status, stderr) = server.stop();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("fewer connections than asked for"), "{stderr}");
}
