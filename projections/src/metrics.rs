//! Figures for whatever recorder the application has installed with the crate `metrics`.
//!
//! Each carries the label `projection`, its name. Gauges are of the rows that are read. They are given out when it is looked at:
//! whenever its status changes, at most ten times a second, and once a second while it is behind. Counters count what is computed
//! beside, too.

use metrics::{counter, gauge};

use crate::{Lag, Level, Status, status::to_f64};

/// A gauge: up to which position everything was taken in or set aside.
pub const POSITION: &str = "annals_projection_position";
/// A gauge: how many positions it is behind the log.
pub const LAG_POSITIONS: &str = "annals_projection_lag_positions";
/// A gauge: how many seconds ago the first event was recorded that it has not taken in, 0 when there is none.
pub const LAG_SECONDS: &str = "annals_projection_lag_seconds";
/// A counter: events that it was handed, each attempt counted.
pub const EVENTS: &str = "annals_projection_events_total";
/// A counter: attempts that failed.
pub const FAILURES: &str = "annals_projection_failures_total";
/// A gauge: keys that wait for an operator.
pub const PARKED_KEYS: &str = "annals_projection_parked_keys";
/// A gauge: events that are set aside, of those keys and of keys that will be tried again.
pub const PARKED_EVENTS: &str = "annals_projection_parked_events";
/// A gauge: its [`Health`](crate::Health), that of a [`Shadow`](crate::Shadow) included: 0 healthy, 1 a warning, 2 critical.
pub const HEALTH: &str = "annals_projection_health";
/// A counter: how often it was started again after something went wrong.
pub const RESTARTS: &str = "annals_projection_restarts_total";

pub(crate) fn seen(status: &Status, lag: &Lag, health: Level) {
    let count = |number: usize| to_f64(u64::try_from(number).unwrap_or(u64::MAX));
    gauge!(POSITION, "projection" => status.projection).set(to_f64(status.position.get()));
    gauge!(LAG_POSITIONS, "projection" => status.projection).set(to_f64(lag.positions));
    gauge!(LAG_SECONDS, "projection" => status.projection).set(lag.time.as_secs_f64());
    gauge!(PARKED_KEYS, "projection" => status.projection).set(count(status.parked_keys));
    gauge!(PARKED_EVENTS, "projection" => status.projection).set(count(status.parked_events));
    gauge!(HEALTH, "projection" => status.projection).set(health.figure());
}

pub(crate) fn events(projection: &'static str, count: usize) {
    counter!(EVENTS, "projection" => projection).increment(u64::try_from(count).unwrap_or(0));
}

pub(crate) fn failure(projection: &'static str) {
    counter!(FAILURES, "projection" => projection).increment(1);
}

pub(crate) fn restart(projection: &'static str) {
    counter!(RESTARTS, "projection" => projection).increment(1);
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex, atomic::AtomicU64},
        time::Duration,
    };

    use annals_core::Position;
    use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

    use super::*;
    use crate::{checkpoint::Checkpoint, status::Board};

    /// Keeps gauges.
    #[derive(Default)]
    struct Gauges(Mutex<Vec<(String, Arc<AtomicU64>)>>);

    impl Recorder for Gauges {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }
        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let gauge = Arc::<AtomicU64>::default();
            self.0.lock().unwrap().push((format!("{} {}", key.name(), labels.join(",")), Arc::clone(&gauge)));
            Gauge::from_arc(gauge)
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn what_was_seen_is_given_out_as_gauges() {
        let position = Position::new(7).unwrap();
        let mut status = Board::new("balances", 1, Checkpoint { position, ..Checkpoint::default() }).now();
        (status.parked_keys, status.parked_events) = (1, 3);
        let lag = Lag { positions: 4, time: Duration::from_secs(90), eta: None };
        for (level, figure) in [(Level::Healthy, 0.0), (Level::Warning, 1.0), (Level::Critical, 2.0)] {
            let gauges = Gauges::default();
            metrics::with_local_recorder(&gauges, || seen(&status, &lag, level));
            let found = gauges.0.lock().unwrap();
            let found = found.iter().map(|(name, gauge)| {
                let name =
                    name.strip_prefix("annals_projection_").unwrap().strip_suffix(" projection=balances").unwrap();
                (name, f64::from_bits(gauge.load(std::sync::atomic::Ordering::Relaxed)))
            });
            let expected = [("position", 7.0), ("lag_positions", 4.0), ("lag_seconds", 90.0), ("parked_keys", 1.0)];
            let expected = expected.into_iter().chain([("parked_events", 3.0), ("health", figure)]);
            assert!(found.eq(expected));
        }
    }
}
