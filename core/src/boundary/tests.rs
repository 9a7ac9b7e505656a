use crate::{
    account::{Account, AccountEvent},
    testing::{CommitFault, FaultyStore, commit_of},
    *,
};

/// How much was withdrawn at one machine, whoever it was.
#[derive(Debug, Default, Clone, PartialEq)]
struct Machine {
    withdrawn: u64,
    events: u32,
}

impl Evolve<AccountEvent> for Machine {
    fn evolve(&mut self, event: &AccountEvent) {
        self.events += 1;
        match event {
            AccountEvent::Withdrawn { amount, .. } => self.withdrawn += amount,
            AccountEvent::Cursed => panic!("a cursed event"),
            _ => {}
        }
    }
}

impl Boundary for Machine {
    type Id = String;
    fn select(atm: &String) -> Selection<Self> {
        Selection::of(kinds![AccountEvent::Withdrawn]).tag("atm", atm)
    }
}

/// How many accounts there are.
#[derive(Debug, Default, Clone, PartialEq)]
struct Accounts(u32);

impl Evolve<AccountEvent> for Accounts {
    fn evolve(&mut self, _: &AccountEvent) {
        self.0 += 1;
    }
}

impl Boundary for Accounts {
    type Id = ();
    fn select((): &()) -> Selection<Self> {
        Selection::of(kinds![AccountEvent::Opened])
    }
}

fn withdrawn(amount: u64, atm: &str) -> AccountEvent {
    AccountEvent::Withdrawn { amount, atm: atm.into() }
}

fn opened() -> AccountEvent {
    AccountEvent::Opened { owner: "ada".into() }
}

async fn annals() -> Annals {
    Annals::over(MemoryStore::new()).open().await.unwrap()
}

async fn withdraw(annals: &Annals, amount: u64, limit: u64) -> Result<Executed<u64>, ExecuteError<&'static str>> {
    annals
        .together(boundary::<Machine>("north"), move |machine| {
            if machine.withdrawn + amount > limit {
                return Err("the machine is empty");
            }
            machine.emit(at::<Account>("a"), withdrawn(amount, "north"));
            Ok(machine.withdrawn)
        })
        .await
}

#[tokio::test]
async fn a_boundary_sees_what_it_selects_and_what_it_emits() {
    let annals = annals().await;
    for event in [withdrawn(1, "south"), withdrawn(2, "north"), opened()] {
        annals.store().commit(commit_of::<Account>("b", [event])).await.unwrap();
    }
    let executed = withdraw(&annals, 3, 5).await.unwrap();
    let home = "account-a".parse().unwrap();
    assert_eq!((executed.reply, executed.receipt.version_of(&home)), (5, Some(Version::FIRST)));
    assert!(matches!(withdraw(&annals, 1, 5).await, Err(ExecuteError::Refused(_))));
}

/// P4: what the condition looks for is what was read, no more and no less.
#[tokio::test]
async fn only_what_is_selected_conflicts_and_it_is_folded_before_the_next_try() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    store.next_commits([commit_of::<Account>("b", [withdrawn(1, "south")])].map(CommitFault::SomebodyFirst));
    withdraw(&annals, 1, 10).await.unwrap();
    let [Condition::NoneMatch { query, after }] = &store.last_commit().unwrap().conditions[..] else {
        panic!("one condition")
    };
    assert_eq!(*after, Position::ZERO, "an event beside the boundary is no conflict");
    let item = QueryItem::new().event_type(EventType::new("account.withdrawn").unwrap());
    assert_eq!(*query, EventQuery::new([item.tag(Tag::new("atm:north").unwrap())]));

    store.next_commits([commit_of::<Account>("b", [withdrawn(7, "north")])].map(CommitFault::SomebodyFirst));
    assert_eq!(withdraw(&annals, 2, 10).await.unwrap().reply, 10, "1 and 7 were there");
    store.next_commits([commit_of::<Account>("b", [withdrawn(1, "north")])].map(CommitFault::SomebodyFirst));
    assert!(matches!(withdraw(&annals, 0, 10).await, Err(ExecuteError::Refused(_))), "decided again, and refused");
}

#[tokio::test]
async fn conflicts_end_with_the_policy_and_name_the_record() {
    let store = FaultyStore::default();
    let annals =
        Annals::over(store.clone()).retry(RetryPolicy { attempts: std::num::NonZeroU32::MIN }).open().await.unwrap();
    store.next_commits([commit_of::<Account>("b", [withdrawn(7, "north")])].map(CommitFault::SomebodyFirst));
    let error = withdraw(&annals, 2, 10).await.unwrap_err();
    let ExecuteError::Conflict { failures, attempts: 1, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(failures[..], [Failure::NoneMatch { found: Position::FIRST, .. }]), "{failures:?}");
}

/// Several in one decision: what is emitted reaches each that selects it, and each has its part in the condition.
#[tokio::test]
async fn boundaries_are_composed() {
    let annals = annals().await;
    let together = annals.together(boundary::<(Machine, Accounts)>(("north".to_owned(), ())), |both| {
        both.emit(at::<Account>("a"), opened());
        both.emit(at::<Account>("a"), withdrawn(3, "north"));
        both.emit(in_stream("note", 7), withdrawn(4, "south"));
        let (machine, accounts) = &**both;
        Ok::<_, ()>((machine.clone(), accounts.0))
    });
    let executed = together.await.unwrap();
    assert_eq!(executed.reply, (Machine { withdrawn: 3, events: 1 }, 1));
    let note = "note-7".parse().unwrap();
    assert_eq!(executed.receipt.version_of(&note), Some(Version::FIRST));
    let again = annals.together(boundary::<(Accounts, Machine)>(((), "north".to_owned())), |both| {
        Ok::<_, ()>((both.1.clone(), both.0.0))
    });
    assert_eq!(again.await.unwrap().reply, executed.reply, "what is stored folds to the same");
}

#[tokio::test]
async fn boundaries_stand_beside_aggregates() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    // Another one is opened in between, and this one must not be.
    store.next_commits([commit_of::<Account>("z", [opened()])].map(CommitFault::SomebodyFirst));
    let open = annals.together((at::<Account>("a"), boundary::<Accounts>(())), |(account, accounts)| {
        if accounts.0 > 0 {
            return Err("there is one already");
        }
        account.emit(opened());
        Ok(())
    });
    let spawned = tokio::spawn({
        let annals = annals.clone();
        async move { annals.together(boundary::<Accounts>(()), |accounts| Ok::<_, ()>(accounts.0)).await.unwrap().reply }
    });
    assert!(matches!(open.await, Err(ExecuteError::Refused(_))));
    assert!(spawned.await.unwrap() <= 1);
}

#[tokio::test]
async fn a_vec_of_aggregates_is_decided_about_at_once() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    store.next_commits(
        [commit_of::<Account>("b", [AccountEvent::Deposited { amount: 5 }])].map(CommitFault::SomebodyFirst),
    );
    let targets = (["a", "b", "c"].map(at::<Account>).to_vec(), at::<Account>("d"));
    let level = annals.together(targets, |(accounts, pool)| {
        for account in accounts.iter_mut() {
            let amount = 10 - account.balance;
            account.emit(AccountEvent::Deposited { amount });
            pool.emit(AccountEvent::Deposited { amount });
        }
        Ok::<_, ()>((accounts.iter().map(|account| account.balance).sum::<u64>(), pool.balance))
    });
    let executed = level.await.unwrap();
    assert_eq!(executed.reply, (30, 25), "run again as a whole, on the balance that came in between");
    assert_eq!(executed.receipt.versions.len(), 4);
    let twice = annals.together(vec![at::<Account>("a"), at::<Account>("a")], |_| Ok::<_, ()>(())).await;
    assert!(matches!(twice, Err(ExecuteError::SameStream { stream }) if stream.as_str() == "account-a"));
    let none = annals.together(Vec::<At<Account>>::new(), |none| Ok::<_, ()>(none.len())).await.unwrap();
    assert_eq!((none.reply, none.receipt.positions), (0, None));
}

#[derive(Default, Clone)]
struct Everything;

impl Evolve<AccountEvent> for Everything {
    fn evolve(&mut self, _: &AccountEvent) {}
}

impl Boundary for Everything {
    type Id = u32;
    fn select(alternatives: &u32) -> Selection<Self> {
        match alternatives {
            0 => Selection::of::<AccountEvent>([]),
            1 => Selection::of::<AccountEvent>([]).tag("atm", "north"),
            2 => Selection::of(KindOf::<AccountEvent>::all()).or::<AccountEvent>([]),
            _ => Selection::of(KindOf::<AccountEvent>::all()).tag("atm", "a\nb"),
        }
    }
}

/// T17: a boundary without kinds is refused, and so is a value that makes no tag.
#[tokio::test]
async fn a_boundary_that_selects_everything_is_refused() {
    let annals = annals().await;
    for alternatives in 0..=2u32 {
        let error = annals.together(boundary::<Everything>(alternatives), |_| Ok::<_, String>(())).await.unwrap_err();
        assert!(matches!(error, ExecuteError::Load(LoadError::Unbounded { .. })), "{error}");
        assert!(error.to_string().contains("Everything selects events of any kind"), "{error}");
    }
    let error = annals.together(boundary::<Everything>(3u32), |_| Ok::<_, String>(())).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Load(LoadError::InvalidId(_))), "{error}");
}

/// T17: whatever is wrong with an event is an error, and nothing is written.
#[tokio::test]
async fn events_that_cannot_be_stored_are_refused() {
    let annals = annals().await;
    for (home, event) in [
        (in_stream("a/b", 1), opened()),
        (in_stream("note", ""), opened()),
        (in_stream("note", 1), withdrawn(1, "a\nb")),
    ] {
        let emit = move |accounts: &mut BoundaryDecision<Accounts>| {
            accounts.emit(home.clone(), event.clone());
            Ok::<_, String>(())
        };
        let error = annals.together(boundary::<Accounts>(()), emit).await.unwrap_err();
        assert!(matches!(error, ExecuteError::InvalidName(_)), "{error}");
    }
    let cursed = annals.together(boundary::<Machine>("north"), |machine| {
        machine.emit(at::<Account>("a"), AccountEvent::Cursed);
        Ok::<_, String>(machine.events)
    });
    assert_eq!(cursed.await.unwrap().reply, 0, "what is not selected is not folded");
    assert_eq!(annals.store().head().borrow().position, Position::FIRST);
}

#[tokio::test]
async fn a_boundary_looks_at_its_own_tenant() {
    let annals = annals().await;
    let acme = annals.in_tenant(Tenant::new("acme").unwrap());
    withdraw(&acme, 5, 5).await.unwrap();
    assert_eq!(withdraw(&annals, 4, 5).await.unwrap().reply, 4);
    assert!(matches!(withdraw(&acme, 1, 5).await, Err(ExecuteError::Refused(_))));
    let streams = ["acme/account-a", "account-a"].map(|id| id.parse::<StreamId>().unwrap());
    for stream in streams {
        use futures::TryStreamExt;
        let records: Vec<_> = annals.store().read_stream(ReadStream::all(stream)).try_collect().await.unwrap();
        assert_eq!(records.len(), 1);
    }
}
