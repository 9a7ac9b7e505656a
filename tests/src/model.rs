//! Random operations against a store and against an obviously correct model of it.
//!
//! 256 sequences of up to 40 operations, or as many as `PROPTEST_CASES` says. A failure prints the shortest sequence
//! found and its seed; `ANNALS_SEED` repeats it.

use std::fmt::Write;

use annals_core::{
    Commit, CommitError, Condition, DerivedTable, Expected, Failure, Generation, Limits, ReadLog, ReadStream, RowBatch,
    Scan, Table, Version,
};
use bytes::Bytes;
use futures::TryStreamExt;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::{
    Harness, Setup,
    fixture::{Handle, head, rows},
};

mod operation;
mod reference;

use operation::{Operation, Whose};
use reference::{Model, Outcome};

/// Fails when the store of `H` and the model disagree.
pub fn check<H: Harness>() {
    if let Err(difference) = compare::<H>() {
        panic!("{difference}");
    }
}

/// Compares the store of `H` with the model.
///
/// # Errors
/// The shortest sequence of operations found after which they disagree, how, and the seed.
pub fn compare<H: Harness>() -> Result<(), String> {
    let seed = seed();
    let config = Config { failure_persistence: None, max_shrink_iters: 1000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let run =
        |operations: Vec<Operation>| runtime.block_on(Comparison::<H>::run(operations)).map_err(TestCaseError::fail);
    runner.run(&operation::sequences(), run).map_err(|error| {
        let hex = seed.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string takes all");
            hex
        });
        format!("{error}\nrepeat it with ANNALS_SEED={hex}")
    })
}

fn seed() -> [u8; 32] {
    let Ok(hex) = std::env::var("ANNALS_SEED") else {
        let mut seed = [0; 32];
        for half in seed.chunks_mut(16) {
            half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        }
        return seed;
    };
    let byte = |index: usize| u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok();
    std::array::from_fn(|index| byte(index).expect("ANNALS_SEED has 64 hexadecimal digits"))
}

struct Comparison<H> {
    harness: H,
    setup: Setup,
    model: Model,
    generation: Generation,
}

type Compared = Result<(), String>;

fn same<T: PartialEq + std::fmt::Debug>(what: impl std::fmt::Debug, store: &T, model: &T) -> Compared {
    if store == model { Ok(()) } else { Err(format!("{what:?}\nstore: {store:#?}\nmodel: {model:#?}")) }
}

impl<H: Harness> Comparison<H> {
    async fn run(operations: Vec<Operation>) -> Compared {
        let setup = Setup { limits: Limits::default(), ..Setup::default() };
        let harness = H::create(setup.clone()).await;
        let generation = generation(&harness.store()).await;
        let mut comparison = Self { harness, setup, model: Model::default(), generation };
        for operation in operations {
            comparison.step(operation).await?;
        }
        comparison.everything().await
    }

    async fn step(&mut self, operation: Operation) -> Compared {
        let store = self.harness.store();
        match operation {
            Operation::Commit { commit, exactly } => self.commit(&store, commit, exactly).await,
            Operation::Apply { batch, whose } => self.apply(&store, batch, whose).await,
            Operation::ReadStream(read) => self.read_stream(&store, read).await,
            Operation::ReadLog(read) => self.read_log(&store, read).await,
            Operation::Get(keys) => self.get(&store, keys).await,
            Operation::Scan(scan) => self.scan(&store, scan).await,
            Operation::StepClock(seconds) => {
                self.setup.clock.step(seconds);
                Ok(())
            }
            Operation::Reopen => {
                drop(store);
                self.harness.reopen().await;
                let generation = generation(&self.harness.store()).await;
                if generation != self.generation {
                    self.model.lose_derived();
                    self.generation = generation;
                }
                self.everything().await
            }
        }
    }

    async fn commit(
        &mut self,
        store: &Handle,
        mut commit: Commit,
        exactly: Vec<(annals_core::StreamId, i64)>,
    ) -> Compared {
        for (stream, offset) in exactly {
            let version = self.model.version(&stream).saturating_add_signed(offset);
            let expected = Expected::At(Version::new(version).expect("small"));
            commit.conditions.push(Condition::Stream { stream, expected });
        }
        let now = annals_core::Clock::now(&self.setup.clock);
        let wanted = self.model.commit(&commit, now);
        let found = match store.commit(commit.clone()).await {
            // A receipt for nothing has no commit whose time it could tell.
            Ok(receipt) if commit.writes_nothing() => Outcome::Done(annals_core::Receipt { recorded: now, ..receipt }),
            Ok(receipt) => Outcome::Done(receipt),
            Err(CommitError::Conflict { failures }) => Outcome::Conflict(self.first_matches(failures)),
            Err(CommitError::Closed { streams, failures }) => Outcome::Closed(streams, self.first_matches(failures)),
            Err(CommitError::KeyReused { key, recorded, found }) => Outcome::KeyReused(key, recorded, found),
            Err(other) => return Err(format!("{commit:?}: {other:?}")),
        };
        same(&commit, &found, &wanted)?;
        same("the head", &head(store), &self.model.head())
    }

    /// A store may name any record that matches; the model names the first.
    fn first_matches(&self, mut failures: Vec<Failure>) -> Vec<Failure> {
        for failure in &mut failures {
            if let Failure::NoneMatch { query, after, found } = failure {
                let matching = self.model.matching(query, *after);
                if matching.contains(found) {
                    *found = matching[0];
                }
            }
        }
        failures
    }

    async fn apply(&mut self, store: &Handle, mut batch: RowBatch, whose: Whose) -> Compared {
        batch.generation = match whose {
            Whose::Nobodys => None,
            Whose::Ours => Some(self.generation),
            Whose::Lost => Some(Generation::random()),
        };
        let failed = self.model.apply(&batch, self.generation);
        match store.apply(batch.clone()).await {
            Ok(()) => same(&batch, &Vec::new(), &failed),
            // Of several reasons a store may name any.
            Err(error) if failed.contains(&error.to_string()) => Ok(()),
            Err(error) => Err(format!("{batch:?}: {error:?}, expected one of {failed:?}")),
        }
    }

    async fn read_stream(&self, store: &Handle, read: ReadStream) -> Compared {
        let found: Result<Vec<_>, _> = store.read_stream(read.clone()).try_collect().await;
        same(&read, &found.map_err(|error| error.to_string())?, &self.model.read_stream(&read))
    }

    async fn read_log(&self, store: &Handle, read: ReadLog) -> Compared {
        let found: Result<Vec<_>, _> = store.read_log(read.clone()).try_collect().await;
        same(&read, &found.map_err(|error| error.to_string())?, &self.model.read_log(&read))
    }

    async fn get(&self, store: &Handle, keys: Vec<(Table, Bytes)>) -> Compared {
        let found = store.get(&keys).await.map_err(|error| error.to_string())?;
        let wanted: Vec<_> = keys.iter().map(|(table, key)| self.model.rows(table).get(key).cloned()).collect();
        same(&keys, &found, &wanted)
    }

    async fn scan(&self, store: &Handle, scan: Scan) -> Compared {
        same(&scan, &rows(store, scan.clone()).await, &self.model.scan(&scan))
    }

    async fn everything(&self) -> Compared {
        let store = self.harness.store();
        same("the head", &head(&store), &self.model.head())?;
        self.read_log(&store, ReadLog::all()).await?;
        for stream in operation::streams() {
            self.read_stream(&store, ReadStream::all(stream)).await?;
        }
        for table in operation::tables() {
            self.scan(&store, Scan::all(table)).await?;
        }
        Ok(())
    }
}

async fn generation(store: &Handle) -> Generation {
    let row = crate::fixture::row(store, DerivedTable::GENERATION, "").await.expect("a generation");
    Generation::from_row(&row).expect("a generation's bytes")
}
