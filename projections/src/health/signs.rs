//! What is known of any consumer when its health is judged.

use std::time::Duration;

use crate::{Cause, Concern, Health, Level, State, Subject, Thresholds};

/// What is known of any consumer of the log when its health is judged.
pub struct Signs<'a> {
    /// What it is.
    pub subject: Subject,
    /// What it is doing.
    pub state: &'a State,
    /// Why it failed last, as long as that matters although it is at work again.
    pub failure: Option<&'a str>,
    /// How many positions it is behind.
    pub positions: u64,
    /// How long ago the first event was recorded that it has not taken in.
    pub time: Duration,
    /// How long nothing has moved.
    pub stuck: Duration,
}

impl Signs<'_> {
    /// Its health, with what else is known of such a one. Of one that does not run any more, nothing else is of interest.
    pub fn health(&self, thresholds: &Thresholds, others: impl IntoIterator<Item = (Level, Cause)>) -> Health {
        let mut levels: Vec<_> = self.state().into_iter().collect();
        if !matches!(self.state, State::TakenOver | State::Stopped) {
            levels.extend(others);
            levels.extend(self.figures(thresholds));
        }
        levels.retain(|(level, _)| *level > Level::Healthy);
        let subject = self.subject;
        Health::of(levels.into_iter().map(|(level, cause)| Concern { subject, level, cause }).collect())
    }

    fn state(&self) -> Option<(Level, Cause)> {
        let critical = |cause| Some((Level::Critical, cause));
        match self.state {
            State::Failed { reason, retrying } => {
                critical(Cause::Failed { reason: reason.clone(), retrying: *retrying })
            }
            State::TakenOver => critical(Cause::TakenOver),
            State::Stopped => critical(Cause::Stopped),
            State::Paused => Some((Level::Warning, Cause::Paused)),
            State::Starting | State::Rebuilding | State::CatchingUp | State::Live => {
                critical(Cause::Failed { reason: self.failure?.to_owned(), retrying: true })
            }
        }
    }

    fn figures(&self, thresholds: &Thresholds) -> Vec<(Level, Cause)> {
        let mut figures = vec![(thresholds.stuck.level(&self.stuck), Cause::Stuck { time: self.stuck })];
        if *self.state != State::Rebuilding {
            figures.push((thresholds.positions.level(&self.positions), Cause::Behind { positions: self.positions }));
            figures.push((thresholds.time.level(&self.time), Cause::Late { time: self.time }));
        }
        figures
    }
}
