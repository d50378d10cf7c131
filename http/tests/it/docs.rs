//! `docs/markets.md`, played as it is written: its TOML is saved, its commands are typed into a shell,
//! its servers are started, and what it shows as their answers is compared with what they say.
//!
//! A block of `console` has commands behind `$ ` and their answers. Shown JSON is compared as JSON,
//! all else word by word; `...` stands for anything, in JSON also for what is not there. A command
//! that only looks is typed again until the answer is as shown: what it waits for takes a moment.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::server::{Server, command, until};

/// Where the page says the server is.
const THERE: &str = "127.0.0.1:8080";

/// A command and what the page shows as its answer.
struct Typed {
    command: String,
    shown: String,
}

/// What stands between the fences of this kind.
fn blocks<'t>(text: &'t str, kind: &str) -> Vec<&'t str> {
    let fence = format!("```{kind}\n");
    let blocks = text.split(fence.as_str()).skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

fn typed(block: &str) -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    let mut quotes = 0;
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            quotes = command.matches('\'').count();
            all.push(Typed { command: command.to_owned(), shown: String::new() });
            continue;
        }
        let last = all.last_mut().expect("a block begins with a command");
        // A quotation that is still open goes on in the next line.
        if quotes % 2 == 1 {
            quotes += line.matches('\'').count();
            last.command += &format!("\n{line}");
        } else {
            last.shown += &format!("{line}\n");
        }
    }
    all
}

/// Whether an answer is the shown one.
fn is_shown(shown: &str, said: &str) -> bool {
    match (serde_json::from_str(shown), serde_json::from_str(said)) {
        (Ok(shown), Ok(said)) => same(&shown, &said),
        _ => {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            like(&words(shown), &words(said))
        }
    }
}

fn same(shown: &Value, said: &Value) -> bool {
    match (shown, said) {
        (Value::String(shown), _) if shown == "..." => true,
        (Value::Object(shown), Value::Object(said)) => {
            let there = |(name, shown): (&String, &Value)| match said.get(name) {
                Some(said) => same(shown, said),
                None => shown == "...",
            };
            shown.iter().all(there) && said.keys().all(|name| shown.contains_key(name))
        }
        (Value::Array(shown), Value::Array(said)) => {
            shown.len() == said.len() && shown.iter().zip(said).all(|(one, other)| same(one, other))
        }
        (shown, said) => shown == said,
    }
}

/// Whether a text is like the pattern, in which `...` stands for anything.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split("...");
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// A person at a terminal, in a folder with the files of the page.
struct Terminal {
    folder: tempfile::TempDir,
    server: Option<Server>,
}

impl Terminal {
    fn play(&mut self, Typed { command, shown }: &Typed) {
        if let Some(flags) = command.strip_prefix("surehold --market") {
            self.start(&format!("--market{flags}"), shown);
            return;
        }
        let changes = ["-X ", "--json ", "surehold "].iter().any(|word| command.contains(word));
        let mut said = self.shell(command);
        if !changes && !is_shown(shown, &said) {
            said = until(&format!("{command}\nshows\n{shown}\nand said at first\n{said}"), || {
                let said = self.shell(command);
                is_shown(shown, &said).then_some(said)
            });
        }
        assert!(is_shown(shown, &said), "$ {command}\nshows\n{shown}\nbut says\n{said}");
    }

    fn start(&mut self, flags: &str, shown: &str) {
        let mut command = command();
        command.args(flags.split_whitespace()).args(["--listen", "127.0.0.1:0"]);
        command.current_dir(self.folder.path());
        let server = Server::spawn(command);
        let ready = server.ready.replace(&server.address, THERE);
        assert!(is_shown(shown, &ready), "shows {shown}\nbut says {ready}");
        self.server = Some(server);
    }

    /// What a shell says to a command, with the address of the server that runs here.
    fn shell(&self, typed: &str) -> String {
        let address = self.server.as_ref().map_or(THERE, |server| server.address.as_str());
        let binary = Path::new(env!("CARGO_BIN_EXE_surehold"));
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{}", typed.replace(THERE, address))])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", binary.parent().unwrap().display()))
            .env("NO_PROXY", "127.0.0.1")
            .env_remove("RUST_LOG")
            .output()
            .expect("sh and curl are needed to play the page");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/markets.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_page_about_markets_is_true() {
    let text = page();
    let mut here = Terminal { folder: tempfile::tempdir().unwrap(), server: None };
    let mut files = 0;
    for file in blocks(&text, "toml") {
        let (name, _) = file.split_once('\n').unwrap();
        let name = PathBuf::from(name.trim_start_matches("# "));
        assert!(name.extension().is_some_and(|kind| kind == "toml"), "{name:?}");
        std::fs::write(here.folder.path().join(name), file).unwrap();
        files += 1;
    }
    let commands: Vec<Typed> = blocks(&text, "console").into_iter().flat_map(typed).collect();
    for command in &commands {
        here.play(command);
    }
    println!("docs: {files} file, {} commands", commands.len());
    assert!(files == 1 && commands.len() >= 15, "the page was not read to its end");
    let (status, _) = here.server.take().unwrap().stop();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn every_key_of_a_market_file_is_on_the_page() {
    // The reader itself says which keys it knows, when it meets one that it does not.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("market.toml");
    let text = page();
    for place in [
        "",
        "[payment]\n",
        "[confirmation]\n",
        "[completion]\n",
        "[cancellation]\n",
        "[[cancellation.tiers]]\n",
        "[mileage]\n",
        "[messages]\n",
        "[supply]\n",
        "[views]\n",
        "[[offerings]]\n",
        "[[offerings]]\nid = 1\nname = \"n\"\nprice = { amount = 1 }\n[offerings.inventory]\n",
        "[[offerings]]\nid = 1\nname = \"n\"\nprice = { amount = 1 }\n[offerings.inventory]\n\
         model = \"slots\"\ncapacity = 1\n[offerings.inventory.repeat]\n",
    ] {
        let market = format!("name = \"n\"\ncurrency = \"EUR\"\n{place}zzzzzzzzz = 1\n");
        std::fs::write(&file, &market).unwrap();
        let said = command().arg("check-market").arg(&file).output().unwrap();
        assert_eq!(said.status.code(), Some(2), "{market}");
        let said = String::from_utf8(said.stderr).unwrap();
        let keys = said.split("Allowed here: ").nth(1).unwrap_or_else(|| panic!("{said}"));
        for key in keys.trim().split(", ") {
            let there = [
                format!("`{key}`"),
                format!(".{key}`"),
                format!("`[{key}]`"),
                format!("{key} ="),
                format!("`[[{key}]]`"),
            ];
            assert!(there.iter().any(|written| text.contains(written)), "{place}: {key}");
        }
    }
}

#[test]
fn what_is_shown_is_compared_and_not_waved_through() {
    assert!(is_shown("{\"a\": \"...\", \"b\": [1]}", "{\"a\":3,\"b\":[1]}"));
    assert!(is_shown("{\"a\": \"...\"}", "{}"));
    assert!(!is_shown("{\"a\": 1}", "{\"a\":1,\"b\":2}"));
    assert!(!is_shown("{\"a\": 1}", "{\"a\":2}"));
    assert!(!is_shown("[1, 2]", "[1]"));
    assert!(is_shown("line 1:\n  wrong", "line 1: wrong\n"));
    assert!(is_shown("at ... it said ...", "at noon it said yes"));
    assert!(!is_shown("at ... it said no", "at noon it said yes"));
    assert!(!is_shown("ok", "ok then"));
}
