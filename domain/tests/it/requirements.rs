//! `docs/requirements.md` is true as far as a machine can tell: every requirement of the reference
//! systems has one row; every file, test, step and key that a row names is there; and every row shows
//! its evidence or says in bold that there is none. A failure names line and cell.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/requirements.md";
/// Where the conversations are that the page names by their file only.
const TRANSCRIPTS: &str = "http/tests/transcripts";
/// What a row may say instead of, or beside, its evidence.
const MARKS: [&str; 6] =
    ["partly", "not yet", "not on one node", "no test", "out of scope", "not software"];
/// The section that gathers the marks of all rows.
const SUMMARY: &str = "What is missing, at a glance";
/// Names of files end so.
const ENDINGS: [&str; 6] = [".rs", ".toml", ".json", ".md", ".py", ".yml"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn none(broken: Vec<String>) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// Every section, and what its rows begin with.
fn labels() -> BTreeMap<&'static str, Vec<String>> {
    let numbered = |series: &[(&str, u32)]| -> Vec<String> {
        let all = series.iter().flat_map(|(of, last)| (1..=*last).map(move |n| format!("{of}{n}")));
        all.collect()
    };
    let named =
        |names: &[&str]| -> Vec<String> { names.iter().map(|it| (*it).to_owned()).collect() };
    let mut edu = numbered(&[("F", 7), ("N", 1)]);
    edu.extend(named(&["N2a", "N2b", "N3"]));
    BTreeMap::from([
        ("talentshare", numbered(&[("F", 6), ("N", 5)])),
        ("gasstation", numbered(&[("G", 8), ("N", 5), ("D", 7)])),
        ("yogiyogi", numbered(&[("F", 7), ("N", 3)])),
        ("edu", edu),
        ("airbnb", numbered(&[("F", 10), ("N", 5)])),
        (
            "Operations",
            named(&[
                "Circuit breaker",
                "Autoscaling",
                "Readiness",
                "Liveness",
                "Redeployment",
                "Persistent volume",
                "ConfigMap",
                "Secret",
                "Gateway and CORS",
                "Monitoring",
                "CI/CD",
                "Images and cluster",
            ]),
        ),
        ("Load", named(&["talentshare", "gasstation", "yogiyogi", "edu", "airbnb"])),
        ("Checkpoints", numbered(&[("", 34)])),
    ])
}

struct Row<'t> {
    line: usize,
    section: &'t str,
    cells: Vec<&'t str>,
}

/// The rows of all tables, without their headings.
fn rows(page: &str) -> Vec<Row<'_>> {
    let (mut rows, mut section, mut heading) = (Vec::new(), "", true);
    for (line, text) in (1..).zip(page.lines()) {
        if let Some(title) = text.strip_prefix("## ") {
            section = title;
        }
        let Some(inner) = text.strip_prefix('|') else {
            heading = true;
            continue;
        };
        let cells: Vec<&str> =
            inner.trim_end().trim_end_matches('|').split('|').map(str::trim).collect();
        if cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| c == '-')) {
            heading = false;
        } else if !heading {
            rows.push(Row { line, section, cells });
        }
    }
    rows
}

/// Every second piece of a text: what stands between two marks of this kind.
fn between<'t>(text: &'t str, mark: &'static str) -> impl Iterator<Item = &'t str> {
    text.split(mark).skip(1).step_by(2)
}

/// Whether a row begins with this label, and not with a longer one.
fn begins(cell: &str, label: &str) -> bool {
    let rest = cell.strip_prefix(label);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|_| format!("there is no file {path}"))
}

/// A test: a function under its attribute, or a line of a macro that makes tests of its lines.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim_start).collect();
    let made = format!("{name}: \"");
    if lines.iter().any(|line| line.starts_with(&made)) && source.contains("#[test] fn $name()") {
        return true;
    }
    let heads = [format!("fn {name}("), format!("async fn {name}(")];
    let is_test = |line: &str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    lines.iter().enumerate().any(|(at, line)| {
        let mut attributes = lines[..at].iter().rev().take_while(|above| above.starts_with('#'));
        heads.iter().any(|head| line.starts_with(head)) && attributes.any(|above| is_test(above))
    })
}

fn test(path: &str, name: &str) -> Result<(), String> {
    let found = has_test(&read(path)?, name);
    if found { Ok(()) } else { Err(format!("{path} has no test called {name}")) }
}

/// A step of a conversation: its number, and what is done in it.
fn step(file: &str, step: &str) -> Result<(), String> {
    let text = read(&format!("{TRANSCRIPTS}/{file}"))?;
    let (number, what) = step.split_once(' ').unwrap_or((step, ""));
    let done: Vec<&str> =
        text.split("\"do\": \"").skip(1).map(|rest| rest.split('"').next().unwrap_or("")).collect();
    let place = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    match place.and_then(|place| done.get(place)) {
        Some(done) if *done == what => Ok(()),
        Some(done) => Err(format!("step {number} of {file} is \"{done}\"")),
        None => Err(format!("{file} has no step {number}")),
    }
}

/// A key of a market file, perhaps with the value it must have.
fn key(path: &str, wanted: &str) -> Result<(), String> {
    let name = wanted.split(" = ").next().unwrap_or(wanted);
    let file: toml::Table = read(path)?.parse().map_err(|error| format!("{path}: {error}"))?;
    let mut found = &toml::Value::Table(file);
    for part in name.split('.') {
        found = found.get(part).ok_or_else(|| format!("{path} has no key {name}"))?;
    }
    let Some(value) = wanted.strip_prefix(name).and_then(|rest| rest.strip_prefix(" = ")) else {
        return Ok(());
    };
    let value: toml::Table =
        format!("is = {value}").parse().map_err(|_| "is no value".to_owned())?;
    if value.get("is") == Some(found) {
        Ok(())
    } else {
        Err(format!("{path}: {name} is {found:?}"))
    }
}

/// Looks for what a piece of code in a cell names. Whether it is evidence; nothing else is looked for.
fn look(code: &str) -> Result<bool, String> {
    if let Some((file, what)) = code.split_once(": ") {
        if file.ends_with(".rs") {
            return test(file, what).map(|()| true);
        }
        if file.ends_with(".json") {
            return step(file, what).map(|()| true);
        }
        if file.ends_with(".toml") {
            return key(file, what).map(|()| false);
        }
    }
    if code.starts_with("cargo run") {
        return Ok(true);
    }
    let folder = code.split('/').next().is_some_and(|first| {
        code.contains('/') && !first.is_empty() && root().join(first).is_dir()
    });
    let named = ENDINGS.iter().any(|ending| code.ends_with(ending)) && !code.contains(' ');
    if (folder || named) && !root().join(code).exists() {
        return Err(format!("there is no file {code}"));
    }
    Ok(false)
}

fn page() -> String {
    read(PAGE).expect("the page is there")
}

#[test]
fn what_the_page_names_is_there() {
    let page = page();
    let mut broken = Vec::new();
    let mut shown = 0;
    for row in rows(&page) {
        for (cell, text) in (1..).zip(&row.cells) {
            for code in between(text, "`") {
                match look(code) {
                    Ok(evidence) => shown += usize::from(evidence),
                    Err(why) => {
                        broken.push(format!("{PAGE}:{}: cell {cell}, `{code}`: {why}", row.line));
                    }
                }
            }
        }
    }
    none(broken);
    assert!(shown > 100, "{PAGE} was not read to its end: {shown} tests and steps");
}

#[test]
fn every_requirement_has_one_row() {
    let page = page();
    let (rows, mut broken) = (rows(&page), Vec::new());
    let labels = labels();
    for (section, labels) in &labels {
        for label in labels {
            let found = rows.iter().filter(|row| row.section == *section);
            let lines: Vec<usize> =
                found.filter(|row| begins(row.cells[0], label)).map(|row| row.line).collect();
            if lines.len() != 1 {
                broken.push(format!("{PAGE}: {section}: {label} has rows at lines {lines:?}"));
            }
        }
    }
    for row in &rows {
        let known = labels.get(row.section).is_some_and(|labels| {
            row.cells.len() == 3 && labels.iter().any(|label| begins(row.cells[0], label))
        });
        if !known {
            broken.push(format!("{PAGE}:{}: cell 1 has no label, or cells are missing", row.line));
        }
    }
    none(broken);
}

#[test]
fn every_row_shows_its_evidence_or_says_that_there_is_none() {
    let page = page();
    let mut broken = Vec::new();
    for row in rows(&page) {
        let last = row.cells.last().copied().unwrap_or("");
        let marks: Vec<&str> = between(last, "**").collect();
        if let Some(mark) = marks.iter().find(|mark| !MARKS.contains(mark)) {
            broken.push(format!("{PAGE}:{}: last cell: {mark} is none of {MARKS:?}", row.line));
        }
        let shows = between(last, "`").any(|code| look(code) == Ok(true));
        if marks.is_empty() && !shows {
            broken.push(format!("{PAGE}:{}: last cell: neither evidence nor a mark", row.line));
        }
    }
    none(broken);
}

/// The marks of all rows: (mark, section, label).
type Marked<'t> = BTreeSet<(&'t str, &'t str, String)>;

#[test]
fn the_summary_has_every_mark_and_no_other() {
    let page = page();
    let (labels, mut marked, mut told) = (labels(), Marked::new(), Marked::new());
    for row in rows(&page) {
        let mut of = labels.get(row.section).into_iter().flatten();
        let label = of.find(|label| begins(row.cells[0], label)).cloned().unwrap_or_default();
        for mark in between(row.cells.last().copied().unwrap_or(""), "**") {
            marked.insert((mark, row.section, label.clone()));
        }
    }
    // A line such as `- **not yet**: edu N2b; Operations Secret, CI/CD.`
    let summary = page.split("\n## ").find(|part| part.starts_with(SUMMARY)).unwrap();
    for line in summary.lines().filter_map(|line| line.strip_prefix("- **")) {
        let (mark, list) = line.split_once("**: ").unwrap();
        for part in list.trim_end_matches('.').split("; ") {
            let (section, names) = part.split_once(' ').unwrap();
            told.extend(names.split(", ").map(|name| (mark, section, name.to_owned())));
        }
    }
    let missing =
        marked.difference(&told).map(|it| format!("{PAGE}: {SUMMARY}: {it:?} is missing"));
    let extra = told.difference(&marked).map(|it| format!("{PAGE}: {SUMMARY}: no row says {it:?}"));
    none(missing.chain(extra).collect());
}

#[test]
fn what_is_not_there_is_noticed() {
    for wrong in [
        "http/tests/it/nothing.rs",
        "htpp/src/main.rs",
        "docs/nothing",
        "http/tests/it/client.rs: post",
        "http/tests/it/native.rs: an_order_goes",
        "http/tests/it/nothing.rs: nothing",
        "domain/tests/it/script.rs: an_order",
        "nothing.json: 1 POST /orders",
        "edu.json: 1 POST /orders",
        "edu.json: 99 POST /eduApplications",
        "edu.json: 0 POST /eduApplications",
        "markets/edu.toml: payment.nothing",
        "markets/edu.toml: payment.when = \"later\"",
    ] {
        assert!(look(wrong).is_err(), "{wrong}");
    }
    for (right, evidence) in [
        ("http/tests/it/native.rs: an_order_goes_all_the_way", true),
        ("supervisor/tests/it/booking.rs: an_order_is_held_paid_confirmed_and_fulfilled", true),
        ("domain/tests/it/script.rs: an_order_that_goes_well", true),
        ("edu.json: 1 POST /eduApplications", true),
        ("cargo run --release -p surehold-benches -- http", true),
        ("markets/edu.toml: payment.when = \"with_order\"", false),
        ("http/tests", false),
        ("GET /livez", false),
        ("/v1/{m}/events", false),
        ("503", false),
    ] {
        assert_eq!(look(right), Ok(evidence), "{right}");
    }
    assert!(begins("N2 more", "N2") && !begins("N2a more", "N2") && !begins("10 ten", "1"));
}
