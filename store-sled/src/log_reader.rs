//! Reading a store's log alone, beside whatever else is done with the store.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use annals_core::{CommitNumber, Corruption, Head, Position, ReadError, StoredCommit, Timestamp};
use uuid::Uuid;

use crate::{
    OpenError,
    files::check_is_store,
    log::{
        Log,
        clean::{self, LastClose},
        disk::Disk,
        frame::Standing,
        recovery,
        scanner::{Found, FoundFrame, Scanner},
        segment::Segment,
    },
};

/// Reads the commits of a store's log in their order, each whole, from the log's files alone: it takes no lock, opens no
/// index, and changes nothing, so it may read a store that is open elsewhere.
///
/// * **Order.** Commits come by number, from the first one on, none is left out. Every byte of each is checked before it is
///   given.
/// * **The end.** `None` says that no more whole commits are there at this moment; asked again later, it gives what was
///   written since. What stands behind the last whole commit is a write in progress, or was cut off by a crash: neither is
///   an error, and neither is touched.
/// * **Durability.** The last group that is there may not have reached the disk yet, and a power cut may take it away
///   again: see [`confirmed`](Self::confirmed).
/// * **Memory.** One commit, and a window of the file.
///
/// An error is the last thing that it gives.
pub struct LogReader {
    store: PathBuf,
    log: Arc<Log>,
    scanner: Scanner,
    /// Where the log stands behind the commit that was given last.
    end: Standing,
    confirmed: CommitNumber,
    has_failed: bool,
}

/// How far a log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogProgress {
    /// Bytes of the log that were read, or passed over.
    pub bytes: u64,
    /// How many bytes the log's files have now, zeros behind the log's end included.
    pub of_bytes: u64,
    /// The last commit and position that were read.
    pub head: Head,
}

/// What stands where no whole commit does.
enum Rest {
    /// Something was written meanwhile.
    More,
    /// Nothing that counts, by now.
    Nothing,
}

impl LogReader {
    /// Opens the log of the store in the folder `store`, before its first commit.
    ///
    /// # Errors
    /// [`OpenError`]: there is no log, it has a later format, it is damaged where one sees it at once, or it is that of a
    /// store into which a [`Loader`](crate::Loader) has not put everything yet.
    pub fn open(store: impl AsRef<Path>) -> Result<Self, OpenError> {
        let store = store.as_ref().to_owned();
        let not_a_store = |reason| OpenError::NotAStore { path: store.clone(), reason };
        check_is_store(&store)?;
        let log = recovery::open_segments(&Disk::that_only_reads(), &store)?;
        let log = Arc::new(log.ok_or_else(|| not_a_store("its log has no segment"))?);
        Self::of(store.clone(), log, Standing::START).ok_or_else(|| not_a_store("its log has no beginning"))
    }

    /// Reads the log of the store in the folder `store` behind `standing`, which must be where a segment begins, or where the
    /// log stood between two commits. `None` where no segment holds that.
    pub(crate) fn of(store: PathBuf, log: Arc<Log>, standing: Standing) -> Option<Self> {
        let scanner = Scanner::chained(Arc::clone(&log), standing)?;
        let (end, confirmed) = (scanner.standing, standing.commit);
        Some(Self { store, log, scanner, end, confirmed, has_failed: false })
    }

    /// Passes over whole files of the log in front of the one that holds `position`: their commits are neither read nor
    /// checked. It may give some before `position` all the same.
    pub fn skip_to(&mut self, position: Position) {
        self.pass_over(|start| start.position < position);
    }

    /// The same in front of the file that holds the first commit that was recorded at `recorded` or later.
    pub fn skip_to_time(&mut self, recorded: Timestamp) {
        self.pass_over(|start| start.recorded < recorded);
    }

    /// Goes on in the last segment whose beginning is `before`, if that lies ahead.
    pub(crate) fn pass_over(&mut self, before: impl Fn(&Standing) -> bool) {
        let segments = self.log.segments();
        let ahead = segments.iter().rfind(|segment| segment.start.offset > self.end.offset && before(&segment.start));
        if let Some(segment) = ahead
            && let Some(scanner) = Scanner::chained(Arc::clone(&self.log), segment.start)
        {
            (self.end, self.confirmed, self.scanner) = (scanner.standing, segment.start.commit, scanner);
        }
    }

    /// How far it has read.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { commit: self.end.commit, position: self.end.position }
    }

    /// Up to which of the commits that were read it is proved that they are on disk: those before the last group, and all
    /// once the end of a store was reached that was closed.
    #[must_use]
    pub fn confirmed(&self) -> CommitNumber {
        self.confirmed
    }

    /// How far it has read, and how much there is.
    ///
    /// # Errors
    /// [`ReadError::Io`] when the operating system does not say how long a file is.
    pub fn progress(&self) -> Result<LogProgress, ReadError> {
        Ok(LogProgress { bytes: self.bytes(), of_bytes: self.bytes_in_all()?, head: self.head() })
    }

    /// How many bytes the log has, up to where it was read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.end.offset
    }

    /// How many bytes the files of the log have that are there now, zeros at the end included.
    pub(crate) fn bytes_in_all(&self) -> Result<u64, ReadError> {
        let Some(last) = self.log.last_segment() else { return Ok(0) };
        let length = last.file.length().map_err(|error| self.unreadable(&error))?;
        Ok(last.start.offset + length)
    }

    /// The hash over all commits that were read.
    pub(crate) fn chained(&self) -> u64 {
        self.end.chain
    }

    /// The id of the log.
    pub(crate) fn log_id(&self) -> Uuid {
        self.log.id
    }

    /// Where it has read to.
    pub(crate) fn standing(&self) -> Standing {
        self.end
    }

    /// The log that it reads.
    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// What gave the frame that was found last, and has its body.
    pub(crate) fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// What the store says of its last close.
    pub(crate) fn last_close(&self) -> std::io::Result<LastClose> {
        clean::read(&self.log.disk, &self.store, self.log.id)
    }

    fn next_commit(&mut self) -> Result<Option<StoredCommit>, ReadError> {
        let before = self.end;
        let Some(found) = self.find_frame()? else { return Ok(None) };
        let content = self.scanner.frame(&found).content();
        content.map(Some).map_err(|error| {
            self.end = before;
            self.log.item_error(found.offset, error)
        })
    }

    /// The next commit's frame, its chain checked, its items not, its body in the scanner until the next one is looked for.
    pub(crate) fn find_frame(&mut self) -> Result<Option<FoundFrame>, ReadError> {
        let mut suspected = None;
        loop {
            let bad = match self.scanner.find()? {
                Found::Frame(found) => {
                    self.take();
                    return Ok(Some(found));
                }
                Found::End => None,
                Found::Bad(corruption) => Some(corruption),
            };
            let at = self.scanner.standing.offset;
            let rest = self.look_behind(bad);
            // From the last whole commit again: what was read behind it may be written otherwise by then.
            if let Some(scanner) = Scanner::chained(Arc::clone(&self.log), self.end) {
                self.scanner = scanner;
            }
            match rest {
                Ok(Rest::Nothing) => return Ok(None),
                Ok(Rest::More) => {}
                Err(error) if suspected == Some(at) => return Err(error),
                // It may have been written between the look at it and the look behind it: damage is still there then.
                Err(_) => suspected = Some(at),
            }
        }
    }

    fn take(&mut self) {
        let behind = self.scanner.standing;
        if behind.group != self.end.group {
            // A group is begun only once the one before is on disk.
            self.confirmed = self.end.commit;
        }
        self.end = behind;
    }

    /// What to make of the place where no whole commit stands, or of `bad` bytes.
    fn look_behind(&mut self, bad: Option<Corruption>) -> Result<Rest, ReadError> {
        let standing = self.scanner.standing;
        let (segment, is_followed) = self.scanner.segment();
        let segment = Arc::clone(segment);
        if is_followed {
            // Complete before the next segment was begun.
            let what = "the segment ends before the next one begins";
            return Err(bad.unwrap_or_else(|| segment.corruption(standing.offset, what)).into());
        }
        if recovery::open_later_segments(&self.log).map_err(read_error)? {
            return Ok(Rest::More);
        }
        match self.last_close().map_err(|error| self.unreadable(&error))? {
            LastClose::Clean(closed) => {
                if let Some(corruption) = bad {
                    return Err(corruption.into());
                }
                recovery::check_closed(&segment, &standing, &closed).map_err(read_error)?;
                self.confirmed = standing.commit;
            }
            LastClose::Damaged => {
                let file = self.store.join("clean").display().to_string();
                let what = "the marker of the last close cannot be read".to_owned();
                return Err(Corruption { file, offset: 0, what }.into());
            }
            LastClose::Unclean => self.check_nothing_later(&segment, &standing, bad)?,
        }
        Ok(Rest::Nothing)
    }

    /// A group further behind proves that what stands here was whole once.
    fn check_nothing_later(
        &self,
        segment: &Segment,
        standing: &Standing,
        bad: Option<Corruption>,
    ) -> Result<(), ReadError> {
        let at = standing.offset;
        let rest = recovery::rest_of(segment, at).map_err(read_error)?;
        let rest = segment.read(at, rest).map_err(|error| self.unreadable(&error))?;
        match recovery::later_group(&rest, self.log.id, at, standing.group) {
            None => Ok(()),
            Some(later) => {
                let what = format!("the log is damaged here, but was written further behind, at byte {later}");
                Err(bad.unwrap_or_else(|| segment.corruption(at, what)).into())
            }
        }
    }

    fn unreadable(&self, error: &std::io::Error) -> ReadError {
        ReadError::Io { what: format!("reading {}", self.store.display()), reason: error.to_string() }
    }
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader").field("store", &self.store).field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Iterator for LogReader {
    type Item = Result<StoredCommit, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let next = self.next_commit().transpose();
        self.has_failed = matches!(next, Some(Err(_)));
        next
    }
}

fn read_error(error: OpenError) -> ReadError {
    match error {
        OpenError::Corrupt(corruption) => corruption.into(),
        OpenError::Unreadable(error) => error,
        other => ReadError::Io { what: "reading on in the log".into(), reason: other.to_string() },
    }
}
