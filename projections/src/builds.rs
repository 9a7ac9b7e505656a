//! Which computations of a read model there are: each has tables and checkpoints of its own.

use annals_core::{
    ApplyError, DerivedCondition, DerivedTable, DerivedWrite, Generation, ReadError, RowBatch, RowIs, Store,
    codec::{self, EncodeError},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{KeyBytes, consumer::Consumer};

/// What a build was computed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Code {
    /// The projection's version.
    pub(crate) version: u32,
    /// What its rows are stored as.
    pub(crate) tables: String,
}

/// A build: one computation of a read model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Build {
    pub(crate) number: u64,
    pub(crate) code: Code,
}

/// All builds of a projection. They are as lost as the tables when those are lost, and then begin anew.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Builds {
    /// The one that is read.
    pub(crate) live: u64,
    pub(crate) all: Vec<Build>,
}

/// The builds as they are stored.
#[derive(Debug, Clone)]
pub(crate) struct BuildsRow {
    projection: &'static str,
    generation: Option<Generation>,
    stored: Option<Bytes>,
    pub(crate) builds: Builds,
}

/// Why builds could not be read or written.
#[derive(Debug, Error)]
pub(crate) enum BuildsError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl BuildsRow {
    pub(crate) async fn load(store: &dyn Store, projection: &'static str) -> Result<Self, ReadError> {
        let row = (DerivedTable::CHECKPOINTS.into(), Self::key(projection));
        let mut found = store.get(&[Consumer::generation_row(), row]).await?.into_iter();
        let generation = found.next().flatten().as_deref().and_then(Generation::from_row);
        let stored = found.next().flatten();
        let builds = stored.as_deref().and_then(|row| codec::decode(row).ok()).unwrap_or_default();
        Ok(Self { projection, generation, stored, builds })
    }

    /// The latest build that `code` has computed, or a new one. The first of all is the one that is read.
    pub(crate) async fn of_code(&mut self, store: &dyn Store, code: &Code) -> Result<u64, BuildsError> {
        if let Some(build) = self.builds.all.iter().rev().find(|build| build.code == *code) {
            return Ok(build.number);
        }
        let mut next = self.builds.clone();
        let number = next.all.iter().map(|build| build.number).max().unwrap_or(0) + 1;
        next.all.push(Build { number, code: code.clone() });
        if next.live == 0 {
            next.live = number;
        }
        self.store(store, next).await?;
        Ok(number)
    }

    /// From now on `number` is the one that is read.
    pub(crate) async fn swap(&mut self, store: &dyn Store, number: u64) -> Result<(), BuildsError> {
        let next = Builds { live: number, ..self.builds.clone() };
        self.store(store, next).await
    }

    async fn store(&mut self, store: &dyn Store, next: Builds) -> Result<(), BuildsError> {
        let (table, key) = (DerivedTable::CHECKPOINTS, Self::key(self.projection));
        let row = codec::encode("builds", &next)?;
        let is = self.stored.clone().map_or(RowIs::Absent, RowIs::Equals);
        let batch = RowBatch {
            generation: self.generation,
            epoch: None,
            conditions: vec![DerivedCondition { table: table.clone(), key: key.clone(), is }],
            rows: vec![DerivedWrite { table, key, value: Some(row.clone()) }],
        };
        store.apply(batch).await?;
        (self.stored, self.builds) = (Some(row), next);
        Ok(())
    }

    /// No build has this number, so the key is none of a checkpoint.
    fn key(projection: &str) -> Bytes {
        Bytes::copy_from_slice(KeyBytes::of(&(projection, u64::MAX)).as_slice())
    }
}
