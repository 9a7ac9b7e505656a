//! Listing streams, and ids that try to be others.

use annals_core::{Commit, Expected, LoggedTable, ReadLog, Scan, StreamId};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use crate::{Harness, Setup, fixture::*};

/// `$streams` has a row for each stream that holds events: its id, and the position of its first event.
pub async fn streams_are_listed_in_order_with_their_first_position<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for name in ["order-2", "account-1", "order-2", "order-10", "account-1"] {
        commit(&store, append(name, 2, Expected::Any)).await;
    }
    let found = rows(&store, Scan::all(LoggedTable::STREAMS)).await;
    let expected = [("account-1", 3_u64), ("order-10", 7), ("order-2", 1)];
    let expected = expected.map(|(name, first)| (name.into(), first.to_be_bytes().to_vec().into()));
    assert_eq!(found, expected);
}

/// B.22, F11: the streams of a category, and never those of a longer one; a prefix of a key is a prefix.
pub async fn a_prefix_lists_a_category<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for name in ["order-1", "orders-1", "orders-10", "orders-2", "orders-1-a", "order.s-1", "ordersx-1"] {
        commit(&store, append(name, 1, Expected::Empty)).await;
    }
    let listed = async |prefix: &str| keys(&store, Scan::prefix(LoggedTable::STREAMS, prefix.to_owned())).await;
    assert_eq!(listed("orders-").await, ["orders-1", "orders-1-a", "orders-10", "orders-2"]);
    assert_eq!(listed("orders-1").await, ["orders-1", "orders-1-a", "orders-10"]);
    assert_eq!(listed("order-").await, ["order-1"]);
    assert!(listed("orders-3").await.is_empty());
    let backward = Scan::prefix(LoggedTable::STREAMS, "orders-").backward();
    assert_eq!(keys(&store, backward).await, ["orders-2", "orders-10", "orders-1-a", "orders-1"]);
}

/// A page goes on behind its last row: nothing is missed or repeated because other streams came.
pub async fn a_listing_in_pages_is_stable_while_streams_come<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for number in (0..20).step_by(2) {
        commit(&store, append(&format!("order-{number:02}"), 1, Expected::Empty)).await;
    }
    let mut listed = Vec::new();
    let mut next = Some(Scan::prefix(LoggedTable::STREAMS, "order-").limit(3));
    let mut newcomers = (1..20).step_by(2);
    while let Some(scan) = next {
        let page = store.scan(scan).await.expect("the page reads");
        listed.extend(page.rows.into_iter().map(|(key, _)| String::from_utf8_lossy(&key).into_owned()));
        next = page.next;
        if let Some(number) = newcomers.next() {
            commit(&store, append(&format!("order-{number:02}"), 1, Expected::Empty)).await;
        }
    }
    assert!(listed.is_sorted_by(|a, b| a < b), "in order, each once: {listed:?}");
    for number in (0..20).step_by(2) {
        assert!(listed.contains(&format!("order-{number:02}")), "order-{number:02} was there all the time");
    }
}

/// The tenant is part of the table: each lists its own.
pub async fn tenants_list_their_own_streams<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for name in ["order-1", "acme/order-2", "other/order-3", "acme/order-1"] {
        commit(&store, append(name, 1, Expected::Empty)).await;
    }
    let listed =
        async |owner: Option<&str>| keys(&store, Scan::all(LoggedTable::STREAMS.in_tenant(owner.map(tenant)))).await;
    assert_eq!(listed(None).await, ["order-1"]);
    assert_eq!(listed(Some("acme")).await, ["order-1", "order-2"]);
    assert_eq!(listed(Some("other")).await, ["order-3"]);
    assert!(listed(Some("nobody")).await.is_empty());
}

/// A.60, A.66: a commit that was refused left no stream behind.
pub async fn refused_commits_list_no_stream<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    conflict(&store, append("a-1", 1, at(1))).await;
    assert!(rows(&store, Scan::all(LoggedTable::STREAMS)).await.is_empty());
}

/// B.24, F11: ids that are prefixes of each other, that differ in case, spelling, tenant or in bytes that keys of an
/// index may use as borders.
const ALIKE: &[&str] = &[
    "a-1",
    "a-10",
    "a-1-1",
    "a-1 ",
    "A-1",
    "aa-1",
    "a/a-1",
    "aa/a-1",
    "a/a-10",
    "a-..",
    "a-%00",
    "a-$all",
    "a-\u{ff}",
    "a-\u{100}",
    "a-🦀",
    "a-é",
    "a-e\u{301}",
    "a-\u{202e}1",
    "a-'; drop table events; --",
    "a-\\",
    "a-:",
    "..-x",
    "a-student-1a5c7f43-c0cb-465f-a9ad-8e452cce2b38",
    "a-course-2b99b9c4-9031-43fd-a7e5-dceda7cab3ea",
];

/// B.12, B.24, F11.
pub async fn a_stream_is_never_found_under_another_id<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let ids: Vec<_> = ALIKE.iter().copied().map(stream).collect();
    keeps_apart(&harness.store(), &ids).await;
}

/// F11, F9, B.22: the table of hostile ids. What is refused is refused by the type, before any store sees it, and so
/// alike for all; what is accepted is kept byte for byte.
pub async fn ids_are_refused_or_kept_byte_for_byte<H: Harness>() {
    for text in [
        "",
        "a",
        "a-",
        "-1",
        "/a-1",
        "a//b-1",
        "a/b/c-1",
        "a-1/2",
        "a\0b-1",
        "a-\0",
        "a-\n",
        "a-\u{7f}",
        "a-\u{85}",
        "$all",
        "$all-1",
        "$a/b-1",
        "a/$b-1",
        "a$-1",
        "../x",
        "../x-1/..",
    ] {
        assert!(text.parse::<StreamId>().is_err(), "{text:?} must be refused");
    }
    for length in [255, 256, 64 << 10] {
        let text = format!("a-{}", "x".repeat(length - 2));
        assert_eq!(text.parse::<StreamId>().is_ok(), length == 255, "{length} bytes");
    }
    assert!(format!("a-{}", "🦀".repeat(64)).parse::<StreamId>().is_err(), "258 bytes in 66 letters");
    let category = |text: &str| (stream(text).category().to_owned(), stream(text).key().to_owned());
    assert_eq!(category("account-1+2"), ("account".to_owned(), "1+2".to_owned()));
    assert_eq!(category("acme/account-1-2"), ("account".to_owned(), "1-2".to_owned()));

    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let longest = format!("a-{}", "x".repeat(253));
    for text in ALIKE.iter().copied().chain([longest.as_str()]) {
        commit(&store, append(text, 1, Expected::Empty)).await;
        let records = all_of(&store, text).await;
        assert_eq!(records.iter().map(|record| record.stream().as_str()).collect::<Vec<_>>(), [text]);
    }
}

/// F11: for any set of ids, reading one gives its events only.
pub async fn any_set_of_ids_is_kept_apart<H: Harness>() {
    // Few letters make ids alike; each is there with a longer one that begins with it.
    let id = proptest::string::string_regex("([ab$ ]{1,2}/)?[ab]{1,2}-[-ab0\u{ff}🦀]{1,3}").expect("a pattern");
    let id = id.prop_filter_map("a valid id", |text| text.parse::<StreamId>().ok());
    let ids = proptest::collection::btree_set(id, 2..8);
    let mut runner = TestRunner::default();
    for _ in 0..8 {
        let mut ids = ids.new_tree(&mut runner).expect("a set of ids").current();
        let longer: Vec<_> = ids.iter().map(|id| stream(&format!("{id}0"))).collect();
        ids.extend(longer);
        let ids: Vec<_> = ids.into_iter().collect();
        let harness = H::create(Setup::default()).await;
        keeps_apart(&harness.store(), &ids).await;
    }
}

async fn keeps_apart(store: &Handle, ids: &[StreamId]) {
    for round in 1..=2 {
        for (index, id) in ids.iter().enumerate() {
            let given = (0..=index % 3).map(|_| event(id.as_str(), &format!("round{round}")));
            commit(store, Commit::of(given)).await;
        }
    }
    let everything = log(store).await;
    for (index, id) in ids.iter().enumerate() {
        let count = 2 * (index as u64 % 3 + 1);
        let found = all_of(store, id.as_str()).await;
        let versions: Vec<_> = found.iter().map(|record| record.version().get()).collect();
        assert_eq!(versions, (1..=count).collect::<Vec<_>>(), "{id:?} among {ids:?}");
        assert!(found.iter().all(|record| *record.stream() == *id), "{id:?} among {ids:?}");
        let mut backward = read_stream(store, annals_core::ReadStream::all(id.clone()).backward()).await;
        backward.reverse();
        assert_eq!(backward, found, "{id:?} among {ids:?}");
        let query = any_of([annals_core::QueryItem::new().stream(id.clone())]).any_tenant();
        assert_eq!(read_log(store, ReadLog::of(query)).await, found, "{id:?} among {ids:?}");
        let (table, key) = LoggedTable::STREAMS.row_of(id);
        let first = everything.iter().find(|record| *record.stream() == *id).expect("an event").position();
        assert_eq!(row(store, table, key).await.as_deref(), Some(&first.get().to_be_bytes()[..]), "{id:?}");
    }
}
