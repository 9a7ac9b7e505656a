//! What one decision is about.

use std::{collections::HashSet, future::Future, sync::Arc};

use crate::{
    Aggregate, Annals, Decision, LoadError, Position, StreamId, Tag, Version,
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

pub(crate) mod sealed {
    /// Only this crate's impls: what a target is, is the framework's own matter.
    pub trait Sealed {}
}

/// What one decision is about: an aggregate ([`at`]), any number of one kind (a `Vec` of them), a
/// [`boundary`](crate::boundary), or a tuple of up to eight of these. Implemented here alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be decided about together",
    note = "give a tuple of targets: `(at::<Account>(\"a\"), at::<Account>(\"b\"))`"
)]
pub trait Targets: sealed::Sealed + Send + Sync {
    /// What the decision sees: a [`Decision`] for each aggregate, a slice of them for a `Vec`, a
    /// [`BoundaryDecision`](crate::BoundaryDecision) for each boundary.
    type In<'d>;
    #[doc(hidden)]
    type Held: Send + Sync;
    #[doc(hidden)]
    type Open: Send;

    #[doc(hidden)]
    fn streams(&self, annals: &Annals) -> Result<Vec<StreamId>, LoadError>;
    /// By which tags boundaries select: what they are about, as far as a repetition is recognised by it.
    #[doc(hidden)]
    fn tags(&self) -> Vec<Tag>;
    /// How many streams there are.
    #[doc(hidden)]
    fn stream_count(&self) -> usize;
    /// What is in `streams`, which are those that [`streams`](Self::streams) gave, if all of it is kept in memory, out of date or
    /// not.
    #[doc(hidden)]
    fn kept(&self, annals: &Annals, streams: &[StreamId]) -> Option<Self::Held>;
    /// What is in `streams`, loaded where it is not kept in memory; out of date where it is.
    #[doc(hidden)]
    fn baseline(
        &self,
        annals: &Annals,
        streams: &[StreamId],
    ) -> impl Future<Output = Result<Self::Held, LoadError>> + Send;
    /// Folds what came since, and says where the first of it is, if anything did.
    #[doc(hidden)]
    fn catch_up(
        held: &mut Self::Held,
        annals: &Annals,
    ) -> impl Future<Output = Result<Option<Position>, LoadError>> + Send;
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
    type Held = Arc<Held<A>>;
    type Open = Decision<A>;

    fn streams(&self, annals: &Annals) -> Result<Vec<StreamId>, LoadError> {
        Ok(vec![annals.stream(self)?])
    }
    fn tags(&self) -> Vec<Tag> {
        Vec::new()
    }
    fn stream_count(&self) -> usize {
        1
    }
    fn kept(&self, annals: &Annals, streams: &[StreamId]) -> Option<Self::Held> {
        load::kept(annals, streams.first()?)
    }
    async fn baseline(&self, annals: &Annals, streams: &[StreamId]) -> Result<Self::Held, LoadError> {
        let stream = streams.first().cloned().map_or_else(|| annals.stream(self), Ok)?;
        load::baseline(annals, self, stream).await
    }
    async fn catch_up(held: &mut Self::Held, annals: &Annals) -> Result<Option<Position>, LoadError> {
        load::catch_up(held, annals.store()).await
    }
    fn versions(held: &Self::Held) -> Vec<(StreamId, Version)> {
        vec![(held.stream.clone(), held.version)]
    }
    fn open(held: &Self::Held, terms: &Terms) -> Decision<A> {
        terms.decision(held)
    }
    fn view(open: &mut Decision<A>) -> &mut Decision<A> {
        open
    }
    fn settle(held: &Self::Held, open: Decision<A>, draft: &mut Draft<'_>) -> Result<Self::Held, Unfit> {
        draft.settle(held, open).map(Arc::new)
    }
    fn keep(held: Self::Held, annals: &Annals) {
        load::keep(annals, held);
    }
}

impl<A: Aggregate> sealed::Sealed for Vec<At<A>> {}

/// Any number of aggregates of one kind, none too.
impl<A: Aggregate> Targets for Vec<At<A>> {
    type In<'d> = &'d mut [Decision<A>];
    type Held = Vec<Arc<Held<A>>>;
    type Open = Vec<Decision<A>>;

    fn streams(&self, annals: &Annals) -> Result<Vec<StreamId>, LoadError> {
        self.iter().map(|target| Ok(annals.stream(target)?)).collect()
    }
    fn tags(&self) -> Vec<Tag> {
        Vec::new()
    }
    fn stream_count(&self) -> usize {
        self.len()
    }
    fn kept(&self, annals: &Annals, streams: &[StreamId]) -> Option<Self::Held> {
        streams.iter().map(|stream| load::kept(annals, stream)).collect()
    }
    async fn baseline(&self, annals: &Annals, streams: &[StreamId]) -> Result<Self::Held, LoadError> {
        let targets = self.iter().zip(streams);
        let baselines = targets.map(|(target, stream)| load::baseline(annals, target, stream.clone()));
        futures::future::try_join_all(baselines).await
    }
    async fn catch_up(held: &mut Self::Held, annals: &Annals) -> Result<Option<Position>, LoadError> {
        let caught_up = held.iter_mut().map(|held| load::catch_up(held, annals.store()));
        Ok(futures::future::try_join_all(caught_up).await?.into_iter().flatten().min())
    }
    fn versions(held: &Self::Held) -> Vec<(StreamId, Version)> {
        held.iter().map(|held| (held.stream.clone(), held.version)).collect()
    }
    fn open(held: &Self::Held, terms: &Terms) -> Self::Open {
        held.iter().map(|held| terms.decision(held)).collect()
    }
    fn view(open: &mut Self::Open) -> &mut [Decision<A>] {
        open
    }
    fn settle(held: &Self::Held, open: Self::Open, draft: &mut Draft<'_>) -> Result<Self::Held, Unfit> {
        held.iter().zip(open).map(|(held, open)| draft.settle(held, open).map(Arc::new)).collect()
    }
    fn keep(held: Self::Held, annals: &Annals) {
        held.into_iter().for_each(|held| load::keep(annals, held));
    }
}

/// A tuple of targets is each of its parts in turn.
macro_rules! together {
    ($($target:ident $index:tt),+) => {
        impl<$($target: Targets),+> sealed::Sealed for ($($target,)+) {}

        impl<$($target: Targets),+> Targets for ($($target,)+) {
            type In<'d> = ($($target::In<'d>,)+);
            type Held = ($($target::Held,)+);
            type Open = ($($target::Open,)+);

            fn streams(&self, annals: &Annals) -> Result<Vec<StreamId>, LoadError> {
                Ok([$(self.$index.streams(annals)?),+].concat())
            }
            fn tags(&self) -> Vec<Tag> {
                [$(self.$index.tags()),+].concat()
            }
            fn stream_count(&self) -> usize {
                0 $(+ self.$index.stream_count())+
            }
            fn kept(&self, annals: &Annals, streams: &[StreamId]) -> Option<Self::Held> {
                let mut rest = streams;
                Some(($(self.$index.kept(annals, take(&mut rest, self.$index.stream_count()))?,)+))
            }
            async fn baseline(&self, annals: &Annals, streams: &[StreamId]) -> Result<Self::Held, LoadError> {
                let mut rest = streams;
                let own = ($(take(&mut rest, self.$index.stream_count()),)+);
                futures::try_join!($(self.$index.baseline(annals, own.$index)),+)
            }
            async fn catch_up(held: &mut Self::Held, annals: &Annals) -> Result<Option<Position>, LoadError> {
                let caught_up = futures::try_join!($($target::catch_up(&mut held.$index, annals)),+)?;
                Ok([$(caught_up.$index),+].into_iter().flatten().min())
            }
            fn versions(held: &Self::Held) -> Vec<(StreamId, Version)> {
                [$($target::versions(&held.$index)),+].concat()
            }
            fn open(held: &Self::Held, terms: &Terms) -> Self::Open {
                ($($target::open(&held.$index, terms),)+)
            }
            fn view(open: &mut Self::Open) -> Self::In<'_> {
                ($($target::view(&mut open.$index),)+)
            }
            fn settle(held: &Self::Held, open: Self::Open, draft: &mut Draft<'_>) -> Result<Self::Held, Unfit> {
                Ok(($($target::settle(&held.$index, open.$index, draft)?,)+))
            }
            fn keep(held: Self::Held, annals: &Annals) {
                $($target::keep(held.$index, annals);)+
            }
        }
    };
}

/// The first `count` streams, which are those of one part.
fn take<'a>(streams: &mut &'a [StreamId], count: usize) -> &'a [StreamId] {
    let (own, others) = streams.split_at_checked(count).unwrap_or_default();
    *streams = others;
    own
}

together!(A 0);
together!(A 0, B 1);
together!(A 0, B 1, C 2);
together!(A 0, B 1, C 2, D 3);
together!(A 0, B 1, C 2, D 3, E 4);
together!(A 0, B 1, C 2, D 3, E 4, F 5);
together!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
together!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

/// The first stream that is named twice.
pub(super) fn repeated(streams: &[StreamId]) -> Option<&StreamId> {
    if streams.len() < 2 {
        return None;
    }
    let mut seen = HashSet::new();
    streams.iter().find(|stream| !seen.insert(*stream))
}
