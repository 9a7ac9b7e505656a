//! What the random operations met on their way.

use std::collections::BTreeMap;

use annals_core::{AsOf, Commit, Direction, Failure, RowBatch};

use super::reference::Outcome;

/// What must have been met in every run on each store: a generator that never leads there tests nothing.
const SOMETIMES: [&str; 27] = [
    "written",
    "events of several streams",
    "rows and events",
    "nothing written",
    "a stream elsewhere",
    "a boundary crossed",
    "a row that is different",
    "several failures at once",
    "closed",
    "closed and failures",
    "a repetition",
    "a key reused",
    "a batch applied",
    "a batch refused",
    "a batch of a lost generation",
    "a fenced batch",
    "a derived row that is different",
    "records backward",
    "records up to a limit",
    "records as of a position",
    "records as of a time",
    "nothing read",
    "a page continued",
    "a row looked up",
    "a clock set back",
    "reopened",
    "an index lost",
];

/// How many operations were compared, and how often each thing was met.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Operations.
    pub operations: u64,
    met: BTreeMap<&'static str, u64>,
}

impl Reached {
    pub(super) fn note(&mut self, what: &'static str) {
        *self.met.entry(what).or_default() += 1;
    }

    pub(super) fn when(&mut self, happened: bool, what: &'static str) {
        if happened {
            self.note(what);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.operations += other.operations;
        for (what, count) in other.met {
            *self.met.entry(what).or_default() += count;
        }
    }

    /// What was never met.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let applies = |what: &str| what != "an index lost" || !self.met.contains_key("no index to lose");
        SOMETIMES.into_iter().filter(|what| applies(what) && !self.met.contains_key(what)).collect()
    }

    pub(super) fn outcome(&mut self, commit: &Commit, outcome: &Outcome) {
        match outcome {
            Outcome::Done(receipt) if receipt.repeated => self.note("a repetition"),
            Outcome::Done(_) if commit.writes_nothing() => self.note("nothing written"),
            Outcome::Done(receipt) => {
                self.note("written");
                self.when(receipt.versions.len() > 1, "events of several streams");
                self.when(!commit.rows.is_empty() && !commit.events.is_empty(), "rows and events");
            }
            Outcome::Conflict(failures) => self.failures(failures),
            Outcome::Closed(_, failures) => {
                self.note("closed");
                self.when(!failures.is_empty(), "closed and failures");
            }
            Outcome::KeyReused(..) => self.note("a key reused"),
        }
    }

    fn failures(&mut self, failures: &[Failure]) {
        self.when(failures.len() > 1, "several failures at once");
        for failure in failures {
            self.note(match failure {
                Failure::Stream { .. } => "a stream elsewhere",
                Failure::NoneMatch { .. } => "a boundary crossed",
                Failure::Row { .. } => "a row that is different",
            });
        }
    }

    pub(super) fn batch(&mut self, batch: &RowBatch, reasons: &[String]) {
        self.when(reasons.is_empty() && !batch.rows.is_empty(), "a batch applied");
        self.when(!reasons.is_empty(), "a batch refused");
        for reason in reasons {
            self.when(reason.contains("generation"), "a batch of a lost generation");
            self.when(reason.contains("epoch"), "a fenced batch");
            self.when(reason.contains("conditions"), "a derived row that is different");
        }
    }

    pub(super) fn read(&mut self, found: usize, direction: Direction, limit: Option<u64>, as_of: AsOf) {
        if found == 0 {
            return self.note("nothing read");
        }
        self.when(found > 1 && direction == Direction::Backward, "records backward");
        self.when(limit == Some(found as u64), "records up to a limit");
        match as_of {
            AsOf::Now => {}
            AsOf::Position(_) => self.note("records as of a position"),
            AsOf::Recorded(_) => self.note("records as of a time"),
        }
    }
}
