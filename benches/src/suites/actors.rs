//! The same order saga hosted in three ways: on ractor, on actix, and on bare tokio tasks; and without any actor.
//!
//! Which of them hosts the engine's orders is decided in `docs/decisions/0001-how-order-actors-are-hosted.md`. Read `role`
//! first (what a host must be able to do), then a host (`on_tokio`, `on_lean_tokio`, `on_ractor`, `on_actix`), then `order`, `parties` and
//! `machines` (what is hosted), then `measure`.
//!
//! Each task of each subject is a process of its own, so that no allocator knows what another subject did. The subjects
//! alternate, in another order every round. Nothing is written to a disk: what is compared is what stands around the saga.

pub mod bare;
pub mod child;
mod figures;
pub mod machines;
pub mod measure;
pub mod on_actix;
pub mod on_lean_tokio;
pub mod on_ractor;
pub mod on_tokio;
pub mod order;
pub mod parties;
pub mod role;

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use crate::findings::Findings;
use crate::machine::Machine;
use child::{Ask, ChildError, Subject, Task};

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How often each subject does each task.
    pub rounds: usize,
    /// Actors that are started for the rate of starting.
    pub spawn: u64,
    /// Messages with an answer.
    pub trips: u64,
    /// Messages one way.
    pub messages: u64,
    /// Whole orders.
    pub orders: u64,
    /// Orders under way at once.
    pub window: u64,
    /// Crashes.
    pub crashes: u64,
    /// Actors that do nothing, for their memory; several numbers make several figures.
    pub idle: Vec<u64>,
    /// Seed of which order goes to which offering.
    pub seed: u64,
}

/// What was measured, by figure: subject, and the figure's name. One value a round.
type Samples = BTreeMap<(Subject, String), Vec<f64>>;

const SUBJECTS: [Subject; 5] =
    [Subject::Bare, Subject::Tokio, Subject::LeanTokio, Subject::Ractor, Subject::Actix];

impl Plan {
    /// The tasks of one round, each with what its figures' names end in.
    fn tasks(&self) -> Vec<(Task, String)> {
        let nothing = String::new;
        let mut tasks = vec![
            (Task::Hop(self.trips), nothing()),
            (Task::OneWay(self.messages), nothing()),
            (Task::Spawn(self.spawn), nothing()),
            (Task::Orders(self.orders, self.window), nothing()),
            (Task::Restart(self.crashes), nothing()),
        ];
        tasks.extend(self.idle.iter().map(|idle| (Task::Idle(*idle), format!(".{idle}"))));
        tasks
    }
}

/// Measures every subject; `program` is the binary that answers to [`child::COMMAND`].
///
/// # Errors
/// [`ChildError`], if a subject did not answer or the machine does not tell about itself.
pub fn run(
    plan: &Plan,
    program: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Findings, ChildError> {
    let machine = Machine::look(&env::temp_dir())?;
    let mut samples = Samples::new();
    for round in 0..plan.rounds {
        progress(&format!("round {} of {}", round + 1, plan.rounds));
        for (task, ending) in plan.tasks() {
            let mut subjects = SUBJECTS;
            subjects.rotate_left(round % SUBJECTS.len());
            for subject in subjects {
                let ask = Ask { subject, task, seed: plan.seed + round as u64 };
                for (name, value) in ask.answered_by(program)? {
                    samples.entry((subject, format!("{name}{ending}"))).or_default().push(value);
                }
            }
        }
    }
    Ok(figures::findings(plan, machine, &samples))
}
