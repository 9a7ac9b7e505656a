//! How the rows of two builds differ.

use std::{cmp::Ordering, collections::BTreeSet, fmt};

use annals_core::{InvalidText, Position, ReadError, Scan, Store, Tenant, codec};
use bytes::Bytes;

use super::{ShadowError, Started};
use crate::{State, tables::TableNames, tenants};

/// How rows that were computed anew differ from those that are read, both as of one position.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The position.
    pub position: Position,
    /// Each table of each tenant, and each of their indexes.
    pub tables: Vec<TableDifference>,
}

/// How one table differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableDifference {
    /// The table; that of an index is `table:index`.
    pub table: String,
    /// Whose it is.
    pub tenant: Option<Tenant>,
    /// How many rows are alike.
    pub alike: u64,
    /// How many rows are only among the new ones.
    pub added: u64,
    /// How many rows are only among those that are read.
    pub removed: u64,
    /// How many rows are others under the same key.
    pub changed: u64,
    /// The first rows that differ, in the order of their keys.
    pub examples: Vec<RowDifference>,
}

/// How one row differs: what is stored, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowDifference {
    /// The bytes of its key.
    pub key: Bytes,
    /// The row that is read, if there is one.
    pub live: Option<String>,
    /// The row that was computed anew, if there is one.
    pub shadow: Option<String>,
}

/// Compares build `shadow` with the live one, both of which are held at `position`.
pub(super) async fn between(
    started: &Started,
    shadow: u64,
    position: Position,
    examples: usize,
) -> Result<Difference, ShadowError> {
    let (consumer, live) = (started.worker.consumer(), started.reading.builds().live);
    let (rows, projection) = (&*consumer.rows, started.name);
    let mut all: BTreeSet<Option<Tenant>> = tenants::all(rows, projection, live).await?.into_iter().collect();
    all.extend(tenants::all(rows, projection, shadow).await?);
    let mut tables = Vec::new();
    for tenant in all {
        let relative = consumer.specs.iter().flat_map(|spec| TableNames::relative(spec.name, spec.indexes));
        for table in relative {
            let scan =
                |build| Ok::<_, InvalidText>(Scan::all(TableNames::table(projection, build, &table, tenant.as_ref())?));
            let name = |problem| ShadowError::Name { projection, problem };
            let (live, shadow) = (scan(live).map_err(name)?, scan(shadow).map_err(name)?);
            let mut found = TableDifference::none(table.clone(), tenant.clone());
            if !found.compare(&mut Rows::of(rows, live), &mut Rows::of(rows, shadow), examples, started).await? {
                return Err(ShadowError::NotRunning { projection, state: State::Stopped });
            }
            tables.push(found);
        }
    }
    Ok(Difference { position, tables })
}

impl Difference {
    /// Whether all rows are alike.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.added + table.removed + table.changed == 0)
    }
}

impl TableDifference {
    fn none(table: String, tenant: Option<Tenant>) -> Self {
        Self { table, tenant, alike: 0, added: 0, removed: 0, changed: 0, examples: Vec::new() }
    }

    /// Goes through both; false when the projection was told to stop before the end.
    async fn compare(
        &mut self,
        live: &mut Rows<'_>,
        shadow: &mut Rows<'_>,
        examples: usize,
        started: &Started,
    ) -> Result<bool, ReadError> {
        loop {
            if started.worker.is_told_to_stop() {
                return Ok(false);
            }
            let order = match (live.peek().await?, shadow.peek().await?) {
                (None, None) => return Ok(true),
                (Some((live, _)), Some((shadow, _))) => live.cmp(shadow),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
            };
            let live = if order.is_le() { live.take() } else { None };
            let shadow = if order.is_ge() { shadow.take() } else { None };
            self.count(live, shadow, examples);
        }
    }

    fn count(&mut self, live: Option<(Bytes, Bytes)>, shadow: Option<(Bytes, Bytes)>, examples: usize) {
        match (&live, &shadow) {
            (Some(live), Some(shadow)) if live == shadow => {
                self.alike += 1;
                return;
            }
            (Some(_), Some(_)) => self.changed += 1,
            (Some(_), None) => self.removed += 1,
            (None, _) => self.added += 1,
        }
        let key = live.as_ref().or(shadow.as_ref()).map(|(key, _)| key.clone());
        if let Some(key) = key.filter(|_| self.examples.len() < examples) {
            let text = |row: Option<(Bytes, Bytes)>| row.map(|(_, value)| text(&value));
            self.examples.push(RowDifference { key, live: text(live), shadow: text(shadow) });
        }
    }
}

/// The rows of a table, one after the other, with the next one at hand.
struct Rows<'a> {
    store: &'a dyn Store,
    page: std::vec::IntoIter<(Bytes, Bytes)>,
    next: Option<Scan>,
    at: Option<(Bytes, Bytes)>,
}

impl<'a> Rows<'a> {
    fn of(store: &'a dyn Store, scan: Scan) -> Self {
        Self { store, page: Vec::new().into_iter(), next: Some(scan), at: None }
    }

    async fn peek(&mut self) -> Result<Option<&(Bytes, Bytes)>, ReadError> {
        while self.at.is_none() {
            self.at = self.page.next();
            if self.at.is_none() {
                let Some(scan) = self.next.take() else { break };
                let page = self.store.scan(scan).await?;
                (self.page, self.next) = (page.rows.into_iter(), page.next);
            }
        }
        Ok(self.at.as_ref())
    }

    fn take(&mut self) -> Option<(Bytes, Bytes)> {
        self.at.take()
    }
}

/// A stored row as text: as a value if it is one, or as a key, which is what the entry of an index holds.
fn text(row: &[u8]) -> String {
    match codec::decode_value(row) {
        Ok(value) => value.to_string(),
        Err(_) => format!("key {}", row.escape_ascii()),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at position {}:", self.position)?;
        self.tables.iter().try_for_each(|table| write!(f, "\n{table}"))
    }
}

impl fmt::Display for TableDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, tenant, alike, added, removed, changed, examples } = self;
        write!(f, "{table}")?;
        if let Some(tenant) = tenant {
            write!(f, " of {tenant}")?;
        }
        write!(f, ": {alike} alike, {added} added, {removed} removed, {changed} changed")?;
        examples.iter().try_for_each(|example| write!(f, "\n  {example}"))
    }
}

impl fmt::Display for RowDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = || "none".to_owned();
        let (live, shadow) = (self.live.clone().unwrap_or_else(none), self.shadow.clone().unwrap_or_else(none));
        write!(f, "{}: {live} -> {shadow}", self.key.escape_ascii())
    }
}
