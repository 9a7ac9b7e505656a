//! What follows from several pieces of the log is stored at once while a projection catches up.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use annals_conformance::planted::{Fault, behind};
use annals_core::{
    Annals, ApplyError, Commit, EventType, NewEvent, ReadError, RowBatch, Store, Table, async_trait, codec::Bytes,
};
use annals_projections::{
    BoxError, EventContext, Incoming, KeyBytes, Projection, ProjectionHandle, ProjectionOptions, ReadModels, Retry,
    Row, RowKey, Rows, State, Subscription, Tables, WithProjections,
};
use serde::{Deserialize, Serialize};

use crate::{bank::*, stores::Unruly};

/// Counts batches with rows of read models, and rows that are looked up.
#[derive(Clone, Default)]
struct Counting {
    batches: Arc<AtomicU64>,
    lookups: Arc<AtomicU64>,
}

#[async_trait]
impl Fault for Counting {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self::default()
    }

    async fn apply(&self, store: &Arc<dyn Store>, batch: RowBatch) -> Result<(), ApplyError> {
        if batch.rows.iter().any(|row| !row.table.name().starts_with('$')) {
            self.batches.fetch_add(1, Ordering::SeqCst);
        }
        store.apply(batch).await
    }

    async fn get(&self, store: &Arc<dyn Store>, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        let is_row = |table: &Table| matches!(table, Table::Derived(table) if !table.name().starts_with('$'));
        let rows = keys.iter().filter(|(table, _)| is_row(table)).count();
        self.lookups.fetch_add(u64::try_from(rows).unwrap(), Ordering::SeqCst);
        store.get(keys).await
    }
}

/// A log of so many deposits of a cent, over fifty accounts, and of one with another event at some of them.
async fn log(deposits: usize, others: &BTreeMap<usize, NewEvent>) -> Arc<dyn Store> {
    let store = store();
    for first in (0..deposits).step_by(1000) {
        let event = |number: usize| {
            let other = others.get(&number).cloned();
            other.unwrap_or_else(|| deposited(&format!("a{}", number % 50), 1))
        };
        store.commit(Commit::of((first..first + 1000).map(event))).await.unwrap();
    }
    store
}

/// A row that changes with every piece of the log is stored once for several of them, and none is looked up that cannot be there.
#[tokio::test]
async fn a_row_that_changes_often_is_stored_seldom() {
    for lanes in [1, 4] {
        let (counting, inner) = (Counting::default(), log(60_000, &BTreeMap::new()).await);
        let store = behind(inner, counting.clone());
        let options = ProjectionOptions::default().lanes(lanes);
        let annals = open(&store, &Balances::default(), options.clone()).await;
        until(&annals, |status| is_live(status) && status.position == head(&store)).await;
        let lookups = counting.lookups.load(Ordering::SeqCst);
        check(&annals).await;
        // Fifteen pieces. How often half a second passes meanwhile is the machine's.
        let batches = counting.batches.load(Ordering::SeqCst);
        assert!(batches < 15 * u64::try_from(lanes).unwrap(), "{batches} batches");
        assert_eq!(lookups, 0);
        stop(annals).await;

        // Where rows are stored, they are looked up.
        let annals = open(&store, &Balances::default(), options).await;
        let receipt = commit(&store, [deposited("a1", 1)]).await;
        handle(&annals).wait_for(&receipt).await.unwrap();
        assert!(counting.lookups.load(Ordering::SeqCst) > 0);
        check(&annals).await;
    }
}

/// P8: what cannot be stored, or fails, in the middle of what is gathered is set aside alone, whatever is gathered with it.
#[tokio::test]
async fn what_stands_in_the_way_is_set_aside_alone() {
    let owner = |account: &str, owner: &str| event(account, &AccountEvent::Opened { owner: owner.into() });
    let torn = NewEvent::new(stream("torn"), EventType::new("account.opened").unwrap(), b"torn".as_slice());
    let others = BTreeMap::from([
        (3, owner("ada", "a")),
        (700, owner("huge", "huge")),
        (4500, owner("ada", "b")),
        (9000, owner("huge", "x")),
        (9500, owner("fails", "fails")),
        (13_000, torn),
        (13_001, owner("ada", "c")),
        (19_000, owner("huge", "huge")),
        (19_001, owner("bob", "d")),
    ]);
    for lanes in [1, 4] {
        let store = log(20_000, &others).await;
        let options = ProjectionOptions::default().lanes(lanes).retry(Retry::never());
        let annals = Annals::over(store.clone()).projection_with(Notes, options).open().await.unwrap();
        let handle = annals.projection::<Notes>().unwrap();
        is_done(&handle, &store).await;
        let notes = annals.view::<Note>().unwrap().all().collect().await.unwrap();
        let texts: Vec<_> = notes.iter().map(|note| (note.account.as_str(), note.text.as_str())).collect();
        assert_eq!(texts, [("ada", "a,b,c,"), ("bob", "d,")]);
        let parked = handle.parked().await.unwrap();
        let mut parked: Vec<_> = parked.iter().map(|key| (key.position.get(), key.events)).collect();
        parked.sort_unstable();
        assert_eq!(parked, [(701, 3), (9501, 1), (13_001, 1)], "{lanes} lanes");
    }
}

/// P6: a projection that is stopped while it gathers, again and again, has each event once.
#[tokio::test]
async fn a_stop_in_the_middle_loses_nothing_and_takes_nothing_twice() {
    for lanes in [1, 4] {
        let store = log(60_000, &BTreeMap::new()).await;
        for polls in (0..40).map(|round| round * 7) {
            let annals = open(&store, &Balances::default(), ProjectionOptions::default().lanes(lanes)).await;
            for _ in 0..polls {
                tokio::task::yield_now().await;
            }
            let is_dropped = polls % 2 == 0;
            if is_dropped { drop(annals) } else { stop(annals).await }
        }
        let annals = open(&store, &Balances::default(), ProjectionOptions::default().lanes(lanes)).await;
        until(&annals, |status| is_live(status) && status.position == head(&store)).await;
        check(&annals).await;
    }
}

/// P6: what an operator asks for in between, and what comes of it, takes nothing back of what is gathered.
#[tokio::test]
async fn a_replay_in_between_takes_nothing_back() {
    let opened = |account: &str, owner: &str| event(account, &AccountEvent::Opened { owner: owner.into() });
    for lanes in [1, 4] {
        // Calls take several polls, so that there is an in between.
        let store = behind(store(), Unruly::restless());
        commit(&store, [opened("huge", "huge")]).await;
        let options = ProjectionOptions::default().lanes(lanes).retry(Retry::never());
        let annals = Annals::over(store.clone()).projection_with(Notes, options.clone()).open().await.unwrap();
        is_done(&annals.projection::<Notes>().unwrap(), &store).await;
        stop(annals).await;
        for _ in 0..40 {
            commit(&store, (0..1000).map(|number| opened(&format!("a{}", number % 50), "b"))).await;
        }
        let annals = Annals::over(store.clone()).projection_with(Notes, options).open().await.unwrap();
        let handle = annals.projection::<Notes>().unwrap();
        let huge = handle.parked().await.unwrap().remove(0);
        while handle.status().position < head(&store) {
            assert_eq!(handle.replay(&huge).await.unwrap(), 0, "no store takes it");
            tokio::task::yield_now().await;
        }
        let notes = annals.view::<Note>().unwrap().all().collect().await.unwrap();
        assert_eq!(notes.iter().map(|note| note.text.len()).collect::<Vec<_>>(), [2 * 800; 50]);
    }
}

/// P13: where a projection says that it is, it is: what is gathered is not told before it is stored.
#[tokio::test]
async fn a_position_is_told_when_it_is_stored() {
    for lanes in [1, 4] {
        let (store, options) = (log(1000, &BTreeMap::new()).await, ProjectionOptions::default().lanes(lanes));
        let annals = open(&store, &Balances::default(), options.clone()).await;
        until(&annals, |status| is_live(status) && status.position == head(&store)).await;
        stop(annals).await;
        for _ in 0..60 {
            commit(&store, (0..1000).map(|number| deposited(&format!("a{}", number % 50), 1))).await;
        }
        let annals = open(&store, &Balances::default(), options).await;
        let mut status = handle(&annals).watch();
        let mut seen = 0;
        loop {
            let position = status.borrow_and_update().position;
            let rows = annals.view::<Balance>().unwrap().all().collect().await.unwrap();
            let events = rows.iter().map(|row| row.events).sum::<u64>();
            assert!(events >= position.get(), "{events} events in the rows at position {position}");
            seen += 1;
            if position == head(&store) {
                break;
            }
            status.changed().await.unwrap();
        }
        assert!(seen > 1);
    }
}

async fn is_done(handle: &ProjectionHandle, store: &Arc<dyn Store>) {
    let mut status = handle.watch();
    let done = status.wait_for(|status| status.state == State::Live && status.position == head(store));
    tokio::time::timeout(std::time::Duration::from_secs(60), done).await.unwrap().unwrap();
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    account: String,
    text: String,
}

impl Row for Note {
    const TABLE: &'static str = "notes";
    const KEYED_BY_LANE: bool = true;
    type Key = String;

    fn write_key(&self, key: &mut KeyBytes) {
        self.account.write(key);
    }
    fn write_index(&self, _: usize, _: &mut KeyBytes) {}
}

/// Collects the owners of an account; `huge` makes a row that no store takes, `fails` an error.
struct Notes;

impl Projection for Notes {
    const NAME: &'static str = "notes";
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        Subscription::new().kinds(annals_core::kinds![AccountEvent::Opened])
    }
    fn tables(&self) -> Tables {
        Tables::new().with::<Note>()
    }

    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        let Some(AccountEvent::Opened { owner }) = event.get::<AccountEvent>() else { return Ok(()) };
        let account = cx.key().to_owned();
        let before = rows.get::<Note>(&account).await?.map_or_else(String::new, |note| note.text);
        let text = match owner.as_str() {
            "huge" => "x".repeat(2 << 20),
            "fails" => return Err("it fails".into()),
            owner => format!("{before}{owner},"),
        };
        rows.put(Note { account, text })?;
        Ok(())
    }
}
