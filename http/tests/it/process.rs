//! The process contract: how it starts, refuses to start, and ends.

use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::payment_service::Service;
use crate::server::{CINEMA, Server, command, until};

/// Runs a start that must fail, and returns its one line on stderr.
#[track_caller]
pub(crate) fn refused(flags: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = command();
    // Should it start after all, then not with a data folder among the sources.
    let folder = tempfile::tempdir().unwrap();
    command.current_dir(folder.path());
    command.args(flags).envs(environment.iter().copied()).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(2), "{stdout}{stderr}");
    assert_eq!(stdout, "");
    let lines: Vec<_> = stderr.lines().filter(|line| !line.starts_with("INFO ")).collect();
    assert_eq!(lines.len(), 1, "{stderr}");
    lines[0].to_owned()
}

#[test]
fn help_is_complete() {
    for flags in [&["--help"][..], &["serve", "--help"], &["help", "serve"]] {
        let output = command().args(flags).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        for word in ["--listen", "--data", "--market", "--config", "--admin", "SUREHOLD_MARKET"] {
            assert!(text.contains(word), "{word} is missing in:\n{text}");
        }
        for word in ["--max-connections", "--rate-limit", "--rate-burst", "--trusted-proxy"] {
            assert!(text.contains(word), "{word} is missing in:\n{text}");
        }
        for word in ["--keep-records", "SUREHOLD_KEEP_RECORDS"] {
            assert!(text.contains(word), "{word} is missing in:\n{text}");
        }
        for word in ["--wait-for-data", "SUREHOLD_WAIT_FOR_DATA", "[patience]"] {
            assert!(text.contains(word), "{word} is missing in:\n{text}");
        }
        assert!(text.contains("SUREHOLD_ADMIN_TOKEN") && !text.contains("--echo"), "{text}");
    }
    let unknown = command().arg("--lisen=1").output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn says_where_it_is_and_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    assert!(server.ready.starts_with("surehold is ready on http://127.0.0.1:"), "{}", server.ready);
    assert!(server.ready.contains(&format!("data in {}", folder.path().display())));
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "7"}});
    server.client().post("/v1/talentshare/orders", &order).expect(201);
    let began = Instant::now();
    let (status, stderr) = server.stop();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("INFO payments: sandbox: no real money moves"), "{stderr}");

    let server = Server::start(folder.path());
    let found = server.client().get("/v1/talentshare/orders/1").expect(200).json();
    assert_eq!(found["customer"], "ann");
}

#[test]
fn finishes_what_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("surehold.toml");
    std::fs::write(&config, "[sandbox]\ndelay = \"2 s\"\n").unwrap();
    let data = folder.path().join("data");
    let server = Server::with(&data, &["--config", config.to_str().unwrap()]);
    let mut client = server.client();
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "7"}});
    let placing = std::thread::spawn(move || client.post("/v1/talentshare/orders", &order));
    let mut other = server.client();
    until("the order is under way", || {
        let list = other.get("/v1/talentshare/orders").json();
        (!list["items"].as_array()?.is_empty()).then_some(())
    });
    let (status, stderr) = server.stop();
    placing.join().unwrap().expect(201);
    assert_eq!(status.code(), Some(0), "{stderr}");
}

/// Takes as long as a server that stops waits for requests: that is what it is about.
#[test]
fn what_takes_too_long_is_said_to_be_on_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Service::holding();
    let data = folder.path().join("data");
    let flags = ["--payment-url", &gateway.url, "--market", "talentshare"];
    let server = Server::with(&data, &flags);
    let mut client = server.client();
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "tok-7"}});
    let placing = std::thread::spawn(move || client.post("/v1/talentshare/orders", &order));
    let mut other = server.client();
    until("the order is under way", || {
        let list = other.get("/v1/talentshare/orders").json();
        (!list["items"].as_array()?.is_empty()).then_some(())
    });
    drop(other);
    let began = Instant::now();
    let (status, _) = server.stop();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(status.code(), Some(0));
    let told = placing.join().unwrap().expect(202).json();
    assert_eq!(told["phase"], "paying", "{told}");
    gateway.release();
    let server = Server::with(&data, &flags);
    until("the next server finishes it", || {
        let order = server.client().get("/v1/talentshare/orders/1").json();
        (order["payment"]["state"] == "captured").then_some(())
    });
}

#[test]
fn two_servers_never_share_a_folder_or_a_port() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let data = folder.path().to_str().unwrap();
    let line = refused(&["--listen", "127.0.0.1:0", "--data", data], &[]);
    assert!(line.contains(data) && line.contains("in use"), "{line}");
    let other = tempfile::tempdir().unwrap();
    let other = other.path().to_str().unwrap();
    let line = refused(&["--listen", &server.address, "--data", other], &[]);
    assert!(line.contains(&server.address), "{line}");
    server.client().get("/readyz").expect(200);
}

#[test]
fn bad_settings_are_named_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let market = file("bad.toml", &CINEMA.replace("capacity = 3", "capacity = 0"));
    let config = file("config.toml", "listn = \"127.0.0.1:1\"");
    let missing = folder.path().join("missing.toml");
    for (flags, words) in [
        (vec!["--market", &market], ["bad.toml", "offerings[0].inventory.capacity"]),
        (vec!["--market", missing.to_str().unwrap()], ["missing.toml", "cannot be read"]),
        (vec!["--market", "nowhere"], ["nowhere", "neither"]),
        (vec!["--config", &config], ["config.toml", "listn"]),
        (vec!["--listen", "here"], ["--listen", "here"]),
        (vec!["--trusted-proxy", "10.0.0.1/8"], ["--trusted-proxy", "10.0.0.1/8"]),
        (vec!["--rate-burst", "5"], ["--rate-burst", "--rate-limit"]),
        (vec!["--cors-origin", "*,https://a"], ["--cors-origin", "cannot stand beside others"]),
        (vec!["--cors-origin", "https://a/"], ["--cors-origin", "https://a/"]),
        (vec!["--listen", "0.0.0.0:0", "--admin"], ["0.0.0.0", "SUREHOLD_ADMIN_TOKEN"]),
        (vec!["check-market", &market], ["bad.toml", "capacity"]),
    ] {
        let line = refused(&flags, &[]);
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
    let line = refused(&[], &[("SUREHOLD_MARKET", "talentshare,gasstaton")]);
    assert!(line.contains("gasstaton"), "{line}");
    let good = file("good.toml", CINEMA);
    let output = command().args(["check-market", &good]).output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), b"ok\n".as_slice()));
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("cinema.toml");
    std::fs::write(&market, CINEMA).unwrap();
    let config = folder.path().join("config.toml");
    let text = "listen = \"127.0.0.1:1\"\nmarket = [\"edu\"]\nadmin = true\n";
    std::fs::write(&config, text).unwrap();
    let mut command = command();
    command
        .args(["--listen", "127.0.0.1:0", "serve", "--data"])
        .arg(folder.path().join("data"))
        .env("SUREHOLD_LISTEN", "127.0.0.1:2")
        .env("SUREHOLD_MARKET", format!("talentshare,{}", market.display()))
        .env("SUREHOLD_CONFIG", &config);
    let server = Server::spawn(command);
    assert!(server.ready.trim_end().ends_with("markets: talentshare, cinema"), "{}", server.ready);
    server.client().get("/v1/admin/tree").expect(200);
    server.client().get("/v1/cinema/offerings/1").expect(200);
}

#[test]
fn admin_calls_are_closed_or_guarded() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with(folder.path(), &["--market", "talentshare"]);
    for path in ["/v1/admin/tree", "/v1/admin/audit", "/v1/admin/nothing"] {
        server.client().get(path).expect(404);
    }
    server.client().tell("/v1/admin/participants/payments/stop").expect(404);
    server.stop();

    let mut command = command();
    command.args(["--listen", "0.0.0.0:0", "--admin", "--data"]).arg(folder.path());
    let server = Server::spawn({
        command.env("SUREHOLD_ADMIN_TOKEN", "s3cret");
        command
    });
    let port = server.address.rsplit(':').next().unwrap().to_owned();
    let mut client = Client::new(&format!("127.0.0.1:{port}"));
    let mut tree = |token: Option<&str>| {
        let header = token.map(|token| ("authorization", token));
        client.send("GET", "/v1/admin/tree", header.as_slice(), None).unwrap()
    };
    assert_eq!(tree(None).expect(401).header("www-authenticate"), Some("Bearer"));
    for wrong in ["Bearer s3cre", "Bearer s3crett", "Bearer ", "Basic s3cret", "s3cret"] {
        tree(Some(wrong)).expect(401);
    }
    tree(Some("Bearer s3cret")).expect(200);
    let (_, stderr) = server.stop();
    assert!(!stderr.contains("s3cret"), "{stderr}");
}
