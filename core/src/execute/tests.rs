use futures::{
    FutureExt,
    future::{join_all, try_join_all},
};

use crate::{
    account::{Account, AccountError, AccountEvent, Deposit, DepositMany, Look, Panic, Unrecordable, Withdraw},
    testing::{CommitFault, FaultyStore, ReadFault, Reads, commit_of},
    *,
};

async fn annals() -> Annals {
    Annals::over(MemoryStore::new()).open().await.unwrap()
}

fn deposited(amount: u64) -> Commit {
    commit_of::<Account>("a", [AccountEvent::Deposited { amount }])
}

fn version(number: u32) -> Version {
    Version::from(number)
}

async fn records(annals: &Annals) -> Vec<Record> {
    use futures::TryStreamExt;
    annals.store().read_log(ReadLog::all()).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_command_becomes_events_and_a_reply() {
    // 2.K.4: all persisted in the order applied; 2.K.10: loaded equal, version too.
    let annals = annals().await;
    let many = annals.on::<Account>("a").send(DepositMany(vec![1, 2, 3])).await.unwrap();
    assert_eq!(many.receipt.version_of(&"account-a".parse().unwrap()), Some(version(3)));
    let executed = annals.on::<Account>("a").send(Withdraw { amount: 4 }).await.unwrap();
    assert_eq!(executed.reply, 2);
    let loaded = annals.on::<Account>("a").load().await.unwrap();
    assert_eq!((loaded.state.history, loaded.version), (vec![1, 3, 6, 2], version(4)));
    let last = records(&annals).await.pop().unwrap();
    assert_eq!((last.event_type().as_str(), last.schema_version().get()), ("account.withdrawn", 2));
    assert_eq!(last.tags(), [Tag::new("atm:north").unwrap()]);
}

#[tokio::test]
async fn unknown_aggregates_are_new() {
    // 2.K.10: there is nothing to be found; a state of version 0 says so.
    let loaded = annals().await.on::<Account>("nobody").load().await.unwrap();
    assert_eq!((loaded.state, loaded.version), (Account::default(), Version::ZERO));
}

#[tokio::test]
async fn tenants_do_not_meet() {
    // 2.K.8: the same identity in two tenants is two streams.
    let annals = annals().await;
    let (acme, other) =
        (annals.in_tenant(Tenant::new("acme").unwrap()), annals.in_tenant(Tenant::new("other").unwrap()));
    for handle in [&annals, &acme, &other] {
        let executed = handle.on::<Account>("a").send(Deposit { amount: 5 }).idempotency_key("k").await.unwrap();
        assert_eq!((executed.reply, executed.receipt.repeated), (5, false));
    }
    let streams = |handle: Annals| async move {
        use futures::TryStreamExt;
        handle.streams(None, "").try_collect::<Vec<_>>().await.unwrap()
    };
    assert_eq!(streams(acme).await, ["acme/account-a".parse().unwrap()]);
    assert_eq!(streams(annals).await, ["account-a".parse().unwrap()]);
}

#[tokio::test]
async fn a_command_without_events_and_key_writes_nothing() {
    let annals = annals().await;
    annals.on::<Account>("a").send(Deposit { amount: 5 }).await.unwrap();
    let executed = annals.on::<Account>("a").send(Look).await.unwrap();
    assert_eq!((executed.reply, executed.receipt.commit, executed.receipt.positions), (5, CommitNumber::FIRST, None));
    assert_eq!(annals.store().head().borrow().commit, CommitNumber::FIRST);
}

#[tokio::test]
async fn a_command_without_events_is_decided_on_the_latest_state() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    store.next_commits([deposited(7)].map(CommitFault::SomebodyFirst));
    assert_eq!(annals.on::<Account>("a").send(Look).await.unwrap().reply, 7);
}

#[tokio::test]
async fn a_conflict_folds_only_the_tail_and_decides_again() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    annals.on::<Account>("a").send(DepositMany(vec![1; 9])).await.unwrap();
    store.next_commits([deposited(10), deposited(100)].map(CommitFault::SomebodyFirst));
    store.take_records_read();
    let executed = annals.on::<Account>("a").send(Withdraw { amount: 9 }).await.unwrap();
    assert_eq!(executed.reply, 110);
    assert_eq!(store.take_records_read(), 2, "only what came in between is read");
}

#[tokio::test]
async fn conflicts_end_with_the_policy() {
    let store = FaultyStore::default();
    let attempts = std::num::NonZeroU32::new(3).unwrap();
    let annals = Annals::over(store.clone()).retry(RetryPolicy { attempts }).open().await.unwrap();
    store.next_commits([deposited(1), deposited(2), deposited(3), deposited(4)].map(CommitFault::SomebodyFirst));
    let error = annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap_err();
    assert!(error.is_retryable());
    let ExecuteError::Conflict { failures, attempts: 3, expected: None } = error else { panic!("{error:?}") };
    let stream = "account-a".parse().unwrap();
    assert_eq!(failures, [Failure::Stream { stream, expected: Expected::At(version(2)), actual: version(3) }]);
}

/// What is kept in memory is decided on as it is, and no read asks whether that is right.
#[tokio::test]
async fn a_kept_state_is_decided_on_without_a_read() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    annals.on::<Account>("a").send(Deposit { amount: 5 }).await.unwrap();
    store.next_read(Reads::Any, ReadFault::Fail(ReadError::ShutDown));
    assert_eq!(annals.on::<Account>("a").send(Withdraw { amount: 2 }).await.unwrap().reply, 3);
    // It is still to come.
    assert!(annals.on::<Account>("a").load().await.is_err());
}

/// P4: nothing that was decided on what is out of date is told, whatever it was; and it is no attempt.
#[tokio::test]
async fn what_is_out_of_date_in_memory_refuses_nothing() {
    let once = RetryPolicy { attempts: std::num::NonZeroU32::MIN };
    for kept in [0, 1] {
        let store = FaultyStore::default();
        let annals = Annals::over(store.clone()).retry(once).open().await.unwrap();
        annals.on::<Account>("a").send(DepositMany(vec![1; kept])).await.unwrap();
        annals.on::<Account>("a").load().await.unwrap();
        store.commit(deposited(10)).await.unwrap();
        let withdrawn = annals.on::<Account>("a").send(Withdraw { amount: 10 }).await.unwrap();
        assert_eq!(withdrawn.reply, kept as u64, "a refusal that is none any more");
        store.commit(deposited(10)).await.unwrap();
        assert_eq!(annals.on::<Account>("a").send(Look).await.unwrap().reply, kept as u64 + 10, "a conflict");
        store.commit(deposited(10)).await.unwrap();
        let refused = annals.on::<Account>("a").send(Withdraw { amount: 1000 }).await.unwrap_err();
        let ExecuteError::Refused(AccountError::Short { missing }) = refused else { panic!("{refused:?}") };
        assert_eq!(missing, 1000 - 20 - kept as u64, "a refusal with its reason");
        // What comes while it is decided is a conflict as before, and counts.
        store.next_commits([deposited(1)].map(CommitFault::SomebodyFirst));
        let error = annals.on::<Account>("a").send(Look).await.unwrap_err();
        assert!(matches!(error, ExecuteError::Conflict { attempts: 1, .. }), "{error:?}");
    }
}

/// What came while it was decided makes a refusal out of date, too: of several aggregates one might have been seen before it, the
/// other behind it.
#[tokio::test]
async fn a_refusal_is_of_a_state_that_nobody_has_changed_meanwhile() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap();
    // The read behind the refusal finds what was not there when the command was sent.
    let log = store.clone();
    let withdrawing = annals.together((at::<Account>("a"),), move |(account,)| {
        if account.balance == 1 {
            log.commit(deposited(10)).now_or_never().unwrap().unwrap();
        }
        if account.balance > 5 { Ok(account.balance) } else { Err("too little") }
    });
    assert_eq!(withdrawing.await.unwrap().reply, 11);
}

/// Together, one that is out of date is enough.
#[tokio::test]
async fn together_nothing_out_of_date_is_told() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    for id in ["a", "b"] {
        annals.on::<Account>(id).send(Deposit { amount: 1 }).await.unwrap();
    }
    store.commit(deposited(10)).await.unwrap();
    let both = (at::<Account>("b"), at::<Account>("a"));
    let seen =
        annals.together(both, |(b, a)| if a.balance > 5 { Ok(a.balance + b.balance) } else { Err("too little") });
    assert_eq!(seen.await.unwrap().reply, 12);
}

#[tokio::test]
async fn an_expected_version_is_never_tried_again() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    let send = |expected| annals.on::<Account>("a").send(Deposit { amount: 1 }).expect_version(version(expected));
    send(0).await.unwrap();
    for passed in [0, 2] {
        let error = send(passed).await.unwrap_err();
        assert!(!error.is_retryable());
        assert!(matches!(error, ExecuteError::Conflict { attempts: 0, .. }), "{error:?}");
    }
    store.next_commits([deposited(1)].map(CommitFault::SomebodyFirst));
    let error = send(1).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Conflict { attempts: 1, .. }), "{error:?}");
    send(2).await.unwrap();
}

#[tokio::test]
async fn concurrent_commands_all_take_effect() {
    let attempts = std::num::NonZeroU32::new(1000).unwrap();
    let annals = Annals::over(MemoryStore::new()).retry(RetryPolicy { attempts }).open().await.unwrap();
    let tasks = (0..50).map(|_| {
        let annals = annals.clone();
        tokio::spawn(async move { annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap() })
    });
    join_all(tasks).await;
    let loaded = annals.on::<Account>("a").load().await.unwrap();
    assert_eq!((loaded.state.balance, loaded.version), (50, version(50)));
}

#[tokio::test]
async fn a_repetition_gives_the_first_answer() {
    let annals = annals().await;
    let send = || annals.on::<Account>("a").send(Deposit { amount: 5 }).idempotency_key("k");
    let first = send().await.unwrap();
    annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap();
    let again = send().await.unwrap();
    assert_eq!((again.reply, again.receipt.repeated), (5, true));
    assert_eq!(Receipt { repeated: false, ..again.receipt }, first.receipt);
    // Also when what was expected has long passed, and when the stream is closed.
    assert!(send().expect_version(Version::ZERO).await.unwrap().receipt.repeated);
    annals.on::<Account>("a").close().await.unwrap();
    assert!(send().await.unwrap().receipt.repeated);
    assert_eq!(annals.on::<Account>("a").load().await.unwrap().version, version(2));
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let annals = annals().await;
    annals.on::<Account>("a").send(Deposit { amount: 5 }).idempotency_key("k").await.unwrap();
    let other_content = annals.on::<Account>("a").send(Deposit { amount: 6 }).idempotency_key("k").await;
    let other_target = annals.on::<Account>("b").send(Deposit { amount: 5 }).idempotency_key("k").await;
    let other_command = annals.on::<Account>("a").send(Withdraw { amount: 5 }).idempotency_key("k").await;
    for other in [other_content, other_target, other_command] {
        assert!(matches!(other, Err(ExecuteError::KeyReused { .. })), "{other:?}");
    }
    let invalid = annals.on::<Account>("a").send(Deposit { amount: 5 }).idempotency_key("").await;
    assert!(matches!(invalid, Err(ExecuteError::InvalidName(_))), "{invalid:?}");
}

/// P5: a request that is sent again to a later version of annals has the digest that it had.
#[tokio::test]
async fn a_request_has_the_same_digest_in_every_version() {
    let annals = annals().await;
    annals.on::<Account>("a").send(Deposit { amount: 5 }).idempotency_key("k").await.unwrap();
    let (table, row) = IdempotencyKey::new("k").unwrap().row();
    let rows = annals.store().get(&[(table.into(), row)]).await.unwrap();
    let first = Repetition::decode(rows[0].as_ref().unwrap()).unwrap();
    assert_eq!(first.digest.to_string(), "0f07d845086214587dd7ceba08f862b6");
}

#[tokio::test]
async fn a_refusal_is_not_recorded() {
    let annals = annals().await;
    let send = || annals.on::<Account>("a").send(Withdraw { amount: 5 }).idempotency_key("k");
    assert!(matches!(send().await, Err(ExecuteError::Refused(AccountError::Short { missing: 5 }))));
    annals.on::<Account>("a").send(Deposit { amount: 5 }).await.unwrap();
    assert!(!send().await.unwrap().receipt.repeated);
    assert!(send().await.unwrap().receipt.repeated);
}

#[tokio::test]
async fn concurrent_repetitions_take_effect_once() {
    let annals = annals().await;
    let send = || async { annals.on::<Account>("a").send(Deposit { amount: 5 }).idempotency_key("k").await };
    let sent = try_join_all((0..20).map(|_| send())).await.unwrap();
    assert_eq!(sent.iter().filter(|executed| !executed.receipt.repeated).count(), 1);
    assert!(sent.iter().all(|executed| executed.reply == 5));
    assert_eq!(annals.on::<Account>("a").load().await.unwrap().version, version(1));
}

/// P5: where the state is kept in memory and nothing is prepared, the commit alone looks the key up; the answer is the first one
/// whatever the state has become.
#[tokio::test]
async fn a_key_costs_no_read_where_the_state_is_kept() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    annals.on::<Account>("a").send(Deposit { amount: 5 }).await.unwrap();
    let send = || annals.on::<Account>("a").send(Withdraw { amount: 5 }).idempotency_key("k");
    store.next_read(Reads::Any, ReadFault::Fail(ReadError::ShutDown));
    let first = send().await.unwrap();
    assert_eq!((first.reply, first.receipt.repeated), (0, false));
    assert!(annals.on::<Account>("a").load().await.is_err(), "the read that fails is still to come");
    // Now it would be refused, then it would be accepted once more.
    for deposit in [0, 50] {
        annals.on::<Account>("a").send(Deposit { amount: deposit }).await.unwrap();
        let again = send().await.unwrap();
        assert_eq!((again.reply, again.receipt.repeated), (0, true));
    }
    let other = annals.on::<Account>("a").send(Withdraw { amount: 6 }).idempotency_key("k").await;
    assert!(matches!(other, Err(ExecuteError::KeyReused { .. })), "{other:?}");
    // Where nothing is kept, the look-up saves loading.
    let anew = Annals::over(store.clone()).open().await.unwrap();
    store.take_records_read();
    let again = anew.on::<Account>("a").send(Withdraw { amount: 5 }).idempotency_key("k").await.unwrap();
    assert_eq!((again.receipt.repeated, store.take_records_read()), (true, 0));
    assert_eq!(annals.on::<Account>("a").send(Look).await.unwrap().reply, 50, "what was decided in vain is forgotten");
}

#[tokio::test]
async fn a_repetition_that_overtakes_the_look_up_gives_the_first_answer() {
    for expected in [None, Some(version(1))] {
        let open = || async {
            let store = FaultyStore::default();
            store.commit(deposited(5)).await.unwrap();
            let annals = Annals::over(store.clone()).open().await.unwrap();
            (store, annals)
        };
        let send = |annals: Annals| async move {
            let sending = annals.on::<Account>("a").send(Withdraw { amount: 5 }).idempotency_key("k");
            match expected {
                Some(version) => sending.expect_version(version).await,
                None => sending.await,
            }
        };
        let (store, annals) = open().await;
        send(annals).await.unwrap();
        let first = store.last_commit().unwrap();
        let (store, annals) = open().await;
        store.next_read(Reads::Rows, ReadFault::SomebodyBehind(first));
        // By now the account is empty, so that the second one alone would be refused.
        let executed = send(annals).await.unwrap();
        assert_eq!((executed.reply, executed.receipt.repeated), (0, true));
    }
}

/// P5: also when the state behind the first one cannot be loaded any more, or makes more than the limits allow.
#[tokio::test]
async fn a_repetition_that_cannot_be_decided_any_more_gives_the_first_answer() {
    let open = async |limits| {
        let store = FaultyStore::over(std::sync::Arc::new(MemoryStore::with(limits, std::sync::Arc::new(SystemClock))));
        store.commit(deposited(2)).await.unwrap();
        let annals = Annals::over(store.clone()).open().await.unwrap();
        (store, annals)
    };
    let double = async |annals: &Annals| {
        let decide = |(a, b): (&mut Decision<Account>, &mut Decision<Account>)| {
            for _ in 0..a.balance {
                Account::handle(b, Deposit { amount: 1 })?;
                Account::handle(a, Deposit { amount: 1 })?;
            }
            Ok::<_, AccountError>(a.balance)
        };
        let together = annals.together((at::<Account>("a"), at::<Account>("b")), decide);
        together.idempotency_key("k", &Deposit { amount: 0 }).await
    };
    let limits = Limits { commit_events: 5, ..Limits::default() };
    let (store, annals) = open(limits).await;
    double(&annals).await.unwrap();
    let first = store.last_commit().unwrap();
    let mut cursed = first.clone();
    cursed.events.extend(commit_of::<Account>("a", [AccountEvent::Cursed]).events);
    for (limits, first) in [(limits, first), (Limits::default(), cursed)] {
        let (store, annals) = open(limits).await;
        store.next_read(Reads::Rows, ReadFault::SomebodyBehind(first));
        let executed = double(&annals).await.unwrap();
        assert_eq!((executed.reply, executed.receipt.repeated), (4, true));
    }
}

#[tokio::test]
async fn two_aggregates_change_in_one_commit() {
    let annals = annals().await;
    annals.on::<Account>("a").send(Deposit { amount: 5 }).await.unwrap();
    let transfer = |amount: u64| {
        annals.together((at::<Account>("a"), at::<Account>("b")), move |(from, to)| {
            let left = Account::handle(from, Withdraw { amount })?;
            Account::handle(to, Deposit { amount })?;
            Ok::<_, AccountError>((left, to.balance))
        })
    };
    let executed = transfer(3).idempotency_key("t", &Withdraw { amount: 3 }).await.unwrap();
    assert_eq!((executed.reply, executed.receipt.commit.get()), ((2, 3), 2));
    let again = transfer(3).idempotency_key("t", &Withdraw { amount: 3 }).await.unwrap();
    assert_eq!((again.reply, again.receipt.repeated), ((2, 3), true));
    let refused = transfer(3).await.unwrap_err();
    assert!(matches!(refused, ExecuteError::Refused(AccountError::Short { missing: 1 })), "{refused:?}");
    assert_eq!(records(&annals).await.len(), 3);
}

#[tokio::test]
async fn a_target_without_events_is_watched_too() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    store.next_commits([deposited(7)].map(CommitFault::SomebodyFirst));
    let executed = annals
        .together((at::<Account>("a"), at::<Account>("b")), |(seen, written)| {
            Account::handle(written, Deposit { amount: seen.balance + 1 })
        })
        .await;
    assert_eq!(executed.unwrap().reply, 8);
}

#[tokio::test]
async fn one_stream_twice_is_an_error() {
    let annals = annals().await;
    let targets = (at::<Account>("a"), at::<Account>("a"));
    let error = annals.together(targets, |_| Ok::<_, AccountError>(())).await.unwrap_err();
    assert!(matches!(error, ExecuteError::SameStream { .. }), "{error:?}");
}

#[tokio::test]
async fn together_can_be_spawned() {
    let annals = annals().await;
    let task = tokio::spawn(async move {
        annals
            .together((at::<Account>("a"), at::<Account>("b")), |(a, _)| Account::handle(a, Deposit { amount: 1 }))
            .await
    });
    assert_eq!(task.await.unwrap().unwrap().reply, 1);
}

/// P13.
#[tokio::test]
async fn panics_are_errors_and_hurt_nobody() {
    let annals = annals().await;
    let error = annals.on::<Account>("a").send(Panic).await.unwrap_err();
    assert!(matches!(&error, ExecuteError::Panicked { message } if message == "out of cash"), "{error:?}");
    annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap();
    annals.store().commit(commit_of::<Account>("a", [AccountEvent::Cursed])).await.unwrap();
    let error = annals.on::<Account>("a").load().await.unwrap_err();
    assert!(matches!(error, LoadError::Panicked { version, .. } if version.get() == 2), "{error:?}");
    annals.on::<Account>("b").send(Deposit { amount: 1 }).await.unwrap();
}

#[tokio::test]
async fn a_closed_stream_takes_no_events_and_reads_as_before() {
    let annals = annals().await;
    annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap();
    let closed = annals.on::<Account>("a").close().await.unwrap();
    assert_eq!(annals.on::<Account>("a").close().await.unwrap().commit, closed.commit);
    let error = annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap_err();
    assert!(matches!(&error, ExecuteError::Closed { streams } if streams.len() == 1), "{error:?}");
    assert_eq!(annals.on::<Account>("a").send(Look).await.unwrap().reply, 1);
}

#[tokio::test]
async fn an_unknown_outcome_is_no_failure() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    store.next_commit(CommitFault::Fail(CommitError::OutcomeUnknown { reason: "power".into() }));
    let error = annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap_err();
    assert!(matches!(error, ExecuteError::OutcomeUnknown { .. }) && !error.is_retryable());
    store.next_commit(CommitFault::Fail(CommitError::ReadOnly { reason: "disk".into() }));
    let error = annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Store(CommitError::ReadOnly { .. })) && !error.is_retryable());
}

#[tokio::test]
async fn events_carry_who_and_when() {
    let annals = annals().await;
    let metadata = Metadata { actor: Some(Actor::new("ada").unwrap()), ..Metadata::default() };
    let sending = annals.on::<Account>("a").send(DepositMany(vec![1, 2])).metadata(metadata);
    sending.occurred(Timestamp::EPOCH).await.unwrap();
    annals.on::<Account>("a").send(Deposit { amount: 1 }).await.unwrap();
    let records = records(&annals).await;
    let [first, second, third] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(first.metadata(), second.metadata());
    assert_eq!(first.metadata().actor.as_ref().map(Actor::as_str), Some("ada"));
    assert!(first.metadata().command.is_some() && first.metadata().command != third.metadata().command);
    assert!(first.metadata().correlation.is_some() && first.metadata().correlation != third.metadata().correlation);
    assert_eq!((first.occurred(), second.occurred()), (Timestamp::EPOCH, Timestamp::EPOCH));
    assert_eq!(third.occurred(), third.recorded());
}

#[tokio::test]
async fn the_cache_is_only_a_baseline() {
    for entries in [0, 1, 100] {
        let store = FaultyStore::default();
        let annals = Annals::over(store.clone()).cache(entries).open().await.unwrap();
        annals.on::<Account>("a").send(DepositMany(vec![1; 5])).await.unwrap();
        annals.store().commit(deposited(2)).await.unwrap();
        store.take_records_read();
        assert_eq!(annals.on::<Account>("a").load().await.unwrap().state.balance, 7);
        assert_eq!(store.take_records_read(), if entries == 0 { 6 } else { 1 });
    }
}

#[tokio::test]
async fn bad_ids_and_names_are_told() {
    let annals = annals().await;
    let error = annals.on::<Account>("a/b").send(Look).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Load(LoadError::InvalidId(_))), "{error:?}");
    let twice = Annals::over(MemoryStore::new()).aggregate::<Account>().aggregate::<Account>().open().await;
    assert!(matches!(twice, Err(OpenError::DuplicateAggregate { name: "account" })));
    let _: Unrecordable = annals.on::<Account>("a").send(DepositMany(vec![])).await.unwrap().reply;
}
