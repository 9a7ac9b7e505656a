//! A piece of the log, decoded once for everyone who reads it.

use std::{
    any::{Any, TypeId},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use annals_core::{DecodeError, Decoded, Event, EventType, Position, Record, decode_record};
use hashbrown::HashMap;

use crate::Incoming;

/// Records that follow each other in the log, of those that a feed reads, and what was decoded of them.
pub(crate) struct Chunk {
    records: Vec<Record>,
    /// What types of events there are, and which of them each record has, so that each consumer looks at a name once.
    types: Vec<EventType>,
    type_of: Vec<usize>,
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
        let (mut types, mut numbers) = (Vec::<EventType>::new(), HashMap::new());
        let mut last = 0;
        let mut number = |record: &Record| {
            // Often it is that of the record before.
            if types.get(last) != Some(record.event_type()) {
                last = *numbers.entry(record.event_type().clone()).or_insert_with(|| {
                    types.push(record.event_type().clone());
                    types.len() - 1
                });
            }
            last
        };
        let type_of = records.iter().map(&mut number).collect();
        Self { records, types, type_of, end, columns: Mutex::default() }
    }

    /// The types of events that there are.
    pub(crate) fn types(&self) -> &[EventType] {
        &self.types
    }

    /// Each record, with the number of its type.
    pub(crate) fn typed(&self) -> impl Iterator<Item = (usize, &Record)> {
        self.type_of.iter().copied().zip(&self.records)
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
