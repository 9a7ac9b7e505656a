use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tracing::{Event, Metadata, span};

use super::*;
use crate::{Cause, Subject};

fn concern(level: Level, cause: Cause) -> Concern {
    Concern { subject: Subject::Projection("balances"), level, cause }
}

fn behind(level: Level, positions: u64) -> Health {
    Health::of(vec![concern(level, Cause::Behind { positions })])
}

/// What each alarm says.
fn told(raised: &mut Raised, now: &Health, eased: &Health) -> Vec<String> {
    raised.update(now, eased).iter().map(ToString::to_string).collect()
}

#[test]
fn what_does_not_change_is_told_once() {
    let parked = |level, keys| Health::of(vec![concern(level, Cause::Parked { keys, events: keys })]);
    let mut raised = Raised::default();
    let mut update = |health: &Health| told(&mut raised, health, health);
    let text = |keys| format!("projection balances has keys that wait for an operator: {keys}, events: {keys}");
    assert_eq!(update(&Health::default()), [""; 0]);
    assert_eq!(update(&parked(Level::Warning, 1)), [format!("warning: {}", text(1))]);
    assert_eq!(update(&parked(Level::Warning, 2)), [""; 0]);
    assert_eq!(update(&parked(Level::Critical, 3)), [format!("critical, was warning: {}", text(3))]);
    assert_eq!(update(&Health::default()), [format!("over: {}", text(3))]);
    assert_eq!(update(&Health::default()), [""; 0]);
}

#[test]
fn lag_around_a_threshold_is_one_concern() {
    let none = Health::default();
    let mut raised = Raised::default();
    let text = "projection balances is 7 positions behind the log";
    assert_eq!(
        told(&mut raised, &behind(Level::Critical, 7), &behind(Level::Critical, 7)),
        [format!("critical: {text}")]
    );
    // Below the threshold, and not below half of it.
    assert_eq!(told(&mut raised, &behind(Level::Warning, 7), &behind(Level::Critical, 7)), [""; 0]);
    let eased = told(&mut raised, &none, &behind(Level::Warning, 7));
    assert_eq!(eased, [format!("warning, was critical: {text}")]);
    // What has eased does not matter more again because the lower thresholds say so.
    assert_eq!(told(&mut raised, &none, &behind(Level::Critical, 7)), [""; 0]);
    assert_eq!(told(&mut raised, &none, &none), [format!("over: {text}")]);
    // The lower thresholds begin nothing.
    assert_eq!(told(&mut raised, &none, &behind(Level::Critical, 7)), [""; 0]);
}

#[test]
fn what_is_not_about_lag_is_over_at_once() {
    let stuck = Health::of(vec![concern(Level::Warning, Cause::Paused)]);
    let mut raised = Raised::default();
    told(&mut raised, &stuck, &stuck);
    assert_eq!(told(&mut raised, &Health::default(), &stuck), ["over: projection balances is paused"]);
}

/// P13: whatever a hook does.
#[test]
fn a_hook_that_panics_harms_nobody() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let hook = AlarmHook::new(|alarm| {
        CALLS.fetch_add(1, Ordering::SeqCst);
        panic!("{alarm}");
    });
    let alarm = Alarm { concern: concern(Level::Warning, Cause::Paused), change: AlarmChange::Begun };
    hook.tell(&alarm);
    hook.tell(&alarm);
    assert_eq!(CALLS.load(Ordering::SeqCst), 2);
}

/// Notes under which target and with which level something was said.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<(String, tracing::Level)>>>);

impl tracing::Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        self.0.lock().unwrap().push((metadata.target().to_owned(), *metadata.level()));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn without_a_hook_tracing_is_told() {
    let listener = Listener::default();
    tracing::subscriber::with_default(listener.clone(), || {
        for (level, change) in [
            (Level::Warning, AlarmChange::Begun),
            (Level::Critical, AlarmChange::Changed { from: Level::Warning }),
            (Level::Critical, AlarmChange::Ended),
        ] {
            AlarmHook::default().tell(&Alarm { concern: concern(level, Cause::Paused), change });
        }
    });
    let expected = [tracing::Level::WARN, tracing::Level::ERROR, tracing::Level::INFO];
    assert_eq!(*listener.0.lock().unwrap(), expected.map(|level| (ALARM_TARGET.to_owned(), level)));
}
