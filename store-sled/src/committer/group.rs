//! A group in the making: commits that are written and synced together, and what their senders are told then.

use annals_core::{Commit, CommitError, Receipt, judge::Placement};
use tokio::sync::oneshot;

use super::ledger::Pending;
use crate::log::{
    frame::{Standing, put_frame},
    layout::{EncodedGroup, Layout},
};

/// What the sender of a commit is told.
pub(crate) type Answer = Result<Receipt, CommitError>;

/// A group in the making.
pub(super) struct Group {
    /// Taken while it is written.
    pub(super) encoded: Option<EncodedGroup>,
    pub(super) pending: Pending,
    /// The log offset of each pending commit's frame.
    pub(super) frames: Vec<u64>,
    /// Where each event stands within its frame, for all frames one after the other.
    pub(super) items: Vec<(u32, u32)>,
    /// Given once the group is on disk: what an answer says may rest on a commit before it. Whoever asked may be gone; the
    /// commit stands all the same.
    answers: Vec<(oneshot::Sender<Answer>, Answer)>,
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
    pub(super) fn add(&mut self, layout: &Layout, commit: Commit, placement: Placement) {
        let Some(encoded) = &mut self.encoded else { return };
        self.frames.push(encoded.behind.offset);
        put_frame(&mut encoded.bytes, layout.log, &mut encoded.behind, (&commit, &placement), &mut self.items);
        self.pending.add(commit, placement);
    }

    pub(super) fn will_answer(&mut self, sender: oneshot::Sender<Answer>, answer: Answer) {
        self.answers.push((sender, answer));
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
        for (sender, answer) in self.answers.drain(..) {
            let _ = sender.send(answer);
        }
    }

    /// Tells every sender that nobody knows: the group may be on disk or not, and with it what the answers rest on.
    pub(super) fn answer_unknown(self, reason: &str) {
        for (sender, _) in self.answers {
            let _ = sender.send(Err(CommitError::OutcomeUnknown { reason: reason.to_owned() }));
        }
    }

    /// Tells every sender that nothing was written.
    pub(super) fn refuse(self, reason: &str) {
        for (sender, _) in self.answers {
            let _ = sender.send(Err(CommitError::ReadOnly { reason: reason.to_owned() }));
        }
    }
}
