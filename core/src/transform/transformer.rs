//! Applying a transformation to one commit after the other.

use std::{borrow::Cow, error::Error};

use thiserror::Error;

use crate::{
    Commit, CommitNumber, InvalidText, NewEvent, Position, Record, RecordParts, StoredCommit, StreamId, Version,
    load::catch,
};

use super::{Fate, StreamFate, TransformCounts, Transformation, rows};

/// Why a transformation ended early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransformError {
    /// The transformation says that it cannot go on. Correct it, or the store that it is applied to.
    #[error("the transformation failed at {at}: {reason}")]
    Failed {
        /// Where.
        at: TransformedAt,
        /// What it said.
        #[source]
        reason: Box<dyn Error + Send + Sync>,
    },
    /// The transformation panicked. Correct it.
    #[error("the transformation panicked at {at}: {message}")]
    Panicked {
        /// Where.
        at: TransformedAt,
        /// What the panic said.
        message: String,
    },
    /// A stream was to be renamed to one of another tenant, but its names and the keys of its commands belong to its own.
    /// Keep the tenant.
    #[error("stream {stream} was renamed to {to}, which belongs to another tenant")]
    TenantChanged {
        /// The stream.
        stream: StreamId,
        /// Its new name.
        to: StreamId,
    },
    /// The transformation has no name, or gives a stream one that is none. Correct it.
    #[error(transparent)]
    InvalidName(#[from] InvalidText),
}

/// A place at which a transformation was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransformedAt {
    /// What becomes of a record.
    Record(Position),
    /// What is appended to a commit.
    CommitEnd(CommitNumber),
    /// What is appended to the log.
    LogEnd,
    /// What becomes of a stream.
    Streams,
}

impl std::fmt::Display for TransformedAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record(position) => write!(f, "position {position}"),
            Self::CommitEnd(number) => write!(f, "the end of commit {number}"),
            Self::LogEnd => f.write_str("the end of the log"),
            Self::Streams => f.write_str("the name of a stream"),
        }
    }
}

/// Applies a transformation to the commits of a store, one after the other, and counts what it does. For whoever copies
/// stores.
#[derive(Debug)]
pub struct Transformer<T> {
    transformation: T,
    counts: TransformCounts,
}

impl<T: Transformation> Transformer<T> {
    /// A pass of `transformation`, before the first commit.
    pub fn new(transformation: T) -> Self {
        Self { transformation, counts: TransformCounts::default() }
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> &TransformCounts {
        &self.counts
    }

    /// What becomes of the next commit; maybe nothing ([`Commit::writes_nothing`]).
    ///
    /// # Errors
    /// [`TransformError`]; the pass is over.
    pub fn commit(&mut self, stored: &StoredCommit) -> Result<Commit, TransformError> {
        self.counts.commits_read += 1;
        let mut events = Vec::with_capacity(stored.records.len());
        for record in &stored.records {
            self.record(record, &mut events)?;
        }
        let at = TransformedAt::CommitEnd(stored.number);
        events.extend(guard(at, || self.transformation.commit_end(stored))?);
        let mut rows = Vec::with_capacity(stored.rows.len());
        for row in &stored.rows {
            rows.extend(rows::follow(row, |stream| self.stream(stream))?);
        }
        let mut once = stored.once.clone();
        if let Some(kept) = &once
            && !guard(at, || Ok(self.transformation.keeps_key(kept)))?
        {
            once = None;
        }
        Ok(self.written(Commit { conditions: Vec::new(), events, rows, once }))
    }

    /// What is appended when there is no more commit; maybe nothing.
    ///
    /// # Errors
    /// [`TransformError`].
    pub fn end(&mut self) -> Result<Commit, TransformError> {
        let events = guard(TransformedAt::LogEnd, || self.transformation.log_end())?;
        Ok(self.written(Commit::of(events)))
    }

    fn written(&mut self, commit: Commit) -> Commit {
        self.counts.commits_written += u64::from(!commit.writes_nothing());
        self.counts.events_written += commit.events.len() as u64;
        self.counts.bytes_written += commit.events.iter().map(|event| event.payload.len() as u64).sum::<u64>();
        commit
    }

    /// Appends to `events` what becomes of `record`.
    fn record(&mut self, record: &Record, events: &mut Vec<NewEvent>) -> Result<(), TransformError> {
        self.counts.events_read += 1;
        self.counts.bytes_read += record.payload().len() as u64;
        self.counts.streams_read += u64::from(record.version() == Version::FIRST);
        let shown = match self.stream(record.stream())? {
            StreamFate::Keep => Cow::Borrowed(record),
            StreamFate::Rename(stream) => Cow::Owned(Record::of(RecordParts { stream: &stream, ..record.parts() })),
            StreamFate::Drop => {
                self.counts.dropped += 1;
                return Ok(());
            }
        };
        let counts = &mut self.counts;
        match guard(TransformedAt::Record(record.position()), || self.transformation.record(&shown))? {
            Fate::Keep => {
                let event = shown.to_event();
                counts.became(record, &event);
                events.push(event);
            }
            Fate::Change(event) => {
                counts.became(record, &event);
                events.push(event);
            }
            Fate::Split(parts) => match &parts[..] {
                [] => counts.dropped += 1,
                [event] => {
                    counts.became(record, event);
                    events.extend(parts);
                }
                _ => {
                    counts.split += 1;
                    events.extend(parts);
                }
            },
            Fate::Drop => counts.dropped += 1,
            Fate::Merge => counts.merged += 1,
        }
        Ok(())
    }

    fn stream(&self, stream: &StreamId) -> Result<StreamFate, TransformError> {
        let fate = catch(|| self.transformation.stream(stream))
            .map_err(|message| TransformError::Panicked { at: TransformedAt::Streams, message })??;
        match fate {
            StreamFate::Rename(to) if to == *stream => Ok(StreamFate::Keep),
            StreamFate::Rename(to) if to.tenant() != stream.tenant() => {
                Err(TransformError::TenantChanged { stream: stream.clone(), to })
            }
            fate => Ok(fate),
        }
    }
}

/// Runs the transformation's code.
fn guard<R>(
    at: TransformedAt,
    run: impl FnOnce() -> Result<R, Box<dyn Error + Send + Sync>>,
) -> Result<R, TransformError> {
    match catch(run) {
        Ok(Ok(given)) => Ok(given),
        Ok(Err(reason)) => Err(TransformError::Failed { at, reason }),
        Err(message) => Err(TransformError::Panicked { at, message }),
    }
}
