//! From when on something about a projection or a saga is a concern.

use std::time::Duration;

use crate::Level;

/// From when on something about a projection or a saga is a concern: see [`Health`](crate::Health).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thresholds {
    /// How many positions it is behind the log; a warning from 10,000, critical from 100,000 by default.
    pub positions: Threshold<u64>,
    /// How long ago the first event was recorded that it has not taken in; 1 and 5 minutes by default.
    pub time: Threshold<Duration>,
    /// How long it does nothing although there is something to do, with 1 s of imprecision; 30 s and 5 minutes by default.
    pub stuck: Threshold<Duration>,
    /// How many keys of a projection wait for an operator; a warning from 1, never critical by default.
    pub parked_keys: Threshold<usize>,
    /// How many events, commands and timers of a saga wait for an operator, each kind by itself; a warning from 1, never
    /// critical by default. Events in a circle are always critical.
    pub waiting: Threshold<usize>,
    /// How many of the commands that wait are to undo others; critical from 1 by default.
    pub undoing: Threshold<usize>,
    /// How long a saga cannot send a command because the store is at fault; 30 s and 5 minutes by default.
    pub unsent: Threshold<Duration>,
    /// How long a timer is due that has not fired; 30 s and 5 minutes by default.
    pub timer_late: Threshold<Duration>,
}

/// From when on a figure is a concern. Zero never is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold<T> {
    /// From here on it is a warning.
    pub warning: T,
    /// From here on it is critical.
    pub critical: T,
}

impl Default for Thresholds {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            positions: Threshold { warning: 10_000, critical: 100_000 },
            time: Threshold { warning: minutes(1), critical: minutes(5) },
            stuck: Threshold { warning: Duration::from_secs(30), critical: minutes(5) },
            parked_keys: Threshold { warning: 1, critical: usize::MAX },
            waiting: Threshold { warning: 1, critical: usize::MAX },
            undoing: Threshold { warning: 1, critical: 1 },
            unsent: Threshold { warning: Duration::from_secs(30), critical: minutes(5) },
            timer_late: Threshold { warning: Duration::from_secs(30), critical: minutes(5) },
        }
    }
}

impl Thresholds {
    /// The same with others for how many positions it is behind.
    #[must_use]
    pub fn positions(mut self, warning: u64, critical: u64) -> Self {
        self.positions = Threshold { warning, critical };
        self
    }

    /// The same with others for how long it is behind.
    #[must_use]
    pub fn time(mut self, warning: Duration, critical: Duration) -> Self {
        self.time = Threshold { warning, critical };
        self
    }

    /// The same with others for how long it does nothing.
    #[must_use]
    pub fn stuck(mut self, warning: Duration, critical: Duration) -> Self {
        self.stuck = Threshold { warning, critical };
        self
    }

    /// The same with others for how many keys wait for an operator.
    #[must_use]
    pub fn parked_keys(mut self, warning: usize, critical: usize) -> Self {
        self.parked_keys = Threshold { warning, critical };
        self
    }

    /// The same with others for how much of a saga waits for an operator.
    #[must_use]
    pub fn waiting(mut self, warning: usize, critical: usize) -> Self {
        self.waiting = Threshold { warning, critical };
        self
    }

    /// The same with others for how many commands wait that are to undo others.
    #[must_use]
    pub fn undoing(mut self, warning: usize, critical: usize) -> Self {
        self.undoing = Threshold { warning, critical };
        self
    }

    /// The same with others for how long nothing can be sent.
    #[must_use]
    pub fn unsent(mut self, warning: Duration, critical: Duration) -> Self {
        self.unsent = Threshold { warning, critical };
        self
    }

    /// The same with others for how long a timer is due.
    #[must_use]
    pub fn timer_late(mut self, warning: Duration, critical: Duration) -> Self {
        self.timer_late = Threshold { warning, critical };
        self
    }

    /// Half of those for how far it is behind: what has exceeded them is over when it is below these, so that what goes up
    /// and down around a threshold is one concern, not many.
    #[must_use]
    pub fn eased(self) -> Self {
        let Threshold { warning, critical } = self.positions;
        let positions = Threshold { warning: warning / 2, critical: critical / 2 };
        let half = |of: Threshold<Duration>| Threshold { warning: of.warning / 2, critical: of.critical / 2 };
        Self { positions, time: half(self.time), timer_late: half(self.timer_late), ..self }
    }
}

impl<T: PartialOrd + Default> Threshold<T> {
    /// How much `figure` matters.
    pub fn level(&self, figure: &T) -> Level {
        match figure {
            zero if *zero == T::default() => Level::Healthy,
            figure if *figure >= self.critical => Level::Critical,
            figure if *figure >= self.warning => Level::Warning,
            _ => Level::Healthy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_reached_from_its_value_on() {
        let Thresholds { positions, parked_keys, .. } = Thresholds::default();
        let levels = [0, 9_999, 10_000, 99_999, 100_000].map(|figure| positions.level(&figure));
        assert_eq!(levels, [Level::Healthy, Level::Healthy, Level::Warning, Level::Warning, Level::Critical]);
        assert_eq!(
            [0, 1, 1_000_000].map(|keys| parked_keys.level(&keys)),
            [Level::Healthy, Level::Warning, Level::Warning]
        );
        // Nothing is no concern, whatever the threshold.
        assert_eq!(Threshold { warning: 0, critical: 0 }.level(&0), Level::Healthy);
    }
}
