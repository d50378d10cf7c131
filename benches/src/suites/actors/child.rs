//! One task of one subject, in a process of its own: asked for as JSON on the command line, answered as JSON on a line.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::on_actix::OnActix;
use super::on_lean_tokio::OnLeanTokio;
use super::on_ractor::OnRactor;
use super::on_tokio::OnTokio;
use super::role::Host;
use super::{bare, measure};

/// The hidden subcommand that answers.
pub const COMMAND: &str = "actors-subject";

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// No actors: the machines alone.
    Bare,
    /// Tasks and channels, and the supervision that one has to write for them.
    Tokio,
    /// The same, with messages in boxes.
    LeanTokio,
    /// ractor.
    Ractor,
    /// actix.
    Actix,
}

impl Subject {
    /// Its name in figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Tokio => "tokio",
            Self::LeanTokio => "lean_tokio",
            Self::Ractor => "ractor",
            Self::Actix => "actix",
        }
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Starting so many.
    Spawn(u64),
    /// So many messages with an answer.
    Hop(u64),
    /// So many messages to one.
    OneWay(u64),
    /// So many whole orders, so many at once.
    Orders(u64, u64),
    /// So many crashes.
    Restart(u64),
    /// So many that do nothing.
    Idle(u64),
}

/// A task for a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Who.
    pub subject: Subject,
    /// What.
    pub task: Task,
    /// Seed of what is drawn.
    pub seed: u64,
}

/// What came of it: figures by the last part of their name.
pub type Sample = BTreeMap<String, f64>;

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// No process, or the system does not tell what it uses.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// What was asked or answered is not understood.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// The process died.
    #[error("{who} died of {task:?}")]
    Died {
        /// Who was measured.
        who: &'static str,
        /// What it was asked.
        task: Task,
    },
}

impl Ask {
    /// Has a process of this program answer.
    ///
    /// # Errors
    /// [`ChildError`].
    pub fn answered_by(&self, program: &Path) -> Result<Sample, ChildError> {
        let mut command = Command::new(program);
        command.arg(COMMAND).arg(serde_json::to_string(self)?);
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(ChildError::Died { who: self.subject.name(), task: self.task });
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// Answers, in the process that was started for it.
///
/// # Errors
/// [`ChildError`].
pub fn answer(ask: &str) -> Result<String, ChildError> {
    let ask: Ask = serde_json::from_str(ask)?;
    if matches!(ask.task, Task::Restart(_)) {
        // Panics are what is measured; nobody wants to read them.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let sample = match ask.subject {
        Subject::Bare => alone(ask)?,
        Subject::Tokio => OnTokio::run(async |host| hosted(host, ask).await)?,
        Subject::LeanTokio => OnLeanTokio::run(async |host| hosted(host, ask).await)?,
        Subject::Ractor => OnRactor::run(async |host| hosted(host, ask).await)?,
        Subject::Actix => OnActix::run(async |host| hosted(host, ask).await)?,
    };
    let sample: Sample = sample.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Ok(serde_json::to_string(&sample)?)
}

type Figures = Vec<(&'static str, f64)>;

async fn hosted<H: Host>(host: &H, Ask { task, seed, .. }: Ask) -> io::Result<Figures> {
    Ok(match task {
        Task::Spawn(actors) => vec![("spawn", measure::spawn(host, actors).await)],
        Task::Hop(trips) => {
            let mut figures = vec![("hop", measure::hop(host, trips, false).await)];
            if H::APART {
                figures.push(("hop_near", measure::hop(host, trips, true).await));
            }
            figures
        }
        Task::OneWay(messages) => vec![("one_way", measure::one_way(host, messages).await)],
        Task::Orders(orders, window) => {
            let (rate, cpu) = measure::orders(host, orders, window, seed).await?;
            vec![("orders", rate), ("order_cpu", cpu)]
        }
        Task::Restart(crashes) => vec![("restart", measure::restart(host, crashes).await)],
        Task::Idle(actors) => vec![("idle", measure::idle(host, actors).await?)],
    })
}

/// What can be asked without actors.
fn alone(Ask { task, seed, .. }: Ask) -> io::Result<Figures> {
    Ok(match task {
        Task::Hop(trips) => vec![("hop", bare::hop(trips))],
        Task::Orders(orders, _) => {
            let (rate, cpu) = bare::orders(orders, seed)?;
            vec![("orders", rate), ("order_cpu", cpu)]
        }
        Task::Idle(actors) => vec![("idle", bare::idle(actors)?)],
        Task::Spawn(_) | Task::OneWay(_) | Task::Restart(_) => Vec::new(),
    })
}
