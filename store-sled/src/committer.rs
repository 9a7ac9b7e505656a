//! The one thread that changes the log: it drains the queue, judges, writes, syncs, publishes, answers.

mod ledger;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    thread,
};

use annals_core::{
    Clock, Commit, CommitError, Head, LoggedTable, Position, Receipt,
    judge::{Placement, Verdict, in_order, judge, nothing_written},
};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use self::ledger::Looked;
use self::ledger::{Heads, Pending, PendingLedger};
use crate::{
    index::panic_text,
    indexer::Signal,
    lock::FolderLock,
    log::{
        Place, clean,
        frame::{Standing, put_frame},
        writer::Writer,
    },
    overlay::Progress,
    shared::{Shared, head_of, lock},
};

/// What the committer is asked.
pub(crate) enum Request {
    Commit(Box<CommitRequest>),
    ShutDown,
}

/// A commit in the queue.
pub(crate) struct CommitRequest {
    pub(crate) commit: Commit,
    /// What was found for each `NoneMatch` condition before the commit was queued.
    pub(crate) looked: Vec<Looked>,
    pub(crate) answer: oneshot::Sender<Result<Receipt, CommitError>>,
}

/// A group takes at most so many commits and begins no further one beyond so many bytes.
const GROUP_COMMITS: usize = 4096;
const GROUP_BYTES: usize = 8 << 20;

/// The committer's thread and what it owns.
pub(crate) struct Committer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) head: watch::Sender<Head>,
    pub(crate) queue: mpsc::Receiver<Request>,
    pub(crate) writer: Writer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) indexer: thread::JoinHandle<()>,
    pub(crate) folder: PathBuf,
    pub(crate) folder_lock: FolderLock,
    pub(crate) closed: watch::Sender<bool>,
}

/// An answer that is given once the group is on disk: what it says may rest on a commit of the same group.
type Answer = (oneshot::Sender<Result<Receipt, CommitError>>, Result<Receipt, CommitError>, bool);

/// A group in the making.
struct Group {
    bytes: Vec<u8>,
    standing: Standing,
    pending: Pending,
    /// Where each pending commit's frame begins, and each of its events.
    frames: Vec<(u64, Vec<(u32, u32)>)>,
    answers: Vec<Answer>,
}

impl Committer {
    /// Starts the thread.
    pub(crate) fn start(self) -> std::io::Result<thread::JoinHandle<()>> {
        thread::Builder::new().name("annals-committer".into()).spawn(move || self.run())
    }

    fn run(mut self) {
        let mut heads = Heads::new();
        while let Some(requests) = self.next_requests() {
            if let Some(reason) = self.shared.read_only() {
                refuse(requests, &reason);
                continue;
            }
            // A panic in here is a fault of annals. What was answered holds; the rest of the group is unknown.
            let group = catch_unwind(AssertUnwindSafe(|| self.commit_group(requests, &mut heads)));
            if let Err(panic) = group {
                self.shared.set_read_only(&format!("the committer panicked: {}", panic_text(&*panic)));
            }
        }
        self.close();
    }

    /// What is in the queue, at least one; `None` when there will be no more.
    fn next_requests(&mut self) -> Option<Vec<CommitRequest>> {
        let mut requests = Vec::new();
        let mut next = self.queue.blocking_recv()?;
        loop {
            match next {
                Request::Commit(request) => requests.push(*request),
                // Queued commits are still taken; new ones are refused.
                Request::ShutDown => self.queue.close(),
            }
            if requests.len() >= GROUP_COMMITS || bytes_of(&requests) >= GROUP_BYTES {
                return Some(requests);
            }
            match self.queue.try_recv() {
                Ok(request) => next = request,
                Err(_) => return Some(requests),
            }
        }
    }

    fn commit_group(&mut self, requests: Vec<CommitRequest>, heads: &mut Heads) {
        let (bytes, standing) = match self.writer.begin_group() {
            Ok(group) => group,
            Err(error) => {
                let reason = format!("beginning a group failed: {error}");
                self.shared.set_read_only(&reason);
                return refuse(requests, &reason);
            }
        };
        let (frames, answers) = (Vec::new(), Vec::with_capacity(requests.len()));
        let mut group = Group { bytes, standing, pending: Pending::default(), frames, answers };
        for request in requests {
            self.add(&mut group, request, heads);
        }
        if group.frames.is_empty() {
            return answer(group.answers);
        }
        if let Err(error) = self.writer.write_group(group.bytes, group.standing) {
            let reason = format!("writing the log failed: {error}");
            self.shared.set_read_only(&reason);
            return answer_unknown(group.answers, &reason);
        }
        self.publish(&group.pending, group.frames, group.standing);
        // What was committed is dropped behind the answers, which nobody needs to wait for.
        answer(group.answers);
    }

    /// Judges one commit and adds its frame to the group.
    fn add(&self, group: &mut Group, request: CommitRequest, heads: &mut Heads) {
        let CommitRequest { commit, looked, answer } = request;
        let head = Head { commit: group.standing.commit, position: group.standing.position };
        let mut ledger = PendingLedger { shared: &self.shared, pending: &group.pending, heads, looked: &looked };
        let placed = judge(&commit, &mut ledger).and_then(|verdict| {
            let now = self.clock.now();
            match verdict {
                Verdict::Repeated(receipt) => Ok(Err(receipt)),
                Verdict::Nothing => Ok(Err(nothing_written(head, group.standing.recorded))),
                Verdict::Write => Placement::behind(head, group.standing.recorded, now, &commit, &mut ledger).map(Ok),
            }
        });
        let (receipt, written) = match placed {
            Err(error) => (Err(error), false),
            Ok(Err(receipt)) => (Ok(receipt), false),
            Ok(Ok(placement)) => {
                let receipt = placement.receipt(&commit);
                let at = group.standing.offset;
                let log = self.writer.log_id();
                let events = put_frame(&mut group.bytes, log, &mut group.standing, &commit, &placement);
                group.frames.push((at, events));
                heads.advance(&commit, &receipt.versions);
                group.pending.add(commit, placement);
                (Ok(receipt), true)
            }
        };
        group.answers.push((answer, receipt, written));
    }

    /// Makes the group visible at once: index entries, rows and head.
    fn publish(&self, pending: &Pending, frames: Vec<(u64, Vec<(u32, u32)>)>, standing: Standing) {
        let fences: Vec<_> = pending.epochs().iter().map(|key| self.shared.fences.of(key)).collect();
        let _running: Vec<_> = fences.iter().map(|fence| lock(fence)).collect();
        let mut overlay = self.shared.overlay_mut();
        let mut last = 0;
        for ((commit, placement), (frame, items)) in pending.commits().zip(frames) {
            for ((event, version), (position, (item, length))) in
                commit.events.iter().zip(&placement.versions).zip(placement.positions().zip(items))
            {
                let place = Place { position, frame, item, length };
                let tags = in_order(&event.tags);
                overlay.active.add_event(&event.stream, *version, &event.event_type, &tags, place);
            }
            for row in commit.rows.iter().cloned().chain(placement.system_rows(commit)) {
                overlay.active.add_row(row);
            }
            last = frame;
        }
        let through = Progress { standing, frame: last };
        overlay.active.covers(through);
        let (entries, bytes) = (overlay.active.entries, overlay.active.bytes);
        drop(overlay);
        self.head.send_replace(head_of(&through));
        self.signal.grown(&self.shared, entries, bytes);
    }

    /// Leaves everything so that the next open is fast, and the folder free.
    fn close(self) {
        self.signal.stop();
        let indexed = self.indexer.join().is_ok();
        self.shared.is_shut_down.store(true, Ordering::Release);
        let mut writer = self.writer;
        let index = self.shared.take_index();
        if self.shared.read_only().is_none() && indexed {
            let closed = index.map_or(Ok(()), |index| index.close(&crate::open::index_folder(&self.folder)));
            let marked = closed
                .and_then(|()| writer.trim())
                .and_then(|()| clean::write(&self.folder, writer.log_id(), &writer.standing));
            if let Err(error) = marked {
                tracing::warn!(%error, "the store was not closed cleanly; the next open has more to do");
            }
        }
        drop(self.head);
        drop(self.folder_lock);
        self.closed.send_replace(true);
    }
}

fn bytes_of(requests: &[CommitRequest]) -> usize {
    requests.iter().flat_map(|request| &request.commit.events).map(|event| event.payload.len()).sum()
}

fn answer(answers: Vec<Answer>) {
    for (sender, answer, _) in answers {
        // Whoever asked may be gone; the commit stands all the same.
        let _ = sender.send(answer);
    }
}

fn answer_unknown(answers: Vec<Answer>, reason: &str) {
    for (sender, answer, written) in answers {
        let unknown = CommitError::OutcomeUnknown { reason: reason.to_owned() };
        let _ = sender.send(if written || answer.is_ok() { Err(unknown) } else { answer });
    }
}

fn refuse(requests: Vec<CommitRequest>, reason: &str) {
    for request in requests {
        let _ = request.answer.send(Err(CommitError::ReadOnly { reason: reason.to_owned() }));
    }
}

/// The epochs that `rows` change.
fn epochs<'a>(rows: impl Iterator<Item = &'a annals_core::RowWrite>) -> impl Iterator<Item = Bytes> {
    rows.filter(|row| row.table == LoggedTable::EPOCHS).map(|row| row.key.clone())
}

/// Positions beyond which a condition was not looked at before its commit was queued are few: the committer looks at
/// them itself.
pub(crate) const REST_MAX: u64 = 1000;

/// How far the log is ahead of `position`.
pub(crate) fn ahead(head: Position, position: Position) -> u64 {
    head.get().saturating_sub(position.get())
}
