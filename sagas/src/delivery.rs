//! Sends the commands that wait: those of one instance one after the other, those of several at once.

use std::{convert::Infallible, sync::Arc, time::Duration};

use annals_core::{Annals, Beside, Commit, CommitError, IdempotencyKey, LoggedTable, ReadError, RowIs, RowWrite, Scan};
use annals_projections::Retry;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{
    InstanceId,
    commands::{Refused, Undelivered},
    delayed::DELAYED,
    metrics::Counted,
    outbox::Waiting,
    stepper::{Consumed, Input, StepError, Stepper},
    stored::{self, Failure, Pending, PendingRow},
};

/// Why nothing is sent any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    #[error("commands that wait cannot be read: {0}")]
    Read(#[from] ReadError),
    #[error("a command that waits {0}")]
    Payload(#[from] annals_core::codec::PayloadError),
    #[error("what became of a command cannot be written: {0}")]
    Encode(#[from] annals_core::codec::EncodeError),
    #[error(transparent)]
    Step(#[from] StepError),
}

/// What became of the first command of an instance.
enum Sent {
    /// It needs no more sending: the one of this step and ordinal, or there was none.
    Done(Option<(u64, u32)>),
    /// It waits for an operator.
    Blocked,
    /// It is to be tried again, after a pause.
    Later(Duration),
}

/// The longest pause before a command is sent again while the store is at fault.
const FAULT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How the first command of an instance was tried.
#[derive(Default)]
struct Tried {
    /// How it failed, as far as that was its own fault.
    failure: Option<Failure>,
    /// How often the store was at fault since.
    faults: u32,
}

/// Finds the commands that wait since earlier.
pub(crate) async fn load(stepper: &Stepper) -> Result<(), DeliveryError> {
    stepper.outbox.clear();
    stepper.troubles.forget_commands();
    let mut scan = Some(Scan::prefix(LoggedTable::COMMANDS, InstanceId::prefix(stepper.saga())));
    while let Some(next) = scan {
        let page = stepper.annals.store().scan(next).await?;
        for (_, value) in page.rows {
            let row: PendingRow = stored::decode(&value)?;
            stepper.outbox.add(&row.instance);
        }
        scan = page.next;
    }
    Ok(())
}

/// Those who send, each for one instance at a time: tasks of their own, so that several processors do it.
pub(crate) type Senders = JoinSet<Result<Infallible, DeliveryError>>;

/// Sends what waits, for as long as `senders` are there; ends with the first of them that fails.
pub(crate) async fn run(stepper: &Arc<Stepper>, senders: &mut Senders) -> Result<(), DeliveryError> {
    for _ in 0..stepper.options.concurrency {
        senders.spawn(send_all(Arc::clone(stepper)).in_current_span());
    }
    match senders.join_next().await {
        Some(Ok(Err(error))) => Err(error),
        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // Nobody ends one of them alone.
        Some(Err(_)) | None => Ok(()),
    }
}

async fn send_all(stepper: Arc<Stepper>) -> Result<Infallible, DeliveryError> {
    loop {
        let id = stepper.outbox.take().await;
        send_for(&stepper, &id).await?;
    }
}

/// Sends the commands of an instance, until none is left or one waits for an operator.
async fn send_for(stepper: &Stepper, id: &InstanceId) -> Result<(), DeliveryError> {
    let mut tried = Tried::default();
    loop {
        stepper.beat();
        match send_first(stepper, id, &mut tried).await? {
            Sent::Done(which) => {
                // While it is known to be sent for here.
                stepper.troubles.goes_on(id);
                tried = Tried::default();
                if !stepper.outbox.done(id, which) {
                    return Ok(());
                }
            }
            Sent::Blocked if stepper.outbox.block(id) => return Ok(()),
            Sent::Blocked => tried = Tried::default(),
            Sent::Later(pause) => stepper.outbox.rest(id, pause).await,
        }
    }
}

/// Sends the first command of an instance, in the order in which they are stored.
async fn send_first(stepper: &Stepper, id: &InstanceId, tried: &mut Tried) -> Result<Sent, DeliveryError> {
    let Some(first) = first(stepper, id).await? else { return Ok(Sent::Done(None)) };
    let Waiting { pending, row: consumed } = &*first;
    if pending.failure.is_some() {
        stepper.troubles.waits(id, pending.undoes());
        return Ok(Sent::Blocked);
    }
    let done = Sent::Done(Some((pending.step, pending.ordinal)));
    let outcome = match &pending.what {
        Pending::Undone => undone(stepper, id, pending, consumed).await,
        Pending::Command(_) | Pending::Undo(..) => deliver(stepper, pending, consumed).await,
    };
    match outcome {
        Ok(()) | Err(Undelivered::Gone) => {
            if pending.command().is_some() {
                stepper.counts.add(Counted::CommandTaken);
            }
            Ok(done)
        }
        Err(Undelivered::ShutDown) => Err(ReadError::ShutDown.into()),
        Err(Undelivered::Refused(refused)) => {
            stepper.counts.add(Counted::CommandRefused);
            match refuse(stepper, id, pending, consumed, &refused).await {
                Ok(()) => Ok(done),
                Err(error) if error.is_of_the_store() => Err(error.into()),
                Err(error) => set_aside(stepper, pending, consumed, tried, error.to_string()).await,
            }
        }
        Err(Undelivered::Failed { reason, counts: true }) => {
            again_or_aside(stepper, pending, consumed, tried, reason).await
        }
        Err(Undelivered::Failed { reason, counts: false }) => {
            tried.faults = tried.faults.saturating_add(1);
            let (saga, instance, faults) = (stepper.saga(), &id.key, tried.faults);
            tracing::warn!(saga, instance, %reason, faults, "command not sent, the store is at fault, it is tried again");
            stepper.counts.add(Counted::CommandFailed);
            stepper.troubles.is_unsent(id, stepper.now(), &reason);
            Ok(Sent::Later(fault_pause(&stepper.options.retry, faults, pending.seed())))
        }
    }
}

/// The first command of an instance: that which the step left here, where it is sure that none is before it, else as they are
/// stored.
async fn first(stepper: &Stepper, id: &InstanceId) -> Result<Option<Arc<Waiting>>, DeliveryError> {
    if let Some(first) = stepper.outbox.first(id) {
        return Ok(Some(first));
    }
    let first = Scan::prefix(LoggedTable::COMMANDS, id.all_pending()).limit(1);
    let found = stepper.first_rows(first).await?;
    let Some((key, value)) = found.into_iter().next() else { return Ok(None) };
    let pending: PendingRow = stored::decode(&value)?;
    let row = Consumed::new((LoggedTable::COMMANDS, key), value);
    Ok(Some(Arc::new(Waiting { pending, row })))
}

/// A command failed by its own fault: it is tried again, or waits for an operator.
async fn again_or_aside(
    stepper: &Stepper,
    pending: &PendingRow,
    consumed: &Consumed,
    tried: &mut Tried,
    reason: String,
) -> Result<Sent, DeliveryError> {
    stepper.counts.add(Counted::CommandFailed);
    // The store answers again.
    stepper.troubles.goes_on(&pending.instance);
    tried.faults = 0;
    let attempts = tried.failure.as_ref().map_or(0, |failure| failure.attempts) + 1;
    let Some(pause) = stepper.options.retry.pause(attempts, pending.seed()) else {
        return set_aside(stepper, pending, consumed, tried, reason).await;
    };
    let (saga, instance) = (stepper.saga(), &pending.instance.key);
    tracing::warn!(saga, instance, %reason, attempts, "command not sent, it is tried again");
    tried.failure = Some(Failure::next(tried.failure.as_ref(), reason, stepper.now(), false));
    Ok(Sent::Later(pause))
}

/// The pause while the store is at fault: without end, whatever is said of attempts.
fn fault_pause(retry: &Retry, faults: u32, seed: u64) -> Duration {
    let retry = Retry { attempts: u32::MAX, max: retry.max.min(FAULT_PAUSE_MAX), ..*retry };
    retry.pause(faults, seed).unwrap_or(FAULT_PAUSE_MAX)
}

/// Sends it on condition that it still waits: whoever commits it takes the row away.
async fn deliver(stepper: &Stepper, pending: &PendingRow, consumed: &Consumed) -> Result<(), Undelivered> {
    let Some(command) = pending.command() else { return Ok(()) };
    let annals = in_tenant(&stepper.annals, &pending.instance);
    let Consumed { table, key, value, .. } = consumed.clone();
    let mut beside =
        Beside::new().row_is(table.clone(), key.clone(), RowIs::Equals(value)).write(RowWrite::delete(table, key));
    let InstanceId { saga, key, tenant } = &pending.instance;
    // One that is too long for a key is sent without: the row is what counts.
    if let Ok(known) = IdempotencyKey::new(format!("{saga}/{key}/{}/{}", pending.step, pending.ordinal)) {
        beside = beside.known_by(known.in_tenant(tenant.clone()));
    }
    stepper.commands.deliver(&annals, command, pending.cause.metadata(), beside).await
}

/// Tells the instance that everything is undone.
async fn undone(
    stepper: &Stepper,
    id: &InstanceId,
    pending: &PendingRow,
    consumed: &Consumed,
) -> Result<(), Undelivered> {
    match stepper.take(id, &Input::Undone { pending, consumed }).await {
        Ok(_) => Ok(()),
        Err(StepError::Read(ReadError::ShutDown) | StepError::Commit(CommitError::ShutDown)) => {
            Err(Undelivered::ShutDown)
        }
        Err(error) => Err(Undelivered::Failed { reason: error.to_string(), counts: !error.is_of_the_store() }),
    }
}

/// Tells the instance that a command was refused. One that undoes another one must not be.
async fn refuse(
    stepper: &Stepper,
    id: &InstanceId,
    pending: &PendingRow,
    consumed: &Consumed,
    refused: &Refused,
) -> Result<(), StepError> {
    if let Pending::Undo(command, _) = &pending.what {
        let (name, aggregate, id) = (&command.name, &command.aggregate, &command.id);
        let error = format!("{name} to {aggregate} {id} is to undo something, and was refused: {}", refused.reason());
        return Err(StepError::Handler(error.into()));
    }
    if id.saga == DELAYED {
        return Err(StepError::refused(refused.reason()));
    }
    stepper.take(id, &Input::Refused { pending, consumed, refused }).await.map(drop)
}

/// Lets a command wait for an operator.
async fn set_aside(
    stepper: &Stepper,
    pending: &PendingRow,
    consumed: &Consumed,
    tried: &Tried,
    error: String,
) -> Result<Sent, DeliveryError> {
    tracing::error!(saga = stepper.saga(), instance = pending.instance.key, %error, "command set aside, it waits for an operator");
    stepper.counts.add(Counted::CommandSetAside);
    let failure = Some(Failure::next(tried.failure.as_ref(), error, stepper.now(), true));
    let row = stored::encode("pending command", &PendingRow { failure, ..pending.clone() })?;
    // Or it does not wait any more.
    stepper.commit(consumed.put(Commit::new(), row)).await?;
    stepper.troubles.waits(&pending.instance, pending.undoes());
    Ok(Sent::Blocked)
}

fn in_tenant(annals: &Annals, instance: &InstanceId) -> Annals {
    match instance.tenant.clone() {
        Some(tenant) => annals.in_tenant(tenant),
        None => annals.clone(),
    }
}
