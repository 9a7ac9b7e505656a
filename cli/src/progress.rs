//! How far a long command is.

use std::{
    cell::Cell,
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on the standard error while that is a terminal, with what is left to do in bytes and in time.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// When it was drawn last.
    drawn: Cell<Instant>,
}

/// How often it is drawn at most; what takes less shows nothing.
const REFRESH_TIME: Duration = Duration::from_millis(300);

impl Progress {
    /// Shows how much of so many bytes is done.
    pub(crate) fn begin(what: &'static str) -> Self {
        let template = "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        Self::of(ProgressBar::hidden(), template, what)
    }

    /// Shows that something is done, of which nobody knows how long it takes.
    pub(crate) fn wait(what: &'static str) -> Self {
        let shown = Self::of(ProgressBar::new_spinner(), "{spinner} {msg}, {elapsed}", what);
        if stderr().is_terminal() {
            shown.bar.enable_steady_tick(REFRESH_TIME);
        }
        shown
    }

    /// Shows nothing: for what writes all the time.
    pub(crate) fn silent() -> Self {
        Self { bar: ProgressBar::hidden(), drawn: Cell::new(Instant::now()) }
    }

    fn of(bar: ProgressBar, template: &str, what: &'static str) -> Self {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar: bar.with_message(what), drawn: Cell::new(Instant::now()) }
    }

    /// So many bytes are done.
    pub(crate) fn reach(&self, bytes: u64, of_bytes: u64) {
        if self.drawn.get().elapsed() < REFRESH_TIME || self.bar.message().is_empty() {
            return;
        }
        self.drawn.set(Instant::now());
        if self.bar.is_hidden() && stderr().is_terminal() {
            self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        self.bar.set_length(of_bytes);
        self.bar.set_position(bytes);
    }
}

impl Drop for Progress {
    /// Takes the bar away.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
