//! Sends the commands that wait: those of one instance one after the other, those of several at once.

use std::time::Duration;

use annals_core::{Annals, Beside, Commit, CommitError, IdempotencyKey, LoggedTable, ReadError, RowIs, RowWrite, Scan};
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};

use crate::{
    InstanceId,
    commands::{Refused, Undelivered},
    delayed::DELAYED,
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
    /// It needs no more sending.
    Done,
    /// It waits for an operator.
    Blocked,
    /// It is to be tried again, after a pause.
    Later(Duration),
}

/// Finds the commands that wait since earlier.
pub(crate) async fn load(stepper: &Stepper) -> Result<(), DeliveryError> {
    stepper.outbox.clear();
    let mut scan = Some(Scan::prefix(LoggedTable::COMMANDS, InstanceId::prefix(stepper.saga())));
    while let Some(next) = scan {
        let page = stepper.annals.store().scan(next).await?;
        for (_, value) in page.rows {
            let row: PendingRow = stored::decode(&value)?;
            stepper.outbox.add(&row.instance, 1);
        }
        scan = page.next;
    }
    Ok(())
}

/// Sends what waits, for as long as it is polled.
pub(crate) async fn run(stepper: &Stepper) -> Result<(), DeliveryError> {
    let mut sending = FuturesUnordered::new();
    loop {
        tokio::select! {
            id = stepper.outbox.take(), if sending.len() < stepper.options.concurrency => {
                sending.push(async move { send_for(stepper, &id).await }.boxed());
            }
            Some(sent) = sending.next(), if !sending.is_empty() => sent?,
        }
    }
}

/// Sends the commands of an instance, until none is left or one waits for an operator.
async fn send_for(stepper: &Stepper, id: &InstanceId) -> Result<(), DeliveryError> {
    let mut failure = None;
    while stepper.outbox.give_back(id) {
        match send_first(stepper, id, &mut failure).await? {
            Sent::Done => {
                stepper.outbox.done(id);
                failure = None;
            }
            Sent::Blocked if stepper.outbox.block(id) => return Ok(()),
            Sent::Blocked => failure = None,
            Sent::Later(pause) => stepper.outbox.rest(id, pause).await,
        }
    }
    Ok(())
}

/// Sends the first command of an instance, as they are stored: whoever noted a later one may have said so before.
async fn send_first(stepper: &Stepper, id: &InstanceId, failure: &mut Option<Failure>) -> Result<Sent, DeliveryError> {
    let first = Scan::prefix(LoggedTable::COMMANDS, id.all_pending()).limit(1);
    let found = stepper.first_rows(first).await?;
    let Some((key, value)) = found.into_iter().next() else { return Ok(Sent::Done) };
    let pending: PendingRow = stored::decode(&value)?;
    if pending.failure.is_some() {
        return Ok(Sent::Blocked);
    }
    let consumed = Consumed::new((LoggedTable::COMMANDS, key), value);
    let outcome = match &pending.what {
        Pending::Undone => undone(stepper, id, &pending, &consumed).await,
        Pending::Command(_) | Pending::Undo(..) => deliver(stepper, &pending, &consumed).await,
    };
    let (reason, counts) = match outcome {
        Ok(()) | Err(Undelivered::Gone) => return Ok(Sent::Done),
        Err(Undelivered::ShutDown) => return Err(ReadError::ShutDown.into()),
        Err(Undelivered::Refused(refused)) => match refuse(stepper, id, &pending, &consumed, &refused).await {
            Ok(()) => return Ok(Sent::Done),
            Err(error) if error.is_of_the_store() => return Err(error.into()),
            Err(error) => {
                set_aside(stepper, pending, &consumed, failure.as_ref(), error.to_string()).await?;
                return Ok(Sent::Blocked);
            }
        },
        Err(Undelivered::Failed { reason, counts }) => (reason, counts),
    };
    let seed = u64::from(pending.ordinal).wrapping_add(pending.step.wrapping_mul(31));
    let attempts = failure.as_ref().map_or(0, |failure| failure.attempts) + 1;
    let tried = if counts { attempts } else { 1 };
    match stepper.options.retry.pause(tried, seed) {
        Some(pause) => {
            tracing::warn!(saga = stepper.saga(), instance = id.key, %reason, attempts, "command not sent, it is tried again");
            *failure = Some(Failure::next(failure.as_ref(), reason, stepper.now(), false));
            Ok(Sent::Later(pause))
        }
        None => {
            set_aside(stepper, pending, &consumed, failure.as_ref(), reason).await?;
            Ok(Sent::Blocked)
        }
    }
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
    mut pending: PendingRow,
    consumed: &Consumed,
    before: Option<&Failure>,
    error: String,
) -> Result<(), DeliveryError> {
    tracing::error!(saga = stepper.saga(), instance = pending.instance.key, %error, "command set aside, it waits for an operator");
    pending.failure = Some(Failure::next(before, error, stepper.now(), true));
    let row = stored::encode("pending command", &pending)?;
    // Or it does not wait any more.
    stepper.commit(consumed.put(Commit::new(), row)).await?;
    Ok(())
}

fn in_tenant(annals: &Annals, instance: &InstanceId) -> Annals {
    match instance.tenant.clone() {
        Some(tenant) => annals.in_tenant(tenant),
        None => annals.clone(),
    }
}
