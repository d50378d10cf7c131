//! What is made of findings: a table, a file, a page, and two runs beside each other; the command line with them.

use std::path::Path;
use std::process::{Command, Output};

use surehold_benches::document::{Document, DocumentError};
use surehold_benches::findings::{
    Axis, Calibration, Curve, Figure, Findings, Plot, Unit, Yardstick,
};
use surehold_benches::machine::{Machine, Sync};
use surehold_benches::page;
use surehold_benches::report::{Budget, Verdict};
use surehold_benches::versus::{Change, Versus};

use super::real;

/// Findings of nothing, with everything in them that a reader may have to cope with.
fn findings(processor: &str, rates: [f64; 3], sync_us: f64) -> Findings {
    let sync = Sync { p50_ms: sync_us / 1e3, p99_ms: 1.0 };
    let machine = Machine {
        cores: 2,
        processor: processor.to_owned(),
        kernel: "7".to_owned(),
        file_system: "ext4".to_owned(),
        load_before: f64::NAN,
        sync,
    };
    let calibration = Calibration {
        yardstick: Yardstick::Sync,
        what: "a <sync> & \"more\"".to_owned(),
        per_second: 1e6 / sync_us,
        median_us: sync_us,
    };
    let settings = vec![("seed".to_owned(), "7".to_owned())];
    let mut findings = Findings::new("made-up", machine, settings, vec![calibration]);
    findings.figures = vec![
        Figure::new("made.rate", "a rate", Unit::PerSecond, rates.to_vec()),
        Figure::new("made.none", "no figure", Unit::Seconds, vec![f64::NAN]),
    ];
    let axis = |label: &str, logarithmic| Axis { label: label.to_owned(), logarithmic };
    let curve = |name: &str, points: &[(f64, f64)]| Curve {
        name: name.to_owned(),
        points: points.to_vec(),
    };
    findings.plots.push(Plot {
        title: "growth <1>".to_owned(),
        x: axis("orders", true),
        y: axis("us", false),
        curves: vec![
            curve("here & there", &[(1e4, 20.0), (1e5, 21.0), (1e7, f64::INFINITY)]),
            curve("nothing", &[]),
        ],
    });
    findings.budgets.push(Budget {
        what: "speed".to_owned(),
        asked: "more".to_owned(),
        measured: "less".to_owned(),
        verdict: Verdict::NotJudged("who <knows>".to_owned()),
    });
    findings
}

fn document(processor: &str, rates: [f64; 3], sync_us: f64) -> Document {
    Document::new(vec![findings(processor, rates, sync_us), findings(processor, rates, sync_us)])
}

/// Whether every tag is closed in its order, every attribute quoted, and every `&` an entity.
fn check_form(page: &str) {
    let mut open = Vec::new();
    let (_, body) = page.split_once("<!doctype html>").unwrap();
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or_else(|| panic!("no end: {piece}"));
        assert!(!text.contains('>') || open.last() == Some(&"style"), "a bare > in {text}");
        for entity in text.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;"].iter().any(|it| entity.starts_with(it));
            assert!(known, "a bare & in {text}");
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "a quote is open in {tag}");
        assert!(!tag.contains("=") || tag.contains("=\""), "not quoted: {tag}");
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed in its order");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "still open: {open:?}");
}

/// Whether nothing of a page comes from elsewhere.
fn check_alone(page: &str) {
    for word in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link"] {
        assert!(!page.contains(word), "the page says {word}");
    }
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_else() {
    let page = page::html(&document("A & B", [1.0, 2.0, 3.0], 100.0));
    check_form(&page);
    check_alone(&page);
    for part in
        ["made-up", "growth &lt;1&gt;", "here &amp; there", "who &lt;knows&gt;", "@media print"]
    {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(!page.contains("NaN") && !page.contains(">inf"), "what is no number is not shown");
    assert_eq!(page.matches("<svg ").count(), 2);
}

#[test]
fn a_run_can_be_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    let document = document("A", [1.0, 2.0, 3.0], 100.0);
    document.write(&file).unwrap();
    let read = Document::read(&file).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&document).unwrap());
    assert_eq!(read.to_string(), document.to_string(), "nothing that is shown is lost");
    let keys: Vec<_> = read.findings[0].figures.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, ["made.rate"]);
    assert!(read.to_string().contains("made.none: there is no figure"), "{read}");

    let other = std::fs::read_to_string(&file).unwrap().replace("\"version\": 1", "\"version\": 2");
    std::fs::write(&file, other).unwrap();
    let ended = Document::read(&file);
    assert!(matches!(ended, Err(DocumentError::Version { found: 2, .. })), "{ended:?}");
    std::fs::write(&file, "{}").unwrap();
    assert!(matches!(Document::read(&file), Err(DocumentError::Shape { .. })));
    let ended = Document::read(&folder.path().join("none.json"));
    assert!(matches!(ended, Err(DocumentError::Io { .. })), "{ended:?}");
}

#[test]
fn two_runs_are_held_against_each_other() {
    // Half the rate on a disk that takes twice as long: the same program.
    let old = document("A", [100.0, 110.0, 120.0], 100.0);
    let new = document("B", [50.0, 55.0, 60.0], 200.0);
    let versus = Versus::new(&old, &new);
    let line = &versus.lines[0];
    assert_eq!((line.key.as_str(), line.change), ("made.rate", Change::Worse));
    assert!((line.percent + 50.0).abs() < 0.01, "{line:?}");
    let (to, percent) = line.ratios[0];
    assert!(to == Yardstick::Sync && percent.abs() < 0.01, "{line:?}");
    let text = versus.to_string();
    for part in ["made.rate", "110/s", "-50.0%", "WORSE", "sync +0.0%", "the machines differ"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let same = Versus::new(&old, &document("A", [105.0, 115.0, 125.0], 100.0));
    assert_eq!(same.lines[0].change, Change::WithinTheSpread);
    assert!(same.differences.is_empty(), "{same}");
}

fn benches(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_surehold-benches");
    Command::new(program).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_command_measures_reports_and_compares() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let server = real(scratch.path()).program;
    let (json, report, folder) = (at("run.json"), at("report"), at("data"));
    std::fs::create_dir(&folder).unwrap();
    let mut arguments = vec!["all", "--orders", "40", "--connections", "2", "--rounds", "2"];
    arguments.extend(["--offerings", "2", "--server", server.to_str().unwrap()]);
    arguments.extend(["--scratch", &folder, "--json", &json, "--report", &report]);
    let ended = benches(&arguments);
    let (table, progress) = (text(&ended.stdout), text(&ended.stderr));
    assert!(ended.status.success(), "{table}\n{progress}");
    for part in ["orders, 2 connections: p99.9", "hot of spread", "reads, 2 connections: p50"] {
        assert!(table.contains(part), "{part} is missing in\n{table}");
    }
    assert!(
        progress.contains("round 2 orders"),
        "plain lines where there is no terminal: {progress}"
    );
    let page = std::fs::read_to_string(Path::new(&report).join("index.html")).unwrap();
    check_form(&page);
    check_alone(&page);

    let ended = benches(&["--compare", &json, &json]);
    let table = text(&ended.stdout);
    assert!(ended.status.success() && table.contains("http.2.orders.p50"), "{table}");
    assert!(table.contains("within the spread") && !table.contains("WORSE"), "{table}");

    let ended = benches(&["--compare", &json, &at("none.json")]);
    assert_eq!(ended.status.code(), Some(2), "{}", text(&ended.stderr));
    assert!(text(&ended.stderr).contains("none.json"), "{}", text(&ended.stderr));
}
