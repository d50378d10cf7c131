//! What the transcript of gasstation does not say: forms, bad input, races at the tills, prices, what
//! is down, what it publishes.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::{Server, until};

/// Posts a form; what it answers must be JSON.
fn form(client: &mut Client, path: &str, fields: &str) -> Answer {
    let typed = [("content-type", "application/x-www-form-urlencoded")];
    client.send("POST", path, &typed, Some(fields.as_bytes())).unwrap()
}

/// Posts a form that must be answered with 200; what it says.
#[track_caller]
fn says(client: &mut Client, path: &str, fields: &str) -> bool {
    let answer = form(client, path, fields).expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json;charset=UTF-8"));
    answer.json().as_bool().unwrap()
}

/// Orders and receives so much of a product.
fn stock_up(client: &mut Client, code: &str, quantity: &str) {
    let order = json!({"productId": code, "qty": quantity, "destAddr": "here"});
    let id = client.post("/orders", &order).expect(201);
    let id = id.header("location").unwrap().rsplit('/').next().unwrap().to_owned();
    until("it is on its way", || status(client, &id).eq("Received").then_some(()));
    assert!(says(client, "/stocks/confirmStock", &format!("orderId={id}")));
    until("it is counted", || status(client, &id).eq("confirmed").then_some(()));
}

fn status(client: &mut Client, order: &str) -> String {
    let row = row(client, &format!("/orderStatuses/{order}"));
    row["status"].as_str().unwrap().to_owned()
}

fn without_links(mut row: Value) -> Value {
    row.as_object_mut().unwrap().remove("_links");
    row
}

/// One row, without its links.
fn row(client: &mut Client, path: &str) -> Value {
    without_links(client.get(path).expect(200).json())
}

fn rows(client: &mut Client, name: &str) -> Vec<Value> {
    let list = client.get(&format!("/{name}")).expect(200).json();
    let rows = list["_embedded"][name.split('?').next().unwrap()].as_array().unwrap().clone();
    rows.into_iter().map(without_links).collect()
}

fn left(client: &mut Client, code: &str) -> Value {
    row(client, &format!("/stockSummaries/{code}"))["qty"].take()
}

fn balanced(client: &mut Client) {
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
}

/// Lets so many clients do the same at once. Returns what each of them came to.
fn together<T: Send>(
    server: &Server,
    clients: usize,
    act: impl Fn(&mut Client) -> T + Sync,
) -> Vec<T> {
    let line = Barrier::new(clients);
    std::thread::scope(|scope| {
        let run = || {
            let mut client = server.client();
            line.wait();
            act(&mut client)
        };
        let all: Vec<_> = (0..clients).map(|_| scope.spawn(run)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// What was published after this sequence, without when, and where that ends.
fn published(client: &mut Client, after: u64) -> (Vec<Value>, u64) {
    let page = client.get(&format!("/v1/gasstation/events?after={after}&limit=1000")).expect(200);
    let mut events = page.json()["items"].as_array().unwrap().clone();
    let last = events.last().map_or(after, |event| event["sequence"].as_u64().unwrap());
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        event.remove("sequence");
        assert_eq!(event.remove("timestamp").unwrap().as_str().unwrap().len(), 14);
    }
    (events, last)
}

#[test]
fn stock_is_ordered_by_form_query_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    let place = "/orders/placeOrder";
    assert!(says(&mut client, place, "productId=CD1001&qty=2.125&destAddr=SK+Imme%21"));
    let answer = client.tell(&format!("{place}?productId=CD1004&qty=20000&destAddr=x")).expect(200);
    assert_eq!(answer.body, "true");
    assert!(says(&mut client, &format!("{place}?productId=CD1004"), "qty=3.0&destAddr=y"));
    let sent =
        json!({"productId": "CD1004", "qty": "4.5", "destAddr": "z", "orderDate": "1999-01-01"});
    let made = client.post("/orders", &sent).expect(201);
    assert_eq!(made.header("location"), Some(&*format!("http://{}/orders/4", server.address)));
    assert!(!says(&mut client, place, "productId=NOPE&qty=1&destAddr=x"));
    for (path, fields) in [
        (place, ""),
        (place, "productId=CD1001&qty=1"),
        (place, "productId=CD1001&destAddr=x"),
        (place, "qty=1&destAddr=x"),
        (place, "productId=CD1001&qty=&destAddr=x"),
        (place, "productId=CD1001&qty=x&destAddr=x"),
        (place, "productId=CD1001&qty=0&destAddr=x"),
        (place, "productId=CD1001&qty=-1&destAddr=x"),
        (place, "productId=CD1001&qty=NaN&destAddr=x"),
        (place, "productId=CD1001&qty=1.2345&destAddr=x"),
        (place, "productId=CD1001&qty=1000000001&destAddr=x"),
        ("/sales", "productId=CD1001"),
        ("/sales", "qty=1"),
        ("/sales", "productId=CD1001&qty=0"),
        ("/cancelSales", ""),
        ("/cancelSales", "saleId=x"),
        ("/stocks/confirmStock", ""),
        ("/stocks/confirmStock", "orderId=1.5"),
        ("/products/sync", ""),
        ("/products/sync", "productId=CD1001&price=x"),
        ("/products/sync", "productId=CD1001&price=-1"),
    ] {
        let refused = form(&mut client, path, fields).expect(400).json();
        assert_eq!((&refused["status"], &refused["path"]), (&json!(400), &json!(path)), "{fields}");
        assert_eq!(refused["error"], "Bad Request");
    }
    for sent in
        [json!({"qty": 1}), json!({"productId": "CD1001"}), json!({"productId": "NOPE", "qty": 1})]
    {
        client.post("/orders", &sent).expect(400);
    }
    let today = row(&mut client, "/orders/1")["orderDate"].take();
    assert_eq!(today.as_str().unwrap().len(), 10);
    let expected = [
        ("CD1001", "GAS", json!(2.125), "SK Imme!"),
        ("CD1004", "Diesel", json!(20000.0), "x"),
        ("CD1004", "Diesel", json!(3.0), "y"),
        ("CD1004", "Diesel", json!(4.5), "z"),
    ]
    .map(|(code, name, quantity, to)| {
        json!({"productId": code, "productName": name, "qty": quantity, "destAddr": to,
            "orderDate": today})
    });
    assert_eq!(rows(&mut client, "orders"), expected);
    assert_eq!(rows(&mut client, "orders?size=3&page=1"), expected[3..]);
    assert_eq!(rows(&mut client, "orders?sort=qty,desc&size=1"), expected[1..2]);
    let page = client.get("/orders?size=3&page=1").json();
    assert_eq!(page["page"], json!({"size": 3, "totalElements": 4, "totalPages": 2, "number": 1}));
    assert_eq!(client.tell("/orders/station").expect(200).body, "null, null");
    assert_eq!(rows(&mut client, "accounts"), Vec::<Value>::new());
    balanced(&mut client);
}

/// Head office and logistics are down: the tills go on, and what was ordered is shipped afterwards.
#[test]
fn tills_sell_while_head_office_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    let received = json!({"productId": "CD1001", "qty": 100});
    client.post("/stockFlows", &received).expect(200);
    client.tell("/v1/admin/participants/confirmations/stop").expect(202);
    for _ in 0..5 {
        assert!(says(&mut client, "/sales", "productId=CD1001&qty=10"));
    }
    let stock = row(&mut client, "/stockSummaries/CD1001");
    assert_eq!(stock["qty"], 50.0);
    let sold = row(&mut client, "/salesSummaries/CD1001");
    assert_eq!((&sold["qty"], &sold["amount"]), (&json!(50.0), &json!(100_000.0)));
    assert!(says(&mut client, "/orders/placeOrder", "productId=CD1001&qty=7&destAddr=here"));
    assert!(says(&mut client, "/products/sync", "productId=CD1001&price=2100"));
    assert_eq!(row(&mut client, "/productMenus/CD1001")["price"], 2100);
    assert_eq!(status(&mut client, "1"), "Ordered");
    client.tell("/v1/admin/participants/confirmations/start").expect(202);
    until("it is shipped", || status(&mut client, "1").eq("Received").then_some(()));
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
}

#[test]
fn a_stock_order_goes_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    for summary in ["/stockSummaries/CD1001", "/salesSummaries/CD1001", "/sales/1", "/stockFlows/1"]
    {
        assert_eq!(client.get(summary).expect(404).body, "");
    }
    assert_eq!(rows(&mut client, "stockSummaries"), Vec::<Value>::new());
    assert_eq!(rows(&mut client, "salesSummaries"), Vec::<Value>::new());
    client.tell("/v1/admin/participants/confirmations/stop").expect(202);
    assert!(says(&mut client, "/orders/placeOrder", "productId=CD1001&qty=5&destAddr=here"));
    assert!(says(&mut client, "/orders/placeOrder", "productId=CD1001&qty=6&destAddr=there"));
    assert_eq!(status(&mut client, "1"), "Ordered");
    client.get("/shipments/1").expect(404);
    client.get("/stockFlows/search/findByOrderId?order_id=1").expect(404);
    assert_eq!(rows(&mut client, "shipments"), Vec::<Value>::new());
    // What was not shipped cannot arrive.
    assert!(!says(&mut client, "/stocks/confirmStock", "orderId=1"));
    client.tell("/v1/admin/participants/confirmations/start").expect(202);
    for order in ["1", "2"] {
        until("it is shipped", || status(&mut client, order).eq("Received").then_some(()));
    }
    let shipment = row(&mut client, "/shipments/1");
    assert!(shipment["carNumber"].as_str().unwrap().starts_with("CAR#"), "{shipment}");
    assert_eq!((&shipment["orderId"], &shipment["qty"]), (&json!(1), &json!(5.0)));
    let find = |client: &mut Client, order: u64| {
        let path = format!("/stockFlows/search/findByOrderId?order_id={order}");
        client.get(&path).expect(200).json()
    };
    let found = find(&mut client, 2);
    let itself = found["_links"]["stockFlow"]["href"].as_str().unwrap().to_owned();
    let expected = json!({"productId": "CD1001", "productName": "GAS", "qty": 0.0, "qtyToBe": 6.0,
        "reason": null, "orderId": 2});
    assert_eq!(without_links(found), expected);
    let path = itself.strip_prefix(&format!("http://{}", server.address)).unwrap();
    assert_eq!(row(&mut client, path), expected);
    for (query, status) in
        [("order_id=99", 404), ("order_id=-1", 404), ("order_id=x", 400), ("", 400)]
    {
        client.get(&format!("/stockFlows/search/findByOrderId?{query}")).expect(status);
    }
    for unknown in ["orderId=99", "orderId=0", "orderId=-1"] {
        assert!(!says(&mut client, "/stocks/confirmStock", unknown));
    }
    // Where it goes is kept beside the order; what was shipped went where it went.
    let moved = json!({"destAddr": "elsewhere", "qty": 99});
    let moved = client.json("PATCH", "/orders/1", &moved).expect(200).json();
    assert_eq!((&moved["destAddr"], &moved["qty"]), (&json!("elsewhere"), &json!(5.0)));
    for path in ["/shipments/1", "/orderStatuses/1"] {
        assert_eq!(row(&mut client, path)["destAddr"], "here", "{path}");
    }
    client.send("DELETE", "/orders/2", &[], None).unwrap().expect(204);
    client.send("DELETE", "/orders/2", &[], None).unwrap().expect(404);
    assert!(!says(&mut client, "/stocks/confirmStock", "orderId=2"));
    for gone in ["/orders/2", "/orderStatuses/2"] {
        client.get(gone).expect(404);
    }
    client.get("/stockSummaries/CD1001").expect(404);
    assert!(says(&mut client, "/stocks/confirmStock", "orderId=1"));
    until("it is counted", || status(&mut client, "1").eq("confirmed").then_some(()));
    assert_eq!(find(&mut client, 1)["qty"], 5.0);
    assert_eq!(left(&mut client, "CD1001"), 5.0);
    // What arrived stays, also when its order is taken off the list.
    client.send("DELETE", "/orders/1", &[], None).unwrap().expect(204);
    client.get("/orders/1").expect(404);
    assert_eq!(rows(&mut client, "orders"), Vec::<Value>::new());
    assert_eq!(
        (status(&mut client, "1"), left(&mut client, "CD1001")),
        ("confirmed".to_owned(), json!(5.0))
    );
    balanced(&mut client);
}

#[test]
fn what_arrived_is_there_for_the_next_sale() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    for round in 1..=100 {
        let order = "productId=CD1001&qty=1&destAddr=here";
        assert!(says(&mut client, "/orders/placeOrder", order));
        let id = round.to_string();
        until("it is shipped", || status(&mut client, &id).eq("Received").then_some(()));
        assert!(says(&mut client, "/stocks/confirmStock", &format!("orderId={id}")));
        assert_eq!(status(&mut client, &id), "confirmed");
        assert!(says(&mut client, "/sales", "productId=CD1001&qty=1"));
        assert_eq!(left(&mut client, "CD1001"), 0.0);
    }
    // While it cannot be counted it is promised, and counted later.
    assert!(says(&mut client, "/orders/placeOrder", "productId=CD1001&qty=1&destAddr=here"));
    until("it is shipped", || status(&mut client, "101").eq("Received").then_some(()));
    client.tell("/v1/admin/participants/inventory/stop").expect(202);
    assert!(says(&mut client, "/stocks/confirmStock", "orderId=101"));
    assert_eq!(left(&mut client, "CD1001"), 0.0);
    client.tell("/v1/admin/participants/inventory/start").expect(202);
    until("it is counted", || status(&mut client, "101").eq("confirmed").then_some(()));
    assert_eq!(left(&mut client, "CD1001"), 1.0);
    balanced(&mut client);
}

#[test]
fn an_arrival_counts_once_whoever_says_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    for round in 1..=10 {
        assert!(says(&mut client, "/orders/placeOrder", "productId=CD1001&qty=2.5&destAddr=x"));
        let id = round.to_string();
        until("it is shipped", || status(&mut client, &id).eq("Received").then_some(()));
        let fields = format!("orderId={id}");
        let said = together(&server, 20, |client| says(client, "/stocks/confirmStock", &fields));
        assert_eq!(said, [true; 20]);
        until("it is counted", || status(&mut client, &id).eq("confirmed").then_some(()));
        assert_eq!(left(&mut client, "CD1001"), 2.5 * f64::from(round));
        assert!(says(&mut client, "/stocks/confirmStock", &fields));
        assert_eq!(left(&mut client, "CD1001"), 2.5 * f64::from(round));
    }
    let (told, _) = published(&mut client, 0);
    let arrived = told.iter().filter(|told| told["eventType"] == "Received" && told["qty"] == 2.5);
    assert_eq!(arrived.count(), 10);
    // It arrives, or it is called off first.
    let there = |client: &mut Client| {
        client.get("/stockSummaries/CD1004").json()["qty"].as_f64().unwrap_or(0.0)
    };
    for round in 11..=30 {
        assert!(says(&mut client, "/orders/placeOrder", "productId=CD1004&qty=1&destAddr=x"));
        let id = round.to_string();
        until("it is shipped", || status(&mut client, &id).eq("Received").then_some(()));
        let before = there(&mut client);
        let mut other = server.client();
        let (path, fields) = (format!("/orders/{id}"), format!("orderId={id}"));
        let calling_off =
            std::thread::spawn(move || other.send("DELETE", &path, &[], None).unwrap().status);
        let arrived = says(&mut client, "/stocks/confirmStock", &fields);
        let off = calling_off.join().unwrap();
        assert!([204, 409].contains(&off), "{off}");
        if arrived {
            until("it is counted", || status(&mut client, &id).eq("confirmed").then_some(()));
        }
        let now = there(&mut client);
        assert_eq!(now - before, f64::from(u8::from(arrived)), "{round}: {arrived}, {off}");
    }
    balanced(&mut client);
}

#[test]
fn a_sale_and_its_stock_are_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    let failure = form(&mut client, "/sales", "productId=CD1001&qty=1").expect(500);
    assert_eq!(failure.header("content-type"), Some("application/json;charset=UTF-8"));
    let failure = failure.json();
    assert_eq!((&failure["status"], &failure["path"]), (&json!(500), &json!("/sales")));
    assert!(failure["message"].as_str().unwrap().starts_with("Could not commit JPA"), "{failure}");
    for summary in ["stockSummaries", "salesSummaries"] {
        assert_eq!(rows(&mut client, summary), Vec::<Value>::new(), "{summary}");
    }
    stock_up(&mut client, "CD1001", "2.125");
    stock_up(&mut client, "CD1004", "2.125");
    assert!(!says(&mut client, "/sales", "productId=NOPE&qty=1"));
    form(&mut client, "/sales", "productId=CD1001&qty=2.126").expect(500);
    // The numbers of what never was are used up.
    for gone in ["/sales/1", "/sales/2", "/sales/x", "/sales/0"] {
        assert_eq!(client.get(gone).expect(404).body, "");
    }
    assert_eq!(client.tell("/sales?productId=CD1001&qty=2.125").expect(200).body, "true");
    let sale = |code: &str, name: &str, price: u64, quantity: f64, amount: f64| {
        json!({"productId": code, "productName": name, "price": price, "qty": quantity,
            "amount": amount, "accountId": 1, "accountName": null})
    };
    assert_eq!(row(&mut client, "/sales/3"), sale("CD1001", "GAS", 2000, 2.125, 4250.0));
    assert_eq!(left(&mut client, "CD1001"), 0.0);
    // Won have no decimals, but the price of a litre stays what it is.
    for (number, quantity, typed) in [(4, 0.001, "0.001"), (5, 0.333, "0.333")] {
        assert!(says(&mut client, "/sales", &format!("productId=CD1004&qty={typed}")));
        let row = row(&mut client, &format!("/sales/{number}"));
        assert_eq!((&row["price"], &row["qty"]), (&json!(1500), &json!(quantity)));
    }
    // Who bought before the price changed paid the price before.
    assert!(says(&mut client, "/products/sync", "productId=CD1004&price=3000"));
    assert!(says(&mut client, "/sales", "productId=CD1004&qty=0.5"));
    assert_eq!(row(&mut client, "/sales/6"), sale("CD1004", "Diesel", 3000, 0.5, 1500.0));
    assert_eq!(row(&mut client, "/sales/5")["price"], 1500);
    for unknown in ["saleId=99", "saleId=0", "saleId=-1", "saleId=1"] {
        assert!(!says(&mut client, "/cancelSales", unknown));
    }
    client.send("DELETE", "/sales/3", &[], None).unwrap().expect(204);
    client.send("DELETE", "/sales/3", &[], None).unwrap().expect(404);
    assert!(!says(&mut client, "/cancelSales", "saleId=3"));
    client.get("/sales/3").expect(404);
    assert_eq!(left(&mut client, "CD1001"), 2.125);
    let sums = row(&mut client, "/salesSummaries/CD1001");
    assert_eq!(sums, json!({"productName": "GAS", "qty": 0.0, "amount": 0.0}));
    let sums = row(&mut client, "/salesSummaries/CD1004");
    assert_eq!((&sums["productName"], &sums["qty"]), (&json!("Diesel"), &json!(0.834)));
    for part in ["inventory", "payments"] {
        client.tell(&format!("/v1/admin/participants/{part}/stop")).expect(202);
        let sold = form(&mut client, "/sales", "productId=CD1001&qty=1");
        client.tell(&format!("/v1/admin/participants/{part}/start")).expect(202);
        // Nobody pays through the engine, so only the stock matters.
        assert_eq!(sold.status, if part == "inventory" { 500 } else { 200 }, "{sold:?}");
    }
    until("it is settled", || left(&mut client, "CD1001").eq(&json!(1.125)).then_some(()));
    assert_eq!(row(&mut client, "/salesSummaries/CD1001")["qty"], 1.0);
    for (method, path) in [("GET", "/sales"), ("GET", "/stockFlows")] {
        let refused = client.send(method, path, &[], None).unwrap().expect(405);
        assert_eq!(refused.header("allow"), Some("POST"));
    }
    balanced(&mut client);
}

#[test]
fn a_hundred_tills_want_the_last_litres() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    for round in 1..=5_u32 {
        stock_up(&mut client, "CD1001", "17.5");
        let said = together(&server, 100, |client| {
            form(client, "/sales", "productId=CD1001&qty=2.5").status
        });
        let count = |status| said.iter().filter(|said| **said == status).count();
        assert_eq!((count(200), count(500)), (7, 93));
        assert_eq!(left(&mut client, "CD1001"), 0.0);
        let sums = row(&mut client, "/salesSummaries/CD1001");
        assert_eq!(sums["qty"], 17.5 * f64::from(round));
        assert_eq!(sums["amount"], 35000.0 * f64::from(round));
    }
    let sold: Vec<u32> =
        (1..=500).filter(|id| client.get(&format!("/sales/{id}")).status == 200).collect();
    assert_eq!(sold.len(), 35);
    // All want to undo all of them: each goes back once.
    let undone = together(&server, 20, |client| {
        let undo = |id: &&u32| says(client, "/cancelSales", &format!("saleId={id}"));
        sold.iter().filter(undo).count()
    });
    assert_eq!(undone.into_iter().sum::<usize>(), sold.len());
    assert_eq!(left(&mut client, "CD1001"), 87.5);
    let sums = row(&mut client, "/salesSummaries/CD1001");
    assert_eq!(sums, json!({"productName": "GAS", "qty": 0.0, "amount": 0.0}));
    let (told, _) = published(&mut client, 0);
    let count = |name| told.iter().filter(|told| told["eventType"] == name).count();
    assert_eq!((count("Sold"), count("CanceledSold")), (35, 35));
    balanced(&mut client);
}

#[test]
fn head_office_keeps_the_products() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    let long = "C".repeat(65);
    for code in ["CD 7/8", "경유", "search", "..", "", &long] {
        let sent = json!({"productId": code, "productName": "LPG", "price": "900"});
        let refused = client.post("/product", &sent).expect(400).json();
        assert!(refused["message"].as_str().unwrap().starts_with("productId: "), "{refused}");
    }
    client.send("DELETE", "/product/CD2000", &[], None).unwrap().expect(404);
    let sent = json!({"productId": "CD2000", "productName": "LPG", "price": 900});
    let made = client.post("/product", &sent).expect(201);
    let itself = format!("http://{}/product/CD2000", server.address);
    assert_eq!(made.header("location"), Some(itself.as_str()));
    assert_eq!(made.json()["_links"]["product"]["href"], itself);
    let (_, last) = published(&mut client, 0);
    for (method, path, sent, status, price) in [
        ("PATCH", "/product/CD2000", json!({"price": 950}), 200, 950),
        ("PATCH", "/product/CD2000", json!({"price": "950"}), 200, 950),
        ("PUT", "/product/CD2000", json!({"productName": "LPG", "price": 960}), 200, 960),
        ("PATCH", "/product/CD2000", json!({}), 200, 960),
        ("PUT", "/product/CD3000", json!({"productName": "Kerosene", "price": 100}), 201, 100),
        ("POST", "/product", json!({"productId": "CD2000", "price": 970}), 201, 970),
    ] {
        let answer = client.json(method, path, &sent).expect(status);
        assert_eq!(answer.json()["price"], price, "{method} {sent}");
    }
    for sync in ["productId=CD2000", "productId=CD2000&price=970", "productId=CD2000&price=980"] {
        assert!(says(&mut client, "/products/sync", sync));
    }
    client.json("PATCH", "/product/CD2000", &json!({"price": 990})).expect(200);
    assert!(!says(&mut client, "/products/sync", "productId=NOPE&price=1"));
    client.json("PATCH", "/product/NOPE", &json!({"price": 1})).expect(404);
    for bad in [json!({"productName": "x"}), json!({"productId": ""}), json!({"productId": 7})] {
        client.post("/product", &bad).expect(400);
    }
    for bad in [json!({"price": -1}), json!({"price": "x"}), json!({"price": 1.5})] {
        client.json("PATCH", "/product/CD2000", &bad).expect(400);
    }
    let (told, _) = published(&mut client, last);
    let changed: Vec<_> = told
        .chunks(2)
        .map(|both| {
            let [changed, master] = both else { panic!("{told:?}") };
            assert_eq!(changed["eventType"], "ProductChanged");
            let mut same = changed.clone();
            same["eventType"] = json!("MasterChanged");
            same.as_object_mut().unwrap().remove("resend");
            assert_eq!(*master, same);
            (changed["price"].as_u64().unwrap(), changed["resend"].as_bool().unwrap())
        })
        .collect();
    let expected = [
        (950, false),
        (960, false),
        (100, false),
        (970, false),
        (970, true),
        (970, true),
        (980, true),
        (990, false),
    ];
    assert_eq!(changed, expected);
    let product = json!({"productName": "LPG", "price": 990});
    for of in ["product", "productMasters", "productMenus"] {
        assert_eq!(row(&mut client, &format!("/{of}/CD2000")), product);
        assert_eq!(rows(&mut client, of).len(), 4, "{of}");
    }
    balanced(&mut client);
}

#[test]
fn a_product_is_found_by_its_code_while_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    let product = json!({"productName": "LPG", "price": 990});
    let made = client.json("PUT", "/product/CD2000", &product).expect(201);
    let itself = made.header("location").unwrap().to_owned();
    assert_eq!(itself, format!("http://{}/product/CD2000", server.address));
    let (_, last) = published(&mut client, 0);
    let find = "/product/search/findByProductId?product_id=";
    let found = client.get(&format!("{find}CD2000")).expect(200).json();
    assert_eq!(found["_links"]["self"]["href"], itself);
    assert_eq!(without_links(found), product);
    for (code, status) in [("NOPE", 404), ("7", 404), ("", 400)] {
        client.get(&format!("{find}{code}")).expect(status);
    }
    client.send("DELETE", "/product/CD2000", &[], None).unwrap().expect(204);
    for gone in ["/product/CD2000", "/productMenus/CD2000", "/productMasters/CD2000"] {
        assert_eq!(client.get(gone).expect(404).body, "");
    }
    assert!(!says(&mut client, "/sales", "productId=CD2000&qty=1"));
    assert!(!says(&mut client, "/orders/placeOrder", "productId=CD2000&qty=1&destAddr=x"));
    let (told, _) = published(&mut client, last);
    assert_eq!(told, Vec::<Value>::new());
    // Many bring the same new product at once: it is there once.
    let sent = json!({"productId": "CD9", "productName": "Oil", "price": 1});
    together(&server, 20, |client| client.post("/product", &sent).expect(201).status);
    let oils = rows(&mut client, "productMenus").into_iter();
    assert_eq!(oils.filter(|product| product["productName"] == "Oil").count(), 1);
    client.send("DELETE", "/product/CD9", &[], None).unwrap().expect(204);
    client.get("/product/CD9").expect(404);
    balanced(&mut client);
}

#[test]
fn stock_is_put_right_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    let adjust = |client: &mut Client, quantity: Value| {
        client.post("/stockFlows", &json!({"productId": "CD1001", "qty": quantity}))
    };
    for (quantity, now) in [(json!(7.5), 7.5), (json!("-2.25"), 5.25), (json!(0), 5.25)] {
        let said = adjust(&mut client, quantity).expect(200);
        assert_eq!((said.body.as_str(), left(&mut client, "CD1001")), ("false", json!(now)));
    }
    assert!(says(&mut client, "/sales", "productId=CD1001&qty=2"));
    // What was sold cannot be counted away, whoever counts.
    let said = together(&server, 20, |client| adjust(client, json!(-1)).status);
    let count = |status| said.iter().filter(|said| **said == status).count();
    assert_eq!((count(200), count(409)), (3, 17));
    assert_eq!(left(&mut client, "CD1001"), 0.25);
    for bad in [
        json!({"qty": 1}),
        json!({"productId": "CD1001"}),
        json!({"productId": "NOPE", "qty": 1}),
        json!({"productId": "CD1001", "qty": "x"}),
        json!({"productId": "CD1001", "qty": 0.0001}),
        json!([1]),
    ] {
        client.post("/stockFlows", &bad).expect(400);
    }
    // No movement is stored of it.
    client.get("/stockFlows/1").expect(404);
    assert_eq!(left(&mut client, "CD1001"), 0.25);
    balanced(&mut client);
}

#[test]
fn what_is_published_has_all_its_fields_and_makes_sense() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "gasstation");
    let mut client = server.client();
    let (first, last) = published(&mut client, 0);
    let product = |name: &str, code: &str, called: &str, price: u64| json!({"eventType": name, "productId": code, "productName": called, "price": price});
    let mut expected = Vec::new();
    for (code, called, price) in [("CD1001", "GAS", 2000), ("CD1004", "Diesel", 1500)] {
        let mut changed = product("ProductChanged", code, called, price);
        changed["resend"] = json!(false);
        expected.extend([changed, product("MasterChanged", code, called, price)]);
    }
    assert_eq!(first, expected);

    form(&mut client, "/sales", "productId=CD1001&qty=1").expect(500);
    stock_up(&mut client, "CD1001", "20");
    client.json("PATCH", "/orders/1", &json!({"destAddr": "elsewhere"})).expect(200);
    assert!(says(&mut client, "/sales", "productId=CD1001&qty=10"));
    assert!(says(&mut client, "/cancelSales", "saleId=2"));
    let (told, _) = published(&mut client, last);
    let day = row(&mut client, "/orders/1")["orderDate"].take();
    let car = row(&mut client, "/shipments/1")["carNumber"].take();
    let sale = |name: &str| {
        json!({"eventType": name, "productId": "CD1001", "productName": "GAS", "price": 2000,
            "qty": 10.0, "amount": 20000.0, "accountId": 1, "accountName": null})
    };
    let flow = |stock: u64, quantity: f64, expected: Value, order: Value| {
        json!({"eventType": "Received", "stockId": stock, "orderId": order, "productId": "CD1001",
            "productName": "GAS", "qty": quantity, "qtyToBe": expected, "reason": null})
    };
    let mut sold = sale("Sold");
    sold["saleId"] = json!(2);
    let expected = [
        json!({"eventType": "Ordered", "orderId": 1, "orderDate": day, "productId": "CD1001",
            "productName": "GAS", "destAddr": "here", "qty": 20.0}),
        json!({"eventType": "Shipped", "shipId": 1, "orderId": 1, "carNumber": car,
            "destAddr": "here", "productId": "CD1001", "productName": "GAS", "qty": 20.0}),
        flow(1, 0.0, json!(20.0), json!(1)),
        flow(1, 20.0, json!(20.0), json!(1)),
        sold,
        sale("CanceledSold"),
        flow(2, 10.0, Value::Null, Value::Null),
    ];
    assert_eq!(told, expected);
    assert_eq!(row(&mut client, "/stockFlows/2")["qty"], 10.0);
    assert_eq!(left(&mut client, "CD1001"), 20.0);
    balanced(&mut client);
}

#[test]
fn an_arrival_that_was_not_counted_yet_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::market(folder.path(), "gasstation");
    for round in 1..=2 {
        let mut client = server.client();
        assert!(says(&mut client, "/orders/placeOrder", "productId=CD1001&qty=2.5&destAddr=x"));
        let id = round.to_string();
        until("it is shipped", || status(&mut client, &id).eq("Received").then_some(()));
        client.tell("/v1/admin/participants/inventory/stop").expect(202);
        assert!(says(&mut client, "/stocks/confirmStock", &format!("orderId={id}")));
        assert_eq!(status(&mut client, &id), "Received");
        server.kill();
        server = Server::market(folder.path(), "gasstation");
        let mut client = server.client();
        // Who was stopped stays stopped, until an operator says otherwise.
        assert_eq!(status(&mut client, &id), "Received");
        client.tell("/v1/admin/participants/inventory/start").expect(202);
        until("it is counted", || status(&mut client, &id).eq("confirmed").then_some(()));
        assert!(says(&mut client, "/stocks/confirmStock", &format!("orderId={id}")));
        assert_eq!(left(&mut client, "CD1001"), 2.5 * f64::from(round));
        balanced(&mut client);
    }
}
