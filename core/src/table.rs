//! Named ordered maps of bytes to bytes: logged or derived, for ever.

use std::fmt;

use bytes::Bytes;
use smol_str::SmolStr;

use crate::{
    StreamId, Tenant,
    text::{self, InvalidText},
};

macro_rules! table_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            tenant: Option<Tenant>,
            name: SmolStr,
        }

        impl $name {
            /// The table `name` that belongs to no tenant.
            ///
            /// # Errors
            /// [`InvalidText`] unless the name has 1 to 255 bytes of UTF-8 without control characters and `/`, and
            /// does not begin with `$`.
            pub fn new(name: &str) -> Result<Self, InvalidText> {
                text::check_unreserved("table", name, &['/'])?;
                Ok(Self { tenant: None, name: name.into() })
            }

            const fn system(name: &'static str) -> Self {
                Self { tenant: None, name: SmolStr::new_static(name) }
            }

            /// The table of the same name that belongs to `tenant`, or to none.
            #[must_use]
            pub fn in_tenant(mut self, tenant: Option<Tenant>) -> Self {
                self.tenant = tenant;
                self
            }

            /// Whose table it is.
            #[must_use]
            pub fn tenant(&self) -> Option<&Tenant> {
                self.tenant.as_ref()
            }

            /// Its name, without the tenant.
            #[must_use]
            pub fn name(&self) -> &str {
                &self.name
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.tenant {
                    Some(tenant) => write!(f, "{tenant}/{}", self.name),
                    None => f.write_str(&self.name),
                }
            }
        }
    };
}

table_type! {
    /// A table whose rows live in the log: written and tested by [`Store::commit`](crate::Store::commit) only, rebuilt
    /// by the store in commit order. For what must never be lost: names, inbox keys, timers, epochs.
    LoggedTable
}

table_type! {
    /// A table whose rows can be computed again: written by [`Store::apply`](crate::Store::apply) only. For read
    /// models, projections' checkpoints, snapshots.
    DerivedTable
}

impl LoggedTable {
    /// `$streams`: a row for each stream that holds events; its key is the stream id within its tenant, its value the
    /// eight big-endian bytes of the position of its first event. Written by the store alone.
    pub const STREAMS: Self = Self::system("$streams");
    /// `$closed`: a row for each closed stream, its key the stream id within its tenant. Rows may be put
    /// ([`RowWrite::close`]), never deleted.
    pub const CLOSED: Self = Self::system("$closed");
    /// `$once`: a row for each idempotency key, its value an encoded [`Repetition`](crate::Repetition). Put by the
    /// store alone; deleting a row forgets the key, which is what [`Annals::prune_keys`](crate::Annals::prune_keys) does.
    pub const ONCE: Self = Self::system("$once");
    /// `$names`: a row for each unique name that a stream holds, its key a keyed hash of the name, its value the stream id.
    pub const NAMES: Self = Self::system("$names");
    /// `$name_key`: one row under the empty key, by which the right [`NameKey`](crate::NameKey) is told from another one.
    pub const NAME_KEY: Self = Self::system("$name_key");
    /// `$schemas`: a row for each stored name and version of an event that was registered
    /// ([`Builder::schemas`](crate::Builder::schemas)), its key the name, a zero byte and the version (four bytes,
    /// big-endian), its value the shapes that such events were stored in. Rows may be put, never deleted.
    pub const SCHEMAS: Self = Self::system("$schemas");
    /// `$epochs`: the epoch of each consumer, eight big-endian bytes under the consumer's name.
    pub const EPOCHS: Self = Self::system("$epochs");
    /// `$consumers`: what operators decided about consumers, a row for each decision: that one is paused, which events it
    /// passes by.
    pub const CONSUMERS: Self = Self::system("$consumers");
    /// `$sagas`: a row for each instance of a saga: its state, and up to where it has seen the log.
    pub const SAGAS: Self = Self::system("$sagas");
    /// `$commands`: a row for each command that was decided to be sent, and was not taken by its aggregate yet.
    pub const COMMANDS: Self = Self::system("$commands");
    /// `$timers`: a row for each timer that has not fired, in the order in which they are due.
    pub const TIMERS: Self = Self::system("$timers");
    /// `$aside`: a row for each key of a consumer that keeps logged rows, of which an event was set aside.
    pub const ASIDE: Self = Self::system("$aside");
    /// All tables that annals itself keeps.
    pub const SYSTEM: [Self; 12] = [
        Self::STREAMS,
        Self::CLOSED,
        Self::ONCE,
        Self::NAMES,
        Self::NAME_KEY,
        Self::SCHEMAS,
        Self::EPOCHS,
        Self::CONSUMERS,
        Self::SAGAS,
        Self::COMMANDS,
        Self::TIMERS,
        Self::ASIDE,
    ];

    /// The table `name` that belongs to no tenant, as a store has it in what it wrote: also one that annals itself keeps.
    ///
    /// # Errors
    /// [`InvalidText`] when there can be no such table.
    pub fn stored(name: &str) -> Result<Self, InvalidText> {
        Self::SYSTEM.into_iter().find(|table| table.name == name).map_or_else(|| Self::new(name), Ok)
    }

    /// Whether the table is one that annals itself keeps.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.name.starts_with('$')
    }

    /// The row of `stream` in a table that has a row a stream, such as [`STREAMS`](Self::STREAMS).
    #[must_use]
    pub fn row_of(self, stream: &StreamId) -> (Self, Bytes) {
        // A stream's tenant was checked when the id was made.
        let tenant = stream.tenant().and_then(|tenant| Tenant::new(tenant).ok());
        (self.in_tenant(tenant), Bytes::copy_from_slice(stream.within_tenant().as_bytes()))
    }
}

impl DerivedTable {
    /// `$generation`: one row under the empty key, the store's [`Generation`](crate::Generation). Written by the store
    /// alone.
    pub const GENERATION: Self = Self::system("$generation");
    /// `$snapshots`: aggregates' snapshots.
    pub const SNAPSHOTS: Self = Self::system("$snapshots");
    /// `$checkpoints`: how far each consumer has come that keeps derived rows.
    pub const CHECKPOINTS: Self = Self::system("$checkpoints");
    /// `$parked`: the events that such a consumer has set aside.
    pub const PARKED: Self = Self::system("$parked");
    /// `$unparked`: what became of events that such a consumer had set aside.
    pub const UNPARKED: Self = Self::system("$unparked");
    /// All tables that annals itself keeps.
    pub const SYSTEM: [Self; 5] = [Self::GENERATION, Self::SNAPSHOTS, Self::CHECKPOINTS, Self::PARKED, Self::UNPARKED];

    /// The table `name` that belongs to no tenant, as a store has it in what it wrote: also one that annals itself keeps.
    ///
    /// # Errors
    /// [`InvalidText`] when there can be no such table.
    pub fn stored(name: &str) -> Result<Self, InvalidText> {
        Self::SYSTEM.into_iter().find(|table| table.name == name).map_or_else(|| Self::new(name), Ok)
    }
}

/// Any table, for reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// A table whose rows live in the log.
    Logged(LoggedTable),
    /// A table whose rows can be computed again.
    Derived(DerivedTable),
}

impl From<LoggedTable> for Table {
    fn from(table: LoggedTable) -> Self {
        Self::Logged(table)
    }
}

impl From<DerivedTable> for Table {
    fn from(table: DerivedTable) -> Self {
        Self::Derived(table)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logged(table) => table.fmt(f),
            Self::Derived(table) => table.fmt(f),
        }
    }
}

/// A change of one row of a logged table, part of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowWrite {
    /// The table.
    pub table: LoggedTable,
    /// The row's key: up to 1,024 bytes, ordered byte by byte.
    pub key: Bytes,
    /// The new value, or `None` to delete the row.
    pub value: Option<Bytes>,
}

impl RowWrite {
    /// Sets a row.
    pub fn put(table: LoggedTable, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self { table, key: key.into(), value: Some(value.into()) }
    }

    /// Removes a row; no error if there is none.
    pub fn delete(table: LoggedTable, key: impl Into<Bytes>) -> Self {
        Self { table, key: key.into(), value: None }
    }

    /// Closes `stream` for ever: no later commit can append to it. It reads as before.
    #[must_use]
    pub fn close(stream: &StreamId) -> Self {
        let (table, key) = LoggedTable::CLOSED.row_of(stream);
        Self { table, key, value: Some(Bytes::new()) }
    }
}

/// A change of one row of a derived table, part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedWrite {
    /// The table.
    pub table: DerivedTable,
    /// The row's key: up to 1,024 bytes, ordered byte by byte.
    pub key: Bytes,
    /// The new value, or `None` to delete the row.
    pub value: Option<Bytes>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_found_by_the_name_that_is_stored() {
        for table in LoggedTable::SYSTEM {
            assert!(table.is_system() && LoggedTable::new(table.name()).is_err());
            assert_eq!(LoggedTable::stored(table.name()), Ok(table));
        }
        assert_eq!(LoggedTable::stored("names"), LoggedTable::new("names"));
        assert!(LoggedTable::stored("$mine").is_err());
        for table in DerivedTable::SYSTEM {
            assert!(DerivedTable::new(table.name()).is_err());
            assert_eq!(DerivedTable::stored(table.name()), Ok(table));
        }
        assert_eq!(DerivedTable::stored("view"), DerivedTable::new("view"));
        assert!(DerivedTable::stored("$mine").is_err());
    }
}
