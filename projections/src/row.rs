//! Rows of read models, and by what they are found.

use std::{fmt, marker::PhantomData};

use annals_core::shape::Schema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{KeyBytes, RowKey};

/// A row of one table of a read model. Derive it.
///
/// The derive writes what could be written by hand:
///
/// ```
/// use annals_projections::{KeyBytes, Row, RowIndex, RowKey, TableIndex};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Balance {
///     account: String,
///     owner: String,
///     cents: i64,
/// }
///
/// impl Row for Balance {
///     const TABLE: &'static str = "balances";
///     const INDEXES: &'static [RowIndex] = &[RowIndex::new("cents")];
///     type Key = String;
///
///     fn write_key(&self, key: &mut KeyBytes) {
///         self.account.write(key);
///     }
///     fn write_index(&self, index: usize, key: &mut KeyBytes) {
///         match index {
///             _ => self.cents.write(key),
///         }
///     }
/// }
///
/// impl Balance {
///     const BY_CENTS: TableIndex<Self, i64> = TableIndex::at(0);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no row of a table",
    note = "derive it: `#[derive(Serialize, Deserialize, Row)]` with `#[row(table = \"..\")]` and a field with `#[row(key)]`"
)]
pub trait Row: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The table's name: lower-case letters, digits, `_` and `-`. One projection owns it.
    const TABLE: &'static str;

    /// By what else its rows are found.
    const INDEXES: &'static [RowIndex] = &[];

    /// Whether the key begins with the key of the lane ([`LaneKey`](crate::LaneKey)), so that several lanes never write the same row.
    const KEYED_BY_LANE: bool = false;

    /// What tells one row from another.
    type Key: RowKey;

    /// Writes the row's key: the same bytes as those of its [`Key`](Self::Key).
    fn write_key(&self, key: &mut KeyBytes);

    /// Writes what the row is found by in `INDEXES[index]`.
    fn write_index(&self, index: usize, key: &mut KeyBytes);

    /// What a row is stored as, so that a change of it is noticed, and the table filled anew. Derived ones say it; by hand
    /// `None` leaves that to the projection's version.
    #[must_use]
    fn schema() -> Option<Schema> {
        None
    }
}

/// What there is to know of one index of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowIndex {
    /// Its name: as a table's.
    pub name: &'static str,
    /// Whether no two rows may have the same value.
    pub unique: bool,
}

impl RowIndex {
    /// An index by which many rows may be found.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, unique: false }
    }

    /// An index by which at most one row is found.
    #[must_use]
    pub const fn unique(name: &'static str) -> Self {
        Self { name, unique: true }
    }
}

/// An index of the rows `R`, by values `K`. Derived ones are constants of the row: `Balance::BY_CENTS`.
pub struct TableIndex<R, K> {
    number: usize,
    of: PhantomData<fn(K) -> R>,
}

impl<R, K> TableIndex<R, K> {
    /// The index `R::INDEXES[number]`.
    #[must_use]
    pub const fn at(number: usize) -> Self {
        Self { number, of: PhantomData }
    }

    /// Its place in [`Row::INDEXES`].
    #[must_use]
    pub const fn number(self) -> usize {
        self.number
    }
}

impl<R, K> Clone for TableIndex<R, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, K> Copy for TableIndex<R, K> {}

impl<R: Row, K> fmt::Debug for TableIndex<R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = R::INDEXES.get(self.number).map_or("?", |index| index.name);
        write!(f, "TableIndex({}.{name})", R::TABLE)
    }
}
