//! What a transformation has done, in numbers.

use crate::{NewEvent, Record};

/// What a transformation has done. A record that was changed in several ways counts in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TransformCounts {
    /// Commits that were read.
    pub commits_read: u64,
    /// Commits that had something left to write.
    pub commits_written: u64,
    /// Events that were read.
    pub events_read: u64,
    /// Events that were written.
    pub events_written: u64,
    /// Streams that were begun in what was read.
    pub streams_read: u64,
    /// Bytes of payloads that were read.
    pub bytes_read: u64,
    /// Bytes of payloads that were written.
    pub bytes_written: u64,
    /// Events that were left out, those of dropped streams included.
    pub dropped: u64,
    /// Events that went into others.
    pub merged: u64,
    /// Events that became several.
    pub split: u64,
    /// Events that were written under another type.
    pub renamed: u64,
    /// Events that were written to another stream.
    pub moved: u64,
    /// Events with other tags.
    pub retagged: u64,
    /// Events with another payload, or another version of it.
    pub recoded: u64,
    /// Events that were written as they are.
    pub unchanged: u64,
}

impl TransformCounts {
    /// `record` became `event`.
    pub(super) fn became(&mut self, record: &Record, event: &NewEvent) {
        let ways = [
            (&mut self.renamed, event.event_type != *record.event_type()),
            (&mut self.moved, event.stream != *record.stream()),
            (&mut self.retagged, crate::judge::in_order(&event.tags) != record.tags()),
            (&mut self.recoded, event.payload != record.payload() || event.schema_version != record.schema_version()),
        ];
        for (count, differs) in ways {
            *count += u64::from(differs);
        }
        self.unchanged += u64::from(*event == record.to_event());
    }
}
