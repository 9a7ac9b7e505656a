//! Faults in rows that are looked up through an index.

use std::sync::Arc;

use annals_core::{Page, ReadError, Scan, Store, Table};
use async_trait::async_trait;
use bytes::Bytes;

use super::Fault;

/// The entries of a scan, as if no row were to be looked up.
async fn entries(store: &Arc<dyn Store>, scan: &Scan) -> Result<Page, ReadError> {
    store.scan(Scan { lookup: None, ..scan.clone() }).await
}

/// The rows of `entries` in `table`, as they are by now.
async fn rows(store: &Arc<dyn Store>, entries: &Page, table: &Table) -> Result<Vec<Option<Bytes>>, ReadError> {
    let keys: Vec<_> = entries.rows.iter().map(|(_, key)| (table.clone(), key.clone())).collect();
    store.get(&keys).await
}

/// A fault without state that gives pages of its own where rows are to be looked up in a table.
macro_rules! changes_lookups {
    ($(#[$doc:meta])* $name:ident, $breaks:expr, $scan:expr) => {
        $(#[$doc])*
        pub struct $name;

        #[async_trait]
        impl Fault for $name {
            const BREAKS: &'static [&'static str] = $breaks;

            fn new(_: &Arc<dyn Store>, _: u64) -> Self {
                Self
            }

            async fn scan(&self, store: &Arc<dyn Store>, scan: Scan) -> Result<Page, ReadError> {
                let scan_as: fn(Scan, Page, Vec<Option<Bytes>>) -> Page = $scan;
                let Some(table) = scan.lookup.clone() else { return store.scan(scan).await };
                let entries = entries(store, &scan).await?;
                tokio::task::yield_now().await;
                let rows = rows(store, &entries, &table).await?;
                let page = scan_as(scan, entries, rows);
                let next = page.next.map(|next| Scan { lookup: Some(table), ..next });
                Ok(Page { next, ..page })
            }
        }
    };
}

/// The page with those rows that are there.
fn found(entries: Page, rows: Vec<Option<Bytes>>) -> Page {
    let rows = entries.rows.into_iter().zip(rows).filter_map(|((entry, _), row)| Some((entry, row?)));
    Page { rows: rows.collect(), next: entries.next }
}

changes_lookups! {
    /// The values of entries stay what they are.
    GivesKeysOfRows,
    &["scan::a_row_that_is_looked_up_stands_in_place_of_its_key", "scan::entries_whose_rows_are_missing_are_left_out"],
    |_, entries, _| entries
}

changes_lookups! {
    /// An entry without a row is shown with an empty one.
    ShowsMissingRows,
    &["scan::entries_whose_rows_are_missing_are_left_out"],
    |_, entries, rows| found(entries, rows.into_iter().map(|row| Some(row.unwrap_or_default())).collect())
}

changes_lookups! {
    /// Rows are looked up after the entries were read.
    LooksUpLater,
    &["concurrency::an_entry_and_its_row_are_of_one_moment"],
    |_, entries, rows| found(entries, rows)
}

changes_lookups! {
    /// A page goes on behind the key of its last row, rather than behind that row's entry.
    GoesOnByKeysOfRows,
    &["scan::a_row_that_is_looked_up_stands_in_place_of_its_key"],
    |scan, entries, rows| {
        let last = entries.rows.last().map(|(_, key)| key.clone()).unwrap_or_default();
        let next = entries.next.is_some().then(|| scan.behind(last));
        Page { next, ..found(entries, rows) }
    }
}
