//! A folder that a newer version wrote: today's program does not know its formats.
//!
//! Such folders are made of one that today's program wrote, by raising one version at a time. Where the
//! journal has something unknown, the program must not start: it says so in one line, ends with
//! status 2, and changes nothing. Snapshots of a newer version are no reason to refuse anything: they
//! are made anew of the journal, and every order is what it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use surehold_actors::shelf::META;
use surehold_actors::shelf::checkpoint::{FORMATS_KEY, META_KEY};
use surehold_actors::stream::Kind;
use surehold_storage::redb::forge;
use surehold_storage::{Change, Record, SledSnapshots, SnapshotStore};

use super::desk::Desk;
use crate::client::Request;
use crate::server::{Server, Settings};
use crate::{Ask, Verdict};

/// The status of a program that cannot start.
const CANNOT_START: i32 = 2;
/// A kind of thing that nobody knows yet.
const UNKNOWN_KIND: u8 = 200;

/// A market that writes facts of every kind.
const MARKET: &str = "name = \"museum\"\ncurrency = \"EUR\"\n[mileage]\npoints = 1\n\
    [messages]\npaid = \"Order {order} is paid.\"\n[supply]\n\
    [[offerings]]\nid = 1\nname = \"A thing\"\nprice = { amount = 500 }\n\
    inventory = { model = \"stock\", quantity = 100 }\n";

/// What stands beside the journal when a newer version left it.
#[derive(Clone, Copy, Debug)]
enum Snapshots {
    /// Its own snapshots, of everything.
    Its,
    /// None.
    Gone,
    /// Ours: it was killed before it made any.
    Ours,
}

/// Makes such folders, and tries each.
pub(super) fn is_refused(ask: &Ask, verdict: &mut Verdict) -> Result<(), String> {
    let settings = Settings { markets: vec![MARKET.to_owned()], ..Settings::default() };
    let mut server = Server::prepare(&ask.program, settings)?;
    let folder = tempfile::Builder::new().prefix("surehold-prove-").tempdir();
    let folder = folder.map_err(|error| format!("a folder: {error}"))?;
    let orders = write(&mut server)?;
    let original = folder.path().join("original");
    copy(&server.data(), &original)?;
    let journal = original.join("journal");
    let last = last_of_kinds(&journal)?;
    if let Some(missing) = Kind::ALL.into_iter().find(|kind| !last.contains_key(&(*kind as u8))) {
        return Err(format!("no fact of the kind {missing:?} was written"));
    }
    let quick = [Snapshots::Gone].as_slice();
    let all = [Snapshots::Its, Snapshots::Gone, Snapshots::Ours].as_slice();
    for (kind, sequence) in &last {
        let some = ask.quick && *kind != Kind::Order as u8;
        for left in if some { quick } else { all } {
            // Facts under the watermark of our own snapshots are ours.
            let ours = Kind::Order as u8 == *kind || Kind::Payment as u8 == *kind;
            if matches!(left, Snapshots::Ours) && !ours {
                continue;
            }
            put(&original, &server)?;
            forge::change_records(&server.data().join("journal"), |record| {
                if record.sequence == *sequence {
                    raise(record);
                }
            })
            .map_err(|error| error.to_string())?;
            leave(&server.data().join("snapshots"), *left, *kind)?;
            refused(&server, &format!("record {sequence} of the journal"))
                .map_err(|what| format!("a fact of kind {kind}, snapshots {left:?}: {what}"))?;
            verdict.tried(1, "newer folders refused");
        }
    }
    unknown_kind(&original, &server, &last)?;
    newer_frames(&original, &server)?;
    verdict.tried(2, "newer folders refused");
    for key in [META_KEY, FORMATS_KEY] {
        put(&original, &server)?;
        change_meta(&server.data().join("snapshots"), key, |value| value[0] = 99)?;
        rebuilt(&mut server, &orders)?;
        verdict.tried(1, "folders with newer snapshots read");
    }
    Ok(())
}

/// Writes facts of every kind; a part of them is in snapshots, the rest is left by a kill. Returns the
/// orders.
fn write(server: &mut Server) -> Result<Vec<Value>, String> {
    server.restart()?;
    let mut desk = Desk::at(server)?;
    let buy = json!({"customer": "ann", "offering": 1, "payment": {"card": "tok"}});
    let bring = json!({"customer": "bob", "offering": 1, "quantity": 5, "supply": true});
    let keyed = Request::post("/v1/museum/orders", &buy).with("idempotency-key", "k1");
    desk.expect(&[201], &keyed)?;
    desk.post("/v1/museum/orders", &bring)?;
    let review = json!({"customer": "ann", "content": "good"});
    desk.post("/v1/museum/offerings/1/reviews", &review)?;
    for call in ["stop", "start"] {
        let path = format!("/v1/admin/participants/mileage/{call}");
        desk.expect(&[200, 202, 204], &Request::post(path, &Value::Null))?;
    }
    desk.until("/v1/museum/orders/1", |order| order["phase"] == "confirmed")?;
    desk.until("/v1/museum/customers/ann/messages", |page| !page["items"][0].is_null())?;
    desk.until("/v1/museum/customers/ann/mileage", |told| told["balance"] != 0)?;
    drop(desk);
    server.stop()?;
    server.restart()?;
    let mut desk = Desk::at(server)?;
    desk.post("/v1/museum/orders", &buy)?;
    desk.until("/v1/museum/orders/3", |order| order["phase"] == "confirmed")?;
    let orders = orders(&mut desk)?;
    server.kill();
    Ok(orders)
}

fn orders(desk: &mut Desk) -> Result<Vec<Value>, String> {
    (1..=3).map(|id| desk.get(&format!("/v1/museum/orders/{id}"))).collect()
}

/// The last record of each kind.
fn last_of_kinds(journal: &Path) -> Result<BTreeMap<u8, u64>, String> {
    let mut last = BTreeMap::new();
    forge::change_records(journal, |record| {
        last.insert(record.stream.kind, record.sequence);
    })
    .map_err(|error| error.to_string())?;
    Ok(last)
}

/// Raises the version of a fact, beyond what there will be for a while.
fn raise(record: &mut Record) {
    let mut bytes = record.bytes.to_vec();
    if let Some(version) = bytes.first_mut() {
        *version += 100;
    }
    record.bytes = bytes.into();
}

/// Leaves the snapshots as a newer version would, whose facts of this kind have another format.
fn leave(snapshots: &Path, left: Snapshots, kind: u8) -> Result<(), String> {
    match left {
        Snapshots::Its => change_meta(snapshots, FORMATS_KEY, |formats| {
            let (triples, _) = formats.as_chunks_mut::<3>();
            triples.iter_mut().filter(|triple| triple[0] == kind).for_each(|it| it[1] += 100);
        }),
        Snapshots::Gone => fs::remove_dir_all(snapshots).map_err(|error| error.to_string()),
        Snapshots::Ours => Ok(()),
    }
}

fn change_meta(folder: &Path, key: &[u8], change: impl Fn(&mut [u8])) -> Result<(), String> {
    let store = SledSnapshots::open(folder).map_err(|error| error.to_string())?;
    let value = store.get(META, key).map_err(|error| error.to_string())?;
    let mut value = value.ok_or("the snapshots have no meta record")?;
    change(&mut value);
    let put = Change::Put { space: META, key: key.to_vec(), value: value.to_vec() };
    store.apply(vec![put]).and_then(|()| store.sync()).map_err(|error| error.to_string())
}

/// Holds that the program refuses the folder by name, and leaves it as it is.
fn refused(server: &Server, place: &str) -> Result<(), String> {
    let journal = server.data().join("journal");
    let frames = || forge::frames(&journal).map_err(|error| error.to_string());
    let before = frames()?;
    let ended = server.refused()?;
    let said: Vec<&str> =
        ended.stderr.lines().filter(|line| line.starts_with("surehold: ")).collect();
    let data = server.data().display().to_string();
    let [line] = said.as_slice() else {
        return Err(format!("one line was expected: {}", ended.stderr));
    };
    let words = [data.as_str(), place, "newer version of Surehold", "start that version"];
    if let Some(missing) = words.iter().find(|word| !line.contains(**word)) {
        return Err(format!("{missing:?} is missing in {line:?}"));
    }
    if ended.status.code() != Some(CANNOT_START) {
        return Err(format!("it ended with {}", ended.status));
    }
    if frames()? != before {
        return Err("the journal was changed".to_owned());
    }
    Ok(())
}

/// A record of a kind that is not known.
fn unknown_kind(original: &Path, server: &Server, last: &BTreeMap<u8, u64>) -> Result<(), String> {
    put(original, server)?;
    let newest = last.values().max().copied().unwrap_or_default();
    forge::change_records(&server.data().join("journal"), |record| {
        if record.sequence == newest {
            record.stream.kind = UNKNOWN_KIND;
        }
    })
    .map_err(|error| error.to_string())?;
    refused(server, &format!("record {newest} of the journal"))
}

/// Frames of another format.
fn newer_frames(original: &Path, server: &Server) -> Result<(), String> {
    put(original, server)?;
    let journal = server.data().join("journal");
    let raised = forge::change_frames(&journal, |_, bytes| {
        let mut bytes = bytes.to_vec();
        bytes.iter_mut().take(1).for_each(|version| *version += 1);
        bytes
    });
    raised.map_err(|error| error.to_string())?;
    refused(server, "journal.redb: the frame that begins with sequence")
}

/// Holds that the program starts, and that every order is what it was.
fn rebuilt(server: &mut Server, orders_then: &[Value]) -> Result<(), String> {
    server.restart()?;
    let mut desk = Desk::at(server)?;
    let now = orders(&mut desk)?;
    if now != orders_then {
        return Err(format!("with newer snapshots: it was {orders_then:?}, it is {now:?}"));
    }
    desk.balanced()?;
    drop(desk);
    server.stop().map(drop)
}

/// Makes the server's data folder a copy of the original.
fn put(original: &Path, server: &Server) -> Result<(), String> {
    let data = server.data();
    if data.exists() {
        fs::remove_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
    }
    copy(original, &data)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copied = || -> std::io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if entry.file_type()?.is_dir() {
                copy(&from, &to).map_err(std::io::Error::other)?;
            } else {
                fs::copy(&from, &to)?;
            }
        }
        Ok(())
    };
    copied().map_err(|error| format!("{}: {error}", from.display()))
}
