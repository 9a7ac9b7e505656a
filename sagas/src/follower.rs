//! Follows the log: gives each event to its instance, those of one instance in order, those of several at once.

use std::{collections::HashMap, time::Duration};

use annals_core::{
    Commit, Condition, LoggedTable, Position, ReadError, RowIs, RowWrite, Timestamp,
    codec::{EncodeError, PayloadError},
};
use annals_projections::{
    Delivered,
    engine::{Following, Log, Piece},
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::{
    BoxError, InstanceId, Reception,
    aside::{Aside, Request},
    status::Board,
    stepper::{Input, StepError, Stepper},
};

/// How far it has come is stored when it has come so much further.
const UNSTORED_POSITIONS_MAX: u64 = 4096;

/// So many instances take a step in one commit at most: while it is stored, the next ones decide.
const TOGETHER_MAX: usize = 16;

/// A saga's way through the log.
pub(crate) struct Follower<'a> {
    stepper: &'a Stepper,
    log: &'a Log,
    following: Following,
    aside: Aside,
    board: &'a Board,
    position: Position,
    stored: Position,
    /// Where the log ended when it began to follow: nobody before it has come further.
    begun: Position,
}

/// Why the log is not followed any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    #[error("the log cannot be read: {0}")]
    Read(#[from] ReadError),
    #[error("an event that was set aside {0}")]
    Payload(#[from] PayloadError),
    #[error("an event cannot be set aside: {0}")]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Step(#[from] StepError),
}

/// An event for an instance.
pub(crate) struct Arrival<'p> {
    pub(crate) event: Delivered<'p>,
    pub(crate) reception: Reception,
}

impl<'a> Follower<'a> {
    pub(crate) async fn new(
        stepper: &'a Stepper,
        log: &'a Log,
        board: &'a Board,
        position: Position,
    ) -> Result<Self, FollowError> {
        let aside = Aside::load(stepper).await?;
        let following = follow(stepper, log, position);
        let begun = stepper.annals.store().head().borrow().position;
        Ok(Self { stepper, log, following, aside, board, position, stored: position, begun })
    }

    /// Follows the log, for as long as it is polled.
    ///
    /// How far it has come is stored before anything is done about what was set aside: otherwise the event would be read once
    /// more after a crash, and be taken although it was passed by, or taken late.
    pub(crate) async fn run(&mut self) -> Result<(), FollowError> {
        loop {
            self.board.reached(self.position, &self.aside);
            let due = self.aside.next_due();
            let pause = due.as_ref().map(|(due, _)| until(self.stepper.now(), *due));
            tokio::select! {
                biased;
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {
                    if let Some((_, key)) = due {
                        self.store_position().await?;
                        self.aside.retry(self.stepper, self.log, &key, self.position).await?;
                    }
                }
                request = self.board.next_request() => {
                    self.store_position().await?;
                    match request {
                        Request::Forget(.., answer) if self.position < self.begun => drop(answer.send(None)),
                        request => self.aside.answer(self.stepper, self.log, request, self.board).await?,
                    }
                }
                piece = self.following.next() => self.take(&piece?).await?,
            }
        }
    }

    /// How far everything was taken in or set aside.
    pub(crate) async fn store_position(&mut self) -> Result<(), FollowError> {
        if self.stored < self.position {
            let (table, key) = position_row(self.stepper.saga());
            let row = RowWrite::put(table, key, Bytes::copy_from_slice(&self.position.get().to_be_bytes()));
            self.stepper.commit(Commit::new().row(row)).await?;
            self.stored = self.position;
        }
        Ok(())
    }

    async fn take(&mut self, piece: &Piece) -> Result<(), FollowError> {
        let mut instances: Vec<(InstanceId, Vec<Arrival<'_>>)> = Vec::new();
        let mut places: HashMap<InstanceId, usize> = HashMap::new();
        for (record, events) in piece.records() {
            // Its own steps are no events of anybody's.
            let received =
                events.map_err(|error| error.clone().into()).and_then(|events| receive(self.stepper, events));
            let arrivals = match received {
                Ok(arrivals) => arrivals,
                Err(error) => {
                    self.aside.add_record(self.stepper, record.position(), &error).await?;
                    continue;
                }
            };
            for arrival in arrivals {
                let id = self.stepper.instance_id(record, &arrival.reception);
                if self.aside.has(&id) {
                    continue;
                }
                let place = *places.entry(id.clone()).or_insert(instances.len());
                match instances.get_mut(place) {
                    Some((_, arrivals)) => arrivals.push(arrival),
                    None => instances.push((id, vec![arrival])),
                }
            }
        }
        self.stepper.outbox.has_room().await;
        for (id, position, error) in take_turns(self.stepper, instances).await? {
            self.aside.add_instance(self.stepper, id, position, &error).await?;
        }
        self.position = piece.end();
        if self.position.get() - self.stored.get() >= UNSTORED_POSITIONS_MAX {
            self.store_position().await?;
        }
        Ok(())
    }
}

/// Begins to follow the log behind `after`.
pub(crate) fn follow(stepper: &Stepper, log: &Log, after: Position) -> Following {
    log.follow(stepper.machine.subscription(), stepper.annals.store().head(), after)
}

/// Which instances the events of a record are for.
pub(crate) fn receive<'p>(stepper: &Stepper, events: Vec<Delivered<'p>>) -> Result<Vec<Arrival<'p>>, BoxError> {
    let mut arrivals = Vec::new();
    for event in events {
        let reception = stepper.machine.receive(event.event(), event.context())?;
        arrivals.extend(reception.map(|reception| Arrival { event, reception }));
    }
    Ok(arrivals)
}

/// Gives instances their events: those of one in order, up to the first that fails, those of several in one commit. Returned is
/// which failed.
async fn take_turns(
    stepper: &Stepper,
    mut instances: Vec<(InstanceId, Vec<Arrival<'_>>)>,
) -> Result<Vec<(InstanceId, Position, StepError)>, StepError> {
    // A commit is of one tenant.
    instances.sort_by(|(id, _), (other, _)| id.tenant.cmp(&other.tenant));
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (id, arrivals) in instances {
        match turns.last_mut() {
            Some(turn)
                if turn.len() < TOGETHER_MAX && turn.first().is_some_and(|first| first.0.tenant == id.tenant) =>
            {
                turn.push((id, arrivals.into_iter()));
            }
            _ => turns.push(vec![(id, arrivals.into_iter())]),
        }
    }
    let taking: Vec<_> = turns.into_iter().map(|turn| take_turn(stepper, turn).boxed()).collect();
    let failed: Vec<_> = stream::iter(taking).buffer_unordered(stepper.options.concurrency).try_collect().await?;
    Ok(failed.into_iter().flatten().collect())
}

/// Instances of one tenant, and the events that each is still to be given.
type Turn<'p> = Vec<(InstanceId, std::vec::IntoIter<Arrival<'p>>)>;

/// Gives each instance its next event, all of them together, until none is left.
async fn take_turn(stepper: &Stepper, mut turn: Turn<'_>) -> Result<Vec<(InstanceId, Position, StepError)>, StepError> {
    let mut failed = Vec::new();
    loop {
        let next: Vec<_> = turn.iter_mut().map(|(_, arrivals)| arrivals.next()).collect();
        let mut inputs = Vec::with_capacity(turn.len());
        for ((id, _), arrival) in turn.iter().zip(&next) {
            if let Some(Arrival { event, reception }) = arrival {
                inputs.push((id, Input::Event { event: *event, reception, late: None }));
            }
        }
        if inputs.is_empty() {
            return Ok(failed);
        }
        let mut taken = stepper.take_each(&inputs).await?.into_iter();
        let mut rest = Vec::with_capacity(turn.len());
        for ((id, arrivals), arrival) in turn.into_iter().zip(next) {
            let Some(Arrival { event, .. }) = arrival else { continue };
            match taken.next() {
                Some(Err(error)) => failed.push((id, event.context().record().position(), error)),
                _ => rest.push((id, arrivals)),
            }
        }
        turn = rest;
    }
}

/// Gives an instance its events, up to the first that fails.
pub(crate) async fn take_all(
    stepper: &Stepper,
    id: &InstanceId,
    arrivals: Vec<Arrival<'_>>,
) -> Result<Option<(Position, StepError)>, StepError> {
    for Arrival { event, reception } in arrivals {
        match stepper.take(id, &Input::Event { event, reception: &reception, late: None }).await {
            Ok(_) => {}
            Err(error) if error.is_of_the_store() => return Err(error),
            Err(error) => return Ok(Some((event.context().record().position(), error))),
        }
    }
    Ok(None)
}

/// Where a saga is in the log: nothing when it has never run.
pub(crate) async fn load_position(stepper: &Stepper) -> Result<Option<Position>, ReadError> {
    let (table, key) = position_row(stepper.saga());
    let found = stepper.annals.store().get(&[(table.into(), key)]).await?.into_iter().next().flatten();
    let position = found.as_deref().and_then(|row| row.try_into().ok()).map(u64::from_be_bytes);
    Ok(position.and_then(|position| Position::new(position).ok()))
}

/// Stores where a saga begins, unless it has begun.
pub(crate) fn begun_at(saga: &str, position: Position) -> Commit {
    let (table, key) = position_row(saga);
    let row = RowWrite::put(table.clone(), key.clone(), Bytes::copy_from_slice(&position.get().to_be_bytes()));
    Commit::new().when(Condition::Row { table, key, is: RowIs::Absent }).row(row)
}

fn position_row(saga: &str) -> (LoggedTable, Bytes) {
    InstanceId::saga_row(saga, "position")
}

/// How long it is until `due`.
pub(crate) fn until(now: Timestamp, due: Timestamp) -> Duration {
    let micros = due.as_micros().saturating_sub(now.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
