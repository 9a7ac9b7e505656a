//! What becomes of stored commits when a store is copied.

mod counts;
mod recode;
mod rows;
mod transformer;

use std::error::Error;

use crate::{
    InvalidText, NewEvent, Once, Record, StoredCommit, StreamId,
    text::{self, text_type},
};

pub use counts::TransformCounts;
pub use recode::RecodeError;
pub use transformer::{TransformError, TransformedAt, Transformer};

text_type! {
    /// The name of a [`Transformation`] with all that it depends on: `tag-owners-1`.
    ///
    /// 1 to 255 bytes of UTF-8 without control characters.
    TransformationName, "name of a transformation", text::check, &[]
}

/// Says what becomes of the events of a store when it is copied into a new one: kept, dropped, renamed, moved to another
/// stream, given other tags or another content, split into several, or merged.
///
/// It is asked about every record of the log, in its order, in one pass.
///
/// * **Repeatable.** For the same log it gives the same, each time: a copy that goes on after a kill asks it again from the
///   beginning, and so does the verification. So no clocks and no random ids; [`Record::part`] makes ids that stay.
/// * **Bounded.** It may remember what it likes between records; what it remembers is all that a copy holds beyond one
///   commit, so let it be little.
/// * **Cloned** before each pass, so that each begins with nothing remembered.
///
/// A mistake or a panic ends the copy with an error that names the record; what is copied so far stays, unfinished.
///
/// ```
/// use std::error::Error;
/// use annals_core::{Fate, InvalidText, Record, StreamFate, StreamId, Tag, Transformation, TransformationName};
///
/// /// Withdrawals get the customer as a tag; test accounts are left out.
/// #[derive(Clone)]
/// struct TagCustomers;
///
/// impl Transformation for TagCustomers {
///     fn name(&self) -> Result<TransformationName, InvalidText> {
///         TransformationName::new("tag-customers-1")
///     }
///
///     fn stream(&self, stream: &StreamId) -> Result<StreamFate, InvalidText> {
///         Ok(if stream.key().starts_with("test-") { StreamFate::Drop } else { StreamFate::Keep })
///     }
///
///     fn record(&mut self, record: &Record) -> Result<Fate, Box<dyn Error + Send + Sync>> {
///         if record.event_type().as_str() != "account.withdrawn" {
///             return Ok(Fate::Keep);
///         }
///         let mut event = record.to_event();
///         event.tags.push(Tag::of("account", record.stream().key())?);
///         Ok(Fate::Change(event))
///     }
/// }
/// ```
pub trait Transformation: Clone + Send {
    /// Tells it from others: a copy that was begun by one is not completed by another. It changes with what the
    /// transformation does.
    ///
    /// # Errors
    /// [`InvalidText`] when the text makes no name.
    fn name(&self) -> Result<TransformationName, InvalidText>;

    /// What becomes of a stream: of its events before they are looked at one by one, of the unique names that it holds, and
    /// of its being closed. The same stream always has the same fate, so it depends on the id alone.
    ///
    /// # Errors
    /// [`InvalidText`] when the new name is none.
    fn stream(&self, _stream: &StreamId) -> Result<StreamFate, InvalidText> {
        Ok(StreamFate::Keep)
    }

    /// What becomes of a record whose stream is not dropped. The record has the new name of its stream; the rest is as it
    /// is stored.
    ///
    /// # Errors
    /// Whatever keeps it from saying so.
    fn record(&mut self, record: &Record) -> Result<Fate, Box<dyn Error + Send + Sync>>;

    /// Events that are appended to the commit when all its records were looked at: those into which some were
    /// [merged](Fate::Merge), if that only shows then. `commit` is as it is stored.
    ///
    /// # Errors
    /// Whatever keeps it from saying so.
    fn commit_end(&mut self, _commit: &StoredCommit) -> Result<Vec<NewEvent>, Box<dyn Error + Send + Sync>> {
        Ok(Vec::new())
    }

    /// Events that make one more commit when the whole log was looked at, recorded at the time of the last one: what was
    /// merged across commits and is still held.
    ///
    /// # Errors
    /// Whatever keeps it from saying so.
    fn log_end(&mut self) -> Result<Vec<NewEvent>, Box<dyn Error + Send + Sync>> {
        Ok(Vec::new())
    }

    /// Whether the idempotency key of a commit is kept. It is by default, also where nothing else of the commit is: a
    /// repetition of the request then gets the first answer, and takes effect no second time.
    fn keeps_key(&self, _once: &Once) -> bool {
        true
    }
}

/// What becomes of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamFate {
    /// It keeps its name.
    Keep,
    /// It has another name, of the same tenant. Streams that get the same name become one, in the order of the log.
    Rename(StreamId),
    /// It is left out with all its events; names that it holds become free.
    Drop,
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once; a box would cost each change an allocation")]
pub enum Fate {
    /// It is stored as it is.
    Keep,
    /// It is left out.
    Drop,
    /// This is stored in its place: begin with [`Record::to_event`] or [`Record::recoded`].
    Change(NewEvent),
    /// These are stored in its place, in this order: begin with [`Record::part`].
    Split(Vec<NewEvent>),
    /// Nothing is stored in its place: what it says will be in an event that comes later.
    Merge,
}

/// The transformation that changes nothing: for a plain copy of what a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unchanged;

impl Transformation for Unchanged {
    fn name(&self) -> Result<TransformationName, InvalidText> {
        TransformationName::new("unchanged")
    }

    fn record(&mut self, _: &Record) -> Result<Fate, Box<dyn Error + Send + Sync>> {
        Ok(Fate::Keep)
    }
}

#[cfg(test)]
mod tests;
