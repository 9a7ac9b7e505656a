//! How a saga is run.

use annals_projections::{Retry, Thresholds};

/// How a saga is run. Everything has a default that is safe.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SagaOptions {
    /// Where it begins the first time that it runs on a store; by default where the log is then.
    pub begin: Begin,
    /// How many instances take inputs, and how many are sent for, at once; 64 by default, at least 1.
    pub concurrency: usize,
    /// How often and when an input, a timer or a command is tried again that failed: not one that was refused, and not as long
    /// as the store is at fault.
    pub retry: Retry,
    /// How many events and commands may lead to an event, one by the other, before it is set aside as part of a circle; 100 by
    /// default. A timer begins anew.
    pub depth_max: u32,
    /// From when on something is a concern that is told of: see [`Health`](annals_projections::Health).
    pub thresholds: Thresholds,
}

/// Where a saga begins the first time that it runs on a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Begin {
    /// Where the log is then: what happened before leads to nothing.
    #[default]
    Now,
    /// At the beginning of the log: it acts upon everything that ever happened.
    AtTheBeginning,
}

impl Default for SagaOptions {
    fn default() -> Self {
        let (begin, retry, thresholds) = (Begin::default(), Retry::default(), Thresholds::default());
        Self { begin, concurrency: 64, retry, depth_max: 100, thresholds }
    }
}

impl SagaOptions {
    /// The same, beginning elsewhere.
    #[must_use]
    pub const fn begin(mut self, begin: Begin) -> Self {
        self.begin = begin;
        self
    }

    /// The same with so many instances at once; none counts as one.
    #[must_use]
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// The same, trying again otherwise.
    #[must_use]
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The same with another bound of what leads to an event.
    #[must_use]
    pub const fn depth_max(mut self, depth_max: u32) -> Self {
        self.depth_max = depth_max;
        self
    }

    /// The same with other thresholds of what is a concern.
    #[must_use]
    pub const fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }
}
