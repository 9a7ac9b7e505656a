//! Who reads a feed, so that those who are near each other stay together.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use annals_core::Position;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// Who has come so far ahead of others waits for them, so that they find what was read for it.
pub(super) const POSITIONS_AHEAD_MAX: u64 = 6 * super::CHUNK_POSITIONS;

/// Whoever keeps others waiting for so long is not waited for any more until it has come near again: what keeps it may
/// last, and is no matter of theirs.
const PATIENCE: Duration = Duration::from_secs(1);

/// Everybody who reads a feed.
#[derive(Default)]
pub(super) struct Members {
    places: Mutex<Places>,
    /// Somebody has gone on, or away.
    moved: Notify,
}

#[derive(Default)]
struct Places {
    latest: u64,
    all: BTreeMap<u64, Place>,
}

struct Place {
    position: Position,
    /// Others wait for it.
    is_with_others: bool,
}

/// One who reads a feed. Dropped, it does so no more.
pub(crate) struct Member {
    number: u64,
    members: Arc<Members>,
}

impl Members {
    pub(super) fn join(self: &Arc<Self>, position: Position) -> Member {
        let number = {
            let mut places = self.places();
            places.latest += 1;
            let number = places.latest;
            places.set(number, position);
            number
        };
        Member { number, members: Arc::clone(self) }
    }

    /// Where the last of them is.
    pub(super) fn least(&self) -> Option<Position> {
        self.places().all.values().map(|place| place.position).min()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn set(&mut self, number: u64, position: Position) {
        let first = self.all.values().map(|place| place.position).max().unwrap_or(position);
        let is_with_others = first.get().saturating_sub(position.get()) <= POSITIONS_AHEAD_MAX;
        self.all.insert(number, Place { position, is_with_others });
    }

    /// Those who are waited for and have not come to `position`, without `number`.
    fn before(&mut self, position: u64, number: u64) -> impl Iterator<Item = &mut Place> {
        let others = self.all.iter_mut().filter(move |(other, _)| **other != number).map(|(_, place)| place);
        others.filter(move |place| place.is_with_others && place.position.get() < position)
    }
}

impl Member {
    /// Notes that everything up to `position` is taken in.
    pub(super) fn is_at(&self, position: Position) {
        self.members.places().set(self.number, position);
        self.members.moved.notify_waiters();
    }

    /// Waits until the others are not far behind `position`, or keep it waiting for too long.
    pub(super) async fn wait_for_others(&self, position: Position) {
        let least = position.get().saturating_sub(POSITIONS_AHEAD_MAX);
        let mut until = None;
        loop {
            let mut moved = std::pin::pin!(self.members.moved.notified());
            // From now on it is told of everyone who moves.
            moved.as_mut().enable();
            if self.members.places().before(least, self.number).next().is_none() {
                return;
            }
            let until = *until.get_or_insert_with(|| Instant::now() + PATIENCE);
            if timeout_at(until, moved).await.is_err() {
                self.members.places().before(least, self.number).for_each(|place| place.is_with_others = false);
                return;
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.members.places().all.remove(&self.number);
        self.members.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: u64) -> Position {
        Position::new(position).unwrap()
    }

    async fn waits(member: &Member, position: u64) -> Duration {
        let begin = Instant::now();
        member.wait_for_others(at(position)).await;
        // Timers go by milliseconds.
        Duration::from_millis(u64::try_from(begin.elapsed().as_millis()).unwrap())
    }

    const FAR: u64 = POSITIONS_AHEAD_MAX + 1;

    #[tokio::test(start_paused = true)]
    async fn who_is_ahead_waits_for_those_who_are_near() {
        let members = Arc::<Members>::default();
        let (first, second) = (members.join(at(0)), members.join(at(0)));
        assert_eq!(waits(&first, FAR - 1).await, Duration::ZERO);
        let (waited, ()) = tokio::join!(waits(&first, FAR), async {
            tokio::time::advance(PATIENCE / 2).await;
            second.is_at(at(1));
        });
        assert_eq!(waited, PATIENCE / 2, "until the other one has come nearer");
        let (waited, ()) = tokio::join!(waits(&first, 2 * FAR), async {
            tokio::time::advance(PATIENCE / 2).await;
            drop(second);
        });
        assert_eq!(waited, PATIENCE / 2, "or is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn who_keeps_others_waiting_is_waited_for_once() {
        let members = Arc::<Members>::default();
        let (first, slow) = (members.join(at(0)), members.join(at(0)));
        assert_eq!(waits(&first, FAR).await, PATIENCE);
        first.is_at(at(FAR));
        assert_eq!(waits(&first, 2 * FAR).await, Duration::ZERO);
        first.is_at(at(2 * FAR));
        slow.is_at(at(FAR - 1));
        assert_eq!(waits(&first, 3 * FAR).await, Duration::ZERO, "it is still far");
        slow.is_at(at(FAR));
        let (waited, ()) = tokio::join!(waits(&first, 3 * FAR), async { slow.is_at(at(2 * FAR)) });
        assert_eq!(waited, Duration::ZERO);
        assert_eq!(waits(&first, 4 * FAR).await, PATIENCE, "it had come near, and is waited for again");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_one_who_begins_far_behind() {
        let members = Arc::<Members>::default();
        let (first, _behind) = (members.join(at(10 * FAR)), members.join(at(0)));
        assert_eq!(waits(&first, 20 * FAR).await, Duration::ZERO);
    }
}
