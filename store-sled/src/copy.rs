//! Copying a store through a transformation into a new one.

mod error;
mod progress;
mod report;
mod verify;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Instant,
};

use annals_core::{Commit, CommitNumber, Limits, Timestamp, Transformation, TransformationName, Transformer};

use crate::{Loader, LogReader, OpenError, SledOptions, log::disk::Disk, name_key};

pub use error::CopyError;
use progress::Mark;
pub use report::{CopyProgress, CopyReport};
pub use verify::{CopyDifference, CopyVerification};

/// So many commits of the source, or so many bytes of its log, are between two marks to which a copy goes back after a kill.
const COMMITS_BETWEEN: u64 = 20_000;
const BYTES_BETWEEN: u64 = 32 << 20;
/// Progress is told behind so many commits.
const COMMITS_TOLD: u64 = 1_000;

/// Copies a store through a [`Transformation`] into a new one.
///
/// * **The source is never touched.** Its log alone is read ([`LogReader`]), so it may be in use meanwhile; what is written
///   to it later than it is read is not copied. To copy everything, close it first.
/// * **The target** is an empty folder, or one into which the same copy was begun. It is filled by a [`Loader`]: unfinished
///   until the copy is complete, then a store like any other, closed.
/// * **What is copied.** Commits in their order, with their recorded times. Events as the transformation says, with their
///   ids, times and metadata. Idempotency keys with their answers, rows of logged tables, and the key of unique names;
///   unique names and closed streams follow renamed streams. Commits of which nothing is left are left out. Positions,
///   versions and commit numbers are those of the new store, in what a repetition is told as well. Derived rows are not
///   copied: their consumers fill them again.
/// * **After a kill** the same call goes on: what was written behind the last mark is written again, nothing twice.
///   The transformation is run again from the beginning.
/// * **A repeated request** whose stream was renamed is refused as another request under a used key: the digest that is kept
///   names the stream as it was called. It never takes effect twice.
/// * **Memory** is bounded by commits, not by the store: plus what the transformation remembers, and in
///   [`verify`](Self::verify) a number a stream. What the allocator keeps of what was freed may grow a little with the store.
/// * **Blocking**: [`run`](Self::run) and [`verify`](Self::verify) take as long as the store is large.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use annals_core::Unchanged;
/// use annals_store_sled::CopyTransform;
///
/// let mut copy = CopyTransform::new("bank.annals", "copy.annals", Unchanged);
/// let report = copy.run()?;
/// println!("{} events, {} streams", report.counts.events_written, report.streams_written);
/// assert!(copy.verify()?.is_equal());
/// # Ok(())
/// # }
/// ```
pub struct CopyTransform<T> {
    from: PathBuf,
    to: SledOptions,
    transformation: T,
    through: CommitNumber,
    commits_between: u64,
    progress: Option<Box<dyn FnMut(CopyProgress) + Send>>,
}

/// A copy under way.
struct Run<T> {
    reader: LogReader,
    loader: Loader,
    transformer: Transformer<T>,
    name: TransformationName,
    /// The recorded time of the commit that was read last.
    recorded: Timestamp,
    /// How many commits of the target were made of what was read.
    written: u64,
    /// Where the log of the source stood at the last mark.
    marked_bytes: u64,
    marked_commits: u64,
    commits_between: u64,
    /// How long the log of the source was when the copy began.
    of_bytes: u64,
}

impl<T: Transformation> CopyTransform<T> {
    /// A copy of the store in the folder `from` into the folder `to`, which is empty or not there yet.
    pub fn new(from: impl AsRef<Path>, to: impl AsRef<Path>, transformation: T) -> Self {
        let unlimited = Limits {
            event_bytes: usize::MAX,
            metadata_bytes: usize::MAX,
            tags: usize::MAX,
            row_bytes: usize::MAX,
            // A frame of the log says its length in four bytes.
            commit_bytes: 1 << 30,
            commit_events: usize::MAX,
            commit_rows: usize::MAX,
            commit_conditions: usize::MAX,
            batch_rows: usize::MAX,
            batch_bytes: usize::MAX,
        };
        let to = SledOptions::new(to).limits(unlimited);
        let from = from.as_ref().to_owned();
        Self { from, to, transformation, through: CommitNumber::MAX, commits_between: COMMITS_BETWEEN, progress: None }
    }

    /// The same, of the commits of the source up to this one: what is copied and verified then does not depend on what is
    /// written to the source meanwhile.
    #[must_use]
    pub fn through(mut self, commit: CommitNumber) -> Self {
        self.through = commit;
        self
    }

    /// Calls `progress` now and then, on the thread that copies or verifies.
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(CopyProgress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// The same with marks so many commits of the source apart, to which a copy goes back after a kill; 20,000 by default,
    /// and never more than 32 MiB of its log. Each takes some syncs.
    #[must_use]
    pub fn mark_every(mut self, commits: u64) -> Self {
        self.commits_between = commits;
        self
    }

    /// The same with changed options of the target. For tests of the store itself; not stable.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn target_options(mut self, change: impl FnOnce(SledOptions) -> SledOptions) -> Self {
        self.to = change(self.to);
        self
    }

    /// Copies, or goes on with a copy that was begun.
    ///
    /// # Errors
    /// [`CopyError`]. The target stays unfinished, and the same call goes on where it can.
    pub fn run(&mut self) -> Result<CopyReport, CopyError> {
        let begun = Instant::now();
        let mut run = Run::begin(self)?;
        let mark = Mark::of(&run.loader.progress().value, &self.to.path)?;
        let mut is_ended = false;
        if let Some(mark) = &mark {
            mark.check(&run)?;
            run.pass_over(mark)?;
            is_ended = mark.is_ended;
        }
        if !is_ended {
            run.copy(self.through, &mut self.progress)?;
        }
        let resumed_behind = mark.map(|mark| mark.commit);
        run.finish(resumed_behind, begun)
    }
}

impl<T: Transformation> Run<T> {
    fn begin(copy: &CopyTransform<T>) -> Result<Self, CopyError> {
        let transformation = copy.transformation.clone();
        let name = transformation.name()?;
        let reader = LogReader::open(&copy.from).map_err(CopyError::Source)?;
        let disk = Disk::that_only_reads();
        let key = name_key::read(&disk, &copy.from)?;
        let mut loader = Loader::open(copy.to.clone())?;
        if let Some(key) = key {
            loader.set_name_key(&key)?;
        }
        Ok(Self {
            of_bytes: reader.bytes_in_all()?,
            reader,
            loader,
            transformer: Transformer::new(transformation),
            name,
            recorded: Timestamp::EPOCH,
            written: 0,
            marked_bytes: 0,
            marked_commits: 0,
            commits_between: copy.commits_between,
        })
    }

    /// What becomes of the next commit of the source.
    fn next(&mut self) -> Result<Option<Commit>, CopyError> {
        let Some(stored) = self.reader.next().transpose()? else { return Ok(None) };
        self.recorded = stored.recorded;
        let commit = self.transformer.commit(&stored)?;
        self.written += u64::from(!commit.writes_nothing());
        Ok(Some(commit))
    }

    /// Runs the transformation over what the target holds already.
    fn pass_over(&mut self, mark: &Mark) -> Result<(), CopyError> {
        while self.reader.head().commit < mark.commit && self.next()?.is_some() {}
        if self.reader.head().commit != mark.commit || self.reader.chained() != mark.chain {
            return Err(CopyError::SourceChanged { commit: mark.commit });
        }
        if mark.is_ended {
            self.written += u64::from(!self.transformer.end()?.writes_nothing());
        }
        let found = self.loader.progress().commit;
        if self.written != found.get() {
            let expected = CommitNumber::new(self.written).unwrap_or(CommitNumber::MAX);
            return Err(CopyError::Unrepeatable { commit: mark.commit, expected, found });
        }
        self.marked_bytes = self.reader.bytes();
        self.marked_commits = mark.commit.get();
        Ok(())
    }

    fn copy(
        &mut self,
        through: CommitNumber,
        progress: &mut Option<Box<dyn FnMut(CopyProgress) + Send>>,
    ) -> Result<(), CopyError> {
        while self.reader.head().commit < through
            && let Some(commit) = self.next()?
        {
            self.loader.load(self.recorded, commit)?;
            let commits = self.reader.head().commit.get();
            let has_much = self.reader.bytes() - self.marked_bytes >= BYTES_BETWEEN;
            let is_marked = has_much || commits - self.marked_commits >= self.commits_between;
            if is_marked {
                self.mark(false)?;
            }
            if let Some(progress) = progress
                && (is_marked || commits.is_multiple_of(COMMITS_TOLD))
            {
                progress(CopyProgress::of(&self.reader, self.of_bytes));
            }
        }
        let rest = self.transformer.end()?;
        self.written += u64::from(!rest.writes_nothing());
        self.loader.load(self.recorded, rest)?;
        self.mark(true)?;
        if let Some(progress) = progress {
            progress(CopyProgress::of(&self.reader, self.of_bytes));
        }
        Ok(())
    }

    fn mark(&mut self, is_ended: bool) -> Result<(), CopyError> {
        let mark = Mark {
            source: self.reader.log_id(),
            transformation: self.name.clone(),
            commit: self.reader.head().commit,
            chain: self.reader.chained(),
            is_ended,
        };
        self.loader.save(mark.encode())?;
        (self.marked_bytes, self.marked_commits) = (self.reader.bytes(), mark.commit.get());
        Ok(())
    }

    fn finish(self, resumed_behind: Option<CommitNumber>, begun: Instant) -> Result<CopyReport, CopyError> {
        let to = self.loader.path().to_owned();
        let holds = self.loader.finish()?;
        let log_bytes_written = LogReader::open(&to).map_err(CopyError::Written)?.bytes_in_all()?;
        Ok(CopyReport {
            counts: *self.transformer.counts(),
            streams_written: holds.streams,
            through: self.reader.head().commit,
            commit: holds.commit,
            position: holds.position,
            log_bytes_read: self.reader.bytes(),
            log_bytes_written,
            resumed_behind,
            took: begun.elapsed(),
        })
    }
}

impl<T> fmt::Debug for CopyTransform<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyTransform")
            .field("from", &self.from)
            .field("to", &self.to.path)
            .field("through", &self.through)
            .finish_non_exhaustive()
    }
}

impl From<OpenError> for CopyError {
    fn from(error: OpenError) -> Self {
        Self::Target(error.into())
    }
}
