use std::{num::NonZeroU32, time::Duration};

use futures::TryStreamExt;

use crate::{
    account::{Account, AccountEvent, Deposit, DepositMany},
    testing::commit_of,
    *,
};

use super::*;

async fn open() -> (FaultyStore, Annals) {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).cache(0).open().await.unwrap();
    (store, annals)
}

async fn deposit(annals: &Annals, amount: u64) -> Result<u64, ExecuteError<account::AccountError>> {
    annals.on::<Account>("a").send(Deposit { amount }).await.map(|executed| executed.reply)
}

fn deposited(amount: u64) -> Commit {
    commit_of::<Account>("a", [AccountEvent::Deposited { amount }])
}

async fn balance(annals: &Annals) -> u64 {
    annals.on::<Account>("a").load().await.unwrap().state.balance
}

fn broken_disk() -> ReadError {
    ReadError::Io { what: "reading".into(), reason: "broken disk".into() }
}

#[tokio::test]
async fn a_conflict_is_decided_again() {
    let (store, annals) = open().await;
    store.next_commits([CommitFault::Conflict, CommitFault::Conflict]);
    assert_eq!(deposit(&annals, 5).await.unwrap(), 5);
    assert_eq!(annals.store().head().borrow().commit, CommitNumber::FIRST);
}

#[tokio::test]
async fn conflicts_without_end_are_told_like_real_ones() {
    let store = FaultyStore::default();
    let retry = RetryPolicy { attempts: NonZeroU32::new(3).unwrap() };
    let annals = Annals::over(store.clone()).retry(retry).open().await.unwrap();
    store.every_commit(1, CommitFault::Conflict);
    let error = deposit(&annals, 5).await.unwrap_err();
    let told = "conflict after 3 attempts: stream account-a is at version 1, expected version 0";
    assert_eq!(error.to_string(), told);
    store.heal();
    assert_eq!(deposit(&annals, 5).await.unwrap(), 5);
}

#[tokio::test]
async fn any_condition_can_be_made_to_fail() {
    let store = FaultyStore::default();
    let stream: StreamId = "account-a".parse().unwrap();
    let table = LoggedTable::new("names").unwrap();
    let row = |is| Condition::Row { table: table.clone(), key: "ada".into(), is };
    let can_fail = [
        Condition::stream(stream.clone(), Expected::Empty),
        Condition::stream(stream.clone(), Expected::Exists),
        Condition::stream(stream.clone(), Expected::At(Version::FIRST)),
        Condition::none_match(EventQuery::all(), Position::ZERO),
        row(RowIs::Absent),
        row(RowIs::Equals("7".into())),
    ];
    for condition in can_fail {
        store.next_commit(CommitFault::Conflict);
        let error = store.commit(deposited(1).when(condition.clone())).await.unwrap_err();
        let CommitError::Conflict { failures } = error else { panic!("{error:?}") };
        let holds = match &failures[..] {
            [Failure::Stream { expected, actual, .. }] => expected.holds(*actual),
            [Failure::Row { expected, actual, .. }] => expected.holds(actual.as_deref()),
            [Failure::NoneMatch { after, found, .. }] => after >= found,
            other => panic!("{other:?}"),
        };
        assert!(!holds, "{failures:?} contradicts {condition:?}");
    }
    let cannot_fail = deposited(1).when(Condition::stream(stream.clone(), Expected::Any));
    store.next_commits([CommitFault::Conflict, CommitFault::Conflict]);
    store.commit(cannot_fail.clone()).await.unwrap();
    let second_fails = cannot_fail.when(Condition::stream(stream, Expected::At(Version::FIRST)));
    assert!(matches!(store.commit(second_fails).await, Err(CommitError::Conflict { .. })));
}

#[tokio::test]
async fn somebody_else_is_faster() {
    let (store, annals) = open().await;
    store.next_commit(CommitFault::SomebodyFirst(deposited(100)));
    assert_eq!(deposit(&annals, 5).await.unwrap(), 105);
    store.next_read(Reads::Streams, ReadFault::SomebodyBehind(deposited(1000)));
    assert_eq!(balance(&annals).await, 105);
    store.next_read(Reads::Rows, ReadFault::SomebodyBehind(deposited(10_000)));
    assert_eq!(balance(&annals).await, 11_105, "rows are looked at before the stream is read");
}

#[tokio::test]
#[should_panic(expected = "the commit of somebody else was not written")]
async fn somebody_else_must_succeed() {
    let (store, annals) = open().await;
    let stream = "account-a".parse().unwrap();
    let refused = deposited(1).when(Condition::stream(stream, Expected::Exists));
    store.next_commit(CommitFault::SomebodyFirst(refused));
    let _ = deposit(&annals, 5).await;
}

#[tokio::test(start_paused = true)]
async fn a_delay_passes_by_tokios_clock() {
    let (store, annals) = open().await;
    let minute = Duration::from_secs(60);
    store.next_commit(CommitFault::Delay(minute));
    let begun = tokio::time::Instant::now();
    assert!(tokio::time::timeout(minute / 2, deposit(&annals, 5)).await.is_err());
    assert_eq!((begun.elapsed(), balance(&annals).await), (minute / 2, 0), "given up before it began");
    store.next_commit(CommitFault::Delay(minute));
    assert_eq!(deposit(&annals, 5).await.unwrap(), 5);
    assert_eq!(begun.elapsed(), minute + minute / 2);
}

#[tokio::test]
async fn a_failure_writes_nothing() {
    let (store, annals) = open().await;
    store.next_commits([
        CommitFault::Fail(CommitError::ReadOnly { reason: "full".into() }),
        CommitFault::Fail(CommitError::Unreadable(broken_disk())),
    ]);
    let error = deposit(&annals, 5).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), error.is_retryable()), ("the store refuses writes: full", false));
    let error = deposit(&annals, 5).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Store(CommitError::Unreadable(_))) && error.is_retryable());
    assert_eq!(balance(&annals).await, 0);
}

#[tokio::test]
async fn an_unknown_outcome_is_resolved_by_sending_again() {
    // P5.
    for (fault, written) in [(CommitFault::UnknownWritten, 5), (CommitFault::UnknownLost, 0)] {
        let (store, annals) = open().await;
        store.next_commit(fault);
        let send = || async { annals.on::<Account>("a").send(Deposit { amount: 5 }).idempotency_key("k").await };
        let error = send().await.unwrap_err();
        assert!(matches!(error, ExecuteError::OutcomeUnknown { .. }) && !error.is_retryable());
        assert_eq!(balance(&annals).await, written);
        let again = send().await.unwrap();
        assert_eq!((again.reply, again.receipt.repeated), (5, written > 0));
        assert_eq!(balance(&annals).await, 5, "once");
    }
}

#[tokio::test]
async fn what_the_store_refuses_is_no_unknown_outcome() {
    let store = FaultyStore::default();
    store.next_commit(CommitFault::UnknownWritten);
    let stream = "account-a".parse().unwrap();
    let error = store.commit(deposited(1).when(Condition::stream(stream, Expected::Exists))).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn faults_are_suffered_in_turn_up_to_the_one_that_answers() {
    let (store, annals) = open().await;
    let second = Duration::from_secs(1);
    store.next_commit(CommitFault::InTurn(vec![
        CommitFault::Delay(second),
        CommitFault::InTurn(vec![CommitFault::SomebodyFirst(deposited(7)), CommitFault::Delay(second)]),
        CommitFault::UnknownLost,
        CommitFault::SomebodyFirst(deposited(70)),
    ]));
    let begun = tokio::time::Instant::now();
    deposit(&annals, 5).await.unwrap_err();
    assert_eq!((begun.elapsed(), balance(&annals).await), (2 * second, 7));
}

#[tokio::test]
async fn a_script_goes_before_what_recurs() {
    let (store, annals) = open().await;
    let fail = |reason: &str| CommitFault::Fail(CommitError::ReadOnly { reason: reason.into() });
    store.every_commit(3, fail("third"));
    store.every_commit(2, fail("second"));
    store.every_commit(0, fail("never"));
    store.next_commit(CommitFault::Nothing);
    store.next_commit(fail("now"));
    store.next_commit(CommitFault::Nothing);
    let mut told = Vec::new();
    for _ in 0..9 {
        told.push(
            deposit(&annals, 1).await.map_err(|error| error.to_string().replace("the store refuses writes: ", "")),
        );
    }
    let told: Vec<_> = told.iter().map(|told| told.as_ref().map_or_else(String::as_str, |_| "ok")).collect();
    assert_eq!(told, ["ok", "now", "ok", "second", "ok", "third", "ok", "second", "third"]);
}

#[tokio::test]
async fn chosen_reads_fail() {
    let (store, annals) = open().await;
    annals.on::<Account>("a").send(DepositMany(vec![1; 5])).await.unwrap();
    let load = || async { annals.on::<Account>("a").load().await };
    let log = || store.read_log(ReadLog::all()).try_collect::<Vec<_>>();
    for reads in [Reads::Streams, Reads::Rows, Reads::Any] {
        store.next_read(reads, ReadFault::Nothing);
        store.next_read(reads, ReadFault::Fail(broken_disk()));
        if reads != Reads::Any {
            load().await.unwrap();
            log().await.unwrap();
        }
        let error = load().await.unwrap_err();
        assert!(matches!(error, LoadError::Read(ReadError::Io { .. })) && error.is_retryable());
        assert_eq!(load().await.unwrap().state.balance, 5);
    }
    store.next_read(Reads::Log, ReadFault::Fail(broken_disk()));
    load().await.unwrap();
    assert!(log().await.is_err() && log().await.is_ok());
    store.every_read(Reads::Rows, 2, ReadFault::Fail(broken_disk()));
    assert!(load().await.is_ok() && load().await.is_err() && load().await.is_ok());
    let error = annals.streams(None, "").try_next().await.unwrap_err();
    assert!(matches!(error, ReadError::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn a_read_that_fails_half_way_leaves_nothing_behind() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    store.commit(commit_of::<Account>("a", [1, 2, 3].map(|amount| AccountEvent::Deposited { amount }))).await.unwrap();
    for records in [0, 1, 3, 9] {
        store.next_read(Reads::Streams, ReadFault::FailBehind { records, error: broken_disk() });
        store.take_records_read();
        annals.on::<Account>("a").load().await.unwrap_err();
        assert_eq!(store.take_records_read(), records.min(3));
    }
    assert_eq!(annals.on::<Account>("a").load().await.unwrap().state.history, [1, 3, 6]);
}

#[tokio::test]
async fn it_stands_in_front_of_any_store() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let faulty = FaultyStore::over(Arc::clone(&store));
    faulty.next_commit(CommitFault::Fail(CommitError::ShutDown));
    let annals = Annals::over(faulty.clone()).open().await.unwrap();
    let twice = FaultyStore::over(Arc::new(faulty.clone()));
    deposit(&annals, 5).await.unwrap_err();
    assert_eq!(faulty.last_commit(), None);
    deposit(&Annals::over(twice).open().await.unwrap(), 5).await.unwrap();
    assert_eq!(faulty.last_commit().map(|commit| commit.events.len()), Some(1));
    assert_eq!(store.head().borrow().commit, CommitNumber::FIRST);
}
