//! One worker of a consumer: hands events over, and stores what follows from them together with how far it has come.

mod anew;
mod halt;
mod marks;
mod replay;

use std::{ops::Range, sync::Arc, time::Duration};

use annals_core::{Record, RowBatch};
use tokio::time::Instant;

use crate::{
    BoxError, Failed, Order, Reaction,
    checkpoint::lane_of,
    chunk::{Chunk, Column},
    consumer::{Consumer, Fence},
    metrics,
    parked::{self, Parked, ParkedId},
    rows::Batch,
    run::{Delivery, Handler, Progress, Run},
};

pub(crate) use anew::{Anew, Undone};
pub(crate) use halt::Halt;
pub(crate) use marks::Marks;

/// A batch of so many rows and entries of indexes is stored: well below what a store takes at once, and few enough that readers
/// need not wait for long.
const BATCH_ROWS_MAX: usize = 20_000;

/// The same where the rows are in memory alone.
const BATCH_ROWS_MAX_IN_MEMORY: usize = 50_000;

/// What was handed over is stored after so long, although there is more to be handed over.
const STORED_AFTER: Duration = Duration::from_millis(250);

/// One worker of a consumer.
pub(crate) struct Lane {
    consumer: Arc<Consumer>,
    handler: Arc<dyn Handler>,
    fence: Fence,
    number: usize,
    batch: Batch,
    parked: Parked,
    marks: Marks,
    /// Something of an earlier work is in the batch.
    gathered: bool,
}

/// What a lane has to do.
pub(crate) struct Work {
    pub(crate) chunk: Arc<Chunk>,
    pub(crate) columns: Arc<[Arc<dyn Column>]>,
    pub(crate) deliveries: Vec<Delivery>,
}

impl Lane {
    /// The lane `number` of as many as the consumer's options say; `fresh` when no row is stored yet.
    pub(crate) async fn open(
        consumer: &Arc<Consumer>,
        handler: &Arc<dyn Handler>,
        fence: Fence,
        number: usize,
        marks: Marks,
        fresh: bool,
    ) -> Result<Self, Halt> {
        let (rows, specs) = (Arc::clone(&consumer.rows), Arc::clone(&consumer.specs));
        let limit = if consumer.options.in_memory { BATCH_ROWS_MAX_IN_MEMORY } else { BATCH_ROWS_MAX };
        let batch = Batch::new(rows, consumer.name, consumer.build, specs)
            .limited(limit)
            .fresh(fresh)
            .counted_by(consumer.pulse.beats());
        let parked = Parked::load(consumer, number).await?;
        let (consumer, handler) = (Arc::clone(consumer), Arc::clone(handler));
        Ok(Self { consumer, handler, fence, number, batch, parked, marks, gathered: false })
    }

    pub(crate) fn parked(&self) -> &Parked {
        &self.parked
    }

    pub(crate) fn marks(&mut self) -> &mut Marks {
        &mut self.marks
    }

    /// How many positions it has come further than is stored.
    pub(crate) fn ahead(&self) -> u64 {
        self.marks.ahead()
    }

    /// Takes everything in, in order, and stores what follows; the last of it only when the next work is not to be gathered
    /// with it.
    pub(crate) async fn process(&mut self, work: &Work, gathers: bool) -> Result<(), Halt> {
        if self.consumer.is_at_most_once() {
            return self.process_once(work).await;
        }
        // What is before `stored` is stored; what is before `next` is that, or in the batch.
        let (mut stored, mut next) = (0, 0);
        while next < work.deliveries.len() {
            let behind = self.first_not_parked(work, next)?;
            let until = self.first_parked(work, behind);
            let progress = self.hand_over(work, behind..until).await?;
            let taken = behind + progress.taken;
            self.reached(work, next..taken);
            next = taken;
            if progress.failure.is_none() && next == until {
                continue;
            }
            self.store_or_process_singly(work, stored..next).await?;
            if let Some(error) = progress.failure {
                self.settle_failure(work, next, error).await?;
                next += 1;
            }
            stored = next;
        }
        self.gathered |= gathers && stored < next;
        if gathers || (stored == next && !self.gathered) {
            return Ok(());
        }
        self.store_or_process_singly(work, stored..next).await
    }

    /// Stores what was gathered, if anything was.
    ///
    /// # Errors
    /// With [`Halt::Gathered`] what stands in the way is of one of several works, which are to be taken again one by one.
    pub(crate) async fn settle(&mut self) -> Result<(), Halt> {
        if !self.gathered {
            return Ok(());
        }
        match self.store().await {
            Err(Halt::Rows(_)) => Err(Halt::Gathered),
            stored => stored,
        }
    }

    /// Stores what is in the batch. If something stands in the way, these deliveries are taken again, one by one, so that it is
    /// set aside alone.
    async fn store_or_process_singly(&mut self, work: &Work, range: Range<usize>) -> Result<(), Halt> {
        match self.store().await {
            Err(Halt::Rows(_)) if self.gathered => Err(Halt::Gathered),
            Err(Halt::Rows(_)) => self.process_singly(work, range).await,
            stored => stored,
        }
    }

    /// Hands each over once, and passes by what fails.
    async fn process_once(&mut self, work: &Work) -> Result<(), Halt> {
        for index in 0..work.deliveries.len() {
            if let (Err(error), Some(record)) = (self.attempt(work, index).await?, work.record(index)) {
                let (projection, position) = (self.consumer.name, record.position().get());
                tracing::warn!(projection, position, stream = %record.stream(), %error, "event passed by");
                metrics::failure(projection);
                self.reached(work, index..index + 1);
            }
        }
        self.store().await
    }

    /// Stores what there is to store: how far the lane has come, if nothing else.
    ///
    /// # Errors
    /// With [`Halt::Rows`] what stands in the way is in the batch; taken singly, the rest can be stored.
    pub(crate) async fn store(&mut self) -> Result<(), Halt> {
        let (generation, epoch) = (self.fence.generation, self.fence.epoch.clone());
        let mut batch = RowBatch { generation, epoch, ..RowBatch::default() };
        let advanced = self.marks.advance(&mut batch)?;
        let writes = self.batch.writes().await?;
        batch.rows.extend_from_slice(self.parked.writes());
        if batch.rows.is_empty() && writes.is_empty() {
            return Ok(());
        }
        batch.conditions.extend(writes.unique_conditions(&*self.consumer.rows).await?);
        batch.rows.extend(writes.deletes);
        batch.rows.extend(writes.puts);
        self.consumer.rows.apply(batch).await.map_err(Halt::apply)?;
        self.marks.settle(advanced);
        self.batch.settle(self.consumer.options.rows_kept);
        self.parked.settle();
        self.gathered = false;
        Ok(())
    }

    /// Takes again, one by one, what could not be stored as a whole, so that what stands in the way is set aside alone.
    async fn process_singly(&mut self, work: &Work, range: Range<usize>) -> Result<(), Halt> {
        self.forget().await?;
        for index in range {
            if self.queue_if_parked(work, index)? {
                self.reached(work, index..index + 1);
                self.store().await?;
                continue;
            }
            match self.attempt(work, index).await? {
                Ok(()) => {}
                Err(error) => self.settle_failure(work, index, error).await?,
            }
        }
        Ok(())
    }

    /// Hands one record over and stores what follows; otherwise says why not, and nothing of it is left.
    async fn attempt(&mut self, work: &Work, index: usize) -> Result<Result<(), BoxError>, Halt> {
        let progress = self.hand_over(work, index..index + 1).await?;
        if let Some(error) = progress.failure {
            return Ok(Err(error));
        }
        self.reached(work, index..index + 1);
        match self.store().await {
            Ok(()) => Ok(Ok(())),
            Err(Halt::Rows(error)) => {
                self.forget().await?;
                Ok(Err(error.into()))
            }
            Err(halt) => Err(halt),
        }
    }

    /// Decides about a record that failed, of which nothing is in the batch: it is taken after all, or set aside, or the
    /// consumer halts before it.
    async fn settle_failure(&mut self, work: &Work, index: usize, mut error: BoxError) -> Result<(), Halt> {
        // One before it may have been set aside since it was handed over.
        if self.queue_if_parked(work, index)? {
            self.reached(work, index..index + 1);
            return self.store().await;
        }
        let Some(record) = work.record(index) else { return Ok(()) };
        for attempts in 1.. {
            let (reaction, pause) = self.react(record, attempts, &error);
            match (reaction, self.consumer.options.order) {
                (Reaction::Stop, _) => return Err(Halt::failed(record, attempts, &error)),
                (_, Order::ByKey) => {
                    self.set_aside(record, attempts, &error, pause)?;
                    self.reached(work, index..index + 1);
                    return self.store().await;
                }
                (_, Order::ByLog) => match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(Halt::failed(record, attempts, &error)),
                },
            }
            match self.attempt(work, index).await? {
                Ok(()) => break,
                Err(again) => error = again,
            }
        }
        Ok(())
    }

    /// What is to be done about a failure, and when it is tried again, if it is.
    fn react(&self, record: &Record, attempts: u32, error: &BoxError) -> (Reaction, Option<Duration>) {
        let options = &self.consumer.options;
        let reaction = options.on_failure.react(&Failed { record, attempts, error });
        metrics::failure(self.consumer.name);
        // A record that cannot be read is not read better the next time.
        let again = reaction == Reaction::Retry && !error.is::<annals_core::DecodeError>();
        let pause = options.retry.pause(attempts, record.position().get()).filter(|_| again);
        let (projection, position) = (self.consumer.name, record.position().get());
        let correlation = record.metadata().correlation.as_ref().map(tracing::field::display);
        tracing::warn!(
            projection, position, stream = %record.stream(), correlation, attempts, %error, ?pause, "event not taken in"
        );
        (reaction, pause)
    }

    fn set_aside(
        &mut self,
        record: &Record,
        attempts: u32,
        error: &BoxError,
        pause: Option<Duration>,
    ) -> Result<(), Halt> {
        self.check_room(record)?;
        let key = self.consumer.options.lane_key.key(record);
        self.parked.park(&key, record, &error.to_string(), attempts, pause)?;
        Ok(())
    }

    fn check_room(&self, record: &Record) -> Result<(), Halt> {
        let limit = self.consumer.options.parked_events_max;
        if self.parked.events() < limit {
            return Ok(());
        }
        Err(Halt::TooManyParked { position: record.position(), limit })
    }

    /// Puts records behind those of their keys that are parked, from delivery `next` on, up to the first that is not of a
    /// parked key. Returns which that is.
    fn first_not_parked(&mut self, work: &Work, mut next: usize) -> Result<usize, Halt> {
        while self.queue_if_parked(work, next)? {
            next += 1;
        }
        Ok(next)
    }

    /// Puts a record behind those of its key that are parked, if there are any.
    fn queue_if_parked(&mut self, work: &Work, index: usize) -> Result<bool, Halt> {
        let Some(record) = work.record(index) else { return Ok(false) };
        let Some(id) = self.parked_id(record) else { return Ok(false) };
        self.check_room(record)?;
        self.parked.queue(&id, record.position());
        Ok(true)
    }

    /// The first delivery from `next` on that is of a parked key.
    fn first_parked(&self, work: &Work, next: usize) -> usize {
        let all = work.deliveries.len();
        if self.parked.is_empty() {
            return all;
        }
        let is_parked = |index: &usize| work.record(*index).is_some_and(|record| self.parked_id(record).is_some());
        (next..all).find(is_parked).unwrap_or(all)
    }

    /// The parked key that `record` belongs to.
    fn parked_id(&self, record: &Record) -> Option<ParkedId> {
        if self.parked.is_empty() {
            return None;
        }
        let id = parked::id(record.stream().tenant(), &self.consumer.options.lane_key.key(record));
        self.parked.has(&id).then_some(id)
    }

    /// Hands records over.
    ///
    /// # Errors
    /// That rows could not be read, whatever the handler made of that: it is no fault of the record.
    async fn hand_over(&mut self, work: &Work, range: Range<usize>) -> Result<Progress, Halt> {
        let options = &self.consumer.options;
        let run = Run {
            chunk: &work.chunk,
            columns: &work.columns,
            deliveries: work.deliveries.get(range).unwrap_or_default(),
            subscription: &self.consumer.subscription,
            timeout: options.handler_timeout,
            due: Instant::now() + STORED_AFTER,
            lane_key: (options.lanes.get() > 1).then_some(&options.lane_key),
        };
        let progress = self.handler.run(run, &mut self.batch).await;
        metrics::events(self.consumer.name, progress.taken + usize::from(progress.failure.is_some()));
        match self.batch.take_unread() {
            Some(error) => Err(Halt::Read(error)),
            None => Ok(progress),
        }
    }

    /// Notes that these deliveries are done as soon as the batch is stored.
    fn reached(&mut self, work: &Work, range: Range<usize>) {
        let lane_key = &self.consumer.options.lane_key;
        self.marks.reached(range.rev().filter_map(|index| work.record(index)), lane_key);
    }

    /// Forgets what is in the batch, and what was to be set aside with it.
    async fn forget(&mut self) -> Result<(), Halt> {
        self.batch.forget();
        self.gathered = false;
        self.marks.forget();
        self.parked = Parked::load(&self.consumer, self.number).await?;
        Ok(())
    }
}

impl Work {
    pub(crate) fn record(&self, delivery: usize) -> Option<&Record> {
        self.chunk.records().get(self.deliveries.get(delivery)?.index)
    }
}

impl Consumer {
    /// Whether a lane key belongs to lane `number`.
    pub(crate) fn is_of_lane(&self, key: &crate::KeyBytes, number: usize) -> bool {
        lane_of(key, self.options.lanes) == number
    }
}
