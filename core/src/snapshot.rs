//! Folded states kept beside the log.

use std::num::NonZeroU64;

/// When an aggregate's snapshot is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotPolicy {
    /// When at least this many events came since the last one.
    Every(NonZeroU64),
    /// Only when asked for.
    Explicit,
}
