//! Who is told that something is the matter with a projection or a saga.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc};

use crate::{Concern, Health, Level, Subject, run::message};

/// The target of `tracing` under which alarms of projections are told when no hook is set: critical ones as errors, others as
/// warnings, and that one is over as information. Fields: `projection`, and the alarm as the message.
pub const ALARM_TARGET: &str = "annals::projections::alarm";

/// The same for sagas and reactions. Fields: `saga`, its name, and the alarm as the message.
pub const SAGA_ALARM_TARGET: &str = "annals::sagas::alarm";

/// Something began to be the matter with a projection, saga or reaction, matters more or less than before, or is over.
///
/// Each is told once, when it is noticed: at the latest a tenth of a second after the subject says so itself, and about a
/// second after it could be seen of the log and the clock. What is shorter than that may not be noticed. How far one is behind
/// goes up and down: that is over, or matters less, when it is below half of the threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alarm {
    /// What is the matter; what was, when it is over.
    pub concern: Concern,
    /// What is new about it.
    pub change: AlarmChange,
}

/// What is new about something that is the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmChange {
    /// It was not the matter before.
    Begun,
    /// It matters more or less than before.
    Changed {
        /// How much it mattered.
        from: Level,
    },
    /// It is over.
    Ended,
}

/// What is called with each alarm.
#[derive(Clone)]
pub struct AlarmHook(Arc<dyn Fn(&Alarm) + Send + Sync>);

/// What is the matter with one subject, as it was told last.
#[derive(Debug, Default)]
pub(crate) struct Raised(Vec<Concern>);

impl AlarmHook {
    /// Calls `hook`. It must not block; a panic in it is caught.
    pub fn new(hook: impl Fn(&Alarm) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }
}

impl Default for AlarmHook {
    fn default() -> Self {
        Self::new(trace)
    }
}

impl AlarmHook {
    /// Tells of it. What the hook does is no concern of ours.
    pub(crate) fn tell(&self, alarm: &Alarm) {
        if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(|| (self.0)(alarm))) {
            let (subject, panic) = (alarm.concern.subject, message(&*panic));
            tracing::error!(%subject, panic, %alarm, "a hook for alarms panicked");
        }
    }
}

fn trace(alarm: &Alarm) {
    match alarm.concern.subject {
        Subject::Projection(projection) | Subject::Shadow(projection) => match (alarm.change, alarm.concern.level) {
            (AlarmChange::Ended, _) => tracing::info!(target: ALARM_TARGET, projection, "{alarm}"),
            (_, Level::Critical) => tracing::error!(target: ALARM_TARGET, projection, "{alarm}"),
            _ => tracing::warn!(target: ALARM_TARGET, projection, "{alarm}"),
        },
        Subject::Saga(saga) | Subject::Reaction(saga) => match (alarm.change, alarm.concern.level) {
            (AlarmChange::Ended, _) => tracing::info!(target: SAGA_ALARM_TARGET, saga, "{alarm}"),
            (_, Level::Critical) => tracing::error!(target: SAGA_ALARM_TARGET, saga, "{alarm}"),
            _ => tracing::warn!(target: SAGA_ALARM_TARGET, saga, "{alarm}"),
        },
    }
}

impl Raised {
    /// What is new now that the health is `now`; `eased` is what it would be if thresholds of lag were lower.
    pub(crate) fn update(&mut self, now: &Health, eased: &Health) -> Vec<Alarm> {
        let mut concerns = now.concerns.clone();
        for raised in self.0.iter().filter(|raised| raised.cause.is_lag()) {
            hold(&mut concerns, raised, eased);
        }
        let mut alarms = Vec::new();
        for concern in &concerns {
            let change = match find(&self.0, concern) {
                None => AlarmChange::Begun,
                Some(before) if before.level != concern.level => AlarmChange::Changed { from: before.level },
                Some(_) => continue,
            };
            alarms.push(Alarm { concern: concern.clone(), change });
        }
        let ended = self.0.iter().filter(|raised| find(&concerns, raised).is_none()).cloned();
        alarms.extend(ended.map(|concern| Alarm { concern, change: AlarmChange::Ended }));
        self.0 = concerns;
        alarms
    }
}

/// Keeps what was raised among `concerns`, unless it is over by the lower thresholds too.
fn hold(concerns: &mut Vec<Concern>, raised: &Concern, eased: &Health) {
    let Some(eased) = find(&eased.concerns, raised) else { return };
    let level = eased.level.min(raised.level);
    match concerns.iter_mut().find(|concern| concern.cause.is_like(&raised.cause)) {
        Some(concern) => concern.level = concern.level.max(level),
        None => concerns.push(Concern { level, ..eased.clone() }),
    }
}

fn find<'a>(concerns: &'a [Concern], like: &Concern) -> Option<&'a Concern> {
    concerns.iter().find(|concern| concern.cause.is_like(&like.cause))
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { concern, change } = self;
        match change {
            AlarmChange::Begun => write!(f, "{}: {concern}", concern.level),
            AlarmChange::Changed { from } => write!(f, "{}, was {from}: {concern}", concern.level),
            AlarmChange::Ended => write!(f, "over: {concern}"),
        }
    }
}

impl fmt::Debug for AlarmHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlarmHook(..)")
    }
}

#[cfg(test)]
mod tests;
