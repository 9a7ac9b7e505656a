//! Random operations against a store and against an obviously correct model of it.
//!
//! T4: 50,000 operations in sequences of up to 400, or as many as `ANNALS_SOAK_OPERATIONS` says. A failure prints the
//! shortest sequence found and its seed; `ANNALS_SEED` repeats it. What must be met on the way is counted, so that a
//! generator that stopped making conflicts, say, is noticed.

use std::sync::Mutex;

use annals_core::{
    Commit, CommitError, Condition, DerivedTable, Expected, Failure, Generation, Limits, ReadLog, ReadStream, RowBatch,
    Scan, Table, Version,
};
use bytes::Bytes;
use futures::TryStreamExt;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::{
    Harness, Setup,
    fixture::{Handle, head},
    soak,
};

mod operation;
mod reached;
mod reference;

pub use reached::Reached;

use operation::{Operation, Whose};
use reference::{Model, Outcome};

/// How many operations are compared on every push.
const OPERATIONS: u64 = 50_000;

/// Fails when the store of `H` and the model disagree, or when something was never met.
pub fn check<H: Harness>() {
    let operations = soak::size("ANNALS_SOAK_OPERATIONS", OPERATIONS);
    match compare::<H>(operations) {
        Err(difference) => panic!("{difference}"),
        Ok(reached) => {
            soak::report(&format!("operations={}", reached.operations));
            let missing = reached.missing();
            assert!(operations < OPERATIONS || missing.is_empty(), "never met: {missing:?}\n{reached:#?}");
        }
    }
}

/// Compares the store of `H` with the model over about so many operations, and says what was met.
///
/// # Errors
/// The shortest sequence of operations found after which they disagree, how, and the seed.
pub fn compare<H: Harness>(operations: u64) -> Result<Reached, String> {
    let seed = soak::seed("the model");
    let cases = u32::try_from(operations.div_ceil(operation::LONGEST as u64 / 2)).unwrap_or(u32::MAX);
    let config = Config { cases, max_local_rejects: u32::MAX, max_shrink_iters: 500, ..Config::default() };
    let config = Config { failure_persistence: None, ..config };
    let bytes: Vec<u8> = (0..4_u64).flat_map(|part| (seed ^ part).to_le_bytes()).collect();
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let all = Mutex::new(Reached::default());
    let run = |operations: Vec<Operation>| {
        let reached = runtime.block_on(Comparison::<H>::run(operations)).map_err(TestCaseError::fail)?;
        all.lock().expect("not poisoned").add(reached);
        Ok(())
    };
    let outcome = runner.run(&operation::sequences(), run);
    outcome.map_err(|error| format!("{error}\nrepeat it with ANNALS_SEED={seed}"))?;
    Ok(all.into_inner().expect("not poisoned"))
}

struct Comparison<H> {
    harness: H,
    setup: Setup,
    model: Model,
    generation: Generation,
    reached: Reached,
}

type Compared = Result<(), String>;

fn same<T: PartialEq + std::fmt::Debug>(what: impl std::fmt::Debug, store: &T, model: &T) -> Compared {
    if store == model { Ok(()) } else { Err(format!("{what:?}\nstore: {store:#?}\nmodel: {model:#?}")) }
}

impl<H: Harness> Comparison<H> {
    async fn run(operations: Vec<Operation>) -> Result<Reached, String> {
        let setup = Setup { limits: Limits::default(), ..Setup::default() };
        let harness = H::create(setup.clone()).await;
        let generation = generation(&harness.store()).await;
        let mut comparison = Self { harness, setup, model: Model::default(), generation, reached: Reached::default() };
        for operation in operations {
            comparison.reached.operations += 1;
            comparison.step(operation).await?;
        }
        comparison.everything().await?;
        Ok(comparison.reached)
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
                self.reached.when(seconds < 0, "a clock set back");
                self.setup.clock.step(seconds);
                Ok(())
            }
            Operation::Reopen => {
                drop(store);
                self.harness.reopen().await;
                self.reopened("reopened").await.map(drop)
            }
            Operation::LoseIndex => {
                drop(store);
                if !self.harness.lose_index().await {
                    self.reached.note("no index to lose");
                    return Ok(());
                }
                let is_new = self.reopened("an index lost").await?;
                if is_new { Ok(()) } else { Err("the index was lost, and the generation is the same".to_owned()) }
            }
        }
    }

    /// Compares what is there after a restart; whether the derived tables are of a new generation.
    async fn reopened(&mut self, how: &'static str) -> Result<bool, String> {
        self.reached.note(how);
        let generation = generation(&self.harness.store()).await;
        let is_new = generation != self.generation;
        if is_new {
            self.model.lose_derived();
            self.generation = generation;
        }
        self.everything().await?;
        Ok(is_new)
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
        self.reached.outcome(&commit, &wanted);
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
        self.reached.batch(&batch, &failed);
        match store.apply(batch.clone()).await {
            Ok(()) => same(&batch, &Vec::new(), &failed),
            // Of several reasons a store may name any.
            Err(error) if failed.contains(&error.to_string()) => Ok(()),
            Err(error) => Err(format!("{batch:?}: {error:?}, expected one of {failed:?}")),
        }
    }

    async fn read_stream(&mut self, store: &Handle, read: ReadStream) -> Compared {
        let found: Result<Vec<_>, _> = store.read_stream(read.clone()).try_collect().await;
        let found = found.map_err(|error| error.to_string())?;
        self.reached.read(found.len(), read.direction, read.limit, read.as_of);
        same(&read, &found, &self.model.read_stream(&read))
    }

    async fn read_log(&mut self, store: &Handle, read: ReadLog) -> Compared {
        let found: Result<Vec<_>, _> = store.read_log(read.clone()).try_collect().await;
        let found = found.map_err(|error| error.to_string())?;
        self.reached.read(found.len(), read.direction, read.limit, read.as_of);
        same(&read, &found, &self.model.read_log(&read))
    }

    async fn get(&self, store: &Handle, keys: Vec<(Table, Bytes)>) -> Compared {
        let found = store.get(&keys).await.map_err(|error| error.to_string())?;
        let wanted: Vec<_> = keys.iter().map(|(table, key)| self.model.rows(table).get(key).cloned()).collect();
        same(&keys, &found, &wanted)
    }

    /// Page after page, none longer than asked for.
    async fn scan(&mut self, store: &Handle, scan: Scan) -> Compared {
        let mut found = Vec::new();
        let mut next = Some(scan.clone());
        let mut pages = 0;
        while let Some(scan) = next {
            let page = store.scan(scan.clone()).await.map_err(|error| error.to_string())?;
            if page.rows.len() > scan.limit || pages > 10_000 {
                return Err(format!("{scan:?}: page {pages} has {} rows", page.rows.len()));
            }
            self.reached.when(pages > 0 && !page.rows.is_empty(), "a page continued");
            self.reached.when(scan.lookup.is_some() && !page.rows.is_empty(), "a row looked up");
            found.extend(page.rows);
            next = page.next;
            pages += 1;
        }
        same(&scan, &found, &self.model.scan(&scan))
    }

    async fn everything(&mut self) -> Compared {
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
