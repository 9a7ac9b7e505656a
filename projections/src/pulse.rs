//! What shows that a consumer is alive, and since when it is behind.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_core::{Position, Timestamp};
use tokio::time::Instant;

/// What shows that a consumer is alive: it counts what it does, and whoever looks sees whether that goes on.
///
/// A position alone would not show it: it moves when a whole chunk of the log is done, and some handlers take long.
#[derive(Debug, Default)]
pub struct Pulse {
    beats: Beats,
    seen: Mutex<Seen>,
}

/// Counts what is done. A clone counts on.
#[derive(Debug, Clone, Default)]
pub struct Beats(Arc<AtomicU64>);

/// What was seen when somebody looked last.
#[derive(Debug, Default)]
struct Seen {
    /// How far it was, if there was something to do.
    mark: Option<Mark>,
    /// When that was seen first.
    since: Option<Instant>,
    /// When an event was recorded that it had not taken in at that time.
    recorded: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    beats: u64,
    position: Position,
}

impl Beats {
    /// Notes that something is done: a handler that hangs is the last for long.
    pub fn beat(&self) {
        // Where two lanes do this at once, one of the two is lost, and the number is another one all the same.
        let beats = self.0.load(Ordering::Relaxed);
        self.0.store(beats.wrapping_add(1), Ordering::Relaxed);
    }
}

impl Clone for Pulse {
    /// That of another consumer, of which nothing is known yet.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Pulse {
    /// What counts for it.
    pub fn beats(&self) -> Beats {
        self.beats.clone()
    }

    /// How long nothing has been done although there is something to do, as far as somebody has looked: a look sees what
    /// happened since the one before, not when. It is at `position` of a log that ends at `head`.
    pub fn look(&self, position: Position, is_at_work: bool, head: Position, now: Instant) -> Duration {
        let is_behind = position < head;
        let mark = Mark { beats: self.beats.0.load(Ordering::Relaxed), position };
        let mark = (is_behind && is_at_work).then_some(mark);
        let mut seen = self.seen();
        if !is_behind {
            seen.recorded = None;
        }
        if mark.is_none() || mark != seen.mark {
            (seen.mark, seen.since) = (mark, Some(now));
        }
        seen.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Notes that the first event that is not taken in was recorded at `recorded`.
    pub fn note_first(&self, recorded: Timestamp) {
        self.seen().recorded = Some(recorded);
    }

    /// How long ago the first event was recorded that is not taken in, as far as that was noted. What was taken in last was
    /// recorded at `taken_in`.
    pub fn late(&self, taken_in: Option<Timestamp>, now: Timestamp) -> Duration {
        let Some(noted) = self.seen().recorded else { return Duration::ZERO };
        // What was taken in since was recorded before what was not.
        let recorded = taken_in.map_or(noted, |recorded| recorded.max(noted));
        let micros = now.as_micros().saturating_sub(recorded.as_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    fn at(position: u64) -> Position {
        Position::new(position).unwrap()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// What was seen long ago, when there was nothing to do, counts for nothing.
    #[test]
    fn only_time_with_something_to_do_counts() {
        let (pulse, begin) = (Pulse::default(), Instant::now());
        let look = |state, position, head, after| {
            pulse.look(at(position), State::is_at_work(&state), at(head), begin + seconds(after))
        };
        assert_eq!(look(State::Live, 5, 5, 0), seconds(0));
        assert_eq!(look(State::Live, 5, 6, 1000), seconds(0));
        assert_eq!(look(State::Live, 5, 7, 1030), seconds(30));
        pulse.beats().beat();
        assert_eq!(look(State::CatchingUp, 5, 7, 1060), seconds(0), "something was done");
        assert_eq!(look(State::CatchingUp, 5, 7, 1070), seconds(10));
        assert_eq!(look(State::CatchingUp, 6, 7, 1080), seconds(0), "it has come further");
        assert_eq!(look(State::Paused, 6, 7, 2000), seconds(0));
        assert_eq!(look(State::Paused, 6, 7, 3000), seconds(0), "it should do nothing");
        assert_eq!(look(State::Starting, 6, 7, 3001), seconds(0));
        assert_eq!(look(State::Starting, 6, 7, 3002), seconds(1));
    }

    #[test]
    fn how_late_it_is_follows_from_what_is_not_taken_in() {
        let time = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000).unwrap();
        let pulse = Pulse::default();
        let mut taken_in = Some(time(50));
        assert_eq!(pulse.late(taken_in, time(1000)), seconds(0), "nobody has asked yet");
        pulse.note_first(time(100));
        assert_eq!(pulse.late(taken_in, time(1000)), seconds(900));
        // It has taken in what was noted, and others.
        taken_in = Some(time(400));
        pulse.look(at(9), true, at(10), Instant::now());
        assert_eq!(pulse.late(taken_in, time(1000)), seconds(600));
        pulse.look(at(9), true, at(9), Instant::now());
        assert_eq!(pulse.late(taken_in, time(2000)), seconds(0), "it has seen everything");
    }
}
