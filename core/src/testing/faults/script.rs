//! Which fault comes when.

use std::{collections::VecDeque, time::Duration};

use crate::{Commit, CommitError, ReadError};

/// What may befall a commit.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CommitFault {
    /// It goes as it would: a gap in a script.
    Nothing,
    /// One of its conditions does not hold, as if somebody else had been faster; nothing is written. Nobody was, so a
    /// decision that is made again finds what it found before. A commit whose conditions always hold is written.
    Conflict,
    /// Somebody else's commit is written before it. [`commit_of`](super::super::commit_of) makes one.
    SomebodyFirst(Commit),
    /// It waits so long before it begins. By tokio's clock, so with paused time a test takes no longer for it.
    Delay(Duration),
    /// It is answered with this error; nothing is written. [`ReadOnly`](CommitError::ReadOnly),
    /// [`Unreadable`](CommitError::Unreadable) ...
    Fail(CommitError),
    /// It is written, and answered with [`OutcomeUnknown`](CommitError::OutcomeUnknown). What the store behind refuses is
    /// answered as it is. Unlike a durable store, this one goes on taking commits.
    UnknownWritten,
    /// It is not written, and answered with [`OutcomeUnknown`](CommitError::OutcomeUnknown).
    UnknownLost,
    /// Several, one after the other, up to the first that answers.
    InTurn(Vec<Self>),
}

impl CommitFault {
    /// The single faults, in turn.
    pub(super) fn in_turn(self) -> Vec<Self> {
        match self {
            Self::InTurn(faults) => faults.into_iter().flat_map(Self::in_turn).collect(),
            single => vec![single],
        }
    }
}

/// Which reads are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reads {
    /// All of them.
    Any,
    /// Of one stream: an aggregate that is loaded.
    Streams,
    /// Of the log.
    Log,
    /// Of rows, by key or by range: idempotency keys and snapshots that are looked up, lists of streams.
    Rows,
}

impl Reads {
    pub(super) fn cover(self, read: Self) -> bool {
        self == Self::Any || self == read
    }
}

/// What may befall a read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReadFault {
    /// It goes as it would: a gap in a script.
    Nothing,
    /// It fails at once.
    Fail(ReadError),
    /// It gives out so many records, if there are so many, and then fails. A read of rows fails at once.
    FailBehind {
        /// How many records come before the error.
        records: u64,
        /// The error.
        error: ReadError,
    },
    /// It goes as it would, and right behind it somebody else commits.
    SomebodyBehind(Commit),
}

/// The faults that are still to come.
#[derive(Debug)]
pub(super) struct Script<F> {
    /// One for each of the next that are meant by it.
    next: VecDeque<F>,
    recurring: Vec<Recurring<F>>,
}

#[derive(Debug)]
struct Recurring<F> {
    nth: u32,
    /// How many went by since it came last.
    passed: u32,
    fault: F,
}

impl<F> Default for Script<F> {
    fn default() -> Self {
        Self { next: VecDeque::new(), recurring: Vec::new() }
    }
}

impl<F: Clone> Script<F> {
    pub(super) fn next(&mut self, faults: impl IntoIterator<Item = F>) {
        self.next.extend(faults);
    }

    pub(super) fn every(&mut self, nth: u32, fault: F) {
        self.recurring.push(Recurring { nth, passed: 0, fault });
    }

    /// What befalls the one that comes now, of the faults that mean it.
    pub(super) fn take(&mut self, means: impl Fn(&F) -> bool) -> Option<F> {
        // All are counted on, also where another one comes first.
        let recurring = self.recurring.iter_mut().filter(|recurring| means(&recurring.fault));
        let due: Vec<_> = recurring.filter_map(Recurring::pass).collect();
        match self.next.iter().position(means) {
            Some(index) => self.next.remove(index),
            None => due.into_iter().next(),
        }
    }
}

impl<F: Clone> Recurring<F> {
    /// Its fault, if it is due.
    fn pass(&mut self) -> Option<F> {
        self.passed = self.passed.saturating_add(1);
        if self.passed != self.nth {
            return None;
        }
        self.passed = 0;
        Some(self.fault.clone())
    }
}
