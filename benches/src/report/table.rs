//! The report as text for a reader; it is returned, and printed by `main`.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use super::{Leg, Report, Series, Verdict};
use crate::plan::in_words;
use crate::usage::Disk;

const MIB: f64 = 1024.0 * 1024.0;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        for series in &self.series {
            series.table(f)?;
        }
        writeln!(f, "\nbudgets of the design")?;
        for budget in &self.budgets {
            let (verdict, reason) = match &budget.verdict {
                Verdict::Met => ("met", String::new()),
                Verdict::NotMet => ("NOT MET", String::new()),
                Verdict::NotJudged(reason) => ("not judged", format!(" ({reason})")),
            };
            let (what, asked, measured) = (&budget.what, &budget.asked, &budget.measured);
            writeln!(f, "  {verdict:<11} {what}: {measured}; asked: {asked}{reason}")?;
        }
        list(f, "remarks", &self.remarks)?;
        list(f, "FAILURES", &self.failures)
    }
}

impl Report {
    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (plan, machine) = (&self.plan, &self.machine);
        let spread = match plan.offerings {
            1 => "all on one hot offering".to_owned(),
            offerings => format!("spread over {offerings} offerings"),
        };
        let inventory = format!("{:?}", plan.inventory).to_lowercase();
        writeln!(
            f,
            "surehold over HTTP: {} rounds of {} echoes and {} orders, {spread} ({inventory}), seed {}",
            plan.rounds, plan.orders, plan.orders, plan.seed
        )?;
        writeln!(
            f,
            "machine: {} cores ({}), Linux {}, {}, load average {:.2} before; generator and server share it",
            machine.cores,
            machine.processor,
            machine.kernel,
            machine.file_system,
            machine.load_before
        )?;
        let sync = machine.sync;
        writeln!(f, "fdatasync of 4 KiB: p50 {:.3} ms, p99 {:.3} ms", sync.p50_ms, sync.p99_ms)
    }
}

impl Series {
    fn table(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", in_words(self.connections))?;
        writeln!(
            f,
            "  {:<14} {:>10} {:>9} {:>9} {:>9} {:>9} {:>10} {:>10}  statuses",
            "", "per s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "server us", "gen. us"
        )?;
        for (index, round) in self.rounds.iter().enumerate() {
            row(f, &format!("{} echo", index + 1), &round.echo)?;
            row(f, &format!("{} orders", index + 1), &round.orders)?;
        }
        for (name, leg) in [("median echo", &self.echo), ("median orders", &self.orders)] {
            if let Some(leg) = leg {
                row(f, name, leg)?;
            }
        }
        self.totals(f)
    }

    fn totals(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let pairs: Vec<_> = self.rounds.iter().map(|round| format!("{:.3}", round.ratio)).collect();
        writeln!(f, "  orders/echo    {:.3} (pairs: {})", self.ratio, pairs.join(", "))?;
        self.disk(f, "disk, loaded", self.disk_loaded)?;
        self.disk(f, "disk, drained", self.disk_drained)?;
        let mib = |bytes: u64| bytes as f64 / MIB;
        writeln!(
            f,
            "  memory         {:.1} MiB resident, {:.1} at most; {:.1} when ready",
            mib(self.memory_loaded.resident_bytes),
            mib(self.memory_loaded.peak_bytes),
            mib(self.memory_ready.resident_bytes)
        )?;
        let listing = match &self.listing {
            Some(listing) => {
                format!("{} stand in the listing {:?}", listing.standing, listing.phases)
            }
            None => "listing not checked".to_owned(),
        };
        let balance = if self.balanced { "balanced" } else { "NOT BALANCED" };
        writeln!(
            f,
            "  books          {} answered 201; {listing}; audit {balanced}",
            self.orders_made,
            balanced = balance
        )?;
        writeln!(f, "  SIGTERM        drained in {:.0} ms", self.drain_ms)
    }

    fn disk(&self, f: &mut Formatter<'_>, name: &str, disk: Disk) -> fmt::Result {
        let (allocated, apparent) =
            (disk.allocated_bytes as f64 / MIB, disk.apparent_bytes as f64 / MIB);
        let each = self.bytes_per_order(disk);
        writeln!(
            f,
            "  {name:<14} {each:.0} bytes per order; {allocated:.1} MiB allocated, {apparent:.1} apparent"
        )
    }
}

fn row(f: &mut Formatter<'_>, name: &str, leg: &Leg) -> fmt::Result {
    writeln!(
        f,
        "  {name:<14} {:>10.0} {:>9.3} {:>9.3} {:>9.3} {:>9.3} {:>10.1} {:>10.1}  {}",
        leg.per_second,
        leg.p50_ms,
        leg.p99_ms,
        leg.p999_ms,
        leg.max_ms,
        leg.server_us,
        leg.generator_us,
        statuses(&leg.statuses)
    )
}

fn statuses(statuses: &BTreeMap<u16, u64>) -> String {
    let each: Vec<_> =
        statuses.iter().map(|(status, count)| format!("{status} x {count}")).collect();
    each.join(", ")
}

fn list(f: &mut Formatter<'_>, title: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}
