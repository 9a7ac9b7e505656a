//! Planted: handlers that depend on something else, or change something else.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    Decision, Handle, at,
    testing::laws::{events_give_the_decided_state, handler_is_deterministic, kept_state_equals_fold},
};

use super::{
    broken,
    till::{PayIn, Till, paid, till},
};

/// A counter of the handler's own, another one each time.
fn count() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

#[derive(Clone)]
enum Undecided {
    Emits,
    Replies,
    Refuses,
    Wavers(Arc<AtomicU64>),
}

impl Handle<Undecided> for Till {
    type Reply = u64;
    type Error = String;
    fn handle(till: &mut Decision<Self>, command: Undecided) -> Result<u64, String> {
        match command {
            Undecided::Emits => till.emit(paid(count())),
            Undecided::Replies => return Ok(count()),
            Undecided::Refuses => return Err(format!("no {}", count())),
            Undecided::Wavers(turns) if turns.fetch_add(1, Ordering::Relaxed) == 0 => return Err("no".into()),
            Undecided::Wavers(_) => {}
        }
        Ok(0)
    }
}

#[test]
fn a_handler_that_is_not_deterministic_is_caught() {
    handler_is_deterministic(&at::<Till>("a"), &[vec![paid(1)]], PayIn(2));
    for (command, told) in [
        (Undecided::Emits, "emits other events"),
        (Undecided::Replies, "replies something else"),
        (Undecided::Refuses, "is refused in another way"),
        (Undecided::Wavers(Arc::default()), "is accepted once with 0 and refused once with \"no\""),
    ] {
        let message = broken(|| handler_is_deterministic(&at::<Till>("a"), &[vec![paid(1)]], command));
        assert!(message.contains("Undecided before the first event, run twice on till, "), "{message}");
        assert!(message.contains(told), "{message}");
    }
}

/// Changes by being looked at.
#[derive(Debug, Default, Clone)]
struct Watched {
    balance: u64,
    looks: Arc<AtomicU64>,
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        let looks = |watched: &Self| watched.looks.load(Ordering::Relaxed);
        (self.balance, looks(self)) == (other.balance, looks(other))
    }
}

till!(Watched, |till, amount| till.balance += amount);

#[derive(Clone)]
struct Look {
    refuse: bool,
}

impl Handle<Look> for Watched {
    type Reply = u64;
    type Error = String;
    fn handle(till: &mut Decision<Self>, Look { refuse }: Look) -> Result<u64, String> {
        till.looks.fetch_add(1, Ordering::Relaxed);
        if refuse { Err("no".into()) } else { Ok(till.balance) }
    }
}

/// Leaves something else in the state each time.
#[derive(Clone)]
struct Peek;

impl Handle<Peek> for Watched {
    type Reply = ();
    type Error = String;
    fn handle(till: &mut Decision<Self>, _: Peek) -> Result<(), String> {
        till.looks.store(count(), Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn a_handler_that_leaves_another_state_each_time_is_caught() {
    let message = broken(|| handler_is_deterministic(&at::<Watched>("a"), &[], Peek));
    assert!(message.contains("Peek before the first event, run twice on till, leaves another state"), "{message}");
}

#[test]
fn a_handler_that_changes_state_without_an_event_is_caught() {
    for refuse in [false, true] {
        let target = at::<Watched>("a");
        let message = broken(|| events_give_the_decided_state(&target, &[vec![paid(1)]], Look { refuse }));
        assert!(message.contains("Look before the first event emits do not give the state of till"), "{message}");
        assert!(message.contains("-     looks: 1,\n+     looks: 0,"), "{message}");
        let message = broken(|| kept_state_equals_fold(&target, &[vec![paid(1)]], Look { refuse }));
        assert!(message.starts_with("what is kept in memory of till after"), "{message}");
    }
}
