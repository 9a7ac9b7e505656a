//! Events come back as they went.

use std::fmt::Debug;

use crate::{
    Event,
    testing::{differ::check_equal, fail, recoded},
};

/// Every event survives its encoding and back, and its stored name and tags follow the rules.
///
/// Only events that occur in `histories` are looked at: let every variant occur.
///
/// # Panics
/// When it does not hold, with the difference.
#[track_caller]
pub fn events_round_trip<E>(histories: &[Vec<E>])
where
    E: Event + Debug + PartialEq,
{
    for event in histories.iter().flatten() {
        let name = event.kind().name;
        if let Err(error) = event.kind().event_type() {
            fail(&format!("event {event:?} cannot be stored: {error}"));
        }
        if let Err(error) = event.tags() {
            fail(&format!("event {event:?} cannot be stored: {error}"));
        }
        check_equal(&format!("event {name} does not come back as it was stored"), event, &recoded(event));
    }
}
