//! The aggregates that one decision is about.

use std::{collections::HashSet, future::Future};

use crate::{
    Aggregate, Annals, Decision, LoadError, StreamId, Version,
    load::{self, Held},
};

use super::{Draft, Terms, draft::Unfit};

/// One aggregate: its kind and id. Made by [`at`].
#[derive(Debug, Clone, PartialEq)]
pub struct At<A: Aggregate> {
    pub(crate) id: A::Id,
}

/// The aggregate `id`, to be decided about [together](Annals::together) with others.
pub fn at<A: Aggregate>(id: impl Into<A::Id>) -> At<A> {
    At { id: id.into() }
}

mod sealed {
    /// Only this module's impls: what a target is, is the framework's own matter.
    pub trait Sealed {}
}

/// The aggregates that one decision is about: one [`At`], or a tuple of them. Implemented here alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be decided about together",
    note = "give a tuple of targets: `(at::<Account>(\"a\"), at::<Account>(\"b\"))`"
)]
pub trait Targets: sealed::Sealed + Send + Sync {
    /// What the decision sees: a [`Decision`] for each target.
    type In<'d>;
    #[doc(hidden)]
    type Held: Send + Sync;
    #[doc(hidden)]
    type Open: Send;

    #[doc(hidden)]
    fn streams(&self, annals: &Annals) -> Result<Vec<StreamId>, LoadError>;
    #[doc(hidden)]
    fn load(&self, annals: &Annals) -> impl Future<Output = Result<Self::Held, LoadError>> + Send;
    #[doc(hidden)]
    fn catch_up(held: &mut Self::Held, annals: &Annals) -> impl Future<Output = Result<(), LoadError>> + Send;
    #[doc(hidden)]
    fn versions(held: &Self::Held) -> Vec<(StreamId, Version)>;
    #[doc(hidden)]
    fn open(held: &Self::Held, terms: &Terms) -> Self::Open;
    #[doc(hidden)]
    fn view(open: &mut Self::Open) -> Self::In<'_>;
    #[doc(hidden)]
    fn settle(held: &Self::Held, open: Self::Open, draft: &mut Draft<'_>) -> Result<Self::Held, Unfit>;
    #[doc(hidden)]
    fn keep(held: Self::Held, annals: &Annals);
}

impl<A: Aggregate> sealed::Sealed for At<A> {}

impl<A: Aggregate> Targets for At<A> {
    type In<'d> = &'d mut Decision<A>;
    type Held = Held<A>;
    type Open = Decision<A>;

    fn streams(&self, annals: &Annals) -> Result<Vec<StreamId>, LoadError> {
        Ok(vec![annals.stream(self)?])
    }
    async fn load(&self, annals: &Annals) -> Result<Held<A>, LoadError> {
        load::load(annals, self).await
    }
    async fn catch_up(held: &mut Held<A>, annals: &Annals) -> Result<(), LoadError> {
        held.catch_up(annals.store()).await
    }
    fn versions(held: &Held<A>) -> Vec<(StreamId, Version)> {
        vec![(held.stream.clone(), held.version)]
    }
    fn open(held: &Held<A>, terms: &Terms) -> Decision<A> {
        terms.decision(held)
    }
    fn view(open: &mut Decision<A>) -> &mut Decision<A> {
        open
    }
    fn settle(held: &Held<A>, open: Decision<A>, draft: &mut Draft<'_>) -> Result<Held<A>, Unfit> {
        draft.settle(held, open)
    }
    fn keep(held: Held<A>, annals: &Annals) {
        load::keep(annals, held);
    }
}

/// A tuple of targets is each of its parts in turn.
macro_rules! together {
    ($($aggregate:ident $index:tt),+) => {
        impl<$($aggregate: Aggregate),+> sealed::Sealed for ($(At<$aggregate>,)+) {}

        impl<$($aggregate: Aggregate),+> Targets for ($(At<$aggregate>,)+) {
            type In<'d> = ($(&'d mut Decision<$aggregate>,)+);
            type Held = ($(Held<$aggregate>,)+);
            type Open = ($(Decision<$aggregate>,)+);

            fn streams(&self, annals: &Annals) -> Result<Vec<StreamId>, LoadError> {
                Ok(vec![$(annals.stream(&self.$index)?),+])
            }
            async fn load(&self, annals: &Annals) -> Result<Self::Held, LoadError> {
                futures::try_join!($(load::load(annals, &self.$index)),+)
            }
            async fn catch_up(held: &mut Self::Held, annals: &Annals) -> Result<(), LoadError> {
                futures::try_join!($(held.$index.catch_up(annals.store())),+)?;
                Ok(())
            }
            fn versions(held: &Self::Held) -> Vec<(StreamId, Version)> {
                vec![$((held.$index.stream.clone(), held.$index.version)),+]
            }
            fn open(held: &Self::Held, terms: &Terms) -> Self::Open {
                ($(terms.decision(&held.$index),)+)
            }
            fn view(open: &mut Self::Open) -> Self::In<'_> {
                ($(&mut open.$index,)+)
            }
            fn settle(held: &Self::Held, open: Self::Open, draft: &mut Draft<'_>) -> Result<Self::Held, Unfit> {
                Ok(($(draft.settle(&held.$index, open.$index)?,)+))
            }
            fn keep(held: Self::Held, annals: &Annals) {
                $(load::keep(annals, held.$index);)+
            }
        }
    };
}

together!(A 0, B 1);

/// The first stream that is named twice.
pub(super) fn repeated(streams: &[StreamId]) -> Option<&StreamId> {
    let mut seen = HashSet::new();
    streams.iter().find(|stream| !seen.insert(*stream))
}
