//! Figures of sagas and reactions for whatever recorder the application has installed with the crate `metrics`.
//!
//! Each carries the label `saga`, its name. Gauges are given out whenever something changes, at most ten times a second, and
//! once a second while the saga is behind; the others when it happens.

use std::time::Duration;

use annals_projections::Level;
use metrics::{counter, gauge, histogram};

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

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Taken,
    Refused,
    SetAside,
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

pub(crate) fn input(saga: &'static str, input: &'static str) {
    counter!(INPUTS, "saga" => saga, "input" => input).increment(1);
}

pub(crate) fn step(saga: &'static str) {
    counter!(STEPS, "saga" => saga).increment(1);
}

pub(crate) fn failure(saga: &'static str, what: &'static str) {
    counter!(FAILURES, "saga" => saga, "what" => what).increment(1);
}

pub(crate) fn command(saga: &'static str, outcome: Outcome) {
    let outcome = match outcome {
        Outcome::Taken => "taken",
        Outcome::Refused => "refused",
        Outcome::SetAside => "set_aside",
    };
    counter!(COMMANDS, "saga" => saga, "outcome" => outcome).increment(1);
}

pub(crate) fn fired(saga: &'static str, late: Duration) {
    counter!(TIMERS_FIRED, "saga" => saga).increment(1);
    histogram!(TIMER_LATENESS, "saga" => saga).record(late.as_secs_f64());
}

pub(crate) fn begun(saga: &'static str) {
    counter!(INSTANCES_BEGUN, "saga" => saga).increment(1);
}

/// An instance went from one status to another one.
pub(crate) fn became(saga: &'static str, status: InstanceStatus) {
    let end = match status {
        InstanceStatus::Running => return,
        InstanceStatus::Compensating => return counter!(COMPENSATIONS, "saga" => saga).increment(1),
        InstanceStatus::Completed => "completed",
        InstanceStatus::Compensated => "compensated",
        InstanceStatus::Cancelled => "cancelled",
    };
    counter!(INSTANCES_ENDED, "saga" => saga, "end" => end).increment(1);
}

pub(crate) fn restart(saga: &'static str) {
    counter!(RESTARTS, "saga" => saga).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at is no exact number")]
fn to_f64(number: u64) -> f64 {
    number as f64
}
