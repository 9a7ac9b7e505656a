//! Reading rows by an index while a batch is under way.

use std::{borrow::Borrow, fmt, ops::RangeBounds};

use annals_core::Scan;

use super::{AnyTable, Rows, RowsError};
use crate::{Row, RowKey, TableIndex, key_range::KeyRange};

/// The rows `R` in the order of an index with values `K`, as the handler of an event sees them; rows with the same value are in
/// the order of their keys. [`Rows::by`] gives it.
pub struct IndexRows<'r, 'a, R, K> {
    rows: &'r mut Rows<'a>,
    index: TableIndex<R, K>,
}

impl<'a> Rows<'a> {
    /// The rows by one of their indexes, as the events before in the same batch left them: a row that they changed is found by
    /// its present value alone.
    ///
    /// ```
    /// # use annals_projections::{KeyBytes, Row, RowIndex, RowKey, TableIndex};
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
    /// use annals_projections::{Rows, RowsError};
    ///
    /// async fn poorest(rows: &mut Rows<'_>) -> Result<Option<Balance>, RowsError> {
    ///     let overdrawn = rows.by(Balance::BY_CENTS).range(..0, 1).await?;
    ///     Ok(overdrawn.into_iter().next())
    /// }
    /// ```
    ///
    /// With several lanes there is none: an index also leads to the rows of other lanes, which are elsewhere in the log, so that
    /// what is found would depend on how fast each of them is. Each read is then [`RowsError::IndexOfLanes`].
    pub fn by<R: Row, K: RowKey>(&mut self, index: TableIndex<R, K>) -> IndexRows<'_, 'a, R, K> {
        IndexRows { rows: self, index }
    }

    /// Looks up what the batch adds to, of the rows whose entries in index `number` are to be known, and then knows the entries.
    async fn know_entries<R: Row>(&mut self, number: usize) -> Result<(), RowsError> {
        let table = self.table::<R>()?;
        let keys = table.unsettled(number);
        if !keys.is_empty() {
            let places: Vec<_> = keys.iter().map(|key| table.place(key)).collect();
            let found = self.batch.store.get(&places).await;
            let found = self.batch.note(found)?;
            let table = self.table::<R>()?;
            for (key, found) in keys.into_iter().zip(found) {
                table.learn(key, found.as_deref())?;
            }
        }
        self.table::<R>()?.know_entries(number);
        Ok(())
    }
}

impl<R: Row, K: RowKey> IndexRows<'_, '_, R, K> {
    /// The row with this value of a unique index; of another, the first of the rows with it.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn get(&mut self, value: impl Borrow<K>) -> Result<Option<R>, RowsError> {
        Ok(self.equal_to(value, 1).await?.pop())
    }

    /// The rows with this value, `limit` at most.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn equal_to(&mut self, value: impl Borrow<K>, limit: usize) -> Result<Vec<R>, RowsError> {
        self.rows_in(KeyRange::prefix(value.borrow()), limit).await
    }

    /// The first rows with a value in `range`, in the order of the index, `limit` at most.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn range(&mut self, range: impl RangeBounds<K>, limit: usize) -> Result<Vec<R>, RowsError> {
        self.rows_in(KeyRange::of(&range), limit).await
    }

    /// The first rows whose values begin with `part`, as [`range`](Self::range) gives them: with the first parts of a value of
    /// several, or with the beginning of a text, `StartsWith("ad")`.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn prefix(&mut self, part: impl RowKey, limit: usize) -> Result<Vec<R>, RowsError> {
        self.rows_in(KeyRange::prefix(&part), limit).await
    }

    async fn rows_in(&mut self, range: KeyRange, limit: usize) -> Result<Vec<R>, RowsError> {
        let number = self.index.number();
        let Some(index) = R::INDEXES.get(number) else {
            return Err(RowsError::NoIndex { row: std::any::type_name::<R>(), number });
        };
        if self.rows.lane_keys.is_some() {
            return Err(RowsError::IndexOfLanes { table: R::TABLE, index: index.name });
        }
        self.rows.know_entries::<R>(number).await?;
        let table = self.rows.table::<R>()?;
        let Some(scan) = table.entries_table(number).map(|entries| Scan::all(entries).lookup(table.stored())) else {
            return Err(RowsError::NoIndex { row: std::any::type_name::<R>(), number });
        };
        let merge = |table: &mut super::TypedTable<R>, stored, part: &_| table.merge_entries(number, stored, part);
        self.rows.merged(scan, range, limit, merge).await
    }
}

impl<R: Row, K> fmt::Debug for IndexRows<'_, '_, R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IndexRows").field(&self.index).finish()
    }
}
