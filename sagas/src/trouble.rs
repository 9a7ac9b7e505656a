//! What of a saga cannot go on by itself.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use annals_core::Timestamp;
use tokio::sync::watch;

use crate::InstanceId;

/// What of a saga cannot go on by itself: commands that are not sent, timers that do not fire. What counts is what is stored;
/// this says how it is without a look there.
#[derive(Default)]
pub(crate) struct Troubles {
    all: Mutex<All>,
    /// Counts changes.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct All {
    /// Those of the first commands of instances.
    commands: HashMap<InstanceId, Unsent>,
    /// Timers that wait for an operator.
    timers: HashSet<(InstanceId, String)>,
}

/// Why the first command of an instance is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unsent {
    /// It waits for an operator.
    Waits { undoes: bool },
    /// The store is at fault.
    Fault { since: Timestamp, reason: String },
}

/// How much cannot go on by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    /// Commands that wait for an operator, those that undo others not counted.
    pub(crate) commands: usize,
    /// Commands that undo others and wait for an operator.
    pub(crate) undoing: usize,
    /// Timers that wait for an operator.
    pub(crate) timers: usize,
    /// Instances whose commands cannot be sent because the store is at fault: how many, since when, and why.
    pub(crate) unsent: Option<(usize, Timestamp, String)>,
}

impl Troubles {
    /// The first command of an instance waits for an operator.
    pub(crate) fn waits(&self, id: &InstanceId, undoes: bool) {
        let unsent = Unsent::Waits { undoes };
        if self.all().commands.insert(id.clone(), unsent.clone()) != Some(unsent) {
            self.changed();
        }
    }

    /// The first command of an instance cannot be sent, and the store is at fault.
    pub(crate) fn is_unsent(&self, id: &InstanceId, now: Timestamp, reason: &str) {
        let mut all = self.all();
        let since = match all.commands.get(id) {
            Some(Unsent::Fault { since, .. }) => *since,
            _ => now,
        };
        all.commands.insert(id.clone(), Unsent::Fault { since, reason: reason.to_owned() });
        drop(all);
        self.changed();
    }

    /// The commands of an instance go on.
    pub(crate) fn goes_on(&self, id: &InstanceId) {
        let mut all = self.all();
        if !all.commands.is_empty() && all.commands.remove(id).is_some() {
            drop(all);
            self.changed();
        }
    }

    /// A timer waits for an operator.
    pub(crate) fn timer_waits(&self, id: &InstanceId, name: &str) {
        if self.all().timers.insert((id.clone(), name.to_owned())) {
            self.changed();
        }
    }

    /// Of an instance only those timers wait for an operator of which `wait` says so.
    pub(crate) fn timers_that_wait(&self, id: &InstanceId, wait: impl Fn(&str) -> bool) {
        let mut all = self.all();
        let before = all.timers.len();
        if before > 0 {
            all.timers.retain(|(of, name)| of != id || wait(name));
        }
        if all.timers.len() != before {
            drop(all);
            self.changed();
        }
    }

    /// Forgets what is said of commands, which are read again.
    pub(crate) fn forget_commands(&self) {
        self.all().commands.clear();
        self.changed();
    }

    /// The same of timers.
    pub(crate) fn forget_timers(&self) {
        self.all().timers.clear();
        self.changed();
    }

    pub(crate) fn figures(&self) -> Figures {
        let all = self.all();
        let mut figures = Figures { timers: all.timers.len(), ..Figures::default() };
        for unsent in all.commands.values() {
            match unsent {
                Unsent::Waits { undoes: false } => figures.commands += 1,
                Unsent::Waits { undoes: true } => figures.undoing += 1,
                Unsent::Fault { since, reason } => match &mut figures.unsent {
                    Some((instances, first, _)) if *first <= *since => *instances += 1,
                    Some((instances, first, of)) => {
                        (*instances, *first, *of) = (*instances + 1, *since, reason.clone());
                    }
                    none => *none = Some((1, *since, reason.clone())),
                },
            }
        }
        figures
    }

    /// Lets whoever watches look.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Changes whenever something of this does.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long `since` is ago.
pub(crate) fn ago(now: Timestamp, since: Timestamp) -> Duration {
    let micros = now.as_micros().saturating_sub(since.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(key: &str) -> InstanceId {
        InstanceId { saga: "moving".into(), tenant: None, key: key.into() }
    }

    #[test]
    fn a_fault_is_as_old_as_its_first_attempt_and_gone_when_the_instance_goes_on() {
        let troubles = Troubles::default();
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000).unwrap();
        troubles.is_unsent(&id("b"), at(7), "of b");
        troubles.is_unsent(&id("a"), at(5), "of a");
        troubles.is_unsent(&id("a"), at(9), "of a again");
        assert_eq!(troubles.figures().unsent, Some((2, at(5), "of a again".to_owned())));
        let watch = troubles.watch();
        troubles.goes_on(&id("c"));
        assert!(!watch.has_changed().unwrap(), "nothing was the matter with it");
        troubles.waits(&id("a"), true);
        assert!(watch.has_changed().unwrap());
        let figures = troubles.figures();
        assert_eq!((figures.undoing, figures.commands, figures.unsent), (1, 0, Some((1, at(7), "of b".to_owned()))));
        // What waits for an operator is tried again, and fails by the store's fault: from then on.
        troubles.is_unsent(&id("a"), at(20), "of a");
        assert_eq!(troubles.figures().unsent, Some((2, at(7), "of b".to_owned())));
        troubles.goes_on(&id("a"));
        troubles.goes_on(&id("b"));
        assert_eq!(troubles.figures(), Figures::default());
    }

    #[test]
    fn of_the_timers_of_an_instance_those_wait_that_it_still_has() {
        let troubles = Troubles::default();
        for (key, name) in [("a", "late"), ("a", "later"), ("b", "late")] {
            troubles.timer_waits(&id(key), name);
        }
        troubles.timers_that_wait(&id("a"), |name| name == "later");
        assert_eq!(troubles.figures().timers, 2);
        troubles.timers_that_wait(&id("a"), |_| false);
        assert_eq!(troubles.figures().timers, 1);
    }
}
