//! The one thread that changes the log: it takes commits from the queue, judges and encodes them, lets the group be
//! written and synced, publishes it, answers.
//!
//! While a large group is written beside it, the committer judges and encodes the next one, against what is published
//! and what is pending. A group is written only after the one before is on disk.

mod answers;
mod group;
mod ledger;
mod queue;
mod waiter;
mod writing;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use annals_core::{
    Clock, Commit, CommitError, Head, Position, Receipt, RowWrite, Timestamp,
    judge::{Placement, Verdict, judge, nothing_written},
};
use tokio::sync::watch;

pub(crate) use self::{
    answers::Delivery,
    ledger::{Looked, LookedKey},
    queue::{Queue, queue},
};
use self::{
    answers::{Addressed, Answer, Answers, PATIENCE},
    group::Group,
    ledger::{Heads, PendingLedger},
    queue::{CommitRequest, Request, Requests},
    writing::{WriterThread, Written, write},
};
use crate::{
    index::panic_text,
    indexer::Signal,
    lock::FolderLock,
    log::{
        Place, clean,
        frame::Standing,
        layout::{EncodedGroup, Layout},
        writer::Writer,
    },
    overlay::Progress,
    shared::{Shared, head_of, lock},
    sync::{Arc, atomic::Ordering, thread},
};

/// A group of fewer bytes is written by the committer itself: two threads that wake each other up, and twice as many
/// syncs, cost more than the time that is won.
const BESIDE_BYTES: usize = if cfg!(schedules) { 512 } else { 128 << 10 };

/// The memory of a group that is larger is given back.
const BUFFER_BYTES: usize = 4 << 20;

/// What the committer needs of its store.
pub(crate) struct Surroundings {
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) head: watch::Sender<Head>,
    pub(crate) signal: Arc<Signal>,
    pub(crate) indexer: thread::JoinHandle<()>,
    pub(crate) folder: PathBuf,
    pub(crate) folder_lock: FolderLock,
    pub(crate) closed: watch::Sender<bool>,
}

/// The committer's thread and what it owns.
pub(crate) struct Committer {
    store: Surroundings,
    requests: Requests,
    /// What the open group has taken of the queue.
    permits: usize,
    /// What was given last. Not everybody may have been told yet.
    answers: Answers,
    layout: Layout,
    heads: Heads,
    open: Group,
    /// The group that is being written, if one is.
    flight: Option<Group>,
    /// Away while a group is written beside.
    writer: Option<Writer>,
    thread: WriterThread,
    /// The memory in which the group before was encoded, for the next one.
    buffer: Vec<u8>,
    /// Nothing came while the last large group was written: to hand the next one to a thread would win nothing.
    is_alone: bool,
    is_ending: bool,
}

impl Committer {
    /// Starts its thread.
    pub(crate) fn start(
        store: Surroundings,
        (queue, requests): (Queue, Requests),
        writer: Writer,
    ) -> std::io::Result<thread::JoinHandle<()>> {
        let layout = Layout::new(&store.shared.log, writer.segment(), writer.standing);
        let committer = Self {
            store,
            requests,
            permits: 0,
            answers: Answers::default(),
            open: Group::begin(&layout, Vec::new()),
            layout,
            heads: Heads::default(),
            flight: None,
            writer: Some(writer),
            thread: WriterThread::start(queue)?,
            buffer: Vec::new(),
            is_alone: false,
            is_ending: false,
        };
        thread::Builder::new().name("annals-committer".into()).spawn(move || committer.run())
    }

    fn run(mut self) {
        while !self.is_ending || self.flight.is_some() {
            let Some(request) = self.wait() else { break };
            self.handle(request);
            while let Ok(request) = self.requests.receiver.try_recv() {
                self.handle(request);
            }
            self.guarded(Self::launch);
        }
        // Nobody gets in any more; who was in already is answered.
        self.requests.receiver.close();
        while let Some(request) = self.requests.wait(None) {
            self.handle(request);
        }
        self.guarded(Self::launch);
        self.answers.give();
        self.close();
    }

    /// Waits for a request, and sees to it that nobody waits long for an answer that is known.
    fn wait(&mut self) -> Option<Request> {
        if !self.answers.are_given() {
            if let Some(request) = self.requests.wait(Some(PATIENCE)) {
                return Some(request);
            }
            self.answers.give();
        }
        self.requests.wait(None)
    }

    fn handle(&mut self, request: Request) {
        self.guarded(|committer| match request {
            Request::Commit(request) => committer.add(request),
            Request::Written(written) => committer.land(*written),
            Request::ShutDown => committer.is_ending = true,
        });
    }

    /// Does `work`. A panic in it is a fault of annals: what was answered holds, the rest is unknown.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(self))) {
            self.store.shared.set_read_only(&format!("the committer panicked: {}", panic_text(&*panic)));
            self.open = Group::begin(&self.layout, Vec::new());
        }
    }

    /// Judges one commit and adds it to the open group.
    fn add(&mut self, request: CommitRequest) {
        let CommitRequest { commit, once, looked, recorded, answer: sender, permits } = request;
        self.is_alone &= self.flight.is_none();
        self.permits += permits as usize;
        if let Some(reason) = self.store.shared.read_only() {
            // Whoever asked may be gone.
            let _ = sender.send(Delivery::refusal(CommitError::ReadOnly { reason }));
            return;
        }
        match self.place(&commit, once.as_ref(), &looked, recorded) {
            Err(result) => self.open.will_answer(sender, Answer::Judged(result)),
            Ok(placement) => {
                self.heads.advance(&commit, &placement);
                self.open.add(&self.layout, commit, once.map(|once| once.key), placement, sender);
            }
        }
    }

    /// The numbers for a commit that is to be written, or else what its sender is told.
    fn place(
        &mut self,
        commit: &Commit,
        once: Option<&LookedKey>,
        looked: &[Looked],
        recorded: Option<Timestamp>,
    ) -> Result<Placement, Result<Receipt, CommitError>> {
        let standing = self.open.standing();
        let head = Head { commit: standing.commit, position: standing.position };
        let flight = self.flight.as_ref().map(|flight| &flight.pending);
        let pending = [Some(&self.open.pending), flight];
        let mut ledger = PendingLedger { shared: &self.store.shared, pending, heads: &mut self.heads, once, looked };
        match judge(commit, &mut ledger).map_err(Err)? {
            Verdict::Repeated(receipt) => Err(Ok(receipt)),
            Verdict::Nothing => Err(Ok(nothing_written(head, standing.recorded))),
            Verdict::Write => {
                let now = recorded.unwrap_or_else(|| self.store.clock.now());
                Placement::behind(head, standing.recorded, now, commit, &mut ledger).map_err(Err)
            }
        }
    }

    /// Lets the open group be written, unless one is under way.
    fn launch(&mut self) {
        if self.flight.is_some() {
            return;
        }
        self.requests.release(std::mem::take(&mut self.permits));
        if !self.open.writes() {
            // Nothing is pending that the answers could rest on.
            let answers = self.open.answers();
            return self.answer(answers);
        }
        let Some((writer, encoded)) = self.begin_flight() else { return };
        if encoded.bytes.len() < BESIDE_BYTES || self.is_alone || self.is_ending {
            let written = write(writer, encoded);
            self.is_alone &= self.requests.receiver.is_empty();
            return self.land(written);
        }
        self.is_alone = true;
        if let Err(failed) = self.thread.hand_over(writer, encoded) {
            self.land(*failed);
        }
    }

    /// Makes the open group the one that is written.
    fn begin_flight(&mut self) -> Option<(Writer, EncodedGroup)> {
        let writer = self.writer.take()?;
        let encoded = self.open.encoded.take()?;
        self.heads.forget();
        self.layout.take(&encoded);
        // The next one is likely to be like it.
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.reserve(encoded.bytes.len());
        let mut next = Group::begin(&self.layout, buffer);
        next.pending.once.reserve(self.open.pending.once.len());
        self.flight = Some(std::mem::replace(&mut self.open, next));
        Some((writer, encoded))
    }

    /// Publishes and answers what was written, and lets the next group be written meanwhile.
    fn land(&mut self, written: Written) {
        let Written { writer, group: encoded, result } = written;
        self.writer = Some(writer);
        let Some(mut flight) = self.flight.take() else { return };
        self.answers.give();
        if let Err(error) = result {
            let reason = format!("writing the log failed: {error}");
            self.store.shared.set_read_only(&reason);
            flight.answer_unknown(&reason);
            let begun = Group::begin(&self.layout, Vec::new());
            return std::mem::replace(&mut self.open, begun).refuse(&reason);
        }
        let EncodedGroup { behind, bytes, .. } = encoded;
        if bytes.capacity() <= BUFFER_BYTES {
            self.buffer = bytes;
        }
        // Only beside: written here, it would be published before this one.
        if self.open.bytes() >= BESIDE_BYTES && !self.is_alone && !self.is_ending {
            self.launch();
        }
        self.publish(&mut flight, behind);
        self.answer(flight.answers());
    }

    fn answer(&mut self, answers: Vec<Addressed>) {
        self.answers.give();
        self.answers = Answers::share(answers);
    }

    /// Makes the group visible at once: index entries, rows and head.
    fn publish(&self, group: &mut Group, standing: Standing) {
        let shared = &self.store.shared;
        let fences: Vec<_> = group.pending.epochs().iter().map(|key| shared.fences.of(key)).collect();
        let _running: Vec<_> = fences.iter().map(|fence| lock(fence)).collect();
        let mut items = group.items.iter();
        let mut places = Vec::new();
        let mut last = 0;
        let mut overlay = shared.overlay_mut();
        for ((commit, placement), &frame) in group.pending.commits.iter().zip(&group.frames) {
            let mut events = placement.versions.iter().zip(placement.positions());
            for run in commit.events.chunk_by(|event, next| event.stream == next.stream) {
                places.clear();
                let mut first = None;
                let placed = run.iter().zip(events.by_ref()).zip(items.by_ref());
                places.extend(placed.map(|((_, (version, position)), &(item, length))| {
                    first.get_or_insert(*version);
                    Place { position, frame, item, length }
                }));
                if let Some(version) = first {
                    overlay.active.add_events(run, version, &places);
                }
            }
            last = frame;
        }
        for (table, rows) in group.pending.rows.drain() {
            for (key, value) in rows {
                overlay.active.add_row(RowWrite { table: table.clone(), key, value });
            }
        }
        for (key, used) in group.pending.once.drain() {
            let frame = used.and_then(|commit| group.frames.get(commit).copied());
            overlay.active.add_once(key, frame);
        }
        let through = Progress { standing, frame: last };
        overlay.active.covers(through);
        let (entries, bytes) = (overlay.active.entries, overlay.active.bytes);
        // Under the same lock: nobody reads what the head does not name yet.
        self.store.head.send_replace(head_of(&through));
        drop(overlay);
        self.store.signal.grown(shared, entries, bytes);
    }

    /// Leaves everything so that the next open is fast, and the folder free.
    fn close(self) {
        let Surroundings { shared, head, signal, indexer, folder, folder_lock, closed, .. } = self.store;
        drop(self.thread);
        signal.stop();
        let indexed = indexer.join().is_ok();
        shared.is_shut_down.store(true, Ordering::Release);
        let index = shared.take_index();
        if let Some(mut writer) = self.writer
            && shared.read_only().is_none()
            && indexed
        {
            let marked = index
                .map_or(Ok(()), |index| index.close(&crate::open::index_folder(&folder)))
                .and_then(|()| writer.close())
                .and_then(|()| clean::write(&shared.log.disk, &folder, writer.log_id(), &writer.standing));
            if let Err(error) = marked {
                tracing::warn!(%error, "the store was not closed cleanly; the next open has more to do");
            }
        }
        drop(head);
        drop(folder_lock);
        closed.send_replace(true);
    }
}

/// Positions beyond which a condition was not looked at before its commit was queued are few: the committer looks at
/// them itself.
pub(crate) const REST_MAX: u64 = 1000;

/// How far the log is ahead of `position`.
pub(crate) fn ahead(head: Position, position: Position) -> u64 {
    head.get().saturating_sub(position.get())
}
