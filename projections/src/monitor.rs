//! Looks at all consumers of one kind, and tells when something is the matter with one.

use std::{
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use annals_core::{Head, Position, ReadLog, Store, Timestamp, async_trait};
use futures::{FutureExt, StreamExt, future::select_all};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    Health,
    alarm::{AlarmHook, Raised},
    pulse::Pulse,
};

/// How often those that are behind are looked at although nothing changes: only the clock says then that something is the
/// matter.
const TICK: Duration = Duration::from_secs(1);

/// The pause behind each look, however much changes.
const REST: Duration = Duration::from_millis(100);

/// A consumer, as it is looked at. It is kept from ending by nobody who looks.
#[async_trait]
pub trait Watched: Send {
    /// Looks at it; none when nothing will come of it any more.
    async fn look(&mut self) -> Option<Look>;

    /// Resolves when something about it has changed since it was looked at. Dropped, nothing is lost.
    async fn changed(&mut self);
}

/// What a look at a consumer has shown.
#[derive(Debug)]
pub struct Look {
    /// Its health.
    pub health: Health,
    /// What that would be if the thresholds of lag were [lower](crate::Thresholds::eased).
    pub eased: Health,
    /// Whether there is something that it has not done: it is looked at again although nothing changes.
    pub is_behind: bool,
    /// Whether nothing will come of it any more.
    pub is_last: bool,
}

/// The task that looks at all consumers of one kind of an application. It keeps none of them, nor their store, from ending, and
/// costs nothing while nothing comes.
pub struct Monitor {
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Asks the log since when a consumer is behind.
#[derive(Debug, Default)]
pub struct Lateness {
    /// When the log is to be asked next.
    due: Option<Instant>,
}

impl Monitor {
    /// Begins to look at `all`, which read one log, whose end is `head`.
    #[must_use]
    pub fn begin(all: Vec<Box<dyn Watched>>, hook: AlarmHook, head: watch::Receiver<Head>) -> Self {
        let subjects: Vec<_> = all.into_iter().map(|watched| (watched, Raised::default())).collect();
        let task = (!subjects.is_empty()).then(|| tokio::spawn(look_at_all(subjects, hook, head)));
        Self { task: Mutex::new(task) }
    }

    /// Ends it, and waits until it has ended.
    pub async fn end(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            // It was told to end, and has nothing to say.
            drop(task.await);
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

async fn look_at_all(mut subjects: Vec<(Box<dyn Watched>, Raised)>, hook: AlarmHook, mut head: watch::Receiver<Head>) {
    let mut is_open = true;
    loop {
        // The head is marked as seen first, so that a commit during the look wakes the next one.
        head.mark_unchanged();
        let next = Instant::now() + TICK;
        let (mut left, mut is_behind) = (Vec::new(), false);
        for (mut watched, mut raised) in subjects {
            // Whatever takes in figures may panic, and the others are to be looked at all the same.
            let look = AssertUnwindSafe(watched.look()).catch_unwind().await;
            let is_last = match look {
                Ok(Some(look)) => {
                    for alarm in raised.update(&look.health, &look.eased) {
                        hook.tell(&alarm);
                    }
                    is_behind |= look.is_behind;
                    look.is_last
                }
                Ok(None) => true,
                Err(_) => false,
            };
            if !is_last {
                left.push((watched, raised));
            }
        }
        subjects = left;
        if subjects.is_empty() {
            return;
        }
        sleep(REST).await;
        let any = select_all(subjects.iter_mut().map(|(watched, _)| watched.changed()));
        tokio::select! {
            _ = any => {}
            changed = head.changed(), if is_open && !is_behind => is_open = changed.is_ok(),
            () = sleep_until(next), if is_behind => {}
        }
    }
}

impl Lateness {
    /// Lets `pulse` know, now and then, when the first event behind `position` was recorded.
    pub async fn note(&mut self, log: &dyn Store, position: Position, pulse: &Pulse) {
        let is_behind = position < log.head().borrow().position;
        if self.is_due(is_behind)
            && let Some(recorded) = recorded_behind(log, position).await
        {
            pulse.note_first(recorded);
        }
    }

    /// Whether it has been behind since a while ago: of most that come, nobody need ask when.
    fn is_due(&mut self, is_behind: bool) -> bool {
        let now = Instant::now();
        let is_due = is_behind && self.due.is_some_and(|due| due <= now);
        self.due = is_behind.then(|| self.due.filter(|due| *due > now).unwrap_or(now + TICK));
        is_due
    }
}

/// When the event behind `position` was recorded. A log that cannot say so now is asked again later.
async fn recorded_behind(log: &dyn Store, position: Position) -> Option<Timestamp> {
    let mut records = log.read_log(ReadLog::all().after(position).limit(1));
    let read = AssertUnwindSafe(records.next()).catch_unwind();
    let record = timeout(TICK, read).await.ok()?.ok()??.ok()?;
    Some(record.recorded())
}
