//! How a projection is run.

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use annals_core::{AggregateId, Record};

use crate::{BoxError, KeyBytes, RowKey, Thresholds};

/// How a projection is run. Everything has a default that is safe.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProjectionOptions {
    /// How many workers take events at once; 1 by default. With more of them each key belongs to one, and every table has to be
    /// keyed by the lane's key ([`Row::KEYED_BY_LANE`](crate::Row::KEYED_BY_LANE)).
    pub lanes: NonZeroUsize,
    /// What events have in common that are taken one after the other, and set aside together when one of them fails; the stream
    /// by default.
    pub lane_key: LaneKey,
    /// In which order events are taken, which is also what waits for an event that fails.
    pub order: Order,
    /// How often an event is taken in when something goes wrong; exactly once by default.
    pub delivery: Delivery,
    /// How often and when an event is tried again whose handler failed.
    pub retry: Retry,
    /// What is done about a failure, asked before each further attempt; by default it is tried again.
    pub on_failure: OnFailure,
    /// How long a handler may take for one event before it counts as failed; 30 s by default.
    pub handler_timeout: Duration,
    /// How many rows are kept in memory beside those that are to be written, so that they need not be read again; 65,536 by
    /// default.
    pub rows_kept: usize,
    /// How many events may be set aside before the projection stops instead of setting aside another one; 100,000 by default.
    pub parked_events_max: usize,
    /// How many events that were set aside once are remembered, with what became of them; 1,000 by default, the latest.
    pub parked_history_max: usize,
    /// From when on something is a concern that is told of: see [`Health`](crate::Health).
    pub thresholds: Thresholds,
    /// Whether rows are kept in memory alone. They are then computed from the whole log at each start; false by default.
    pub in_memory: bool,
}

/// In which order events are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Those of one key in the order of the log. An event that fails is set aside, with those of its key that come behind it;
    /// all others go on.
    #[default]
    ByKey,
    /// All in the order of the log. Behind an event that fails all others wait, and the projection stops when its attempts
    /// are used up.
    ByLog,
}

/// How often an event is taken in when something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Rows hold every event exactly once: they are stored together with the fact that it was seen. What a handler does elsewhere
    /// is done at least once: again, when its rows could not be stored.
    #[default]
    ExactlyOnce,
    /// No event is handed over twice, also when its handler failed, the process died, or the rows are lost: that it was seen is
    /// in the log before it is handed over. An event that fails is passed by, with a warning and a [failure
    /// counted](crate::metrics::FAILURES); [`retry`](ProjectionOptions::retry) and
    /// [`on_failure`](ProjectionOptions::on_failure) have no say. When the process dies, up to 64 events are passed by that were
    /// not handed over yet. Nothing is computed anew: a new version of the code begins with empty rows where the one before was.
    AtMostOnce,
}

/// How often and when an event is tried again: after `first`, then twice as long each time, at most `max`, each time up to a
/// half longer, so that not everything is tried again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often it is tried at most, the first time included; 5 by default, at least 1.
    pub attempts: u32,
    /// The first pause; 100 ms by default.
    pub first: Duration,
    /// The longest pause; 30 s by default.
    pub max: Duration,
}

/// What is done about an event whose handler failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Try again while attempts are left, then [`Park`](Self::Park).
    Retry,
    /// Set it aside at once, and the events of its key behind it, until an operator replays or discards them. With
    /// [`Order::ByLog`] the projection stops instead.
    Park,
    /// Stop the projection before this event.
    Stop,
}

/// An attempt to take an event that failed.
#[derive(Debug)]
pub struct Failed<'a> {
    /// The record.
    pub record: &'a Record,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed: what the handler returned; a [`HandlerPanic`](crate::HandlerPanic), a
    /// [`HandlerTimeout`](crate::HandlerTimeout), a [`DecodeError`](annals_core::DecodeError).
    pub error: &'a BoxError,
}

/// What is done about failures: a function of the failure.
#[derive(Clone)]
pub struct OnFailure(Arc<dyn Fn(&Failed<'_>) -> Reaction + Send + Sync>);

/// What events have in common that are taken one after the other. A function of the record.
#[derive(Clone)]
pub struct LaneKey(Arc<dyn Fn(&Record) -> KeyBytes + Send + Sync>);

impl Default for ProjectionOptions {
    fn default() -> Self {
        Self {
            lanes: NonZeroUsize::MIN,
            lane_key: LaneKey::stream(),
            order: Order::ByKey,
            delivery: Delivery::ExactlyOnce,
            retry: Retry::default(),
            on_failure: OnFailure::new(|_| Reaction::Retry),
            handler_timeout: Duration::from_secs(30),
            rows_kept: 65_536,
            parked_events_max: 100_000,
            parked_history_max: 1_000,
            thresholds: Thresholds::default(),
            in_memory: false,
        }
    }
}

impl ProjectionOptions {
    /// The same in so many lanes; none counts as one.
    #[must_use]
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.lanes = NonZeroUsize::new(lanes).unwrap_or(NonZeroUsize::MIN);
        self
    }

    /// The same with another lane key.
    #[must_use]
    pub fn lane_key(mut self, lane_key: LaneKey) -> Self {
        self.lane_key = lane_key;
        self
    }

    /// The same in another order.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// The same with another answer to what goes wrong.
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// The same with other attempts.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The same with another reaction to failures.
    #[must_use]
    pub fn on_failure(mut self, react: impl Fn(&Failed<'_>) -> Reaction + Send + Sync + 'static) -> Self {
        self.on_failure = OnFailure::new(react);
        self
    }

    /// The same with another limit to how long a handler may take for one event.
    #[must_use]
    pub fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.handler_timeout = timeout;
        self
    }

    /// The same with other thresholds of what is a concern.
    #[must_use]
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// The same with another limit to how many events are remembered that were set aside once; 0 remembers none.
    #[must_use]
    pub fn parked_history_max(mut self, events: usize) -> Self {
        self.parked_history_max = events;
        self
    }

    /// The same with rows in memory alone.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.in_memory = true;
        self
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 5, first: Duration::from_millis(100), max: Duration::from_secs(30) }
    }
}

impl Retry {
    /// No second attempt.
    #[must_use]
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// The pause before another attempt, when there were `attempts`; `None` when no more are left. `seed` spreads those that
    /// failed at the same time.
    #[must_use]
    pub fn pause(&self, attempts: u32, seed: u64) -> Option<Duration> {
        if attempts >= self.attempts.max(1) {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << attempts.saturating_sub(1).min(31));
        let pause = doubled.min(self.max);
        let spread = f64::from(u16::try_from(seed % 1000).unwrap_or_default()) / 2000.0;
        Some(pause.mul_f64(1.0 + spread).min(self.max))
    }
}

impl OnFailure {
    /// Does what `react` says.
    pub fn new(react: impl Fn(&Failed<'_>) -> Reaction + Send + Sync + 'static) -> Self {
        Self(Arc::new(react))
    }

    pub(crate) fn react(&self, failed: &Failed<'_>) -> Reaction {
        (self.0)(failed)
    }
}

impl LaneKey {
    /// The key of the stream: what an aggregate's id is as text. Rows that are keyed by it begin with a text.
    #[must_use]
    pub fn stream() -> Self {
        Self(Arc::new(|record| KeyBytes::of(record.stream().key())))
    }

    /// The id of the aggregate as a key of rows: for ids that are numbers. A stream whose key is no such id is taken by its text.
    #[must_use]
    pub fn id<I: AggregateId + RowKey>() -> Self {
        Self(Arc::new(|record| match I::from_key(record.stream().key()) {
            Some(id) => KeyBytes::of(&id),
            None => KeyBytes::of(record.stream().key()),
        }))
    }

    /// Any function of the record: it has to give the same key for the same record, for ever.
    pub fn of<K: RowKey>(key: impl Fn(&Record) -> K + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |record| KeyBytes::of(&key(record))))
    }

    pub(crate) fn key(&self, record: &Record) -> KeyBytes {
        (self.0)(record)
    }
}

impl fmt::Debug for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnFailure(..)")
    }
}

impl fmt::Debug for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LaneKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let retry = Retry { attempts: 12, ..Retry::default() };
        let pauses: Vec<_> = (1..12).map(|attempts| retry.pause(attempts, 0).unwrap().as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        assert_eq!(retry.pause(12, 0), None);
        assert_eq!(Retry::never().pause(1, 0), None);
        assert_eq!(retry.pause(1, 999).unwrap().as_millis(), 149);
    }
}
