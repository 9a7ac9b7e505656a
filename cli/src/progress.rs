//! How far a long command is.

use std::{
    io::{IsTerminal, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on the standard error while that is a terminal, with what is left to do in bytes and in time.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

/// How often it is drawn at most.
const REFRESH_HERTZ: u8 = 5;

impl Progress {
    /// Shows how much of so many bytes is done.
    pub(crate) fn begin(what: &'static str, of_bytes: u64) -> Self {
        if !stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(of_bytes), ProgressDrawTarget::stderr_with_hz(REFRESH_HERTZ));
        let template = "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_secs(1));
        Self(bar.with_message(what))
    }

    /// Shows that something is done, of which nobody knows how long it takes.
    pub(crate) fn wait(what: &'static str) -> Self {
        if !stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let spinner = ProgressBar::new_spinner().with_message(what);
        spinner.enable_steady_tick(Duration::from_millis(200));
        Self(spinner)
    }

    /// So many bytes are done.
    pub(crate) fn reach(&self, bytes: u64, of_bytes: u64) {
        self.0.set_length(of_bytes);
        self.0.set_position(bytes);
    }
}

impl Drop for Progress {
    /// Takes the bar away.
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
