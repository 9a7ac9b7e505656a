//! Sagas: long-running processes that survive crashes, time out and compensate.

mod commands;
mod saga;
mod step;
mod stored;

mod machine;
mod options;

mod delayed;
mod reaction;

mod aside;
mod census;
mod delivery;
mod ended;
mod follower;
mod outbox;
mod stepper;
mod timers;

mod health;
mod pause;
mod runner;
mod status;
mod trouble;

pub mod metrics;

mod handle;
mod on_annals;
mod picture;
mod sagas;
mod settled;

#[doc(hidden)]
pub mod derived;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use annals_projections::{
    Alarm, AlarmChange, BoxError, Cause, Concern, EventContext, Health, Incoming, Level, SAGA_ALARM_TARGET, Subject,
    Subscription, Threshold, Thresholds,
};
pub use aside::AsideEvent;
pub use commands::{Commands, Joint, Refusal, SendsTo};
pub use delayed::{DelayError, DelayedCommand, SendLater};
pub use handle::{
    CommandKey, Instance, Instances, SagaError, SagaHandle, SentCommand, SetTimer, TimelineStep, WaitingCommand,
};
pub use on_annals::{RunningSagas, WithSagas};
pub use options::{Begin, SagaOptions};
pub use picture::picture;
pub use reaction::Reaction;
pub use saga::{Otherwise, PastState, Reception, Saga, StateError, Unhandled};
pub use sagas::{SagaRegistrationError, SagaSet, Sagas};
pub use status::SagaStatus;
pub use step::{Step, TooManyEffects, Undo};
pub use stepper::Unexpected;
pub use stored::{Failure, InstanceId, InstanceStatus, StepInput};
