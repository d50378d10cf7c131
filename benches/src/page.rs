//! One run as a page: a single HTML file without anything from elsewhere, that reads well on paper too.
//!
//! `chart` draws; the style is a file of its own that is written into the page.

mod chart;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::document::Document;
use crate::findings::{Calibration, Figure, Findings};
use crate::report::{Budget, Verdict};
use crate::table::{YARDSTICKS, amount, grouped, machine, ratio, verdict};

const STYLE: &str = include_str!("page/style.css");
/// The file's name in its folder.
const NAME: &str = "index.html";

/// Writes the page into a folder, which is made if it is not there; returns the file.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn write(document: &Document, folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let file = folder.join(NAME);
    fs::write(&file, html(document))?;
    Ok(file)
}

/// The page.
#[must_use]
pub fn html(document: &Document) -> String {
    let suites: Vec<_> = document.findings.iter().map(|one| one.suite.as_str()).collect();
    let title = escape(&format!("surehold-benches: {}", suites.join(", ")));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    let made = escape(&document.made);
    page.push_str(&format!("<p class=\"soft\">Made {made}. "));
    page.push_str(
        "A figure is the median of its runs. The columns after it are the same figure divided by a yardstick of the \
         same run: rates by rates, times by times. They are what to compare between machines.</p>\n",
    );
    for (number, findings) in document.findings.iter().enumerate() {
        suite(&mut page, findings, number > 0);
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// Text that may stand in HTML, in attributes too.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

fn suite(page: &mut String, findings: &Findings, more: bool) {
    let class = if more { " class=\"more\"" } else { "" };
    let (name, machine) = (escape(&findings.suite), escape(&machine(findings)));
    page.push_str(&format!("<h2{class}>{name}</h2>\n<p class=\"soft\">{machine}</p>\n"));
    list(page, "What is wrong", "failure", &findings.failures);
    budgets(page, &findings.budgets);
    figures(page, &findings.figures);
    for plot in &findings.plots {
        page.push_str(&chart::draw(plot));
    }
    yardsticks(page, &findings.calibrations);
    settings(page, &findings.settings);
    list(page, "Remarks", "remark", &findings.remarks);
}

/// A table with a head; which cells are numbers is the columns' affair.
fn table(page: &mut String, columns: &[(&str, bool)], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    let class = |number: bool| if number { " class=\"n\"" } else { "" };
    page.push_str("<div class=\"scroll\"><table>\n<thead><tr>");
    for (name, number) in columns {
        page.push_str(&format!("<th{}>{}</th>", class(*number), escape(name)));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for (cell, (_, number)) in row.iter().zip(columns) {
            page.push_str(&format!("<td{}>{cell}</td>", class(*number)));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}

fn heading(page: &mut String, text: &str, empty: bool) {
    if !empty {
        page.push_str(&format!("<h3>{text}</h3>\n"));
    }
}

fn figures(page: &mut String, figures: &[Figure]) {
    heading(page, "Figures", figures.is_empty());
    let mut columns = vec![("", false), ("median", true), ("runs, lowest to highest", true)];
    columns.extend(YARDSTICKS.map(|yardstick| (yardstick.name(), true)));
    let row = |figure: &Figure| {
        let (low, high) = figure.range();
        let spread = match figure.runs.len() {
            1 => "one run".to_owned(),
            _ => format!("{} to {}", amount(low, figure.unit), amount(high, figure.unit)),
        };
        let mut row = vec![escape(&figure.what), amount(figure.median, figure.unit), spread];
        row.extend(YARDSTICKS.map(|one| figure.ratio_to(one).map(ratio).unwrap_or_default()));
        row
    };
    let rows: Vec<_> = figures.iter().map(row).collect();
    table(page, &columns, &rows);
}

fn budgets(page: &mut String, budgets: &[Budget]) {
    heading(page, "Budgets of the design", budgets.is_empty());
    let columns = [("", false), ("measured", false), ("asked", false), ("verdict", false)];
    let row = |budget: &Budget| {
        let (word, why) = verdict(budget);
        let class = match budget.verdict {
            Verdict::Met => "met",
            Verdict::NotMet => "notmet",
            Verdict::NotJudged(_) => "soft",
        };
        let mut said = format!("<span class=\"{class}\">{word}</span>");
        if !why.is_empty() {
            // Writing to a string cannot fail.
            write!(said, ": {}", escape(why)).ok();
        }
        vec![escape(&budget.what), escape(&budget.measured), escape(&budget.asked), said]
    };
    let rows: Vec<_> = budgets.iter().map(row).collect();
    table(page, &columns, &rows);
}

fn yardsticks(page: &mut String, calibrations: &[Calibration]) {
    heading(page, "Yardsticks of this run", calibrations.is_empty());
    let columns = [
        ("", false),
        ("under which circumstances", false),
        ("a second", true),
        ("one takes", true),
    ];
    let row = |one: &Calibration| {
        let takes = format!("{:.1} us", one.median_us);
        vec![one.yardstick.name().to_owned(), escape(&one.what), grouped(one.per_second), takes]
    };
    let rows: Vec<_> = calibrations.iter().map(row).collect();
    table(page, &columns, &rows);
}

fn settings(page: &mut String, settings: &[(String, String)]) {
    heading(page, "Settings", settings.is_empty());
    let rows: Vec<_> =
        settings.iter().map(|(name, value)| vec![escape(name), escape(value)]).collect();
    table(page, &[("", false), ("", false)], &rows);
}

fn list(page: &mut String, title: &str, class: &str, lines: &[String]) {
    heading(page, title, lines.is_empty());
    if lines.is_empty() {
        return;
    }
    page.push_str("<ul>\n");
    for line in lines {
        page.push_str(&format!("<li class=\"{class}\">{}</li>\n", escape(line)));
    }
    page.push_str("</ul>\n");
}
