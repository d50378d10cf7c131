//! What the transcript of yogiyogi does not say.

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Server, until};

fn book(client: &mut Client, name: &str) -> u64 {
    let order = json!({"name": name, "cardNo": "7", "status": "order start"});
    let made = client.post("/orders", &order).expect(201);
    let id = made.header("location").unwrap().rsplit('/').next().unwrap().parse().unwrap();
    until("the operator is asked", || {
        (mypage(client, id)["status"] == "Reservation Complete").then_some(())
    });
    id
}

fn mypage(client: &mut Client, id: u64) -> Value {
    client.get(&format!("/mypages/{id}")).expect(200).json()
}

fn speak(client: &mut Client, id: u64, status: &str) -> u16 {
    client.post("/confirmations", &json!({"orderid": id, "status": status})).status
}

#[test]
fn the_operator_is_heard_once_and_in_their_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "yogiyogi");
    let mut client = server.client();
    let id = book(&mut client, "ann");
    for (body, status) in [
        (json!({"orderid": id}), 400),
        (json!({"orderid": id, "status": null}), 400),
        (json!({"status": "Confirmed"}), 400),
        (json!({"orderid": "x", "status": "Confirmed"}), 400),
        (json!({"orderid": id, "status": "a\u{0}"}), 400),
        (json!({"orderid": 99, "status": "Confirmed"}), 404),
    ] {
        client.post("/confirmations", &body).expect(status);
    }
    assert_eq!(client.get("/confirmations").json()["page"]["totalElements"], 0);
    client.get("/confirmations/1").expect(404);
    assert_eq!(client.get("/reservations/1").expect(200).json()["status"], "Reservation Complete");

    let spoken = json!({"orderid": id.to_string(), "status": "Room 7 is yours"});
    let made = client.post("/confirmations", &spoken).expect(201);
    let at = format!("http://{}/confirmations/1", server.address);
    assert_eq!(made.header("location"), Some(at.as_str()));
    let row = client.get("/confirmations/1").expect(200).json();
    assert_eq!((&row["orderid"], &row["status"]), (&json!(id), &json!("Room 7 is yours")));
    let page = mypage(&mut client, id);
    assert_eq!((&page["status"], &page["reservationId"]), (&json!("Room 7 is yours"), &json!(1)));
    for again in ["Confirmed", "Confirmation Cancel"] {
        let refused = client.post("/confirmations", &json!({"orderid": id, "status": again}));
        let refused = refused.expect(409).json();
        assert!(refused["message"].as_str().unwrap().contains("no longer waits"), "{refused}");
    }
    assert_eq!(mypage(&mut client, id)["status"], "Room 7 is yours");
    assert_eq!(client.get("/v1/yogiyogi/orders/1").json()["phase"], "confirmed");
}

#[test]
fn views_tell_who_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "yogiyogi");
    let mut client = server.client();
    let [hotel, guest, late] = ["ann", "bob", "cid"].map(|name| book(&mut client, name));
    assert_eq!(speak(&mut client, hotel, "Confirmation Cancel"), 201);
    assert_eq!(speak(&mut client, late, "Confirmed"), 201);
    for id in [guest, late] {
        let changed = client.json("PUT", &format!("/orders/{id}"), &json!({"name": "new"}));
        assert_eq!(changed.expect(200).json()["cardNo"], Value::Null);
    }
    for (id, name, status, number) in [
        (hotel, "ann", "Confirmation Canceled", 1),
        (guest, "new", "Reservation Canceled", 2),
        (late, "new", "Reservation Canceled", 3),
    ] {
        let page = mypage(&mut client, id);
        let expected = [json!(id), json!(id), json!(number), json!(name), json!(status)];
        let fields = ["orderId", "reservationId", "cancellationId", "name", "status"];
        assert_eq!(fields.map(|field| page[field].clone()), expected);
        let view = client.get(&format!("/hotelViews/{id}")).expect(200).json();
        assert_eq!((&view["orderid"], &view["status"]), (&json!(id), &json!(status)));
        let row = client.get(&format!("/cancellations/{number}")).expect(200).json();
        assert_eq!((&row["orderId"], &row["status"]), (&json!(id), &json!(status)));
        let paid = client.get(&format!("/paymentHistories/{id}")).expect(200).json();
        assert_eq!(paid["status"], "Payment Canceled");
        // What was reserved stays on record.
        client.get(&format!("/reservations/{id}")).expect(200);
    }
    // What the operator said is on record; what they never spoke of is not.
    let said = client.get("/confirmations?sort=id,desc").expect(200).json();
    assert_eq!(said["page"]["totalElements"], 2);
    assert_eq!(said["_embedded"]["confirmations"][0]["status"], "Confirmed");
    assert_eq!(said["_embedded"]["confirmations"][1]["status"], "Confirmation Cancel");
    assert_eq!(speak(&mut client, guest, "Confirmed"), 409);
    assert_eq!(client.get("/v1/admin/audit").json()["balanced"], true);
}

#[test]
fn the_operator_and_the_customer_at_the_same_instant() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "yogiyogi");
    let mut client = server.client();
    for round in 0..30 {
        let id = book(&mut client, "ann");
        let word = if round % 2 == 0 { "Confirmed" } else { "Confirmation Cancel" };
        let mut operator = server.client();
        let speaking = std::thread::spawn(move || speak(&mut operator, id, word));
        let order = format!("/orders/{id}");
        client.json("PATCH", &order, &json!({"status": "never mind"})).expect(200);
        let heard = speaking.join().unwrap();
        assert!([201, 409].contains(&heard), "{heard}");
        // Whoever was told that they were heard finds their word; the stay is off either way.
        let said = client.get(&format!("/confirmations/{id}"));
        assert_eq!(said.status == 200, heard == 201, "{word}: {heard}, {said:?}");
        let expected = match (heard, word) {
            (201, "Confirmation Cancel") => "Confirmation Canceled",
            (_, _) => "Reservation Canceled",
        };
        assert_eq!(mypage(&mut client, id)["status"], expected);
    }
    assert_eq!(client.get("/v1/admin/audit").json()["balanced"], true);
}

#[test]
fn stopped_participants() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "yogiyogi");
    let mut client = server.client();
    let before = book(&mut client, "ann");
    client.tell("/v1/admin/participants/confirmations/stop").expect(202);
    let order = json!({"name": "bob", "cardNo": 7, "status": "order start"});
    client.post("/orders", &order).expect(201);
    let page = mypage(&mut client, 2);
    let expected = (&json!("Reservation Good"), &Value::Null);
    assert_eq!((&page["status"], &page["reservationId"]), expected);
    for id in [before, 2] {
        let later = client.post("/confirmations", &json!({"orderid": id, "status": "Fine"}));
        assert!(later.expect(503).header("retry-after").is_some());
    }
    // Cancelled before anybody took it up: there never was a reservation.
    client.json("PATCH", "/orders/2", &json!({"status": "no"})).expect(200);
    client.tell("/v1/admin/participants/confirmations/start").expect(202);
    until("the cancellation is through", || {
        (client.get("/v1/yogiyogi/orders/2").json()["phase"] == "cancelled").then_some(())
    });
    let page = mypage(&mut client, 2);
    let expected = (&json!("Reservation Canceled"), &Value::Null);
    assert_eq!((&page["status"], &page["reservationId"]), expected);
    client.get("/reservations/2").expect(404);
    // The words of a call that failed are not shown once another one is heard.
    assert_eq!(speak(&mut client, before, "Confirmed"), 201);
    assert_eq!(mypage(&mut client, before)["status"], "Confirmed");

    client.tell("/v1/admin/participants/payments/stop").expect(202);
    let failure = client.post("/orders", &order).expect(500).json();
    assert_eq!(
        (&failure["path"], &failure["error"]),
        (&json!("/orders"), &json!("Internal Server Error"))
    );
    client.get("/orders/3").expect(404);
    client.get("/mypages/3").expect(404);
    client.tell("/v1/admin/participants/payments/start").expect(202);
    client.post("/orders", &order).expect(201);
}
