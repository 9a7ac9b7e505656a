//! The snapshot of a fold is the fold.

use std::fmt::Debug;

use crate::{
    Aggregate,
    testing::{differ::check_equal, fail, given, recoded},
};

use super::Place;

/// The snapshot of a fold equals the fold: wherever a history is interrupted, the state that went through its snapshot is
/// the same, and folding the rest onto it gives what folding from zero gives. Holds at once for aggregates that keep no
/// snapshots.
///
/// Comparing goes by `PartialEq`: a field that is not stored on purpose (a cache) must not take part in it.
///
/// # Panics
/// When it does not hold, with the difference.
#[track_caller]
pub fn snapshot_equals_fold<A>(histories: &[Vec<A::Event>])
where
    A: Aggregate + Debug + PartialEq,
{
    let Some(snapshots) = A::snapshots() else { return };
    for (history, number) in histories.iter().zip(1..) {
        let whole = given::<A>(history.clone()).state;
        for events in 0..=history.len() {
            let (name, place) = (A::NAME, Place { number, events });
            let (before, behind) = history.split_at(events);
            let fold = given::<A>(before.to_vec()).state;
            let bytes = match (snapshots.encode)(&fold) {
                Ok(bytes) => bytes,
                Err(error) => fail(&format!("{name} {place} makes no snapshot: {error}")),
            };
            let mut restored = match (snapshots.decode)(&bytes) {
                Ok(state) => state,
                Err(error) => fail(&format!("the snapshot of {name} {place} cannot be read back: it {error}")),
            };
            check_equal(&format!("the snapshot of {name} {place} is not its fold"), &fold, &restored);
            behind.iter().for_each(|event| restored.evolve(&recoded(event)));
            let what = format!("{name}, restored {place} and folded on, is not the fold of all of history {number}");
            check_equal(&what, &whole, &restored);
        }
    }
}
