//! What follows from an event and cannot be stored, records that cannot be read, and stores that cannot: whose fault it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use annals_core::{
    Annals, EventType, NewEvent, ReadError, Store, kinds,
    testing::{FaultyStore, ReadFault, Reads},
};
use annals_projections::{
    BoxError, EventContext, Incoming, KeyBytes, Projection, ProjectionHandle, ProjectionOptions, ReadModels, Retry,
    Row, RowKey, Rows, State, Status, Subscription, Tables, WithProjections,
};
use serde::{Deserialize, Serialize};

use crate::bank::*;

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

/// Collects the owners of an account. Until it is cured the owner `huge` makes a row that no store takes, and the owner
/// `fails` an error.
#[derive(Clone, Default)]
struct Notes {
    cured: Arc<AtomicBool>,
}

impl Projection for Notes {
    const NAME: &'static str = "notes";
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        Subscription::new().kinds(kinds![AccountEvent::Opened])
    }
    fn tables(&self) -> Tables {
        Tables::new().with::<Note>()
    }

    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        let Some(AccountEvent::Opened { owner }) = event.get::<AccountEvent>() else { return Ok(()) };
        let account = cx.key().to_owned();
        let before = rows.get::<Note>(&account).await?.map_or_else(String::new, |note| note.text);
        let mut text = format!("{before}{owner},");
        if !self.cured.load(Ordering::SeqCst) {
            match owner.as_str() {
                "huge" => text = "x".repeat(2 << 20),
                "fails" => return Err("it fails".into()),
                _ => {}
            }
        }
        rows.put(Note { account, text })?;
        Ok(())
    }
}

fn opened(account: &str, owner: &str) -> NewEvent {
    event(account, &AccountEvent::Opened { owner: owner.into() })
}

fn torn(account: &str) -> NewEvent {
    NewEvent::new(stream(account), EventType::new("account.deposited").unwrap(), b"torn".as_slice())
}

async fn open_notes(store: &Arc<dyn Store>, notes: &Notes, options: ProjectionOptions) -> (Annals, ProjectionHandle) {
    let annals = Annals::over(Arc::clone(store)).projection_with(notes.clone(), options).open().await.unwrap();
    let handle = ReadModels::projection::<Notes>(&annals).unwrap();
    (annals, handle)
}

async fn until_of(handle: &ProjectionHandle, wanted: impl Fn(&Status) -> bool) -> Status {
    let mut watch = handle.watch();
    let waited = tokio::time::timeout(Duration::from_secs(600), watch.wait_for(wanted)).await;
    waited.unwrap_or_else(|_| panic!("it is {:?}", handle.status())).unwrap().clone()
}

async fn note(annals: &Annals, account: &str) -> Option<String> {
    let row = annals.view::<Note>().unwrap().get(account.to_owned()).await.unwrap();
    row.map(|note| note.text)
}

/// P8, F23: a row that no store takes is the fault of its event: it is tried, set aside for good, and the others go on.
#[tokio::test(start_paused = true)]
async fn a_row_that_no_store_takes_is_set_aside_after_its_attempts() {
    let (store, notes) = (store(), Notes::default());
    commit(&store, [opened("ada", "huge"), opened("bob", "b"), opened("ada", "y")]).await;
    let (annals, handle) = open_notes(&store, &notes, ProjectionOptions::default()).await;
    let status = until_of(&handle, |status| status.parked_keys == 1).await;
    assert_eq!((status.parked_events, status.position, status.state), (2, head(&store), State::Live));
    assert_eq!((note(&annals, "bob").await.as_deref(), note(&annals, "ada").await), (Some("b,"), None));
    let ada = handle.parked().await.unwrap().remove(0);
    assert_eq!((ada.position.get(), ada.attempts, ada.events), (1, 5, 2));
    assert!(ada.error.contains("at most 1048576"), "{}", ada.error);
    notes.cured.store(true, Ordering::SeqCst);
    assert_eq!(handle.replay(&ada).await.unwrap(), 2);
    assert_eq!(note(&annals, "ada").await.as_deref(), Some("huge,y,"));
}

/// P8: two events of one key that fail, in different ways and of one piece of the log, are both set aside, each once.
#[tokio::test(start_paused = true)]
async fn failures_of_one_key_are_set_aside_behind_each_other() {
    let (store, notes) = (store(), Notes::default());
    let owners = ["huge", "x", "fails", "y", "fails"];
    commit(&store, owners.map(|owner| opened("ada", owner))).await;
    let (annals, handle) = open_notes(&store, &notes, ProjectionOptions::default().retry(Retry::never())).await;
    let status = until_of(&handle, |status| status.position == head(&store)).await;
    assert_eq!((status.parked_keys, status.parked_events), (1, 5));
    let ada = handle.parked().await.unwrap().remove(0);
    assert_eq!((ada.position.get(), ada.events), (1, 5));
    notes.cured.store(true, Ordering::SeqCst);
    assert_eq!(handle.replay(&ada).await.unwrap(), 5);
    assert_eq!(note(&annals, "ada").await.unwrap(), "huge,x,fails,y,fails,");
    assert_eq!(until_of(&handle, |status| status.parked_events == 0).await.parked_keys, 0);
}

/// P6, P8: a record that cannot be read takes nothing back of what the event before it wrote.
#[tokio::test(start_paused = true)]
async fn an_undecodable_record_undoes_nothing_of_the_event_before_it() {
    let store = store();
    commit(&store, [deposited("bob", 2), torn("ada"), deposited("eve", 3), deposited("bob", 4), torn("bob")]).await;
    let annals = open(&store, &Balances::default(), ProjectionOptions::default()).await;
    until(&annals, |status| status.parked_keys == 2 && status.position == head(&store)).await;
    check(&annals).await;
}

/// A read of the store that fails while a handler waits for it is no fault of the event, however long it goes on: nothing is set
/// aside, and the projection goes on when the store does.
#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_sets_nothing_aside() {
    let faulty = FaultyStore::default();
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    let balances = Balances::default();
    // Where rows are stored already, others are looked up.
    commit(&store, [deposited("cem", 1)]).await;
    let annals = open(&store, &balances, ProjectionOptions::default()).await;
    until(&annals, |status| is_live(status) && status.position == head(&store)).await;
    stop(annals).await;
    let annals = open(&store, &balances, ProjectionOptions::default()).await;
    until(&annals, is_live).await;
    for round in 0..20 {
        // The first read is the handler's; the others are those of the next start.
        faulty.next_read(Reads::Rows, ReadFault::Fail(ReadError::Io { what: "reading".into(), reason: "no".into() }));
        let receipt = commit(&store, [deposited("ada", round), deposited(&format!("a{round}"), 1)]).await;
        until(&annals, |status| matches!(status.state, State::Failed { retrying: true, .. })).await;
        let status = until(&annals, |status| is_live(status) && status.position == head(&store)).await;
        assert_eq!((status.parked_events, status.retrying_keys), (0, 0));
        handle(&annals).wait_for(&receipt).await.unwrap();
        check(&annals).await;
    }
}
