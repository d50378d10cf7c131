//! Pages in a browser: who may call, and who may read what.

use crate::client::{Answer, Client};
use crate::server::{Server, command};

const SHOP: (&str, &str) = ("origin", "https://shop.example");

fn ask(client: &mut Client, path: &str, origin: (&str, &str)) -> Answer {
    let headers = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type, idempotency-key"),
    ];
    client.send("OPTIONS", path, &headers, None).unwrap()
}

fn allowed(answer: &Answer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

#[test]
fn every_page_may_call_without_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    for path in ["/orders", "/v1/talentshare/orders", "/nowhere/at/all", "/"] {
        let may = ask(&mut client, path, SHOP).expect(204);
        assert_eq!((allowed(&may), may.body.as_str()), (Some("*"), ""), "{path}");
        let methods = may.header("access-control-allow-methods").unwrap();
        assert!(["POST", "PATCH", "DELETE"].iter().all(|method| methods.contains(method)));
        let headers = may.header("access-control-allow-headers");
        assert_eq!(headers, Some("content-type, idempotency-key"));
        assert!(may.header("access-control-max-age").is_some());
        assert_eq!(may.header("access-control-allow-credentials"), None);
    }
    let body = Some(b"{\"name\":\"ann\"}".as_slice());
    let made = client.send("POST", "/orders", &[SHOP], body).unwrap().expect(201);
    assert_eq!((allowed(&made), made.header("vary")), (Some("*"), None));
    assert_eq!(
        made.header("access-control-expose-headers"),
        Some("Location, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset")
    );
    for path in ["/orders/99", "/v1/talentshare/orders/99", "/nowhere"] {
        let lost = client.send("GET", path, &[SHOP], None).unwrap().expect(404);
        assert_eq!(allowed(&lost), Some("*"), "{path}");
    }
    assert_eq!(allowed(&client.get("/orders")), None);
}

#[test]
fn the_operators_calls_are_for_no_page() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    for path in ["/v1/admin/tree", "/v1/admin/audit", "/metrics"] {
        let read = client.send("GET", path, &[SHOP], None).unwrap().expect(200);
        assert_eq!(allowed(&read), None, "{path}");
        let refused = ask(&mut client, path, SHOP).expect(405);
        assert_eq!(allowed(&refused), None, "{path}");
    }
    // Without the headers of a page it is a method like any other.
    let refused = client.send("OPTIONS", "/orders", &[SHOP], None).unwrap().expect(405);
    assert_eq!(refused.header("allow"), Some("GET, POST"));
}

#[test]
fn listed_origins_may_call_with_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--cors-origin", "https://shop.example", "--cors-origin", "http://localhost:3000"];
    let server = Server::with(folder.path(), &flags);
    let mut client = server.client();
    for origin in [SHOP, ("origin", "http://localhost:3000")] {
        let read = client.send("GET", "/orders", &[origin], None).unwrap().expect(200);
        assert_eq!((allowed(&read), read.header("vary")), (Some(origin.1), Some("Origin")));
        assert_eq!(read.header("access-control-allow-credentials"), Some("true"));
        let may = ask(&mut client, "/orders", origin).expect(204);
        assert_eq!(allowed(&may), Some(origin.1));
    }
    for origin in [("origin", "https://shop.example.evil"), ("origin", "null")] {
        let read = client.send("GET", "/orders", &[origin], None).unwrap().expect(200);
        assert_eq!((allowed(&read), read.header("vary")), (None, Some("Origin")));
        let asked = ask(&mut client, "/orders", origin).expect(204);
        assert_eq!((allowed(&asked), asked.header("access-control-allow-methods")), (None, None));
    }
    assert_eq!(client.get("/orders").header("vary"), Some("Origin"));
    assert_eq!(client.get("/metrics").header("vary"), None);
}

#[test]
fn origins_come_from_the_environment_and_the_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "cors_origin = [\"https://file.example\"]\n").unwrap();
    let start = |variable: Option<&str>| {
        let mut command = command();
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data"));
        command.arg("--config").arg(&config);
        if let Some(origins) = variable {
            command.env("SUREHOLD_CORS_ORIGIN", origins);
        }
        Server::spawn(command)
    };
    let server = start(None);
    let file = ("origin", "https://file.example");
    let read = server.client().send("GET", "/", &[file], None).unwrap();
    assert_eq!(allowed(&read), Some("https://file.example"));
    server.stop();
    let server = start(Some("https://a.example,https://b.example"));
    let read = server.client().send("GET", "/", &[file], None).unwrap();
    assert_eq!(allowed(&read), None);
    let other = ("origin", "https://b.example");
    let read = server.client().send("GET", "/", &[other], None).unwrap();
    assert_eq!(allowed(&read), Some("https://b.example"));
}
