//! Reading ranges of rows in pages.

use std::{collections::BTreeMap, ops::Bound};

use annals_core::{Commit, DerivedWrite, PAGE_ROWS_MAX, RowBatch, RowWrite, Scan, Table};
use bytes::Bytes;

use crate::{Harness, Setup, fixture::*};

async fn fill(store: &Handle, keys: &[&'static str]) {
    let writes = keys.iter().map(|key| put("names", key, key));
    commit(store, writes.fold(Commit::new(), Commit::row)).await;
}

/// Every pair of borders, open, inclusive and exclusive, both ways, in pages of every size (F12).
pub async fn every_range_and_direction_is_a_slice<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let there = ["", "a", "ab", "b", "d"];
    fill(&store, &there).await;
    every_range(&store, table("names").into(), &there).await;
}

async fn every_range(store: &Handle, table: Table, there: &[&'static str]) {
    let model: BTreeMap<Bytes, Bytes> = there.iter().map(|key| (Bytes::from(*key), Bytes::from(*key))).collect();
    let mut borders = vec![Bound::Unbounded];
    for key in ["", "a", "aa", "b", "c", "d", "e"] {
        borders.extend([Bound::Included(Bytes::from(key)), Bound::Excluded(Bytes::from(key))]);
    }
    let pairs = borders.iter().flat_map(|from| borders.iter().map(move |to| (from.clone(), to.clone())));
    for range in pairs.collect::<Vec<_>>() {
        let scan = Scan { range: range.clone(), ..Scan::all(table.clone()) };
        // A map refuses ranges that cannot hold a key; a scan finds nothing in them.
        let inside = |key: &Bytes| {
            let behind_start = match &range.0 {
                Bound::Included(from) => key >= from,
                Bound::Excluded(from) => key > from,
                Bound::Unbounded => true,
            };
            behind_start
                && match &range.1 {
                    Bound::Included(to) => key <= to,
                    Bound::Excluded(to) => key < to,
                    Bound::Unbounded => true,
                }
        };
        let mut expected: Vec<_> = model.clone().into_iter().filter(|(key, _)| inside(key)).collect();
        for limit in [1, 2, 5, PAGE_ROWS_MAX] {
            assert_eq!(rows(store, scan.clone().limit(limit)).await, expected, "{scan:?} {limit}");
        }
        expected.reverse();
        for limit in [1, 2, 5, PAGE_ROWS_MAX] {
            assert_eq!(rows(store, scan.clone().backward().limit(limit)).await, expected, "{scan:?} back {limit}");
        }
    }
}

/// F11: also prefixes that end with the highest byte, and the empty one.
pub async fn a_prefix_holds_its_keys_and_no_other<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let there: Vec<Vec<u8>> = vec![
        vec![],
        vec![1],
        vec![1, 0],
        vec![1, 255],
        vec![1, 255, 0],
        vec![1, 255, 255],
        vec![2],
        vec![254, 255],
        vec![255],
        vec![255, 255],
        vec![255, 255, 1],
    ];
    let writes = there.iter().map(|key| RowWrite::put(table("names"), key.clone(), ""));
    commit(&store, writes.fold(Commit::new(), Commit::row)).await;
    for prefix in &there {
        let expected: Vec<_> = there.iter().filter(|key| key.starts_with(prefix)).cloned().collect();
        let found = rows(&store, Scan::prefix(table("names"), prefix.clone())).await;
        assert_eq!(found.into_iter().map(|(key, _)| key.to_vec()).collect::<Vec<_>>(), expected, "{prefix:?}");
    }
}

/// A page has at least the chance of one row and never more than asked for or allowed (F12).
pub async fn no_page_exceeds_its_limit<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let writes = (0..2500).map(|n| put("names", &format!("{n:04}"), ""));
    commit(&store, writes.fold(Commit::new(), Commit::row)).await;
    for limit in [0, 1, 999, 1000, 1001, usize::MAX] {
        let most = limit.clamp(1, PAGE_ROWS_MAX);
        let mut next = Some(Scan::all(table("names")).limit(limit));
        let mut found = 0;
        let mut pages = 0;
        while let Some(scan) = next
            && (limit > 1 || pages < 20)
        {
            let page = store.scan(scan).await.expect("the page reads");
            assert!(page.rows.len() <= most, "{} rows in a page of {limit}", page.rows.len());
            (found, pages, next) = (found + page.rows.len(), pages + 1, page.next);
        }
        assert!(if limit > 1 { found == 2500 } else { found > 0 }, "{found} rows in pages of {limit}");
    }
}

/// A page goes on behind its last row, though that row is deleted and others come on both sides of it.
pub async fn pages_go_on_while_rows_come_and_go<H: Harness>() {
    const ALPHABET: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let forward = ["a", "c", "d", "e", "f", "g", "h", "i"];
    let backward = ["i", "g", "f", "e", "d", "c", "b", "a"];
    for (scan, expected) in [(Scan::all(table("names")), forward), (Scan::all(table("names")).backward(), backward)] {
        let harness = H::create(Setup::default()).await;
        let store = harness.store();
        fill(&store, &["a", "c", "e", "g", "i"]).await;
        let mut found: Vec<&str> = Vec::new();
        let mut next = Some(scan.limit(1));
        while let Some(scan) = next {
            let page = store.scan(scan).await.expect("the page reads");
            for (key, _) in page.rows {
                let place = ALPHABET.iter().position(|letter| letter.as_bytes() == key).expect("a letter");
                found.push(ALPHABET[place]);
                if [2, 4, 6].contains(&place) {
                    let change = Commit::new().row(RowWrite::delete(table("names"), key));
                    let change = change.row(put("names", ALPHABET[place - 1], ""));
                    commit(&store, change.row(put("names", ALPHABET[place + 1], ""))).await;
                }
            }
            next = page.next;
        }
        assert_eq!(found, expected);
    }
}

/// The same for derived rows.
pub async fn derived_tables_scan_alike<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let there = ["", "a", "ab", "b", "d"];
    let rows = there.iter().map(|key| derived_put("view", key, key)).collect();
    store.apply(RowBatch { rows, ..RowBatch::default() }).await.expect("the batch is applied");
    every_range(&store, derived("view").into(), &there).await;
}

/// Entries in both kinds of tables, of rows in both kinds, and of one row twice; both ways, in pages of every size.
pub async fn a_row_that_is_looked_up_stands_in_place_of_its_key<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let entries = [("1", "b"), ("2", "a"), ("3", ""), ("4", "b"), ("5", "c")];
    let there = [("", "row 0"), ("a", "row 1"), ("b", "row 2"), ("c", "row 3"), ("d", "of no entry")];
    let logged = |name: &'static str, rows: &[(&str, &str)]| {
        rows.iter().fold(Commit::new(), |commit, (key, value)| commit.row(put(name, key, value)))
    };
    commit(&store, logged("names", &entries)).await;
    commit(&store, logged("jobs", &there)).await;
    let of_entries = entries.iter().map(|(key, value)| derived_put("entries", key, value));
    let rows_there = there.iter().map(|(key, value)| derived_put("view", key, value));
    let batch = RowBatch { rows: of_entries.chain(rows_there).collect(), ..RowBatch::default() };
    store.apply(batch).await.expect("the batch is applied");
    for index in [Table::from(table("names")), derived("entries").into()] {
        for of in [Table::from(table("jobs")), derived("view").into()] {
            let scan = Scan::all(index.clone()).lookup(of);
            looks_up(&store, scan.clone(), &["1 row 2", "2 row 1", "3 row 0", "4 row 2", "5 row 3"]).await;
            looks_up(&store, scan.clone().after("3"), &["4 row 2", "5 row 3"]).await;
            let backward = ["5 row 3", "4 row 2", "3 row 0", "2 row 1", "1 row 2"];
            looks_up(&store, scan.backward(), &backward).await;
        }
    }
}

/// What `scan` finds in pages of any size, each row as the key of its entry and its value.
async fn looks_up(store: &Handle, scan: Scan, expected: &[&str]) {
    for limit in [1, 2, 3, PAGE_ROWS_MAX] {
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).expect("text");
        let found = rows(store, scan.clone().limit(limit)).await.into_iter();
        let found: Vec<_> = found.map(|(entry, row)| format!("{} {}", text(entry), text(row))).collect();
        assert_eq!(found, expected, "{scan:?} in pages of {limit}");
    }
}

/// A hundred entries for each row that is there: pages go on behind entries that have none, and end where those end.
pub async fn entries_whose_rows_are_missing_are_left_out<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let entries = (0..2500).map(|n| derived_put("entries", &format!("{n:04}"), &format!("of {n}")));
    let there = (50..2500).step_by(100).map(|n| derived_put("view", &format!("of {n}"), "here"));
    let batch = RowBatch { rows: entries.chain(there).collect(), ..RowBatch::default() };
    store.apply(batch).await.expect("the batch is applied");
    let scan = Scan::all(derived("entries")).lookup(derived("view"));
    let expected: Vec<_> = (50..2500).step_by(100).map(|n| format!("{n:04}")).collect();
    for limit in [7, 100, PAGE_ROWS_MAX] {
        assert_eq!(keys(&store, scan.clone().limit(limit)).await, expected, "pages of {limit}");
        let mut backward = keys(&store, scan.clone().backward().limit(limit)).await;
        backward.reverse();
        assert_eq!(backward, expected, "pages of {limit}, backward");
    }
    let delete = expected.iter().map(|key| derived_put("view", &format!("of {}", key.trim_start_matches('0')), ""));
    let gone = delete.map(|row| DerivedWrite { value: None, ..row }).collect();
    store.apply(RowBatch { rows: gone, ..RowBatch::default() }).await.expect("the batch is applied");
    assert!(rows(&store, scan).await.is_empty());
}
