//! Figures for whatever recorder the application has installed with the crate `metrics`.
//!
//! Each carries the label `projection`, its name. All but the health are given out after every chunk of the log, so at most once for each
//! commit and at least once for every 4,096 positions.

use annals_core::{Position, Timestamp};
use metrics::{counter, gauge};

use crate::{Level, Status, status::to_f64};

/// A gauge: up to which position everything was taken in or set aside.
pub const POSITION: &str = "annals_projection_position";
/// A gauge: how many positions it is behind the log.
pub const LAG_POSITIONS: &str = "annals_projection_lag_positions";
/// A gauge: how many seconds ago the latest event was recorded that it took in, 0 when there is none behind it.
pub const LAG_SECONDS: &str = "annals_projection_lag_seconds";
/// A counter: events that it was handed, each attempt counted.
pub const EVENTS: &str = "annals_projection_events_total";
/// A counter: attempts that failed.
pub const FAILURES: &str = "annals_projection_failures_total";
/// A gauge: keys that wait for an operator.
pub const PARKED_KEYS: &str = "annals_projection_parked_keys";
/// A gauge: events that are set aside, of those keys and of keys that will be tried again.
pub const PARKED_EVENTS: &str = "annals_projection_parked_events";
/// A gauge: its [`Health`](crate::Health): 0 healthy, 1 a warning, 2 critical. Given out when it is looked at: whenever its
/// status changes, at most ten times a second, and once a second while it is behind.
pub const HEALTH: &str = "annals_projection_health";
/// A counter: how often it was started again after something went wrong.
pub const RESTARTS: &str = "annals_projection_restarts_total";

pub(crate) fn status(status: &Status, head: Position) {
    let lag = status.lag(head, Timestamp::now());
    let count = |number: usize| to_f64(u64::try_from(number).unwrap_or(u64::MAX));
    gauge!(POSITION, "projection" => status.projection).set(to_f64(status.position.get()));
    gauge!(LAG_POSITIONS, "projection" => status.projection).set(to_f64(lag.positions));
    gauge!(LAG_SECONDS, "projection" => status.projection).set(lag.time.as_secs_f64());
    gauge!(PARKED_KEYS, "projection" => status.projection).set(count(status.parked_keys));
    gauge!(PARKED_EVENTS, "projection" => status.projection).set(count(status.parked_events));
}

pub(crate) fn health(projection: &'static str, level: Level) {
    gauge!(HEALTH, "projection" => projection).set(level.figure());
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
    use std::sync::{Arc, Mutex, atomic::AtomicU64};

    use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

    use super::*;

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
    fn health_is_a_gauge_of_its_level() {
        for (level, figure) in [(Level::Healthy, 0.0), (Level::Warning, 1.0), (Level::Critical, 2.0)] {
            let gauges = Gauges::default();
            metrics::with_local_recorder(&gauges, || health("balances", level));
            let found = gauges.0.lock().unwrap();
            let [(name, gauge)] = found.as_slice() else { panic!("one gauge") };
            assert_eq!(name, "annals_projection_health projection=balances");
            assert_eq!(f64::from_bits(gauge.load(std::sync::atomic::Ordering::Relaxed)), figure);
        }
    }
}
