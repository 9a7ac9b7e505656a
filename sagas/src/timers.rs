//! Fires timers: in the order in which they are due, never early.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_core::{
    Commit, LoggedTable, ReadError, RowWrite, Scan, Timestamp,
    codec::{EncodeError, PayloadError},
};
use futures::{FutureExt, StreamExt, stream};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::{
    InstanceId,
    metrics::Counted,
    stepper::{Consumed, Input, StepError, Stepper},
    stored::{self, Failure, Pending, PendingRow, StoredCommand, TimerRow},
    trouble::ago,
};

/// So many timers are looked at, at once, where some are due.
const PAGE: usize = 256;

/// The clock is looked at again after so long at the latest, so that one that jumps does no harm.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Wakes whoever fires timers.
pub(crate) struct Alarms {
    /// When the earliest timer is due that is known, in microseconds.
    earliest: AtomicI64,
    /// When the first of those was due that are being fired, in microseconds.
    firing: AtomicI64,
    /// Since when whoever looked has seen one due.
    late_since: Mutex<Option<Instant>>,
    changed: Notify,
    /// Counts how often the clock was looked at when nothing was due, and how often that was asked for.
    looked: watch::Sender<u64>,
    asked: AtomicU64,
}

/// Why no timer is fired any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TimerError {
    #[error("timers cannot be read: {0}")]
    Read(#[from] ReadError),
    #[error("a timer {0}")]
    Payload(#[from] PayloadError),
    #[error("a timer cannot be moved: {0}")]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Step(#[from] StepError),
}

impl Default for Alarms {
    fn default() -> Self {
        let (changed, looked) = (Notify::new(), watch::Sender::new(0));
        let never = || AtomicI64::new(i64::MAX);
        Self {
            earliest: never(),
            firing: never(),
            late_since: Mutex::default(),
            changed,
            looked,
            asked: AtomicU64::new(0),
        }
    }
}

impl Alarms {
    /// A timer was set, the earliest of them for `due`.
    pub(crate) fn set(&self, due: Option<Timestamp>) {
        let Some(due) = due.map(Timestamp::as_micros) else { return };
        if self.earliest.fetch_min(due, Ordering::AcqRel) > due {
            self.changed.notify_one();
        }
    }

    /// How long a timer is due that has not fired, as far as somebody has looked: what was due while nothing ran, or because
    /// the clock has jumped, is not late for that alone. None when none is due.
    pub(crate) fn late(&self, now: Timestamp) -> Option<Duration> {
        let first = self.earliest.load(Ordering::Acquire).min(self.firing.load(Ordering::Acquire));
        let due = Timestamp::from_micros(first).ok().filter(|first| *first < now);
        let mut seen = self.late_since.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(due) = due else {
            *seen = None;
            return None;
        };
        let since = *seen.get_or_insert_with(Instant::now);
        Some(ago(now, due).min(since.elapsed()))
    }

    /// Lets the clock be looked at; resolves when everything that was due then was fired.
    pub(crate) async fn look(&self) {
        let mut looked = self.looked.subscribe();
        let asked = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        self.changed.notify_one();
        // The sender is here too, so waiting does not fail.
        drop(looked.wait_for(|looked| *looked >= asked).await);
    }
}

/// Fires what is due, for as long as it is polled.
pub(crate) async fn run(stepper: &Stepper) -> Result<(), TimerError> {
    let alarms = &stepper.alarms;
    note_waiting(stepper).await?;
    loop {
        let asked = alarms.asked.load(Ordering::Acquire);
        alarms.earliest.store(i64::MAX, Ordering::Release);
        let next = fire_due(stepper).await?;
        alarms.firing.store(i64::MAX, Ordering::Release);
        if let Some(next) = next {
            alarms.earliest.fetch_min(next.as_micros(), Ordering::AcqRel);
        }
        let earliest = alarms.earliest.load(Ordering::Acquire);
        let micros = earliest.saturating_sub(stepper.now().as_micros());
        if micros <= 0 {
            continue;
        }
        alarms.looked.send_replace(asked);
        let pause = Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(LOOK_AGAIN);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = alarms.changed.notified() => {}
        }
    }
}

/// Notes which timers wait for an operator since earlier.
async fn note_waiting(stepper: &Stepper) -> Result<(), TimerError> {
    stepper.troubles.forget_timers();
    let mut scan = Some(Scan::prefix(LoggedTable::TIMERS, InstanceId::timers_at(stepper.saga(), never())));
    while let Some(next) = scan {
        let page = stepper.annals.store().scan(next).await?;
        for (_, value) in page.rows {
            let timer: TimerRow = stored::decode(&value)?;
            stepper.troubles.timer_waits(&timer.instance, &timer.name);
        }
        scan = page.next;
    }
    Ok(())
}

/// Fires every timer that is due, and says when the next one is.
async fn fire_due(stepper: &Stepper) -> Result<Option<Timestamp>, TimerError> {
    // Mostly none is due, so the first is looked at alone; where one is due, others may be.
    let mut page = 1;
    loop {
        let scan = Scan::prefix(LoggedTable::TIMERS, InstanceId::prefix(stepper.saga())).limit(page);
        let rows = stepper.first_rows(scan).await?;
        let now = stepper.now();
        let mut due = Vec::new();
        let mut next = None;
        for (key, value) in rows {
            let timer: TimerRow = stored::decode(&value)?;
            if timer.next() > now {
                next = Some(timer.next());
                break;
            }
            due.push((timer, Consumed::new((LoggedTable::TIMERS, key), value)));
        }
        if due.is_empty() {
            return Ok(next.filter(|next| *next < never()));
        }
        if let Some((first, _)) = due.first() {
            stepper.alarms.firing.store(first.next().as_micros(), Ordering::Release);
            stepper.troubles.changed();
        }
        let mut firing = Vec::new();
        for (timer, consumed) in due {
            firing.push(async move { fire(stepper, timer, &consumed).await }.boxed());
        }
        let mut firing = stream::iter(firing).buffer_unordered(stepper.options.concurrency);
        while let Some(fired) = firing.next().await {
            fired?;
        }
        page = PAGE;
    }
}

async fn fire(stepper: &Stepper, timer: TimerRow, consumed: &Consumed) -> Result<(), TimerError> {
    stepper.outbox.has_room().await;
    if let Some(command) = timer.command.clone() {
        return send_delayed(stepper, timer, command, consumed).await;
    }
    match stepper.take(&timer.instance, &Input::Timer { timer: &timer, consumed }).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_of_the_store() => Err(error.into()),
        Err(error) => postpone(stepper, timer, consumed, error.to_string()).await,
    }
}

/// A delayed command is due: from now on it waits to be sent.
async fn send_delayed(
    stepper: &Stepper,
    timer: TimerRow,
    command: StoredCommand,
    consumed: &Consumed,
) -> Result<(), TimerError> {
    let TimerRow { instance, cause, .. } = timer;
    let (step, ordinal, what, sent) = (0, 0, Pending::Command(command), stepper.now());
    let pending = PendingRow { instance: instance.clone(), step, ordinal, what, cause, sent, failure: None };
    let (table, key) = pending.row();
    let row = RowWrite::put(table, key, stored::encode("pending command", &pending)?);
    if stepper.commit(consumed.take(Commit::new()).row(row)).await? {
        stepper.outbox.add(&instance);
    }
    Ok(())
}

/// Moves a timer that failed to where it is tried again, or behind all others, where it waits for an operator.
async fn postpone(
    stepper: &Stepper,
    mut timer: TimerRow,
    consumed: &Consumed,
    error: String,
) -> Result<(), TimerError> {
    let attempts = timer.failure.as_ref().map_or(0, |failure| failure.attempts) + 1;
    let pause = stepper.options.retry.pause(attempts, timer.due.as_micros().unsigned_abs());
    let (saga, instance, name) = (stepper.saga(), &timer.instance.key, &timer.name);
    tracing::error!(saga, instance, timer = name, %error, attempts, given_up = pause.is_none(), "timer failed");
    let now = stepper.now();
    stepper.counts.add(Counted::InputFailed);
    let failure = Failure::next(timer.failure.as_ref(), error, now, pause.is_none());
    timer.failure = Some(failure);
    timer.moved_to = Some(pause.map_or_else(never, |pause| now.saturating_add(pause)));
    let (table, key) = timer.instance.timer(&timer.name, timer.next());
    let row = RowWrite::put(table, key, stored::encode("timer", &timer)?);
    loop {
        // Whoever cancels the timer finds in the row of the instance where it is.
        let commit = consumed.take(Commit::new()).row(row.clone());
        let commit = stepper.note_postponed(&timer, commit).await?;
        if stepper.commit(commit).await? {
            if pause.is_none() {
                stepper.troubles.timer_waits(&timer.instance, &timer.name);
            }
            return Ok(());
        }
        // The instance took a step meanwhile, unless the timer was cancelled or moved.
        if !stepper.is_there(consumed).await? {
            return Ok(());
        }
    }
}

/// Where timers are that wait for an operator: behind all others.
fn never() -> Timestamp {
    Timestamp::EPOCH.saturating_add(Duration::MAX)
}

impl TimerRow {
    /// When it is to fire.
    pub(crate) fn next(&self) -> Timestamp {
        self.moved_to.unwrap_or(self.due)
    }
}
