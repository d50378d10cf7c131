//! The race museum: the public double bookings and lost payments of the field, each tried through HTTP
//! against a real server process, with as many clients at the same instant as make it likely.
//!
//! A scenario is a function in a file of its own kind below; its doc comment says what was reported.
//! None is ever skipped: one that cannot be tried, or tried nothing, is a fault.

mod arena;
mod cancelled;
mod confirmation;
mod expired;
mod restart;
mod scenario;
mod seats;
mod slots;
mod snapshots;
mod stock;
mod webhook;

use tokio::runtime::{Builder, Runtime};

use self::arena::Stage;
use self::scenario::Scenario;
use crate::{Ask, Fault, Verdict};

/// The exhibits, in the order in which they are shown.
const MUSEUM: [Scenario; 14] = [
    Scenario { name: "same slot twice", reports: "easyappointments #1783", run: slots::same_slot },
    Scenario {
        name: "confirmation wanted, two confirmed",
        reports: "cal.diy #29958",
        run: confirmation::two_confirmed,
    },
    Scenario {
        name: "reservation ignored by a booking",
        reports: "cal.diy PR 23988",
        run: slots::reserved,
    },
    Scenario { name: "seats counted apart", reports: "cal.diy #13360", run: seats::shared },
    Scenario { name: "recurring bookings", reports: "cal.diy PR 22803", run: seats::series },
    Scenario { name: "quota oversold", reports: "eventyay #1359", run: seats::quota },
    Scenario {
        name: "two orders, one unit, one orphan",
        reports: "medusa #16825",
        run: stock::orphan,
    },
    Scenario { name: "charged, and no stock left", reports: "vendure #3065", run: stock::charged },
    Scenario {
        name: "webhook against confirm",
        reports: "medusa #13301, saleor #12652",
        run: webhook::captured_once,
    },
    Scenario {
        name: "cancelled, capacity stays taken",
        reports: "Hi.Events #466, #790",
        run: cancelled::frees,
    },
    Scenario {
        name: "paid after the hold expired",
        reports: "Hi.Events PR 856",
        run: expired::paid_late,
    },
    Scenario {
        name: "paid at the very deadline",
        reports: "Hi.Events PR 856",
        run: expired::at_the_deadline,
    },
    Scenario {
        name: "pending for ever after a restart",
        reports: "dbos-transact-py #716, #804, #805",
        run: restart::goes_on,
    },
    Scenario {
        name: "undecodable snapshots",
        reports: "akka-core #30077",
        run: snapshots::undecodable,
    },
];

/// Shows all exhibits, one after the other.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    let mut verdict = Verdict::default();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            let what = format!("no exhibit can be shown: {error}");
            verdict.faults.push(Fault { what, repeat: None, story: Vec::new() });
            return verdict;
        }
    };
    let stage = Stage { ask, runtime: &runtime };
    let all = MUSEUM.len() as u64;
    for (done, scenario) in (0..).zip(&MUSEUM) {
        ask.progress.at(done, all, &format!("exhibits, now: {}", scenario.name));
        let (exhibit, tally, fault) = scenario.show(&stage);
        verdict.tried(1, "exhibits");
        verdict.tried(tally.rounds, "rounds");
        verdict.tried(tally.requests, "requests over HTTP");
        verdict.exhibits.push(exhibit);
        verdict.faults.extend(fault);
    }
    ask.progress.at(all, all, "exhibits");
    // Whatever still waits for a server that is gone keeps nobody.
    runtime.shutdown_background();
    verdict
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
