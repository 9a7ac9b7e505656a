//! Looks at all projections, and tells when something is the matter with one.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use annals_core::{Head, Position, ReadLog, Store, Timestamp};
use futures::{FutureExt, StreamExt, future::select_all};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::start::Started;
use crate::{
    State, Status,
    alarm::{AlarmHook, Raised},
    health::Vitals,
    metrics,
};

/// How often projections that are behind are looked at although nothing changes: only the clock says then that something is
/// the matter.
const TICK: Duration = Duration::from_secs(1);

/// The pause behind each look, however much changes.
const REST: Duration = Duration::from_millis(100);

/// The task that looks at all projections of an application. It keeps none of them, nor their store, from ending, and costs
/// nothing while nothing comes.
pub(super) struct Monitor {
    task: Mutex<Option<JoinHandle<()>>>,
}

/// One projection, as it is looked at.
struct Subject {
    started: Weak<Started>,
    status: watch::Receiver<Status>,
    raised: Raised,
    /// When the log is to be asked next what it is behind of.
    due: Option<Instant>,
}

/// What a look at a projection has shown.
enum Look {
    /// It has seen everything.
    Current,
    /// It is behind the log.
    Behind,
    /// Nothing will come of it any more.
    Ended,
}

impl Monitor {
    /// Begins to look at `all`, which read one log.
    pub(super) fn begin(all: &[Arc<Started>], hook: AlarmHook) -> Self {
        let subjects: Vec<_> = all.iter().map(Subject::of).collect();
        let head = all.first().map(|started| started.worker.consumer().log.head());
        let task = head.map(|head| tokio::spawn(look_at_all(subjects, hook, head)));
        Self { task: Mutex::new(task) }
    }

    /// Ends it, and waits until it has ended.
    pub(super) async fn end(&self) {
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

async fn look_at_all(mut subjects: Vec<Subject>, hook: AlarmHook, mut head: watch::Receiver<Head>) {
    let mut is_open = true;
    loop {
        // The head is marked as seen first, so that a commit during the look wakes the next one.
        head.mark_unchanged();
        let next = Instant::now() + TICK;
        let (mut left, mut is_behind) = (Vec::new(), false);
        for mut subject in subjects {
            // Whatever takes in figures may panic, and the others are to be looked at all the same.
            match AssertUnwindSafe(subject.look(&hook)).catch_unwind().await {
                Ok(Look::Ended) => continue,
                Ok(Look::Behind) => is_behind = true,
                Ok(Look::Current) | Err(_) => {}
            }
            left.push(subject);
        }
        subjects = left;
        if subjects.is_empty() {
            return;
        }
        sleep(REST).await;
        let any = select_all(subjects.iter_mut().map(|subject| subject.status.changed().boxed()));
        tokio::select! {
            _ = any => {}
            changed = head.changed(), if is_open && !is_behind => is_open = changed.is_ok(),
            () = sleep_until(next), if is_behind => {}
        }
    }
}

impl Subject {
    fn of(started: &Arc<Started>) -> Self {
        let (started, status) = (Arc::downgrade(started), started.worker.board.watch());
        Self { started, status, raised: Raised::default(), due: None }
    }

    async fn look(&mut self, hook: &AlarmHook) -> Look {
        let Some(started) = self.started.upgrade() else { return Look::Ended };
        let status = self.status.borrow_and_update().clone();
        if status.state == State::Stopped {
            return Look::Ended;
        }
        let consumer = &started.worker.consumer();
        let is_behind = status.position < consumer.log.head().borrow().position;
        if self.is_due(is_behind)
            && let Some(recorded) = recorded_behind(&*consumer.log, status.position).await
        {
            consumer.pulse.note_first(recorded);
        }
        let (vitals, thresholds) = (Vitals::of(&status, consumer), consumer.options.thresholds);
        let health = vitals.health(&thresholds);
        metrics::health(started.name, health.level);
        for alarm in self.raised.update(&health, &vitals.health(&thresholds.eased())) {
            hook.tell(&alarm);
        }
        match status.state {
            State::TakenOver => Look::Ended,
            _ if is_behind => Look::Behind,
            _ => Look::Current,
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
    Some(record.recorded)
}
