//! The rules of the repository's layout, held by a test: who may depend on whom, who may name
//! what, how long a file may be. A failure names file, line and rule.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest source file, in lines. Tests are exempt: a table is as long as it is.
const LINES_MAX: usize = 400;

/// Who may depend on whom: a folder, and the folders whose crates it may name in `[dependencies]`.
const ARROWS: [(&str, &[&str]); 7] = [
    ("domain", &[]),
    ("storage", &[]),
    ("actors", &["domain", "storage"]),
    ("supervisor", &["actors", "domain", "storage"]),
    ("prove", &["actors", "domain", "storage", "supervisor"]),
    ("http", &["prove", "supervisor"]),
    ("benches", &["actors", "domain", "http", "prove", "storage", "supervisor"]),
];

/// Words, and the only places whose source may use them.
const ONLY_IN: [(&str, &[&str]); 5] = [
    ("actix", &["http/src/actix", "http/src/lib.rs", "benches/src/suites/actors"]),
    ("bincode", &["storage/src/codec.rs"]),
    ("ractor", &["actors/src", "supervisor/src", "benches/src/suites/actors"]),
    ("reqwest", &["actors/src/gateway", "prove/src/client.rs"]),
    ("serde_json", &["actors/src/gateway", "http/src", "prove/src", "benches/src"]),
];

/// What the domain's source never names: it is deaf and blind.
const NOT_IN_DOMAIN: [&str; 5] = ["Instant", "SystemTime", "HashMap", "HashSet", "tokio"];

/// Marks of unfinished work. (In two pieces, so that this file has none.)
const UNFINISHED: [(&str, &str); 4] =
    [("todo", "!("), ("unimplemented", "!("), ("dbg", "!("), ("#[ig", "nore")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

struct Source {
    /// From the root, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Its lines with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// Its lines of code: what is no comment, and not for tests only.
    fn code(&self) -> Vec<(usize, &str)> {
        let mut code = Vec::new();
        let mut lines = self.lines().peekable();
        while let Some((at, line)) = lines.next() {
            let trimmed = line.trim_start();
            if trimmed.starts_with("#[cfg(test)]") {
                let end = format!("{}}}", &line[..line.len() - trimmed.len()]);
                let ends = |(_, line): &(usize, &str)| *line == end || line.ends_with(';');
                let one_line = lines.peek().is_some_and(ends);
                lines.by_ref().find(|(_, line)| one_line || *line == end);
            } else if !trimmed.starts_with("//") {
                code.push((at, line));
            }
        }
        code
    }
}

/// All files with this ending under these folders of every crate.
fn files(folders: &[&str], ending: &str) -> Vec<Source> {
    let mut open: Vec<PathBuf> = ARROWS
        .iter()
        .flat_map(|(name, _)| folders.iter().map(move |folder| root().join(name).join(folder)))
        .collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.expect("a folder can be read").path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == ending) {
                let text = fs::read_to_string(&path).expect("a source is text");
                let path = path.strip_prefix(root()).expect("under the root").to_owned();
                let path = path.to_string_lossy().replace('\\', "/");
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no .{ending} files under {folders:?}");
    found
}

fn sources() -> Vec<Source> {
    files(&["src"], "rs")
}

fn everything() -> Vec<Source> {
    files(&["src", "tests"], "rs")
}

/// Whether a line has this word, not only as a part of a longer one.
fn names(line: &str, word: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric();
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        !before.ends_with(letter) && !after.starts_with(letter)
    })
}

fn none(broken: Vec<String>) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn manifest(folder: &str) -> toml::Table {
    let path = root().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).expect("every crate has a Cargo.toml");
    text.parse().expect("a Cargo.toml is TOML")
}

#[test]
fn every_source_says_first_what_it_is() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//!"));
    none(silent.map(|source| format!("{}:1: a source starts with //!", source.path)).collect());
}

#[test]
fn no_source_is_too_long() {
    let long = sources().into_iter().filter(|source| source.lines().count() > LINES_MAX);
    none(
        long.map(|source| {
            let lines = source.lines().count();
            format!("{}:{lines}: a source has at most {LINES_MAX} lines", source.path)
        })
        .collect(),
    );
}

#[test]
fn dependencies_point_only_upwards() {
    let crate_of = |folder: &str| -> String {
        let package = manifest(folder).remove("package").expect("a package");
        package["name"].as_str().expect("a name").to_owned()
    };
    let mut broken = Vec::new();
    for (folder, allowed) in ARROWS {
        let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("as above");
        let manifest = manifest(folder);
        let empty = toml::Table::new();
        let named = manifest.get("dependencies").and_then(toml::Value::as_table).unwrap_or(&empty);
        for (other, _) in ARROWS.iter().filter(|(other, _)| !allowed.contains(other)) {
            let name = crate_of(other);
            if named.contains_key(&name) {
                let mut lines = text.lines();
                let line = lines.position(|line| line.starts_with(&name)).map_or(0, |at| at + 1);
                broken.push(format!(
                    "{folder}/Cargo.toml:{line}: {folder} may depend on {allowed:?}, not on {name}"
                ));
            }
        }
    }
    none(broken);
}

#[test]
fn every_crate_of_the_workspace_has_its_arrows() {
    let members = manifest("")["workspace"]["members"].clone();
    let members = members.as_array().expect("a list of members");
    let members: BTreeSet<&str> = members.iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(members, ARROWS.iter().map(|(folder, _)| *folder).collect(), "Cargo.toml: members");
}

#[test]
fn some_words_belong_to_some_places() {
    let mut broken = Vec::new();
    for source in sources() {
        for (word, places) in ONLY_IN {
            if places.iter().any(|place| source.path.starts_with(place)) {
                continue;
            }
            for (at, _) in source.lines().filter(|(_, line)| names(line, word)) {
                broken.push(format!("{}:{at}: only {places:?} may name {word}", source.path));
            }
        }
    }
    none(broken);
}

#[test]
fn the_domain_is_deaf_and_blind() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path.starts_with("domain/")) {
        for (at, line) in source.code() {
            for word in NOT_IN_DOMAIN.iter().filter(|word| names(line, word)) {
                broken.push(format!("{}:{at}: the domain does not name {word}", source.path));
            }
        }
    }
    none(broken);
}

#[test]
fn panics_unwind() {
    let mut broken = Vec::new();
    for folder in ARROWS.iter().map(|(folder, _)| *folder).chain([""]) {
        let path = root().join(folder).join("Cargo.toml");
        let text = fs::read_to_string(path).expect("a Cargo.toml");
        for (at, line) in text.lines().enumerate() {
            let code: String = line.split('#').next().unwrap_or("").replace([' ', '\''], "\"");
            if code.contains("panic") && code.contains("\"abort") {
                broken.push(format!("{folder}/Cargo.toml:{}: a panic never aborts", at + 1));
            }
        }
    }
    none(broken);
}

#[test]
fn nothing_is_left_unfinished() {
    let mut broken = Vec::new();
    for source in everything() {
        for (at, line) in source.lines() {
            for mark in UNFINISHED.map(|(head, tail)| format!("{head}{tail}")) {
                if line.contains(&mark) {
                    broken.push(format!("{}:{at}: no {mark}", source.path));
                }
            }
        }
    }
    none(broken);
}

/// Where the modules are that a source has for tests only: `#[cfg(test)]`, then `mod name;`,
/// perhaps with a path of its own.
fn test_modules(source: &Source) -> Vec<String> {
    let stem =
        source.path.trim_end_matches(".rs").trim_end_matches("/lib").trim_end_matches("/mod");
    let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let (mut modules, mut named) = (Vec::new(), None);
    for (at, line) in lines.iter().enumerate() {
        if let Some(path) = line.strip_prefix("#[path = \"") {
            named = path.split('"').next().map(|path| format!("{folder}/{path}"));
        } else if let Some(name) = line.strip_prefix("mod ").and_then(|it| it.strip_suffix(';')) {
            let path = named.take().unwrap_or_else(|| format!("{stem}/{name}"));
            if lines[at.saturating_sub(2)..at].contains(&"#[cfg(test)]") {
                modules.push(path);
            }
        }
    }
    modules
}

#[test]
fn nothing_unwraps_outside_tests() {
    let sources = sources();
    let tests: Vec<String> = sources.iter().flat_map(test_modules).collect();
    let mut broken = Vec::new();
    for source in &sources {
        if tests.iter().any(|test| source.path.starts_with(test.as_str())) {
            continue;
        }
        for (at, _) in source.code().iter().filter(|(_, line)| line.contains(".unwrap()")) {
            broken.push(format!("{}:{at}: expect(\"why it cannot happen\")", source.path));
        }
    }
    none(broken);
}
