//! What any suite finds: figures, each over several runs and beside the yardsticks of the same run, curves to draw, and
//! the budgets. The table, the JSON, the page and the comparison of two runs are all made of this and of nothing else.

use serde::{Deserialize, Serialize};

use crate::calibrate::beside_all;
use crate::machine::Machine;
use crate::report::{Budget, median};

/// The result of one suite.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Findings {
    /// The suite's name on the command line.
    pub suite: String,
    /// The machine it was made on.
    pub machine: Machine,
    /// What was asked and how the subject was set, as names and values: seed, sizes, durability.
    pub settings: Vec<(String, String)>,
    /// The yardsticks, measured in this run.
    pub calibrations: Vec<Calibration>,
    /// The figures, in the order in which a reader wants them.
    pub figures: Vec<Figure>,
    /// What is worth a drawing.
    pub plots: Vec<Plot>,
    /// The design's budgets beside what was measured.
    pub budgets: Vec<Budget>,
    /// What is *wrong*: the subject broke its promise. Any makes the run fail.
    pub failures: Vec<String>,
    /// What a reader must know to read the figures; none makes the run fail.
    pub remarks: Vec<String>,
}

/// What a figure is held against, so that it means something on another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Yardstick {
    /// The same server's `POST /echo` with the same bodies and connections.
    Echo,
    /// Overwriting 4 KiB and `fdatasync` on the disk that is measured.
    Sync,
    /// A message over a bare tokio channel to another task and its answer.
    Hop,
}

/// One yardstick as it was in this run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Calibration {
    /// Which.
    pub yardstick: Yardstick,
    /// Under which circumstances, for example "64 connections".
    pub what: String,
    /// How many a second: the median of the runs.
    pub per_second: f64,
    /// How long one takes, in microseconds: the median of the runs.
    pub median_us: f64,
}

/// One figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figure {
    /// Its stable name: two runs are compared by it. Words with dots, as `http.64.orders`.
    pub key: String,
    /// What it is, for a reader.
    pub what: String,
    /// What it is counted in.
    pub unit: Unit,
    /// One value for each run.
    pub runs: Vec<f64>,
    /// The median of the runs.
    pub median: f64,
    /// The same beside yardsticks.
    pub ratios: Vec<Ratio>,
}

/// What a figure is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// So many a second; more is better.
    PerSecond,
    /// Less is better, as with all that follow.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share or ratio; more is better.
    Ratio,
    /// A number of things that went wrong.
    Count,
}

/// A figure divided by a yardstick of the same run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ratio {
    /// The yardstick.
    pub to: Yardstick,
    /// The median of the runs' ratios.
    pub value: f64,
}

/// Curves in one coordinate system.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// What lies along the bottom.
    pub x: Axis,
    /// What lies along the side.
    pub y: Axis,
    /// The curves.
    pub curves: Vec<Curve>,
}

/// One axis.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Axis {
    /// What it says, with the unit.
    pub label: String,
    /// Whether it grows by factors.
    pub logarithmic: bool,
}

/// One curve.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// Its points, x ascending.
    pub points: Vec<(f64, f64)>,
}

impl Yardstick {
    /// Its name, for a reader.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Sync => "sync",
            Self::Hop => "hop",
        }
    }
}

impl Unit {
    /// Whether more of it is better.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        match self {
            Self::PerSecond | Self::Ratio => true,
            Self::Milliseconds | Self::Microseconds | Self::Seconds | Self::Bytes | Self::Count => {
                false
            }
        }
    }
}

impl Figure {
    /// The lowest and the highest of the runs.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        let runs = self.runs.iter().copied();
        (runs.clone().fold(f64::INFINITY, f64::min), runs.fold(f64::NEG_INFINITY, f64::max))
    }

    /// How it stands to a yardstick.
    #[must_use]
    pub fn ratio_to(&self, yardstick: Yardstick) -> Option<f64> {
        self.ratios.iter().find(|ratio| ratio.to == yardstick).map(|ratio| ratio.value)
    }

    /// A figure of these runs, not yet held against anything.
    #[must_use]
    pub fn new(key: &str, what: &str, unit: Unit, runs: Vec<f64>) -> Self {
        let median = median(runs.iter().copied());
        Self { key: key.to_owned(), what: what.to_owned(), unit, runs, median, ratios: Vec::new() }
    }

    /// The same figure, held against a yardstick too: `of` has the yardstick's value for each run.
    #[must_use]
    pub fn beside(mut self, to: Yardstick, of: &[f64]) -> Self {
        let value = median(self.runs.iter().zip(of).map(|(run, of)| run / of));
        self.ratios.push(Ratio { to, value });
        self
    }
}

impl Findings {
    /// Findings with nothing found yet.
    #[must_use]
    pub fn new(
        suite: &str,
        machine: Machine,
        settings: Vec<(String, String)>,
        calibrations: Vec<Calibration>,
    ) -> Self {
        let mut remarks = Vec::new();
        if cfg!(debug_assertions) {
            remarks.push("the generator is a debug build: run it with --release".to_owned());
        }
        Self {
            suite: suite.to_owned(),
            machine,
            settings,
            calibrations,
            figures: Vec::new(),
            plots: Vec::new(),
            budgets: Vec::new(),
            failures: Vec::new(),
            remarks,
        }
    }

    /// What every suite's findings are given at the end: each rate and each time is held against the yardsticks that it
    /// is not yet held against (the echo is the suites' own affair, they know which one belongs to which figure), and
    /// what is no number is left out and said so, because neither a table nor JSON can carry it.
    #[must_use]
    pub fn settled(mut self) -> Self {
        let own: Vec<_> = self.calibrations.clone();
        let own: Vec<_> = own.into_iter().filter(|it| it.yardstick != Yardstick::Echo).collect();
        for mut figure in std::mem::take(&mut self.figures) {
            figure.runs.retain(|run| run.is_finite());
            if figure.runs.is_empty() || !figure.median.is_finite() {
                self.remarks.push(format!("{}: there is no figure", figure.key));
                continue;
            }
            let mut figure = beside_all(figure, &own);
            figure.ratios.retain(|ratio| ratio.value.is_finite());
            self.figures.push(figure);
        }
        for curve in self.plots.iter_mut().flat_map(|plot| &mut plot.curves) {
            curve.points.retain(|(x, y)| x.is_finite() && y.is_finite());
        }
        self
    }

    /// Whether the subject kept its promise; budgets do not count here.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.failures.is_empty()
    }
}
