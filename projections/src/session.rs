//! One stretch of a consumer at work: from taking over until it stops or something goes wrong.

use std::{collections::HashMap, sync::Arc, time::Duration};

use annals_core::{AsOf, Commit, CommitError, Head, Position, ReadError, ReadLog, Record, RowBatch, Tenant};
use futures::StreamExt;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use crate::{
    KeyBytes, State,
    checkpoint::{Checkpoint, CheckpointRow, Checkpoints, lane_of, partition_of},
    chunk::Chunk,
    consumer::{Consumer, Fence, TakeOverError},
    control::{Control, Discard, Discarded, ParkedAt, Request, Stop},
    feed::{Feed, Member},
    lane::{Anew, Halt, Lane, Marks, Undone, Work},
    pace::Pace,
    parked::{self, ParkedId, ParkedKey},
    run::{Delivery, Handler},
    seen::{self, SEEN_AT_ONCE},
    status::Board,
};

/// The floor is stored at the latest when it has come so far, although nothing was written.
const UNSTORED_POSITIONS_MAX: u64 = 4096;

/// While catching up, what follows from several pieces of the log is stored at once: at least so often, unless storing takes
/// long. Then it is gathered for longer, so that not more than a part of the time goes to storing.
const GATHERED_FOR: Duration = Duration::from_millis(500);
const GATHERED_FOR_MAX: Duration = Duration::from_secs(5);
const GATHERED_TO_STORED: u32 = 8;

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
    member: Member,
    head: watch::Receiver<Head>,
    fence: Fence,
    /// Everything up to here is done, or in the batches of the lanes.
    position: Position,
    /// Everything up to here is stored, or nothing follows from it.
    settled: Position,
    /// When that was so.
    settled_at: Instant,
    /// How long it took to store that.
    stored_in: Duration,
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
    /// What has to be in the log was not recorded, or it is not known whether it was.
    #[error(transparent)]
    Log(CommitError),
    #[error("a lane panicked: {message}")]
    Panic { message: String },
}

impl Session {
    /// Takes over, and reads where the consumer was.
    pub(crate) async fn open(setup: Setup, discarded: Discarded) -> Result<Self, SessionError> {
        let consumer = &setup.consumer;
        // Before anything takes time, so that others who begin now wait for it.
        let member = setup.feed.join(setup.board.now().position);
        let epoch = consumer.take_over().await?;
        // The generation is read before the checkpoints: when they are lost in between, the batches are refused.
        let generation = consumer.rows.get(&[Consumer::generation_row()]).await.map_err(Halt::from)?;
        let generation = generation.into_iter().flatten().next().as_deref().and_then(annals_core::Generation::from_row);
        let fence = Fence { generation, epoch };
        let checkpoints = Checkpoints::load(consumer).await.map_err(Halt::from)?;
        // At each start: whether a decision was recorded may have been unknown.
        discarded.load(&*consumer.log, consumer.name).await.map_err(Halt::from)?;
        let head = consumer.log.head();
        let (mut position, mut ahead) = (checkpoints.floor.checkpoint.position, checkpoints.ahead_of_floor());
        if consumer.is_at_most_once() {
            // What was stored of the rows does not matter, only what was handed over.
            (position, ahead) = (seen::load(consumer).await.map_err(Halt::from)?.unwrap_or(position), HashMap::new());
        }
        let (end, latest) = (head.borrow().position, ahead.values().copied().max().unwrap_or(position));
        if end < latest {
            return Err(Halt::BeyondLog { position: latest, head: end }.into());
        }
        let mut session = Self {
            member,
            head,
            fence,
            position,
            settled: position,
            settled_at: Instant::now(),
            stored_in: Duration::ZERO,
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
        let (lanes, fresh) = (consumer.options.lanes, checkpoints.are_at(consumer.scope.after));
        if lanes.get() == 1 {
            let marks = Marks::floor(checkpoints.floor.clone());
            self.lanes.push(Lane::open(consumer, handler, self.fence.clone(), 0, marks, fresh).await?);
        }
        for number in (0..lanes.get()).filter(|_| lanes.get() > 1) {
            let mine =
                checkpoints.partitions.iter().filter(|(partition, _)| usize::from(**partition) % lanes == number);
            let marks = Marks::partitions(mine.map(|(partition, row)| (*partition, row.clone())).collect());
            self.lanes.push(Lane::open(consumer, handler, self.fence.clone(), number, marks, fresh).await?);
        }
        let target = checkpoints.floor.checkpoint.target;
        self.floor = (lanes.get() > 1).then_some(checkpoints.floor);
        let position = self.position;
        // Both at once: lost rows are never shown as complete.
        self.setup.board.update(|status| (status.position, status.target) = (position, target));
        Ok(())
    }

    /// Everything up to here was handed over.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Follows the log until it is told to stop.
    pub(crate) async fn follow(&mut self, control: &mut Control) -> Result<Stop, SessionError> {
        loop {
            self.report();
            if control.until.is_some_and(|until| self.position >= until) {
                self.store_floor().await?;
                return Ok(Stop::Held);
            }
            let due = self.next_due();
            let wake = due.as_ref().map(|(due, ..)| *due).into_iter().chain(self.pace.due(self.position)).min();
            tokio::select! {
                biased;
                request = control.next() => match request {
                    Request::Stop(stop) => {
                        self.store_floor().await?;
                        return Ok(stop);
                    }
                    request => match control.while_not_stopped(self.settle_and_answer(request)).await {
                        Ok(answered) => answered?,
                        Err(stop) => return Ok(stop),
                    },
                },
                () = tokio::time::sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    if let Some((_, lane, id)) = due.filter(|(due, ..)| *due <= Instant::now()) {
                        match control.while_not_stopped(self.settle_and_replay(lane, &id)).await {
                            Ok(done) => drop(done?),
                            Err(stop) => return Ok(stop),
                        }
                    }
                }
                chunk = self.setup.feed.next(&self.member, self.position, &mut self.head) => {
                    let chunk = chunk.map_err(Halt::from)?;
                    self.pace.begin(self.position);
                    let end = control.until.unwrap_or(Position::MAX).min(chunk.end());
                    let gathers = self.may_gather(&chunk, control);
                    match control.while_not_stopped(self.take(chunk, end, gathers)).await {
                        Ok(taken) => taken?,
                        Err(stop) => return Ok(stop),
                    }
                }
            }
        }
    }

    /// Whether what follows from `chunk` can be stored together with what follows from the next one: a row that changes often is
    /// then written once. Only what is there already is gathered, and not for long.
    fn may_gather(&self, chunk: &Chunk, control: &Control) -> bool {
        control.until.is_none()
            && control.apart.is_none_or(|apart| self.position > apart)
            && !self.setup.consumer.is_at_most_once()
            && chunk.end() < self.head.borrow().position
            && self.settled_at.elapsed() < gathered_for(self.stored_in)
    }

    /// Takes a chunk in, up to `end`; lanes may keep what follows in their batches when it is to be gathered.
    async fn take(&mut self, chunk: Arc<Chunk>, end: Position, gathers: bool) -> Result<(), SessionError> {
        let deliveries = self.deliveries(&chunk, end);
        let any = !deliveries.is_empty();
        let columns: Arc<[_]> = self.setup.consumer.subscription.columns(&chunk).into();
        let at_once = if self.setup.consumer.is_at_most_once() { SEEN_AT_ONCE } else { usize::MAX };
        for deliveries in deliveries.chunks(at_once) {
            let (chunk, columns) = (Arc::clone(&chunk), Arc::clone(&columns));
            self.work(Work { chunk, columns, deliveries: deliveries.to_vec() }, gathers).await?;
        }
        self.position = end;
        self.ahead.retain(|_, position| *position > end);
        if !gathers {
            self.settle().await?;
            if self.unstored() >= UNSTORED_POSITIONS_MAX || (any && self.lanes.len() > 1) {
                self.store_floor().await?;
            }
        }
        if let Some(record) = chunk.records().iter().rfind(|record| record.position() <= end) {
            self.pace.recorded = Some(record.recorded());
        }
        Ok(())
    }

    async fn work(&mut self, work: Work, gathers: bool) -> Result<(), SessionError> {
        let consumer = &self.setup.consumer;
        if consumer.is_at_most_once()
            && let Some(last) = work.deliveries.len().checked_sub(1).and_then(|last| work.record(last))
        {
            seen::note(consumer, &self.fence, last.position()).await.map_err(SessionError::Log)?;
        }
        match self.lanes.as_mut_slice() {
            [lane] => Ok(lane.process(&work, gathers).await?),
            _ => self.share_out(work, gathers).await,
        }
    }

    /// Stores what the lanes have in their batches.
    async fn settle(&mut self) -> Result<(), Halt> {
        let begin = Instant::now();
        for lane in &mut self.lanes {
            lane.settle().await?;
        }
        if let [lane] = self.lanes.as_mut_slice() {
            lane.marks().raise(self.position);
        }
        (self.settled, self.settled_at, self.stored_in) = (self.position, Instant::now(), begin.elapsed());
        Ok(())
    }

    async fn settle_and_answer(&mut self, request: Request) -> Result<(), SessionError> {
        self.settle().await?;
        self.answer(request).await
    }

    async fn settle_and_replay(&mut self, lane: usize, id: &ParkedId) -> Result<usize, Halt> {
        self.settle().await?;
        self.replay(lane, id).await
    }

    /// How many positions everything has come further than the stored floor says.
    fn unstored(&self) -> u64 {
        match (self.lanes.as_slice(), &self.floor) {
            ([lane], _) => lane.ahead(),
            (_, Some(floor)) => self.position.get().saturating_sub(floor.checkpoint.position.get()),
            _ => 0,
        }
    }

    /// The records of a chunk, up to `end`, that are to be taken in: wanted, not done, not discarded.
    fn deliveries(&self, chunk: &Chunk, end: Position) -> Vec<Delivery> {
        let consumer = &self.setup.consumer;
        let discarded = self.discarded.positions();
        // Mostly there is nothing to look at but the position and the type.
        let are_all_to_do = self.ahead.is_empty() && discarded.is_empty() && consumer.scope.is_everything();
        let mut deliveries = Vec::with_capacity(chunk.records().len());
        for (index, record, events) in consumer.subscription.wanted(chunk) {
            if record.position() > end {
                break;
            }
            let is_to_do = record.position() > self.position
                && (are_all_to_do
                    || (!self.is_ahead(record)
                        && consumer.scope.has(record)
                        && !discarded.contains(&record.position())));
            if is_to_do {
                deliveries.push(Delivery { index, events });
            }
        }
        deliveries
    }

    /// Whether the partition of `record` has done it, although not everything before it is done.
    fn is_ahead(&self, record: &Record) -> bool {
        let partition = || partition_of(&self.setup.consumer.options.lane_key.key(record));
        !self.ahead.is_empty() && self.ahead.get(&partition()).is_some_and(|position| record.position() <= *position)
    }

    /// Gives each lane the records of its keys, and waits until all of them are done.
    async fn share_out(&mut self, work: Work, gathers: bool) -> Result<(), SessionError> {
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
            let (chunk, columns) = (Arc::clone(&work.chunk), Arc::clone(&work.columns));
            let work = Work { chunk, columns, deliveries };
            tasks.spawn(async move {
                let outcome = lane.process(&work, gathers).await;
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
        self.settle().await?;
        if let [lane] = self.lanes.as_mut_slice() {
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
            Request::Anew(tenant, key, answer) => {
                let done = self.compute_anew(tenant, key).await?;
                let _ = answer.send(done);
            }
            Request::Discard(discard) => self.discard(discard).await?,
            Request::Stop(_) => {}
        }
        Ok(())
    }

    async fn compute_anew(&mut self, tenant: Option<Tenant>, key: KeyBytes) -> Result<Result<usize, Undone>, Halt> {
        let until = self.ahead.get(&partition_of(&key)).copied().unwrap_or(self.position);
        let number = lane_of(&key, self.setup.consumer.options.lanes);
        let anew = Anew { tenant, key, until, discarded: self.discarded.positions() };
        match self.lanes.get_mut(number) {
            Some(lane) => lane.compute_anew(&anew).await,
            None => Ok(Ok(0)),
        }
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
        let commit = self.fence.guard(Commit::new().row(row));
        if let Err(error) = self.setup.consumer.log.commit(commit).await {
            let _ = answer.send(Err(error.clone()));
            return match error {
                CommitError::Conflict { .. } | CommitError::OutcomeUnknown { .. } => Err(SessionError::Log(error)),
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
            let id = parked::id(record.stream().tenant(), &consumer.options.lane_key.key(&record));
            let lane = self.lanes.iter().find(|lane| lane.parked().has(&id));
            if let Some(lane) = lane.filter(|_| consumer.subscription.enum_of(&record).is_some()) {
                let retrying = lane.parked().is_retrying(&id);
                return Ok(Some(ParkedAt { position: record.position(), retrying }));
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
        let (position, recorded) = (self.settled, self.pace.recorded);
        self.setup.board.update(|status| {
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
    }
}

/// For how long is gathered what takes `stored_in` to be stored.
fn gathered_for(stored_in: Duration) -> Duration {
    stored_in.saturating_mul(GATHERED_TO_STORED).clamp(GATHERED_FOR, GATHERED_FOR_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_to_be_stored_is_gathered_for_longer() {
        let seconds = Duration::from_secs_f64;
        let found = [0.0, 0.01, 0.1, 60.0].map(|stored_in| gathered_for(seconds(stored_in)));
        assert_eq!(found, [0.5, 0.5, 0.8, 5.0].map(seconds));
    }
}
