//! Events that are handed over at once.

use annals_core::Position;

use super::Run;
use crate::{Delivered, KeyBytes};

/// The wanted events of several records that follow each other, all of one tenant.
pub(crate) struct Group<'a> {
    events: Vec<Delivered<'a>>,
    /// Of so many records.
    records: usize,
}

impl<'a> Group<'a> {
    /// The events of the records from delivery `first` on, `limit` of them at most. It ends before a record of another tenant,
    /// before one that cannot be decoded, and before one that does not fit in whole. A record alone is no group.
    pub(crate) fn gather(run: Run<'a>, first: usize, limit: usize) -> Option<Self> {
        let deliveries = run.deliveries.get(first..)?;
        if limit < 2 || deliveries.len() < 2 {
            return None;
        }
        let tenant = run.record(*deliveries.first()?)?.stream.tenant();
        let mut group = Self { events: Vec::with_capacity(limit.min(deliveries.len())), records: 0 };
        for delivery in deliveries {
            let record = run.record(*delivery).filter(|record| record.stream.tenant() == tenant);
            let Some(Ok(events)) = record.map(|record| run.events(*delivery, record)) else { break };
            let before = group.events.len();
            group.events.extend(events);
            if group.events.len() > limit {
                group.events.truncate(before);
                break;
            }
            group.records += 1;
            if group.events.len() == limit {
                break;
            }
        }
        (group.records > 1).then_some(group)
    }

    pub(crate) fn events(&self) -> &[Delivered<'a>] {
        &self.events
    }

    pub(crate) fn records(&self) -> usize {
        self.records
    }

    /// The lane's keys of its events, where every row has to begin with one of them.
    pub(super) fn lane_keys(&self, run: Run<'_>) -> Option<Vec<KeyBytes>> {
        let lane_key = run.lane_key?;
        Some(self.events.iter().map(|event| lane_key.key(event.context().record())).collect())
    }

    /// Where its first event is, and its last.
    pub(crate) fn positions(&self) -> Option<(Position, Position)> {
        let position = |event: &Delivered<'_>| event.context().record().position;
        Some((position(self.events.first()?), position(self.events.last()?)))
    }
}
