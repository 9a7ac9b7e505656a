//! Which computations of a read model there are: each has tables and checkpoints of its own.

use annals_core::{
    ApplyError, DerivedCondition, DerivedTable, DerivedWrite, Generation, ReadError, RowBatch, RowIs, Store,
    codec::{self, EncodeError},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    KeyBytes,
    consumer::Consumer,
    rebuild::Scope,
    tables::{TableNames, TableSpec},
};

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
    /// What its tables, and those of their indexes, are called behind projection and build.
    #[serde(default)]
    pub(crate) tables: Vec<String>,
    /// Which events it is computed from.
    #[serde(default)]
    pub(crate) scope: Scope,
    /// Its rows are being deleted, and nothing else is done with it.
    #[serde(default)]
    pub(crate) dropped: bool,
}

/// All builds of a projection. They are as lost as the tables when those are lost, and then begin anew.
///
/// A number is given once, as long as the tables live.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Builds {
    /// The one that is read; 0 when there is none yet.
    pub(crate) live: u64,
    /// The one that was read before, which can be brought back.
    #[serde(default)]
    pub(crate) previous: Option<u64>,
    /// The one that an operator lets run beside the live one.
    #[serde(default)]
    pub(crate) beside: Option<u64>,
    /// The latest number that was given.
    #[serde(default)]
    pub(crate) latest: u64,
    pub(crate) all: Vec<Build>,
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

impl Builds {
    /// Reads those of `projection`.
    pub(crate) async fn load(store: &dyn Store, projection: &str) -> Result<Self, ReadError> {
        Ok(Stored::load(store, projection).await?.builds)
    }

    /// Changes those of `projection`. What others change at the same time is not lost: `change` is then called again with that.
    pub(crate) async fn change<T>(
        store: &dyn Store,
        projection: &str,
        change: impl Fn(&mut Self) -> T,
    ) -> Result<T, BuildsError> {
        loop {
            let stored = Stored::load(store, projection).await?;
            let mut next = stored.builds.clone();
            let done = change(&mut next);
            if next == stored.builds {
                return Ok(done);
            }
            match stored.replace(store, projection, &next).await {
                Err(BuildsError::Apply(ApplyError::Conflict { .. })) => {}
                replaced => return replaced.map(|()| done),
            }
        }
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Build> {
        self.all.iter().find(|build| build.number == number && !build.dropped)
    }

    /// The build that `code` goes on with: the live one, or else the latest that is its own, or else a new one, which is read if
    /// it is the first of all. What other code lets run beside is given up.
    pub(crate) fn of_code(&mut self, code: &Code, specs: &[TableSpec]) -> Build {
        let is_own = |build: &&Build| build.code == *code && !build.dropped;
        self.beside = self.beside.filter(|beside| self.get(*beside).is_some_and(|build| is_own(&build)));
        let live = self.get(self.live).filter(is_own);
        if let Some(build) = live.or_else(|| self.all.iter().rev().find(is_own)) {
            return build.clone();
        }
        let build = self.add(code, specs, Scope::default());
        if self.live == 0 {
            self.live = build.number;
        }
        build
    }

    /// A new build that runs beside the live one.
    pub(crate) fn begin_beside(&mut self, code: &Code, specs: &[TableSpec], scope: Scope) -> u64 {
        let build = self.add(code, specs, scope);
        self.beside = Some(build.number);
        build.number
    }

    fn add(&mut self, code: &Code, specs: &[TableSpec], scope: Scope) -> Build {
        let highest = self.all.iter().map(|build| build.number).max().unwrap_or(0);
        self.latest = self.latest.max(highest) + 1;
        let tables = specs.iter().flat_map(|spec| TableNames::relative(spec.name, spec.indexes)).collect();
        let build = Build { number: self.latest, code: code.clone(), tables, scope, dropped: false };
        self.all.push(build.clone());
        build
    }

    /// From now on `number` is the one that is read, if there still is such a one. The one before can be brought back.
    pub(crate) fn swap(&mut self, number: u64) -> bool {
        if self.get(number).is_none() {
            return false;
        }
        if self.live != number {
            self.previous = Some(self.live);
            self.live = number;
        }
        self.beside = self.beside.filter(|beside| *beside != number);
        true
    }

    /// Notes that nothing is done any more with builds that are neither read nor run nor kept, and returns all such.
    pub(crate) fn drop_unused(&mut self, running: u64) -> Vec<Build> {
        let kept = [Some(self.live), self.previous, self.beside, Some(running)];
        for build in &mut self.all {
            build.dropped |= !kept.contains(&Some(build.number));
        }
        self.all.iter().filter(|build| build.dropped).cloned().collect()
    }

    /// Forgets a dropped build, of which no row is left.
    pub(crate) fn forget(&mut self, number: u64) {
        self.all.retain(|build| build.number != number);
    }
}

/// The builds as they are stored.
struct Stored {
    generation: Option<Generation>,
    row: Option<Bytes>,
    builds: Builds,
}

impl Stored {
    async fn load(store: &dyn Store, projection: &str) -> Result<Self, ReadError> {
        let place = (DerivedTable::CHECKPOINTS.into(), Self::key(projection));
        let mut found = store.get(&[Consumer::generation_row(), place]).await?.into_iter();
        let generation = found.next().flatten().as_deref().and_then(Generation::from_row);
        let row = found.next().flatten();
        let builds = row.as_deref().and_then(|row| codec::decode(row).ok()).unwrap_or_default();
        Ok(Self { generation, row, builds })
    }

    async fn replace(self, store: &dyn Store, projection: &str, next: &Builds) -> Result<(), BuildsError> {
        let (table, key) = (DerivedTable::CHECKPOINTS, Self::key(projection));
        let is = self.row.map_or(RowIs::Absent, RowIs::Equals);
        let value = Some(codec::encode("builds", next)?);
        let batch = RowBatch {
            generation: self.generation,
            epoch: None,
            conditions: vec![DerivedCondition { table: table.clone(), key: key.clone(), is }],
            rows: vec![DerivedWrite { table, key, value }],
        };
        Ok(store.apply(batch).await?)
    }

    /// No build has this number, so the key is none of a checkpoint.
    fn key(projection: &str) -> Bytes {
        Bytes::copy_from_slice(KeyBytes::of(&(projection, u64::MAX)).as_slice())
    }
}
