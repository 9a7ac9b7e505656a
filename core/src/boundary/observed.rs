//! A boundary as it was read, and as a target of decisions.

use std::sync::Arc;

use futures::StreamExt;

use crate::{
    Annals, AsOf, Boundary, BoundaryDecision, Condition, EventQuery, LoadError, Position, ReadLog, StreamId, Tag,
    Targets, Version,
    cache::Place,
    execute::{Draft, Terms, Unfit},
    load::catch,
};

use super::{Selection, Within};

/// A boundary's state, and up to where it was folded.
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

    /// Folds what came since.
    async fn catch_up(&mut self, annals: &Annals) -> Result<(), LoadError> {
        // Invariant: the head is taken first, and nothing behind it is read, so that whatever is not folded lies behind the
        // position from which the commit's condition looks.
        let head = annals.store().head().borrow().position;
        if head <= self.position {
            return Ok(());
        }
        let read = ReadLog::of(self.query.clone()).after(self.position).as_of(AsOf::Position(head));
        let mut records = annals.store().read_log(read);
        while let Some(record) = records.next().await {
            let record = record?;
            catch(|| self.selection.fold(&mut self.state, &record)).map_err(|message| LoadError::Panicked {
                stream: record.stream.clone(),
                version: record.version,
                message,
            })??;
        }
        self.position = head;
        Ok(())
    }
}

impl<B: Boundary> Targets for Within<B> {
    type In<'d> = &'d mut BoundaryDecision<B>;
    type Held = Observed<B>;
    type Open = BoundaryDecision<B>;

    fn streams(&self, _: &Annals) -> Result<Vec<StreamId>, LoadError> {
        Ok(Vec::new())
    }
    fn tags(&self) -> Vec<Tag> {
        B::select(&self.id).tags()
    }
    async fn load(&self, annals: &Annals) -> Result<Observed<B>, LoadError> {
        let empty = Observed::empty(self, annals)?;
        let kept = annals.cache().get::<Observed<B>>(empty.place());
        let mut observed = kept.map_or(empty, |kept| Observed::clone(&kept));
        observed.catch_up(annals).await?;
        Ok(observed)
    }
    async fn catch_up(held: &mut Observed<B>, annals: &Annals) -> Result<(), LoadError> {
        held.catch_up(annals).await
    }
    fn versions(_: &Observed<B>) -> Vec<(StreamId, Version)> {
        Vec::new()
    }
    fn open(held: &Observed<B>, terms: &Terms) -> BoundaryDecision<B> {
        terms.boundary_decision(held.state.clone(), Arc::clone(&held.selection))
    }
    fn view(open: &mut BoundaryDecision<B>) -> &mut BoundaryDecision<B> {
        open
    }
    /// What is held stays as it was read: the own events are read like everybody else's when it is needed again.
    fn settle(held: &Observed<B>, open: BoundaryDecision<B>, draft: &mut Draft<'_>) -> Result<Observed<B>, Unfit> {
        draft.commit.conditions.push(Condition::none_match(held.query.clone(), held.position));
        for emitted in open.into_emitted() {
            draft.emit(&emitted.home, emitted.event?)?;
        }
        Ok(held.clone())
    }
    fn keep(held: Observed<B>, annals: &Annals) {
        annals.cache().put(held.place(), held.position.get(), &Arc::new(held));
    }
}
