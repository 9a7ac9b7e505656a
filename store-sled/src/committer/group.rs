//! A group in the making: commits that are written and synced together, and what their senders are told then.

use annals_core::{Commit, CommitError, Receipt, judge::Placement};
use tokio::sync::oneshot;

use super::ledger::Pending;
use crate::log::{
    frame::{Standing, put_frame},
    layout::{EncodedGroup, Layout},
};

/// What the sender of a commit is told. It gets its commit back: memory is freed where it was taken, and the receipt is
/// written by whoever wants it, beside the one thread that all wait for.
pub(crate) enum Answer {
    Written(Commit, Placement),
    Judged(Result<Receipt, CommitError>),
}

impl Answer {
    pub(crate) fn into_result(self) -> Result<Receipt, CommitError> {
        match self {
            Self::Written(commit, placement) => Ok(placement.receipt(&commit)),
            Self::Judged(result) => result,
        }
    }
}

/// A group in the making.
pub(super) struct Group {
    /// Taken while it is written.
    pub(super) encoded: Option<EncodedGroup>,
    pub(super) pending: Pending,
    /// The log offset of each pending commit's frame.
    pub(super) frames: Vec<u64>,
    /// Where each event stands within its frame, for all frames one after the other.
    pub(super) items: Vec<(u32, u32)>,
    /// Given once the group is on disk: what an answer says may rest on a commit before it. `None` for those whose commit
    /// is pending, in the same order. Whoever asked may be gone; the commit stands all the same.
    answers: Vec<(oneshot::Sender<Answer>, Option<Answer>)>,
}

impl Group {
    /// An empty group for the next place in the log.
    pub(super) fn begin(layout: &Layout, buffer: Vec<u8>) -> Self {
        Self {
            encoded: Some(layout.begin(buffer)),
            pending: Pending::default(),
            frames: Vec::new(),
            items: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Adds a commit that is to be written.
    pub(super) fn add(
        &mut self,
        layout: &Layout,
        commit: Commit,
        placement: Placement,
        sender: oneshot::Sender<Answer>,
    ) {
        let Some(encoded) = &mut self.encoded else { return };
        self.frames.push(encoded.behind.offset);
        put_frame(&mut encoded.bytes, layout.log, &mut encoded.behind, (&commit, &placement), &mut self.items);
        self.pending.add(commit, placement);
        self.answers.push((sender, None));
    }

    /// Adds an answer to a commit that is not written.
    pub(super) fn will_answer(&mut self, sender: oneshot::Sender<Answer>, answer: Answer) {
        self.answers.push((sender, Some(answer)));
    }

    /// Whether there is something to write.
    pub(super) fn writes(&self) -> bool {
        !self.frames.is_empty()
    }

    /// How many bytes it writes.
    pub(super) fn bytes(&self) -> usize {
        if self.writes() { self.encoded.as_ref().map_or(0, |encoded| encoded.bytes.len()) } else { 0 }
    }

    /// Where the log will stand behind it.
    pub(super) fn standing(&self) -> Standing {
        self.encoded.as_ref().map_or(Standing::START, |encoded| encoded.behind)
    }

    /// Tells every sender what became of its commit.
    pub(super) fn answer(&mut self) {
        let mut written = std::mem::take(&mut self.pending).commits.into_iter();
        for (sender, answer) in self.answers.drain(..) {
            let answer =
                answer.or_else(|| written.next().map(|(commit, placement)| Answer::Written(commit, placement)));
            if let Some(answer) = answer {
                let _ = sender.send(answer);
            }
        }
    }

    /// Tells every sender that nobody knows: the group may be on disk or not, and with it what the answers rest on.
    pub(super) fn answer_unknown(self, reason: &str) {
        self.answer_all(&CommitError::OutcomeUnknown { reason: reason.to_owned() });
    }

    /// Tells every sender that nothing was written.
    pub(super) fn refuse(self, reason: &str) {
        self.answer_all(&CommitError::ReadOnly { reason: reason.to_owned() });
    }

    fn answer_all(self, error: &CommitError) {
        for (sender, _) in self.answers {
            let _ = sender.send(Answer::Judged(Err(error.clone())));
        }
    }
}
