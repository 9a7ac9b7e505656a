//! Repeated requests: the first receipt and the first answer.

use annals_core::{
    Commit, CommitError, Condition, Expected, IdempotencyKey, LoggedTable, Once, Receipt, Repetition, RowWrite,
};
use futures::future::join_all;

use crate::{Harness, Setup, fixture::*};

fn repeated(first: &Receipt) -> Receipt {
    Receipt { repeated: true, ..first.clone() }
}

/// A.38, A.44, A.46, A.64, P5, G.64: whatever happened in between, over one stream and over several.
pub async fn a_repeated_key_gives_the_first_receipt_and_answer<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let request = || {
        let events = [event("a-1", "x"), event("b-1", "y"), event("a-1", "z")];
        Commit::of(events).row(put("names", "ada", "1")).once(once("key", "request", "42"))
    };
    let first = commit(&store, request()).await;
    assert!(!first.repeated);
    assert_eq!(first.answer, "42");
    commit(&store, append("a-1", 3, Expected::Any).row(put("names", "ada", "2"))).await;
    let before = contents(&store).await;
    for _ in 0..3 {
        assert_eq!(commit(&store, request()).await, repeated(&first));
    }
    assert_eq!(contents(&store).await, before);
}

/// A.44, A.52, G.30, P5: a repetition succeeds though its conditions would now fail.
pub async fn a_repetition_is_known_before_conditions_are_looked_at<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let request = || {
        append("a-1", 2, Expected::Empty)
            .when(Condition::none_match(any_of([of_type("noted")]), position(0)))
            .once(once("key", "request", ""))
    };
    let first = commit(&store, request()).await;
    assert_eq!(commit(&store, request()).await, repeated(&first));
    assert_eq!(versions_of(&store, "a-1").await, [1, 2]);
}

/// A.50: same key, other content is an error that names the key and both digests, never a write, never a first answer;
/// it is found before conditions are looked at.
pub async fn another_request_under_the_key_is_refused<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 1, Expected::Any).once(once("key", "request", "42"))).await;
    let before = contents(&store).await;
    for expected in [Expected::Any, Expected::Empty, at(1)] {
        let other = append("a-1", 1, expected).once(once("key", "another", "43"));
        match store.commit(other).await {
            Err(CommitError::KeyReused { key, recorded, found }) => {
                assert_eq!(key, once("key", "", "").key);
                assert_eq!(recorded, once("key", "request", "").digest);
                assert_eq!(found, once("key", "another", "").digest);
            }
            other => panic!("expected the key to be refused, found {other:?}"),
        }
    }
    assert_eq!(contents(&store).await, before);
}

/// The digest is of the request: a decision that was made again may carry other events, ids and times.
pub async fn what_a_repetition_carries_is_not_looked_at<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let first = commit(&store, append("a-1", 1, at(0)).once(once("key", "request", "first"))).await;
    let again = append("b-1", 5, at(7)).row(put("names", "ada", "1")).once(once("key", "request", "second"));
    assert_eq!(commit(&store, again).await, repeated(&first));
    assert!(all_of(&store, "b-1").await.is_empty());
}

/// A.42, A.48, G.65: the same events under another key, or under none, are written again.
pub async fn another_key_writes_again<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let given = event("a-1", "x");
    for key in ["1", "2", "1 ", "11"] {
        let receipt = commit(&store, Commit::of([given.clone()]).once(once(key, "request", ""))).await;
        assert!(!receipt.repeated, "key {key:?} is new");
    }
    for _ in 0..2 {
        commit(&store, Commit::of([given.clone()])).await;
    }
    assert_eq!(versions_of(&store, "a-1").await, [1, 2, 3, 4, 5, 6]);
}

/// A keyed decision without events is written too, so that its repetition gets the same answer.
pub async fn a_keyed_commit_without_events_is_written<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let first = commit(&store, Commit::new().once(once("key", "request", "nothing to do"))).await;
    assert_eq!((first.commit.get(), first.positions, head(&store).commit.get()), (1, None, 1));
    commit(&store, append("a-1", 1, Expected::Any)).await;
    let again = commit(&store, append("a-1", 1, Expected::Empty).once(once("key", "request", ""))).await;
    assert_eq!(again, repeated(&first));
}

/// A refusal is not recorded: the key is free for the next attempt, also with another digest.
pub async fn a_refused_commit_leaves_its_key_free<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    conflict(&store, append("a-1", 1, at(1)).once(once("key", "request", "1"))).await;
    assert_eq!(row(&store, LoggedTable::ONCE, "key").await, None);
    let receipt = commit(&store, append("a-1", 1, at(0)).once(once("key", "other", "2"))).await;
    assert_eq!((receipt.repeated, &receipt.answer[..]), (false, &b"2"[..]));
}

/// A.30 with A.44: the stream was closed meanwhile; the repetition still gets its first receipt.
pub async fn a_repetition_is_known_after_its_stream_was_closed<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let request = || append("a-1", 1, Expected::Empty).once(once("key", "request", "42"));
    let first = commit(&store, request()).await;
    commit(&store, Commit::new().row(RowWrite::close(&stream("a-1")))).await;
    assert_eq!(commit(&store, request()).await, repeated(&first));
}

/// Two tenants, and none, use the same key for different requests.
pub async fn tenants_keep_their_keys_apart<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for (number, owner) in [None, Some(tenant("acme")), Some(tenant("other"))].into_iter().enumerate() {
        let key = IdempotencyKey::new("key").expect("a valid key").in_tenant(owner.clone());
        let request = Once { key, ..once("key", &format!("request {number}"), &number.to_string()) };
        let first = commit(&store, append("a-1", 1, Expected::Any).once(request.clone())).await;
        assert!(!first.repeated, "{owner:?}");
        assert_eq!(commit(&store, Commit::new().once(request)).await, repeated(&first));
    }
    assert_eq!(versions_of(&store, "a-1").await, [1, 2, 3]);
}

/// Pruning is deleting rows of `$once` by a commit; a pruned key is as if it had never been used.
pub async fn a_deleted_row_forgets_its_key<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for key in ["one", "two"] {
        commit(&store, append("a-1", 1, Expected::Any).once(once(key, "request", key))).await;
    }
    commit(&store, Commit::new().row(RowWrite::delete(LoggedTable::ONCE, "one"))).await;
    assert!(!commit(&store, append("a-1", 1, Expected::Any).once(once("one", "another", ""))).await.repeated);
    assert!(commit(&store, append("a-1", 1, Expected::Any).once(once("two", "request", ""))).await.repeated);
    assert_eq!(versions_of(&store, "a-1").await, [1, 2, 3]);
}

/// What the store remembers can be read: the row of `$once`.
pub async fn the_row_of_a_key_holds_digest_and_receipt<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let request = once("key", "request", "42");
    let first = commit(&store, append("a-1", 2, Expected::Any).once(request.clone())).await;
    let (table, key) = request.key.row();
    let found = row(&store, table, key).await.expect("a row");
    let found = Repetition::decode(&found).expect("a repetition");
    assert_eq!(found, Repetition { digest: request.digest, receipt: repeated(&first) });
}

/// P5, F14: sixteen at once, one writes, all get the same receipt.
pub async fn many_senders_of_one_key_write_once<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for round in 0..10_usize {
        let senders = (0..16).map(|_| {
            let store = store.clone();
            let request = append("a-1", 2, at(2 * round as u64)).once(once(&round.to_string(), "request", "42"));
            tokio::spawn(async move { store.commit(request).await.expect("the key makes it hold") })
        });
        let receipts: Vec<_> = join_all(senders).await.into_iter().map(|sent| sent.expect("no panic")).collect();
        assert_eq!(receipts.iter().filter(|receipt| !receipt.repeated).count(), 1, "one of them wrote");
        assert!(receipts.iter().all(|receipt| repeated(receipt) == repeated(&receipts[0])));
    }
    assert_eq!(versions_of(&store, "a-1").await.len(), 20);
}

/// A.54, P5: a repetition is recognised after a restart, and so is another request.
pub async fn keys_are_known_after_reopening<H: Harness>() {
    if !crate::survives::<H>("keys_are_known_after_reopening") {
        return;
    }
    let mut harness = H::create(Setup::default()).await;
    let request = || append("a-1", 1, Expected::Empty).once(once("key", "request", "42"));
    let first = commit(&harness.store(), request()).await;
    for _ in 0..2 {
        harness.reopen().await;
        let store = harness.store();
        assert_eq!(commit(&store, request()).await, repeated(&first));
        let other = store.commit(Commit::new().once(once("key", "other", ""))).await;
        assert!(matches!(other, Err(CommitError::KeyReused { .. })), "{other:?}");
        assert_eq!(versions_of(&store, "a-1").await, [1]);
    }
}
