use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::{
    account::{Account, Deposit},
    testing::{CommitFault, FaultyStore},
    *,
};

/// A clock that a test moves.
#[derive(Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

impl Hands {
    fn stand_at(&self, second: i64) {
        self.0.store(second * 1_000_000, Ordering::SeqCst);
    }
}

fn second(number: u64) -> Timestamp {
    Timestamp::EPOCH.saturating_add(Duration::from_secs(number))
}

async fn over(store: MemoryStore) -> Annals {
    Annals::over(store).open().await.unwrap()
}

async fn send(annals: &Annals, key: &str) -> bool {
    annals.on::<Account>("a").send(Deposit { amount: 1 }).idempotency_key(key).await.unwrap().receipt.repeated
}

/// Keys `000`, `001` ..., each of a commit of its own; the first is commit 1.
async fn fill(annals: &Annals, count: usize) {
    for key in 0..count {
        assert!(!send(annals, &format!("{key:03}")).await);
    }
}

/// The same with nothing but the keys.
async fn note(annals: &Annals, count: usize) {
    for key in 0..count {
        let key = IdempotencyKey::new(format!("{key:03}")).unwrap();
        annals
            .store()
            .commit(Commit::new().once(Once { key, digest: Digest::of(&[]), answer: "".into() }))
            .await
            .unwrap();
    }
}

async fn keys(annals: &Annals) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Some(Scan::all(LoggedTable::ONCE.in_tenant(annals.tenant().cloned())));
    while let Some(scan) = next {
        let page = annals.store().scan(scan).await.unwrap();
        found.extend(page.rows.into_iter().map(|(key, _)| String::from_utf8(key.to_vec()).unwrap()));
        next = page.next;
    }
    found
}

fn commits(number: u32) -> KeysBefore {
    KeysBefore::Commit(CommitNumber::from(number))
}

fn head(annals: &Annals) -> u64 {
    annals.store().head().borrow().commit.get()
}

/// Forgets `key` and uses it again, as two commits of somebody else.
fn used_again(key: &str) -> [Commit; 2] {
    let once = Once { key: IdempotencyKey::new(key).unwrap(), digest: Digest::of(&[b"new"]), answer: "new".into() };
    [Commit::new().row(RowWrite::delete(LoggedTable::ONCE, key.to_owned())), Commit::new().once(once)]
}

#[tokio::test]
async fn keys_before_a_commit_are_forgotten_and_it_is_not() {
    let annals = over(MemoryStore::new()).await;
    fill(&annals, 5).await;
    let pruned = annals.prune_keys(commits(3)).await.unwrap();
    assert_eq!(pruned, Pruned { looked_at: 5, forgotten: 2, kept: 3 });
    assert_eq!(keys(&annals).await, ["002", "003", "004"]);
    assert_eq!(head(&annals), 6, "one commit for all of them");
    assert!(!send(&annals, "000").await && send(&annals, "002").await);
    assert_eq!(annals.prune_keys(commits(0)).await.unwrap(), Pruned { looked_at: 4, forgotten: 0, kept: 4 });
    assert_eq!(head(&annals), 7, "nothing to forget is no commit");
}

#[tokio::test]
async fn keys_before_a_time_are_forgotten_and_those_of_it_are_not() {
    let clock = Arc::new(Hands::default());
    let annals = over(MemoryStore::with(Limits::default(), clock.clone())).await;
    for (time, key) in [(10, "c"), (20, "b"), (20, "d"), (30, "a")] {
        clock.stand_at(time);
        send(&annals, key).await;
    }
    let prune = async |time| annals.prune_keys(KeysBefore::Recorded(time)).await.unwrap().forgotten;
    assert_eq!((prune(second(10)).await, prune(second(20)).await), (0, 1));
    assert_eq!(keys(&annals).await, ["a", "b", "d"]);
    // Times are the store's, not the clock's of now.
    clock.stand_at(0);
    assert_eq!(prune(second(20).saturating_add(Duration::from_micros(1))).await, 2);
    assert_eq!(prune(second(1_000_000)).await, 1);
}

#[tokio::test]
async fn a_commit_beyond_the_head_is_refused() {
    let annals = over(MemoryStore::new()).await;
    fill(&annals, 3).await;
    annals.prune_keys(commits(3)).await.unwrap();
    let error = annals.prune_keys(commits(5)).await.unwrap_err();
    assert_eq!(error.to_string(), "keys before commit 5 cannot be forgotten, the latest commit is 4");
    assert!(matches!(error, PruneError::BeyondHead { .. }));
    assert_eq!(keys(&annals).await, ["002"]);
    annals.shut_down().await;
    let error = annals.prune_keys(commits(1)).await.unwrap_err();
    assert!(matches!(error, PruneError::Read(ReadError::ShutDown)), "{error:?}");
}

#[tokio::test]
async fn only_the_own_tenant_is_pruned() {
    let annals = over(MemoryStore::new()).await;
    let acme = annals.in_tenant(Tenant::new("acme").unwrap());
    for handle in [&annals, &acme, &annals, &acme] {
        send(handle, &format!("{}", head(handle))).await;
    }
    assert_eq!(acme.prune_keys(commits(4)).await.unwrap(), Pruned { looked_at: 2, forgotten: 1, kept: 1 });
    assert_eq!((keys(&annals).await, keys(&acme).await), (vec!["0".into(), "2".into()], vec!["3".into()]));
}

#[tokio::test]
async fn pieces_respect_the_limits_of_the_store() {
    for limits in [
        Limits { commit_rows: 7, ..Limits::default() },
        Limits { commit_conditions: 1, ..Limits::default() },
        Limits { commit_bytes: 40, ..Limits::default() },
    ] {
        let annals = over(MemoryStore::with(limits, Arc::new(SystemClock))).await;
        note(&annals, 40).await;
        let pruned = annals.prune_keys(commits(33)).await.unwrap();
        assert_eq!(pruned, Pruned { looked_at: 40, forgotten: 32, kept: 8 }, "{limits:?}");
        assert_eq!(keys(&annals).await.len(), 8);
    }
    // A store that takes not even one row ends the prune instead of keeping it busy for ever.
    let annals = over(MemoryStore::with(Limits { commit_rows: 0, ..Limits::default() }, Arc::new(SystemClock))).await;
    note(&annals, 2).await;
    let error = annals.prune_keys(commits(2)).await.unwrap_err();
    assert!(matches!(error, PruneError::Store(CommitError::Invalid(_))), "{error:?}");
}

#[tokio::test]
async fn a_key_that_is_used_again_meanwhile_is_kept() {
    for before in [commits(4), KeysBefore::Recorded(second(1 << 40))] {
        let store = FaultyStore::default();
        let annals = Annals::over(store.clone()).open().await.unwrap();
        fill(&annals, 4).await;
        let gone = Commit::new().row(RowWrite::delete(LoggedTable::ONCE, "002"));
        store.next_commit(CommitFault::InTurn(
            used_again("001").into_iter().chain([gone]).map(CommitFault::SomebodyFirst).collect(),
        ));
        let pruned = annals.prune_keys(before).await.unwrap();
        let late = u64::from(before == commits(4));
        assert_eq!(pruned, Pruned { looked_at: 4, forgotten: 2 - late, kept: 1 + late });
        let kept = keys(&annals).await;
        assert_eq!(kept.first().map(String::as_str), Some("001"), "{kept:?}");
        let again = annals.on::<Account>("a").send(Deposit { amount: 1 }).idempotency_key("001").await;
        assert!(matches!(again, Err(ExecuteError::KeyReused { .. })), "it belongs to the later request: {again:?}");
    }
}

#[tokio::test]
async fn progress_is_told_and_ends_with_the_report() {
    let annals = over(MemoryStore::new()).await;
    note(&annals, 600).await;
    let mut told = Vec::new();
    let pruned = annals.prune_keys(commits(600)).progress(|so_far| told.push(so_far)).await.unwrap();
    let looked_at: Vec<_> = told.iter().map(|so_far| so_far.looked_at).collect();
    assert_eq!((looked_at, told.last()), (vec![256, 512, 600], Some(&pruned)));
    assert_eq!(head(&annals), 603, "a commit a piece");
}

#[tokio::test]
async fn a_prune_that_failed_half_way_goes_on() {
    let store = FaultyStore::default();
    let annals = Annals::over(store.clone()).open().await.unwrap();
    note(&annals, 600).await;
    let mut told = Vec::new();
    let fail = |so_far: Pruned| {
        told.push(so_far.forgotten);
        store.next_commit(CommitFault::Fail(CommitError::OutcomeUnknown { reason: "power".into() }));
    };
    let error = annals.prune_keys(commits(600)).progress(fail).await.unwrap_err();
    assert!(matches!(error, PruneError::Store(CommitError::OutcomeUnknown { .. })), "{error:?}");
    assert_eq!((told, keys(&annals).await.len()), (vec![256], 344));
    // A conflict about rows that are what they were: a store that is wrong keeps nobody busy for ever.
    store.next_commit(CommitFault::Fail(CommitError::Conflict { failures: Vec::new() }));
    let error = annals.prune_keys(commits(600)).await.unwrap_err();
    assert!(matches!(error, PruneError::Store(CommitError::Conflict { .. })), "{error:?}");
    let pruned = annals.prune_keys(commits(600)).await.unwrap();
    assert_eq!(pruned, Pruned { looked_at: 344, forgotten: 343, kept: 1 });
}
