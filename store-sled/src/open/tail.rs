//! Taking in what the log holds and the index does not: little after a kill, everything after the index was lost.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use annals_core::ReadError;

use crate::{
    OpenError,
    index::{Index, gathered::Gathered, once::OnceKey},
    log::{
        Log, Place,
        frame::Standing,
        item::ItemError,
        scanner::{FoundFrame, Scanner},
    },
    overlay::{Part, Progress},
};

/// Long work says this often how far it is.
const PROGRESS_TIME: Duration = Duration::from_secs(3);

/// A part may hold so many places of a stream or tag that it has for one that it has not: they take so much less memory,
/// and the more of them are written at once, the less often what is there already is written again.
const PLACES_PER_ENTRY: usize = 8;

/// A part is as large as so many batches of the index while a store is open: nobody else needs memory yet, and what is
/// there is written again less often.
const PART_BATCHES: usize = 2;

/// The rows of a part may have so many bytes.
const ROW_BYTES: usize = 32 << 20;

/// Takes in what the log holds behind `progress`: large parts into sled, by a thread of their own while the log is read
/// on, so that two are in memory at a time; the rest stays there as the tail.
pub(crate) fn take_in(
    log: &Arc<Log>,
    index: &Index,
    progress: Progress,
    end: &Standing,
    batch_entries: usize,
) -> Result<Part, OpenError> {
    thread::scope(|scope| {
        let (parts, taken) = mpsc::sync_channel::<Part>(0);
        let (emptied, spares) = mpsc::channel();
        let writing = scope.spawn(move || {
            let mut gathered = Gathered::default();
            for part in taken {
                index.gather(&part, &mut gathered, log.id)?;
                // Once the log was read, nobody wants it.
                let _ = emptied.send(part.emptied());
            }
            index.settle(&mut gathered, log.id)
        });
        let mut walk = Walk { log, part: Part::new(progress), rows: 0, parts, spares, told: Instant::now() };
        let scanned = walk.to(end, batch_entries.saturating_mul(PART_BATCHES));
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
    /// The rows among the part's entries, or a few more.
    rows: usize,
    parts: mpsc::SyncSender<Part>,
    /// Parts that were written, without what they held.
    spares: mpsc::Receiver<Part>,
    told: Instant,
}

impl Walk<'_> {
    fn to(&mut self, end: &Standing, entries_max: usize) -> Result<(), ReadError> {
        let begin = self.part.through.standing;
        let Some(mut scanner) = Scanner::chained(Arc::clone(self.log), begin) else { return Ok(()) };
        while let Some(found) = scanner.find_before(end.offset)? {
            self.add(&scanner, &found).map_err(|error| self.log.item_error(found.offset, error))?;
            self.part.covers(Progress { standing: scanner.standing, frame: found.offset });
            if self.weight() < entries_max && self.part.bytes < ROW_BYTES {
                continue;
            }
            let next = self.part.following(self.spares.try_recv().ok());
            self.rows = 0;
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

    /// How many entries of as many streams and tags would take as much memory as those of the part.
    fn weight(&self) -> usize {
        let Part { streams, tags, entries, .. } = &self.part;
        let heavy = streams.len() + tags.len() + self.rows;
        heavy + entries.saturating_sub(heavy) / PLACES_PER_ENTRY
    }

    /// Adds what the index holds of a frame; payloads are passed over.
    fn add(&mut self, scanner: &Scanner, found: &FoundFrame) -> Result<(), (u64, ItemError)> {
        let header = &found.header;
        let mut items = scanner.items(found);
        let once = items.once()?;
        while let Some(event) = items.event()? {
            let at = u64::from(event.at);
            let position = event.head.position(header.common).map_err(|error| (at, error))?;
            let place = Place { position, frame: found.offset, item: event.at, length: event.length };
            self.part.add_head(&event.head, place).map_err(|error| (at, error))?;
        }
        self.rows += header.rows + usize::from(header.keyed);
        while let Some(row) = items.row()? {
            self.part.add_row(row);
        }
        if let Some(once) = once {
            self.part.add_once(OnceKey::of(&once.key), Some(found.offset));
        }
        items.end()
    }
}
