//! Forgetting idempotency keys (P5, P14): those that are forgotten work again, the others answer, whatever is lost.

use std::{
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use annals_core::{
    Annals, Commit, CommitError, CommitNumber, ExecuteError, Executed, KeysBefore, Limits, LoggedTable, Once, Pruned,
    Receipt, Repetition, Scan, Store,
};
use async_trait::async_trait;
use futures::future::join_all;

use crate::{
    Harness, Setup,
    cancel::{poll_and_drop, polls},
    fixture::{Handle, commit, contents, head, keys, once, row, soon, tenant},
    keyed::{count, open, repeated},
    planted::{Fault, plant},
    tally::{Count, Tally},
};

/// Counts once under each of the keys `000`, `001` ...; the answers.
async fn fill(annals: &Annals, count_of_keys: usize) -> Vec<Executed<u64>> {
    let mut answers = Vec::new();
    for key in 0..count_of_keys {
        answers.push(count(annals, "one", 1, &format!("{key:03}")).await);
    }
    answers
}

/// Uses the keys `000`, `001` ... without commands, so that there are many of them soon.
async fn note(annals: &Annals, count_of_keys: usize) {
    // Futures are polled in this order, and so the commits are queued in it.
    let sent = (0..count_of_keys).map(|key| {
        let once = once(&format!("{key:03}"), "request", "");
        let key = once.key.clone().in_tenant(annals.tenant().cloned());
        commit(annals.store(), Commit::new().once(Once { key, ..once }))
    });
    join_all(sent).await;
}

/// The keys of the handle's tenant.
async fn known(annals: &Annals) -> Vec<String> {
    keys(annals.store(), Scan::all(LoggedTable::ONCE.in_tenant(annals.tenant().cloned()))).await
}

async fn prune(annals: &Annals, before: KeysBefore) -> Pruned {
    annals.prune_keys(before).await.expect("it prunes")
}

/// By commit and by recorded time, each border itself kept; another tenant keeps its keys.
pub async fn pruned_keys_work_again_and_kept_ones_answer<H: Harness>() {
    let setup = Setup::default();
    let harness = H::create(setup.clone()).await;
    let store = harness.store();
    let annals = open(store.clone()).await;
    let acme = annals.in_tenant(tenant("acme"));
    let other = count(&acme, "one", 1, "000").await;
    let old = fill(&annals, 3).await;
    let border = setup.clock.step(60);
    let new = count(&annals, "one", 1, "new").await;
    let pruned = prune(&annals, KeysBefore::Commit(old[1].receipt.commit)).await;
    assert_eq!(pruned, Pruned { looked_at: 4, forgotten: 1, kept: 3 });
    for (key, first) in ["001", "002", "new"].iter().zip([&old[1], &old[2], &new]) {
        assert_eq!(count(&annals, "one", 1, key).await, repeated(first));
    }
    let pruned = prune(&annals, KeysBefore::Recorded(border)).await;
    assert_eq!(pruned, Pruned { looked_at: 3, forgotten: 2, kept: 1 });
    for key in ["000", "001", "002"] {
        let again = count(&annals, "one", 7, key).await;
        assert!(!again.receipt.repeated, "also with other content");
        assert_eq!(count(&annals, "one", 7, key).await, repeated(&again));
    }
    assert_eq!(count(&annals, "one", 1, "new").await, repeated(&new));
    assert_eq!(count(&acme, "one", 1, "000").await, repeated(&other));
    let refused = annals.prune_keys(KeysBefore::Commit(head(&store).commit.next())).await;
    assert!(refused.is_err(), "{refused:?}");
}

/// Three keys, of which the second is kept, the first is forgotten and the third is forgotten and used again.
struct Three {
    kept: Executed<u64>,
    again: Executed<u64>,
}

impl Three {
    async fn prepare(store: Handle) -> Self {
        let annals = open(store).await;
        for key in ["forgotten", "again"] {
            count(&annals, "one", 1, key).await;
        }
        let kept = count(&annals, "one", 2, "kept").await;
        let pruned = prune(&annals, KeysBefore::Commit(kept.receipt.commit)).await;
        assert_eq!(pruned, Pruned { looked_at: 3, forgotten: 2, kept: 1 });
        let again = count(&annals, "one", 3, "again").await;
        assert_eq!((known(&annals).await, again.receipt.repeated), (vec!["again".into(), "kept".into()], false));
        Self { kept, again }
    }

    async fn check(&self, store: Handle) {
        let annals = open(store).await;
        assert_eq!(known(&annals).await, ["again", "kept"]);
        assert_eq!(count(&annals, "one", 2, "kept").await, repeated(&self.kept));
        assert_eq!(count(&annals, "one", 3, "again").await, repeated(&self.again));
        let first = annals.on::<Tally>("one").send(Count { by: 1 }).idempotency_key("again").await;
        assert!(matches!(first, Err(ExecuteError::KeyReused { .. })), "the request before the prune is forgotten");
    }

    /// Last, because it uses the forgotten key.
    async fn check_forgotten(&self, store: Handle) {
        let annals = open(store).await;
        let executed = count(&annals, "one", 1, "forgotten").await;
        assert_eq!((executed.reply, executed.receipt.repeated), (8, false));
        assert_eq!(known(&annals).await, ["again", "forgotten", "kept"]);
    }
}

/// What was forgotten stays so over restarts.
pub async fn pruned_keys_stay_pruned_after_reopening<H: Harness>() {
    if !crate::survives::<H>("pruned_keys_stay_pruned_after_reopening") {
        return;
    }
    let mut harness = H::create(Setup::default()).await;
    let three = Three::prepare(harness.store()).await;
    for _ in 0..2 {
        harness.reopen().await;
        three.check(harness.store()).await;
    }
    three.check_forgotten(harness.store()).await;
}

/// P14: the prune is in the log, so what is built from the log alone agrees.
pub async fn a_rebuilt_index_agrees_about_pruned_keys<H: Harness>() {
    let mut harness = H::create(Setup::default()).await;
    let three = Three::prepare(harness.store()).await;
    let before = contents(&harness.store()).await.logged();
    if !harness.lose_index().await {
        eprintln!("a_rebuilt_index_agrees_about_pruned_keys does not apply: this store builds nothing from its log");
        return;
    }
    assert_eq!(contents(&harness.store()).await.logged(), before);
    three.check(harness.store()).await;
    harness.reopen().await;
    three.check(harness.store()).await;
    three.check_forgotten(harness.store()).await;
    harness.lose_index().await;
    assert_eq!(known(&open(harness.store()).await).await, ["again", "forgotten", "kept"]);
}

/// No fault of a store, but somebody who is quicker: before the first commit that forgets keys, the same keys are
/// forgotten and used again.
struct UsesThemAgain {
    is_done: AtomicBool,
}

#[async_trait]
impl Fault for UsesThemAgain {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self { is_done: AtomicBool::new(false) }
    }

    async fn commit(&self, store: &Handle, pruning: Commit) -> Result<Receipt, CommitError> {
        if !self.is_done.load(Ordering::SeqCst) {
            store.commit(pruning.clone()).await?;
            self.is_done.store(true, Ordering::SeqCst);
            for row in &pruning.rows {
                let key = std::str::from_utf8(&row.key).expect("the key is text");
                commit(store, Commit::new().once(once(key, "later", "later"))).await;
            }
        }
        store.commit(pruning).await
    }
}

/// P4: a prune deletes only what it looked at; it goes on with what is still to be forgotten.
pub async fn a_key_that_is_used_again_while_it_is_pruned_is_kept<H: Harness>() {
    let harness = H::create(Setup { limits: Limits { commit_rows: 3, ..Limits::default() }, ..Setup::default() }).await;
    let store = harness.store();
    let annals = open(plant::<UsesThemAgain>(store.clone(), 0)).await;
    note(&open(store.clone()).await, 7).await;
    let border = head(&store).commit;
    let pruned = prune(&annals, KeysBefore::Commit(border)).await;
    assert_eq!(pruned, Pruned { looked_at: 7, forgotten: 3, kept: 4 });
    assert_eq!(known(&annals).await, ["000", "001", "002", "006"]);
    for key in ["000", "001", "002"] {
        let found = row(&store, LoggedTable::ONCE, key).await.expect("it is there");
        let found = Repetition::decode(&found).expect("a repetition");
        assert!(found.receipt.commit > border, "{key} is the later one");
    }
}

/// Commands go on beside a prune, and what they have just used is not forgotten.
pub async fn commands_beside_a_prune_keep_their_keys<H: Harness>() {
    let harness = H::create(Setup { limits: Limits { commit_rows: 5, ..Limits::default() }, ..Setup::default() }).await;
    let annals = open(harness.store()).await;
    note(&annals, 200).await;
    let border = KeysBefore::Commit(CommitNumber::from(200));
    let prunes = (0..2).map(|_| {
        let annals = annals.clone();
        tokio::spawn(async move { prune(&annals, border).await.forgotten })
    });
    let prunes: Vec<_> = prunes.collect();
    let senders = (0..4).map(|sender| {
        let annals = annals.clone();
        tokio::spawn(async move {
            for number in 0..25 {
                // Between the old ones, so that the prune comes by before and behind.
                let key = format!("{:03}-{sender}", number * 8);
                let first = count(&annals, &format!("of-{sender}"), 1, &key).await;
                assert!(!first.receipt.repeated, "{key} is new");
                assert_eq!(count(&annals, &format!("of-{sender}"), 1, &key).await, repeated(&first));
            }
        })
    });
    for sender in soon("the commands", join_all(senders)).await {
        sender.expect("each has its effect and its answer");
    }
    let forgotten: Vec<_> =
        soon("the prunes", join_all(prunes)).await.into_iter().map(|prune| prune.expect("no panic")).collect();
    assert_eq!(forgotten.iter().sum::<u64>(), 199, "each key once, by one of them");
    assert_eq!(known(&annals).await.len(), 101);
}

/// P12: dropped after more and more polls; what is gone are whole pieces, and the next prune goes on behind them.
pub async fn a_dropped_prune_leaves_whole_pieces_and_goes_on<H: Harness>() {
    const PIECE: usize = 3;
    let harness =
        H::create(Setup { limits: Limits { commit_rows: PIECE, ..Limits::default() }, ..Setup::default() }).await;
    let all = open(harness.store()).await;
    for polls in polls() {
        let annals = all.in_tenant(tenant(&format!("of-{polls}")));
        note(&annals, 4 * PIECE).await;
        let border = KeysBefore::Commit(count(&annals, "one", 1, "new").await.receipt.commit);
        let was_ready = poll_and_drop(polls, annals.prune_keys(border).into_future()).await;
        // Queued behind the dropped one, so that its outcome is settled when it returns.
        note(&all, 1).await;
        let old = known(&annals).await.len() - 1;
        assert!(old.is_multiple_of(PIECE), "{old} are left after {polls} polls");
        let pruned = prune(&annals, border).await;
        assert_eq!(pruned, Pruned { looked_at: old as u64 + 1, forgotten: old as u64, kept: 1 });
        if was_ready {
            assert_eq!(old, 0);
            return;
        }
    }
}
