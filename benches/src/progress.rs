//! What is going on, on stderr: a bar on a terminal, plain lines anywhere else.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the bar is drawn again although nothing was told: once a second costs a measurement nothing.
const REDRAWN_EVERY: Duration = Duration::from_secs(1);
const BAR: &str = "{prefix} {elapsed} [{bar:40}] {pos}/{len}";
const NO_BAR: &str = "{prefix} {elapsed} {spinner} {pos}";

/// The progress of one suite: what was told stays, and the bar is below it.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins. `steps` is how many lines will be told, where that is known.
    #[must_use]
    pub fn begin(suite: &str, steps: Option<u64>) -> Self {
        if !io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target(steps, target).with_prefix(suite.to_owned());
        let template = if steps.is_some() { BAR } else { NO_BAR };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(REDRAWN_EVERY);
        Self { bar: Some(bar) }
    }

    /// Tells a line: one step more.
    pub fn tell(&mut self, line: &str) {
        match &self.bar {
            Some(bar) => {
                bar.inc(1);
                bar.println(line);
            }
            // When nobody reads stderr, there is nobody to tell.
            None => drop(writeln!(io::stderr().lock(), "{line}")),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
