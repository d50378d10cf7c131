//! What the gateways make of what comes over the wire: a service that says one thing, and what
//! follows from it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use surehold_actors::gateway::json::JsonGateway;
use surehold_actors::gateway::stripe::{ApiKey, Stripe};
use surehold_actors::gateway::{Answer, PaymentGateway, Request, Secret};
use surehold_domain::card::Card;
use surehold_domain::money::{Currency, Money};

/// Answers one request after another with these texts, each on a connection of its own, and tells
/// what it was asked. Then it hangs up.
fn service(answers: Vec<String>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let asked = read(&stream);
            // Whoever stops reading early is no news here.
            let _ = (&stream).write_all(answer.as_bytes());
            let _ = stream.shutdown(Shutdown::Write);
            let _ = tell.send(asked);
        }
    });
    (url, told)
}

fn read(stream: &TcpStream) -> String {
    let (mut reader, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    head + str::from_utf8(&body).unwrap()
}

fn http(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn request(card: &str) -> Request {
    let amount = Money::new(1250, Currency::parse("EUR").unwrap()).unwrap();
    let key = "00000000000000000000000000000abc-3-7".to_owned();
    let known = Card::parse(card).unwrap();
    let secret = matches!(known, Card::Number { .. }).then(|| Secret::new(card.to_owned()));
    Request { key, amount, card: Some(known), secret }
}

fn stripe(url: &str) -> Stripe {
    Stripe::new(url, ApiKey::parse("sk_test_0123456789abcdef").unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_no_answer_is_unknown() {
    let long = http(200, &format!("\"{}\"", "x".repeat(70_000)));
    let elsewhere = "HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    for (answer, words) in [
        (long.as_str(), "longer than"),
        (elsewhere, "it answered 307"),
        ("", ""),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", ""),
        ("nonsense\r\n\r\n", ""),
    ] {
        let (url, told) = service(vec![answer.to_owned()]);
        let said = JsonGateway::new(&url).unwrap().capture(request("tok_1")).await;
        let Answer::Unknown(why) = said else { panic!("{answer:.60}: {said:?}") };
        assert!(why.contains(words) && !why.contains("abc-3"), "{why}");
        assert!(told.recv().unwrap().starts_with("POST /payments HTTP/1.1"));
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = JsonGateway::new(&format!("http://{closed}")).unwrap().ask(request("7")).await;
    assert!(matches!(&said, Answer::Unknown(why) if why.contains("no connection")), "{said:?}");
}

#[tokio::test]
async fn a_refund_is_asked_for_under_a_key_of_its_own() {
    let (url, told) = service(vec![http(201, "")]);
    let mut refund = request("tok_1");
    refund.key.push_str("-refund");
    let amount = refund.amount;
    let said = JsonGateway::new(&url).unwrap().refund(refund).await;
    assert_eq!(said, Answer::Refunded(amount));
    let asked = told.recv().unwrap();
    assert!(asked.starts_with("POST /payments/00000000000000000000000000000abc-3-7/refunds "));
    assert!(asked.contains("idempotency-key: 00000000000000000000000000000abc-3-7-refund\r\n"));
}

/// A service that declines one card, and says its first answer on a connection once more before the next one.
fn repeating() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut said = String::new();
                loop {
                    let asked = read(&stream);
                    if asked.is_empty() {
                        return;
                    }
                    let _ = (&stream).write_all(said.as_bytes());
                    let (status, body) = match asked.contains("tok_declined") {
                        true => (402, "{\"declined\":\"no\"}"),
                        false => (201, "{\"state\":\"captured\"}"),
                    };
                    said = http(status, body).replace("connection: close\r\n", "");
                    let _ = (&stream).write_all(said.as_bytes());
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn an_answer_that_is_given_twice_is_not_taken_for_the_next_one() {
    let gateway = JsonGateway::new(&repeating()).unwrap();
    for _ in 0..5 {
        assert_eq!(gateway.capture(request("tok_1")).await, Answer::Captured);
        // Time for the connection to be given back, if it is kept.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let said = gateway.capture(request("tok_declined")).await;
        assert_eq!(said, Answer::Declined("no".to_owned()));
    }
}

#[tokio::test]
async fn an_answer_that_names_another_payment_is_none() {
    let ours = "00000000000000000000000000000abc-3-7";
    let asked = request("tok_1");
    for (key, known) in [(ours, true), ("00000000000000000000000000000abc-3-8", false)] {
        let body = format!("{{\"state\":\"captured\",\"key\":\"{key}\"}}");
        let answers = [http(201, &body), http(200, &body)];
        let (url, _told) = service(answers.to_vec());
        let gateway = JsonGateway::new(&url).unwrap();
        for said in [gateway.capture(asked.clone()).await, gateway.ask(asked.clone()).await] {
            assert_eq!(matches!(said, Answer::Captured), known, "{key}: {said:?}");
            assert_eq!(matches!(said, Answer::Unknown(_)), !known, "{key}: {said:?}");
        }
    }
    // A refund may be named by its own key or by its payment's.
    for (key, known) in [("abc-3-7-refund", true), ("abc-3-7", true), ("abc-3-8-refund", false)] {
        let body = format!("{{\"key\":\"00000000000000000000000000000{key}\"}}");
        let (url, _told) = service(vec![http(201, &body)]);
        let mut refund = request("tok_1");
        refund.key.push_str("-refund");
        let said = JsonGateway::new(&url).unwrap().refund(refund).await;
        assert_eq!(matches!(said, Answer::Refunded(_)), known, "{key}: {said:?}");
    }
}

#[tokio::test]
async fn a_charge_at_stripe_is_one_form() {
    let (url, told) = service(vec![http(200, "{\"status\":\"succeeded\"}")]);
    assert_eq!(stripe(&url).capture(request("tok_visa")).await, Answer::Captured);
    let asked = told.recv().unwrap();
    let (head, form) = asked.split_once("\r\n\r\n").unwrap();
    for line in [
        "POST /v1/payment_intents HTTP/1.1",
        "authorization: Bearer sk_test_0123456789abcdef",
        "idempotency-key: 00000000000000000000000000000abc-3-7",
        "content-type: application/x-www-form-urlencoded",
    ] {
        assert!(head.lines().any(|it| it == line), "{head}");
    }
    let fields: BTreeSet<&str> = form.split('&').collect();
    for field in [
        "amount=1250",
        "currency=eur",
        "confirm=true",
        "payment_method_data%5Btype%5D=card",
        "payment_method_data%5Bcard%5D%5Btoken%5D=tok_visa",
        "metadata%5Bsurehold_key%5D=00000000000000000000000000000abc-3-7",
    ] {
        assert!(fields.contains(field), "{form}");
    }
}

#[tokio::test]
async fn nobody_is_left_to_prove_who_they_are() {
    let half_made = "{\"id\":\"pi_1\",\"status\":\"requires_action\"}";
    for (answer, declined) in [
        (http(200, "{\"id\":\"pi_1\",\"status\":\"canceled\"}"), true),
        (http(400, "{\"error\":{\"type\":\"invalid_request_error\"}}"), false),
        (http(500, ""), false),
    ] {
        let (url, told) = service(vec![http(200, half_made), answer]);
        let said = stripe(&url).capture(request("pm_card_threeDSecure")).await;
        assert_eq!(matches!(said, Answer::Declined(_)), declined, "{said:?}");
        assert_eq!(matches!(said, Answer::Unknown(_)), !declined, "{said:?}");
        told.recv().unwrap();
        assert!(told.recv().unwrap().starts_with("POST /v1/payment_intents/pi_1/cancel "));
    }
}

#[tokio::test]
async fn a_live_key_sends_no_card_number() {
    let live = ApiKey::parse("sk_live_0123456789abcdef").unwrap();
    // Nobody is there: had it sent anything, the answer would be unknown.
    let gateway = Stripe::new("https://127.0.0.1:1", live).unwrap();
    let said = gateway.capture(request("4242424242424242")).await;
    assert!(matches!(&said, Answer::Declined(why) if why.contains("token")), "{said:?}");
}

#[tokio::test]
async fn only_search_and_list_together_say_that_there_is_none() {
    let none = http(200, "{\"data\":[],\"has_more\":false}");
    let old = http(200, "{\"data\":[{\"id\":\"pi_9\",\"created\":1700000000}],\"has_more\":true}");
    let other =
        http(200, "{\"data\":[{\"id\":\"pi_9\",\"created\":99999999999}],\"has_more\":true}");
    let failed = || http(500, "");
    let no_search = || http(404, "{\"error\":{\"type\":\"invalid_request_error\"}}");
    let key = "00000000000000000000000000000abc-3-7";
    let ours = format!(
        "{{\"id\":\"pi_7\",\"created\":99999999999,\"status\":\"succeeded\",\
         \"metadata\":{{\"surehold_key\":\"{key}\"}}}}"
    );
    let found = http(200, &format!("{{\"data\":[{ours}],\"has_more\":true}}"));
    let intent = http(200, &ours);
    for (answers, expected) in [
        (vec![none.clone(), none.clone()], Answer::NotFound),
        (vec![none.clone(), old.clone()], Answer::NotFound),
        (vec![none.clone(), other.clone(), found.clone()], Answer::Captured),
        (vec![no_search(), other.clone(), old.clone(), none.clone()], Answer::NotFound),
        (vec![found.clone(), intent.clone()], Answer::Captured),
        (vec![failed()], Answer::Unknown("Stripe answered 500".to_owned())),
        (vec![none.clone(), failed()], Answer::Unknown("Stripe answered 500".to_owned())),
    ] {
        let count = answers.len();
        let (url, told) = service(answers);
        assert_eq!(stripe(&url).ask(request("pm_1")).await, expected);
        let asked: Vec<_> = told.iter().collect();
        assert_eq!(asked.len(), count, "{asked:?}");
        assert!(asked.iter().all(|it| it.starts_with("GET ")), "{asked:?}");
    }
}
