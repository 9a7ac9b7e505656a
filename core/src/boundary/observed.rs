//! A boundary as it was read, and as a target of decisions.

use std::sync::Arc;

use futures::StreamExt;

use crate::{
    Annals, AsOf, Boundary, BoundaryDecision, Condition, EventQuery, LoadError, Position, ReadLog, Record, StreamId,
    Tag, Targets, Version,
    cache::Place,
    execute::{Draft, Terms, Unfit},
    load::catch,
};

use super::{Selection, Within};

/// A boundary's state, and up to where it was folded. Shared with the cache: it is cloned only where it changes.
#[derive(Debug, Clone)]
pub struct Observed<B: Boundary> {
    state: B,
    selection: Arc<Selection<B>>,
    query: EventQuery,
    /// Every selected event up to here is folded.
    position: Position,
}

impl<B: Boundary> Observed<B> {
    fn empty(target: &Within<B>, annals: &Annals) -> Result<Self, LoadError> {
        let selection = B::select(&target.id);
        let query = selection.query(annals.tenant())?;
        Ok(Self { state: B::default(), selection: Arc::new(selection), query, position: Position::ZERO })
    }

    /// Where it is kept: states that are folded from the same events in the same way are the same.
    fn place(&self) -> Place {
        Place::Boundary { query: self.query.clone(), plan: self.selection.plan() }
    }

    /// Folds what came since, and says where the first of it is, if anything did.
    async fn catch_up(observed: &mut Arc<Self>, annals: &Annals) -> Result<Option<Position>, LoadError> {
        // Invariant: the head is taken first, and nothing behind it is read, so that whatever is not folded lies behind the
        // position from which the commit's condition looks.
        let head = annals.store().head().borrow().position;
        if head <= observed.position {
            return Ok(None);
        }
        let read = ReadLog::of(observed.query.clone()).after(observed.position).as_of(AsOf::Position(head));
        let mut records = annals.store().read_log(read);
        let observed = Arc::make_mut(observed);
        let mut first = None;
        while let Some(record) = records.next().await {
            let record = record?;
            first.get_or_insert(record.position());
            observed.fold(&record)?;
        }
        observed.position = head;
        Ok(first)
    }

    fn fold(&mut self, record: &Record) -> Result<(), LoadError> {
        // A state that panicked half-way is dropped with the error.
        catch(|| self.selection.fold(&mut self.state, record)).map_err(|message| LoadError::Panicked {
            stream: record.stream().clone(),
            version: record.version(),
            message,
        })??;
        Ok(())
    }
}

impl<B: Boundary> Targets for Within<B> {
    type In<'d> = &'d mut BoundaryDecision<B>;
    type Held = Arc<Observed<B>>;
    type Open = BoundaryDecision<B>;

    fn streams(&self, _: &Annals) -> Result<Vec<StreamId>, LoadError> {
        Ok(Vec::new())
    }
    fn tags(&self) -> Vec<Tag> {
        B::select(&self.id).tags()
    }
    fn stream_count(&self) -> usize {
        0
    }
    /// It is loaded in any case.
    fn kept(&self, _: &Annals, _: &[StreamId]) -> Option<Self::Held> {
        None
    }
    /// As of now: the commit looks for what came since, and the further back that is, the more it may have to look at.
    async fn baseline(&self, annals: &Annals, _: &[StreamId]) -> Result<Self::Held, LoadError> {
        let empty = Observed::empty(self, annals)?;
        let kept = annals.cache().get::<Observed<B>>(empty.place());
        let mut observed = kept.unwrap_or_else(|| Arc::new(empty));
        Observed::catch_up(&mut observed, annals).await?;
        Ok(observed)
    }
    async fn catch_up(held: &mut Self::Held, annals: &Annals) -> Result<Option<Position>, LoadError> {
        Observed::catch_up(held, annals).await
    }
    fn versions(_: &Self::Held) -> Vec<(StreamId, Version)> {
        Vec::new()
    }
    fn open(held: &Self::Held, terms: &Terms) -> BoundaryDecision<B> {
        terms.boundary_decision(held.state.clone(), Arc::clone(&held.selection))
    }
    fn view(open: &mut BoundaryDecision<B>) -> &mut BoundaryDecision<B> {
        open
    }
    /// What is held stays as it was read: the own events are read like everybody else's when it is needed again.
    fn settle(held: &Self::Held, open: BoundaryDecision<B>, draft: &mut Draft<'_>) -> Result<Self::Held, Unfit> {
        draft.commit.conditions.push(Condition::none_match(held.query.clone(), held.position));
        for emitted in open.into_emitted() {
            draft.emit(&emitted.home, emitted.event?)?;
        }
        Ok(Arc::clone(held))
    }
    fn keep(held: Self::Held, annals: &Annals) {
        annals.cache().put(held.place(), held.position.get(), &held);
    }
}
