//! What is to be computed anew.

use annals_core::{
    Event, EventType, InvalidText, KindOf, Position, QueryItem, ReadError, ReadLog, Record, Store, Timestamp,
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

/// What is computed anew, beside the rows that are read meanwhile: everything, or the rows as though the log began later or had
/// held only some kinds of events until now.
///
/// ```
/// use annals_core::{Position, Timestamp};
/// use annals_projections::Rebuild;
///
/// let all = Rebuild::new();
/// let later = Rebuild::new().after(Position::new(1_000_000)?);
/// let of_this_year = Rebuild::new().since("2026-01-01T00:00:00Z".parse()?);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuild {
    begin: Begin,
    types: Vec<EventType>,
    invalid: Option<InvalidText>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Begin {
    #[default]
    Everything,
    After(Position),
    Since(Timestamp),
}

/// Which events a build is computed from, as it is stored with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Scope {
    /// Only those behind this position.
    pub(crate) after: Position,
    /// Up to here only those of `types`, if any are named.
    pub(crate) until: Position,
    pub(crate) types: Vec<String>,
}

impl Rebuild {
    /// From all events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only from events behind `position`: the rows are then what they were if the log began there.
    #[must_use]
    pub fn after(mut self, position: Position) -> Self {
        self.begin = Begin::After(position);
        self
    }

    /// Only from events that were recorded at `time` or later.
    #[must_use]
    pub fn since(mut self, time: Timestamp) -> Self {
        self.begin = Begin::Since(time);
        self
    }

    /// Of the events that are in the log when it begins, only those of these kinds, and of kinds that are named in further calls:
    /// `Rebuild::new().kinds(kinds![AccountEvent::Opened])`. Later ones are all taken in.
    #[must_use]
    pub fn kinds<E: Event>(mut self, kinds: impl IntoIterator<Item = KindOf<E>>) -> Self {
        match QueryItem::new().kinds(kinds) {
            Ok(item) => self.types.extend(item.types),
            Err(invalid) => self.invalid = Some(invalid),
        }
        self
    }

    /// What was wrong with a stored name, if anything.
    pub(crate) fn invalid(&self) -> Option<&InvalidText> {
        self.invalid.as_ref()
    }

    /// Which events of `log`, as it is now, are meant.
    pub(crate) async fn scope(&self, log: &dyn Store) -> Result<Scope, ReadError> {
        let until = log.head().borrow().position;
        let after = match self.begin {
            Begin::Everything => Position::ZERO,
            Begin::After(position) => position.min(until),
            Begin::Since(time) => last_before(log, time, until).await?,
        };
        Ok(Scope { after, until, types: self.types.iter().map(|name| name.as_str().to_owned()).collect() })
    }
}

impl Scope {
    /// Whether `other`, which may have been made later, means the same.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (self.after, &self.types) == (other.after, &other.types)
    }

    /// Whether all events are meant.
    pub(crate) fn is_everything(&self) -> bool {
        self.after == Position::ZERO && self.types.is_empty()
    }

    /// Whether `record`, which the projection subscribes to, is meant.
    pub(crate) fn has(&self, record: &Record) -> bool {
        let of_types = || self.types.iter().any(|name| name == record.event_type().as_str());
        record.position() > self.after && (self.types.is_empty() || record.position() > self.until || of_types())
    }
}

/// The latest position up to `end` whose record is older than `time`. Times never decrease along the log, so a few records tell.
async fn last_before(log: &dyn Store, time: Timestamp, end: Position) -> Result<Position, ReadError> {
    let (mut before, mut behind) = (0, end.get() + 1);
    while before + 1 < behind {
        let middle = before + (behind - before) / 2;
        let after = Position::new(middle - 1).unwrap_or_default();
        let mut records = log.read_log(ReadLog::all().after(after).limit(1));
        match records.next().await.transpose()? {
            Some(record) if record.recorded() < time => before = record.position().get(),
            _ => behind = middle,
        }
    }
    Ok(Position::new(before).unwrap_or_default())
}
