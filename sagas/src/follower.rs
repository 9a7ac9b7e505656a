//! Follows the log: gives each event to its instance, those of one instance in order, those of several at once.
//!
//! It goes on reading while steps are being stored. Only the events of an instance that takes a step wait for that. How far it has
//! come is therefore where the first event is that is neither stored nor set aside: from there on, events are met again after a
//! crash, and instances know which of them they have taken.

mod inputs;

use std::{sync::Arc, time::Duration};

use annals_core::{
    Commit, Condition, LoggedTable, Position, ReadError, RowIs, RowWrite, Timestamp,
    codec::{EncodeError, PayloadError},
};
use annals_projections::{
    Delivered,
    engine::{Following, Log, Piece, PieceEvent},
};
use bytes::Bytes;
use futures::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream, FuturesUnordered},
};

use crate::{
    BoxError, InstanceId, Reception,
    aside::{Aside, Request},
    status::Board,
    stepper::{Input, StepError, Stepper},
};
use inputs::{HeldInput, Inputs};

/// How far it has come is stored when it has come so much further.
const UNSTORED_POSITIONS_MAX: u64 = 4096;

/// So far beyond the first event that is not stored it reads at most: that many are held in memory, and read again after a crash.
const READ_AHEAD_POSITIONS_MAX: u64 = 8192;

/// A saga's way through the log.
pub(crate) struct Follower<'a> {
    stepper: &'a Stepper,
    log: &'a Log,
    pieces: BoxStream<'a, Result<Piece, ReadError>>,
    inputs: Inputs,
    under_way: FuturesUnordered<BoxFuture<'a, Result<Vec<Taken>, StepError>>>,
    aside: Aside,
    board: &'a Board,
    /// How far the log was read.
    read: Position,
    stored: Position,
    /// Where the log ended when it began to follow: nobody before it has come further.
    begun: Position,
}

/// An input, and why it could not be taken, if so.
type Taken = (HeldInput, Option<StepError>);

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
        let pieces = pieces(stepper, follow(stepper, log, position));
        let begun = stepper.annals.store().head().borrow().position;
        let (inputs, under_way) = (Inputs::default(), FuturesUnordered::new());
        Ok(Self { stepper, log, pieces, inputs, under_way, aside, board, read: position, stored: position, begun })
    }

    /// Follows the log, for as long as it is polled.
    pub(crate) async fn run(&mut self) -> Result<(), FollowError> {
        loop {
            self.begin_turns();
            self.board.reached(self.position(), &self.aside);
            if self.position().get() - self.stored.get() >= UNSTORED_POSITIONS_MAX {
                self.store_position().await?;
            }
            let due = self.aside.next_due();
            let pause = due.as_ref().map(|(due, _)| until(self.stepper.now(), *due));
            tokio::select! {
                biased;
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {
                    if let Some((_, key)) = due {
                        self.rest().await?;
                        self.aside.retry(self.stepper, self.log, &key, self.position()).await?;
                    }
                }
                request = self.board.next_request() => {
                    self.rest().await?;
                    match request {
                        Request::Forget(.., answer) if self.position() < self.begun => drop(answer.send(None)),
                        request => self.aside.answer(self.stepper, self.log, request, self.board).await?,
                    }
                }
                Some(turn) = self.under_way.next() => self.end_turn(turn?).await?,
                Some(piece) = self.pieces.next(), if self.reads_on() => self.take(&Arc::new(piece?)).await?,
            }
        }
    }

    /// Stores how far everything was taken in or set aside.
    pub(crate) async fn store_position(&mut self) -> Result<(), FollowError> {
        let position = self.position();
        if self.stored < position {
            let (table, key) = position_row(self.stepper.saga());
            let row = RowWrite::put(table, key, Bytes::copy_from_slice(&position.get().to_be_bytes()));
            self.stepper.commit(Commit::new().row(row)).await?;
            self.stored = position;
        }
        Ok(())
    }

    /// How far everything was taken in or set aside.
    fn position(&self) -> Position {
        self.inputs.first().map_or(self.read, |first| first.previous().min(self.read))
    }

    fn reads_on(&self) -> bool {
        self.read.get() - self.position().get() < READ_AHEAD_POSITIONS_MAX
    }

    /// Ends what is under way, and stores how far it has come, before anything is done about what was set aside: otherwise an event
    /// would be read once more after a crash, and be taken although it was passed by, or taken late.
    async fn rest(&mut self) -> Result<(), FollowError> {
        self.begin_turns();
        while let Some(turn) = self.under_way.next().await {
            self.end_turn(turn?).await?;
            self.begin_turns();
        }
        self.board.reached(self.position(), &self.aside);
        self.store_position().await
    }

    fn begin_turns(&mut self) {
        while self.under_way.len() < self.stepper.options.concurrency
            && let Some(turn) = self.inputs.next_turn()
        {
            self.under_way.push(take_turn(self.stepper, turn).boxed());
        }
    }

    async fn end_turn(&mut self, turn: Vec<Taken>) -> Result<(), FollowError> {
        for (input, failed) in turn {
            match failed {
                None => self.inputs.stored(&input),
                Some(error) => {
                    self.aside.add_instance(self.stepper, (*input.id).clone(), input.position, &error).await?;
                    self.inputs.set_aside(&input);
                }
            }
        }
        Ok(())
    }

    async fn take(&mut self, piece: &Arc<Piece>) -> Result<(), FollowError> {
        for (place, record, events) in piece.records() {
            let position = record.position();
            // Its own steps are no events of anybody's.
            let received =
                events.map_err(|error| error.clone().into()).and_then(|events| receive(self.stepper, events));
            let arrivals = match received {
                Ok(arrivals) => arrivals,
                Err(error) => {
                    self.aside.add_record(self.stepper, position, &error).await?;
                    continue;
                }
            };
            for Arrival { event, reception } in arrivals {
                let id = self.stepper.instance_id(record, &reception);
                if !self.aside.has(&id) {
                    let event = PieceEvent::new(piece, place, event.context().index());
                    self.inputs.add(HeldInput { id: Arc::new(id), event, position, reception });
                }
            }
        }
        self.read = piece.end();
        Ok(())
    }
}

/// The log as it goes on, for as long as not too many commands wait to be sent.
fn pieces(stepper: &Stepper, following: Following) -> BoxStream<'_, Result<Piece, ReadError>> {
    let next = async |mut following: Following| {
        stepper.outbox.has_room().await;
        let piece = following.next().await?;
        Ok(Some((piece, following)))
    };
    stream::try_unfold(following, next).boxed()
}

/// Lets each of several instances take its input.
async fn take_turn(stepper: &Stepper, turn: Vec<HeldInput>) -> Result<Vec<Taken>, StepError> {
    let taken = {
        let inputs = turn.iter().map(|held| Ok((&*held.id, held.input()?)));
        let inputs = inputs.collect::<Result<Vec<_>, StepError>>()?;
        stepper.take_each(&inputs).await?
    };
    Ok(turn.into_iter().zip(taken.into_iter().map(Result::err)).collect())
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
