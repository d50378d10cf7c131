//! What the transcript of edu does not say.

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Server, until};

fn apply(client: &mut Client, user: &str, course: u64) -> u64 {
    let sent = json!({"userId": user, "eduName": "MSA", "eduId": course, "status": "EduApplied"});
    let made = client.post("/eduApplications", &sent).expect(201);
    let id = made.header("location").unwrap().rsplit('/').next().unwrap().parse().unwrap();
    until("the registration", || {
        (status(client, "eduApplications", id) == "EduRegistered").then_some(())
    });
    id
}

fn status(client: &mut Client, of: &str, app: u64) -> Value {
    client.get(&format!("/{of}/search/findByAppId?appId={app}")).expect(200).json()["status"].take()
}

#[test]
fn a_course_with_seats_is_full_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "edu");
    let mut client = server.client();
    let course = json!({
        "id": 42, "name": "Small course", "price": {"amount": 70000},
        "inventory": {"model": "seats", "capacity": 1},
    });
    client.post("/v1/edu/offerings", &course).expect(201);
    let first = apply(&mut client, "ann", 42);
    let order = client.get(&format!("/v1/edu/orders/{first}")).json();
    assert_eq!((&order["offering"], &order["customer"]), (&json!(42), &json!("ann")));
    let sent = json!({"userId": "bob", "eduName": "MSA", "eduId": "42", "status": "EduApplied"});
    let full = client.post("/eduApplications", &sent).expect(409).json();
    assert!(full["message"].as_str().unwrap().contains("no room"), "{full}");
    let all = client.get("/eduApplications").json();
    assert_eq!(all["page"]["totalElements"], 1);
    // Any other course is the one that is never full.
    let other = apply(&mut client, "bob", 43);
    assert_eq!(client.get(&format!("/v1/edu/orders/{other}")).json()["offering"], 1);
    client.send("DELETE", &format!("/eduApplications/{first}"), &[], None).unwrap().expect(204);
    apply(&mut client, "bob", 42);
    for bare in [json!({}), json!({"userId": "cid", "eduId": null})] {
        let made = client.post("/eduApplications", &bare).expect(201).json();
        assert_eq!((&made["status"], &made["eduName"]), (&Value::Null, &Value::Null));
    }
    assert_eq!(client.get("/v1/admin/audit").json()["balanced"], true);
}

#[test]
fn only_one_word_cancels() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "edu");
    let mut client = server.client();
    let id = apply(&mut client, "ann", 1);
    let path = format!("/eduApplications/{id}");
    let renamed = client.json("PATCH", &path, &json!({"eduName": "DDD"})).expect(200).json();
    assert_eq!((&renamed["eduName"], &renamed["status"]), (&json!("DDD"), &json!("EduRegistered")));
    let told = client.json("PATCH", &path, &json!({"status": "eduappcancelled"})).expect(200);
    assert_eq!(told.json()["status"], "eduappcancelled");
    assert_eq!(client.get(&path).json()["status"], "eduappcancelled");
    assert_eq!(status(&mut client, "mypages", id), "EduRegistered");
    for (method, body) in
        [("PATCH", json!({"status": null})), ("PUT", json!({"eduName": "no status"}))]
    {
        let refused = client.json(method, &path, &body).expect(400).json();
        assert!(refused["message"].as_str().unwrap().contains("status"), "{refused}");
    }
    let phase =
        |client: &mut Client| client.get(&format!("/v1/edu/orders/{id}")).json()["phase"].take();
    assert_eq!(phase(&mut client), "confirmed");
    assert_eq!(client.get("/educations/1").expect(200).json()["eduName"], "DDD");

    let silent = client.send("PATCH", &path, &[], Some(b"{\"status\":\"EduAppCancelled\"}"));
    silent.unwrap().expect(204);
    assert_eq!(phase(&mut client), "cancelled");
    client.json("PATCH", &path, &json!({"status": "EduAppCancelled"})).expect(200);
    for (of, expected) in [
        ("eduApplications", "EduCancelled"),
        ("payments", "PayCancelled"),
        ("mypages", "EduCancelled"),
    ] {
        assert_eq!(status(&mut client, of, id), expected);
    }
    client.get("/educations/1").expect(404);
    assert_eq!(client.get("/educations").json()["_embedded"]["educations"], json!([]));
    assert_eq!(client.get("/educations").json()["page"]["totalElements"], 0);
    client.json("PATCH", "/educations/1", &json!({"status": "EduCompleted"})).expect(404);
}

#[test]
fn any_change_of_an_education_completes_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "edu");
    let mut client = server.client();
    let id = apply(&mut client, "ann", 1);
    let phase =
        |client: &mut Client| client.get(&format!("/v1/edu/orders/{id}")).json()["phase"].take();
    let row = client.get("/educations/1").expect(200).json();
    let same = client.json("PUT", "/educations/1", &row).expect(200).json();
    assert_eq!(
        (&same["status"], phase(&mut client)),
        (&json!("EduRegistered"), json!("confirmed"))
    );
    client.json("PATCH", "/educations/1", &json!({"status": null})).expect(400);
    assert_eq!(phase(&mut client), "confirmed");
    for words in ["EduCompleted", "with honours"] {
        let row = client.json("PATCH", "/educations/1", &json!({"status": words})).expect(200);
        assert_eq!(row.json()["status"], words);
        assert_eq!(phase(&mut client), "fulfilled");
        for of in ["eduApplications", "educations", "mypages"] {
            assert_eq!(status(&mut client, of, id), words);
        }
    }
    // What was taken cannot be cancelled any more.
    let app = format!("/eduApplications/{id}");
    client.json("PATCH", &app, &json!({"status": "EduAppCancelled"})).expect(409);
    client.send("DELETE", "/educations/1", &[], None).unwrap().expect(409);
    assert_eq!(status(&mut client, "payments", id), "Paid");
    client.send("DELETE", &app, &[], None).unwrap().expect(204);
    client.get(&app).expect(404);
    assert_eq!(phase(&mut client), "fulfilled");

    let other = apply(&mut client, "bob", 1);
    client.send("DELETE", "/educations/2", &[], None).unwrap().expect(204);
    client.send("DELETE", "/educations/2", &[], None).unwrap().expect(404);
    assert_eq!(status(&mut client, "eduApplications", other), "EduCancelled");
    assert_eq!(status(&mut client, "payments", other), "PayCancelled");
    assert_eq!(client.get("/v1/admin/audit").json()["balanced"], true);
}

#[test]
fn stopped_participants() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), "edu");
    let mut client = server.client();
    client.tell("/v1/admin/participants/confirmations/stop").expect(202);
    let sent = json!({"userId": "ann", "eduName": "MSA", "eduId": 1, "status": "EduApplied"});
    client.post("/eduApplications", &sent).expect(201);
    assert_eq!(status(&mut client, "eduApplications", 1), "EduApplied");
    assert_eq!(status(&mut client, "mypages", 1), "Paid");
    assert_eq!(status(&mut client, "payments", 1), "Paid");
    client.get("/educations/search/findByAppId?appId=1").expect(404);
    client.tell("/v1/admin/participants/confirmations/start").expect(202);
    until("what was missed is done", || {
        (status(&mut client, "mypages", 1) == "EduRegistered").then_some(())
    });
    client.tell("/v1/admin/participants/payments/stop").expect(202);
    let failure = client.post("/eduApplications", &sent).expect(500).json();
    assert_eq!((&failure["status"], &failure["path"]), (&json!(500), &json!("/eduApplications")));
    for path in ["/eduApplications/2", "/mypages/2", "/payments/2", "/educations/2"] {
        client.get(path).expect(404);
    }
}
