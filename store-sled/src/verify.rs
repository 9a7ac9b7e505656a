//! Checking every byte of a store's log.

mod damage;
mod frames;
mod index;
pub(crate) mod segments;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use annals_core::{CommitNumber, Head, ReadError};

use crate::{
    LogProgress, LogReader, OpenError,
    log::{Log, disk::Disk, frame::Standing, segment::Segment},
};
use frames::Frames;
use segments::{Opened, Segments};

pub(crate) use damage::readable_frames;
pub use damage::{Damage, DamagedCommit};
pub use index::{IndexVerification, verify_index};

/// Progress is told behind so many commits.
const COMMITS_TOLD: u64 = 1_000;

/// So many damaged places are kept; the others are counted.
const DAMAGES_KEPT: usize = 100;

/// Checks every byte of a store's log: the header of each file, group and commit, the hash over all commits, each item's
/// checksum, that numbers, positions and recorded times follow one another, and that the log ends where the store was closed.
///
/// * **It changes nothing**, takes no lock and opens no index: a store that is in use is checked up to where it is written.
/// * **Damage ends no check.** Behind a damaged place the check goes on with the next file of the log.
/// * **Memory** is bounded by a file of the log, however large the store is.
/// * **Blocking**: it takes as long as the log is large.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let found = annals_store_sled::Verify::new("bank.annals").run()?;
/// for damage in &found.damages {
///     println!("{damage}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Verify {
    store: PathBuf,
    progress: Option<Box<dyn FnMut(LogProgress) + Send>>,
}

/// What a check of a store's log has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Verification {
    /// How many files the log has.
    pub segments: u64,
    /// Bytes of the log that were checked, what stands behind damage in its file not counted.
    pub bytes: u64,
    /// Groups that were found whole.
    pub groups: u64,
    /// Commits that were found whole.
    pub commits: u64,
    /// Their events.
    pub events: u64,
    /// Rows of logged tables that they wrote.
    pub rows: u64,
    /// Their idempotency keys.
    pub keys: u64,
    /// The last commit and position that were found whole.
    pub head: Head,
    /// Up to which commit it is proved that they are on disk: see [`LogReader::confirmed`].
    pub confirmed: CommitNumber,
    /// How many damaged places were found.
    pub damaged: u64,
    /// The first hundred of them, in the order of the log.
    pub damages: Vec<Damage>,
}

impl Verification {
    /// Whether all is as it was written.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damaged == 0
    }

    fn found(&mut self, damage: Damage) {
        self.damaged += 1;
        if self.damages.len() < DAMAGES_KEPT {
            self.damages.push(damage);
        }
    }
}

impl Verify {
    /// A check of the store in the folder `store`.
    pub fn new(store: impl AsRef<Path>) -> Self {
        Self { store: store.as_ref().to_owned(), progress: None }
    }

    /// Calls `progress` now and then, on the thread that checks.
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(LogProgress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Checks the log.
    ///
    /// # Errors
    /// [`OpenError`] when there is nothing to check, or it cannot be read; damage is none.
    pub fn run(&mut self) -> Result<Verification, OpenError> {
        let segments = Segments::open(&self.store)?;
        let mut found = Verification { segments: segments.count(), ..Verification::default() };
        // Where the log stood behind the file before, if that is known.
        let mut before = Some(Standing::START);
        for (opened, next) in segments.with_next() {
            let segment = match opened {
                Opened::Whole(segment) => segment,
                Opened::Damaged(corruption, offset) => {
                    let behind = before.unwrap_or(Standing::START);
                    found.found(Damage::of_header(corruption.clone(), *offset, &behind, next.start()));
                    before = None;
                    continue;
                }
            };
            if let Some(corruption) = segments::check_follows(before.as_ref(), segment) {
                let behind = before.unwrap_or(Standing::START);
                found.found(Damage::of_header(corruption, segment.start.offset, &behind, Some(segment.start)));
            }
            let log =
                Log::new(segments.log_id(), segments.folder(), Disk::that_only_reads(), vec![Arc::clone(segment)]);
            before = self.segment(Arc::new(log), segment, &next, segments.bytes(), &mut found)?;
        }
        Ok(found)
    }

    /// Checks one file, the last one together with those that are begun meanwhile. Returns where the log stands behind it,
    /// unless it is damaged.
    fn segment(
        &mut self,
        log: Arc<Log>,
        segment: &Arc<Segment>,
        next: &segments::Next,
        of_bytes: u64,
        found: &mut Verification,
    ) -> Result<Option<Standing>, OpenError> {
        let Some(reader) = LogReader::of(self.store.clone(), Arc::clone(&log), segment.start) else { return Ok(None) };
        let mut frames = Frames::new(reader, next);
        let begun = segment.start.offset;
        let damage = loop {
            match frames.check_next(found) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(ReadError::Corrupt(corruption)) => break Some(corruption),
                Err(error) => return Err(error.into()),
            }
            if found.commits.is_multiple_of(COMMITS_TOLD) {
                self.tell(frames.standing(), of_bytes);
            }
        };
        let end = frames.standing();
        found.head = Head { commit: end.commit, position: end.position };
        found.confirmed = frames.confirmed();
        found.bytes += end.offset - begun;
        self.tell(end, of_bytes);
        let Some(corruption) = damage else { return Ok(Some(end)) };
        found.found(Damage::of_frame(frames.last_segment(), log.id, corruption, &end, next.start())?);
        Ok(None)
    }

    fn tell(&mut self, at: Standing, of_bytes: u64) {
        if let Some(progress) = &mut self.progress {
            let head = Head { commit: at.commit, position: at.position };
            progress(LogProgress { bytes: at.offset, of_bytes: of_bytes.max(at.offset), head });
        }
    }
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("store", &self.store).finish_non_exhaustive()
    }
}
