//! Taking in what the log holds and the index does not: little after a kill, everything after the index was lost.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use annals_core::ReadError;

use crate::{
    OpenError,
    index::Index,
    log::{
        Log, Place,
        frame::{Frame, Standing},
        item::ItemError,
        scanner::Scanner,
    },
    overlay::{Part, Progress},
};

/// Long work says this often how far it is.
const PROGRESS_TIME: Duration = Duration::from_secs(3);

/// What is taken in at once, in batches of the indexer: larger ones write a page seldomer. Two are in memory at a time.
const BATCHES: usize = 2;

/// Takes in what the log holds behind `progress`: large parts into sled, by a thread of their own while the log is read
/// on; the rest stays in memory as the tail.
pub(crate) fn take_in(
    log: &Arc<Log>,
    index: &Index,
    progress: Progress,
    end: &Standing,
    batch_entries: usize,
) -> Result<Part, OpenError> {
    thread::scope(|scope| {
        let (parts, taken) = mpsc::sync_channel::<Part>(0);
        let writing = scope.spawn(move || taken.into_iter().try_for_each(|part| index.take_in(&part, log.id)));
        let mut walk = Walk { log, part: Part::new(progress), parts, told: Instant::now() };
        let scanned = walk.to(end, batch_entries.saturating_mul(BATCHES));
        let Walk { part, parts, .. } = walk;
        drop(parts);
        let written = writing.join().unwrap_or(Err(ReadError::Index { reason: "its writer panicked".into() }));
        // When writing fails, reading ends too; the reason is the writer's.
        written?;
        scanned?;
        Ok(part)
    })
}

struct Walk<'a> {
    log: &'a Arc<Log>,
    part: Part,
    parts: mpsc::SyncSender<Part>,
    told: Instant,
}

impl Walk<'_> {
    fn to(&mut self, end: &Standing, entries_max: usize) -> Result<(), ReadError> {
        let begin = self.part.through.standing;
        let Some(mut scanner) = Scanner::chained(Arc::clone(self.log), begin) else { return Ok(()) };
        while let Some(frame) = scanner.next_before(end.offset)? {
            add(&mut self.part, &frame).map_err(|error| self.log.item_error(frame.offset, error))?;
            self.part.covers(Progress { standing: scanner.standing, frame: frame.offset });
            if self.part.entries < entries_max {
                continue;
            }
            let next = self.part.following();
            if self.parts.send(std::mem::replace(&mut self.part, next)).is_err() {
                return Ok(());
            }
            if self.told.elapsed() >= PROGRESS_TIME {
                self.told = Instant::now();
                let (position, of) = (scanner.standing.position, end.position);
                tracing::info!(%position, %of, "the log is being taken into the index");
            }
        }
        // The end may lie behind a segment header, which no frame covers.
        self.part.through.standing.offset = end.offset;
        Ok(())
    }
}

/// Adds what the index holds of a frame; payloads are passed over.
fn add(part: &mut Part, frame: &Frame) -> Result<(), (u64, ItemError)> {
    let common = frame.header.common;
    let mut items = frame.items();
    while let Some(event) = items.event()? {
        let at = u64::from(event.at);
        let position = event.head.position(common).map_err(|error| (at, error))?;
        let place = Place { position, frame: frame.offset, item: event.at, length: event.length };
        part.add_head(&event.head, place).map_err(|error| (at, error))?;
    }
    if frame.header.keyed {
        // The row of an idempotency key holds the receipt, which takes all there is.
        for row in frame.content()?.all_rows(&frame.header) {
            part.add_row(row);
        }
        return Ok(());
    }
    while let Some(row) = items.row()? {
        part.add_row(row);
    }
    items.end()
}
