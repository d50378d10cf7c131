//! The contract that the collections of all dialects share. What is checked of each collection
//! follows from what the index shows.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::{Server, until};

/// Makes something happen in a market whose paths begin so.
type Fill = fn(&mut Client, &str);

/// A market, how many collections it has, and what brings rows into all of them but `accounts`.
const MARKETS: [(&str, usize, Fill); 5] = [
    ("talentshare", 5, |client, base| trade(client, base, "orders", "confirmations")),
    ("gasstation", 11, fuel),
    ("yogiyogi", 7, stay),
    ("edu", 4, |client, base| trade(client, base, "eduApplications", "educations")),
    ("airbnb", 7, rent),
];

fn made(answer: &Answer) -> u64 {
    answer.header("location").unwrap().rsplit('/').next().unwrap().parse().unwrap()
}

fn order(client: &mut Client, orders: &str, who: &str) -> u64 {
    let sent = json!({"name": who, "userId": who, "eduId": "1", "cardNo": 7, "status": "new"});
    made(&client.post(orders, &sent).expect(201))
}

/// Waits until a collection has so many rows.
fn there(client: &mut Client, path: &str, count: usize) {
    until("all rows are there", || (rows(client, path).len() == count).then_some(()));
}

/// Three orders, all of them confirmed; the second one is cancelled then.
fn trade(client: &mut Client, base: &str, orders: &str, confirmed: &str) {
    for who in ["ann", "bob", "cid"] {
        order(client, &format!("{base}/{orders}"), who);
    }
    there(client, &format!("{base}/{confirmed}"), 3);
    let second = format!("{base}/{orders}/2");
    client.json("PATCH", &second, &json!({"status": "EduAppCancelled"})).expect(200);
}

fn stay(client: &mut Client, base: &str) {
    trade(client, base, "orders", "reservations");
    for id in [1, 3] {
        let spoken = json!({"orderid": id, "status": "Confirmed"});
        until("the operator is asked", || {
            (client.post(&format!("{base}/confirmations"), &spoken).status == 201).then_some(())
        });
    }
}

fn fuel(client: &mut Client, base: &str) {
    for (code, quantity) in [("CD1001", "9"), ("CD1004", "5.5"), ("CD1001", "7")] {
        let query = format!("productId={code}&qty={quantity}&destAddr=here");
        assert_eq!(client.tell(&format!("{base}/orders/placeOrder?{query}")).body, "true");
    }
    for id in 1..=3 {
        until("it arrives", || {
            let path = format!("{base}/stocks/confirmStock?orderId={id}");
            (client.tell(&path).body == "true").then_some(())
        });
    }
    for code in ["CD1001", "CD1004"] {
        let path = format!("{base}/sales?productId={code}&qty=1.5");
        assert_eq!(client.tell(&path).body, "true");
    }
}

fn rent(client: &mut Client, base: &str) {
    for desc in ["sea", "hill", "town"] {
        client.post(&format!("{base}/rooms"), &json!({ "desc": desc })).expect(201);
        let sent = json!({"roomId": "1", "content": desc});
        client.post(&format!("{base}/reviews"), &sent).expect(201);
    }
    for room in [2, 1] {
        let sent = json!({"roomId": room, "status": "reqReserve"});
        client.post(&format!("{base}/reservations"), &sent).expect(201);
    }
    there(client, &format!("{base}/messages"), 4);
    let cancel = json!({"status": "reqCancel"});
    client.json("PATCH", &format!("{base}/reservations/2"), &cancel).expect(200);
    there(client, &format!("{base}/messages"), 6);
}

/// A collection, as the index shows it.
struct Shown {
    name: String,
    path: String,
    /// Whether it is counted and cut into pages.
    paged: bool,
    /// The methods that its address takes.
    takes: String,
    /// The key of a row that is there; nothing if there are no rows.
    key: Option<String>,
}

impl Shown {
    fn listed(&self) -> bool {
        self.takes.contains("GET")
    }
}

/// The collections of a market, each with rows, and where its paths begin.
fn shown(client: &mut Client, base: &str, host: &str) -> Vec<Shown> {
    let index = client.get(&format!("{base}/")).expect(200);
    assert_eq!(index.header("content-type"), Some("application/hal+json;charset=UTF-8"));
    let index = index.json();
    let links = index["_links"].as_object().unwrap();
    assert_eq!(links["profile"]["href"], format!("{host}{base}/profile"));
    let links = links.iter().filter(|(name, _)| *name != "profile");
    let mut all = Vec::new();
    for (name, link) in links {
        let path = format!("{base}/{name}");
        let paged = link["templated"] == true;
        let query = if paged { "{?page,size,sort}" } else { "" };
        assert_eq!(link["href"], format!("{host}{path}{query}"));
        let refused = client.send("DELETE", &path, &[], None).unwrap().expect(405);
        let takes = refused.header("allow").unwrap().to_owned();
        let key = if name == "accounts" {
            None
        } else if takes.contains("GET") {
            let row = until("there is a row", || rows(client, &path).pop());
            let itself = row["_links"]["self"]["href"].as_str().unwrap();
            let key = itself.strip_prefix(&format!("{host}{path}/"));
            Some(key.unwrap_or_else(|| panic!("{itself}")).to_owned())
        } else {
            Some("1".to_owned())
        };
        all.push(Shown { name: name.clone(), path, paged, takes, key });
    }
    all
}

/// A server of one market in which something happened.
fn filled(folder: &std::path::Path, number: usize) -> (Server, Vec<Shown>) {
    let (market, count, fill) = MARKETS[number];
    let server = Server::market(folder, market);
    let mut client = server.client();
    fill(&mut client, "");
    let all = shown(&mut client, "", &format!("http://{}", server.address));
    assert_eq!(all.len(), count, "{market}");
    (server, all)
}

fn rows(client: &mut Client, path: &str) -> Vec<Value> {
    let list = client.get(path).expect(200).json();
    let embedded = list["_embedded"].as_object().unwrap();
    assert_eq!(embedded.len(), 1);
    embedded.values().next().unwrap().as_array().unwrap().clone()
}

/// One field of each row of a list.
fn column(client: &mut Client, path: &str, field: &str) -> Value {
    rows(client, path).into_iter().map(|row| row[field].clone()).collect()
}

/// The fields of a collection, as its profile describes them.
fn fields(client: &mut Client, of: &Shown) -> Vec<String> {
    let base = of.path.strip_suffix(&of.name).unwrap();
    let told = client.get(&format!("{base}profile/{}", of.name)).expect(200);
    assert_eq!(told.header("content-type"), Some("application/alps+json;charset=UTF-8"));
    let fields = told.json()["alps"]["descriptor"][0]["descriptor"].take();
    let fields = fields.as_array().unwrap().iter();
    fields.map(|field| field["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_collection_is_indexed_linked_and_described() {
    for (number, (market, ..)) in MARKETS.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let (server, all) = filled(folder.path(), number);
        let mut client = server.client();
        let host = format!("http://{}", server.address);
        let profiles = client.get("/profile").expect(200).json();
        assert_eq!(profiles["_links"].as_object().unwrap().len(), all.len() + 1);
        for of in &all {
            let (name, path) = (&of.name, &of.path);
            let profile = format!("{host}/profile/{name}");
            assert_eq!(profiles["_links"][name]["href"], profile);
            let fields = fields(&mut client, of);
            for nothing in ["0", "99", "x", "+1", "-1", "01x", "%20", "99999999999999999999"] {
                let lost = client.get(&format!("{path}/{nothing}")).expect(404);
                assert_eq!(lost.body, "", "{market} {name} {nothing}");
            }
            if let Some(key) = &of.key {
                let item = client.get(&format!("{path}/{key}")).expect(200);
                assert_eq!(item.header("content-type"), Some("application/hal+json;charset=UTF-8"));
                let row = item.json();
                let links = row["_links"].as_object().unwrap();
                let here = json!({"href": format!("{host}{path}/{key}")});
                assert_eq!(links.len(), 2, "{row}");
                assert!(links.contains_key("self") && links.values().all(|link| *link == here));
                for field in &fields {
                    assert!(row.get(field).is_some(), "{market} {name} has no {field}: {row}");
                }
                assert_eq!(fields.len() + 1, row.as_object().unwrap().len(), "{name}: {row}");
            }
            let finders = client.get(&format!("{path}/search"));
            if finders.status == 200 {
                let finders = finders.json()["_links"].take();
                let finders = finders.as_object().unwrap().iter();
                for (finder, link) in finders.filter(|(finder, _)| *finder != "self") {
                    let href = link["href"].as_str().unwrap();
                    let begin = format!("{host}{path}/search/{finder}{{?");
                    assert!(link["templated"] == true && href.starts_with(&begin), "{link}");
                    client.get(&format!("{path}/search/{finder}")).expect(400);
                    client.tell(&format!("{path}/search/{finder}")).expect(405);
                    client.get(&format!("{path}/search/{finder}/1")).expect(404);
                }
            } else {
                assert_eq!(finders.expect(404).body, "");
            }
            if !of.listed() {
                continue;
            }
            let list = client.get(path).expect(200);
            assert_eq!(list.header("content-type"), Some("application/hal+json;charset=UTF-8"));
            let list = list.json();
            assert_eq!(list["_links"]["self"]["href"], format!("{host}{path}"));
            assert_eq!(list["_links"]["profile"]["href"], profile);
            assert_eq!(list.get("page").is_some(), of.paged, "{market} {name}");
            assert!(list["_embedded"][name].is_array());
        }
        assert_eq!(client.get("/v1/admin/audit").json()["balanced"], true);
    }
}

#[test]
fn every_list_is_paged_and_sorted() {
    for number in 0..MARKETS.len() {
        let folder = tempfile::tempdir().unwrap();
        let (server, all) = filled(folder.path(), number);
        let mut client = server.client();
        let host = format!("http://{}", server.address);
        for of in all.iter().filter(|of| of.listed()) {
            let (name, path) = (&of.name, &of.path);
            let whole = rows(&mut client, path);
            for field in fields(&mut client, of) {
                for (word, turned) in [("asc", false), ("desc", true)] {
                    let sorted =
                        column(&mut client, &format!("{path}?sort={field},{word}"), &field);
                    let sorted = sorted.as_array().unwrap();
                    assert_eq!(sorted.len(), whole.len(), "{name}");
                    let right = |one: &Value, next: &Value| {
                        let order = compare(one, next);
                        (if turned { order.reverse() } else { order }) != Ordering::Greater
                    };
                    assert!(sorted.is_sorted_by(right), "{name} {field} {word}: {sorted:?}");
                }
            }
            for size in [1, 2] {
                // Where there are no links to other pages, pages are asked for by number.
                let (mut found, mut at) = (Vec::new(), 0);
                let mut next = Some(format!("{path}?page=0&size={size}"));
                while let Some(here) = next.take() {
                    let page = client.get(&here).expect(200).json();
                    let here = page["_embedded"][name].as_array().unwrap().clone();
                    assert!(here.len() <= size, "{page}");
                    let more = page["_links"]["next"]["href"].as_str();
                    let more = more.map(|next| next.strip_prefix(&host).unwrap().to_owned());
                    if of.paged {
                        let pages = whole.len().div_ceil(size);
                        let block = json!({"size": size, "totalElements": whole.len(),
                            "totalPages": pages, "number": at});
                        assert_eq!(page["page"], block, "{name}");
                        assert_eq!(more.is_some(), at + 1 < pages, "{name}: {page}");
                        assert_eq!(page["_links"].get("prev").is_some(), at > 0 && pages > 1);
                        assert_eq!(page["_links"].get("last").is_some(), pages > 1);
                        next = more;
                    } else if !here.is_empty() {
                        assert_eq!(more, None);
                        next = Some(format!("{path}?page={}&size={size}", at + 1));
                    }
                    found.extend(here);
                    at += 1;
                }
                assert_eq!(found, whole, "{name}");
            }
        }
    }
}

/// Nothing comes first; numbers and text by what they are.
fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one.as_f64().partial_cmp(&other.as_f64()).unwrap()
        }
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (_, _) => other.is_null().cmp(&one.is_null()),
    }
}

#[test]
fn links_have_the_host_that_the_client_used() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with(folder.path(), &[]);
    let mut client = server.client();
    let host = [("host", "shop.example:81"), ("content-type", "application/json")];
    for (market, _, fill) in MARKETS {
        let base = format!("/{market}");
        fill(&mut client, &base);
        for of in shown(&mut client, &base, &format!("http://{}", server.address)) {
            let item = of.key.as_ref().map(|key| format!("{}/{key}", of.path));
            let list = of.listed().then(|| of.path.clone());
            let profile = format!("{base}/profile/{}", of.name);
            for path in [item, list, Some(base.clone()), Some(profile)].into_iter().flatten() {
                let answer = client.send("GET", &path, &host, None).unwrap().expect(200);
                let links = answer.body.matches("http://").count();
                assert!(links > 0, "{path}");
                let ours = format!("http://shop.example:81{base}/");
                let ours = answer.body.matches(ours.as_str()).count();
                assert_eq!(links, ours, "{path}: {}", answer.body);
            }
        }
    }
    for (path, body) in [
        ("/talentshare/orders", r#"{"name": "ann", "cardNo": "7", "status": "Ordered"}"#),
        ("/orders", r#"{"name": "ann", "cardNo": "7", "status": "Ordered"}"#),
        ("/gasstation/orders", r#"{"productId": "CD1001", "qty": 1, "destAddr": "x"}"#),
        ("/gasstation/product", r#"{"productId": "CD2000", "productName": "LPG", "price": 1}"#),
        ("/yogiyogi/orders", r#"{"name": "ann", "cardNo": "7", "status": "order start"}"#),
        ("/edu/eduApplications", r#"{"userId": "ann", "eduId": 1, "status": "EduApplied"}"#),
        ("/airbnb/rooms", r#"{"desc": "lake"}"#),
        ("/airbnb/reservations", r#"{"roomId": 3, "status": "reqReserve"}"#),
        ("/airbnb/reviews", r#"{"roomId": 3, "content": "fine"}"#),
    ] {
        let made = client.send("POST", path, &host, Some(body.as_bytes())).unwrap().expect(201);
        assert_eq!(made.header("content-type"), Some("application/json;charset=UTF-8"));
        let at = made.header("location").unwrap();
        assert!(at.starts_with(&format!("http://shop.example:81{path}/")), "{at}");
        assert_eq!(made.json()["_links"]["self"]["href"], at);
        client.get(at.strip_prefix("http://shop.example:81").unwrap()).expect(200);
    }
}

#[test]
fn what_cannot_be_read_is_said_alike() {
    for (number, (market, ..)) in MARKETS.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let (server, all) = filled(folder.path(), number);
        let mut client = server.client();
        let typed = [("content-type", "application/json"), ("accept", "application/json")];
        for of in &all {
            let before = of.key.as_ref().map(|key| format!("{}/{key}", of.path));
            let was = before.as_ref().map(|item| client.get(item).expect(200).body);
            let item = before.clone().unwrap_or_else(|| format!("{}/1", of.path));
            let takes = client.send("POST", &item, &[], None).unwrap().expect(405);
            let takes = takes.header("allow").unwrap().to_owned();
            for (method, path, takes) in
                [("POST", &of.path, &of.takes), ("PUT", &item, &takes), ("PATCH", &item, &takes)]
            {
                for body in ["", "{", "[]", "7", "{\"a\": \"\\ud800\"}", "\u{1F980}"] {
                    let answer = client.send(method, path, &typed, Some(body.as_bytes())).unwrap();
                    if !takes.contains(method) {
                        let answer = answer.expect(405);
                        assert_eq!(answer.header("allow"), Some(takes.as_str()), "{method} {path}");
                        continue;
                    }
                    let told = answer.expect(400);
                    let json = Some("application/json;charset=UTF-8");
                    assert_eq!(told.header("content-type"), json, "{market} {path}");
                    let told = told.json();
                    assert_eq!(told.as_object().unwrap().len(), 5, "{told}");
                    assert_eq!((&told["status"], &told["path"]), (&json!(400), &json!(path)));
                    assert_eq!(told["error"], "Bad Request");
                    assert!(told["message"].is_string() && told["timestamp"].is_string());
                }
            }
            if let (Some(item), Some(was)) = (before, was) {
                assert_eq!(client.get(&item).expect(200).body, was);
            }
        }
    }
}

#[test]
fn finders_find_one_or_a_list() {
    for (market, orders, path, one) in [
        ("talentshare", "orders", "/mypages/search/findByOrderId?orderId=", false),
        ("yogiyogi", "orders", "/mypages/search/findByOrderId?orderId=", false),
        ("yogiyogi", "orders", "/hotelViews/search/findByOrderid?orderid=", false),
        ("edu", "eduApplications", "/eduApplications/search/findByAppId?appId=", true),
        ("edu", "eduApplications", "/payments/search/findByAppId?appId=", true),
        ("edu", "eduApplications", "/educations/search/findByAppId?appId=", true),
        ("edu", "eduApplications", "/mypages/search/findByAppId?appId=", true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::market(folder.path(), market);
        let mut client = server.client();
        let id = order(&mut client, &format!("/{orders}"), "ann");
        let (search, finder) = path[1..].split_once("/search/").unwrap();
        let finder = finder.split('?').next().unwrap();
        let list = client.get(&format!("/{search}")).expect(200).json();
        let at = format!("http://{}/{search}/search", server.address);
        assert_eq!(list["_links"]["search"]["href"], json!(at));
        let all = client.get(&format!("/{search}/search")).expect(200).json();
        assert_eq!(all["_links"][finder]["templated"], true, "{all}");
        let found = until("it is found", || {
            let found = client.get(&format!("{path}{id}"));
            (found.status == 200).then(|| found.json())
        });
        let itself = &found["_links"]["self"]["href"];
        if one {
            assert_eq!(*itself, json!(format!("http://{}/{search}/{id}", server.address)));
            assert_eq!(client.get(&format!("{path}99")).expect(404).body, "");
            client.get(&format!("{path}-1")).expect(404);
        } else {
            assert_eq!(*itself, json!(format!("http://{}{path}{id}", server.address)));
            assert_eq!(found["_embedded"][search].as_array().unwrap().len(), 1);
            assert_eq!(rows(&mut client, &format!("{path}99")), Vec::<Value>::new());
            assert_eq!(rows(&mut client, &format!("{path}-1")), Vec::<Value>::new());
        }
        for bad in ["", "x"] {
            client.get(&format!("{path}{bad}")).expect(400);
        }
        client.get(&format!("/{search}/search/findByNothing")).expect(404);
    }
}

#[test]
fn lists_are_sorted_and_paged() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "edu");
    let mut client = server.client();
    for (user, course) in [("dan", 3), ("ann", 2), ("cid", 2), ("bob", 1), ("eve", 1)] {
        let sent = json!({"userId": user, "eduId": course, "eduName": null, "status": "new"});
        client.post("/eduApplications", &sent).expect(201);
    }
    client.send("DELETE", "/eduApplications/5", &[], None).unwrap().expect(204);
    for (query, expected) in [
        ("", ["dan", "ann", "cid", "bob"]),
        ("?sort=userId", ["ann", "bob", "cid", "dan"]),
        ("?sort=userId,desc", ["dan", "cid", "bob", "ann"]),
        ("?sort=eduId,asc&sort=userId,desc", ["bob", "cid", "ann", "dan"]),
        ("?sort=eduId,userId,desc", ["dan", "cid", "ann", "bob"]),
        ("?sort=appId,desc", ["bob", "cid", "ann", "dan"]),
        ("?sort=nothing,desc", ["dan", "ann", "cid", "bob"]),
        ("?page=x&size=-1&sort=,", ["dan", "ann", "cid", "bob"]),
    ] {
        let path = format!("/eduApplications{query}");
        assert_eq!(column(&mut client, &path, "userId"), json!(expected), "{query}");
    }
    let page = client.get("/eduApplications?sort=userId,desc&size=3&page=1").expect(200).json();
    assert_eq!(page["page"], json!({"size": 3, "totalElements": 4, "totalPages": 2, "number": 1}));
    assert_eq!(page["_embedded"]["eduApplications"][0]["userId"], "ann");
    let first = page["_links"]["prev"]["href"].as_str().unwrap();
    let expected = "/eduApplications?page=0&size=3&sort=userId,desc";
    assert_eq!(first, format!("http://{}{expected}", server.address));
    assert!(page["_links"].get("next").is_none());
    // Payments have no gaps: sorted by their key they are read from the end.
    let last = column(&mut client, "/payments?sort=payId,desc&size=2", "userId");
    assert_eq!(last, json!(["eve", "bob"]));
    let next = column(&mut client, "/payments?sort=payId,desc&size=2&page=2", "userId");
    assert_eq!(next, json!(["dan"]));
    assert_eq!(column(&mut client, "/payments?size=2&page=9", "userId"), json!([]));
}

#[test]
fn what_a_table_does_not_name_is_405() {
    for (market, method, path, allow) in [
        ("yogiyogi", "PUT", "/orders", "GET, POST"),
        ("yogiyogi", "DELETE", "/confirmations/1", "GET"),
        ("yogiyogi", "POST", "/reservations", "GET"),
        ("yogiyogi", "POST", "/hotelViews/search/findByOrderid", "GET"),
        ("edu", "POST", "/educations", "GET"),
        ("edu", "POST", "/educations/1", "GET, PUT, PATCH, DELETE"),
        ("edu", "DELETE", "/mypages/1", "GET"),
        ("edu", "POST", "/profile/payments", "GET"),
        ("airbnb", "PUT", "/rooms", "GET, POST"),
        ("airbnb", "POST", "/rooms/1", "GET, PUT, PATCH, DELETE"),
        ("airbnb", "POST", "/payments", "GET"),
        ("airbnb", "POST", "/mileages", "GET"),
        ("airbnb", "DELETE", "/messages/1", "GET"),
        ("airbnb", "POST", "/check/chkAndReqReserve", "GET"),
        ("gasstation", "GET", "/sales", "POST"),
        ("gasstation", "GET", "/stockFlows", "POST"),
        ("gasstation", "PATCH", "/sales/1", "GET, DELETE"),
        ("gasstation", "GET", "/cancelSales", "POST"),
        ("gasstation", "GET", "/products/sync", "POST"),
        ("gasstation", "GET", "/stocks/confirmStock", "POST"),
        ("gasstation", "POST", "/accounts", "GET"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::market(folder.path(), market);
        let refused = server.client().send(method, path, &[], None).unwrap().expect(405);
        assert_eq!(refused.header("allow"), Some(allow), "{method} {path}");
    }
}

#[test]
fn all_built_in_markets_are_served_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with(folder.path(), &[]);
    let names = MARKETS.map(|(market, ..)| market).join(", ");
    assert!(server.ready.trim_end().ends_with(&names), "{}", server.ready);
    let mut client = server.client();
    for (market, count, fill) in MARKETS {
        let base = format!("/{market}");
        fill(&mut client, &base);
        let all = shown(&mut client, &base, &format!("http://{}", server.address));
        assert_eq!(all.len(), count);
        // Each market counts for itself.
        let first = all.iter().find(|of| of.listed() && of.paged && of.takes.contains("POST"));
        client
            .get(&format!("{}/1", first.unwrap().path.replace("/product", "/orders")))
            .expect(200);
    }
    // Only the first one is at the root as well.
    client.get("/orders/1").expect(200);
    client.get("/eduApplications/1").expect(404);
    for elsewhere in ["/hotelViews", "/rooms", "/productMenus"] {
        client.get(elsewhere).expect(404);
    }
}
