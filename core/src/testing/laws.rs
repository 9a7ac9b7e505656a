//! Laws that hold for every aggregate: each is a function that fails with what breaks it, and
//! [`aggregate_laws!`](crate::aggregate_laws) makes a test of each.
//!
//! A law looks at *every beginning* of each given history, the empty one included, so that a few histories that look like
//! real ones go far. All events go through their encoding and back.
//!
//! | law | what breaks it |
//! |---|---|
//! | [`snapshot_equals_fold`] | a field that the snapshot leaves out, events that were applied twice before it was taken |
//! | [`events_round_trip`] | a field that is not stored, a variant that cannot be read back, a bad tag |
//! | [`handler_is_deterministic`] | a clock, random numbers or a counter of the handler's own |
//! | [`events_give_the_decided_state`] | state that a handler changes without an event, by a lock or an atomic in it |
//! | [`kept_state_equals_fold`] | the same, seen from outside: what is kept after a command, in memory and as a snapshot |
//! | [`fold_matches_golden`] | a fold that changed under the same snapshot version, stored events that no longer read |

mod decisions;
mod events;
mod golden;
mod kept;
mod snapshots;

use crate::{Aggregate, At, at};

pub use decisions::{events_give_the_decided_state, handler_is_deterministic};
pub use events::events_round_trip;
pub use golden::fold_matches_golden;
pub use kept::kept_state_equals_fold;
pub use snapshots::snapshot_equals_fold;

/// Makes a `#[test]` of each law for an aggregate. With feature `testing`.
///
/// ```
/// # mod domain {
#[doc = include_str!("../doc/counter.txt")]
/// # impl PartialEq for Counter { fn eq(&self, other: &Self) -> bool { self.total == other.total } }
/// # use Counted::Incremented;
/// annals_core::aggregate_laws!(
///     Counter,
///     histories: [vec![Incremented { by: 1 }, Incremented { by: 2 }], vec![]],
///     commands: [Increment { by: 3 }, Increment { by: 0 }],
///     golden: "tests/golden/counter.txt",
/// );
/// # }
/// ```
///
/// * `histories` are lists of events as they may stand in a stream: `[vec![..], vec![..]]`, or a call that returns them.
/// * `commands` may be of different types; each is given to the aggregate in every state that the histories go through,
///   also where it is refused. May be left out, together with the laws of decisions.
/// * `golden` names a file relative to the package's folder, see [`fold_matches_golden`]. May be left out.
/// * `id: ..` before the histories is needed only for ids of an own form.
///
/// The aggregate is `Debug + PartialEq`, its events too, replies too; errors are `Debug` and commands `Clone`. The tests
/// have the names of the laws, so two aggregates in one file go into a module each. Everything can be written by hand:
///
/// ```
/// use annals_core::{at, testing::laws};
#[doc = include_str!("../doc/counter.txt")]
/// # impl PartialEq for Counter { fn eq(&self, other: &Self) -> bool { self.total == other.total } }
/// # use Counted::Incremented;
/// let histories = [vec![Incremented { by: 1 }, Incremented { by: 2 }]];
/// laws::snapshot_equals_fold::<Counter>(&histories);
/// laws::events_round_trip(&histories);
/// laws::handler_is_deterministic(&at::<Counter>("visits"), &histories, Increment { by: 3 });
/// laws::events_give_the_decided_state(&at::<Counter>("visits"), &histories, Increment { by: 3 });
/// laws::kept_state_equals_fold(&at::<Counter>("visits"), &histories, Increment { by: 3 });
/// ```
#[macro_export]
macro_rules! aggregate_laws {
    (
        @of $aggregate:ty, $target:expr,
        histories: $histories:expr
        $(, commands: [$($command:expr),* $(,)?])?
        $(, golden: $golden:expr)?
        $(,)?
    ) => {
        #[::core::prelude::v1::test]
        fn snapshot_equals_fold() {
            $crate::testing::laws::snapshot_equals_fold::<$aggregate>(&$histories);
        }

        #[::core::prelude::v1::test]
        fn events_round_trip() {
            $crate::testing::laws::events_round_trip::<<$aggregate as $crate::Aggregate>::Event>(&$histories);
        }

        $(
            #[::core::prelude::v1::test]
            fn handlers_are_deterministic() {
                let (target, histories) = ($target, $histories);
                $($crate::testing::laws::handler_is_deterministic(&target, &histories, $command);)*
            }

            #[::core::prelude::v1::test]
            fn events_give_the_decided_state() {
                let (target, histories) = ($target, $histories);
                $($crate::testing::laws::events_give_the_decided_state(&target, &histories, $command);)*
            }

            #[::core::prelude::v1::test]
            fn kept_state_equals_fold() {
                let (target, histories) = ($target, $histories);
                $($crate::testing::laws::kept_state_equals_fold(&target, &histories, $command);)*
            }
        )?

        $(
            #[::core::prelude::v1::test]
            fn fold_matches_golden() {
                let path = ::std::path::Path::new(::core::env!("CARGO_MANIFEST_DIR")).join($golden);
                $crate::testing::laws::fold_matches_golden::<$aggregate>(path, &$histories);
            }
        )?
    };
    ($aggregate:ty, id: $id:expr, $($rest:tt)*) => {
        $crate::aggregate_laws!(@of $aggregate, $crate::at::<$aggregate>($id), $($rest)*);
    };
    ($aggregate:ty, $($rest:tt)*) => {
        $crate::aggregate_laws!(@of $aggregate, $crate::testing::laws::any::<$aggregate>(), $($rest)*);
    };
}

/// Some aggregate of this kind: the one of key `test`, `1` or the nil UUID, whichever is an id.
///
/// # Panics
/// When none of them is: then name one with [`at`].
#[must_use]
#[track_caller]
pub fn any<A: Aggregate>() -> At<A> {
    at(super::any_id::<A>())
}

/// Each beginning of each history, the empty one once, and how to name it.
fn beginnings<E>(histories: &[Vec<E>]) -> impl Iterator<Item = (&[E], Place)> {
    let longer = histories.iter().zip(1..).flat_map(|(history, number)| {
        (1..=history.len()).map(move |events| (history.get(..events).unwrap_or_default(), Place { number, events }))
    });
    std::iter::once((&[][..], Place { number: 0, events: 0 })).chain(longer)
}

/// Where in the given histories something was found.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The history, counted from 1.
    number: usize,
    /// How many of its events came before; before the first one, the number of the history does not matter.
    events: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self { events: 0, .. } => f.write_str("before the first event"),
            Self { number, events: 1 } => write!(f, "after 1 event of history {number}"),
            Self { number, events } => write!(f, "after {events} events of history {number}"),
        }
    }
}

#[cfg(test)]
mod tests;
