//! What is there after the store was shut down and opened again.

use annals_core::{Commit, Condition, Expected, LoggedTable, Position, RowWrite};

use crate::{Harness, Setup, fixture::*};

/// P1, P14, F4: log, rows, keys, closed streams, annals' own rows and the head, however often it is opened, also
/// without what the log gives back.
pub async fn everything_is_there_after_reopening<H: Harness>() {
    if !crate::survives::<H>("everything_is_there_after_reopening") {
        return;
    }
    let mut harness = H::create(Setup::default()).await;
    let store = harness.store();
    for round in 0..20 {
        let pattern = [tagged("a-1", "x", &["p"]), event("acme/b-1", "y"), event("a-1", "z")];
        let key = once(&round.to_string(), "request", "42");
        let row = put("names", &format!("{}", round % 7), &round.to_string());
        commit(&store, Commit::of(pattern).row(row).once(key)).await;
    }
    let last = RowWrite::delete(table("names"), "3");
    commit(&store, Commit::new().row(RowWrite::close(&stream("c-1"))).row(last)).await;
    for table in [LoggedTable::CLOSED, LoggedTable::NAMES, LoggedTable::NAME_KEY, LoggedTable::EPOCHS] {
        let theirs = RowWrite::put(table.clone().in_tenant(Some(tenant("acme"))), "k", "v");
        commit(&store, Commit::new().row(RowWrite::put(table, "k", "v")).row(theirs)).await;
    }
    let before = contents(&store).await.logged();
    drop(store);
    for round in 0..4 {
        harness.reopen().await;
        if round == 2 {
            harness.lose_index().await;
        }
        let store = harness.store();
        assert_eq!(contents(&store).await.logged(), before);
        assert_eq!(versions_of(&store, "a-1").await, (1..=40).collect::<Vec<_>>());
    }
}

/// P3: positions, versions and commit numbers go on where they were; F12.
pub async fn numbers_go_on_after_reopening<H: Harness>() {
    if !crate::survives::<H>("numbers_go_on_after_reopening") {
        return;
    }
    let mut harness = H::create(Setup::default()).await;
    for round in 0..5 {
        let receipt = commit(&harness.store(), append("a-1", 2, at(2 * round))).await;
        assert_eq!(receipt.commit.get(), 2 * round + 1);
        assert_eq!(receipt.positions, Some((position(2 * round + 1), position(2 * round + 2))));
        commit(&harness.store(), Commit::new().row(put("names", "a", "1"))).await;
        harness.reopen().await;
    }
    assert_eq!(positions(&log(&harness.store()).await), (1..=10).collect::<Vec<_>>());
}

/// P4, A.54: what was stale before is stale after, for streams, boundaries and rows.
pub async fn conditions_hold_after_reopening<H: Harness>() {
    if !crate::survives::<H>("conditions_hold_after_reopening") {
        return;
    }
    let mut harness = H::create(Setup::default()).await;
    let claim = Commit::of([tagged("a-1", "x", &["p"])]).row(put("names", "ada", "1"));
    commit(&harness.store(), claim).await;
    harness.reopen().await;
    let store = harness.store();
    let stale = append("a-1", 1, Expected::Empty)
        .when(Condition::none_match(any_of([of_tags(&["p"])]), Position::ZERO))
        .when(Condition::Row { table: table("names"), key: "ada".into(), is: annals_core::RowIs::Absent });
    assert_eq!(conflict(&store, stale).await.len(), 3);
    let fresh = append("a-1", 1, at(1)).when(Condition::none_match(any_of([of_tags(&["p"])]), position(1)));
    commit(&store, fresh).await;
}
