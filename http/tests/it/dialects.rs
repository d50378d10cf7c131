//! The contract that the collections of all dialects share.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::{Server, until};

/// A market, what makes an order there, and its collections.
const MARKETS: [(&str, &str, &[&str]); 3] = [
    (
        "talentshare",
        "orders",
        &["orders", "paymentHist", "confirmations", "cancellations", "mypages"],
    ),
    (
        "yogiyogi",
        "orders",
        &[
            "orders",
            "paymentHistories",
            "reservations",
            "cancellations",
            "confirmations",
            "mypages",
            "hotelViews",
        ],
    ),
    ("edu", "eduApplications", &["eduApplications", "payments", "educations", "mypages"]),
];

fn made(answer: &Answer) -> u64 {
    answer.header("location").unwrap().rsplit('/').next().unwrap().parse().unwrap()
}

fn order(client: &mut Client, orders: &str, who: &str) -> u64 {
    let sent = json!({"name": who, "userId": who, "eduId": "1", "cardNo": 7, "status": "new"});
    made(&client.post(&format!("/{orders}"), &sent).expect(201))
}

fn rows(client: &mut Client, path: &str) -> Vec<Value> {
    let list = client.get(path).expect(200).json();
    let embedded = list["_embedded"].as_object().unwrap();
    embedded.values().next().unwrap().as_array().unwrap().clone()
}

/// One field of each row of a list.
fn column(client: &mut Client, path: &str, field: &str) -> Value {
    rows(client, path).into_iter().map(|row| row[field].clone()).collect()
}

#[test]
fn every_collection_is_indexed_linked_and_described() {
    for (market, orders, collections) in MARKETS {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::market(folder.path(), market);
        let mut client = server.client();
        let id = order(&mut client, orders, "ann");
        let other = order(&mut client, orders, "bob");
        client.send("DELETE", &format!("/{orders}/{other}"), &[], None).unwrap().expect(204);
        let host = format!("http://{}", server.address);
        if market == "yogiyogi" {
            let spoken = json!({"orderid": id, "status": "Confirmed"});
            until("the operator is asked", || {
                (client.post("/confirmations", &spoken).status == 201).then_some(())
            });
        }
        let index = client.get("/").expect(200).json();
        assert_eq!(index["_links"].as_object().unwrap().len(), collections.len() + 1, "{index}");
        for name in collections {
            assert!(index["_links"][name]["href"].is_string(), "{name}");
            let row = until("there is a row", || rows(&mut client, &format!("/{name}")).pop());
            let itself = row["_links"]["self"]["href"].as_str().unwrap();
            assert!(itself.starts_with(&format!("{host}/{name}/")), "{itself}");
            let item = client.get(itself.strip_prefix(&host).unwrap()).expect(200);
            assert_eq!(item.header("content-type"), Some("application/hal+json;charset=UTF-8"));
            assert_eq!(item.json()["_links"].as_object().unwrap().len(), 2, "{row}");
            let list = client.get(&format!("/{name}")).json();
            let profile = list["_links"]["profile"]["href"].as_str().unwrap();
            assert_eq!(profile, format!("{host}/profile/{name}"));
            let told = client.get(profile.strip_prefix(&host).unwrap()).expect(200).json();
            let fields = told["alps"]["descriptor"][0]["descriptor"].as_array().unwrap();
            for field in fields.iter().map(|field| field["name"].as_str().unwrap()) {
                assert!(row.get(field).is_some(), "{name} has no {field}");
            }
            assert_eq!(fields.len() + 1, row.as_object().unwrap().len(), "{name}: {row}");
            let whole = ["mypages", "hotelViews"].contains(name);
            assert_eq!(list.get("page").is_none(), whole, "{name}");
            for nothing in ["0", "99", "x", "+1", "-1"] {
                let lost = client.get(&format!("/{name}/{nothing}")).expect(404);
                assert_eq!(lost.body, "");
            }
        }
        assert_eq!(client.get("/v1/admin/audit").json()["balanced"], true);
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
        let id = order(&mut client, orders, "ann");
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
    let all = "talentshare, gasstation, yogiyogi, edu, airbnb";
    assert!(server.ready.trim_end().ends_with(all), "{}", server.ready);
    let mut client = server.client();
    for (market, orders, collections) in MARKETS {
        let id = order(&mut client, &format!("{market}/{orders}"), "ann");
        assert_eq!(id, 1);
        for name in collections {
            let list = client.get(&format!("/{market}/{name}")).expect(200).json();
            let at = format!("http://{}/{market}/{name}", server.address);
            assert_eq!(list["_links"]["self"]["href"], json!(at));
        }
    }
    // Only the first one is at the root as well.
    client.get("/orders/1").expect(200);
    client.get("/eduApplications/1").expect(404);
    client.get("/hotelViews").expect(404);
}
