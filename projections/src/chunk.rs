//! A piece of the log, decoded once for everyone who reads it.

use std::{
    any::{Any, TypeId},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use annals_core::{DecodeError, Decoded, Event, Position, Record, decode_record};

use crate::Incoming;

/// Records that follow each other in the log, of those that a feed reads, and what was decoded of them.
pub(crate) struct Chunk {
    records: Vec<Record>,
    /// Every record of the feed up to here is in this chunk or in one before it.
    end: Position,
    columns: Mutex<Vec<(TypeId, Arc<dyn Any + Send + Sync>)>>,
}

/// The events of one enum in a chunk, each decoded when it is first asked for.
pub(crate) trait Column: Send + Sync {
    /// The events of `record`, which is the `index`th of the chunk.
    fn events(&self, index: usize, record: &Record) -> Result<&dyn Events, &DecodeError>;
}

/// The events of one record.
pub(crate) trait Events: Send + Sync {
    fn count(&self) -> usize;
    /// The event `index`, and its variant.
    fn at(&self, index: usize) -> Option<(Incoming<'_>, &'static str)>;
}

pub(crate) struct ColumnOf<E> {
    cells: Vec<OnceLock<Result<Decoded<E>, DecodeError>>>,
}

impl Chunk {
    pub(crate) fn new(records: Vec<Record>, end: Position) -> Self {
        Self { records, end, columns: Mutex::default() }
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn end(&self) -> Position {
        self.end
    }

    fn column<E: Event>(&self) -> Arc<ColumnOf<E>> {
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        let known = columns.iter().find(|(events, _)| *events == TypeId::of::<E>());
        if let Some(column) = known.and_then(|(_, column)| Arc::clone(column).downcast().ok()) {
            return column;
        }
        let cells = std::iter::repeat_with(OnceLock::new).take(self.records.len()).collect();
        let column = Arc::new(ColumnOf::<E> { cells });
        columns.push((TypeId::of::<E>(), Arc::clone(&column) as Arc<dyn Any + Send + Sync>));
        column
    }
}

impl<E: Event> ColumnOf<E> {
    pub(crate) fn of(chunk: &Chunk) -> Arc<dyn Column> {
        chunk.column::<E>()
    }
}

impl<E: Event> Column for ColumnOf<E> {
    #[expect(clippy::indexing_slicing, reason = "there is a cell for each record")]
    fn events(&self, index: usize, record: &Record) -> Result<&dyn Events, &DecodeError> {
        match self.cells[index].get_or_init(|| decode_record(record)) {
            Ok(events) => Ok(events),
            Err(error) => Err(error),
        }
    }
}

impl<E: Event> Events for Decoded<E> {
    fn count(&self) -> usize {
        self.as_slice().len()
    }

    fn at(&self, index: usize) -> Option<(Incoming<'_>, &'static str)> {
        self.as_slice().get(index).map(|event| (Incoming::of(event), event.kind().variant))
    }
}
