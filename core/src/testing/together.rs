//! Several aggregates, each with a history.

use crate::{Aggregate, Decision, names::NameClaim};

use super::{
    Given, When,
    given::{claims_of, settled},
};

/// Several aggregates, each with a history, to be decided about at once. Go on with [`when`](GivenTogether::when).
///
/// ```
/// use annals_core::testing::{given, together};
#[doc = include_str!("../doc/counter.txt")]
/// # use Counted::Incremented;
/// let from = given::<Counter>([Incremented { by: 5 }]).id("a");
/// let to = given::<Counter>([]).id("b");
/// together((from, to))
///     .when(|(from, to)| {
///         if from.total == 0 { return Err("nothing to add") }
///         let by = from.total;
///         to.emit(Incremented { by });
///         Ok(to.total)
///     })
///     .then_each((vec![], vec![Incremented { by: 5 }]))
///     .replies(5);
/// ```
pub fn together<H: Histories>(histories: H) -> GivenTogether<H> {
    GivenTogether { histories }
}

/// Several aggregates, each with a history. Made by [`together`].
#[derive(Debug)]
#[must_use = "nothing is tested before `when`"]
pub struct GivenTogether<H> {
    histories: H,
}

impl<H: Histories> GivenTogether<H> {
    /// Lets `decide` decide about all of them, as [`Annals::together`](crate::Annals::together) would. The ids that are made
    /// are those of UUIDs 1, 2, 3 ..., each aggregate's in a range of its own.
    ///
    /// # Panics
    /// When an aggregate's id has to be given, or an emitted event does not survive its encoding.
    #[track_caller]
    pub fn when<R, E>(
        self,
        decide: impl for<'d> FnOnce(H::In<'d>) -> Result<R, E>,
    ) -> When<H::States, H::Events, R, E> {
        let mut open = self.histories.open();
        let result = decide(H::view(&mut open));
        let (state, events, names) = H::settle(open);
        When { result, state, events, names }
    }
}

mod sealed {
    /// Only this module's impls.
    pub trait Sealed {}
}

/// A tuple of up to eight aggregates, each with a history. Implemented here alone.
pub trait Histories: sealed::Sealed {
    /// What the decision sees.
    type In<'d>;
    /// The states behind the decision.
    type States;
    /// What each emitted.
    type Events;
    #[doc(hidden)]
    type Open;

    #[doc(hidden)]
    fn open(self) -> Self::Open;
    #[doc(hidden)]
    fn view(open: &mut Self::Open) -> Self::In<'_>;
    #[doc(hidden)]
    fn settle(open: Self::Open) -> (Self::States, Self::Events, Vec<NameClaim>);
}

/// How many ids an aggregate can make before it meets those of the next.
const IDS_EACH: u128 = 1_000_000;

macro_rules! histories {
    ($($aggregate:ident $index:tt),+) => {
        impl<$($aggregate: Aggregate),+> sealed::Sealed for ($(Given<$aggregate>,)+) {}

        impl<$($aggregate: Aggregate),+> Histories for ($(Given<$aggregate>,)+) {
            type In<'d> = ($(&'d mut Decision<$aggregate>,)+);
            type States = ($($aggregate,)+);
            type Events = ($(Vec<$aggregate::Event>,)+);
            type Open = ($(Decision<$aggregate>,)+);

            #[track_caller]
            fn open(self) -> Self::Open {
                ($(self.$index.open($index * IDS_EACH),)+)
            }
            fn view(open: &mut Self::Open) -> Self::In<'_> {
                ($(&mut open.$index,)+)
            }
            #[track_caller]
            fn settle(open: Self::Open) -> (Self::States, Self::Events, Vec<NameClaim>) {
                let settled = ($(settled(open.$index),)+);
                let names = claims_of([$(settled.$index.2),+].concat());
                (($(settled.$index.0,)+), ($(settled.$index.1,)+), names)
            }
        }
    };
}

histories!(A 0);
histories!(A 0, B 1);
histories!(A 0, B 1, C 2);
histories!(A 0, B 1, C 2, D 3);
histories!(A 0, B 1, C 2, D 3, E 4);
histories!(A 0, B 1, C 2, D 3, E 4, F 5);
histories!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
histories!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
