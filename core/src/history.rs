//! Looking back: an aggregate as it was, and how it came to be.
//!
//! All of it is folded from what is stored. Snapshots may save a part of the work and never change an answer; what is
//! kept in memory takes no part, and nothing that is loaded here is kept.

use std::fmt::Debug;

use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use thiserror::Error;

use crate::{
    Aggregate, AsOf, Difference, LoadError, Loaded, On, ReadStream, Record, StreamId, Timestamp, Version,
    load::{Held, load_stored},
};

/// A moment to look back to, inclusive. Which of an event's two times counts makes the difference between what was known
/// by then and what is known today of that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// As it was recorded by then: a beginning of the stream, because recorded times never decrease.
    Recorded(Timestamp),
    /// With all events that occurred by then, whenever they were recorded, in the order of the stream. An event that
    /// occurred later is left out also where others follow it, so this need not be a beginning of the stream.
    Occurred(Timestamp),
}

/// Why an aggregate cannot be loaded at a version. Nothing was changed.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum LoadAtError {
    /// The stream has not come that far. Ask for a version that it has.
    #[error("stream {stream} is at version {actual}, asked for was version {wanted}")]
    NoSuchVersion {
        /// The stream.
        stream: StreamId,
        /// What was asked for.
        wanted: Version,
        /// Where the stream is.
        actual: Version,
    },
    /// It cannot be loaded at any version, or not at this one; the error says what to do.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// One event of an aggregate's history, and what it changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Step<A: Aggregate> {
    /// The event as stored: version and position, id, recorded and occurred time, metadata.
    pub record: Record,
    /// Which of the record's events it is, from 0: only a record that was split holds more than one.
    pub index: usize,
    /// The event.
    pub event: A::Event,
    /// The state before it.
    pub before: A,
    /// The state after it.
    pub after: A,
}

impl<A: Aggregate + Debug> Step<A> {
    /// What the event changed in the state, to be read.
    #[must_use]
    pub fn difference(&self) -> Difference {
        Difference::between(&self.before, &self.after)
    }
}

impl<'a, A: Aggregate> On<'a, A> {
    /// The state after exactly `version` events; the default one at version 0. Also of a closed stream.
    ///
    /// ```
    /// use annals_core::{Annals, MemoryStore, Version};
    #[doc = include_str!("doc/counter.txt")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let annals = Annals::over(MemoryStore::new()).open().await?;
    /// let counter = annals.on::<Counter>("visits");
    /// counter.send(Increment { by: 2 }).await?;
    /// counter.send(Increment { by: 3 }).await?;
    /// assert_eq!(counter.load_at(Version::FIRST).await?.state.total, 2);
    ///
    /// let missing = counter.load_at(Version::from(7)).await.unwrap_err();
    /// assert_eq!(missing.to_string(), "stream counter-visits is at version 2, asked for was version 7");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`LoadAtError`].
    pub async fn load_at(&self, version: Version) -> Result<Loaded<A>, LoadAtError> {
        let read = self.whole()?.up_to(version);
        let held = load_stored(self.annals, &self.target, read).await?;
        if held.version < version {
            let (stream, actual) = (held.stream, held.version);
            return Err(LoadAtError::NoSuchVersion { stream, wanted: version, actual });
        }
        Ok(Loaded { state: held.state, version: held.version })
    }

    /// The state as of `moment`; the default one before the first event. Also of a closed stream.
    ///
    /// [`Loaded::version`] is, as ever, how many events were folded. For [`Moment::Occurred`] these need not be the first
    /// of the stream: then `load_at` of this version, or a command that expects it, is about another state. And an event
    /// may meet a state that lacks what came before it: a fold that panics then is [`LoadError::Panicked`].
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn load_as_of(&self, moment: Moment) -> Result<Loaded<A>, LoadError> {
        match moment {
            Moment::Recorded(time) => {
                let read = self.whole()?.as_of(AsOf::Recorded(time));
                let held = load_stored(self.annals, &self.target, read).await?;
                Ok(Loaded { state: held.state, version: held.version })
            }
            Moment::Occurred(time) => self.fold_occurred_by(time).await,
        }
    }

    /// How the aggregate came to be: each event from the first to the latest, with the state before and after it. Also of
    /// a closed stream.
    ///
    /// Sees what was committed when it began and nothing later. It is read and folded while it is taken, and holds two
    /// states. Ends with the first error.
    ///
    /// ```
    /// use annals_core::{Annals, MemoryStore};
    /// use futures::TryStreamExt;
    #[doc = include_str!("doc/counter.txt")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let annals = Annals::over(MemoryStore::new()).open().await?;
    /// let counter = annals.on::<Counter>("visits");
    /// counter.send(Increment { by: 2 }).await?;
    /// counter.send(Increment { by: 3 }).await?;
    /// let mut history = counter.history();
    /// while let Some(step) = history.try_next().await? {
    ///     println!("{} at {}: {:?}", step.record.version(), step.record.recorded(), step.event);
    ///     println!("{}", step.difference());
    ///     // 2 at 2026-03-01T12:00:00Z: Incremented { by: 3 }
    ///     //   Counter {
    ///     // -     total: 2,
    ///     // +     total: 5,
    ///     //   }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn history(&self) -> BoxStream<'a, Result<Step<A>, LoadError>> {
        let read = match self.whole() {
            Ok(read) => read,
            Err(error) => return stream::iter([Err(error)]).boxed(),
        };
        let held = Held::empty(&self.target, read.stream.clone());
        let records = self.annals.store().read_stream(read);
        let steps = stream::try_unfold((records, held), |(mut records, mut held)| async move {
            let Some(record) = records.next().await.transpose()? else { return Ok::<_, LoadError>(None) };
            let mut steps = Vec::with_capacity(1);
            held.fold_each(&record, |state, event| {
                let before = state.clone();
                state.evolve(event);
                let (index, event, after) = (steps.len(), event.clone(), state.clone());
                steps.push(Ok(Step { record: record.clone(), index, event, before, after }));
            })?;
            Ok(Some((stream::iter(steps), (records, held))))
        });
        steps.try_flatten().boxed()
    }

    fn whole(&self) -> Result<ReadStream, LoadError> {
        Ok(ReadStream::all(self.annals.stream(&self.target)?))
    }

    /// No snapshot can stand for what is no beginning of the stream.
    async fn fold_occurred_by(&self, time: Timestamp) -> Result<Loaded<A>, LoadError> {
        let read = self.whole()?;
        let mut held = Held::empty(&self.target, read.stream.clone());
        let mut folded = Version::ZERO;
        let mut records = self.annals.store().read_stream(read);
        while let Some(record) = records.next().await.transpose()? {
            if record.occurred() <= time {
                held.fold(&record)?;
                folded = folded.next();
            }
        }
        Ok(Loaded { state: held.state, version: folded })
    }
}

#[cfg(test)]
mod tests;
