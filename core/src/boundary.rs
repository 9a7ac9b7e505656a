//! Dynamic consistency boundaries: decisions that rest on events of any streams, selected by type and tag.
//!
//! The condition of the commit is derived from what was read, so it cannot be forgotten. The idea and the examples that
//! our tests repeat are published at <https://dcb.events>.

mod decision;
mod observed;
mod selection;

use crate::execute::sealed;

pub use decision::BoundaryDecision;
pub use selection::Selection;

/// A state that is folded from events of any streams and enums, selected by type and tag, to decide on.
///
/// `Default` is the state when no such event is there. Several are one boundary as a tuple: `(Seats, Workload)` has a
/// tuple of their ids as its id, is folded from the events of each, and an event that is emitted goes to all of them.
///
/// ```
/// use annals_core::{Annals, Boundary, Evolve, MemoryStore, Selection, boundary, in_stream, kinds};
#[doc = include_str!("doc/seat.txt")]
/// #[derive(Default, Clone)]
/// struct Seats { free: u32 }
///
/// impl Evolve<SeatEvent> for Seats {
///     fn evolve(&mut self, event: &SeatEvent) {
///         match event {
///             SeatEvent::Offered { seats, .. } => self.free += seats,
///             SeatEvent::Taken { .. } => self.free -= 1,
///         }
///     }
/// }
///
/// impl Boundary for Seats {
///     type Id = String; // which course
///     fn select(course: &String) -> Selection<Self> {
///         Selection::of(kinds![SeatEvent::Offered, SeatEvent::Taken]).tag("course", course)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let annals = Annals::over(MemoryStore::new()).open().await?;
/// # let take = || annals.together(boundary::<Seats>("rust"), |seats| {
/// #     seats.emit(in_stream("course", "rust"), SeatEvent::Offered { course: "rust".into(), seats: 1 });
/// #     Ok::<_, String>(())
/// # });
/// # take().await?;
/// let take = || annals.together(boundary::<Seats>("rust"), |seats| {
///     if seats.free == 0 {
///         return Err("fully booked");
///     }
///     seats.emit(in_stream("course", "rust"), SeatEvent::Taken { course: "rust".into() });
///     Ok(seats.free) // already one less
/// });
/// assert_eq!(take().await?.reply, 0);
/// assert!(take().await.is_err()); // refused, by however many callers at once
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no boundary",
    note = "write `impl Boundary for {Self}` with its id and `select`, which says what it is folded from"
)]
pub trait Boundary: Default + Clone + Send + Sync + 'static {
    /// What the boundary is about: a course, a user name.
    type Id: Clone + Send + Sync + 'static;

    /// Which events the state is folded from. Pure: the same id selects the same events.
    fn select(id: &Self::Id) -> Selection<Self>;
}

/// A boundary to decide within: its state and id. Made by [`boundary`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within<B: Boundary> {
    pub(crate) id: B::Id,
}

/// The boundary `B` about `id`, to be decided on by [`Annals::together`](crate::Annals::together), alone or with aggregates.
///
/// Only this handle's tenant is looked at. The commit takes effect only if no event that the boundary selects came since
/// it was read; otherwise those that came are folded and it is decided again. A boundary sees what is emitted through
/// it, not what is emitted through an aggregate beside it in the same decision.
pub fn boundary<B: Boundary>(id: impl Into<B::Id>) -> Within<B> {
    Within { id: id.into() }
}

impl<B: Boundary> sealed::Sealed for Within<B> {}

/// Several boundaries are one: each part selects and folds for itself.
macro_rules! composed {
    ($($part:ident $index:tt),+) => {
        impl<$($part: Boundary),+> Boundary for ($($part,)+) {
            type Id = ($($part::Id,)+);
            fn select(id: &Self::Id) -> Selection<Self> {
                let mut all = Selection::nothing();
                $(all.take_in($part::select(&id.$index), |state: &mut Self| &mut state.$index);)+
                all
            }
        }
    };
}

composed!(A 0, B 1);
composed!(A 0, B 1, C 2);
composed!(A 0, B 1, C 2, D 3);
composed!(A 0, B 1, C 2, D 3, E 4);
composed!(A 0, B 1, C 2, D 3, E 4, F 5);

#[cfg(test)]
mod tests;
