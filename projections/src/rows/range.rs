//! Reading several rows of a table while a batch is under way.

use std::ops::{Bound, RangeBounds};

use annals_core::{Direction, PAGE_ROWS_MAX, Scan};

use super::{AnyTable, Rows, RowsError};
use crate::{Row, RowKey, key_range::KeyRange};

impl Rows<'_> {
    /// The first rows whose keys are in `range`, in the order of their keys, `limit` at most; those that were written for the
    /// events before, too.
    ///
    /// With several lanes the range has to lie within the keys that begin with the lane's key: other lanes are elsewhere in
    /// the log.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn range<R: Row>(&mut self, range: impl RangeBounds<R::Key>, limit: usize) -> Result<Vec<R>, RowsError> {
        self.rows_in(KeyRange::of(&range), limit).await
    }

    /// The first rows whose keys begin with `part`, as [`range`](Self::range) gives them: with the first parts of a key of
    /// several, or with the beginning of a text, `StartsWith("ad")`.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn prefix<R: Row>(&mut self, part: impl RowKey, limit: usize) -> Result<Vec<R>, RowsError> {
        self.rows_in(KeyRange::prefix(&part), limit).await
    }

    async fn rows_in<R: Row>(&mut self, mut range: KeyRange, limit: usize) -> Result<Vec<R>, RowsError> {
        if self.lane_key.is_some_and(|lane_key| !range.is_within(lane_key)) {
            return Err(RowsError::OutsideLane { table: R::TABLE });
        }
        let table = self.table::<R>()?.stored();
        let mut rows = Vec::new();
        while rows.len() < limit {
            let scan = Scan { range: range.clone().into_bounds(), ..Scan::all(table.clone()) };
            let page = self.batch.store.scan(scan.limit((limit - rows.len()).min(PAGE_ROWS_MAX))).await;
            let page = self.batch.note(page)?;
            // What the page does not reach is still to be read.
            let reached = page.next.and_then(|next| match next.range.0 {
                Bound::Included(key) | Bound::Excluded(key) => Some(key),
                Bound::Unbounded => None,
            });
            let part = match &reached {
                Some(last) => KeyRange { from: range.from.clone(), to: Bound::Included(last.clone()) },
                None => range.clone(),
            };
            rows.extend(self.table::<R>()?.merge(page.rows, &part)?);
            match reached {
                Some(last) => range = range.behind(&last, Direction::Forward),
                None => break,
            }
        }
        rows.truncate(limit);
        Ok(rows)
    }
}
