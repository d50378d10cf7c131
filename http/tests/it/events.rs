//! Committed facts, as pages and as a stream.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::client::{connect, read_chunk, read_head};
use crate::server::{CINEMA, GUIDE, Server};

const CARD: &str = "4242424242424242";

fn place(server: &Server, market: &str) -> Value {
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": CARD}});
    server.client().post(&format!("/v1/{market}/orders"), &order).json()
}

#[test]
fn pages_tell_everything_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA, GUIDE]);
    assert_eq!(place(&server, "cinema")["id"], 1);
    assert_eq!(place(&server, "guide")["id"], 1);
    let mut client = server.client();
    let (mut all, mut after) = (Vec::new(), json!(0));
    loop {
        let page = client.get(&format!("/v1/cinema/events?after={after}&limit=2")).expect(200);
        assert!(!page.body.contains(CARD), "{}", page.body);
        let page = page.json();
        all.extend(page["items"].as_array().unwrap().clone());
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    let sequences: Vec<_> = all.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.is_sorted_by(|one, next| one < next), "{sequences:?}");
    let of_order: Vec<_> = all.iter().filter(|event| event["order"] == 1).collect();
    assert_eq!(of_order[0]["eventType"], "OrderPlaced");
    assert_eq!(of_order[0]["data"]["card_last4"], "4242");
    assert!(of_order.iter().any(|event| event["eventType"] == "OrderPaid"));
    assert!(all.iter().any(|event| event["offering"] == 3));
    assert!(!all.iter().any(|event| event["data"]["name"] == "Tour"), "another market's");
    for (query, field) in [("after=-1", "after"), ("limit=0", "limit"), ("limit=1001", "limit")] {
        let problem = client.get(&format!("/v1/cinema/events?{query}")).expect(422).json();
        assert_eq!(problem["field"], field);
    }
}

/// A stream of events.
struct Stream {
    from: BufReader<TcpStream>,
    text: String,
}

impl Stream {
    fn open(server: &Server, query: &str, headers: &str) -> Stream {
        let mut to = connect(&server.address).unwrap();
        let head = format!("GET /v1/cinema/events{query} HTTP/1.1\r\nhost: {}\r\n", server.address);
        let accept = "accept: text/event-stream\r\n";
        to.write_all(format!("{head}{accept}{headers}\r\n").as_bytes()).unwrap();
        let mut from = BufReader::new(to);
        let (status, headers) = read_head(&mut from).unwrap();
        assert_eq!(status, 200, "{headers:?}");
        assert!(headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned())));
        Stream { from, text: String::new() }
    }

    /// The next event: its id, its name and its data; `None` at the end.
    fn next(&mut self) -> Option<(u64, String, Value)> {
        while !self.text.contains("\n\n") {
            let chunk = read_chunk(&mut self.from).unwrap()?;
            self.text.push_str(&String::from_utf8(chunk).unwrap());
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let line = |name: &str| {
            let line = event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim_start_matches(':').trim().to_owned()
        };
        let data = serde_json::from_str(&line("data")).unwrap();
        let found = (line("id").parse().unwrap(), line("event"), data);
        self.text = rest.to_owned();
        Some(found)
    }
}

#[test]
fn a_stream_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    place(&server, "cinema");
    let mut stream = Stream::open(&server, "?after=0", "");
    let mut paid = None;
    while paid.is_none() {
        let (id, name, data) = stream.next().unwrap();
        assert_eq!((&data["sequence"], &data["eventType"]), (&json!(id), &json!(name)));
        assert!(!data.to_string().contains(CARD));
        paid = (name == "OrderPaid").then_some(id);
    }
    drop(stream);
    let paid = paid.unwrap();
    // The header wins over the query, as it does when a browser comes back by itself.
    let mut stream = Stream::open(&server, "?after=0", &format!("last-event-id: {paid}\r\n"));
    let (next, ..) = stream.next().unwrap();
    assert!(next > paid);
    let second = place(&server, "cinema");
    loop {
        let (_, name, data) = stream.next().unwrap();
        if name == "OrderPlaced" {
            assert_eq!(data["order"], second["id"]);
            break;
        }
    }
    // Streams do not hold up the end of the server, and end with it.
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0));
    while stream.next().is_some() {}
    assert_eq!(stream.from.fill_buf().unwrap_or_default(), b"");
}
