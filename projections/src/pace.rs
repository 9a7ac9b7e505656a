//! How fast a consumer goes.

use std::time::Duration;

use annals_core::{Position, Timestamp};
use tokio::time::Instant;

use crate::status::to_f64;

/// A rate is measured over at least so long.
const LEAST: Duration = Duration::from_millis(200);

/// When nothing has come for so long, the rate is that of nothing.
const CALM: Duration = Duration::from_secs(1);

/// How fast a consumer goes, and what it took in last.
pub(crate) struct Pace {
    /// When it was measured last, and where the consumer was.
    at: Instant,
    position: Position,
    rate: f64,
    /// When the latest record was recorded that it took in.
    pub(crate) recorded: Option<Timestamp>,
}

impl Pace {
    /// That of a consumer that begins behind `position`.
    pub(crate) fn new(position: Position) -> Self {
        Self { at: Instant::now(), position, rate: 0.0, recorded: None }
    }

    /// Notes that there is something to do behind `position`. The time in which there was nothing does not count.
    pub(crate) fn begin(&mut self, position: Position) {
        if self.is_calm(position) {
            self.at = Instant::now();
        }
    }

    /// How many positions it goes through a second, now that it is at `position`.
    pub(crate) fn measure(&mut self, position: Position) -> f64 {
        let now = Instant::now();
        let time = now.duration_since(self.at);
        if time >= LEAST {
            let went = position.get().saturating_sub(self.position.get());
            (self.at, self.position, self.rate) = (now, position, to_f64(went) / time.as_secs_f64());
        }
        self.rate
    }

    /// When it is to be measured again if nothing comes. Never, once that has been seen.
    pub(crate) fn due(&self, position: Position) -> Option<Instant> {
        (!self.is_calm(position)).then(|| self.at + CALM)
    }

    /// Whether nothing has come for so long that the rate is 0.
    fn is_calm(&self, position: Position) -> bool {
        self.rate <= 0.0 && position == self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: u64) -> Position {
        Position::new(position).unwrap()
    }

    async fn pass(millis: u64) {
        tokio::time::advance(Duration::from_millis(millis)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_goes_down_to_nothing_and_is_measured_no_more() {
        let mut pace = Pace::new(at(5));
        assert_eq!(pace.due(at(5)), None, "nothing has come");
        pass(3_600_000).await;
        pace.begin(at(5));
        pass(100).await;
        assert_eq!(pace.measure(at(105)), 0.0, "too short to be measured");
        pass(100).await;
        assert_eq!(pace.measure(at(205)), 1000.0, "the hour before does not count");
        pass(50).await;
        assert_eq!(pace.measure(at(255)), 1000.0);
        // Nothing more comes.
        for rate in [50.0, 0.0] {
            let due = pace.due(at(255)).unwrap();
            assert_eq!(due.duration_since(pace.at), CALM);
            pass(u64::try_from(due.duration_since(Instant::now()).as_millis()).unwrap()).await;
            assert_eq!(pace.measure(at(255)), rate);
        }
        assert_eq!(pace.due(at(255)), None, "idle, it costs no timer");
    }
}
