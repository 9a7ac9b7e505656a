//! What a handler reads and writes.

mod error;
mod index;
mod lane_keys;
mod range;
mod typed;
mod unique;

use std::{any::TypeId, borrow::Borrow, ops::AddAssign, sync::Arc};

use annals_core::{ROW_KEY_BYTES_MAX, ReadError, Scan, Store, Tenant};
use bytes::Bytes;
use hashbrown::{HashMap, HashSet};

use crate::{
    KeyBytes, Row,
    pulse::Beats,
    tables::{TableNames, TableSpec},
    tenants,
};

pub use error::{RowsError, UnreadableRow};
pub use index::IndexRows;
pub(crate) use lane_keys::LaneKeys;
pub(crate) use typed::{AnyTable, TypedTable, Writes, read};

/// The rows of a projection, as the handler of an event sees them: what is stored, and what the events before it in the same
/// batch wrote.
///
/// What a handler writes is stored together with the fact that its event was seen. Until then nobody else sees it; when the
/// handler fails, it is undone. The tables are those of the event's tenant.
pub struct Rows<'a> {
    batch: &'a mut Batch,
    /// Whose tables these are.
    tenant: &'a Option<Tenant>,
    /// What every row's key has to begin with, where several lanes write.
    lane_keys: Option<LaneKeys<'a>>,
}

/// The rows that a lane has changed and not stored yet, and what it knows of rows that are stored.
pub(crate) struct Batch {
    store: Arc<dyn Store>,
    projection: &'static str,
    build: u64,
    specs: Arc<[TableSpec]>,
    tables: Vec<TenantTables>,
    /// Where among these a tenant's are.
    numbers: HashMap<Option<Tenant>, usize>,
    /// Where those of the events are that were begun last, if they have any.
    present: Option<usize>,
    /// With so many rows and entries it is full.
    limit: usize,
    /// Nothing was stored before: tables that are not here are empty.
    fresh: bool,
    /// The tenants with tables here that are marked in the store as having some.
    marked: HashSet<Tenant>,
    /// Why rows could not be read for a handler.
    unread: Option<ReadError>,
    /// Counts how often a handler was given rows.
    beats: Beats,
}

/// The tables of one tenant, in the order of the specs.
struct TenantTables {
    tenant: Option<Tenant>,
    tables: Vec<Box<dyn AnyTable>>,
}

impl Rows<'_> {
    /// The row under `key`. With several lanes the key has to begin with the lane's key of the event, or of one of the events
    /// that are handed over at once: other lanes are elsewhere in the log.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn get<R: Row>(&mut self, key: impl Borrow<R::Key>) -> Result<Option<R>, RowsError> {
        let key = self.check::<R>(KeyBytes::of(key.borrow()))?;
        self.get_bytes::<R>(key).await
    }

    /// Writes `row`, in place of another one under its key.
    ///
    /// # Errors
    /// [`RowsError`].
    pub fn put<R: Row>(&mut self, row: R) -> Result<(), RowsError> {
        let key = self.key_of(&row)?;
        self.table::<R>()?.put(key, row);
        Ok(())
    }

    /// Removes the row under `key`, if there is one.
    ///
    /// # Errors
    /// [`RowsError`].
    pub fn delete<R: Row>(&mut self, key: impl Borrow<R::Key>) -> Result<(), RowsError> {
        let key = self.check::<R>(KeyBytes::of(key.borrow()))?;
        self.table::<R>()?.delete(key);
        Ok(())
    }

    /// Adds `row` to the row under its key, or writes it if there is none. The stored row need not be read first.
    ///
    /// # Errors
    /// [`RowsError`].
    pub fn add<R: Row + AddAssign>(&mut self, row: R) -> Result<(), RowsError> {
        let key = self.key_of(&row)?;
        self.table::<R>()?.add(key, row, |sum, row| *sum += row);
        Ok(())
    }

    /// Changes the row under `key`: `change` is given what is there, and says what is to be there.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn update<R: Row>(
        &mut self,
        key: impl Borrow<R::Key>,
        change: impl FnOnce(Option<R>) -> Option<R>,
    ) -> Result<(), RowsError> {
        let key = KeyBytes::of(key.borrow());
        match change(self.get_bytes::<R>(key.clone()).await?) {
            Some(row) if self.key_of(&row)? == key => self.table::<R>()?.put(key, row),
            Some(_) => return Err(RowsError::OtherKey { table: R::TABLE }),
            None => {
                let key = self.check::<R>(key)?;
                self.table::<R>()?.delete(key);
            }
        }
        Ok(())
    }

    /// Writes `row` if what is under its key is `expected`; says whether it was.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn compare_and_set<R: Row + PartialEq>(
        &mut self,
        expected: Option<&R>,
        row: R,
    ) -> Result<bool, RowsError> {
        let key = self.key_of(&row)?;
        let is_expected = self.get_bytes::<R>(key.clone()).await?.as_ref() == expected;
        if is_expected {
            self.table::<R>()?.put(key, row);
        }
        Ok(is_expected)
    }

    async fn get_bytes<R: Row>(&mut self, key: KeyBytes) -> Result<Option<R>, RowsError> {
        let table = self.table::<R>()?;
        if let Some(row) = table.look_at(&key) {
            return Ok(row.cloned());
        }
        let place = table.place(&key);
        let found = self.batch.store.get(&[place]).await;
        let found = self.batch.note(found)?.into_iter().next().flatten();
        let table = self.table::<R>()?;
        table.learn(key.clone(), found.as_deref())?;
        Ok(table.seen(&key).flatten().cloned())
    }

    fn key_of<R: Row>(&self, row: &R) -> Result<KeyBytes, RowsError> {
        let mut key = KeyBytes::new();
        row.write_key(&mut key);
        self.check::<R>(key)
    }

    fn check<R: Row>(&self, key: KeyBytes) -> Result<KeyBytes, RowsError> {
        if key.as_slice().len() > ROW_KEY_BYTES_MAX {
            return Err(RowsError::KeyTooLong {
                table: R::TABLE,
                found: key.as_slice().len(),
                limit: ROW_KEY_BYTES_MAX,
            });
        }
        if self.lane_keys.is_some_and(|lane_keys| !lane_keys.begin(key.as_slice())) {
            return Err(RowsError::OutsideLane { table: R::TABLE });
        }
        Ok(key)
    }

    fn table<R: Row>(&mut self) -> Result<&mut TypedTable<R>, RowsError> {
        self.batch.table(self.tenant)
    }
}

impl Batch {
    pub(crate) fn new(store: Arc<dyn Store>, projection: &'static str, build: u64, specs: Arc<[TableSpec]>) -> Self {
        Self {
            store,
            projection,
            build,
            specs,
            tables: Vec::new(),
            numbers: HashMap::new(),
            present: None,
            limit: usize::MAX,
            fresh: false,
            marked: HashSet::new(),
            unread: None,
            beats: Beats::default(),
        }
    }

    /// The same, which counts here how often a handler is given rows.
    pub(crate) fn counted_by(mut self, beats: Beats) -> Self {
        self.beats = beats;
        self
    }

    /// The same, where nothing was stored yet: no row need be looked up that was not written by this batch.
    pub(crate) fn fresh(self, fresh: bool) -> Self {
        Self { fresh, ..self }
    }

    /// The same, full with so many rows and entries of indexes.
    pub(crate) fn limited(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// What a handler is given for events of `tenant`. What was written before can no longer be undone.
    pub(crate) fn begin<'a>(&'a mut self, tenant: &'a Option<Tenant>, lane_keys: Option<LaneKeys<'a>>) -> Rows<'a> {
        self.beats.beat();
        let of = self.present.and_then(|present| self.tables.get(present));
        if of.is_none_or(|of| of.tenant != *tenant) {
            self.present = self.numbers.get(tenant).copied();
        }
        if let Some(of) = self.present.and_then(|present| self.tables.get_mut(present)) {
            for table in &mut of.tables {
                table.mark();
            }
        }
        Rows { batch: self, tenant, lane_keys }
    }

    /// Deletes all rows of `tenant` whose keys begin with `prefix`, and whatever leads to them.
    pub(crate) async fn delete_all(&mut self, tenant: &Option<Tenant>, prefix: &Bytes) -> Result<(), RowsError> {
        let number = self.number_or_make(tenant)?;
        for table in self.tables.get_mut(number).into_iter().flat_map(TenantTables::each) {
            let mut scan = Some(Scan::prefix(table.stored(), prefix.clone()));
            while let Some(next) = scan {
                let page = self.store.scan(next).await?;
                page.rows.into_iter().try_for_each(|(key, row)| table.delete_stored(&key, &row))?;
                scan = page.next;
            }
            // Entries are looked for by what they lead to: those of a row that is not what it should be may be anywhere.
            for entries in table.indexes() {
                let mut scan = Some(Scan::all(entries.clone()));
                while let Some(next) = scan {
                    let page = self.store.scan(next).await?;
                    let stale = page.rows.into_iter().filter(|(_, row)| row.starts_with(prefix));
                    stale.for_each(|(entry, _)| table.delete_entry(entries.clone(), entry));
                    scan = page.next;
                }
            }
        }
        Ok(())
    }

    /// Undoes what the present events of `tenant` wrote.
    pub(crate) fn undo(&mut self, tenant: &Option<Tenant>) {
        let number = self.numbers.get(tenant);
        for table in number.and_then(|number| self.tables.get_mut(*number)).into_iter().flat_map(TenantTables::each) {
            table.undo();
        }
    }

    /// Notes that rows could not be read. That stored bytes are damaged or of another time is the matter of the event that
    /// needs them.
    fn note<T>(&mut self, read: Result<T, ReadError>) -> Result<T, ReadError> {
        if let Err(error) = &read
            && !matches!(error, ReadError::Corrupt(_) | ReadError::UnknownEncoding { .. })
        {
            self.unread = Some(error.clone());
        }
        read
    }

    /// Why rows could not be read for a handler since this was asked last, if they could not.
    pub(crate) fn take_unread(&mut self) -> Option<ReadError> {
        self.unread.take()
    }

    /// Whether there were rows that could not be read for a handler.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// Whether so much was changed that it should be stored.
    pub(crate) fn is_full(&self) -> bool {
        let entries = |spec: &TableSpec| 1 + 2 * spec.indexes.len();
        let of = |of: &TenantTables| {
            of.tables.iter().zip(&*self.specs).map(|(table, spec)| table.changed() * entries(spec)).sum::<usize>()
        };
        self.tables.iter().map(of).sum::<usize>() >= self.limit
    }

    /// What there is to write, as soon as everything is known that it rests on.
    pub(crate) async fn writes(&mut self) -> Result<Writes, RowsError> {
        let mut missing = Vec::new();
        for table in self.all() {
            table.missing(&mut missing);
        }
        if !missing.is_empty() {
            let mut found = self.store.get(&missing).await?.into_iter();
            for table in self.tables.iter_mut().flat_map(TenantTables::each) {
                table.take(&mut found)?;
            }
        }
        let mut writes = Writes::default();
        for table in self.all() {
            table.write(&mut writes)?;
        }
        if !writes.is_empty() {
            let unmarked = self.tenants().filter(|tenant| !self.marked.contains(*tenant));
            writes.puts.extend(unmarked.map(|tenant| tenants::mark(self.projection, self.build, tenant)));
        }
        Ok(writes)
    }

    /// What was to be written is stored.
    pub(crate) fn settle(&mut self, keep: usize) {
        for table in self.tables.iter_mut().flat_map(TenantTables::each) {
            table.settle(keep);
        }
        self.marked.extend(self.tables.iter().filter_map(|of| of.tenant.clone()));
        if self.tables.len() > TENANTS_KEPT_MAX {
            self.tables.clear();
            self.numbers.clear();
            self.present = None;
            self.marked.clear();
            self.fresh = false;
        }
    }

    /// Forgets what was to be written, and what is known of the store.
    pub(crate) fn forget(&mut self) {
        for table in self.tables.iter_mut().flat_map(TenantTables::each) {
            table.forget();
        }
    }

    fn table<R: Row>(&mut self, tenant: &Option<Tenant>) -> Result<&mut TypedTable<R>, RowsError> {
        let (projection, row) = (self.projection, std::any::type_name::<R>());
        let undeclared = || RowsError::NoTable { projection, row };
        let number = self.specs.iter().position(|spec| spec.row == TypeId::of::<R>()).ok_or_else(undeclared)?;
        let present = match self.present {
            Some(present) => present,
            None => self.number_or_make(tenant)?,
        };
        let table = self.tables.get_mut(present).and_then(|of| of.tables.get_mut(number));
        table.and_then(|table| table.as_any().downcast_mut()).ok_or_else(undeclared)
    }

    fn all(&self) -> impl Iterator<Item = &dyn AnyTable> {
        self.tables.iter().flat_map(|of| &of.tables).map(|table| &**table)
    }

    fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tables.iter().filter_map(|of| of.tenant.as_ref())
    }

    /// Where the tables of `tenant` are, which are the present ones from now on.
    fn number_or_make(&mut self, tenant: &Option<Tenant>) -> Result<usize, RowsError> {
        let number = match self.numbers.get(tenant) {
            Some(number) => *number,
            None => {
                let tables = self.make(tenant.as_ref())?;
                self.numbers.insert(tenant.clone(), self.tables.len());
                self.tables.push(TenantTables { tenant: tenant.clone(), tables });
                self.tables.len() - 1
            }
        };
        self.present = Some(number);
        Ok(number)
    }

    fn make(&self, tenant: Option<&Tenant>) -> Result<Vec<Box<dyn AnyTable>>, RowsError> {
        let names = |spec: &TableSpec| TableNames::of(self.projection, self.build, spec.name, spec.indexes, tenant);
        self.specs.iter().map(|spec| Ok((spec.make)(names(spec)?, self.fresh))).collect()
    }
}

/// Of how many tenants rows are kept in memory when they are not to be written.
const TENANTS_KEPT_MAX: usize = 1000;

impl TenantTables {
    fn each(&mut self) -> impl Iterator<Item = &mut Box<dyn AnyTable>> {
        self.tables.iter_mut()
    }
}

impl Writes {
    pub(crate) fn is_empty(&self) -> bool {
        self.deletes.is_empty() && self.puts.is_empty()
    }
}

#[cfg(test)]
pub(crate) mod tests;
