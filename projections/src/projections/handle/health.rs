//! Whether somebody should look at projections.

use std::sync::{Arc, Weak};

use annals_core::async_trait;
use tokio::sync::watch;

use crate::{
    Health, State, Status,
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
}

impl ProjectionHandle {
    /// Whether somebody should look at it, and why. Costs no more than a look at its status.
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
        Vitals::of(&self.worker.board.now(), &consumer).health(&consumer.options.thresholds)
    }

    /// It, to be looked at by a monitor.
    pub(in crate::projections) fn watched(self: &Arc<Self>) -> Box<dyn Watched> {
        let (started, status) = (Arc::downgrade(self), self.worker.board.watch());
        Box::new(Sight { started, status, lateness: Lateness::default() })
    }
}

#[async_trait]
impl Watched for Sight {
    async fn look(&mut self) -> Option<Look> {
        let started = self.started.upgrade()?;
        let status = self.status.borrow_and_update().clone();
        if status.state == State::Stopped {
            return None;
        }
        let consumer = &started.worker.consumer();
        self.lateness.note(&*consumer.log, status.position, &consumer.pulse).await;
        let (vitals, thresholds) = (Vitals::of(&status, consumer), consumer.options.thresholds);
        let (health, eased) = (vitals.health(&thresholds), vitals.health(&thresholds.eased()));
        metrics::health(started.name, health.level);
        let is_behind = status.position < consumer.log.head().borrow().position;
        Some(Look { health, eased, is_behind, is_last: status.state == State::TakenOver })
    }

    async fn changed(&mut self) {
        // The projection that has ended is seen by the look.
        drop(self.status.changed().await);
    }
}
