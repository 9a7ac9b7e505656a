//! Whether somebody should look at projections.

use std::sync::{Arc, Weak};

use annals_core::async_trait;
use tokio::sync::watch;

use crate::{
    Health, State, Status,
    consumer::Consumer,
    health::Vitals,
    metrics,
    monitor::{Lateness, Look, Watched},
};

use super::{
    super::{Projections, start::Started},
    ProjectionHandle,
};

/// One projection, as it is looked at.
struct Sight {
    started: Weak<Started>,
    status: watch::Receiver<Status>,
    lateness: Lateness,
    /// A signal that another build runs beside it, or none any more, and its lateness.
    beside: (watch::Receiver<()>, Lateness),
}

impl ProjectionHandle {
    /// Whether somebody should look at it, or at what is computed beside it, and why. Costs no more than a look at its status.
    #[must_use]
    pub fn health(&self) -> Health {
        self.started.health()
    }
}

impl Projections {
    /// Whether somebody should look at any of them, and why: the concerns of all, as bad as the worst.
    #[must_use]
    pub fn health(&self) -> Health {
        self.all.iter().map(|started| started.health()).collect()
    }
}

impl Started {
    fn health(&self) -> Health {
        let consumer = self.worker.consumer();
        let own = Vitals::of(&self.worker.board.now(), &consumer).health(&consumer.options.thresholds);
        [own].into_iter().chain(self.health_beside()).collect()
    }

    /// That of the build that runs beside the one that is read, if one does: it is stopped when it is swapped or given up.
    fn health_beside(&self) -> Option<Health> {
        let worker = &self.beside()?.worker;
        let (status, consumer) = (worker.board.now(), worker.consumer());
        if status.state == State::Stopped {
            return None;
        }
        Some(Vitals::of_shadow(&status, &consumer).health(&consumer.options.thresholds))
    }

    /// It, to be looked at by a monitor.
    pub(in crate::projections) fn watched(self: &Arc<Self>) -> Box<dyn Watched> {
        let (started, status) = (Arc::downgrade(self), self.worker.board.watch());
        let beside = (self.watch_beside(), Lateness::default());
        Box::new(Sight { started, status, lateness: Lateness::default(), beside })
    }
}

#[async_trait]
impl Watched for Sight {
    async fn look(&mut self) -> Option<Look> {
        let started = self.started.upgrade()?;
        let status = self.status.borrow_and_update().clone();
        let (beside_changed, beside_lateness) = &mut self.beside;
        beside_changed.mark_unchanged();
        if status.state == State::Stopped {
            return None;
        }
        let consumer = &started.worker.consumer();
        self.lateness.note(&*consumer.log, status.position, &consumer.pulse).await;
        let mut is_behind = is_before_the_head(&status, consumer);
        if let Some(beside) = started.beside() {
            let (status, consumer) = (beside.worker.board.now(), beside.worker.consumer());
            beside_lateness.note(&*consumer.log, status.position, &consumer.pulse).await;
            is_behind |= is_before_the_head(&status, &consumer);
        }
        let (vitals, thresholds) = (Vitals::of(&status, consumer), consumer.options.thresholds);
        let beside = started.health_beside();
        let with_beside = |own| [own].into_iter().chain(beside.clone()).collect::<Health>();
        // A shadow has no lag that would be a concern, so it is the same when that is eased.
        let health = with_beside(vitals.health(&thresholds));
        let eased = with_beside(vitals.health(&thresholds.eased()));
        metrics::seen(&status, &consumer.lag(&status), health.level);
        Some(Look { health, eased, is_behind, is_last: status.state == State::TakenOver })
    }

    async fn changed(&mut self) {
        // The projection that has ended is seen by the look.
        tokio::select! {
            _ = self.status.changed() => {}
            _ = self.beside.0.changed() => {}
        }
    }
}

fn is_before_the_head(status: &Status, consumer: &Consumer) -> bool {
    status.position < consumer.log.head().borrow().position
}
