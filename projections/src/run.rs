//! Hands events to a projection, one after the other.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, task::Poll, time::Duration};

use annals_core::{Record, Tenant};
use futures::{
    FutureExt,
    future::{BoxFuture, Future},
};
use thiserror::Error;
use tracing::Instrument;

use crate::{
    BoxError, EventContext, LaneKey, Projection, Subscription,
    chunk::{Chunk, Column},
    rows::Batch,
};

/// A handler that panicked. What it had written for its event was undone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the handler panicked: {message}")]
pub struct HandlerPanic {
    /// What the panic said.
    pub message: String,
}

/// A handler that took too long. What it had written for its event was undone.
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
    /// Given where every row has to begin with the lane's key.
    pub(crate) lane_key: Option<&'a LaneKey>,
}

/// How far a run came.
pub(crate) struct Progress {
    /// So many records were taken in, and what they wrote is in the batch.
    pub(crate) taken: usize,
    /// Why the next one was not; without it, the batch is full or the run at its end.
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

async fn take_all<P: Projection>(projection: &P, run: Run<'_>, batch: &mut Batch) -> Progress {
    let mut tenant: Option<Tenant> = None;
    for (taken, delivery) in run.deliveries.iter().enumerate() {
        let Some(record) = run.chunk.records().get(delivery.index) else { continue };
        if record.stream.tenant() != tenant.as_ref().map(Tenant::as_str) {
            // A stream's tenant was checked when the id was made.
            tenant = record.stream.tenant().and_then(|tenant| Tenant::new(tenant).ok());
        }
        if let Err(failure) = take(projection, run, *delivery, record, &tenant, batch).await {
            batch.undo(&tenant);
            return Progress { taken, failure: Some(failure) };
        }
        if batch.is_full() {
            return Progress { taken: taken + 1, failure: None };
        }
    }
    Progress { taken: run.deliveries.len(), failure: None }
}

/// Hands over all events of one record.
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
    let mut rows = batch.begin(tenant, lane_key.as_ref());
    let Some(column) = run.columns.get(delivery.events) else { return Ok(()) };
    let events = column.events(delivery.index, record).map_err(Clone::clone)?;
    let count = events.count();
    for index in 0..count {
        let Some((event, variant)) = events.at(index) else { break };
        if count > 1 && !run.subscription.wants(delivery.events, variant) {
            continue;
        }
        let context = EventContext::new(record, index);
        let handling = projection.handle(event, &context, &mut rows);
        guarded(handling.instrument(span_of(record)), run.timeout).await?;
    }
    Ok(())
}

/// What a handler does belongs to this span, for those who trace in detail.
fn span_of(record: &Record) -> tracing::Span {
    let correlation = record.metadata.correlation.as_ref().map(tracing::field::display);
    tracing::debug_span!("event", position = record.position.get(), stream = %record.stream, correlation)
}

/// Waits for a handler, whatever it does. One that never has to wait costs no timer.
async fn guarded(handling: impl Future<Output = Result<(), BoxError>> + Send, limit: Duration) -> Result<(), BoxError> {
    let handling = AssertUnwindSafe(handling).catch_unwind();
    let mut handling = std::pin::pin!(handling);
    let outcome = match futures::poll!(handling.as_mut()) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => tokio::time::timeout(limit, handling).await.map_err(|_| HandlerTimeout { limit })?,
    };
    outcome.unwrap_or_else(|panic| Err(HandlerPanic { message: message(&*panic) }.into()))
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "no message".to_owned(),
    }
}
