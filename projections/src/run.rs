//! Hands events to a projection, one after the other or several at once.

mod group;

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use annals_core::{DecodeError, Record, Tenant};
use futures::{
    FutureExt,
    future::{BoxFuture, Future},
};
use thiserror::Error;
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    BoxError, Delivered, EventContext, LaneKey, Projection, Subscription,
    chunk::{Chunk, Column},
    rows::{Batch, LaneKeys},
};

pub(crate) use group::Group;

/// A handler that panicked. What it had written was undone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the handler panicked: {message}")]
pub struct HandlerPanic {
    /// What the panic said.
    pub message: String,
}

/// A handler that took too long. What it had written was undone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the handler took longer than {limit:?}")]
pub struct HandlerTimeout {
    /// How long it may take: [`ProjectionOptions::handler_timeout`](crate::ProjectionOptions::handler_timeout).
    pub limit: Duration,
}

/// A record of a chunk that is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery {
    /// Which record of the chunk.
    pub(crate) index: usize,
    /// Which of the subscribed enums it is an event of.
    pub(crate) events: usize,
}

/// Records that are to be handed to a projection.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) chunk: &'a Chunk,
    pub(crate) columns: &'a [Arc<dyn Column>],
    pub(crate) deliveries: &'a [Delivery],
    pub(crate) subscription: &'a Subscription,
    pub(crate) timeout: Duration,
    /// When what was handed over is to be stored.
    pub(crate) due: Instant,
    /// Given where every row has to begin with the lane's key.
    pub(crate) lane_key: Option<&'a LaneKey>,
}

/// How far a run came.
pub(crate) struct Progress {
    /// So many records were taken in, and what they wrote is in the batch.
    pub(crate) taken: usize,
    /// Why the next one was not; without it, the batch is to be stored or the run at its end.
    pub(crate) failure: Option<BoxError>,
}

/// A projection, whatever its type. One boxed future a run, none an event.
pub(crate) trait Handler: Send + Sync {
    fn run<'a>(&'a self, run: Run<'a>, batch: &'a mut Batch) -> BoxFuture<'a, Progress>;
}

impl<P: Projection> Handler for P {
    fn run<'a>(&'a self, run: Run<'a>, batch: &'a mut Batch) -> BoxFuture<'a, Progress> {
        take_all(self, run, batch).boxed()
    }
}

impl<'a> Run<'a> {
    pub(crate) fn record(self, delivery: Delivery) -> Option<&'a Record> {
        self.chunk.records().get(delivery.index)
    }

    /// The events of a record that are wanted.
    pub(crate) fn events(
        self,
        delivery: Delivery,
        record: &'a Record,
    ) -> Result<impl Iterator<Item = Delivered<'a>>, &'a DecodeError> {
        let column = self.columns.get(delivery.events);
        let events = column.map(|column| column.events(delivery.index, record)).transpose()?;
        let count = events.map_or(0, |events| events.count());
        Ok((0..count).filter_map(move |index| {
            let (event, variant) = events?.at(index)?;
            let is_wanted = count == 1 || self.subscription.wants(delivery.events, variant);
            is_wanted.then(|| Delivered::new(event, EventContext::new(record, index)))
        }))
    }
}

/// Behind so many records it is looked at the time, and at how much there is to be stored.
const RECORDS_UNTIMED: usize = 16;

async fn take_all<P: Projection>(projection: &P, run: Run<'_>, batch: &mut Batch) -> Progress {
    let mut tenant: Option<Tenant> = None;
    // What is before `alone` was in a group that failed.
    let (mut taken, mut alone) = (0, 0);
    while let Some(delivery) = run.deliveries.get(taken) {
        let Some(record) = run.record(*delivery) else {
            taken += 1;
            continue;
        };
        if record.stream().tenant() != tenant.as_ref().map(Tenant::as_str) {
            tenant = tenant_of(record);
        }
        let group = if P::BATCH < 2 || taken < alone { None } else { Group::gather(run, taken, P::BATCH) };
        let (records, outcome) = match &group {
            Some(group) => (group.records(), take_group(projection, run, group, &tenant, batch).await),
            None => (1, take(projection, run, *delivery, record, &tenant, batch).await),
        };
        if let Err(failure) = outcome {
            batch.undo(&tenant);
            if group.is_none() || batch.is_unread() {
                return Progress { taken, failure: Some(failure) };
            }
            let (projection, position) = (P::NAME, record.position().get());
            tracing::warn!(projection, position, records, error = %failure, "batch not taken in, its events follow singly");
            alone = taken + records;
            continue;
        }
        taken += records;
        if (group.is_some() || taken.is_multiple_of(RECORDS_UNTIMED)) && (batch.is_full() || Instant::now() >= run.due)
        {
            break;
        }
    }
    Progress { taken, failure: None }
}

/// Whose tables the rows are in that follow from `record`.
pub(crate) fn tenant_of(record: &Record) -> Option<Tenant> {
    // A stream's tenant was checked when the id was made.
    record.stream().tenant().and_then(|tenant| Tenant::new(tenant).ok())
}

/// Hands over all events of one record, one after the other.
async fn take<P: Projection>(
    projection: &P,
    run: Run<'_>,
    delivery: Delivery,
    record: &Record,
    tenant: &Option<Tenant>,
    batch: &mut Batch,
) -> Result<(), BoxError> {
    let lane_key = run.lane_key.map(|lane_key| lane_key.key(record));
    // Begun before anything can fail, so that a failure undoes nothing of the record before.
    let mut rows = batch.begin(tenant, lane_key.as_ref().map(LaneKeys::one));
    for event in run.events(delivery, record).map_err(Clone::clone)? {
        let handling = pin!(projection.handle(event.event(), event.context(), &mut rows));
        guarded(handling, span_of(record), run.timeout).await?;
    }
    Ok(())
}

/// Hands over all events of several records at once.
async fn take_group<P: Projection>(
    projection: &P,
    run: Run<'_>,
    group: &Group<'_>,
    tenant: &Option<Tenant>,
    batch: &mut Batch,
) -> Result<(), BoxError> {
    let mut lane_keys = group.lane_keys(run);
    let mut rows = batch.begin(tenant, lane_keys.as_mut().map(LaneKeys::any_of));
    // Records of the past may hold no event of today.
    let Some((first, last)) = group.positions() else { return Ok(()) };
    let span = tracing::debug_span!("events", first = first.get(), last = last.get(), count = group.events().len());
    let handling = pin!(projection.handle_batch(group.events(), &mut rows));
    guarded(handling, span, run.timeout).await
}

/// What a handler does belongs to this span, for those who trace in detail.
fn span_of(record: &Record) -> tracing::Span {
    let correlation = record.metadata().correlation.as_ref().map(tracing::field::display);
    tracing::debug_span!("event", position = record.position().get(), stream = %record.stream(), correlation)
}

/// Waits for a handler, whatever it does. One that never has to wait costs no timer.
async fn guarded(
    handling: Pin<&mut (impl Future<Output = Result<(), BoxError>> + Send)>,
    span: tracing::Span,
    limit: Duration,
) -> Result<(), BoxError> {
    let handling = AssertUnwindSafe(handling.instrument(span)).catch_unwind();
    let mut handling = pin!(handling);
    let outcome = match futures::poll!(handling.as_mut()) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => tokio::time::timeout(limit, handling).await.map_err(|_| HandlerTimeout { limit })?,
    };
    outcome.unwrap_or_else(|panic| Err(HandlerPanic { message: message(&*panic) }.into()))
}

/// What a panic said.
#[must_use]
pub fn message(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "no message".to_owned(),
    }
}
