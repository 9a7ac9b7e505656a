//! Reading rows by an index.

use std::{borrow::Borrow, fmt, ops::RangeBounds};

use crate::{Row, RowKey, RowQuery, TableIndex, View, ViewError, key_range::KeyRange};

/// The rows `R` in the order of an index with values `K`; rows with the same value are in the order of their keys.
pub struct IndexView<R, K> {
    view: View<R>,
    index: TableIndex<R, K>,
}

impl<R: Row, K: RowKey> IndexView<R, K> {
    pub(super) fn new(view: View<R>, index: TableIndex<R, K>) -> Self {
        Self { view, index }
    }

    /// The row with this value of a unique index; of another, the first of the rows with it.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn get(&self, value: impl Borrow<K>) -> Result<Option<R>, ViewError> {
        self.equal_to(value).first().await
    }

    /// All rows.
    pub fn all(&self) -> RowQuery<R> {
        self.query(KeyRange::ALL)
    }

    /// The rows with this value.
    pub fn equal_to(&self, value: impl Borrow<K>) -> RowQuery<R> {
        self.query(KeyRange::prefix(value.borrow()))
    }

    /// The rows with a value in `range`.
    pub fn range(&self, range: impl RangeBounds<K>) -> RowQuery<R> {
        self.query(KeyRange::of(&range))
    }

    /// The rows whose values begin with `part`: with the first parts of a value of several, or with the beginning of a text,
    /// `StartsWith("ad")`.
    pub fn prefix(&self, part: impl RowKey) -> RowQuery<R> {
        self.query(KeyRange::prefix(&part))
    }

    fn query(&self, range: KeyRange) -> RowQuery<R> {
        self.view.query(Some(self.index.number()), range)
    }
}

impl<R, K> Clone for IndexView<R, K> {
    fn clone(&self) -> Self {
        Self { view: self.view.clone(), index: self.index }
    }
}

impl<R: Row, K> fmt::Debug for IndexView<R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IndexView").field(&self.index).finish()
    }
}
