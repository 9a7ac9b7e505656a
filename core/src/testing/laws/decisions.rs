//! A decision depends on nothing but state and command, and changes nothing but by events.

use std::{any::type_name, fmt::Debug};

use crate::{
    Aggregate, At, Handle,
    testing::{When, differ::check_equal, fail, given},
};

use super::beginnings;

/// The handler is deterministic: run twice on equal state, it emits equal events, replies or refuses alike, and leaves
/// equal state. So a decision that is made again after a conflict is the same decision. Refusals are compared by how
/// they are written (`{:?}`).
///
/// # Panics
/// When it does not hold, with the difference.
#[track_caller]
pub fn handler_is_deterministic<A, C>(target: &At<A>, histories: &[Vec<A::Event>], command: C)
where
    A: Handle<C> + Debug + PartialEq,
    A::Event: Debug + PartialEq,
    A::Reply: Debug + PartialEq,
    A::Error: Debug,
    C: Clone,
{
    for (events, place) in beginnings(histories) {
        let first = decide(target, events, command.clone());
        let second = decide(target, events, command.clone());
        let told = |what: &str| format!("{} {place}, run twice on {}, {what}", type_name::<C>(), A::NAME);
        check_equal(&told("emits other events"), &first.events, &second.events);
        match (&first.result, &second.result) {
            (Ok(first), Ok(second)) => check_equal(&told("replies something else"), first, second),
            (Err(first), Err(second)) => {
                check_equal(&told("is refused in another way"), &*format!("{first:?}"), &*format!("{second:?}"));
            }
            (Ok(reply), Err(refusal)) | (Err(refusal), Ok(reply)) => {
                fail(&told(&format!("is accepted once with {reply:?} and refused once with {refusal:?}")));
            }
        }
        check_equal(&told("leaves another state"), &first.state, &second.state);
    }
}

/// The emitted events give the decided state: folding them, as a store gives them back, onto the state before gives
/// exactly what the decision holds. So what is kept in memory, and what the reply was computed from, is what every later
/// load finds.
///
/// # Panics
/// When it does not hold, with the difference.
#[track_caller]
pub fn events_give_the_decided_state<A, C>(target: &At<A>, histories: &[Vec<A::Event>], command: C)
where
    A: Handle<C> + Debug + PartialEq,
    C: Clone,
{
    for (events, place) in beginnings(histories) {
        let decided = decide(target, events, command.clone());
        // Folded anew, so that nothing that a clone would share can hide a change.
        let mut folded = given::<A>(events.to_vec()).state;
        for event in &decided.events {
            folded.evolve(event);
        }
        let (command, name) = (type_name::<C>(), A::NAME);
        let what = format!("the events that {command} {place} emits do not give the state of {name} that it decided");
        check_equal(&what, &decided.state, &folded);
    }
}

/// One decision of an aggregate that was folded for it alone.
#[track_caller]
fn decide<A, C>(target: &At<A>, events: &[A::Event], command: C) -> When<A, A::Reply, A::Error>
where
    A: Aggregate + Handle<C>,
{
    given::<A>(events.to_vec()).id(target.id.clone()).when(command)
}
