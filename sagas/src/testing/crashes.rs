//! Whatever commit the process dies at, the end is the same.

use std::{fmt::Debug, future::Future, sync::Arc};

use annals_core::{Annals, MemoryStore, OpenError, Store};

use crate::RunningSagas;

use super::{Mortal, fail};

/// How many lives were lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Crashes {
    /// How often the process died.
    pub deaths: u64,
}

/// Lets an application die at every commit that its sagas make, before the commit is taken and behind it, and start again; and
/// holds what it ends with against what it ends with undisturbed.
///
/// `open` opens the application over a store, with sagas that begin at the [beginning](crate::Begin::AtTheBeginning); `play`
/// asks for what is to be done, by an application without sagas; `end` says what the end is.
///
/// # Panics
/// When an end is another one, or the application cannot be opened.
pub async fn crashes<O, P, E, T>(
    open: impl Fn(Arc<dyn Store>) -> O,
    play: impl Fn(Annals) -> P,
    end: impl Fn(Annals) -> E,
) -> Crashes
where
    O: Future<Output = Result<Annals, OpenError>>,
    P: Future<Output = ()>,
    E: Future<Output = T>,
    T: Debug + PartialEq,
{
    let undisturbed = played(&play).await;
    let annals = opened(open(undisturbed).await);
    settle(&annals).await;
    let expected = end(annals.clone()).await;
    annals.shut_down().await;
    let mut deaths = 0;
    for last_counts in [false, true] {
        for commit in 1.. {
            let store = played(&play).await;
            let mortal = Mortal::new(Arc::clone(&store), commit, last_counts);
            let mut death = mortal.death();
            // It may die while it is opened.
            let has_died = match open(Arc::new(mortal)).await {
                Err(_) => true,
                Ok(doomed) => tokio::select! {
                    biased;
                    _ = death.wait_for(|died| *died) => true,
                    () = settle_or_wait(&doomed) => false,
                },
            };
            let annals = opened(open(store).await);
            settle(&annals).await;
            let found = end(annals.clone()).await;
            annals.shut_down().await;
            if found != expected {
                let taken = if last_counts { "taken" } else { "not taken" };
                fail(&format!(
                    "died at commit {commit}, which was {taken}, and ended otherwise\nexpected: {expected:#?}\nfound: {found:#?}"
                ));
            }
            if !has_died {
                break;
            }
            deaths += 1;
        }
    }
    Crashes { deaths }
}

async fn played<P: Future<Output = ()>>(play: &impl Fn(Annals) -> P) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    match Annals::over(Arc::clone(&store)).open().await {
        Ok(annals) => play(annals).await,
        Err(error) => fail(&error.to_string()),
    }
    store
}

fn opened(annals: Result<Annals, OpenError>) -> Annals {
    match annals {
        Ok(annals) => annals,
        Err(error) => fail(&error.to_string()),
    }
}

/// Waits until every saga has done what there is to do.
async fn settle(annals: &Annals) {
    if let Err(error) = try_settle(annals).await {
        fail(&error.to_string());
    }
}

/// The same where the store may die, which somebody else notices.
async fn settle_or_wait(annals: &Annals) {
    if try_settle(annals).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn try_settle(annals: &Annals) -> Result<(), crate::SagaError> {
    match annals.sagas() {
        Some(sagas) => sagas.settled().await,
        None => Ok(()),
    }
}
