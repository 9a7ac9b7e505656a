//! How answers come to who waits for them.
//!
//! Waking a task is cheap for another task of its runtime, and expensive for a thread outside. So the committer wakes one
//! of those whom it answers, and that one the others. It may be slow, or never go on: then the committer does it.

use std::time::Duration;

use annals_core::{Commit, CommitError, Receipt, Version, judge::Placement};
use tokio::sync::oneshot;

use crate::{
    shared::lock,
    sync::{Arc, Mutex},
};

/// What the sender of a commit is told. It gets its commit back: memory is freed where it was taken, and the receipt is
/// written by whoever wants it, beside the one thread that all wait for.
pub(crate) enum Answer {
    Written(Commit, Placement),
    Judged(Result<Receipt, CommitError>),
}

impl Answer {
    fn into_result(self) -> Result<Receipt, CommitError> {
        match self {
            Self::Written(mut commit, placement) => {
                // Whoever wants the answer gets it; two holders would cost an allocation.
                let answer = commit.once.as_mut().map(|once| std::mem::take(&mut once.answer)).unwrap_or_default();
                Ok(Receipt { answer, ..placement.receipt(&commit) })
            }
            Self::Judged(result) => result,
        }
    }
}

/// An answer, and with one of them all others that were given with it.
pub(crate) struct Delivery {
    answer: Answer,
    others: Option<Answers>,
}

impl Delivery {
    pub(crate) fn of(answer: Answer) -> Self {
        Self { answer, others: None }
    }

    /// Says that the commit was not written, or may not have been.
    pub(crate) fn refusal(error: CommitError) -> Self {
        Self::of(Answer::Judged(Err(error)))
    }

    /// How many streams begin with the commit, if it was written.
    pub(crate) fn streams_begun(&self) -> u64 {
        match &self.answer {
            Answer::Written(_, placement) => {
                placement.versions.iter().filter(|version| **version == Version::FIRST).count() as u64
            }
            Answer::Judged(_) => 0,
        }
    }

    /// Tells the others, then says what the answer is.
    pub(crate) fn into_result(self) -> Result<Receipt, CommitError> {
        if let Some(others) = self.others {
            others.give();
        }
        self.answer.into_result()
    }
}

/// Where an answer goes, and the answer.
pub(super) type Addressed = (oneshot::Sender<Delivery>, Answer);

/// Fewer answers than this are given at once.
const SHARED_MIN: usize = 4;

/// The committer sleeps no longer than this before it gives itself what nobody else has given.
pub(super) const PATIENCE: Duration = Duration::from_micros(200);

/// Answers that are known, but that nobody was told yet.
#[derive(Clone, Default)]
pub(super) struct Answers {
    left: Arc<Mutex<Vec<Addressed>>>,
}

impl Answers {
    /// Gives one of `answers` to its sender, who gives the others.
    pub(super) fn share(answers: Vec<Addressed>) -> Self {
        if answers.len() < SHARED_MIN {
            give(answers);
            return Self::default();
        }
        let others = Self { left: Arc::new(Mutex::new(answers)) };
        loop {
            // Whoever asked may be gone; then another one does it.
            let Some((sender, answer)) = lock(&others.left).pop() else { return others };
            if sender.send(Delivery { answer, others: Some(others.clone()) }).is_ok() {
                return others;
            }
        }
    }

    /// Whether nobody is left who was told nothing.
    pub(super) fn are_given(&self) -> bool {
        lock(&self.left).is_empty()
    }

    /// Tells whoever is left.
    pub(super) fn give(&self) {
        let left = std::mem::take(&mut *lock(&self.left));
        give(left);
    }
}

fn give(answers: Vec<Addressed>) {
    for (sender, answer) in answers {
        // Whoever asked may be gone; the commit stands all the same.
        let _ = sender.send(Delivery::of(answer));
    }
}
