//! Callers that begin together.

use std::{future::Future, sync::Arc};

use futures::future::join_all;
use tokio::sync::Barrier;

/// How many there are in a race.
pub(crate) const RACERS: usize = 16;

/// Runs what `run` makes for each of sixteen callers, who begin when all are there; what each came to, in their order.
pub async fn at_once<F>(run: impl Fn(usize) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(RACERS));
    let racers = (0..RACERS).map(|racer| {
        let (barrier, run) = (Arc::clone(&barrier), run(racer));
        tokio::spawn(async move {
            barrier.wait().await;
            run.await
        })
    });
    join_all(racers.collect::<Vec<_>>()).await.into_iter().map(|racer| racer.expect("no racer panics")).collect()
}

/// How many of sixteen win.
pub(crate) async fn winners<F>(run: impl Fn(usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    at_once(run).await.into_iter().filter(|won| *won).count()
}
