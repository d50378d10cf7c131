//! The samples as findings.

use super::child::Subject;
use super::order::OrderMail;
use super::{Plan, SUBJECTS, Samples};
use crate::findings::{Calibration, Figure, Findings, Unit, Yardstick};
use crate::machine::Machine;
use crate::report::median;

/// A figure's name, what it is, and what it is counted in.
const KINDS: [(&str, &str, Unit); 8] = [
    ("hop", "a message to another actor and its answer", Unit::Microseconds),
    ("hop_near", "the same, both on one arbiter", Unit::Microseconds),
    ("one_way", "messages from one thread to one actor", Unit::PerSecond),
    ("spawn", "actors started, until they are alive", Unit::PerSecond),
    ("orders", "whole orders, without a disk", Unit::PerSecond),
    ("order_cpu", "processor time of a whole order", Unit::Microseconds),
    ("restart", "from a panic until the next life answers", Unit::Microseconds),
    ("idle", "memory of an order that waits", Unit::Bytes),
];

/// What was found.
pub(super) fn findings(plan: &Plan, machine: Machine, samples: &Samples) -> Findings {
    let hops = samples.get(&(Subject::Bare, "hop".to_owned())).cloned().unwrap_or_default();
    let rates: Vec<f64> = hops.iter().map(|us| 1e6 / us).collect();
    let mut figures = Vec::new();
    for (kind, what, unit) in KINDS {
        for subject in SUBJECTS {
            let of_kind = |name: &str| name.split('.').next() == Some(kind);
            let found = samples.iter().filter(|((who, name), _)| *who == subject && of_kind(name));
            let mut found: Vec<_> = found.collect();
            // 100000 comes before 1000000.
            found.sort_by_key(|((_, name), _)| name.len());
            for ((_, name), runs) in found {
                // The bare hop is the yardstick, not a figure.
                if subject == Subject::Bare && kind == "hop" {
                    continue;
                }
                let what = match name.split_once('.') {
                    Some((_, actors)) => format!("{what}, of {actors}"),
                    None => what.to_owned(),
                };
                let key = format!("actors.{}.{name}", subject.name());
                let figure = Figure::new(&key, &what, unit, runs.clone());
                figures.push(match unit {
                    Unit::PerSecond => figure.beside(Yardstick::Hop, &rates),
                    Unit::Microseconds => figure.beside(Yardstick::Hop, &hops),
                    Unit::Milliseconds
                    | Unit::Seconds
                    | Unit::Bytes
                    | Unit::Ratio
                    | Unit::Count => figure,
                });
            }
        }
    }
    let hop = Calibration {
        yardstick: Yardstick::Hop,
        what: "a message and its answer".to_owned(),
        per_second: median(rates.iter().copied()),
        median_us: median(hops.iter().copied()),
    };
    Findings {
        suite: "actors".to_owned(),
        remarks: remarks(&machine),
        machine,
        settings: settings(plan),
        calibrations: vec![hop],
        figures,
        plots: Vec::new(),
        budgets: Vec::new(),
        failures: Vec::new(),
    }
}

fn settings(plan: &Plan) -> Vec<(String, String)> {
    let setting = |name: &str, value: String| (name.to_owned(), value);
    vec![
        setting("rounds", plan.rounds.to_string()),
        setting("seed", plan.seed.to_string()),
        setting("messages with an answer", plan.trips.to_string()),
        setting("messages one way", plan.messages.to_string()),
        setting("actors started", plan.spawn.to_string()),
        setting("orders", format!("{}, {} at once", plan.orders, plan.window)),
        setting("crashes", plan.crashes.to_string()),
        setting("idle actors", format!("{:?}", plan.idle)),
        setting("durability", "none: nothing is written".to_owned()),
        setting("allocator", "that of the program: mimalloc in surehold-benches".to_owned()),
        setting("a message to an order", format!("{} bytes", size_of::<OrderMail>())),
    ]
}

fn remarks(machine: &Machine) -> Vec<String> {
    let mut remarks = vec![
        "every subject has a directory by key and restarts who panicked; of bare tokio tasks that is code of one's own"
            .to_owned(),
        "actix does not survive a panic by itself: its cells catch it".to_owned(),
    ];
    if machine.load_before > 0.5 {
        let load = machine.load_before;
        remarks.push(format!(
            "the machine was busy before: load {load:.2}; alternate runs and repeat"
        ));
    }
    if cfg!(debug_assertions) {
        remarks.push("a debug build: these are no figures".to_owned());
    }
    remarks
}
