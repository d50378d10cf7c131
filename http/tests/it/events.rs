//! What is published: committed facts, and a market's own events; as pages, as a batch of CloudEvents
//! and as a stream.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::{Client, connect, read_chunk, read_head};
use crate::server::{CINEMA, GUIDE, Server, until};

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
        Stream::of(server, "cinema", query, headers)
    }

    fn of(server: &Server, market: &str, query: &str, headers: &str) -> Stream {
        let mut to = connect(&server.address).unwrap();
        let path = format!("/v1/{market}/events{query}");
        let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n", server.address);
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
        let (id, name, data) = self.next_of_many()?;
        Some((id.unwrap(), name, data))
    }

    /// The same; of several events of one sequence only the last has an id.
    fn next_of_many(&mut self) -> Option<(Option<u64>, String, Value)> {
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
        let found = (line("id").parse().ok(), line("event"), data);
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

/// Everything that is published, page by page.
fn published(client: &mut Client, market: &str, query: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), json!(0));
    while !after.is_null() {
        let path = format!("/v1/{market}/events?after={after}&limit=7{query}");
        let page = client.get(&path).expect(200).json();
        all.extend(page["items"].as_array().unwrap().clone());
        after = page["next"].clone();
    }
    all
}

/// Waits until exactly these are published, and checks what each says beside its envelope.
fn publishes(client: &mut Client, market: &str, expected: &[(&str, Value)]) {
    let names = |events: &[Value]| -> Vec<Value> {
        events.iter().map(|event| event["eventType"].clone()).collect()
    };
    let wanted: Vec<Value> = expected.iter().map(|(name, _)| json!(name)).collect();
    let mut seen = Vec::new();
    let events = until(&format!("{wanted:?}"), || {
        let events = published(client, market, "");
        seen = names(&events);
        assert!(seen.len() <= wanted.len(), "{seen:?}");
        (seen.len() == wanted.len()).then_some(events)
    });
    assert_eq!(seen, wanted);
    let facts = published(client, market, "&as=facts");
    for (event, (name, fields)) in events.iter().zip(expected) {
        let mut said = event.as_object().unwrap().clone();
        let sequence = said.remove("sequence").unwrap();
        assert_eq!(said.remove("eventType").unwrap(), *name);
        let timestamp = said.remove("timestamp").unwrap();
        assert_eq!(Value::Object(said), *fields, "{name}");
        // The same moment as the fact's, to the second, as yyyyMMddHHmmss.
        let fact = facts.iter().find(|fact| fact["sequence"] == sequence).unwrap();
        let mut digits = fact["timestamp"].as_str().unwrap().to_owned();
        digits.retain(|c| c.is_ascii_digit());
        assert_eq!(timestamp, digits[..14], "{event}");
    }
}

fn order_row(client: &mut Client, path: &str, status: &str) {
    until(&format!("{path}: {status}"), || {
        (client.get(path).json()["status"] == status).then_some(())
    });
}

#[test]
fn talentshare_tells_of_bookings_and_of_their_undoing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    let order =
        json!({"name": "ann", "talentCategory": "Bowling", "cardNo": 7, "status": "Ordered"});
    client.post("/orders", &order).expect(201);
    order_row(&mut client, "/confirmations/1", "Confirmation Complete");
    // What is rolled back never was: nobody is told of order 2.
    client.tell("/v1/admin/participants/payments/stop").expect(202);
    client.post("/orders", &order).expect(500);
    client.tell("/v1/admin/participants/payments/start").expect(202);
    client.json("PATCH", "/orders/1", &json!({"status": "no time"})).expect(200);
    order_row(&mut client, "/cancellations/1", "Confirmation Canceled");
    let secret = json!({"name": "bob", "cardNo": CARD, "status": "Ordered"});
    let third = client.post("/orders", &secret).expect(201);
    assert_eq!(third.header("location").unwrap().rsplit('/').next(), Some("3"));
    order_row(&mut client, "/confirmations/2", "Confirmation Complete");

    let ordered = |status: &str| json!({"id": 1, "name": "ann", "talentCategory": "Bowling", "cardNo": 7, "status": status});
    let paid = |status: &str| json!({"id": 1, "orderId": 1, "cardNo": 7, "status": status});
    let spoken = |id: u64, order: u64, status: &str| json!({"id": id, "orderId": order, "talentCategory": null, "status": status});
    let facts = published(&mut client, "talentshare", "&as=facts");
    let of = |order: u64| facts.iter().filter(|fact| fact["order"] == order).collect::<Vec<_>>();
    assert_eq!(of(1)[0]["eventType"], "OrderPlaced");
    assert!(!of(2).is_empty(), "the facts know of order 2");
    let third = &published(&mut client, "talentshare", "")[6..];
    assert_eq!((&third[0]["id"], &third[0]["status"]), (&json!(3), &json!("Ordered")));
    let card = third[0]["cardNo"].clone();
    assert!(!card.to_string().contains(&CARD[..12]), "{card}");
    let third_id = third[1]["id"].clone();
    publishes(
        &mut client,
        "talentshare",
        &[
            ("Ordered", ordered("Ordered")),
            ("PaymentApproved", paid("Order Submitted")),
            ("ConfirmAccepted", spoken(1, 1, "Confirmation Complete")),
            ("OrderCanceled", ordered("no time")),
            ("PaymentCanceled", paid("Payment Canceled")),
            ("ConfirmCanceled", spoken(1, 1, "Confirmation Canceled")),
            (
                "Ordered",
                json!({"id": 3, "name": "bob", "talentCategory": null, "cardNo": card, "status": "Ordered"}),
            ),
            (
                "PaymentApproved",
                json!({"id": third_id, "orderId": 3, "cardNo": card, "status": "Order Submitted"}),
            ),
            ("ConfirmAccepted", spoken(2, 3, "Confirmation Complete")),
        ],
    );
    for query in ["as=none", "as="] {
        let problem = client.get(&format!("/v1/talentshare/events?{query}")).expect(422).json();
        assert_eq!(problem["field"], "as");
    }
}

#[test]
fn yogiyogi_tells_what_the_operator_says() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "yogiyogi");
    let mut client = server.client();
    let order = json!({"name": "ann", "cardNo": "7", "status": "order start"});
    for id in 1..=3 {
        client.post("/orders", &order).expect(201);
        order_row(&mut client, &format!("/reservations/{id}"), "Reservation Complete");
    }
    let say = |id: u64, status: &str| json!({"orderid": id, "status": status});
    client.post("/confirmations", &say(1, "Confirmed")).expect(201);
    client.post("/confirmations", &say(2, "Confirmation Cancel")).expect(201);
    order_row(&mut client, "/cancellations/1", "Confirmation Canceled");
    client.json("PATCH", "/orders/3", &json!({"status": "ill"})).expect(200);
    order_row(&mut client, "/cancellations/2", "Reservation Canceled");

    let ordered =
        |id: u64, status: &str| json!({"id": id, "name": "ann", "cardNo": 7, "status": status});
    let paid =
        |id: u64, status: &str| json!({"id": id, "orderId": id, "cardNo": 7, "status": status});
    let reserved =
        |id: u64, order: u64, status: &str| json!({"id": id, "orderId": order, "status": status});
    let spoken = |id: u64, status: &str| json!({"id": id, "orderid": id, "status": status});
    let mut expected = Vec::new();
    for id in 1..=3 {
        expected.push(("Ordered", ordered(id, "order start")));
        expected.push(("PaymentApproved", paid(id, "Reservation Good")));
        expected.push(("ReserveAccepted", reserved(id, id, "Reservation Complete")));
    }
    expected.extend([
        ("Confirmed", spoken(1, "Confirmed")),
        ("ConfirmCanceled", spoken(2, "Confirmation Cancel")),
        ("PaymentCanceled", paid(2, "Payment Canceled")),
        ("ReserveCanceled", reserved(1, 2, "Confirmation Canceled")),
        ("OrderCanceled", ordered(3, "ill")),
        ("PaymentCanceled", paid(3, "Payment Canceled")),
        ("ReserveCanceled", reserved(2, 3, "Reservation Canceled")),
    ]);
    publishes(&mut client, "yogiyogi", &expected);
}

#[test]
fn edu_tells_of_courses() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "edu");
    let mut client = server.client();
    let apply = json!({"userId": "eunmi", "eduName": "MSA", "eduId": 1, "status": "EduApplied"});
    client.post("/eduApplications", &apply).expect(201);
    order_row(&mut client, "/eduApplications/1", "EduRegistered");
    client.tell("/v1/admin/participants/payments/stop").expect(202);
    client.post("/eduApplications", &apply).expect(500);
    client.tell("/v1/admin/participants/payments/start").expect(202);
    client.json("PATCH", "/educations/1", &json!({"status": "EduCompleted"})).expect(200);
    order_row(&mut client, "/eduApplications/1", "EduCompleted");
    client.post("/eduApplications", &apply).expect(201);
    order_row(&mut client, "/eduApplications/3", "EduRegistered");
    let cancel = json!({"status": "EduAppCancelled"});
    client.json("PATCH", "/eduApplications/3", &cancel).expect(200);
    order_row(&mut client, "/eduApplications/3", "EduCancelled");

    let row = |app: u64, key: Option<(&str, u64)>, status: &str| {
        let mut row = json!({"appId": app, "userId": "eunmi", "eduName": "MSA", "eduId": 1,
            "status": status});
        if let Some((name, number)) = key {
            row[name] = json!(number);
        }
        row
    };
    // The number of the second payment: the one that was rolled back may have used one up.
    let pay = published(&mut client, "edu", "")[5]["payId"].as_u64().unwrap();
    publishes(
        &mut client,
        "edu",
        &[
            ("EduApplied", row(1, None, "EduApplied")),
            ("Paid", row(1, Some(("payId", 1)), "Paid")),
            ("EduRegistered", row(1, Some(("takingId", 1)), "EduRegistered")),
            ("EduCompleted", row(1, Some(("takingId", 1)), "EduCompleted")),
            ("EduApplied", row(3, None, "EduApplied")),
            ("Paid", row(3, Some(("payId", pay)), "Paid")),
            ("EduRegistered", row(3, Some(("takingId", 2)), "EduRegistered")),
            ("EduAppCancelled", row(3, None, "EduAppCancelled")),
            ("PayCancelled", row(3, Some(("payId", pay)), "PayCancelled")),
            ("EduCancelled", row(3, Some(("takingId", 2)), "EduCancelled")),
        ],
    );
}

/// All CloudEvents of a market, batch by batch, as the links lead.
fn batches(client: &mut Client, market: &str, query: &str) -> Vec<Value> {
    const BATCH: &str = "application/cloudevents-batch+json";
    let (mut all, mut path) = (Vec::new(), format!("/v1/{market}/events?limit=4{query}"));
    loop {
        let batch = client.send("GET", &path, &[("accept", BATCH)], None).unwrap().expect(200);
        assert_eq!(batch.header("content-type"), Some(BATCH));
        all.extend(batch.json().as_array().unwrap().clone());
        let Some(link) = batch.header("link") else { return all };
        let next = link.strip_prefix('<').and_then(|it| it.strip_suffix(">; rel=\"next\""));
        path = next.unwrap().to_owned();
    }
}

fn is_cloud_event(event: &Value, market: &str) {
    let text = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    for name in event.as_object().unwrap().keys() {
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        assert!(plain, "{name} is no name for an attribute");
    }
    assert_eq!(text("specversion"), Some("1.0"));
    assert!(text("id").is_some() && text("source").is_some(), "{event}");
    let kind = text("type").unwrap();
    assert!(kind.starts_with(&format!("surehold.{market}.")), "{kind}");
    assert!(text("time").unwrap().parse::<Timestamp>().is_ok(), "{event}");
    assert_eq!(text("datacontenttype"), Some("application/json"));
    assert!(text("subject").unwrap().contains('/'), "{event}");
    assert!(event["data"].is_object() && event["data"].get("eventType").is_none(), "{event}");
}

#[test]
fn batches_are_cloud_events() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    assert_eq!(batches(&mut client, "talentshare", ""), [] as [Value; 0]);
    for name in ["ann", "bob", "eve"] {
        let order = json!({"name": name, "cardNo": CARD, "status": "Ordered"});
        client.post("/orders", &order).expect(201);
    }
    order_row(&mut client, "/confirmations/3", "Confirmation Complete");
    client.json("PATCH", "/orders/2", &json!({"status": "no"})).expect(200);
    order_row(&mut client, "/cancellations/1", "Confirmation Canceled");
    let events = until("twelve events", || {
        let events = published(&mut client, "talentshare", "");
        (events.len() == 12).then_some(events)
    });
    let batch = batches(&mut client, "talentshare", "");
    assert_eq!(batch.len(), events.len());
    for (cloud, event) in batch.iter().zip(&events) {
        is_cloud_event(cloud, "talentshare");
        assert_eq!(
            cloud["type"],
            format!("surehold.talentshare.{}", event["eventType"].as_str().unwrap())
        );
        assert_eq!(
            (&cloud["data"]["status"], &cloud["data"]["id"]),
            (&event["status"], &event["id"])
        );
        assert!(!cloud.to_string().contains(CARD));
    }
    let facts = batches(&mut client, "talentshare", "&as=facts");
    assert!(facts.len() > batch.len());
    facts.iter().for_each(|fact| is_cloud_event(fact, "talentshare"));
    // Asked again, they are the same events.
    assert_eq!(batches(&mut client, "talentshare", ""), batch);
}

#[test]
fn two_events_never_share_source_and_id() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    client.post("/orders", &json!({"name": "ann", "cardNo": 7, "status": "Ordered"})).expect(201);
    order_row(&mut client, "/confirmations/1", "Confirmation Complete");
    let mut named: BTreeMap<(String, String), Value> = BTreeMap::new();
    // A market's own event and the fact it tells of are two events, of one sequence.
    for query in ["", "&as=facts"] {
        for event in batches(&mut client, "talentshare", query) {
            let name = (event["source"].to_string(), event["id"].to_string());
            if let Some(other) = named.insert(name, event.clone()) {
                panic!("two events with one source and id:\n{other}\n{event}");
            }
        }
    }
}

/// Reads a market's stream while orders are placed, coming back again and again, and finds what the
/// pages show, each once and in order. `per_order` says how many events an order has.
fn streams_without_loss(market: &str, path: &str, order: &Value, per_order: usize) {
    const ORDERS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), market);
    let mut heard: Vec<Value> = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = server.client();
            for _ in 0..ORDERS {
                client.post(path, order).expect(201);
            }
        });
        let (mut last, mut seen) = (0, BTreeSet::new());
        for length in (1..).map(|round: usize| round % 7 + 1) {
            // A stream may break between two events of one sequence: then both come again.
            let headers = format!("last-event-id: {last}\r\n");
            let mut stream = Stream::of(&server, market, "", &headers);
            for _ in 0..length {
                let (id, name, data) = stream.next_of_many().unwrap();
                let sequence = data["sequence"].as_u64().unwrap();
                assert!(sequence > last, "{name} {sequence} came after {last}");
                assert!(id.is_none_or(|id| id == sequence) && data["eventType"] == name);
                if seen.insert((sequence, name)) {
                    heard.push(data);
                }
                last = id.unwrap_or(last);
                if heard.len() == ORDERS * per_order {
                    return;
                }
            }
            // What is cut off here is read again from the place that was told last.
            drop(stream);
        }
    });
    assert_eq!(heard, published(&mut server.client(), market, ""));
}

#[test]
fn a_stream_of_talentshare_loses_nothing() {
    let order = json!({"name": "ann", "cardNo": 7, "status": "Ordered"});
    streams_without_loss("talentshare", "/orders", &order, 3);
}

#[test]
fn a_stream_of_yogiyogi_loses_nothing() {
    let order = json!({"name": "ann", "cardNo": 7, "status": "order start"});
    streams_without_loss("yogiyogi", "/orders", &order, 3);
}

#[test]
fn a_stream_of_edu_loses_nothing() {
    let order = json!({"userId": "ann", "eduName": "MSA", "eduId": 1, "status": "EduApplied"});
    streams_without_loss("edu", "/eduApplications", &order, 3);
}
