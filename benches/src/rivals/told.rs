//! What the comparison found, as findings; `table` makes the README's table of them.

use std::collections::BTreeMap;

use super::legs::{KINDS, Kind, Measured};
use super::suite::{Gathered, Plan};
use crate::findings::{Axis, Calibration, Curve, Figure, Findings, Plot, Unit, Yardstick};
use crate::machine::Machine;
use crate::report::{Budget, Leg, Verdict, median};

/// Our own part of the keys.
const OURS: &str = "surehold";
/// How many times the rate of somebody else we aim at: of whom, on which load, and how many times.
const AIMS: [(&str, Kind, f64, &str); 2] = [
    ("postgres_one_statement", Kind::Spread, 3.0, "one SQL statement an order, spread"),
    ("postgres_two_tx", Kind::Spread, 10.0, "two transactions and the charge between, spread"),
];
/// And of the fastest on the hot offering.
const AIM_HOT: f64 = 10.0;

/// Rounds that differ by more than this factor say more about the machine than about who was measured.
const UNQUIET: f64 = 1.3;

/// What is told of a leg of orders beside its rate.
type Part = (&'static str, Unit, fn(&Leg) -> f64);
const PARTS: [Part; 3] = [
    ("p50", Unit::Milliseconds, |leg| leg.p50_ms),
    ("p99", Unit::Milliseconds, |leg| leg.p99_ms),
    ("processor", Unit::Microseconds, |leg| leg.server_us),
];

/// The last part of the key of a kind's rate.
const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Echo => "echo",
        Kind::Spread => "spread",
        Kind::Hot => "hot",
    }
}

/// Makes findings of all that was gathered.
pub(super) fn findings(machine: Machine, plan: &Plan, gathered: Gathered) -> Findings {
    let Gathered { measured, mut settings, mut failures, mut remarks } = gathered;
    for one in &measured {
        failures.extend(wrongs(one));
        remarks.extend(doubts(one));
    }
    if cfg!(debug_assertions) {
        remarks.push("the generator and the shops are debug builds: use --release".to_owned());
    }
    settings.splice(0..0, asked(plan));
    let calibrations = calibrations(&machine, plan, &measured);
    Findings {
        suite: "compare".to_owned(),
        settings,
        calibrations,
        figures: measured.iter().flat_map(|one| figures(one, plan.connections)).collect(),
        plots: [Kind::Spread, Kind::Hot].map(|kind| plot(kind, &measured)).into(),
        budgets: budgets(&measured),
        machine,
        failures,
        remarks,
    }
}

fn asked(plan: &Plan) -> Vec<(String, String)> {
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let numbers = [
        ("connections", plan.connections.to_string()),
        ("orders a leg, at most", plan.orders.to_string()),
        ("seconds a leg, at most", plan.seconds.to_string()),
        ("rounds", plan.rounds.to_string()),
        ("offerings", plan.offerings.to_string()),
        ("clients that go away", plan.gone.to_string()),
        ("seed", plan.seed.to_string()),
    ];
    let numbers = numbers.into_iter().map(|(name, value)| (name.to_owned(), value));
    [("date".to_owned(), date)].into_iter().chain(numbers).collect()
}

/// What makes a row worthless: books that do not agree with the answers. After clients went away only we have promised
/// anything.
fn wrongs(one: &Measured) -> Vec<String> {
    let Measured { key, answered, books, books_after, .. } = one;
    let mut wrongs = Vec::new();
    if !books.agree() || books.orders != *answered {
        wrongs.push(format!("{key}: {answered} orders were answered, but its books say {books:?}"));
    }
    if *key == OURS && !books_after.agree() {
        wrongs.push(format!("{key}: half-done after clients went away: {books_after:?}"));
    }
    for kind in KINDS {
        if one.of(kind).iter().all(|leg| leg.per_second <= 0.0) {
            wrongs.push(format!("{key}: {}: nothing was answered as expected", word(kind)));
        }
    }
    wrongs
}

fn doubts(one: &Measured) -> Vec<String> {
    let mut doubts = Vec::new();
    for kind in KINDS {
        let statuses: BTreeMap<u16, u64> = one
            .of(kind)
            .iter()
            .flat_map(|leg| leg.statuses.clone())
            .fold(BTreeMap::new(), |mut all, (status, count)| {
                *all.entry(status).or_insert(0) += count;
                all
            });
        if statuses.len() > 1 {
            let word = word(kind);
            doubts.push(format!("{}: {word}: answers by status: {statuses:?}", one.key));
        }
    }
    for kind in KINDS {
        let rates = || one.of(kind).iter().map(|leg| leg.per_second);
        let (least, most) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
        if most > least * UNQUIET {
            let (key, word) = (one.key, word(kind));
            doubts.push(format!(
                "{key}: {word}: rounds differ ({least:.0} to {most:.0}/s): the machine was not quiet"
            ));
        }
    }
    if let Some((spread, hot)) = one.sizes {
        let key = one.key;
        doubts.push(format!(
            "{key}: best with {spread} connections to the database spread, {hot} hot"
        ));
    }
    doubts
}

fn calibrations(machine: &Machine, plan: &Plan, measured: &[Measured]) -> Vec<Calibration> {
    let sync_us = machine.sync.p50_ms * 1e3;
    let sync = Calibration {
        yardstick: Yardstick::Sync,
        what: "4 KiB".to_owned(),
        per_second: 1e6 / sync_us,
        median_us: sync_us,
    };
    let echo = measured.iter().find(|one| one.key == OURS).map(|one| Calibration {
        yardstick: Yardstick::Echo,
        what: format!("{} connections", plan.connections),
        per_second: one.rate(Kind::Echo),
        median_us: median(one.of(Kind::Echo).iter().map(|leg| leg.p50_ms)) * 1e3,
    });
    [sync].into_iter().chain(echo).collect()
}

fn figures(one: &Measured, connections: usize) -> Vec<Figure> {
    let figure = |what: &str, unit, runs| {
        let name = &one.name;
        let key = format!("compare.{}.{connections}.{what}", one.key);
        Figure::new(&key, &format!("{name}: {}", what.replace(['.', '_'], " ")), unit, runs)
    };
    let of = |kind, part: fn(&Leg) -> f64| one.of(kind).iter().map(part).collect::<Vec<f64>>();
    let echo = of(Kind::Echo, |leg| leg.per_second);
    let mut figures = vec![figure("echo", Unit::PerSecond, echo.clone())];
    for kind in [Kind::Spread, Kind::Hot] {
        let word = word(kind);
        let rate = figure(word, Unit::PerSecond, of(kind, |leg| leg.per_second));
        figures.push(rate.beside(Yardstick::Echo, &echo));
        for (name, unit, part) in PARTS {
            figures.push(figure(&format!("{word}.{name}"), unit, of(kind, part)));
        }
    }
    let counts = [
        ("gone.unanswered", one.gone.unanswered),
        ("gone.unpaid", one.books_after.unpaid),
        ("gone.orderless", one.books_after.orderless),
    ];
    figures.extend(counts.map(|(name, count)| figure(name, Unit::Count, vec![count as f64])));
    figures
}

fn plot(kind: Kind, measured: &[Measured]) -> Plot {
    let word = word(kind);
    let curve = |one: &Measured| {
        let rounds = one.of(kind).iter().zip(1_u32..);
        let points = rounds.map(|(leg, round)| (f64::from(round), leg.per_second)).collect();
        Curve { name: one.name.clone(), points }
    };
    Plot {
        title: format!("Durable paid orders, {word}"),
        x: Axis { label: "round".to_owned(), logarithmic: false },
        y: Axis { label: "orders/s".to_owned(), logarithmic: true },
        curves: measured.iter().map(curve).collect(),
    }
}

fn budgets(measured: &[Measured]) -> Vec<Budget> {
    let Some(ours) = measured.iter().find(|one| one.key == OURS) else { return Vec::new() };
    let judge = |what: String, aim: f64, theirs: Option<f64>, kind: Kind| {
        let asked = format!("at least {aim:.0} times");
        let Some(theirs) = theirs else {
            let verdict = Verdict::NotJudged("it was not measured".to_owned());
            return Budget { what, asked, measured: "-".to_owned(), verdict };
        };
        let times = ours.rate(kind) / theirs;
        let verdict = if times >= aim { Verdict::Met } else { Verdict::NotMet };
        Budget { what, asked, measured: format!("{times:.1} times"), verdict }
    };
    let mut budgets: Vec<Budget> = AIMS
        .iter()
        .map(|&(key, kind, aim, name)| {
            let theirs = measured.iter().find(|one| one.key == key).map(|one| one.rate(kind));
            judge(format!("orders/s beside {name}"), aim, theirs, kind)
        })
        .collect();
    let others = measured.iter().filter(|one| one.key != OURS).map(|one| one.rate(Kind::Hot));
    let fastest = others.max_by(f64::total_cmp);
    let what = "orders/s on one hot offering beside the fastest other".to_owned();
    budgets.push(judge(what, AIM_HOT, fastest, Kind::Hot));
    budgets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rivals::Books;
    use crate::rivals::disconnects::Gone;

    fn measured(key: &'static str, rate: f64) -> Measured {
        let leg = Leg {
            per_second: rate,
            p50_ms: 1.0,
            p99_ms: 2.0,
            p999_ms: 3.0,
            max_ms: 4.0,
            seconds: 10.0,
            server_us: 5.0,
            generator_us: 6.0,
            right: 7,
            statuses: BTreeMap::from([(201, 7)]),
        };
        let books = Books { orders: 7, taken: 7, charges: 7, unpaid: 0, orderless: 0 };
        Measured {
            key,
            name: key.to_owned(),
            legs: [vec![leg.clone()], vec![leg.clone()], vec![leg]],
            sizes: None,
            answered: 7,
            books,
            gone: Gone::default(),
            books_after: books,
        }
    }

    #[test]
    fn aims_are_judged_by_the_fastest_and_not_where_nobody_was_measured() {
        let all = [measured(OURS, 3000.0), measured("postgres_one_statement", 1000.0)];
        let verdicts: Vec<Verdict> = budgets(&all).into_iter().map(|it| it.verdict).collect();
        let nobody = Verdict::NotJudged("it was not measured".to_owned());
        assert_eq!(verdicts, [Verdict::Met, nobody, Verdict::NotMet]);
        assert!(budgets(&all[1..]).is_empty(), "nothing to judge without us");
    }

    #[test]
    fn books_that_do_not_agree_are_wrong_and_what_is_half_done_only_with_us() {
        let mut one = measured("restate_1", 1.0);
        assert_eq!(wrongs(&one), Vec::<String>::new());
        one.books_after.unpaid = 1;
        assert_eq!(wrongs(&one), Vec::<String>::new());
        one.answered += 1;
        assert!(wrongs(&one)[0].contains("8 orders were answered"));
        let mut one = measured(OURS, 1.0);
        one.books_after.orderless = 1;
        assert!(wrongs(&one)[0].contains("half-done"));
    }
}
