use futures::TryStreamExt;

use crate::{
    account::{Account, AccountEvent, Deposit},
    testing::{CommitFault, FaultyStore, commit_of},
    *,
};

type Outcome = Result<Executed<()>, ExecuteError<String>>;

fn name(name: &str) -> UniqueName {
    UniqueName::new("iban", name).unwrap()
}

fn stream(key: &str) -> StreamId {
    StreamId::new("account", key).unwrap()
}

async fn decide(
    annals: &Annals,
    account: &str,
    mut decide: impl FnMut(&mut Decision<Account>) + Send + 'static,
) -> Outcome {
    let deciding = annals.together(at::<Account>(account), move |account| {
        account.emit(AccountEvent::Opened { owner: "ada".into() });
        decide(account);
        Ok(())
    });
    deciding.await
}

async fn claim(annals: &Annals, account: &str, name: &'static str) -> Outcome {
    decide(annals, account, move |account| account.claim("iban", name)).await
}

fn refusals(outcome: Outcome) -> Vec<NameRefusal> {
    match outcome {
        Err(ExecuteError::Names { refusals }) => refusals,
        other => panic!("expected that the name is not to be had: {other:?}"),
    }
}

async fn annals() -> Annals {
    Annals::over(MemoryStore::new()).open().await.unwrap()
}

#[tokio::test]
async fn a_name_has_one_holder_and_the_second_is_told_who() {
    let annals = annals().await;
    assert_eq!(annals.holder("iban", "DE1").await.unwrap(), None);
    claim(&annals, "a", "DE1").await.unwrap();
    let taken = NameRefusal::Taken { name: name("DE1"), holder: stream("a") };
    for account in ["b", "a"] {
        assert_eq!(refusals(claim(&annals, account, "DE1").await), std::slice::from_ref(&taken));
    }
    let error = claim(&annals, "b", "DE1").await.unwrap_err();
    assert_eq!(error.to_string(), "iban \"DE1\" is taken by stream account-a");
    assert!(!error.is_retryable());
    assert_eq!(
        annals.on::<Account>("b").load().await.unwrap().version,
        Version::ZERO,
        "the event is of the same commit"
    );
    assert_eq!(annals.holder("iban", "DE1").await.unwrap(), Some(stream("a")));
    assert_eq!(annals.holder("email", "DE1").await.unwrap(), None, "another scope");
    claim(&annals, "b", "DE2").await.unwrap();
}

#[tokio::test]
async fn a_name_is_released_and_handed_over_by_its_holder_alone() {
    let annals = annals().await;
    claim(&annals, "a", "DE1").await.unwrap();
    let release = |account| decide(&annals, account, |account| account.release("iban", "DE1"));
    let transfer = |account| decide(&annals, account, |account| account.transfer("iban", "DE1", at::<Account>("c")));
    let not_held = |key, holder| [NameRefusal::NotHeld { name: name("DE1"), stream: stream(key), holder }];
    assert_eq!(refusals(release("b").await), not_held("b", Some(stream("a"))));
    assert_eq!(refusals(transfer("b").await), not_held("b", Some(stream("a"))));
    transfer("a").await.unwrap();
    assert_eq!(annals.holder("iban", "DE1").await.unwrap(), Some(stream("c")));
    release("c").await.unwrap();
    assert_eq!(refusals(release("c").await), not_held("c", None));
    claim(&annals, "b", "DE1").await.unwrap();
}

#[tokio::test]
async fn what_a_decision_has_said_of_a_name_counts() {
    let annals = annals().await;
    decide(&annals, "a", |account| {
        account.claim("iban", "DE1");
        account.release("iban", "DE1");
        account.claim("iban", "DE1");
        account.claim("iban", "DE2");
        account.release("iban", "DE2");
    })
    .await
    .unwrap();
    let holders = (annals.holder("iban", "DE1").await.unwrap(), annals.holder("iban", "DE2").await.unwrap());
    assert_eq!(holders, (Some(stream("a")), None));

    let swap = annals.together((at::<Account>("a"), at::<Account>("b")), |(a, b)| {
        a.release("iban", "DE1");
        b.claim("iban", "DE1");
        a.claim("iban", "DE3");
        Ok::<_, String>(())
    });
    swap.await.unwrap();
    assert_eq!(annals.holder("iban", "DE1").await.unwrap(), Some(stream("b")));
    // What counts is the order in which it is said, not that of the targets.
    let back = annals.together((at::<Account>("a"), at::<Account>("b")), |(a, b)| {
        b.release("iban", "DE1");
        a.claim("iban", "DE1");
        a.release("iban", "DE3");
        b.claim("iban", "DE3");
        Ok::<_, String>(())
    });
    back.await.unwrap();
    assert_eq!(annals.holder("iban", "DE1").await.unwrap(), Some(stream("a")));
    assert_eq!(annals.holder("iban", "DE3").await.unwrap(), Some(stream("b")));

    let both = annals.together((at::<Account>("c"), at::<Account>("d")), |(c, d)| {
        c.claim("iban", "DE4");
        d.claim("iban", "DE4");
        Ok::<_, String>(())
    });
    let taken = NameRefusal::Taken { name: name("DE4"), holder: stream("c") };
    assert_eq!(refusals(both.await), [taken]);
    let many =
        decide(&annals, "e", |account| ["DE1", "DE3", "DE5"].iter().for_each(|name| account.claim("iban", name)));
    assert_eq!(refusals(many.await).len(), 2, "all names that are not to be had are reported");
}

/// P4: a name that is taken while the aggregate moved is looked at again.
#[tokio::test]
async fn names_follow_retries() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    claim(&annals, "a", "DE1").await.unwrap();
    store.next_commit(CommitFault::SomebodyFirst(commit_of::<Account>("b", [AccountEvent::Deposited { amount: 1 }])));
    let taken = NameRefusal::Taken { name: name("DE1"), holder: stream("a") };
    assert_eq!(refusals(claim(&annals, "b", "DE1").await), [taken], "the stream had moved as well");
    store.next_commit(CommitFault::SomebodyFirst(commit_of::<Account>("b", [AccountEvent::Deposited { amount: 1 }])));
    claim(&annals, "b", "DE2").await.unwrap();
}

/// P5: the same request sent twice at once finds its own name taken, and still gets the first answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_is_not_refused_its_own_name() {
    for _ in 0..200 {
        let annals = annals().await;
        claim(&annals, "other", "DE0").await.unwrap();
        let keyed = (0..4).map(|_| {
            let annals = annals.clone();
            tokio::spawn(async move {
                let claiming = annals.together(at::<Account>("k"), |account| {
                    account.claim("iban", "DE7");
                    Ok::<_, String>(())
                });
                claiming.idempotency_key("key", &Deposit { amount: 7 }).await.unwrap().receipt.repeated
            })
        });
        let repeated: Vec<_> = futures::future::join_all(keyed).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(repeated.iter().filter(|repeated| !**repeated).count(), 1);
    }
}

/// Sixteen claim one name at once: one gets it, the others learn who.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_claims_wins() {
    for round in 0..50 {
        let annals = annals().await;
        let claims = (0..16).map(|caller| {
            let annals = annals.clone();
            tokio::spawn(async move { claim(&annals, &format!("{round}-{caller}"), "DE1").await })
        });
        let outcomes: Vec<_> = futures::future::join_all(claims).await.into_iter().map(Result::unwrap).collect();
        let holder = annals.holder("iban", "DE1").await.unwrap().unwrap();
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 15));
        for outcome in lost {
            assert_eq!(refusals(outcome), [NameRefusal::Taken { name: name("DE1"), holder: holder.clone() }]);
        }
    }
}

#[tokio::test]
async fn tenants_have_their_own_names() {
    let annals = annals().await;
    let (acme, other) =
        (annals.in_tenant(Tenant::new("acme").unwrap()), annals.in_tenant(Tenant::new("other").unwrap()));
    for handle in [&annals, &acme, &other] {
        claim(handle, "a", "DE1").await.unwrap();
    }
    assert_eq!(acme.holder("iban", "DE1").await.unwrap().unwrap().as_str(), "acme/account-a");
    let row = |handle: &Annals| Scan::all(LoggedTable::NAMES.in_tenant(handle.tenant().cloned()));
    let (first, second) =
        (acme.store().scan(row(&acme)).await.unwrap(), other.store().scan(row(&other)).await.unwrap());
    assert_ne!(first.rows[0].0, second.rows[0].0, "rows do not tell that two tenants hold one name");
}

/// Erasure: what the log keeps of a name cannot be read as the name.
#[tokio::test]
async fn no_name_is_stored() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    decide(&annals, "a", |account| account.claim("email", "ada@example.org")).await.unwrap();
    let commit = format!("{:?}", store.last_commit().unwrap());
    assert!(commit.contains("$names") && !commit.contains("ada@example.org"), "{commit}");
    let records: Vec<_> = annals.store().read_log(ReadLog::all()).try_collect().await.unwrap();
    assert_eq!(records.len(), 1);
}

/// T17: a bad name is an error, and nothing is written.
#[tokio::test]
async fn bad_names_are_refused() {
    let annals = annals().await;
    for (scope, text) in [("iban", ""), ("", "DE1"), ("iban", "a\nb"), ("iban", &"x".repeat(256))] {
        let (scope, text) = (scope.to_owned(), text.to_owned());
        let (looked, holder) = (UniqueName::new(&scope, &text).unwrap_err(), annals.holder(&scope, &text).await);
        assert!(matches!(holder, Err(HolderError::InvalidName(error)) if error == looked));
        let error = decide(&annals, "a", move |account| account.claim(&scope, &text)).await.unwrap_err();
        assert!(matches!(error, ExecuteError::InvalidName(_)), "{error}");
    }
    let error = decide(&annals, "a", |account| account.transfer("iban", "DE1", in_stream("a/b", 1))).await.unwrap_err();
    assert!(matches!(error, ExecuteError::InvalidName(_)), "{error}");
    assert_eq!(annals.store().head().borrow().commit, CommitNumber::ZERO);
}
