//! The real binary against localstripe, a server of others that behaves like Stripe.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::localstripe::{KEY, Stripe, python};
use crate::server::{Server, command, until};

const SECRET: &str = "whsec_of_the_test";

/// Half of the money comes back.
const BAY: &str = r#"
name = "bay"
currency = "EUR"
[cancellation]
tiers = [{ until = "1 h", percent = 50 }]
[[offerings]]
id = 1
name = "Lift"
price = { amount = 5001 }
inventory = { model = "slots", capacity = 9, slots = ["2035-03-10T09:00"] }
"#;

/// All of it comes back.
const KIOSK: &str = r#"
name = "kiosk"
currency = "KRW"
[[offerings]]
id = 1
name = "Ticket"
price = { amount = 3000 }
inventory = { model = "unlimited" }
"#;

fn start(folder: &Path, stripe: &Stripe) -> Server {
    let mut command = command();
    for (name, text) in [("bay", BAY), ("kiosk", KIOSK)] {
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        command.arg("--market").arg(file);
    }
    command.args(["--admin", "--listen", "127.0.0.1:0", "--stripe-url", &stripe.url, "--data"]);
    command.arg(folder.join("data"));
    command.env("SUREHOLD_STRIPE_KEY", KEY).env("SUREHOLD_STRIPE_WEBHOOK_SECRET", SECRET);
    Server::spawn(command)
}

fn ticket(client: &mut Client, card: &str, key: &str) -> Answer {
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": card}}).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    client.send("POST", "/v1/kiosk/orders", &headers, Some(order.as_bytes())).unwrap()
}

/// Waits until the order's payment is in this state.
fn payment(client: &mut Client, id: &Value, state: &str) {
    until(&format!("the payment of order {id} is {state}"), || {
        let order = client.get(&format!("/v1/kiosk/orders/{id}")).expect(200).json();
        (order["payment"]["state"] == state).then_some(())
    });
}

fn sum(objects: &[Value], currency: &str) -> i64 {
    let of = objects.iter().filter(|object| object["currency"] == currency);
    of.filter(|object| object["status"] == "succeeded")
        .map(|object| object["amount"].as_i64().unwrap())
        .sum()
}

/// Holds Stripe's books against ours.
fn compare(client: &mut Client, stripe: &Stripe) {
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
    let (intents, refunds) = (stripe.all("payment_intents"), stripe.all("refunds"));
    for (ours, theirs) in [("EUR", "eur"), ("KRW", "krw")] {
        let money = &audit["money"][ours];
        assert_eq!(money["captured"].as_i64().unwrap_or(0), sum(&intents, theirs), "{audit}");
        assert_eq!(money["refunded"].as_i64().unwrap_or(0), sum(&refunds, theirs), "{audit}");
    }
}

#[test]
fn money_is_taken_refused_and_given_back() {
    let (stripe, folder) = (Stripe::start(), tempfile::tempdir().unwrap());
    let server = start(folder.path(), &stripe);
    let mut client = server.client();

    let paid = ticket(&mut client, "pm_card_visa", "k-1").expect(201).json();
    let again = ticket(&mut client, "pm_card_visa", "k-1").expect(201).json();
    assert_eq!(paid["id"], again["id"]);
    let intents = stripe.all("payment_intents");
    assert_eq!(intents.len(), 1, "one key, one payment: {intents:?}");
    assert_eq!((&intents[0]["amount"], &intents[0]["currency"]), (&json!(3000), &json!("krw")));
    let key = intents[0]["metadata"]["surehold_key"].as_str().unwrap();
    assert!(key.ends_with("-2-1") || key.ends_with("-1-1"), "{key}");

    for (card, words) in [
        ("pm_card_chargeCustomerFail", "Your card was declined"),
        ("4000000000000341", "Your card was declined"),
        ("pm_no_such_method", "Not Found"),
        ("seven", "no token of Stripe's"),
    ] {
        let refused = ticket(&mut client, card, card).expect(402);
        assert!(refused.body.contains(words), "{refused:?}");
    }
    ticket(&mut client, "4242424242424242", "k-2").expect(201);

    let whole = client.post(&format!("/v1/kiosk/orders/{}/cancel", paid["id"]), &json!({}));
    assert_eq!(whole.expect(200).json()["payment"]["state"], "refunded");
    let order = json!({"customer": "bob", "offering": 1, "slot": "2035-03-10T09:00",
        "payment": {"card": "pm_card_visa"}});
    let bay = client.post("/v1/bay/orders", &order).expect(201).json();
    let part = client.post(&format!("/v1/bay/orders/{}/cancel", bay["id"]), &json!({}));
    assert_eq!(part.expect(200).json()["payment"]["state"], "partly_refunded");

    let refunds = stripe.all("refunds");
    let mut amounts: Vec<_> = refunds.iter().map(|it| it["amount"].as_i64().unwrap()).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [2501, 3000]);
    compare(&mut client, &stripe);

    let front = stripe.front();
    let mut posts = front.seen.iter().filter(|(method, _, _)| method == "POST");
    assert!(posts.all(|(_, _, key)| !key.is_empty()), "{:?}", front.seen);
    drop(front);
    let (status, stderr) = server.stop();
    assert_eq!(status.code(), Some(0));
    let line = format!("INFO payments: Stripe at {} with the key sk_test_...WXYZ", stripe.url);
    assert!(stderr.contains(&line) && !stderr.contains("0123456789"), "{stderr}");
}

#[test]
fn a_lost_answer_is_no_second_charge() {
    let (stripe, folder) = (Stripe::start(), tempfile::tempdir().unwrap());
    let server = start(folder.path(), &stripe);
    let mut client = server.client();
    stripe.front().lose = 1;
    ticket(&mut client, "pm_card_visa", "k-1").expect(201);
    let asked = |what: &str| stripe.front().seen.iter().filter(|it| it.1.starts_with(what)).count();
    assert_eq!(asked("/v1/payment_intents/search"), 1, "it was asked, not charged again");
    assert_eq!(stripe.all("payment_intents").len(), 1);

    // The answer to a declined charge is lost as well.
    stripe.front().lose = 1;
    ticket(&mut client, "pm_card_chargeCustomerFail", "k-2").expect(402);

    // The process dies before it knows, and the next one is told.
    stripe.front().blind = true;
    let address = server.address.clone();
    let placing = std::thread::spawn(move || {
        let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "pm_card_visa"}});
        let body = order.to_string();
        let typed = [("content-type", "application/json")];
        Client::new(&address).send("POST", "/v1/kiosk/orders", &typed, Some(body.as_bytes()))
    });
    until("the charge is made", || (stripe.all("payment_intents").len() == 3).then_some(()));
    server.kill();
    assert!(placing.join().unwrap().is_err(), "nobody was told");
    stripe.front().blind = false;
    let server = start(folder.path(), &stripe);
    let mut client = server.client();
    payment(&mut client, &json!(3), "captured");
    assert_eq!(stripe.all("payment_intents").len(), 3);
    compare(&mut client, &stripe);
}

/// What Stripe would sign, made with another library than ours.
fn sign(secret: &str, at: u64, body: &str) -> String {
    let program = "import hashlib, hmac, sys\n\
        print(hmac.new(sys.argv[1].encode(), sys.argv[2].encode(), hashlib.sha256).hexdigest())";
    let signed = format!("{at}.{body}");
    let output = Command::new(python()).args(["-c", program, secret, &signed]).output().unwrap();
    format!("t={at},v1={}", String::from_utf8(output.stdout).unwrap().trim())
}

fn tell(client: &mut Client, signature: &str, body: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("stripe-signature", signature)];
    client.send("POST", "/webhooks/stripe", &headers, Some(body.as_bytes())).unwrap()
}

fn counted(client: &mut Client, outcome: &str) -> u64 {
    let text = client.get("/metrics").expect(200).body;
    let name = format!("surehold_webhooks_total{{outcome=\"{outcome}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(name.as_str()));
    line.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn news_of_a_payment_ends_the_wait() {
    let (stripe, folder) = (Stripe::start(), tempfile::tempdir().unwrap());
    let server = start(folder.path(), &stripe);
    let mut client = server.client();
    stripe.front().blind = true;
    let mut other = server.client();
    let placing = std::thread::spawn(move || ticket(&mut other, "pm_card_visa", "k-1"));
    // After three questions without an answer the next one is 8 seconds away.
    let asked = || {
        let front = stripe.front();
        front.seen.iter().filter(|it| it.1.starts_with("/v1/payment_intents/search")).count()
    };
    until("it was asked three times", || (asked() == 3).then_some(()));
    stripe.front().blind = false;
    let intent = stripe.all("payment_intents").remove(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let event = |key: &Value| {
        let object = json!({"object": "payment_intent", "metadata": {"surehold_key": key}});
        json!({"type": "payment_intent.succeeded", "data": {"object": object}}).to_string()
    };
    let news = event(&intent["metadata"]["surehold_key"]);

    let began = Instant::now();
    for (signature, words) in [
        (sign("whsec_of_another", now, &news), "does not fit"),
        (sign(SECRET, now, &event(&json!("other"))), "does not fit"),
        (sign(SECRET, now - 400, &news), "5 minutes"),
        (String::new(), "is missing"),
    ] {
        let refused = tell(&mut client, &signature, &news).expect(400);
        assert!(refused.body.contains(words), "{refused:?}");
    }
    assert_eq!((asked(), counted(&mut client, "unsigned")), (3, 4));
    for key in [json!("other"), json!("00000000000000000000000000000abc-1-1"), Value::Null] {
        let body = event(&key);
        tell(&mut client, &sign(SECRET, now, &body), &body).expect(200);
    }
    assert_eq!((asked(), counted(&mut client, "ignored")), (3, 3));
    tell(&mut client, &sign(SECRET, now, &news), &news).expect(200);
    let placed = placing.join().unwrap();
    let took = began.elapsed();
    println!("gateway_stripe: paid {took:?} after the news, {}", placed.status);
    placed.expect(201);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(counted(&mut client, "asked"), 1);

    // What localstripe itself tells is believed as well.
    stripe.tell(&format!("http://{}/webhooks/stripe", server.address), SECRET);
    ticket(&mut client, "pm_card_visa", "k-2").expect(201);
    until("localstripe told it", || (counted(&mut client, "asked") >= 2).then_some(()));
    assert_eq!(counted(&mut client, "unsigned"), 4);
    compare(&mut client, &stripe);
}

#[test]
fn without_a_secret_nobody_listens() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.client().post("/webhooks/stripe", &json!({})).expect(404);
}
