//! The suite `growth`: order after order into one folder, by decades. Does an order cost the same after ten million as
//! after ten thousand?
//!
//! Each decade is cut into steps, and its figure is the median step: one step with a checkpoint more than the others is
//! no growth. Orders are completed at once, because what grows in a shop that runs for years is what is finished; with
//! `--open` they stay confirmed.

use std::path::{Path, PathBuf};

use clap::Args;
use surehold::Retention;

use super::safety::Safety;
use super::shop::Goods;
use super::subject::{Mark, Subject, SubjectArgs};
use super::{SuiteError, budget, fresh, scratch, setting, slow_build};
use crate::calibrate::looked_at;
use crate::findings::{Axis, Curve, Figure, Findings, Plot, Unit};
use crate::report::median;

/// The decades begin here.
const FROM: u64 = 10_000;
/// The budget ends here.
const BUDGET_TO: u64 = 10_000_000;
/// How much dearer an order may become.
const BUDGET_GROWTH: f64 = 1.15;
/// Steps of a decade.
const STEPS: u64 = 9;

/// What is asked of the suite.
#[derive(Debug, Clone, Args)]
pub struct GrowthArgs {
    /// Orders in all; decades begin at 10,000.
    #[arg(long, default_value = "10000000")]
    pub orders: u64,
    /// Where the first decade begins.
    #[arg(long, default_value_t = FROM)]
    pub from: u64,
    /// Orders on their way at any moment.
    #[arg(long, default_value = "1024")]
    pub in_flight: usize,
    /// Offerings the orders are spread over.
    #[arg(long, default_value = "1000")]
    pub offerings: u64,
    /// Leave the orders confirmed instead of completing them.
    #[arg(long)]
    pub open: bool,
    /// Old records that stay in the journal, as of the server: a number, or `all`.
    #[arg(long, value_name = "RECORDS")]
    pub keep_records: Option<Retention>,
    /// Seed of customers and offerings.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// Folder for the fresh data folder; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// Runs it; `program` is this program, to be started again.
///
/// # Errors
/// The process that is measured does not do its work.
pub async fn run(
    args: &GrowthArgs,
    program: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Findings, SuiteError> {
    let folder = fresh(&scratch(args.scratch.as_ref()))?;
    let safety = Safety::before(folder.path())?;
    let wanted = marks(args.from, args.orders);
    let subject = SubjectArgs {
        data: folder.path().join("data"),
        goods: if args.open { Goods::Seats } else { Goods::Finished },
        offerings: args.offerings,
        expected: 0,
        marks: wanted.clone(),
        in_flight: args.in_flight,
        seed: args.seed,
        keep_records: args.keep_records,
    };
    let mut subject = Subject::start(program, &subject).await?;
    let mut found = Vec::new();
    for _ in &wanted {
        let mark = subject.mark().await?;
        progress(&format!(
            "{} orders: {:.1} us an order ({:.1} of the processor), {:.0} bytes on disk each, {} MiB",
            mark.orders,
            us(&mark),
            busy_us(&mark),
            mark.disk_bytes as f64 / mark.orders as f64,
            mark.resident_bytes >> 20
        ));
        found.push(mark);
    }
    subject.close().await?;
    Ok(findings(args, &safety, &found))
}

/// The warm-up, then each decade in steps of equal size.
fn marks(from: u64, to: u64) -> Vec<u64> {
    let mut marks: Vec<u64> = vec![from];
    let mut begin = from;
    while begin < to {
        let end = begin.saturating_mul(10).min(to);
        marks.extend((1..=STEPS).map(|step| begin + (end - begin) * step / STEPS));
        begin = end;
    }
    marks.dedup();
    marks
}

/// What an order takes with the others in flight, in microseconds.
fn us(mark: &Mark) -> f64 {
    mark.seconds * 1e6 / mark.step as f64
}

/// Processor time of an order, in microseconds: what growth shows in also where others use the machine.
fn busy_us(mark: &Mark) -> f64 {
    mark.processor_seconds * 1e6 / mark.step as f64
}

/// The marks of each decade, with the orders it ends at.
fn decades(args: &GrowthArgs, marks: &[Mark]) -> Vec<(u64, Vec<Mark>)> {
    let mut decades = Vec::new();
    let mut begin = args.from;
    while begin < args.orders {
        let end = begin.saturating_mul(10).min(args.orders);
        let of = marks.iter().filter(|mark| mark.orders > begin && mark.orders <= end);
        decades.push((end, of.copied().collect()));
        begin = end;
    }
    decades
}

/// The figures of each decade, and the time per order in each.
fn by_decade(args: &GrowthArgs, marks: &[Mark]) -> (Vec<Figure>, Vec<f64>) {
    let mut figures = Vec::new();
    let mut times = Vec::new();
    for (end, marks) in decades(args, marks) {
        let steps: Vec<f64> = marks.iter().map(us).collect();
        times.push(median(steps.iter().copied()));
        let figure = |name: &str, what: &str, unit, runs| {
            Figure::new(
                &format!("growth.{end}.{name}"),
                &format!("{what}, up to {end}"),
                unit,
                runs,
            )
        };
        figures.push(figure("order", "time per order", Unit::Microseconds, steps));
        let busy = marks.iter().map(busy_us).collect();
        figures.push(figure("processor", "processor time per order", Unit::Microseconds, busy));
        if let Some(last) = marks.last() {
            let disk = vec![last.disk_bytes as f64 / last.orders as f64];
            figures.push(figure("disk", "bytes on disk per order", Unit::Bytes, disk));
            let memory = vec![last.resident_bytes as f64];
            figures.push(figure("memory", "resident", Unit::Bytes, memory));
        }
    }
    (figures, times)
}

fn findings(args: &GrowthArgs, safety: &Safety, marks: &[Mark]) -> Findings {
    let per_order = if args.open { 2 } else { 3 };
    let mut safe = safety.after(per_order * args.orders / args.in_flight.max(1) as u64);
    let (mut figures, times) = by_decade(args, marks);
    let first = times.first().copied().unwrap_or(f64::NAN);
    let most = times.iter().copied().fold(f64::NAN, f64::max) / first;
    figures.push(Figure::new(
        "growth.ratio",
        "the dearest decade, as a multiple of the first",
        Unit::Count,
        vec![most],
    ));
    let again: u64 = marks.iter().map(|mark| mark.again).sum();
    if again > 0 {
        safe.remarks.push(format!("{again} orders were turned away for the moment"));
    }
    let few = (args.orders < BUDGET_TO)
        .then(|| format!("the budget is for {BUDGET_TO} orders, these are {}", args.orders));
    let mut settings = safe.settings;
    settings.extend([
        setting("orders", args.orders),
        setting("in flight", args.in_flight),
        setting("offerings", args.offerings),
        setting("orders end", if args.open { "confirmed" } else { "fulfilled" }),
        setting("seed", args.seed),
        setting(
            "records kept",
            match args.keep_records.unwrap_or_default() {
                Retention::All => "all".to_owned(),
                Retention::Last(kept) => kept.to_string(),
            },
        ),
    ]);
    Findings {
        suite: "growth".to_owned(),
        machine: safety.machine().clone(),
        settings,
        calibrations: vec![looked_at(safety.machine().sync)],
        figures,
        plots: plots(marks),
        budgets: vec![budget(
            "time per order from 10 thousand to 10 million",
            "within 15%",
            format!("the dearest decade is {most:.2} times the first"),
            most <= BUDGET_GROWTH,
            few.or_else(slow_build),
        )],
        failures: safe.failures,
        remarks: safe.remarks,
    }
}

fn plots(marks: &[Mark]) -> Vec<Plot> {
    let plot = |title: &str, y: &str, of: &dyn Fn(&Mark) -> f64| Plot {
        title: title.to_owned(),
        x: Axis { label: "orders so far".to_owned(), logarithmic: true },
        y: Axis { label: y.to_owned(), logarithmic: false },
        curves: vec![Curve {
            name: y.to_owned(),
            points: marks.iter().map(|mark| (mark.orders as f64, of(mark))).collect(),
        }],
    };
    vec![
        plot("Time per order", "microseconds per order", &us),
        plot("Disk per order", "bytes on disk per order", &|mark| {
            mark.disk_bytes as f64 / mark.orders as f64
        }),
        plot("Memory", "resident, MB", &|mark| mark.resident_bytes as f64 / 1e6),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_cut_into_steps_and_end_where_the_run_does() {
        let marks = marks(10, 250);
        assert_eq!(marks[..4], [10, 20, 30, 40]);
        assert_eq!((marks[9], *marks.last().unwrap(), marks.len()), (100, 250, 19));
    }
}
