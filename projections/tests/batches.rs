//! Several events handed over at once: the rows and what is set aside are the same as of one event at a time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use annals_conformance::soak;
use annals_core::{
    Annals, EventType, NewEvent, ReadError, Store, StreamId, Tenant,
    testing::{FaultyStore, ReadFault, Reads},
};
use annals_projections::{
    BoxError, Delivered, EventContext, Incoming, Order, Projection, ProjectionHandle, ProjectionOptions, ReadModels,
    Retry, Rows, State, Status, Subscription, Tables, WithProjections,
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use crate::bank::*;

/// The balances, of which each is read and written once for all events that are handed over at once.
#[derive(Clone, Default)]
struct Batched {
    balances: Balances,
    /// The positions of those that were handed over at once.
    groups: Arc<Mutex<Vec<Vec<u64>>>>,
}

impl Projection for Batched {
    const NAME: &'static str = "batched";
    const VERSION: u32 = 1;
    const BATCH: usize = 8;

    fn subscription(&self) -> Subscription {
        self.balances.subscription()
    }
    fn tables(&self) -> Tables {
        self.balances.tables()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        self.balances.handle(event, cx, rows).await
    }

    async fn handle_batch(&self, events: &[Delivered<'_>], rows: &mut Rows<'_>) -> Result<(), BoxError> {
        let position = |event: &Delivered<'_>| event.context().record().position().get();
        self.groups.lock().unwrap().push(events.iter().map(position).collect());
        let mut sums: BTreeMap<&str, (i64, u64)> = BTreeMap::new();
        for event in events {
            let (sum, count) = sums.entry(event.context().key()).or_default();
            (*sum, *count) = (*sum + cents(event), *count + 1);
        }
        for (account, (cents, events)) in sums {
            let mut balance = rows.get::<Balance>(account.to_owned()).await?.unwrap_or_else(|| nothing(account));
            balance.cents += cents;
            balance.events += events;
            rows.put(balance)?;
        }
        // Behind what was written, so that there is something to undo.
        for event in events {
            self.balances.fail_if_poison(cents(event)).await?;
        }
        Ok(())
    }
}

fn nothing(account: &str) -> Balance {
    Balance { account: account.to_owned(), cents: 0, events: 0 }
}

fn cents(event: &Delivered<'_>) -> i64 {
    match event.get::<AccountEvent>() {
        Some(AccountEvent::Deposited { cents }) => *cents,
        Some(AccountEvent::Withdrawn { cents }) => -cents,
        _ => 0,
    }
}

impl Batched {
    fn poisoned_by(cents: i64) -> Self {
        Self { balances: Balances::poisoned_by(cents, u64::MAX), ..Self::default() }
    }

    fn groups(&self) -> Vec<Vec<u64>> {
        self.groups.lock().unwrap().clone()
    }

    /// How many events were handed over singly.
    fn singly(&self) -> u64 {
        self.balances.faults.calls.load(Ordering::SeqCst)
    }
}

async fn run<P: Projection>(
    store: &Arc<dyn Store>,
    projection: P,
    options: ProjectionOptions,
) -> (Annals, ProjectionHandle) {
    let annals = Annals::over(Arc::clone(store)).projection_with(projection, options).open().await.unwrap();
    let handle = ReadModels::projection::<P>(&annals).unwrap();
    (annals, handle)
}

async fn until_of(handle: &ProjectionHandle, wanted: impl Fn(&Status) -> bool) -> Status {
    let mut watch = handle.watch();
    let waited = tokio::time::timeout(Duration::from_secs(600), watch.wait_for(wanted)).await;
    waited.unwrap_or_else(|_| panic!("it is {:?}", handle.status())).unwrap().clone()
}

async fn caught_up(handle: &ProjectionHandle, store: &Arc<dyn Store>) -> Status {
    until_of(handle, |status| is_live(status) && status.position == head(store)).await
}

fn never() -> ProjectionOptions {
    ProjectionOptions::default().retry(Retry::never())
}

fn of_tenant(tenant: &str, account: &str, cents: i64) -> NewEvent {
    let tenant = Tenant::new(tenant).unwrap();
    NewEvent { stream: StreamId::of(Some(&tenant), "account", account).unwrap(), ..deposited(account, cents) }
}

fn torn(account: &str) -> NewEvent {
    NewEvent::new(stream(account), EventType::new("account.deposited").unwrap(), b"torn".as_slice())
}

/// Events are handed over in the order of the log, as many at once as may be, of one tenant; one that is alone goes to the
/// other handler.
#[tokio::test]
async fn events_of_one_tenant_are_handed_over_at_once() {
    let (store, batched) = (store(), Batched::default());
    commit(&store, (0..11).map(|number| deposited(&format!("a{}", number % 3), number))).await;
    commit(&store, ["x", "x", "y", "x", "x"].map(|tenant| of_tenant(tenant, "ada", 1))).await;
    commit(&store, [event("a0", &AccountEvent::Opened { owner: "x".into() })]).await;
    commit(&store, [deposited("a0", 1), deposited("a1", 1)]).await;
    let (annals, handle) = run(&store, batched.clone(), ProjectionOptions::default()).await;
    caught_up(&handle, &store).await;
    let groups = [(1..=8).collect::<Vec<u64>>(), vec![9, 10, 11], vec![12, 13], vec![15, 16], vec![18, 19]];
    assert_eq!((batched.groups(), batched.singly()), (groups.to_vec(), 1));
    let ada_of = async |tenant: &str| {
        let annals = annals.in_tenant(Tenant::new(tenant).unwrap());
        annals.view::<Balance>().unwrap().get("ada".to_owned()).await.unwrap().unwrap().cents
    };
    assert_eq!((ada_of("x").await, ada_of("y").await), (4, 1));
    for (account, sum) in [("a0", 19), ("a1", 23), ("a2", 15)] {
        assert_eq!(row(&annals, account).await.unwrap().cents, sum, "{account}");
    }
}

/// P8, P13: when a handler of several events returns an error, panics or hangs, nothing of what it wrote is left, and each event
/// is handed over alone: only the one that fails is set aside, with those of its key behind it.
#[tokio::test(start_paused = true)]
async fn what_fails_among_several_is_set_aside_alone() {
    let errors = ["poison of 13", "the handler panicked: poison of 13", "the handler took longer than 30s"];
    for (number, error) in errors.into_iter().enumerate() {
        let (store, batched) = (store(), Batched::poisoned_by(13));
        batched.balances.faults.panics.store(number == 1, Ordering::SeqCst);
        batched.balances.faults.hangs.store(number == 2, Ordering::SeqCst);
        let events = [("bob", 1), ("ada", 2), ("eve", 3), ("ada", 13), ("bob", 4), ("ada", 5), ("eve", 6)];
        commit(&store, events.map(|(account, cents)| deposited(account, cents))).await;
        let (annals, handle) = run(&store, batched.clone(), never()).await;
        let status = caught_up(&handle, &store).await;
        assert_eq!((status.parked_keys, status.parked_events), (1, 2));
        let parked = handle.parked().await.unwrap().remove(0);
        assert_eq!((parked.position.get(), parked.events, parked.attempts), (4, 2, 1));
        assert_eq!(parked.error, error);
        for (account, cents, events) in [("ada", 2, 1), ("bob", 5, 2), ("eve", 9, 2)] {
            let expected = Balance { account: account.into(), cents, events };
            assert_eq!(row(&annals, account).await, Some(expected));
        }
        assert_eq!(batched.groups(), [vec![1, 2, 3, 4, 5, 6, 7]], "what is left of it comes singly");
        // Corrected, the events are taken in one by one.
        batched.balances.cure();
        assert_eq!(handle.replay(&parked).await.unwrap(), 2);
        check(&annals).await;
        assert_eq!(batched.groups().len(), 1);
    }
}

/// P8: a record that cannot be decoded ends what is handed over at once before it, and is set aside alone.
#[tokio::test(start_paused = true)]
async fn an_undecodable_record_ends_a_group() {
    let (store, batched) = (store(), Batched::default());
    commit(&store, [deposited("bob", 1), deposited("ada", 2), torn("ada"), deposited("eve", 3), deposited("bob", 4)])
        .await;
    let (annals, handle) = run(&store, batched.clone(), ProjectionOptions::default()).await;
    let status = caught_up(&handle, &store).await;
    assert_eq!((status.parked_keys, status.parked_events), (1, 1));
    assert_eq!(handle.parked().await.unwrap()[0].position.get(), 3);
    assert_eq!((batched.groups(), batched.singly()), (vec![vec![1, 2], vec![4, 5]], 0));
    check(&annals).await;
}

/// In the order of the log a projection stops before the event that fails, and has taken in those before it.
#[tokio::test(start_paused = true)]
async fn in_the_order_of_the_log_it_stops_before_what_fails() {
    let (store, batched) = (store(), Batched::poisoned_by(13));
    commit(&store, [1, 2, 13, 4].map(|cents| deposited("ada", cents))).await;
    let (annals, handle) = run(&store, batched.clone(), never().order(Order::ByLog)).await;
    let status = until_of(&handle, |status| matches!(status.state, State::Failed { .. })).await;
    let reason = "record 3 of stream account-ada failed 1 times: poison of 13";
    assert_eq!(status.state, State::Failed { reason: reason.into(), retrying: false });
    batched.balances.cure();
    handle.resume().await.unwrap();
    caught_up(&handle, &store).await;
    check(&annals).await;
}

/// F.14: with several lanes a handler of several events writes the rows of all of them, and of nobody else.
#[tokio::test(start_paused = true)]
async fn lanes_hand_over_several_keys_at_once() {
    let (store, batched) = (store(), Batched::default());
    commit(&store, (0..300).map(|number| deposited(&format!("a{}", number % 41), number))).await;
    let (annals, handle) = run(&store, batched.clone(), ProjectionOptions::default().lanes(3)).await;
    caught_up(&handle, &store).await;
    check(&annals).await;
    let groups = batched.groups();
    assert!(groups.iter().all(|group| group.len() <= 8) && groups.len() < 45, "{groups:?}");

    /// Writes to an account that no event is of.
    struct Astray;
    impl Projection for Astray {
        const NAME: &'static str = "astray";
        const VERSION: u32 = 1;
        const BATCH: usize = 5;
        fn subscription(&self) -> Subscription {
            Balances::default().subscription()
        }
        fn tables(&self) -> Tables {
            Tables::new().with::<Balance>()
        }
        async fn handle(&self, _: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
            Ok(rows.put(nothing(cx.key()))?)
        }
        async fn handle_batch(&self, _: &[Delivered<'_>], rows: &mut Rows<'_>) -> Result<(), BoxError> {
            Ok(rows.put(nothing("astray"))?)
        }
    }
    let store = crate::bank::store();
    commit(&store, (0..30).map(|number| deposited(&format!("a{number}"), 1))).await;
    let (annals, handle) = run(&store, Astray, never().lanes(2)).await;
    assert_eq!(caught_up(&handle, &store).await.parked_events, 0);
    assert_eq!(row(&annals, "astray").await, None);
    assert_eq!(annals.view::<Balance>().unwrap().all().count().await.unwrap(), 30);
}

/// A store that cannot be read while a handler of several events waits for it is no fault of theirs: none is handed over singly,
/// nothing is set aside, and the projection goes on when the store does.
#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_hands_nothing_over_singly() {
    let faulty = FaultyStore::default();
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    // Where rows are stored already, others are looked up.
    commit(&store, [deposited("cem", 1)]).await;
    let (annals, handle) = run(&store, Batched::default(), never()).await;
    caught_up(&handle, &store).await;
    stop(annals).await;
    let batched = Batched::default();
    let (annals, handle) = run(&store, batched.clone(), never()).await;
    until_of(&handle, is_live).await;
    faulty.next_read(Reads::Rows, ReadFault::Fail(ReadError::Io { what: "reading".into(), reason: "no".into() }));
    commit(&store, [deposited("ada", 1), deposited("bob", 2)]).await;
    until_of(&handle, |status| matches!(status.state, State::Failed { retrying: true, .. })).await;
    assert_eq!(caught_up(&handle, &store).await.parked_events, 0);
    assert_eq!((batched.groups(), batched.singly()), (vec![vec![2, 3], vec![2, 3]], 0));
    check(&annals).await;
}

/// Events of one commit.
#[derive(Debug, Clone)]
enum Given {
    Deposit {
        tenant: u8,
        account: u8,
        cents: i64,
    },
    Torn {
        account: u8,
    },
    /// Of no interest.
    Opened,
}

fn given() -> impl Strategy<Value = Given> {
    let cents = prop_oneof![8 => -5_i64..13, 1 => Just(13)];
    prop_oneof![
        30 => (prop_oneof![4 => Just(0_u8), 1 => 1_u8..3], 0_u8..6, cents)
            .prop_map(|(tenant, account, cents)| Given::Deposit { tenant, account, cents }),
        1 => (0_u8..6).prop_map(|account| Given::Torn { account }),
        1 => Just(Given::Opened),
    ]
}

fn event_of(given: &Given) -> NewEvent {
    match given {
        Given::Deposit { tenant: 0, account, cents } => deposited(&format!("a{account}"), *cents),
        Given::Deposit { tenant, account, cents } => of_tenant(&format!("t{tenant}"), &format!("a{account}"), *cents),
        Given::Torn { account } => torn(&format!("a{account}")),
        Given::Opened => event("a0", &AccountEvent::Opened { owner: "x".into() }),
    }
}

/// What is left of a history: the rows of each tenant, and what is set aside.
type Left = (Vec<Vec<Balance>>, Vec<(String, u64, usize, u32, String)>);

async fn left<P: Projection>(commits: &[Vec<Given>], live: usize, projection: P, options: ProjectionOptions) -> Left {
    let store = store();
    let (history, present) = commits.split_at(live.min(commits.len()));
    for events in history {
        commit(&store, events.iter().map(event_of)).await;
    }
    let (annals, handle) = run(&store, projection, options).await;
    until_of(&handle, is_live).await;
    for events in present {
        commit(&store, events.iter().map(event_of)).await;
        tokio::task::yield_now().await;
    }
    caught_up(&handle, &store).await;
    let mut rows = vec![annals.view::<Balance>().unwrap().all().collect().await.unwrap()];
    for tenant in ["t1", "t2"] {
        let annals = annals.in_tenant(Tenant::new(tenant).unwrap());
        rows.push(annals.view::<Balance>().unwrap().all().collect().await.unwrap());
    }
    let parked = handle.parked().await.unwrap().into_iter();
    let parked = parked.map(|key| (key.stream.to_string(), key.position.get(), key.events, key.attempts, key.error));
    let mut parked: Vec<_> = parked.collect();
    parked.sort();
    stop(annals).await;
    (rows, parked)
}

/// P6, P8: whatever the history and the lanes, events that are handed over together leave the same rows as one event at a time,
/// and the same ones are set aside for the same reason.
#[test]
fn rows_are_the_same_either_way() {
    let cases = u32::try_from(soak::size("ANNALS_SOAK_BATCHED_HISTORIES", 100)).unwrap();
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_time: 20_000, ..Default::default() };
    let histories = (vec(vec(given(), 1..40), 1..12), 0_usize..12, 1_usize..5);
    let (at_once, alone) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let ran = TestRunner::new(config).run(&histories, |(commits, live, lanes)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let batched = Batched::poisoned_by(13);
            let together = left(&commits, live, batched.clone(), never().lanes(lanes)).await;
            let singly = left(&commits, live, Balances::poisoned_by(13, u64::MAX), never().lanes(lanes)).await;
            assert_eq!(together, singly);
            at_once.set(at_once.get() + batched.groups().len());
            alone.set(alone.get() + batched.singly());
        });
        Ok(())
    });
    ran.unwrap();
    assert!(at_once.get() > 0 && alone.get() > 0);
    soak::report(&format!("batched_histories={cases}"));
}
