//! One stretch of a consumer at work: from taking over until it stops or something goes wrong.

use std::{collections::HashMap, sync::Arc};

use annals_core::{AsOf, Commit, CommitError, Condition, Head, Position, ReadError, ReadLog, RowBatch, RowIs};
use futures::StreamExt;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use crate::{
    State,
    checkpoint::{Checkpoint, CheckpointRow, Checkpoints, lane_of, partition_of},
    chunk::Chunk,
    consumer::{Consumer, Fence, TakeOverError},
    control::{Control, Discard, Discarded, ParkedAt, Request, Stop},
    feed::Feed,
    lane::{Halt, Lane, Marks, Work},
    metrics,
    pace::Pace,
    parked::{self, ParkedId, ParkedKey},
    run::{Delivery, Handler},
    status::Board,
};

/// The floor is stored at the latest when it has come so far, although nothing was written.
const UNSTORED_POSITIONS_MAX: u64 = 4096;

/// What a consumer is run with.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) consumer: Arc<Consumer>,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) board: Arc<Board>,
}

/// One stretch of a consumer at work. After an error it is of no use any more.
pub(crate) struct Session {
    setup: Setup,
    head: watch::Receiver<Head>,
    fence: Fence,
    /// Everything up to here is done.
    position: Position,
    /// Partitions that have done more than that already.
    ahead: HashMap<u16, Position>,
    lanes: Vec<Lane>,
    /// The floor, where several lanes write no floor of their own.
    floor: Option<CheckpointRow>,
    discarded: Discarded,
    pace: Pace,
}

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error(transparent)]
    TakeOver(#[from] TakeOverError),
    #[error(transparent)]
    Halt(#[from] Halt),
    /// An operator's decision was not recorded, or it is not known whether it was.
    #[error(transparent)]
    Decision(CommitError),
    #[error("a lane panicked: {message}")]
    Panic { message: String },
}

impl Session {
    /// Takes over, and reads where the consumer was.
    pub(crate) async fn open(setup: Setup, discarded: Discarded) -> Result<Self, SessionError> {
        let consumer = &setup.consumer;
        let epoch = consumer.take_over().await?;
        // The generation is read before the checkpoints: when they are lost in between, the batches are refused.
        let generation = consumer.rows.get(&[Consumer::generation_row()]).await.map_err(Halt::from)?;
        let generation = generation.into_iter().flatten().next().as_deref().and_then(annals_core::Generation::from_row);
        let fence = Fence { generation, epoch };
        let checkpoints = Checkpoints::load(consumer).await.map_err(Halt::from)?;
        // At each start: whether a decision was recorded may have been unknown.
        discarded.load(&*consumer.log, consumer.name).await.map_err(Halt::from)?;
        let head = consumer.log.head();
        let (position, ahead) = (checkpoints.floor.checkpoint.position, checkpoints.ahead_of_floor());
        let (end, latest) = (head.borrow().position, ahead.values().copied().max().unwrap_or(position));
        if end < latest {
            return Err(Halt::BeyondLog { position: latest, head: end }.into());
        }
        let mut session = Self {
            head,
            fence,
            position,
            ahead,
            lanes: Vec::new(),
            floor: None,
            discarded,
            pace: Pace::new(position),
            setup,
        };
        session.open_lanes(checkpoints).await?;
        Ok(session)
    }

    async fn open_lanes(&mut self, checkpoints: Checkpoints) -> Result<(), Halt> {
        let Setup { consumer, handler, .. } = &self.setup;
        let lanes = consumer.options.lanes;
        if lanes.get() == 1 {
            let marks = Marks::floor(checkpoints.floor.clone());
            self.lanes.push(Lane::open(consumer, handler, self.fence.clone(), 0, marks).await?);
        }
        for number in (0..lanes.get()).filter(|_| lanes.get() > 1) {
            let mine =
                checkpoints.partitions.iter().filter(|(partition, _)| usize::from(**partition) % lanes == number);
            let marks = Marks::partitions(mine.map(|(partition, row)| (*partition, row.clone())).collect());
            self.lanes.push(Lane::open(consumer, handler, self.fence.clone(), number, marks).await?);
        }
        let target = checkpoints.floor.checkpoint.target;
        self.floor = (lanes.get() > 1).then_some(checkpoints.floor);
        let position = self.position;
        // Both at once: lost rows are never shown as complete.
        self.setup.board.update(|status| (status.position, status.target) = (position, target));
        Ok(())
    }

    /// Follows the log until it is told to stop.
    pub(crate) async fn follow(&mut self, control: &mut Control) -> Result<Stop, SessionError> {
        loop {
            self.report();
            let due = self.next_due();
            let wake = due.as_ref().map(|(due, ..)| *due).into_iter().chain(self.pace.due(self.position)).min();
            tokio::select! {
                biased;
                request = control.next() => match request {
                    Request::Stop(stop) => {
                        self.store_floor().await?;
                        return Ok(stop);
                    }
                    request => self.answer(request).await?,
                },
                () = tokio::time::sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    if let Some((_, lane, id)) = due.filter(|(due, ..)| *due <= Instant::now()) {
                        self.replay(lane, &id).await?;
                    }
                }
                chunk = self.setup.feed.next(self.position, &mut self.head) => {
                    let chunk = chunk.map_err(Halt::from)?;
                    self.pace.begin(self.position);
                    match control.while_not_stopped(self.take(chunk)).await {
                        Ok(taken) => taken?,
                        Err(stop) => return Ok(stop),
                    }
                }
            }
        }
    }

    /// Takes a chunk in.
    async fn take(&mut self, chunk: Arc<Chunk>) -> Result<(), SessionError> {
        let deliveries = self.deliveries(&chunk);
        let any = !deliveries.is_empty();
        if any {
            let columns = self.setup.consumer.subscription.columns(&chunk).into();
            let work = Work { chunk: Arc::clone(&chunk), columns, deliveries };
            match self.lanes.as_mut_slice() {
                [lane] => lane.process(&work).await?,
                _ => self.share_out(work).await?,
            }
        }
        self.position = chunk.end();
        self.ahead.retain(|_, position| *position > chunk.end());
        if let [lane] = self.lanes.as_mut_slice() {
            lane.marks().raise(chunk.end());
            if lane.marks().ahead() >= UNSTORED_POSITIONS_MAX {
                lane.store().await?;
            }
        } else if any || self.unstored() >= UNSTORED_POSITIONS_MAX {
            self.store_floor().await?;
        }
        if let Some(record) = chunk.records().last() {
            self.pace.recorded = Some(record.recorded);
        }
        Ok(())
    }

    /// How many positions several lanes have come further than their floor says.
    fn unstored(&self) -> u64 {
        let stored = self.floor.as_ref().map_or(self.position, |floor| floor.checkpoint.position);
        self.position.get().saturating_sub(stored.get())
    }

    /// The records of a chunk that are to be taken in: wanted, not done, not discarded.
    fn deliveries(&self, chunk: &Chunk) -> Vec<Delivery> {
        let consumer = &self.setup.consumer;
        let discarded = self.discarded.positions();
        let is_done = |record: &annals_core::Record| {
            let partition = || partition_of(&consumer.options.lane_key.key(record));
            record.position <= self.position
                || (!self.ahead.is_empty()
                    && self.ahead.get(&partition()).is_some_and(|position| record.position <= *position))
        };
        let wanted = chunk.records().iter().enumerate().filter_map(|(index, record)| {
            let events = consumer.subscription.enum_of(record)?;
            let skip = is_done(record) || discarded.contains(&record.position);
            (!skip).then_some(Delivery { index, events })
        });
        wanted.collect()
    }

    /// Gives each lane the records of its keys, and waits until all of them are done.
    async fn share_out(&mut self, work: Work) -> Result<(), SessionError> {
        let consumer = &self.setup.consumer;
        let lanes = consumer.options.lanes;
        let mut shares: Vec<Vec<Delivery>> = vec![Vec::new(); lanes.get()];
        for delivery in work.deliveries {
            let Some(record) = work.chunk.records().get(delivery.index) else { continue };
            let lane = lane_of(&consumer.options.lane_key.key(record), lanes);
            if let Some(share) = shares.get_mut(lane) {
                share.push(delivery);
            }
        }
        let mut tasks = JoinSet::new();
        for (number, (mut lane, deliveries)) in self.lanes.drain(..).zip(shares).enumerate() {
            let work = Work { chunk: Arc::clone(&work.chunk), columns: Arc::clone(&work.columns), deliveries };
            tasks.spawn(async move {
                let outcome = if work.deliveries.is_empty() { Ok(()) } else { lane.process(&work).await };
                (number, lane, outcome)
            });
        }
        let mut back = Vec::new();
        while let Some(joined) = tasks.join_next().await {
            let (number, lane, outcome) = joined.map_err(|error| SessionError::Panic { message: error.to_string() })?;
            outcome?;
            back.push((number, lane));
        }
        back.sort_by_key(|(number, _)| *number);
        self.lanes = back.into_iter().map(|(_, lane)| lane).collect();
        Ok(())
    }

    /// Stores how far everything is done.
    async fn store_floor(&mut self) -> Result<(), Halt> {
        if let [lane] = self.lanes.as_mut_slice() {
            lane.marks().raise(self.position);
            return lane.store().await;
        }
        let Some(floor) = &self.floor else { return Ok(()) };
        let (generation, epoch) = (self.fence.generation, self.fence.epoch.clone());
        let mut batch = RowBatch { generation, epoch, ..RowBatch::default() };
        let next = Checkpoint { position: self.position, ..floor.checkpoint };
        let stored = floor.advance(next, &mut batch)?;
        self.setup.consumer.rows.apply(batch).await.map_err(Halt::apply)?;
        self.floor = Some(stored);
        Ok(())
    }

    async fn answer(&mut self, request: Request) -> Result<(), SessionError> {
        match request {
            Request::Parked(answer) => {
                let parked: Result<Vec<Vec<ParkedKey>>, _> =
                    self.lanes.iter().map(|lane| lane.parked().list()).collect();
                // Whoever asked may have gone.
                let _ = answer.send(parked.map_err(Halt::from)?.concat());
            }
            Request::ParkedBetween(first, last, answer) => {
                let found = self.parked_between(first, last).await.map_err(Halt::from)?;
                let _ = answer.send(found);
            }
            Request::Replay(id, answer) => {
                let lane = self.lanes.iter().position(|lane| lane.parked().has(&id));
                let done = match lane {
                    Some(lane) => self.replay(lane, &id).await?,
                    None => 0,
                };
                let _ = answer.send(done);
            }
            Request::Discard(discard) => self.discard(discard).await?,
            Request::Stop(_) => {}
        }
        Ok(())
    }

    /// Records the decision if it is still to be made, and if this runner still has the right to.
    async fn discard(&mut self, discard: Discard) -> Result<(), SessionError> {
        let Discard { id, position, row, answer } = discard;
        let lane = self.lanes.iter().position(|lane| lane.parked().failed(&id) == Some(position));
        let Some(lane) = lane else {
            // Whoever asked may have gone.
            let _ = answer.send(Ok(None));
            return Ok(());
        };
        let mut commit = Commit::new().row(row);
        if let Some(epoch) = &self.fence.epoch {
            let (table, key) = epoch.row();
            commit = commit.when(Condition::Row { table, key, is: RowIs::Equals(epoch.to_row()) });
        }
        if let Err(error) = self.setup.consumer.log.commit(commit).await {
            let _ = answer.send(Err(error.clone()));
            return match error {
                CommitError::Conflict { .. } | CommitError::OutcomeUnknown { .. } => Err(SessionError::Decision(error)),
                // Nothing was written, and nothing is decided.
                _ => Ok(()),
            };
        }
        self.discarded.add([position]);
        let done = self.replay(lane, &id).await?;
        let _ = answer.send(Ok(Some(done)));
        Ok(())
    }

    async fn parked_between(&self, first: Position, last: Position) -> Result<Option<ParkedAt>, ReadError> {
        let consumer = &self.setup.consumer;
        let before = Position::new(first.get().saturating_sub(1)).unwrap_or_default();
        let read = ReadLog::of(consumer.subscription.query()).after(before).as_of(AsOf::Position(last));
        let mut records = consumer.log.read_log(read);
        while let Some(record) = records.next().await.transpose()? {
            let id = parked::id(record.stream.tenant(), &consumer.options.lane_key.key(&record));
            let lane = self.lanes.iter().find(|lane| lane.parked().has(&id));
            if let Some(lane) = lane.filter(|_| consumer.subscription.enum_of(&record).is_some()) {
                let retrying = lane.parked().is_retrying(&id);
                return Ok(Some(ParkedAt { position: record.position, retrying }));
            }
        }
        Ok(None)
    }

    async fn replay(&mut self, lane: usize, id: &ParkedId) -> Result<usize, Halt> {
        let discarded = self.discarded.positions();
        let Some(lane) = self.lanes.get_mut(lane) else { return Ok(0) };
        let done = lane.replay(id, &discarded).await?;
        // Whoever is answered sees what came of it.
        self.report();
        Ok(done)
    }

    /// The parked key that is to be tried again first: when, in which lane.
    fn next_due(&self) -> Option<(Instant, usize, ParkedId)> {
        let due = self.lanes.iter().enumerate().filter_map(|(number, lane)| {
            let (due, id) = lane.parked().next_due()?;
            Some((due, number, id))
        });
        due.min_by_key(|(due, ..)| *due)
    }

    fn report(&mut self) {
        let head = self.head.borrow().position;
        let rate = self.pace.measure(self.position);
        let (parked, retrying) = self
            .lanes
            .iter()
            .map(|lane| lane.parked().counts())
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let events = self.lanes.iter().map(|lane| lane.parked().events()).sum();
        let (position, recorded) = (self.position, self.pace.recorded);
        let board = &self.setup.board;
        board.update(|status| {
            status.position = position;
            status.recorded = recorded.or(status.recorded);
            status.rate = rate;
            (status.parked_keys, status.retrying_keys, status.parked_events) = (parked, retrying, events);
            status.state = if !status.is_complete() {
                State::Rebuilding
            } else if position < head {
                State::CatchingUp
            } else {
                State::Live
            };
        });
        metrics::status(&board.now(), head);
    }
}
