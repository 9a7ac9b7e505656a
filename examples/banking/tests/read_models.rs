//! Read models on the embedded store, as an application uses them.

use annals::{Annals, prelude::*};
use banking::{
    bank,
    dashboard::{Dashboard, Vitals},
    domain::{
        Account, AccountId, Money,
        account::{Deposit, Open, Withdraw},
    },
    read::{AccountBalance, Balances, WatchList, Watched, until_all_are_current},
};
use tempfile::TempDir;

fn money(minor: i64) -> Money {
    Money::from_minor(minor)
}

async fn bank_of(accounts: &[(&str, i64)]) -> (Annals, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let bank = bank::open(folder.path()).await.unwrap();
    for (account, deposit) in accounts {
        let (owner, overdraft_limit, deposit) = ("ada".into(), money(1_000_000), money(*deposit));
        let open = Open { owner, iban: None, overdraft_limit, deposit };
        bank.on::<Account>(*account).send(open).and_wait::<Balances>().await.unwrap().seen.unwrap();
    }
    (bank, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_read_model_finds_there_what_it_has_done() {
    let (bank, folder) = bank_of(&[("ada", 100)]).await;
    let balances = bank.view::<AccountBalance>().unwrap();
    for bookings in 2..50 {
        let deposit = bank.on::<Account>("ada").send(Deposit { amount: money(7) });
        let waited = deposit.and_wait::<Balances>().await.unwrap();
        waited.seen.unwrap();
        let row = balances.get(AccountId::from("ada")).await.unwrap().unwrap();
        assert_eq!((row.balance, row.bookings), (waited.reply, bookings));
    }
    bank.shut_down().await;
    // And finds it again.
    let bank = bank::open_existing(folder.path()).await.unwrap();
    until_all_are_current(&bank).await;
    let row = bank.view::<AccountBalance>().unwrap().get(AccountId::from("ada")).await.unwrap().unwrap();
    assert_eq!((row.balance, row.bookings), (money(100 + 48 * 7), 49));
    bank.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_list_is_there_again_after_a_restart_although_it_is_in_memory() {
    let (bank, folder) = bank_of(&[("ada", 100), ("bob", 100)]).await;
    for account in ["ada", "ada", "bob", "ada"] {
        let withdraw = Withdraw { amount: money(200_000) };
        bank.on::<Account>(account).send(withdraw).and_wait::<WatchList>().await.unwrap().seen.unwrap();
    }
    let watched = async |bank: &Annals| -> Vec<Watched> { bank.view().unwrap().all().collect().await.unwrap() };
    let before = watched(&bank).await;
    assert_eq!(
        before.iter().map(|row| (row.account.as_str(), row.total)).collect::<Vec<_>>(),
        [("ada", money(600_000))]
    );
    bank.shut_down().await;
    let bank = bank::open_existing(folder.path()).await.unwrap();
    until_all_are_current(&bank).await;
    assert_eq!(watched(&bank).await, before);
    bank.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashboard_shows_every_read_model_and_the_banks_figures() {
    let (bank, _folder) = bank_of(&[("ada", 100), ("bob", -0), ("eve", 300)]).await;
    until_all_are_current(&bank).await;
    let dashboard = Dashboard::of(&bank).await;
    let names: Vec<_> = dashboard.projections.iter().map(|vitals| vitals.status.projection).collect();
    assert_eq!(names, ["balances", "statements", "turnover", "watch_list"]);
    let is_current = |vitals: &Vitals| {
        vitals.status.position == dashboard.end && vitals.lag.positions == 0 && vitals.health.is_healthy()
    };
    assert!(dashboard.projections.iter().all(is_current), "{:?}", dashboard.projections);
    let holdings = dashboard.holdings.unwrap();
    let largest: Vec<_> = holdings.largest.iter().map(|row| row.account.as_str()).collect();
    assert_eq!((holdings.accounts, holdings.total, largest), (3, money(400), vec!["eve", "ada", "bob"]));
    let days = dashboard.days.unwrap();
    assert_eq!(days.iter().map(|row| row.bookings.count).sum::<u64>(), 2);
    assert_eq!(dashboard.watched.unwrap(), []);
    bank.shut_down().await;
}

/// What was registered nowhere is an error in its place, not a panic.
#[tokio::test]
async fn a_dashboard_without_read_models_says_so() {
    let bank = Annals::over(annals::MemoryStore::new()).open().await.unwrap();
    let dashboard = Dashboard::of(&bank).await;
    assert!(dashboard.projections.is_empty() && dashboard.holdings.is_err() && dashboard.watched.is_err());
}
