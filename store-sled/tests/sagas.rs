//! Sagas over the embedded store (F27, P7): killed at any moment, each transfer ends, each step of it takes effect once, and no
//! money is made or lost.
//!
//! 20 kills, or as many as `ANNALS_SOAK_SAGA_KILLS` says; `ANNALS_SEED` repeats when they come, as far as the machine does.
#![allow(clippy::print_stdout, reason = "its child speaks to it")]

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use annals_conformance::{random::Random, soak};
use annals_core::{Annals, ReadLog, SystemClock, decode_record};
use annals_store_sled::{SledOptions, SledStore};
use futures::TryStreamExt;

use crate::{
    support::process::{Running, STORE},
    transfers::{Account, AccountEvent, Request, Transfer, TransferEvent, cents, open_account, outcome, over, saga},
};

const TEST: &str = "sagas::child_moves_money_until_it_is_killed";
/// What ada has in the beginning.
const CENTS: u64 = 1_000_000;
/// Transfers that a process asks for, most of them before it is killed.
const TRANSFERS: u64 = 60;

async fn open(path: &Path) -> Annals {
    let store = SledStore::open(SledOptions::new(path).index_batch_entries(256)).unwrap();
    over(Arc::new(store), SystemClock).await
}

/// Runs in a process of its own, started by the test below; does nothing in an ordinary run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_moves_money_until_it_is_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    let bank = open(Path::new(&path)).await;
    println!("ready");
    if !bank.on::<Account>("ada").load().await.unwrap().state.open {
        open_account(&bank, "bob", 0).await;
        open_account(&bank, "ada", CENTS).await;
    }
    let head = bank.store().head().borrow().position;
    for number in 0..TRANSFERS {
        let to = if number % 5 == 0 { "nobody" } else { "bob" };
        let cents = if number % 7 == 0 { 2 * CENTS } else { 1 + number };
        let request = Request { from: "ada".to_owned(), to: to.to_owned(), cents };
        bank.on::<Transfer>(format!("t{head}-{number}")).send(request).await.unwrap();
        println!("ack {number}");
    }
    // It goes on with what was asked for until it is killed.
    std::future::pending::<()>().await;
}

/// What happened to the money of each transfer: how often it was taken, given, returned and reclaimed.
async fn movements(bank: &Annals) -> BTreeMap<String, [u32; 4]> {
    let mut all = BTreeMap::<String, [u32; 4]>::new();
    let mut records = bank.store().read_log(ReadLog::all());
    while let Some(record) = records.try_next().await.unwrap() {
        let requested = decode_record::<TransferEvent>(&record).ok();
        if requested.is_some_and(|events| matches!(events.as_slice(), [TransferEvent::Requested { .. }])) {
            all.entry(record.stream().key().to_owned()).or_default();
        }
        let Ok(events) = decode_record::<AccountEvent>(&record) else { continue };
        for event in events.as_slice() {
            let (transfer, index) = match event {
                AccountEvent::Opened { .. } => continue,
                AccountEvent::Taken { transfer, .. } => (transfer, 0),
                AccountEvent::Given { transfer, .. } => (transfer, 1),
                AccountEvent::Returned { transfer, .. } => (transfer, 2),
                AccountEvent::Reclaimed { transfer, .. } => (transfer, 3),
            };
            all.entry(transfer.clone()).or_default()[index] += 1;
        }
    }
    all
}

/// Lets everything end that was asked for, and checks each transfer. Says how many there were.
async fn look(path: &Path) -> u64 {
    let bank = open(path).await;
    saga(&bank).settled().await.unwrap();
    assert!(saga(&bank).waiting().await.unwrap().is_empty());
    assert!(saga(&bank).aside().await.unwrap().is_empty());
    let all = movements(&bank).await;
    for (transfer, movements) in &all {
        let outcome = outcome(&bank, transfer).await;
        let expected: &[[u32; 4]] = match outcome.as_deref() {
            Some("moved") => &[[1, 1, 0, 0]],
            Some("too poor") => &[[0, 0, 0, 0]],
            Some("returned") => &[[1, 0, 1, 0]],
            // Behind a pause of a minute.
            Some("late") => &[[0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]],
            outcome => panic!("{transfer} ended as {outcome:?}"),
        };
        assert!(expected.contains(movements), "{transfer} {outcome:?}: {movements:?}");
    }
    assert_eq!(cents(&bank, "ada").await + cents(&bank, "bob").await, CENTS);
    bank.shut_down().await;
    all.len() as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_takes_effect_once_whenever_the_process_is_killed() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let kills = soak::size("ANNALS_SOAK_SAGA_KILLS", 20);
    let mut random = Random::new(soak::seed("each_step_takes_effect_once_whenever_the_process_is_killed"));
    let folder = tempfile::tempdir().unwrap();
    let mut transfers = 0;
    for number in 1..=kills {
        let mut running = Running::start(folder.path(), TEST);
        running.reads("ready");
        let moment = Duration::from_micros(random.below(5_000));
        running.kill_after(1 + random.below(TRANSFERS - 1), moment, |line| line.starts_with("ack "));
        if number % 5 == 0 || number == kills {
            transfers = look(folder.path()).await;
        }
    }
    assert!(transfers > kills, "{transfers}");
    soak::report(&format!("saga_kills={kills} saga_transfers={transfers}"));
}
