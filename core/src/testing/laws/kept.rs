//! What is kept of an aggregate is what its stored events fold to.

use std::{any::type_name, fmt::Debug, sync::Arc, thread};

use futures::TryStreamExt;
use tokio::runtime;

use crate::{
    Aggregate, Annals, At, Commit, ExecuteError, Handle, MemoryStore, ReadStream, Record, Store, decode_record,
    testing::{commit_of, differ::check_equal, fail},
};

/// So many events of a history are one commit, far below every limit.
const COMMIT_EVENTS: usize = 100;

/// What is kept after a command, in memory and as a snapshot, is what the stored events fold to: seen from outside, with
/// the command sent to a store in memory that holds a history, twice, the second time to an aggregate that comes from its
/// snapshot.
///
/// This is the law of the fault that applies new events twice before a snapshot is taken: three deposits of 100 give 400.
///
/// # Panics
/// When it does not hold, with the difference, and when the command fails in any other way than by a refusal.
#[track_caller]
pub fn kept_state_equals_fold<A, C>(target: &At<A>, histories: &[Vec<A::Event>], command: C)
where
    A: Handle<C> + Debug + PartialEq,
    A::Error: Debug,
    C: Clone + Send + Sync + 'static,
{
    check(target, histories, command, || Arc::new(MemoryStore::new()));
}

/// The law over stores of the test's own.
#[track_caller]
pub(super) fn check<A, C>(
    target: &At<A>,
    histories: &[Vec<A::Event>],
    command: C,
    mut new_store: impl FnMut() -> Arc<dyn Store>,
) where
    A: Handle<C> + Debug + PartialEq,
    A::Error: Debug,
    C: Clone + Send + Sync + 'static,
{
    let empty: &[A::Event] = &[];
    for (number, history) in std::iter::once(empty).chain(histories.iter().map(Vec::as_slice)).enumerate() {
        let behind = if number == 0 { "no events".to_owned() } else { format!("history {number}") };
        let (name, command_name) = (A::NAME, type_name::<C>());
        let round = Round { store: new_store(), target };
        let commits = history.chunks(COMMIT_EVENTS).map(|events| commit_of::<A>(target.id.clone(), events.to_vec()));
        let found = match on_a_runtime(round.run(commits.collect(), command.clone())) {
            Ok(found) => found,
            Err(reason) => fail(&format!("{command_name} to {name} behind {behind} failed: {reason}")),
        };
        for Found { folded, kept, restored } in found {
            let told = |what| format!("{what} of {name} after {command_name} behind {behind} is not its fold");
            check_equal(&told("what is kept in memory"), &folded, &kept);
            if let Some(restored) = restored {
                check_equal(&told("the snapshot"), &folded, &restored);
            }
        }
    }
}

/// One history in a store.
struct Round<'a, A: Aggregate> {
    store: Arc<dyn Store>,
    target: &'a At<A>,
}

/// The same aggregate, found in three ways.
struct Found<A> {
    folded: A,
    kept: A,
    /// Where there are snapshots.
    restored: Option<A>,
}

impl<A: Aggregate> Round<'_, A> {
    async fn run<C>(self, history: Vec<Commit>, command: C) -> Result<[Found<A>; 2], String>
    where
        A: Handle<C>,
        A::Error: Debug,
        C: Clone + Send + Sync + 'static,
    {
        for commit in history {
            self.store.commit(commit).await.map_err(|error| error.to_string())?;
        }
        Ok([self.send_and_look(command.clone()).await?, self.send_and_look(command).await?])
    }

    async fn send_and_look<C>(&self, command: C) -> Result<Found<A>, String>
    where
        A: Handle<C>,
        A::Error: Debug,
        C: Clone + Send + Sync + 'static,
    {
        let annals = self.open().await?;
        let aggregate = annals.on::<A>(self.target.id.clone());
        match aggregate.send(command).await {
            Ok(_) | Err(ExecuteError::Refused(_)) => {}
            Err(error) => return Err(format!("{error:?}")),
        }
        let kept = aggregate.load().await.map_err(|error| error.to_string())?.state;
        let restored = if A::snapshots().is_some() {
            annals.keeper().settle().await;
            aggregate.snapshot().await.map_err(|error| error.to_string())?;
            Some(self.restore().await?)
        } else {
            None
        };
        Ok(Found { folded: self.fold(&annals).await?, kept, restored })
    }

    /// From its snapshot, as after a restart.
    async fn restore(&self) -> Result<A, String> {
        let annals = self.open().await?;
        let loaded = annals.on::<A>(self.target.id.clone()).load().await.map_err(|error| error.to_string())?;
        let counts = annals.snapshot_counts();
        if counts.unusable > 0 {
            return Err(format!("the snapshot of version {} could not be used", loaded.version));
        }
        Ok(loaded.state)
    }

    async fn fold(&self, annals: &Annals) -> Result<A, String> {
        let stream = annals.stream(self.target).map_err(|error| error.to_string())?;
        let records = self.store.read_stream(ReadStream::all(stream));
        let records: Vec<Record> = records.try_collect().await.map_err(|error| error.to_string())?;
        let mut state = A::default();
        for record in &records {
            for event in decode_record(record).map_err(|error| error.to_string())? {
                state.evolve(&event);
            }
        }
        Ok(state)
    }

    async fn open(&self) -> Result<Annals, String> {
        Annals::over(Arc::clone(&self.store)).open().await.map_err(|error| error.to_string())
    }
}

/// Runs it to its end, wherever the test itself runs.
fn on_a_runtime<T: Send>(work: impl Future<Output = Result<T, String>> + Send) -> Result<T, String> {
    let run = || match runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Err(error.to_string()),
    };
    match thread::scope(|scope| scope.spawn(run).join()) {
        Ok(outcome) => outcome,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
