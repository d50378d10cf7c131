//! From what servers did to what a suite found: figures beside the echo, curves of latency and rate.

use super::series::{ECHO, Kind, Series};
use crate::curves;
use crate::findings::{Axis, Calibration, Curve, Figure, Findings, Plot, Unit, Yardstick};
use crate::load::Pace;
use crate::report::Leg;

/// What is told of each kind of leg: the end of its key, what it is, its unit, and where it stands.
type Told = (&'static str, &'static str, Unit, fn(&Leg) -> f64);

/// The figures that are held against the same figure of the echo.
const TOLD: [Told; 4] = [
    ("", "a second", Unit::PerSecond, |leg| leg.per_second),
    (".p50", "p50", Unit::Milliseconds, |leg| leg.p50_ms),
    (".p99", "p99", Unit::Milliseconds, |leg| leg.p99_ms),
    (".p999", "p99.9", Unit::Milliseconds, |leg| leg.p999_ms),
];
/// The figures that speak about the run more than about the server.
const TOLD_ALONE: [Told; 3] = [
    (".max", "slowest", Unit::Milliseconds, |leg| leg.max_ms),
    (".server_us", "the server's processor time for each", Unit::Microseconds, |leg| leg.server_us),
    (".generator_us", "the generator's processor time for each", Unit::Microseconds, |leg| {
        leg.generator_us
    }),
];

/// What the setting is called that says how the waiting for the disk was seen.
pub const SYNCED: &str = "journal fsync on";

/// Adds what one server did to the findings of a suite.
pub fn add(findings: &mut Findings, series: &Series) {
    let named = |text: &String| format!("{}: {text}", series.in_words());
    findings.failures.extend(series.failures.iter().map(named));
    findings.remarks.extend(series.remarks.iter().map(named));
    if let Some(power) = &series.power {
        findings.settings.push((
            format!("{SYNCED}, {}", series.in_words()),
            if power.doubts().is_empty() { power.in_words() } else { "NO".to_owned() },
        ));
    }
    if series.kinds.is_empty() {
        return;
    }
    findings.calibrations.extend(series.kind(ECHO).map(|echo| calibration(echo, series)));
    for kind in series.kinds.iter().filter(|kind| kind.name != ECHO) {
        findings.figures.extend(figures(&findings.suite, kind, series));
    }
    findings.figures.extend(of_the_server(&findings.suite, series));
    findings.plots.extend(plots(series));
    findings.remarks.push(named(&series.books()));
}

/// The first words of the keys of a server's figures.
fn prefix(suite: &str, series: &Series) -> String {
    let connections = series.connections;
    match series.pace {
        Pace::Closed => format!("{suite}.{connections}"),
        Pace::Open(rate) => format!("{suite}.{connections}.at_{rate}"),
    }
}

fn calibration(echo: &Kind, series: &Series) -> Calibration {
    let summary = echo.summary();
    Calibration {
        yardstick: Yardstick::Echo,
        what: series.in_words(),
        per_second: summary.per_second,
        median_us: summary.p50_ms * 1e3,
    }
}

fn figures(suite: &str, kind: &Kind, series: &Series) -> Vec<Figure> {
    let echo = series.kind(ECHO);
    let figure = |(end, what, unit, of): Told| {
        let key = format!("{}.{}{end}", prefix(suite, series), kind.name);
        let what = format!("{}, {}: {what}", kind.name, series.in_words());
        Figure::new(&key, &what, unit, kind.each(of))
    };
    let beside = TOLD.into_iter().map(|told| match echo {
        Some(echo) => figure(told).beside(Yardstick::Echo, &echo.each(told.3)),
        None => figure(told),
    });
    let alone: &[Told] = if kind.part { &[] } else { &TOLD_ALONE };
    beside.chain(alone.iter().copied().map(figure)).collect()
}

/// What a server used: its disk after draining, its memory after the last round.
fn of_the_server(suite: &str, series: &Series) -> [Figure; 3] {
    let (prefix, words) = (prefix(suite, series), series.in_words());
    let figure = |end: &str, what: &str, bytes: f64| {
        Figure::new(
            &format!("{prefix}.{end}"),
            &format!("{words}: {what}"),
            Unit::Bytes,
            vec![bytes],
        )
    };
    let (ready, loaded) = (series.memory_ready, series.memory_loaded);
    [
        figure(
            "disk_per_order",
            "disk per order, drained",
            series.bytes_per_order(series.disk_drained),
        ),
        figure("memory_ready", "resident memory when ready", ready.resident_bytes as f64),
        figure("memory_loaded", "resident memory, loaded", loaded.resident_bytes as f64),
    ]
}

fn plots(series: &Series) -> [Plot; 2] {
    let curves = |points: fn(&Kind) -> Vec<(f64, f64)>| {
        let kinds = series.kinds.iter();
        kinds.map(|kind| Curve { name: kind.name.clone(), points: points(kind) }).collect()
    };
    let words = series.in_words();
    let axis = |label: &str| Axis { label: label.to_owned(), logarithmic: false };
    [
        curves::latency_plot(
            &format!("Latency, {words}"),
            curves(|kind| curves::percentiles(&kind.latencies_us)),
        ),
        Plot {
            title: format!(
                "Rate over time, {words} (of each kind, the round with the median rate)"
            ),
            x: axis("seconds since the leg began"),
            y: axis("a second"),
            curves: curves(|kind| kind.usual_timeline().to_vec()),
        },
    ]
}
