//! Figures of sagas and reactions for whatever recorder the application has installed with the crate `metrics`.
//!
//! Each carries the label `saga`, its name. They are given out whenever something has changed, at most ten times a second, and
//! once a second while the saga is behind; what is left, when the store is shut down. The histogram is when it happens.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use annals_projections::Level;
use metrics::{Counter, counter, gauge, histogram};

use crate::{InstanceStatus, SagaStatus, trouble::Figures};

/// A gauge: up to which position every event was taken in or set aside.
pub const POSITION: &str = "annals_saga_position";
/// A gauge: how many positions it is behind the log.
pub const LAG_POSITIONS: &str = "annals_saga_lag_positions";
/// A gauge: its [`Health`](annals_projections::Health): 0 healthy, 1 a warning, 2 critical.
pub const HEALTH: &str = "annals_saga_health";
/// A gauge: what waits for an operator; label `what`: `events`, `commands`, `undoing` (commands that undo others), `timers`.
pub const WAITING: &str = "annals_saga_waiting";
/// A counter: inputs that instances were given, each attempt counted; label `input`: `event`, `refusal`, `timer`, `undone`,
/// `operator`.
pub const INPUTS: &str = "annals_saga_inputs_total";
/// A counter: steps that were stored.
pub const STEPS: &str = "annals_saga_steps_total";
/// A counter: attempts that failed; label `what`: `input` (a timer included), `command`.
pub const FAILURES: &str = "annals_saga_failures_total";
/// A counter: what became of commands; label `outcome`: `taken` (by its aggregate, or not wanted any more), `refused`,
/// `set_aside` (it waits for an operator).
pub const COMMANDS: &str = "annals_saga_commands_total";
/// A counter: timers that fired.
pub const TIMERS_FIRED: &str = "annals_saga_timers_fired_total";
/// A histogram: how many seconds after it was due a timer fired; one that had failed, after it was to be tried again.
pub const TIMER_LATENESS: &str = "annals_saga_timer_lateness_seconds";
/// A gauge: instances that have begun and not ended. Not given out before they are counted, which is done beside the work
/// whenever the saga starts.
pub const INSTANCES: &str = "annals_saga_instances";
/// A counter: instances that began.
pub const INSTANCES_BEGUN: &str = "annals_saga_instances_begun_total";
/// A counter: instances that ended; label `end`: `completed`, `compensated`, `cancelled`.
pub const INSTANCES_ENDED: &str = "annals_saga_instances_ended_total";
/// A counter: instances that began to undo what they had done.
pub const COMPENSATIONS: &str = "annals_saga_compensations_total";
/// A counter: how often it was started again after something went wrong.
pub const RESTARTS: &str = "annals_saga_restarts_total";

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    InputEvent,
    InputRefusal,
    InputTimer,
    InputUndone,
    InputOperator,
    Step,
    InputFailed,
    CommandFailed,
    CommandTaken,
    CommandRefused,
    CommandSetAside,
    TimerFired,
    Begun,
    Completed,
    Compensated,
    Cancelled,
    Compensation,
    Restart,
}

/// What was counted of a saga and not given out yet: a step costs no look at the recorder.
#[derive(Default)]
pub(crate) struct Counts([AtomicU64; Counted::ALL.len()]);

impl Counted {
    const ALL: [Self; 18] = [
        Self::InputEvent,
        Self::InputRefusal,
        Self::InputTimer,
        Self::InputUndone,
        Self::InputOperator,
        Self::Step,
        Self::InputFailed,
        Self::CommandFailed,
        Self::CommandTaken,
        Self::CommandRefused,
        Self::CommandSetAside,
        Self::TimerFired,
        Self::Begun,
        Self::Completed,
        Self::Compensated,
        Self::Cancelled,
        Self::Compensation,
        Self::Restart,
    ];

    /// That an instance is doing otherwise, if that is counted.
    pub(crate) fn of(status: InstanceStatus) -> Option<Self> {
        match status {
            InstanceStatus::Running => None,
            InstanceStatus::Compensating => Some(Self::Compensation),
            InstanceStatus::Completed => Some(Self::Completed),
            InstanceStatus::Compensated => Some(Self::Compensated),
            InstanceStatus::Cancelled => Some(Self::Cancelled),
        }
    }

    fn counter(self, saga: &'static str) -> Counter {
        let labelled = |name, label, value| counter!(name, "saga" => saga, label => value);
        match self {
            Self::InputEvent => labelled(INPUTS, "input", "event"),
            Self::InputRefusal => labelled(INPUTS, "input", "refusal"),
            Self::InputTimer => labelled(INPUTS, "input", "timer"),
            Self::InputUndone => labelled(INPUTS, "input", "undone"),
            Self::InputOperator => labelled(INPUTS, "input", "operator"),
            Self::Step => counter!(STEPS, "saga" => saga),
            Self::InputFailed => labelled(FAILURES, "what", "input"),
            Self::CommandFailed => labelled(FAILURES, "what", "command"),
            Self::CommandTaken => labelled(COMMANDS, "outcome", "taken"),
            Self::CommandRefused => labelled(COMMANDS, "outcome", "refused"),
            Self::CommandSetAside => labelled(COMMANDS, "outcome", "set_aside"),
            Self::TimerFired => counter!(TIMERS_FIRED, "saga" => saga),
            Self::Begun => counter!(INSTANCES_BEGUN, "saga" => saga),
            Self::Completed => labelled(INSTANCES_ENDED, "end", "completed"),
            Self::Compensated => labelled(INSTANCES_ENDED, "end", "compensated"),
            Self::Cancelled => labelled(INSTANCES_ENDED, "end", "cancelled"),
            Self::Compensation => counter!(COMPENSATIONS, "saga" => saga),
            Self::Restart => counter!(RESTARTS, "saga" => saga),
        }
    }
}

impl Counts {
    pub(crate) fn add(&self, counted: Counted) {
        if let Some(count) = self.0.get(counted as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives out what was counted since this was done last.
    pub(crate) fn give_out(&self, saga: &'static str) {
        for (counted, count) in Counted::ALL.into_iter().zip(&self.0) {
            let count = count.swap(0, Ordering::Relaxed);
            if count > 0 {
                counted.counter(saga).increment(count);
            }
        }
    }
}

/// What a monitor has seen.
pub(crate) fn seen(status: &SagaStatus, behind: u64, figures: &Figures, instances: Option<u64>, level: Level) {
    let saga = status.saga;
    if let Some(instances) = instances {
        gauge!(INSTANCES, "saga" => saga).set(to_f64(instances));
    }
    gauge!(POSITION, "saga" => saga).set(to_f64(status.position.get()));
    gauge!(LAG_POSITIONS, "saga" => saga).set(to_f64(behind));
    gauge!(HEALTH, "saga" => saga).set(level.figure());
    let Figures { commands, undoing, timers, .. } = *figures;
    let waiting = [("events", status.waiting), ("commands", commands), ("undoing", undoing), ("timers", timers)];
    for (what, count) in waiting {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        gauge!(WAITING, "saga" => saga, "what" => what).set(to_f64(count));
    }
}

/// A timer has fired so late.
pub(crate) fn fired(saga: &'static str, late: Duration) {
    histogram!(TIMER_LATENESS, "saga" => saga).record(late.as_secs_f64());
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at is no exact number")]
fn to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_in_its_place() {
        for (place, counted) in Counted::ALL.into_iter().enumerate() {
            assert_eq!(counted as usize, place, "{counted:?}");
        }
    }
}
