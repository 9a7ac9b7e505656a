//! Rows that came of a test.

use std::{borrow::Borrow, collections::BTreeMap, marker::PhantomData};

use annals_core::{DerivedTable, MemoryStore, Scan, Store, Tenant, codec};
use bytes::Bytes;
use futures::FutureExt;

use super::{
    fail,
    play::{BUILD, Played},
};
use crate::{KeyBytes, Projection, Row, RowKey, TableIndex, rows::read, tables::TableNames};

/// The rows that a projection made of the events of a test: those of no tenant, until [`in_tenant`](Self::in_tenant).
pub struct Projected<P> {
    rows: MemoryStore,
    tenant: Option<Tenant>,
    projection: PhantomData<fn() -> P>,
}

impl<P: Projection> Projected<P> {
    pub(super) const fn new(rows: MemoryStore) -> Self {
        Self { rows, tenant: None, projection: PhantomData }
    }

    /// The rows of `tenant`.
    #[must_use]
    pub fn in_tenant(&self, tenant: Tenant) -> Self {
        Self { rows: self.rows.clone(), tenant: Some(tenant), projection: PhantomData }
    }

    /// The row under `key`.
    ///
    /// # Panics
    /// When it cannot be read as what it was written.
    #[track_caller]
    #[must_use]
    pub fn row<R: Row>(&self, key: impl Borrow<R::Key>) -> Option<R> {
        let key = KeyBytes::of(key.borrow());
        self.under(Bytes::copy_from_slice(key.as_slice()))
    }

    /// All rows of one table, in the order of their keys.
    ///
    /// # Panics
    /// When one cannot be read as what it was written.
    #[track_caller]
    #[must_use]
    pub fn all<R: Row>(&self) -> Vec<R> {
        at_once(scan(&self.rows, &self.names::<R>().rows)).values().map(|row| decoded(row)).collect()
    }

    /// All rows of one table, in the order of an index.
    ///
    /// # Panics
    /// When one cannot be read as what it was written, or the index has an entry of no row.
    #[track_caller]
    #[must_use]
    pub fn by<R: Row, K: RowKey>(&self, index: TableIndex<R, K>) -> Vec<R> {
        let Some(table) = self.names::<R>().indexes.into_iter().nth(index.number()) else {
            fail(&format!("{index:?} is no index of table {}", R::TABLE));
        };
        let entries = at_once(scan(&self.rows, &table)).into_values();
        let rows = entries.map(|key| match self.under(key) {
            Some(row) => row,
            None => fail(&format!("{index:?} has an entry of a row that is not there")),
        });
        rows.collect()
    }

    fn under<R: Row>(&self, key: Bytes) -> Option<R> {
        let keys = [(self.names::<R>().rows.into(), key)];
        let found = at_once(self.rows.get(&keys)).unwrap_or_else(|error| fail(&error.to_string()));
        found.into_iter().next().flatten().map(|row| decoded(&row))
    }

    fn names<R: Row>(&self) -> TableNames {
        TableNames::of(P::NAME, BUILD, R::TABLE, R::INDEXES, self.tenant.as_ref())
            .unwrap_or_else(|error| fail(&error.to_string()))
    }
}

impl<P: Projection> std::fmt::Debug for Projected<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Projected").field("projection", &P::NAME).field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// The first row, or entry of an index, that two ways of handling the same events do not agree on: where it is, and what it
/// is after the one way and the other.
pub(super) async fn difference(one: &Played, other: &Played) -> Option<(String, String, String)> {
    for table in one.tables.union(&other.tables) {
        let (one, other) = (scan(&one.rows, table).await, scan(&other.rows, table).await);
        let differs = |key: &&Bytes| one.get(*key) != other.get(*key);
        if let Some(key) = one.keys().chain(other.keys()).find(differs) {
            return Some((format!("a row of {table}"), shown(one.get(key)), shown(other.get(key))));
        }
    }
    None
}

fn shown(row: Option<&Bytes>) -> String {
    match row {
        Some(row) => codec::decode_value(row).map_or_else(|_| format!("{row:?}"), |row| row.to_string()),
        None => "missing".to_owned(),
    }
}

async fn scan(rows: &MemoryStore, table: &DerivedTable) -> BTreeMap<Bytes, Bytes> {
    let mut found = BTreeMap::new();
    let mut next = Some(Scan::all(table.clone()));
    while let Some(scan) = next {
        let page = rows.scan(scan).await.unwrap_or_else(|error| fail(&error.to_string()));
        found.extend(page.rows);
        next = page.next;
    }
    found
}

fn decoded<R: Row>(row: &[u8]) -> R {
    read(row).unwrap_or_else(|error| fail(&error.to_string()))
}

/// A store in memory has nothing to wait for.
fn at_once<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().unwrap_or_else(|| fail("the rows of a test are not there at once"))
}
