//! Whether somebody should look at a saga, and why.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use annals_core::{Position, Timestamp, async_trait};
use annals_projections::{
    Cause, Health, Level, State, Subject, Thresholds,
    engine::{Lateness, Look, Signs, Watched},
};
use tokio::{sync::watch, time::Instant};

use crate::{
    SagaStatus, metrics,
    runner::Runner,
    sagas::Started,
    trouble::{Figures, ago},
};

/// A saga, as it is looked at.
struct Sight {
    started: Weak<Started>,
    status: watch::Receiver<SagaStatus>,
    troubles: watch::Receiver<u64>,
    lateness: Lateness,
}

/// What is known of a saga when its health is judged.
struct Vitals<'a> {
    signs: Signs<'a>,
    status: &'a SagaStatus,
    figures: &'a Figures,
    /// How long a timer is due that has not fired.
    late: Option<Duration>,
    now: Timestamp,
}

impl Runner {
    /// Whether somebody should look at the saga, and why. Asks no disk.
    pub(crate) fn health(&self) -> Health {
        let (status, figures) = (self.board.now(), self.stepper.troubles.figures());
        self.vitals(&status, &figures).health(&self.stepper.options.thresholds)
    }

    fn vitals<'a>(&'a self, status: &'a SagaStatus, figures: &'a Figures) -> Vitals<'a> {
        let (stepper, now) = (&self.stepper, self.stepper.now());
        let head = self.head();
        // One that is given no events is never behind.
        let (head, position) = if self.follows() { (head, status.position) } else { (head, head) };
        let pulse = &stepper.pulse;
        let signs = Signs {
            subject: self.subject(),
            state: &status.state,
            failure: status.failure.as_deref(),
            positions: head.get().saturating_sub(position.get()),
            time: pulse.late(None, Timestamp::now()),
            stuck: pulse.look(position, status.state.is_at_work(), head, Instant::now()),
        };
        Vitals { signs, status, figures, late: stepper.alarms.late(now), now }
    }

    fn subject(&self) -> Subject {
        let name = self.stepper.saga();
        if self.stepper.machine.remembers() { Subject::Saga(name) } else { Subject::Reaction(name) }
    }

    fn head(&self) -> Position {
        self.stepper.annals.store().head().borrow().position
    }
}

impl Vitals<'_> {
    fn health(&self, thresholds: &Thresholds) -> Health {
        let Figures { commands, undoing, timers, .. } = *self.figures;
        let (events, circles) = (self.status.waiting.saturating_sub(self.status.circles), self.status.circles);
        let waiting = |count: usize| thresholds.waiting.level(&count);
        let circle = if circles > 0 { Level::Critical } else { Level::Healthy };
        let mut own = vec![
            (waiting(events), Cause::SetAside { events }),
            (circle, Cause::Circles { events: circles }),
            (waiting(commands), Cause::CommandsWait { commands }),
            (thresholds.undoing.level(&undoing), Cause::UndoingWaits { commands: undoing }),
            (waiting(timers), Cause::TimersWait { timers }),
        ];
        if let Some((instances, since, reason)) = self.figures.unsent.clone() {
            let time = ago(self.now, since);
            own.push((thresholds.unsent.level(&time), Cause::Unsent { instances, time, reason }));
        }
        if let Some(time) = self.late {
            own.push((thresholds.timer_late.level(&time), Cause::TimerLate { time }));
        }
        self.signs.health(thresholds, own)
    }

    /// Whether the clock alone may make something a concern. Of one that is paused nobody says when a timer is due.
    fn is_behind(&self) -> bool {
        self.signs.positions > 0
            || *self.signs.state == State::Paused
            || self.figures.unsent.is_some()
            || self.late.is_some()
    }
}

impl Started {
    /// It, to be looked at by a monitor.
    pub(crate) fn watched(self: &Arc<Self>) -> Box<dyn Watched> {
        let (status, troubles) = (self.runner.board.watch(), self.runner.stepper.troubles.watch());
        Box::new(Sight { started: Arc::downgrade(self), status, troubles, lateness: Lateness::default() })
    }
}

#[async_trait]
impl Watched for Sight {
    async fn look(&mut self) -> Option<Look> {
        let started = self.started.upgrade()?;
        let runner = &started.runner;
        self.troubles.mark_unchanged();
        let status = self.status.borrow_and_update().clone();
        if status.state == State::Stopped {
            return None;
        }
        let store = runner.stepper.annals.store();
        if runner.follows() {
            self.lateness.note(&**store, status.position, &runner.stepper.pulse).await;
        }
        let figures = runner.stepper.troubles.figures();
        let (vitals, thresholds) = (runner.vitals(&status, &figures), runner.stepper.options.thresholds);
        let (health, eased) = (vitals.health(&thresholds), vitals.health(&thresholds.eased()));
        let instances = runner.stepper.census.under_way();
        runner.stepper.counts.give_out(runner.stepper.saga());
        metrics::seen(&status, vitals.signs.positions, &figures, instances, health.level);
        Some(Look { health, eased, is_behind: vitals.is_behind(), is_last: status.state == State::TakenOver })
    }

    async fn changed(&mut self) {
        // The saga that has ended is seen by the look.
        tokio::select! {
            _ = self.status.changed() => {}
            _ = self.troubles.changed() => {}
        }
    }
}
