//! A group in the making: commits that are written and synced together, and what their senders are told then.

use annals_core::{Commit, CommitError, judge::Placement};
use tokio::sync::oneshot;

use super::{
    answers::{Addressed, Answer, Delivery},
    ledger::Pending,
};
use crate::{
    index::once::OnceKey,
    log::{
        frame::{Standing, put_frame},
        layout::{EncodedGroup, Layout},
    },
};

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
    answers: Vec<(oneshot::Sender<Delivery>, Option<Answer>)>,
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
        once: Option<OnceKey>,
        placement: Placement,
        sender: oneshot::Sender<Delivery>,
    ) {
        let Some(encoded) = &mut self.encoded else { return };
        self.frames.push(encoded.behind.offset);
        put_frame(&mut encoded.bytes, layout.log, &mut encoded.behind, (&commit, &placement), &mut self.items);
        self.pending.add(commit, once, placement);
        self.answers.push((sender, None));
    }

    /// Adds an answer to a commit that is not written.
    pub(super) fn will_answer(&mut self, sender: oneshot::Sender<Delivery>, answer: Answer) {
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

    /// What every sender is told of its commit once the group is on disk.
    pub(super) fn answers(&mut self) -> Vec<Addressed> {
        let mut written = std::mem::take(&mut self.pending).commits.into_iter();
        let mut written = || written.next().map(|(commit, placement)| Answer::Written(commit, placement));
        let answers = std::mem::take(&mut self.answers).into_iter();
        answers.filter_map(|(sender, answer)| Some((sender, answer.or_else(&mut written)?))).collect()
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
            let _ = sender.send(Delivery::of(Answer::Judged(Err(error.clone()))));
        }
    }
}
