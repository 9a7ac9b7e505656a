//! The index, and all rows of projections with it, is gone or of another time.

use std::{fs, path::Path};

use annals_conformance::planted::behind;
use annals_projections::{ReadModels, State, ViewError};
use tokio::sync::watch;

use super::{caught_up, cured_and_checked, options, store};
use crate::{
    bank::{Balance, Balances, commit, deposited, handle, head, is_live, open, stop, until},
    stores::Gate,
    support::copy_folder,
};

const POISON: i64 = 13;

fn poisoned() -> Balances {
    Balances::poisoned_by(POISON, u64::MAX)
}

/// Opens the store, commits, projects everything, and closes it.
async fn work(path: &Path, lanes: usize, commits: i64) {
    let store = store(path);
    let annals = open(&store, &poisoned(), options(lanes)).await;
    for number in 0..commits {
        commit(&store, [deposited(&format!("a{}", number % 30), 1), deposited("p", number % 14)]).await;
    }
    caught_up(&annals).await;
    stop(annals).await;
    store.shut_down().await;
}

/// P6, P14: rows that are lost with the index are computed anew, what cannot be taken in is set aside again, and nobody reads
/// meanwhile that a row is absent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_rows_are_computed_anew_and_not_read_before() {
    for lanes in [1, 4] {
        let folder = tempfile::tempdir().unwrap();
        work(folder.path(), lanes, 200).await;
        fs::remove_dir_all(folder.path().join("index")).unwrap();
        let store = store(folder.path());
        let (gate, closed) = watch::channel(false);
        let gated = behind(store.clone(), Gate(closed));
        let balances = poisoned();
        let annals = open(&gated, &balances, options(lanes)).await;
        until(&annals, |status| !matches!(status.state, State::Starting)).await;
        for account in ["a1", "nobody"] {
            let read = annals.view::<Balance>().unwrap().get(account.to_owned()).await;
            let Err(ViewError::Rebuilding { projection: "balances", position, target }) = read else {
                panic!("{read:?}");
            };
            assert!(position < target && target == head(&store), "{position} of {target}");
        }
        gate.send_replace(true);
        caught_up(&annals).await;
        assert_eq!(handle(&annals).status().parked_keys, 1);
        assert!(cured_and_checked(&annals, &balances).await > 1);
        stop(annals).await;
        store.shut_down().await;
    }
}

/// P6, P14: an index of an earlier time has rows and checkpoints of that time; what follows is computed again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_index_goes_on_from_its_time() {
    let (folder, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let index = folder.path().join("index");
    for (round, lanes) in [1, 4, 1, 3, 4].into_iter().enumerate() {
        work(folder.path(), lanes, 100).await;
        let older = kept.path().join(round.to_string());
        copy_folder(&index, &older);
        work(folder.path(), [4, 1, 2][round % 3], 100).await;
        fs::remove_dir_all(&index).unwrap();
        copy_folder(&older, &index);
        let (store, balances) = (store(folder.path()), poisoned());
        let annals = open(&store, &balances, options(lanes)).await;
        caught_up(&annals).await;
        let status = until(&annals, is_live).await;
        assert!(status.position == head(&store) && status.parked_keys == 1, "{status:?}");
        assert!(cured_and_checked(&annals, &balances).await > 1);
        stop(annals).await;
        store.shut_down().await;
    }
}

/// P14: the index is lost while a process is killed, again and again, before the rows are complete.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_lost_half_computed_are_computed_anew() {
    let folder = tempfile::tempdir().unwrap();
    work(folder.path(), 1, 100).await;
    for lanes in [4, 1, 3] {
        let store = store(folder.path());
        let (_gate, closed) = watch::channel(false);
        let annals = open(&behind(store.clone(), Gate(closed)), &poisoned(), options(lanes)).await;
        commit(&store, [deposited("a1", 1)]).await;
        // Its runner waits at the gate, and is dropped there.
        drop(annals);
        store.shut_down().await;
        drop(store);
        fs::remove_dir_all(folder.path().join("index")).unwrap();
    }
    let (store, balances) = (store(folder.path()), poisoned());
    let annals = open(&store, &balances, options(4)).await;
    caught_up(&annals).await;
    assert!(cured_and_checked(&annals, &balances).await > 1);
}
