//! Reading the rows of a read model.

mod cursor;
mod error;
mod index;
mod query;

use std::{borrow::Borrow, fmt, marker::PhantomData, ops::RangeBounds, sync::Arc};

use annals_core::{DerivedTable, Store, Table};
use bytes::Bytes;

use crate::{KeyBytes, Row, RowKey, TableIndex, key_range::KeyRange, rows::read, tables::TableNames};

pub use cursor::{Cursor, InvalidCursor};
pub use error::ViewError;
pub use index::IndexView;
pub use query::{RowQuery, ViewPage};

/// The rows `R` of a read model, to be read by key, by range and by index. Cloning gives another handle.
///
/// ```
/// # use annals_projections::{KeyBytes, Row, RowKey};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Serialize, Deserialize)]
/// # struct Balance { account: String, cents: i64 }
/// # impl Row for Balance {
/// #     const TABLE: &'static str = "balances";
/// #     const INDEXES: &'static [RowIndex] = &[RowIndex::new("cents")];
/// #     type Key = String;
/// #     fn write_key(&self, key: &mut KeyBytes) { self.account.write(key) }
/// #     fn write_index(&self, _: usize, key: &mut KeyBytes) { self.cents.write(key) }
/// # }
/// # impl Balance { const BY_CENTS: TableIndex<Self, i64> = TableIndex::at(0); }
/// use annals_projections::{RowIndex, StartsWith, TableIndex, View, ViewError};
///
/// async fn read(balances: View<Balance>) -> Result<(), ViewError> {
///     let ada = balances.get("ada".to_owned()).await?;
///     let of_a = balances.prefix(StartsWith("a")).collect().await?;
///     let largest = balances.by(Balance::BY_CENTS).all().backward().limit(10).collect().await?;
///     let overdrawn = balances.by(Balance::BY_CENTS).range(..0).count().await?;
///
///     let query = balances.all().limit(50);
///     let first = query.page(None).await?;
///     let second = query.page(first.next.as_ref()).await?;
///     Ok(())
/// }
/// ```
///
/// A read sees every batch of the projection whole or not at all, and rows and index as of one moment: one `get`,
/// `get_many`, `first` or `page`. What needs several pages, as `collect`, `stream` and `count` may, can see a later moment
/// with each of them.
pub struct View<R> {
    store: Arc<dyn Store>,
    source: Arc<dyn Source>,
    of: PhantomData<fn() -> R>,
}

/// Says where the rows are at the moment: a read model that was filled anew has tables of other names.
pub(crate) trait Source: Send + Sync {
    /// Where the rows are, or why they cannot be read.
    fn names(&self) -> Result<TableNames, ViewError>;

    /// Whether that is where they still are. The tables may be gone otherwise.
    fn is_current(&self, names: &TableNames) -> bool;
}

impl<R: Row> View<R> {
    /// A view of the rows in `store` that asks `source` at each read, and at each page, where they are.
    pub(crate) fn new(store: Arc<dyn Store>, source: impl Source + 'static) -> Self {
        Self { store, source: Arc::new(source), of: PhantomData }
    }

    /// The row under `key`.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn get(&self, key: impl Borrow<R::Key>) -> Result<Option<R>, ViewError> {
        Ok(self.get_many([key]).await?.pop().flatten())
    }

    /// The rows under `keys`, in that order, all as of one moment.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn get_many<K: Borrow<R::Key>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<R>>, ViewError> {
        let keys: Vec<_> = keys.into_iter().map(|key| KeyBytes::of(key.borrow())).collect();
        let found = loop {
            let names = self.source.names()?;
            let rows: Table = names.rows.clone().into();
            let place = |key: &KeyBytes| (rows.clone(), Bytes::copy_from_slice(key.as_slice()));
            let found = self.store.get(&keys.iter().map(place).collect::<Vec<_>>()).await?;
            if self.source.is_current(&names) {
                break found;
            }
        };
        found.into_iter().map(|row| row.map(|row| Ok(read(&row)?)).transpose()).collect()
    }

    /// All rows, in the order of their keys.
    pub fn all(&self) -> RowQuery<R> {
        self.query(None, KeyRange::ALL)
    }

    /// The rows whose keys are in `range`, in the order of their keys.
    pub fn range(&self, range: impl RangeBounds<R::Key>) -> RowQuery<R> {
        self.query(None, KeyRange::of(&range))
    }

    /// The rows whose keys begin with `part`, in the order of their keys: with the first parts of a key of several, or with
    /// the beginning of a text, `StartsWith("ad")`.
    pub fn prefix(&self, part: impl RowKey) -> RowQuery<R> {
        self.query(None, KeyRange::prefix(&part))
    }

    /// The rows by one of their indexes: `balances.by(Balance::BY_CENTS)`.
    #[must_use]
    pub fn by<K: RowKey>(&self, index: TableIndex<R, K>) -> IndexView<R, K> {
        IndexView::new(self.clone(), index)
    }

    fn query(&self, index: Option<usize>, range: KeyRange) -> RowQuery<R> {
        RowQuery::new(self.clone(), index, range)
    }
}

impl TableNames {
    /// The table of an index of the rows `R`.
    fn index<R: Row>(&self, number: usize) -> Result<&DerivedTable, ViewError> {
        self.indexes.get(number).ok_or(ViewError::NoIndex { row: std::any::type_name::<R>(), number })
    }
}

impl<R> Clone for View<R> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), source: Arc::clone(&self.source), of: PhantomData }
    }
}

impl<R: Row> fmt::Debug for View<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({})", R::TABLE)
    }
}

#[cfg(test)]
mod tests;
