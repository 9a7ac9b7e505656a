//! What was read of the log and is not stored yet.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use annals_core::{Position, Tenant};
use annals_projections::engine::PieceEvent;
use hashbrown::HashMap;

use crate::{
    InstanceId, Reception,
    stepper::{Input, StepError},
};

/// So many instances take a step in one commit at most: while it is stored, the next ones decide.
const TOGETHER_MAX: usize = 16;

/// An event for an instance, that was read and is not stored yet.
pub(super) struct HeldInput {
    pub(super) id: Arc<InstanceId>,
    pub(super) event: PieceEvent,
    pub(super) position: Position,
    pub(super) reception: Reception,
}

/// Inputs that were read and are not stored yet.
///
/// Invariant: of each instance at most one input is ready or under way. Those behind it wait, in the order of the log.
#[derive(Default)]
pub(super) struct Inputs {
    /// What waits of the instances of which one is ready or under way.
    waiting: HashMap<Arc<InstanceId>, VecDeque<HeldInput>>,
    /// What may be taken now, by tenant: a commit is of one.
    ready: HashMap<Option<Tenant>, VecDeque<HeldInput>>,
    /// The tenants of which something is ready, in turn.
    tenants: VecDeque<Option<Tenant>>,
    /// Where in the log all of them are, and how many at each place.
    places: BTreeMap<Position, usize>,
}

impl HeldInput {
    pub(super) fn input(&self) -> Result<Input<'_>, StepError> {
        let event = self.event.get().ok_or(StepError::Lost)?;
        Ok(Input::Event { event, reception: &self.reception, late: None })
    }
}

impl Inputs {
    /// One more was read, behind all others in the log.
    pub(super) fn add(&mut self, input: HeldInput) {
        *self.places.entry(input.position).or_default() += 1;
        match self.waiting.get_mut(&input.id) {
            Some(waiting) => waiting.push_back(input),
            None => {
                self.waiting.insert(Arc::clone(&input.id), VecDeque::new());
                self.is_ready(input);
            }
        }
    }

    /// Some that may be taken in one commit, each of another instance, if there are any.
    pub(super) fn next_turn(&mut self) -> Option<Vec<HeldInput>> {
        let tenant = self.tenants.pop_front()?;
        let ready = self.ready.get_mut(&tenant)?;
        let turn = ready.drain(..ready.len().min(TOGETHER_MAX)).collect();
        if ready.is_empty() {
            self.ready.remove(&tenant);
        } else {
            self.tenants.push_back(tenant);
        }
        Some(turn)
    }

    /// One that was under way is stored: the next of its instance may be taken.
    pub(super) fn stored(&mut self, input: &HeldInput) {
        self.is_gone(input.position);
        let Some(waiting) = self.waiting.get_mut(&input.id) else { return };
        match waiting.pop_front() {
            Some(next) => self.is_ready(next),
            None => drop(self.waiting.remove(&input.id)),
        }
    }

    /// One that was under way is set aside, and what waits of its instance behind it.
    pub(super) fn set_aside(&mut self, input: &HeldInput) {
        self.is_gone(input.position);
        for behind in self.waiting.remove(&input.id).unwrap_or_default() {
            self.is_gone(behind.position);
        }
    }

    /// The first place in the log of which not everything is stored.
    pub(super) fn first(&self) -> Option<Position> {
        self.places.first_key_value().map(|(position, _)| *position)
    }

    fn is_ready(&mut self, input: HeldInput) {
        let tenant = &input.id.tenant;
        match self.ready.get_mut(tenant) {
            Some(ready) => ready.push_back(input),
            None => {
                self.tenants.push_back(tenant.clone());
                self.ready.insert(tenant.clone(), VecDeque::from([input]));
            }
        }
    }

    fn is_gone(&mut self, position: Position) {
        if let Some(count) = self.places.get_mut(&position) {
            *count -= 1;
            if *count == 0 {
                self.places.remove(&position);
            }
        }
    }
}
