//! Steps of several instances, which share a commit where they can.

use std::{collections::BTreeMap, sync::Arc};

use annals_core::{
    Annals, Commit, EventQuery, Limits, MemoryStore, ReadLog, Record, Store, SystemClock, Tenant, testing::commit_of,
};
use futures::TryStreamExt;

use crate::bank::*;

pub(crate) const TRANSFERS: usize = 20;

/// What is requested by the time that the saga first runs, so that it finds all of it at once.
pub(crate) async fn requested(store: &Arc<dyn Store>) {
    let user = Annals::over(Arc::clone(store)).open().await.unwrap();
    for user in [user.clone(), user.in_tenant(Tenant::new("acme").unwrap())] {
        open_account(&user, "ada", 100).await;
        open_account(&user, "bob", 0).await;
        for number in 0..TRANSFERS {
            request(&user, &format!("t{number}"), 1).await;
        }
    }
}

async fn records(bank: &Annals) -> Vec<Record> {
    let all = ReadLog::of(EventQuery::all().any_tenant());
    bank.store().read_log(all).try_collect().await.unwrap()
}

async fn assert_all_moved(bank: &Annals) {
    saga(bank).settled().await.unwrap();
    for bank in [bank.clone(), bank.in_tenant(Tenant::new("acme").unwrap())] {
        assert_eq!((cents(&bank, "ada").await, cents(&bank, "bob").await), (80, 20));
        for number in 0..TRANSFERS {
            assert_eq!(outcome(&bank, &format!("t{number}")).await.as_deref(), Some("moved"));
        }
    }
}

/// P7: what shares a commit takes effect once, as it would alone; what is of one tenant is in no commit of another.
#[tokio::test]
async fn instances_of_a_tenant_take_steps_in_one_commit() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    requested(&store).await;
    let bank = over(Arc::clone(&store), SystemClock).await;
    assert_all_moved(&bank).await;
    let mut steps: BTreeMap<_, Vec<Record>> = BTreeMap::new();
    for record in records(&bank).await.into_iter().filter(|record| record.event_type().as_str() == "saga.stepped") {
        steps.entry(record.commit()).or_default().push(record);
    }
    let first = |steps: &Vec<Record>| steps.iter().filter(|step| step.version() == annals_core::Version::FIRST).count();
    assert!(steps.values().map(first).filter(|first| *first > 0).count() < TRANSFERS / 2, "few commits of many steps");
    assert!(steps.values().all(|steps| steps.iter().all(|step| step.stream().tenant() == steps[0].stream().tenant())));
    bank.shut_down().await;
}

#[tokio::test]
async fn steps_that_are_too_much_for_one_commit_are_stored_alone() {
    let limits = Limits { commit_events: 1, ..Limits::default() };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with(limits, Arc::new(SystemClock)));
    requested(&store).await;
    let bank = over(Arc::clone(&store), SystemClock).await;
    assert_all_moved(&bank).await;
    bank.shut_down().await;
}

#[tokio::test]
async fn one_that_cannot_take_its_event_keeps_nobody_else_from_it() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    requested(&store).await;
    let mut commit = Commit::new();
    for number in [0, 1] {
        commit.events.extend(commit_of::<Transfer>(format!("t{number}"), [noted()]).events);
        commit.events.extend(commit_of::<Transfer>(format!("lost{number}"), [noted()]).events);
    }
    store.commit(commit).await.unwrap();
    let bank = over(Arc::clone(&store), SystemClock).await;
    assert_all_moved(&bank).await;
    let aside: Vec<_> = saga(&bank).aside().await.unwrap().into_iter().filter_map(|event| event.instance).collect();
    assert_eq!(aside.iter().map(|id| id.key.as_str()).collect::<Vec<_>>(), ["lost0", "lost1"]);
    bank.shut_down().await;
}

fn noted() -> TransferEvent {
    TransferEvent::Noted { text: "good luck".into() }
}
