//! Logged rows: part of a commit, and conditions on them.

use annals_core::{
    Commit, CommitError, Condition, DerivedTable, DerivedWrite, Expected, Failure, InvalidCommit, LoggedTable,
    ROW_KEY_BYTES_MAX, RowBatch, RowIs, RowWrite, Scan, Table,
};
use bytes::Bytes;
use futures::future::join_all;

use crate::{Harness, Setup, fixture::*};

fn is(key: &str, is: RowIs) -> Condition {
    Condition::Row { table: table("names"), key: key.to_owned().into(), is }
}

/// A row is set, set again, deleted; deleting what is not there is no error.
pub async fn rows_are_put_and_deleted<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    assert_eq!(row(&store, table("names"), "ada").await, None);
    for (write, found) in [
        (put("names", "ada", "1"), Some("1")),
        (put("names", "ada", ""), Some("")),
        (put("names", "ada", "2"), Some("2")),
        (RowWrite::delete(table("names"), "ada"), None),
        (RowWrite::delete(table("names"), "ada"), None),
        (put("names", "ada", "3"), Some("3")),
    ] {
        commit(&store, Commit::new().row(write.clone())).await;
        assert_eq!(row(&store, table("names"), "ada").await, found.map(Bytes::from), "{write:?}");
    }
    assert_eq!(head(&store).commit.get(), 6);
}

/// Rows of a commit are written in its order.
pub async fn the_last_write_of_a_row_wins<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let delete = |key: &str| RowWrite::delete(table("names"), key.to_owned());
    let writes = [put("names", "a", "1"), delete("b"), put("names", "b", "1"), put("names", "a", "2"), delete("c")];
    let writes = writes.into_iter().chain([put("names", "d", "1"), delete("d")]);
    commit(&store, writes.fold(Commit::new(), Commit::row)).await;
    let found = rows(&store, Scan::all(table("names"))).await;
    assert_eq!(found, [("a".into(), "2".into()), ("b".into(), "1".into())]);
}

/// P2: neither is there without the other.
pub async fn rows_and_events_are_one_commit<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let claim = |name: &str, expected| append("user-1", 1, expected).row(put("names", name, "user-1"));
    conflict(&store, claim("ada", at(1))).await;
    assert_eq!(row(&store, table("names"), "ada").await, None);
    commit(&store, claim("ada", at(0))).await;
    assert_eq!(row(&store, table("names"), "ada").await, Some("user-1".into()));
    conflict(&store, claim("bob", at(1)).when(is("ada", RowIs::Absent))).await;
    assert_eq!(versions_of(&store, "user-1").await, [1]);
    assert_eq!(row(&store, table("names"), "bob").await, None);
}

/// G.48 to G.52 as rows: claimed, unused, freed; and the failure names what was found.
pub async fn row_conditions_hold_or_refuse<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, Commit::new().row(put("names", "ada", "1")).row(put("names", "none", ""))).await;
    for (key, expected, holds, actual) in [
        ("ada", RowIs::Absent, false, Some("1")),
        ("ada", RowIs::Equals("1".into()), true, Some("1")),
        ("ada", RowIs::Equals("".into()), false, Some("1")),
        ("ada", RowIs::Equals("11".into()), false, Some("1")),
        ("bob", RowIs::Absent, true, None),
        ("bob", RowIs::Equals("".into()), false, None),
        ("none", RowIs::Absent, false, Some("")),
        ("none", RowIs::Equals("".into()), true, Some("")),
        ("ad", RowIs::Absent, true, None),
    ] {
        let check = Commit::new().when(is(key, expected.clone()));
        if holds {
            commit(&store, check).await;
            continue;
        }
        let actual = actual.map(Bytes::from);
        let failure = Failure::Row { table: table("names"), key: key.to_owned().into(), expected, actual };
        assert_eq!(conflict(&store, check).await, [failure]);
    }
    commit(
        &store,
        Commit::new().when(is("ada", RowIs::Equals("1".into()))).row(RowWrite::delete(table("names"), "ada")),
    )
    .await;
    commit(&store, Commit::new().when(is("ada", RowIs::Absent)).row(put("names", "ada", "2"))).await;
}

/// P4, G.48: of many that claim one name at once, one gets it.
pub async fn a_row_can_be_claimed_once<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for round in 0..10 {
        let name = format!("name-{round}");
        let claims = (0..16).map(|user| {
            let claim = Commit::of(events(&format!("user-{user}"), 1)).when(is(&name, RowIs::Absent)).row(put(
                "names",
                &name,
                &user.to_string(),
            ));
            let store = store.clone();
            tokio::spawn(async move { store.commit(claim).await.is_ok() })
        });
        let won: Vec<_> = join_all(claims).await.into_iter().map(|claim| claim.expect("no panic")).collect();
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        let winner = won.iter().position(|won| *won).expect("a winner").to_string();
        assert_eq!(row(&store, table("names"), name).await, Some(winner.into()));
    }
    assert_eq!(log(&store).await.len(), 10);
}

/// A commit does not see its own rows in its conditions.
pub async fn row_conditions_see_the_state_before_the_commit<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let claim = || Commit::new().row(put("names", "ada", "1")).when(is("ada", RowIs::Absent));
    commit(&store, claim()).await;
    conflict(&store, claim()).await;
    conflict(&store, Commit::new().row(put("names", "bob", "1")).when(is("bob", RowIs::Equals("1".into())))).await;
}

/// Tables of another name, kind or tenant hold other rows under the same key.
pub async fn tables_and_tenants_are_kept_apart<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let tables: Vec<Table> = vec![
        table("names").into(),
        table("name").into(),
        table("namess").into(),
        table("names").in_tenant(Some(tenant("acme"))).into(),
        table("names").in_tenant(Some(tenant("acm"))).into(),
        table("e-names").in_tenant(Some(tenant("acm"))).into(),
        derived("names").into(),
        derived("names").in_tenant(Some(tenant("acme"))).into(),
    ];
    for (index, table) in tables.iter().enumerate() {
        let value = Bytes::from(index.to_string());
        match table.clone() {
            Table::Logged(table) => drop(commit(&store, Commit::new().row(RowWrite::put(table, "key", value))).await),
            Table::Derived(table) => {
                let rows = vec![DerivedWrite { table, key: "key".into(), value: Some(value) }];
                store.apply(RowBatch { rows, ..RowBatch::default() }).await.expect("the batch is applied");
            }
        }
    }
    for (index, table) in tables.iter().enumerate() {
        let found = rows(&store, Scan::all(table.clone())).await;
        assert_eq!(found, [("key".into(), index.to_string().into())], "{table}");
    }
}

/// The empty key, every byte, and 1,024 bytes; order is that of bytes.
pub async fn keys_are_any_bytes_up_to_the_limit<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let mut given: Vec<Bytes> = (0..=255).map(|byte| Bytes::from(vec![byte])).collect();
    given.extend([vec![], vec![0, 0], vec![0, 255], vec![255, 0], vec![255; 255], vec![255; 256]].map(Bytes::from));
    given.extend([Bytes::from(vec![7; ROW_KEY_BYTES_MAX]), Bytes::from(vec![255; ROW_KEY_BYTES_MAX])]);
    let writes = given.iter().map(|key| RowWrite::put(table("names"), key.clone(), key.clone()));
    commit(&store, writes.fold(Commit::new(), Commit::row)).await;
    given.sort_unstable();
    let found = rows(&store, Scan::all(table("names"))).await;
    assert_eq!(found, given.iter().map(|key| (key.clone(), key.clone())).collect::<Vec<_>>());
    for key in given {
        assert_eq!(row(&store, table("names"), key.clone()).await, Some(key));
    }
}

/// Values beyond what an index keeps in one piece, in logged and derived rows; replaced by shorter ones and deleted.
pub async fn large_values_come_back_whole<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for size in [4095_usize, 4096, 4097, 8192, 100_000, 1 << 20, 5000, 0] {
        let value: Bytes = (0..size).map(|n| (n % 251) as u8).collect();
        commit(&store, Commit::new().row(RowWrite::put(table("names"), "big", value.clone()))).await;
        let rows = vec![DerivedWrite { table: derived("view"), key: "big".into(), value: Some(value.clone()) }];
        store.apply(RowBatch { rows, ..RowBatch::default() }).await.expect("the batch is applied");
        for table in [Table::from(table("names")), Table::from(derived("view"))] {
            assert!(row(&store, table.clone(), "big").await.as_ref() == Some(&value), "{size} bytes by key");
            let found = rows_of(&store, table).await;
            assert!(found == [("big".into(), value.clone())], "{size} bytes by scan");
        }
    }
    commit(&store, Commit::new().row(RowWrite::delete(table("names"), "big"))).await;
    assert!(rows_of(&store, table("names").into()).await.is_empty());
}

async fn rows_of(store: &Handle, table: Table) -> Vec<(Bytes, Bytes)> {
    rows(store, Scan::all(table)).await
}

/// One answer for each key, in the order asked, also for none and for one asked twice.
pub async fn get_answers_in_the_order_asked<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, Commit::new().row(put("names", "a", "1")).row(put("names", "b", "2"))).await;
    store.apply(RowBatch { rows: vec![derived_put("view", "a", "3")], ..RowBatch::default() }).await.expect("applied");
    assert!(store.get(&[]).await.expect("it reads").is_empty());
    let names = |key: &'static str| (Table::from(table("names")), Bytes::from(key));
    let asked = [names("b"), names("x"), (derived("view").into(), "a".into()), names("a"), names("b")];
    let found = store.get(&asked).await.expect("it reads");
    let expected = [Some("2"), None, Some("3"), Some("1"), Some("2")];
    assert_eq!(found, expected.map(|value| value.map(Bytes::from)));
}

/// `$streams` is written by the store alone, `$once` may be deleted, `$closed` and `$name_key` put, `$epochs` and `$names`
/// both.
pub async fn the_stores_own_tables_are_guarded<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 1, Expected::Any).once(once("key", "request", ""))).await;
    let acme = |table: LoggedTable| table.in_tenant(Some(tenant("acme")));
    let before = contents(&store).await;
    for write in [
        RowWrite::put(LoggedTable::STREAMS, "b-1", "x"),
        RowWrite::delete(LoggedTable::STREAMS, "a-1"),
        RowWrite::put(LoggedTable::ONCE, "key", "x"),
        RowWrite::delete(LoggedTable::CLOSED, "a-1"),
        RowWrite::delete(LoggedTable::NAME_KEY, ""),
        RowWrite::put(acme(LoggedTable::STREAMS), "b-1", "x"),
        RowWrite::put(acme(LoggedTable::ONCE), "key", "x"),
        RowWrite::delete(acme(LoggedTable::CLOSED), "a-1"),
    ] {
        let refused = store.commit(append("a-1", 1, Expected::Any).row(write.clone())).await;
        let Err(CommitError::Invalid(InvalidCommit::SystemTable { table, attempt })) = refused else {
            panic!("{write:?}: {refused:?}");
        };
        assert_eq!(table, write.table.to_string());
        assert_eq!(attempt, if write.value.is_some() { "put" } else { "delete" });
    }
    assert_eq!(contents(&store).await, before);
    for write in [
        RowWrite::delete(LoggedTable::ONCE, "key"),
        RowWrite::put(LoggedTable::EPOCHS, "balances", vec![0; 8]),
        RowWrite::delete(LoggedTable::EPOCHS, "balances"),
        RowWrite::put(LoggedTable::NAME_KEY, "", vec![7; 32]),
        RowWrite::put(LoggedTable::NAMES, vec![7; 32], "a-1"),
        RowWrite::delete(LoggedTable::NAMES, vec![7; 32]),
        RowWrite::close(&stream("a-1")),
    ] {
        commit(&store, Commit::new().row(write)).await;
    }
    for name in ["$streams", "$mine", "", "a/b", "a\0"] {
        assert!(LoggedTable::new(name).is_err() && DerivedTable::new(name).is_err(), "{name:?}");
    }
}
