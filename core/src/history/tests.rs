use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use futures::{StreamExt, TryStreamExt};

use crate::{
    account::{Account, AccountError, AccountEvent, Deposit, DepositMany, Withdraw},
    testing::{FaultyStore, commit_of},
    *,
};

mod every_version;

/// A clock that goes on by a second each time that it is looked at twice.
#[derive(Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        second(self.0.fetch_add(1, Ordering::Relaxed) / 2)
    }
}

fn second(number: i64) -> Timestamp {
    Timestamp::from_micros(number * 1_000_000).unwrap()
}

fn version(number: u32) -> Version {
    Version::from(number)
}

async fn ticking() -> Annals {
    Annals::over(MemoryStore::with(Limits::default(), Arc::new(Ticking::default()))).open().await.unwrap()
}

async fn deposits(annals: &Annals, amounts: &[u64]) {
    for amount in amounts {
        annals.on::<Account>("a").send(Deposit { amount: *amount }).await.unwrap();
    }
}

#[tokio::test]
async fn a_version_is_the_state_after_so_many_events() {
    let annals = ticking().await;
    deposits(&annals, &[1, 2, 3]).await;
    for (number, history) in [(0, &[][..]), (1, &[1]), (2, &[1, 3]), (3, &[1, 3, 6])] {
        let loaded = annals.on::<Account>("a").load_at(version(number)).await.unwrap();
        assert_eq!((loaded.state.history.as_slice(), loaded.version), (history, version(number)));
    }
}

#[tokio::test]
async fn a_version_that_the_stream_does_not_have_is_told() {
    let annals = ticking().await;
    deposits(&annals, &[1, 2, 3]).await;
    let error = annals.on::<Account>("a").load_at(version(4)).await.unwrap_err();
    assert_eq!(error.to_string(), "stream account-a is at version 3, asked for was version 4");
    let error = annals.on::<Account>("nobody").load_at(version(1)).await.unwrap_err();
    assert!(matches!(error, LoadAtError::NoSuchVersion { actual: Version::ZERO, .. }), "{error:?}");
    assert_eq!(annals.on::<Account>("nobody").load_at(Version::ZERO).await.unwrap().state, Account::default());
    let error = annals.on::<Account>("a/b").load_at(Version::ZERO).await.unwrap_err();
    assert!(matches!(error, LoadAtError::Load(LoadError::InvalidId(_))), "{error:?}");
}

#[tokio::test]
async fn a_recorded_moment_is_what_was_known_by_then() {
    let annals = ticking().await;
    deposits(&annals, &[1, 2, 3, 4, 5]).await;
    let account = annals.on::<Account>("a");
    let at = |time| account.load_as_of(Moment::Recorded(time));
    let version_at = async |time| at(time).await.unwrap().version;
    assert_eq!(version_at(second(-1)).await, Version::ZERO);
    assert_eq!(version_at(second(0)).await, version(2), "inclusive, and both of the same time");
    assert_eq!(version_at(second(1)).await, version(4));
    assert_eq!(at(second(9)).await.unwrap().state.history, [1, 3, 6, 10, 15]);
}

#[tokio::test]
async fn an_occurred_moment_is_what_is_known_of_then() {
    let annals = ticking().await;
    let deposit = |amount, time| annals.on::<Account>("a").send(Deposit { amount }).occurred(time);
    for (amount, time) in [(1, 10), (2, 30), (4, 20)] {
        deposit(amount, second(time)).await.unwrap();
    }
    let account = annals.on::<Account>("a");
    let at = |time| account.load_as_of(Moment::Occurred(second(time)));
    for (time, history) in [(9, &[][..]), (10, &[1]), (20, &[1, 5]), (29, &[1, 5]), (30, &[1, 3, 7])] {
        let loaded = at(time).await.unwrap();
        assert_eq!(loaded.state.history, history, "{time}");
        assert_eq!(loaded.version.get(), history.len() as u64, "{time}");
    }
}

#[tokio::test]
async fn an_event_that_lacks_what_came_before_it_is_told() {
    let annals = ticking().await;
    annals.on::<Account>("a").send(Deposit { amount: 5 }).occurred(second(20)).await.unwrap();
    annals.on::<Account>("a").send(Withdraw { amount: 5 }).occurred(second(10)).await.unwrap();
    let error = annals.on::<Account>("a").load_as_of(Moment::Occurred(second(10))).await.unwrap_err();
    assert!(matches!(&error, LoadError::Panicked { version, .. } if version.get() == 2), "{error:?}");
}

#[tokio::test]
async fn a_history_tells_each_event_and_what_it_changed() {
    let annals = ticking().await;
    let metadata = Metadata { actor: Some(Actor::new("ada").unwrap()), ..Metadata::default() };
    annals.on::<Account>("a").send(DepositMany(vec![7, 1])).metadata(metadata).occurred(second(-9)).await.unwrap();
    deposits(&annals, &[2]).await;
    let steps: Vec<_> = annals.on::<Account>("a").history().try_collect().await.unwrap();
    let stored: Vec<Record> = annals.store().read_log(ReadLog::all()).try_collect().await.unwrap();
    assert_eq!(steps.iter().map(|step| step.record.clone()).collect::<Vec<_>>(), stored);
    let [first, second_step, third] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(first.before, Account::default());
    assert_eq!((&first.after, &second_step.after), (&second_step.before, &third.before));
    assert_eq!(second_step.event, AccountEvent::Deposited { amount: 1 });
    assert_eq!(second_step.record.metadata().actor.as_ref().map(Actor::as_str), Some("ada"));
    assert_eq!((second_step.record.recorded(), second_step.record.occurred()), (second(0), second(-9)));
    let difference = second_step.difference().to_string();
    let lines: Vec<_> = difference.lines().collect();
    let expected = [
        "  Account {",
        "      owner: None,",
        "-     balance: 7,",
        "+     balance: 8,",
        "      history: [",
        "          7,",
        "+         8,",
        "      ],",
        "  }",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_history_is_read_while_it_is_taken() {
    // P9.
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    annals.on::<Account>("a").send(DepositMany(vec![1; 500])).await.unwrap();
    store.take_records_read();
    let taken: Vec<_> = annals.on::<Account>("a").history().take(3).try_collect().await.unwrap();
    assert_eq!((taken.len(), store.take_records_read()), (3, 3));
}

#[tokio::test]
async fn a_history_ends_with_its_first_error() {
    let annals = ticking().await;
    deposits(&annals, &[1]).await;
    annals.store().commit(commit_of::<Account>("a", [AccountEvent::Cursed])).await.unwrap();
    annals.store().commit(commit_of::<Account>("a", [AccountEvent::Deposited { amount: 1 }])).await.unwrap();
    let steps: Vec<_> = annals.on::<Account>("a").history().collect().await;
    assert!(matches!(steps.as_slice(), [Ok(_), Err(LoadError::Panicked { .. })]), "{steps:?}");
    let steps: Vec<_> = annals.on::<Account>("a/b").history().collect().await;
    assert!(matches!(steps.as_slice(), [Err(LoadError::InvalidId(_))]), "{steps:?}");
}

#[tokio::test]
async fn looking_back_uses_snapshots_and_keeps_nothing() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).cache(0).open().await.unwrap();
    annals.on::<Account>("a").send(DepositMany(vec![1; 10])).await.unwrap();
    annals.keeper().settle().await;
    annals.on::<Account>("a").send(DepositMany(vec![1; 5])).await.unwrap();
    store.take_records_read();
    for (number, read) in [(9, 9), (10, 1), (12, 3), (15, 6)] {
        annals.on::<Account>("a").load_at(version(number)).await.unwrap();
        assert_eq!(store.take_records_read(), read, "version {number}");
    }
    assert_eq!(annals.snapshot_counts().unusable, 0, "a snapshot of version 10 says nothing of version 9");
    let kept = Annals::over(store.clone()).open().await.unwrap();
    kept.on::<Account>("a").load_at(version(12)).await.unwrap();
    kept.on::<Account>("a").load().await.unwrap();
    store.take_records_read();
    kept.on::<Account>("a").load_at(version(3)).await.unwrap();
    assert_eq!(store.take_records_read(), 3);
    kept.on::<Account>("a").load().await.unwrap();
    assert_eq!(store.take_records_read(), 0, "what was kept is the latest state");
}

#[tokio::test]
async fn a_snapshot_of_later_events_is_no_damage() {
    let annals = ticking().await;
    deposits(&annals, &[1; 4]).await;
    annals.on::<Account>("a").snapshot().await.unwrap();
    let loaded = annals.on::<Account>("a").load_as_of(Moment::Recorded(second(0))).await.unwrap();
    assert_eq!((loaded.version, annals.snapshot_counts().unusable), (version(2), 0));
}

#[tokio::test]
async fn a_closed_stream_has_its_history_and_takes_no_commands() {
    let annals = ticking().await;
    deposits(&annals, &[1, 2]).await;
    annals.on::<Account>("a").close().await.unwrap();
    let account = annals.on::<Account>("a");
    assert_eq!(account.load().await.unwrap().state.balance, 3);
    assert_eq!(account.load_at(version(1)).await.unwrap().state.balance, 1);
    assert_eq!(account.load_as_of(Moment::Recorded(second(9))).await.unwrap().state.balance, 3);
    assert_eq!(account.history().try_collect::<Vec<_>>().await.unwrap().len(), 2);
    let error: ExecuteError<AccountError> = account.send(Deposit { amount: 1 }).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Closed { .. }), "{error:?}");
}
