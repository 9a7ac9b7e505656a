//! One step of an instance: what it was given, what it decides, and the one commit that holds both.

mod consumed;
mod decision;
mod draft;
mod error;
mod input;
mod kept;
mod reading;
mod storing;
mod together;

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use annals_core::{Annals, Epoch, Record, Timestamp};
use annals_projections::engine::{Beats, Pulse};

use crate::{
    Commands, InstanceId, Reception, SagaOptions, census::Census, machine::Machine, metrics::Counts, outbox::Outbox,
    timers::Alarms, trouble::Troubles,
};
pub(crate) use consumed::Consumed;
use draft::Finished;
pub(crate) use error::StepError;
pub use error::Unexpected;
pub(crate) use input::Input;
use kept::Kept;

/// Takes the steps of all instances of a saga.
pub(crate) struct Stepper {
    pub(crate) machine: Arc<dyn Machine>,
    pub(crate) commands: Commands,
    pub(crate) options: SagaOptions,
    pub(crate) annals: Annals,
    pub(crate) outbox: Outbox,
    pub(crate) alarms: Alarms,
    kept: Kept,
    pub(crate) troubles: Troubles,
    pub(crate) census: Census,
    pub(crate) counts: Counts,
    pub(crate) pulse: Pulse,
    beats: Beats,
    /// Whether an instance that begins may have had a life before that is forgotten.
    forgets: AtomicBool,
    epoch: RwLock<Option<Epoch>>,
}

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The instance took a step.
    Stepped,
    /// There was nothing to do: it had taken it before, or it is of no interest to it.
    Passed,
}

impl Stepper {
    pub(crate) fn new(machine: Arc<dyn Machine>, options: SagaOptions, annals: Annals) -> Self {
        let pulse = Pulse::default();
        Self {
            commands: machine.commands(),
            machine,
            options,
            annals,
            outbox: Outbox::default(),
            alarms: Alarms::default(),
            kept: Kept::default(),
            troubles: Troubles::default(),
            census: Census::default(),
            counts: Counts::default(),
            beats: pulse.beats(),
            pulse,
            forgets: AtomicBool::new(false),
            epoch: RwLock::default(),
        }
    }

    pub(crate) fn saga(&self) -> &'static str {
        self.machine.name()
    }

    /// From now on every commit holds only while this epoch is the latest.
    pub(crate) fn set_epoch(&self, epoch: Epoch) {
        *self.epoch.write().unwrap_or_else(PoisonError::into_inner) = Some(epoch);
        // Somebody else may have taken steps meanwhile.
        self.kept.clear();
    }

    /// Whether an instance that begins may have had a life before that is forgotten.
    pub(crate) fn forgets(&self) -> bool {
        self.forgets.load(Ordering::Acquire)
    }

    pub(crate) fn set_forgets(&self, forgets: bool) {
        self.forgets.store(forgets, Ordering::Release);
    }

    /// Notes that something is done.
    pub(crate) fn beat(&self) {
        self.beats.beat();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.annals.clock().now()
    }

    pub(crate) fn instance_id(&self, record: &Record, reception: &Reception) -> InstanceId {
        // A stream's tenant was checked when the id was made.
        let tenant = record.stream().tenant().and_then(|tenant| annals_core::Tenant::new(tenant).ok());
        InstanceId { saga: self.saga().to_owned(), tenant, key: reception.key.clone() }
    }

    /// Lets an instance take an input, and stores what follows: all of it, or nothing.
    pub(crate) async fn take(&self, id: &InstanceId, input: &Input<'_>) -> Result<Taken, StepError> {
        self.counts.add(input.kind());
        self.take_alone(id, input).await
    }

    /// The same with one that is counted.
    async fn take_alone(&self, id: &InstanceId, input: &Input<'_>) -> Result<Taken, StepError> {
        loop {
            self.beat();
            let read = self.read(id, input).await?;
            let Some(read) = read else { return Ok(Taken::Passed) };
            let is_kept = read.is_kept;
            let Finished { commit, follows } = match self.decide(id, read, input).await {
                Ok(Some(finished)) => finished,
                // What is kept may have changed since, which only a commit would tell: it is decided about again, by what is stored.
                Ok(None) | Err(_) if is_kept => continue,
                Ok(None) => return self.pass(input).await,
                Err(error) => return Err(error),
            };
            let (counting, storing) = (self.census.counting().await, self.outbox.storing(id));
            if self.commit(commit).await? {
                self.follow(id, input, follows, storing, &counting);
                return Ok(Taken::Stepped);
            }
            storing.nothing();
            // Something else came in between; the input is decided about again.
        }
    }
}
