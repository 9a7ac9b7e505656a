//! Putting whole commits into a store that is not in use yet.

mod error;
mod target;

use std::{collections::VecDeque, fmt, path::Path};

use annals_core::{Commit, CommitError, CommitNumber, IdempotencyKey, NameKey, Position, Store, Timestamp};
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{
    OpenError, SledOptions, SledStore,
    committer::Delivery,
    name_key,
    sleeper::wait_for,
    unfinished::{self, Saved},
};

pub use error::LoaderError;

/// Puts whole commits into an empty folder, with the recorded times that they have elsewhere: for copies, imports and
/// restores, never beside an application.
///
/// The folder becomes a store that is *unfinished*: nothing else opens it before [`finish`](Self::finish). A loader that
/// ended early, killed or not, is opened again and goes on behind what was [saved](Self::save).
///
/// * **Order and numbers.** Commits are written in the order in which they are given. Commit numbers, positions and versions
///   are dense, from 1 on, whatever they were elsewhere. Recorded times never decrease.
/// * **As through the store.** The store's one writer judges each commit as it judges any other: one that appends to a closed
///   stream, or repeats an idempotency key, is refused. What the store adds by itself (`$streams`, and in `$once` the receipt)
///   is that of this store.
/// * **Durability.** Commits are written in large groups, and [`save`](Self::save) waits until they are on disk. It keeps them
///   and a value of the caller in one step: after a kill either both are there or neither.
/// * **Blocking.** Every method may wait for the disk, so call it from a thread where that is allowed.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("restored");
/// use annals_core::{Commit, EventType, NewEvent, Timestamp};
/// use annals_store_sled::{Loader, SledOptions};
///
/// let mut loader = Loader::open(SledOptions::new(&path))?;
/// if loader.progress().commit.is_zero() {
///     let event = NewEvent::new("account-1".parse()?, EventType::new("account.opened")?, "");
///     loader.load("2020-02-29T12:00:00Z".parse::<Timestamp>()?, Commit::of([event]))?;
///     loader.save("up to line 1")?;
/// }
/// loader.finish()?;
/// # Ok(())
/// # }
/// ```
pub struct Loader {
    store: SledStore,
    options: SledOptions,
    progress: LoaderProgress,
    /// The recorded time of the commit that was given last.
    latest: Timestamp,
    /// Its number.
    number: CommitNumber,
    /// How many streams there are in what is known to be on disk.
    streams: u64,
    /// Commits that are not known to be on disk yet, in their order.
    waiting: VecDeque<Waiting>,
    failed: Option<LoaderError>,
}

/// How far an unfinished store has come: what was [saved](Loader::save) last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoaderProgress {
    /// The last commit that is in.
    pub commit: CommitNumber,
    /// The last position that is in.
    pub position: Position,
    /// The recorded time of the last commit that is in; the epoch, if there is none. No later one may lie before it.
    pub recorded: Timestamp,
    /// How many streams hold events.
    pub streams: u64,
    /// What the caller saved with it; empty before the first time.
    pub value: Bytes,
}

struct Waiting {
    number: CommitNumber,
    key: Option<IdempotencyKey>,
    answer: oneshot::Receiver<Delivery>,
}

impl LoaderProgress {
    fn of(saved: Saved) -> Self {
        let Saved { standing, streams, value } = saved;
        Self { commit: standing.commit, position: standing.position, recorded: standing.recorded, streams, value }
    }
}

impl Loader {
    /// Begins a store in the empty folder that `options` names, or goes on with one that is unfinished. What it was given
    /// behind the last [`save`](Self::save) is removed.
    ///
    /// The limits of `options` hold for what is loaded, its clock is not asked.
    ///
    /// # Errors
    /// [`LoaderError::Occupied`] when the folder holds a store that is not unfinished, [`LoaderError::Open`] when it holds
    /// something else or cannot be used. Nothing was changed.
    pub fn open(options: SledOptions) -> Result<Self, LoaderError> {
        let (opened, saved) = target::open(&options)?;
        let store = SledStore::start(options.clone(), opened)?;
        let progress = LoaderProgress::of(saved);
        let (latest, number, streams) = (progress.recorded, progress.commit, progress.streams);
        Ok(Self { store, options, progress, latest, number, streams, waiting: VecDeque::new(), failed: None })
    }

    /// What was saved last.
    #[must_use]
    pub fn progress(&self) -> &LoaderProgress {
        &self.progress
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.options.path
    }

    /// Takes the key that the unique names among the rows were hashed with (`$names`). Without it, nobody can use them.
    ///
    /// # Errors
    /// [`LoaderError::Open`] when it cannot be written.
    pub fn set_name_key(&mut self, key: &NameKey) -> Result<(), LoaderError> {
        name_key::write(&self.options.disk(), &self.options.path, key).map_err(OpenError::from)?;
        Ok(())
    }

    /// Hands over the next commit, as recorded at `recorded`. Its conditions are not looked at: they held where it was made.
    /// One with nothing to write takes no number.
    ///
    /// It may be on disk only once it is [saved](Self::save), and an error about it may come as late.
    ///
    /// # Errors
    /// [`LoaderError`]; nothing can be loaded or saved behind it.
    pub fn load(&mut self, recorded: Timestamp, mut commit: Commit) -> Result<(), LoaderError> {
        self.check()?;
        commit.conditions.clear();
        if commit.writes_nothing() {
            return Ok(());
        }
        let number = self.number.next();
        if recorded < self.latest {
            return self.fail(LoaderError::TimeBackwards { number, latest: self.latest, found: recorded });
        }
        if let Err(reason) = self.options.limits.check(&commit) {
            return self.fail(LoaderError::Refused { number, reason: reason.into() });
        }
        let key = commit.once.as_ref().map(|once| once.key.clone());
        match wait_for(self.store.push_recorded(commit, recorded)) {
            Ok(answer) => self.waiting.push_back(Waiting { number, key, answer }),
            Err(reason) => return self.fail(LoaderError::Refused { number, reason }),
        }
        (self.latest, self.number) = (recorded, number);
        self.take_answers(|answer| answer.try_recv().ok())
    }

    /// Waits until all that was loaded is on disk, and keeps `value` with it.
    ///
    /// # Errors
    /// [`LoaderError`]; what was saved before stays saved.
    pub fn save(&mut self, value: impl Into<Bytes>) -> Result<(), LoaderError> {
        self.settle()?;
        let standing = self.store.shared().published().standing;
        let saved = Saved { standing, streams: self.streams, value: value.into() };
        if let Err(error) = unfinished::write(&self.options.disk(), &self.options.path, &saved) {
            return self.fail(OpenError::io("saving the progress in", &self.options.path, &error).into());
        }
        self.progress = LoaderProgress::of(saved);
        Ok(())
    }

    /// Waits until all that was loaded is on disk, and makes the store one like any other; it is closed. Returns what it
    /// holds, with the value that was saved last.
    ///
    /// # Errors
    /// [`LoaderError`]; the store is still unfinished, and what was saved stays saved.
    pub fn finish(mut self) -> Result<LoaderProgress, LoaderError> {
        self.settle()?;
        let standing = self.store.shared().published().standing;
        let value = std::mem::take(&mut self.progress.value);
        let holds = LoaderProgress::of(Saved { standing, streams: self.streams, value });
        if let Err(error) = unfinished::remove(&self.options.disk(), &self.options.path) {
            return Err(OpenError::io("finishing", &self.options.path, &error).into());
        }
        wait_for(self.store.shut_down());
        Ok(holds)
    }

    /// The hash over all commits that are on disk.
    pub(crate) fn chained(&self) -> u64 {
        self.store.shared().published().standing.chain
    }

    fn check(&self) -> Result<(), LoaderError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn fail<T>(&mut self, error: LoaderError) -> Result<T, LoaderError> {
        Err(self.failed.get_or_insert(error).clone())
    }

    /// Waits until all is on disk.
    fn settle(&mut self) -> Result<(), LoaderError> {
        self.check()?;
        let gone = |_| Delivery::lost();
        self.take_answers(|answer| Some(wait_for(answer).unwrap_or_else(gone)))
    }

    /// Takes the answers in the order of the commits, as long as `take` has one.
    fn take_answers(
        &mut self,
        mut take: impl FnMut(&mut oneshot::Receiver<Delivery>) -> Option<Delivery>,
    ) -> Result<(), LoaderError> {
        while let Some(first) = self.waiting.front_mut() {
            let Some(delivery) = take(&mut first.answer) else { break };
            let number = first.number;
            self.streams += delivery.streams_begun();
            let key = self.waiting.pop_front().and_then(|first| first.key);
            match (delivery.into_result(), key) {
                (Ok(receipt), Some(key)) if receipt.repeated => {
                    return self.fail(LoaderError::KeyRepeated { number, key, first: receipt.commit });
                }
                (Ok(_), _) => {}
                (Err(reason), _) => return self.fail(LoaderError::Refused { number, reason }),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader")
            .field("path", &self.options.path)
            .field("progress", &self.progress)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Delivery {
    /// What is known when the committer ended before it answered.
    fn lost() -> Self {
        let reason = "the committer ended before it answered".into();
        Self::refusal(CommitError::OutcomeUnknown { reason })
    }
}
