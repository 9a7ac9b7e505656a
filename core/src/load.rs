//! From a stream to a state: a baseline (kept in memory, or a snapshot), then the tail behind it, unless somebody decides first and
//! lets the commit see whether there is any.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use futures::StreamExt;
use thiserror::Error;

use crate::{
    Aggregate, Annals, AsOf, At, DecodeError, InvalidText, Position, ReadError, ReadStream, Record, Store, StreamId,
    Version,
    cache::Place,
    decode_record,
    snapshot::{Found, Kept},
};

/// An aggregate's state, folded from all events of its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded<A> {
    /// The state; the default one when the stream holds no events.
    pub state: A,
    /// How many events it was folded from.
    pub version: Version,
}

/// Why an aggregate or a boundary cannot be loaded. Nothing was changed.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The id makes no stream id, or a value by which a boundary selects no tag. Correct it.
    #[error(transparent)]
    InvalidId(#[from] InvalidText),
    /// A boundary has an alternative that names no kind of event, so that everything would be selected. Name the kinds
    /// that the decision depends on.
    #[error("boundary {boundary} selects events of any kind: name the kinds that it depends on")]
    Unbounded {
        /// The boundary's type.
        boundary: &'static str,
    },
    /// The stream cannot be read; the error says what to do.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record is no event that this code knows. Bring the code that does.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The state's `evolve` panicked. Correct it: an event that happened must fold.
    #[error("folding version {version} of stream {stream} panicked: {message}")]
    Panicked {
        /// The stream.
        stream: StreamId,
        /// The version of the event.
        version: Version,
        /// What the panic said.
        message: String,
    },
}

impl LoadError {
    /// Whether the same may succeed when it is tried again unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Read(ReadError::Io { .. }))
    }
}

/// A committed state, and what is known of its stream. Shared with the cache: it is cloned only where it changes.
#[derive(Debug, Clone)]
pub struct Held<A: Aggregate> {
    pub(crate) id: A::Id,
    pub(crate) stream: StreamId,
    pub(crate) state: A,
    pub(crate) version: Version,
    /// The version of the latest snapshot that is written or on its way; zero without one.
    pub(crate) snapshot: Version,
    /// Whether a snapshot was found that is to be replaced: it cannot be used, or is of an older version of the state.
    pub(crate) replaces: bool,
}

/// Loads what `target` names, as of now.
pub(crate) async fn load<A: Aggregate>(annals: &Annals, target: &At<A>) -> Result<Arc<Held<A>>, LoadError> {
    let stream = annals.stream(target)?;
    let Some(mut held) = kept(annals, &stream) else { return whole(annals, target, stream).await };
    catch_up(&mut held, annals.store()).await?;
    Ok(held)
}

/// What is kept in memory of what `target` names, out of date or not; loaded where nothing is.
pub(crate) async fn baseline<A: Aggregate>(
    annals: &Annals,
    target: &At<A>,
    stream: StreamId,
) -> Result<Arc<Held<A>>, LoadError> {
    match kept(annals, &stream) {
        Some(held) => Ok(held),
        None => whole(annals, target, stream).await,
    }
}

/// What is kept in memory of the aggregate in `stream`, out of date or not.
pub(crate) fn kept<A: Aggregate>(annals: &Annals, stream: &StreamId) -> Option<Arc<Held<A>>> {
    annals.cache().get(Place::Stream(stream.clone()))
}

async fn whole<A: Aggregate>(annals: &Annals, target: &At<A>, stream: StreamId) -> Result<Arc<Held<A>>, LoadError> {
    load_stored(annals, target, ReadStream::all(stream)).await.map(Arc::new)
}

/// Folds what `read` sees, which is a stream from its first event on, up to wherever the read ends. A snapshot may stand
/// for a part that it sees whole; what is kept in memory takes no part.
pub(crate) async fn load_stored<A: Aggregate>(
    annals: &Annals,
    target: &At<A>,
    read: ReadStream,
) -> Result<Held<A>, LoadError> {
    let empty = Held::empty(target, read.stream.clone());
    let mut held = match annals.keeper().find::<A>(annals.store(), &read.stream).await? {
        Found::State(kept) if kept.version <= read.to => {
            let Kept { state, version, is_current } = kept;
            let held = Held { state, version, snapshot: version, replaces: !is_current, ..empty };
            return from_snapshot(annals, held, read).await;
        }
        Found::State(_) | Found::Nothing => empty,
        Found::Unusable => Held { replaces: true, ..empty },
    };
    held.fold_all(annals.store(), read).await?;
    Ok(held)
}

/// Reads the tail from the snapshot's own version on, to see that the read reaches it: a snapshot of events that the
/// stream does not hold, or that came later, must not be used.
async fn from_snapshot<A: Aggregate>(
    annals: &Annals,
    mut held: Held<A>,
    read: ReadStream,
) -> Result<Held<A>, LoadError> {
    let mut tail = annals.store().read_stream(read.clone().after(held.version.previous()));
    if let Some(record) = tail.next().await {
        record?;
        while let Some(record) = tail.next().await {
            held.fold(&record?)?;
        }
        annals.keeper().count_used();
        return Ok(held);
    }
    drop(tail);
    // As of an earlier moment there may be nothing wrong with it.
    let replaces = read.as_of == AsOf::Now;
    if replaces {
        annals.keeper().count_unusable();
    }
    let mut held = Held { replaces, ..Held::empty(&At { id: held.id }, held.stream) };
    held.fold_all(annals.store(), read).await?;
    Ok(held)
}

/// Folds what the stream holds behind this state, and says where the first of it is, if there is anything.
pub(crate) async fn catch_up<A: Aggregate>(
    held: &mut Arc<Held<A>>,
    store: &Arc<dyn Store>,
) -> Result<Option<Position>, LoadError> {
    let mut tail = store.read_stream(ReadStream::all(held.stream.clone()).after(held.version));
    let mut first = None;
    while let Some(record) = tail.next().await {
        let record = record?;
        first.get_or_insert(record.position());
        Arc::make_mut(held).fold(&record)?;
    }
    Ok(first)
}

/// Keeps a committed state: in memory, and as a snapshot when one is due.
pub(crate) fn keep<A: Aggregate>(annals: &Annals, mut held: Arc<Held<A>>) {
    let due = annals.keeper().reserve(&mut held);
    annals.cache().put(Place::Stream(held.stream.clone()), held.version.get(), &held);
    if let Some(snapshots) = due {
        annals.keeper().take(snapshots, held);
    }
}

impl<A: Aggregate> Held<A> {
    pub(crate) fn empty(target: &At<A>, stream: StreamId) -> Self {
        let (state, version) = (A::default(), Version::ZERO);
        Self { id: target.id.clone(), stream, state, version, snapshot: Version::ZERO, replaces: false }
    }

    async fn fold_all(&mut self, store: &Arc<dyn Store>, read: ReadStream) -> Result<(), LoadError> {
        let mut records = store.read_stream(read);
        while let Some(record) = records.next().await {
            self.fold(&record?)?;
        }
        Ok(())
    }

    /// Notes that a snapshot of it is taken.
    pub(crate) fn note_snapshot(&mut self) {
        self.snapshot = self.version;
        self.replaces = false;
    }

    /// Folds the events of one record.
    pub(crate) fn fold(&mut self, record: &Record) -> Result<(), LoadError> {
        self.fold_each(record, |state, event| state.evolve(event))
    }

    /// Hands each event of one record to `evolve`, which folds it.
    pub(crate) fn fold_each(
        &mut self,
        record: &Record,
        mut evolve: impl FnMut(&mut A, &A::Event),
    ) -> Result<(), LoadError> {
        // A state that panicked half-way is dropped with the error.
        let events =
            catch(|| decode_record::<A::Event>(record)).map_err(|message| self.panicked(record, message))??;
        catch(|| events.iter().for_each(|event| evolve(&mut self.state, event)))
            .map_err(|message| self.panicked(record, message))?;
        self.version = record.version();
        Ok(())
    }

    fn panicked(&self, record: &Record, message: String) -> LoadError {
        LoadError::Panicked { stream: self.stream.clone(), version: record.version(), message }
    }
}

/// Runs the user's code; a panic becomes its message.
pub(crate) fn catch<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| message(&*panic))
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "no message".to_owned(),
    }
}
