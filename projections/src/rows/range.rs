//! Reading several rows of a table while a batch is under way.

use std::ops::{Bound, RangeBounds};

use annals_core::{Direction, PAGE_ROWS_MAX, Scan};
use bytes::Bytes;

use super::{AnyTable, Rows, RowsError, TypedTable};
use crate::{Row, RowKey, key_range::KeyRange};

impl Rows<'_> {
    /// The first rows whose keys are in `range`, in the order of their keys, `limit` at most; those that were written for the
    /// events before, too.
    ///
    /// With several lanes the range has to lie within the keys that begin with one lane's key of the events at hand: other
    /// lanes are elsewhere in the log.
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

    async fn rows_in<R: Row>(&mut self, range: KeyRange, limit: usize) -> Result<Vec<R>, RowsError> {
        if self.lane_keys.is_some_and(|lane_keys| !lane_keys.hold(&range)) {
            return Err(RowsError::OutsideLane { table: R::TABLE });
        }
        let scan = Scan::all(self.table::<R>()?.stored());
        self.merged(scan, range, limit, TypedTable::merge).await
    }

    /// The first rows in `range` of what `scan` goes through. `merge` is given the rows that the store has in a part of it, and
    /// adds what the batch knows of that part.
    pub(super) async fn merged<R: Row>(
        &mut self,
        scan: Scan,
        mut range: KeyRange,
        limit: usize,
        merge: impl Fn(&mut TypedTable<R>, Vec<(Bytes, Bytes)>, &KeyRange) -> Result<Vec<R>, RowsError>,
    ) -> Result<Vec<R>, RowsError> {
        let mut rows = Vec::new();
        while rows.len() < limit {
            let scan = Scan { range: range.clone().into_bounds(), ..scan.clone() };
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
            rows.extend(merge(self.table::<R>()?, page.rows, &part)?);
            match reached {
                Some(last) => range = range.behind(&last, Direction::Forward),
                None => break,
            }
        }
        rows.truncate(limit);
        Ok(rows)
    }
}
