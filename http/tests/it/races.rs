//! Two hundred clients want the last unit at the same instant, a hundred times for each way to count
//! units. Exactly as many get one as there are; all the others are told so, and nothing else happens.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::Server;

const CLIENTS: usize = 200;
const ROUNDS: usize = 100;

const RUSH: &str = r#"
name = "rush"
currency = "EUR"
zone = "Europe/Berlin"
price = { amount = 1000 }
"#;

/// What one client asks for in one round, and the barrier where it waits for the others.
struct Start {
    order: Value,
    line: Arc<Barrier>,
}

/// The status and the body of an answer, or what went wrong.
type Said = Result<(u16, Value), String>;

/// The clients, each with a thread and a connection of its own. They end when this is dropped.
struct Crowd {
    starts: Vec<Sender<Start>>,
    said: Receiver<(usize, Said)>,
    took: Duration,
    asked: usize,
}

impl Crowd {
    fn gather<'s>(scope: &'s std::thread::Scope<'s, '_>, address: &str) -> Crowd {
        let (tell, said) = channel();
        let starts = (0..CLIENTS)
            .map(|number| {
                let (start, starts) = channel();
                let (mut client, tell) = (Client::new(address), tell.clone());
                scope.spawn(move || run(&mut client, number, &starts, &tell));
                start
            })
            .collect();
        Crowd { starts, said, took: Duration::ZERO, asked: 0 }
    }

    /// Lets everybody order at once. Returns what each of them was answered.
    fn rush(&mut self, order: impl Fn(usize) -> Value) -> Vec<(u16, Value)> {
        let line = Arc::new(Barrier::new(CLIENTS));
        let began = Instant::now();
        for (number, start) in self.starts.iter().enumerate() {
            let (order, line) = (order(number), Arc::clone(&line));
            start.send(Start { order, line }).unwrap();
        }
        let mut said: Vec<_> = self.said.iter().take(CLIENTS).collect();
        self.took += began.elapsed();
        self.asked += CLIENTS;
        said.sort_by_key(|(number, _)| *number);
        said.into_iter().map(|(_, said)| said.unwrap()).collect()
    }
}

fn run(client: &mut Client, number: usize, starts: &Receiver<Start>, tell: &Sender<(usize, Said)>) {
    for Start { order, line } in starts {
        line.wait();
        let typed = [("content-type", "application/json")];
        let body = order.to_string();
        let said = client
            .send("POST", "/v1/rush/orders", &typed, Some(body.as_bytes()))
            .map(|answer| (answer.status, answer.json()))
            .map_err(|error| error.to_string());
        if tell.send((number, said)).is_err() {
            return;
        }
    }
}

/// What one client orders of an offering, beside its name and its card.
type Wish = fn(usize) -> Value;
/// Looks at a round: what each client wished, and whether it got that. Tells what is wrong.
type Verdict = fn(&[(Value, bool)]) -> Result<(), String>;

/// Races for fresh offerings that are counted so.
fn race(name: &str, inventory: &Value, rounds: usize, wish: Wish, verdict: Verdict) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[RUSH]);
    let mut desk = server.client();
    std::thread::scope(|scope| {
        let mut crowd = Crowd::gather(scope, &server.address);
        for round in 0..rounds {
            let new = json!({"name": format!("{name} {round}"), "inventory": inventory});
            let offering = desk.post("/v1/rush/offerings", &new).expect(201).json()["id"].clone();
            let order = |number: usize| {
                let mut order = wish(number);
                order["customer"] = json!(format!("client {number}"));
                order["offering"] = offering.clone();
                order["payment"] = json!({"card": "tok"});
                order
            };
            let said = crowd.rush(order);
            let mut got = Vec::new();
            for (number, (status, body)) in said.iter().enumerate() {
                let right = match status {
                    201 => body["offering"] == offering && body["payment"]["state"] == "captured",
                    409 => body["type"] == "/problems/no-room",
                    _ => false,
                };
                assert!(right, "{name}, round {round}: {status} {body}");
                got.push((wish(number), *status == 201));
            }
            if let Err(wrong) = verdict(&got) {
                panic!("{name}, round {round}: {wrong}");
            }
        }
        let rate = crowd.asked as f64 / crowd.took.as_secs_f64();
        println!("races: {name}: {} orders, {rate:.0} orders/s", crowd.asked);
    });
    let audit = desk.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{name}: {audit}");
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0));
}

/// A verdict: so many were lucky.
fn lucky<const COUNT: usize>(got: &[(Value, bool)]) -> Result<(), String> {
    let count = got.iter().filter(|(_, got)| *got).count();
    if count == COUNT { Ok(()) } else { Err(format!("{count} orders for {COUNT} units")) }
}

#[test]
fn the_last_seat_is_sold_once() {
    let seat = json!({"model": "seats", "capacity": 1});
    race("seats", &seat, ROUNDS, |_| json!({}), lucky::<1>);
}

#[test]
fn the_last_of_the_stock_is_sold_once() {
    let stock = json!({"model": "stock", "quantity": 7.5});
    race("stock", &stock, ROUNDS, |_| json!({"quantity": 2.5}), lucky::<3>);
}

#[test]
fn overbooking_stops_where_it_was_allowed_to() {
    let seat = json!({"model": "seats", "capacity": 1, "overbook": 2});
    race("overbook", &seat, ROUNDS, |_| json!({}), lucky::<3>);
}

#[test]
fn without_a_limit_everybody_is_served() {
    race("unlimited", &json!({"model": "unlimited"}), 1, |_| json!({}), lucky::<CLIENTS>);
}

#[test]
fn each_slot_is_sold_by_itself() {
    const SLOTS: [&str; 2] = ["2031-05-05T10:00", "2031-05-05T11:00"];
    let bay = json!({"model": "slots", "capacity": 2, "slots": SLOTS});
    let wish = |number| json!({ "slot": SLOTS.get(number % 2) });
    race("slots", &bay, ROUNDS, wish, |got| {
        for slot in SLOTS {
            let count = got.iter().filter(|(wish, got)| *got && wish["slot"] == slot).count();
            if count != 2 {
                return Err(format!("{count} orders for 2 places at {slot}"));
            }
        }
        Ok(())
    });
}

/// The rooms of the hotel below.
const ROOMS: usize = 3;
/// Its nights: those before May 6.
const NIGHTS: usize = 5;

/// Stays of one to three nights. Every night has more guests who want only it than there are rooms,
/// so in the end all of them are full.
fn stay(number: usize) -> (usize, usize) {
    let from = number % NIGHTS;
    (from, (from + 1 + number / NIGHTS % 3).min(NIGHTS))
}

#[test]
fn no_night_has_more_guests_than_rooms() {
    let hotel = json!({"model": "nights", "units": ROOMS});
    let wish = |number| {
        let (from, to) = stay(number);
        json!({"from": format!("2031-05-0{}", from + 1), "to": format!("2031-05-0{}", to + 1)})
    };
    race("nights", &hotel, ROUNDS, wish, |got| {
        let mut guests = [0; NIGHTS];
        for (number, _) in got.iter().enumerate().filter(|(_, (_, got))| *got) {
            let (from, to) = stay(number);
            guests[from..to].iter_mut().for_each(|guests| *guests += 1);
        }
        if guests == [ROOMS; NIGHTS] { Ok(()) } else { Err(format!("guests: {guests:?}")) }
    });
}
