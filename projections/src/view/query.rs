//! Which rows to read, in which order, and how many.

use std::fmt;

use annals_core::{Direction, PAGE_ROWS_MAX, Scan};
use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};

use super::cursor::Order;
use crate::{Cursor, Row, View, ViewError, key_range::KeyRange, rows::read, tables::TableNames};

/// A read of rows: which ones, in which order, and how many. Nothing is read before one of its methods is awaited, and each
/// reads anew.
#[must_use = "a query reads nothing before one of its methods is awaited"]
pub struct RowQuery<R> {
    view: View<R>,
    /// The index in whose order it reads; `None` for the table itself.
    index: Option<usize>,
    range: KeyRange,
    direction: Direction,
    limit: Option<usize>,
}

/// Rows that were read at one moment, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewPage<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// The place behind them, or `None` if there is nothing more.
    pub next: Option<Cursor>,
}

impl<R: Row> RowQuery<R> {
    pub(super) fn new(view: View<R>, index: Option<usize>, range: KeyRange) -> Self {
        Self { view, index, range, direction: Direction::Forward, limit: None }
    }

    /// The same rows, from the highest to the lowest.
    pub fn backward(mut self) -> Self {
        self.direction = Direction::Backward;
        self
    }

    /// The same, at most `limit` rows: of each page, and of everything else in all. Zero reads nothing.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The rows behind `cursor`, or the first ones: as many as the limit says, and no more than [`PAGE_ROWS_MAX`]. There may
    /// be fewer although there is a next page; there is none only at the end.
    ///
    /// # Errors
    /// [`ViewError`]; [`NotOfThisTable`](ViewError::NotOfThisTable) when the cursor is of another order.
    pub async fn page(&self, cursor: Option<&Cursor>) -> Result<ViewPage<R>, ViewError> {
        let mut range = self.range.clone();
        if let Some(cursor) = cursor {
            let expected = self.order()?;
            if cursor.order != expected {
                let (found, expected) = (cursor.order.to_string(), expected.to_string());
                return Err(ViewError::NotOfThisTable { found, expected });
            }
            range = range.behind(&cursor.key, self.direction);
        }
        let limit = self.limit.unwrap_or(PAGE_ROWS_MAX);
        if limit == 0 {
            return Ok(ViewPage { rows: Vec::new(), next: cursor.cloned() });
        }
        let found = self.find(range, limit).await?;
        let rows = found.rows.iter().map(|row| Ok(read(row)?)).collect::<Result<_, ViewError>>()?;
        let next = found.behind.map(|key| Ok::<_, ViewError>(Cursor { order: self.order()?, key })).transpose()?;
        Ok(ViewPage { rows, next })
    }

    /// The rows one after the other, read in pages. An error ends the stream.
    #[must_use = "a stream reads nothing before it is polled"]
    pub fn stream(&self) -> BoxStream<'static, Result<R, ViewError>> {
        let begin = (self.clone(), Some(self.range.clone()), self.limit.unwrap_or(usize::MAX));
        let pages = stream::try_unfold(begin, async |(query, range, left)| {
            let Some(range) = range.filter(|_| left > 0) else { return Ok::<_, ViewError>(None) };
            let found = query.find(range.clone(), left).await?;
            let left = left - found.rows.len();
            let rest = found.behind.map(|key| range.behind(&key, query.direction));
            let rows = found.rows.into_iter().map(|row| Ok(read(&row)?));
            Ok(Some((stream::iter(rows), (query, rest, left))))
        });
        pages.try_flatten().boxed()
    }

    /// All of the rows.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn collect(&self) -> Result<Vec<R>, ViewError> {
        self.stream().try_collect().await
    }

    /// The first of the rows.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn first(&self) -> Result<Option<R>, ViewError> {
        self.clone().limit(self.limit.unwrap_or(1).min(1)).stream().try_next().await
    }

    /// How many rows there are, up to the limit. They are counted one by one, but not decoded.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn count(&self) -> Result<usize, ViewError> {
        loop {
            let names = self.view.source.names()?;
            let count = self.count_in(&names).await?;
            if self.view.source.is_current(&names) {
                return Ok(count);
            }
        }
    }

    async fn count_in(&self, names: &TableNames) -> Result<usize, ViewError> {
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut count = 0;
        let mut next = Some(self.scan(names, self.range.clone(), limit)?);
        while let Some(scan) = next.filter(|_| count < limit) {
            let page = self.view.store.scan(scan).await?;
            count += page.rows.len();
            next = page.next;
        }
        Ok(count.min(limit))
    }

    /// The first rows in `range`, as of one moment: none only if there are none.
    async fn find(&self, range: KeyRange, limit: usize) -> Result<Found, ViewError> {
        loop {
            let names = self.view.source.names()?;
            let found = self.find_in(&names, range.clone(), limit).await?;
            if self.view.source.is_current(&names) {
                return Ok(found);
            }
        }
    }

    async fn find_in(&self, names: &TableNames, range: KeyRange, limit: usize) -> Result<Found, ViewError> {
        let mut next = Some(self.scan(names, range, limit)?);
        if self.index.is_some() {
            next = next.map(|scan| scan.lookup(names.rows.clone()));
        }
        while let Some(scan) = next {
            let page = self.view.store.scan(scan).await?;
            if let Some((last, _)) = page.rows.last() {
                let behind = page.next.is_some().then(|| last.clone());
                return Ok(Found { rows: page.rows.into_iter().map(|(_, row)| row).collect(), behind });
            }
            next = page.next;
        }
        Ok(Found { rows: Vec::new(), behind: None })
    }

    /// The scan of the table, or of the index, in the order of the query.
    fn scan(&self, names: &TableNames, range: KeyRange, limit: usize) -> Result<Scan, ViewError> {
        let table = self.index.map_or(Ok(&names.rows), |number| names.index::<R>(number))?;
        let (range, direction) = (range.into_bounds(), self.direction);
        Ok(Scan { range, direction, ..Scan::all(table.clone()) }.limit(limit.min(PAGE_ROWS_MAX)))
    }

    fn order(&self) -> Result<Order, ViewError> {
        let name = |number: usize| {
            let index = R::INDEXES.get(number).ok_or(ViewError::NoIndex { row: std::any::type_name::<R>(), number })?;
            Ok::<_, ViewError>(index.name)
        };
        Ok(Order::new(R::TABLE, self.index.map(name).transpose()?, self.direction))
    }
}

/// Rows as they are stored, and the key of the last if there may be more behind it.
struct Found {
    rows: Vec<Bytes>,
    behind: Option<Bytes>,
}

impl<R> Clone for RowQuery<R> {
    fn clone(&self) -> Self {
        let Self { view, index, range, direction, limit } = self;
        Self { view: view.clone(), index: *index, range: range.clone(), direction: *direction, limit: *limit }
    }
}

impl<R: Row> fmt::Debug for RowQuery<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowQuery")
            .field("table", &R::TABLE)
            .field("index", &self.index.and_then(|number| R::INDEXES.get(number)))
            .field("range", &self.range)
            .field("direction", &self.direction)
            .field("limit", &self.limit)
            .finish()
    }
}
