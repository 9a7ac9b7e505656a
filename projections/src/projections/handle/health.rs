//! Whether somebody should look at projections.

use crate::{Health, health::Vitals};

use super::{
    super::{Projections, start::Started},
    ProjectionHandle,
};

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
}
