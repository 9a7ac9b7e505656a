//! How far a long command is.

use std::{
    io::{IsTerminal, Write, stderr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// How often a line is written where no bar can be drawn: once for each twentieth.
const LINES: u64 = 20;

/// How far a long command is: a bar on a terminal, a line now and then elsewhere. A cheap handle.
#[derive(Debug, Clone)]
pub struct Progress {
    show: Show,
}

#[derive(Debug, Clone)]
enum Show {
    Nothing,
    Bar(ProgressBar),
    Lines { total: u64, done: Arc<AtomicU64>, what: &'static str },
}

impl Progress {
    /// Shows on the standard error how many of `total` things are done, called `what`.
    #[must_use]
    pub fn shown(total: u64, what: &'static str) -> Self {
        if !stderr().is_terminal() {
            return Self { show: Show::Lines { total, done: Arc::default(), what } };
        }
        let bar = ProgressBar::new(total).with_message(what);
        let template = "{wide_bar} {human_pos} of {human_len} {msg}, {per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { show: Show::Bar(bar) }
    }

    /// Shows nothing.
    #[must_use]
    pub const fn silent() -> Self {
        Self { show: Show::Nothing }
    }

    /// One more is done.
    pub fn advance(&self) {
        match &self.show {
            Show::Nothing => {}
            Show::Bar(bar) => bar.inc(1),
            Show::Lines { total, done, what } => {
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if done.is_multiple_of((total / LINES).max(1)) {
                    // Whoever closed the standard error does not want to know.
                    let _ = writeln!(stderr(), "{} of {} {what}", HumanCount(done), HumanCount(*total));
                }
            }
        }
    }

    /// So many of them are done.
    pub fn reach(&self, reached: u64) {
        match &self.show {
            Show::Nothing => {}
            Show::Bar(bar) => bar.set_position(reached),
            Show::Lines { total, done, what } => {
                let step = (total / LINES).max(1);
                let before = done.fetch_max(reached, Ordering::Relaxed);
                if reached / step > before / step {
                    // Whoever closed the standard error does not want to know.
                    let _ = writeln!(stderr(), "{} of {} {what}", HumanCount(reached), HumanCount(*total));
                }
            }
        }
    }

    /// So many of them were done before: that says nothing about how fast it goes.
    pub fn resume(&self, reached: u64) {
        match &self.show {
            Show::Nothing => {}
            Show::Bar(bar) => {
                bar.set_position(reached);
                bar.reset_eta();
            }
            Show::Lines { done, .. } => done.store(reached, Ordering::Relaxed),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
    }
}
