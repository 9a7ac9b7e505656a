//! What rows are written to.

use std::{collections::BTreeMap, path::Path};

use ::fjall::{Database, Keyspace, KeyspaceCreateOptions};
use annals_core::{
    Commit, ConsumerName, DerivedCondition, DerivedTable, DerivedWrite, Epoch, Generation, RowBatch, RowIs, RowWrite,
    Store, Table,
};
use annals_store_sled::SledStore;
use async_trait::async_trait;
use bytes::Bytes;
use clap::ValueEnum;
use redb::{Durability, ReadableDatabase, TableDefinition};

use crate::{Failure, fill};

/// Something that holds rows and a checkpoint.
#[async_trait]
pub(crate) trait Rows: Send {
    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Failure>;

    /// Writes all rows and the checkpoint `to`, which was `from` before; not synced.
    async fn put(&mut self, rows: Vec<(Bytes, Bytes)>, from: u64, to: u64) -> Result<(), Failure>;

    /// Finishes everything that goes on behind, and closes.
    async fn finish(self: Box<Self>) -> Result<(), Failure>;
}

/// The name of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// annals' store on disk.
    Store,
    /// fjall without sync.
    Fjall,
    /// redb without sync.
    Redb,
    /// A map in memory.
    Memory,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Store, Self::Fjall, Self::Redb, Self::Memory];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Store => "store-sled",
            Self::Fjall => "fjall, not synced",
            Self::Redb => "redb, not synced",
            Self::Memory => "BTreeMap",
        }
    }

    pub(crate) async fn open(self, folder: &Path) -> Result<Box<dyn Rows>, Failure> {
        Ok(match self {
            Self::Store => Box::new(OfStore::open(folder).await?),
            Self::Fjall => Box::new(Fjall::open(folder)?),
            Self::Redb => Box::new(Redb(redb::Database::create(folder.join("rows.redb"))?)),
            Self::Memory => Box::new(Memory(BTreeMap::new())),
        })
    }
}

const CHECKPOINT: &[u8] = b"checkpoint";

/// With all that a projection says: generation, epoch, the checkpoint that it goes on from.
struct OfStore {
    store: SledStore,
    generation: Option<Generation>,
    epoch: Epoch,
    rows: DerivedTable,
    checkpoints: DerivedTable,
}

impl OfStore {
    async fn open(folder: &Path) -> Result<Self, Failure> {
        let store = fill::open(&folder.join("store")).await?;
        let epoch = Epoch { consumer: ConsumerName::new("bench")?, number: 1 };
        let (table, key) = epoch.row();
        store.commit(Commit::new().row(RowWrite::put(table, key, epoch.to_row()))).await?;
        let row = store.get(&[(DerivedTable::GENERATION.into(), Bytes::new())]).await?;
        let generation = row.into_iter().flatten().next().and_then(|row| Generation::from_row(&row));
        let (rows, checkpoints) = (DerivedTable::new("rows")?, DerivedTable::new("checkpoints")?);
        Ok(Self { store, generation, epoch, rows, checkpoints })
    }
}

#[async_trait]
impl Rows for OfStore {
    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Failure> {
        let keys: Vec<(Table, Bytes)> = keys.iter().map(|key| (self.rows.clone().into(), key.clone())).collect();
        Ok(self.store.get(&keys).await?)
    }

    async fn put(&mut self, rows: Vec<(Bytes, Bytes)>, from: u64, to: u64) -> Result<(), Failure> {
        let checkpoint = |number: u64| Bytes::copy_from_slice(&number.to_be_bytes());
        let (table, key) = (self.checkpoints.clone(), Bytes::from_static(CHECKPOINT));
        let is = if from == 0 { RowIs::Absent } else { RowIs::Equals(checkpoint(from)) };
        let conditions = vec![DerivedCondition { table: table.clone(), key: key.clone(), is }];
        let write = |(key, value)| DerivedWrite { table: self.rows.clone(), key, value: Some(value) };
        let mut rows: Vec<_> = rows.into_iter().map(write).collect();
        rows.push(DerivedWrite { table, key, value: Some(checkpoint(to)) });
        let (generation, epoch) = (self.generation, Some(self.epoch.clone()));
        Ok(self.store.apply(RowBatch { generation, epoch, conditions, rows }).await?)
    }

    async fn finish(self: Box<Self>) -> Result<(), Failure> {
        self.store.shut_down().await;
        Ok(())
    }
}

struct Fjall {
    database: Database,
    rows: Keyspace,
}

impl Fjall {
    fn open(folder: &Path) -> Result<Self, Failure> {
        let database = Database::builder(folder.join("fjall")).open()?;
        let rows = database.keyspace("rows", KeyspaceCreateOptions::default)?;
        Ok(Self { database, rows })
    }
}

#[async_trait]
impl Rows for Fjall {
    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Failure> {
        let get = |key: &Bytes| Ok(self.rows.get(key)?.map(|value| Bytes::copy_from_slice(&value)));
        keys.iter().map(get).collect()
    }

    async fn put(&mut self, rows: Vec<(Bytes, Bytes)>, _: u64, to: u64) -> Result<(), Failure> {
        let mut batch = self.database.batch();
        for (key, value) in &rows {
            batch.insert(&self.rows, &**key, &**value);
        }
        batch.insert(&self.rows, CHECKPOINT, to.to_be_bytes());
        Ok(batch.commit()?)
    }

    async fn finish(self: Box<Self>) -> Result<(), Failure> {
        Ok(())
    }
}

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

struct Redb(redb::Database);

#[async_trait]
impl Rows for Redb {
    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Failure> {
        let table = match self.0.begin_read()?.open_table(ROWS) {
            // Before the first batch.
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let get = |key: &Bytes| Ok(table.get(&**key)?.map(|value| Bytes::copy_from_slice(value.value())));
        keys.iter().map(get).collect()
    }

    async fn put(&mut self, rows: Vec<(Bytes, Bytes)>, _: u64, to: u64) -> Result<(), Failure> {
        let mut transaction = self.0.begin_write()?;
        transaction.set_durability(Durability::None)?;
        {
            let mut table = transaction.open_table(ROWS)?;
            for (key, value) in &rows {
                table.insert(&**key, &**value)?;
            }
            table.insert(CHECKPOINT, to.to_be_bytes().as_slice())?;
        }
        Ok(transaction.commit()?)
    }

    async fn finish(self: Box<Self>) -> Result<(), Failure> {
        Ok(())
    }
}

struct Memory(BTreeMap<Bytes, Bytes>);

#[async_trait]
impl Rows for Memory {
    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Failure> {
        Ok(keys.iter().map(|key| self.0.get(key).cloned()).collect())
    }

    async fn put(&mut self, rows: Vec<(Bytes, Bytes)>, _: u64, _: u64) -> Result<(), Failure> {
        self.0.extend(rows);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<(), Failure> {
        Ok(())
    }
}
