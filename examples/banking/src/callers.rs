//! Many callers at once.

use std::{collections::VecDeque, future::Future, sync::Arc, sync::Mutex, sync::PoisonError};

use tokio::task::JoinSet;

/// Lets `count` concurrent callers work through `jobs`, each taking the next one when it is done with the last, and
/// returns the results in no particular order.
///
/// # Errors
/// The first error of `call`. The other callers are dropped: what they had sent completes by itself, the rest of the
/// jobs is not begun.
pub async fn call_all<J, T, E, F, Fut>(count: usize, jobs: impl IntoIterator<Item = J>, call: F) -> Result<Vec<T>, E>
where
    J: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
    F: Fn(J) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<T, E>> + Send,
{
    let jobs = Arc::new(Mutex::new(jobs.into_iter().collect::<VecDeque<_>>()));
    let mut callers = JoinSet::new();
    for _ in 0..count {
        let (jobs, call) = (Arc::clone(&jobs), call.clone());
        callers.spawn(async move {
            let mut done = Vec::new();
            while let Some(job) = next(&jobs) {
                done.push(call(job).await?);
            }
            Ok(done)
        });
    }
    let mut all = Vec::new();
    while let Some(joined) = callers.join_next().await {
        match joined {
            Ok(done) => all.extend(done?),
            Err(stopped) => {
                // Nothing cancels a caller, so it panicked; its message is out, and so is this bank.
                if let Ok(panic) = stopped.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
    Ok(all)
}

/// The lock is never held while a job runs, so a caller that panics leaves the queue as it was.
fn next<J>(jobs: &Mutex<VecDeque<J>>) -> Option<J> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_job_is_done_once() {
        let mut done = call_all(8, 0..100, |job| async move { Ok::<_, ()>(job) }).await.unwrap();
        done.sort_unstable();
        assert_eq!(done, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn the_first_error_ends_it() {
        let call = |job| async move { if job == 3 { Err(job) } else { Ok(()) } };
        assert_eq!(call_all(2, 0..100, call).await, Err(3));
    }
}
