//! Dynamic consistency boundaries: `NoneMatch`.

use annals_core::{Commit, Condition, EventQuery, Failure, Position, QueryItem};

use crate::{Harness, Setup, fixture::*};

/// e1 of type1 with X, e2 of type2 with A and B, e3 of type3 with A and C, at 1 to 3.
async fn store_of_three<H: Harness>() -> (H, Handle) {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let e1 = tagged("thing-1", "type1", &["tagX"]);
    let e2 = tagged("thing-2", "type2", &["tagA", "tagB"]);
    let e3 = tagged("thing-3", "type3", &["tagA", "tagC"]);
    for event in [e1, e2, e3] {
        commit(&store, Commit::of([event])).await;
    }
    (harness, store)
}

fn typed(kind: &str, tags: &[&str]) -> QueryItem {
    of_tags(tags).event_type(event_type(kind))
}

fn new_event_unless(query: &EventQuery, after: u64) -> Commit {
    let four = tagged("thing-4", "type4", &["tagA", "tagD"]);
    Commit::of([four]).when(Condition::none_match(query.clone(), position(after)))
}

/// G.11 to G.22, P4: each fails, says which record it found, and writes nothing.
pub async fn matching_records_refuse_the_commit<H: Harness>() {
    let (_harness, store) = store_of_three::<H>().await;
    let before = contents(&store).await;
    let both = [typed("type2", &["tagB"]), typed("type3", &["tagC"])];
    for (number, query, after, matching) in [
        (11, EventQuery::all(), 0, 1..=3),
        (11, any_of([]), 0, 1..=3),
        (12, EventQuery::all(), 1, 2..=3),
        (14, any_of([of_type("type2")]), 1, 2..=2),
        (16, any_of([of_tags(&["tagA"])]), 1, 2..=3),
        (18, any_of([typed("type2", &["tagA"])]), 1, 2..=2),
        (20, any_of([of_tags(&["tagB"]), of_tags(&["tagC"])]), 0, 2..=3),
        (22, any_of(both.clone()), 0, 2..=3),
        (22, any_of(both), 2, 3..=3),
        (22, any_of([of_type("type1").event_type(event_type("type3"))]), 1, 3..=3),
    ] {
        let failures = conflict(&store, new_event_unless(&query, after)).await;
        let [Failure::NoneMatch { query: of, after: behind, found }] = &failures[..] else {
            panic!("G.{number}: {failures:?}");
        };
        assert_eq!((of, behind.get()), (&query, after), "G.{number}");
        assert!(matching.contains(&found.get()), "G.{number}: position {found} does not match");
        assert_eq!(contents(&store).await, before, "G.{number}: nothing is written");
    }
}

/// G.23 to G.28: each passes, and an item is matched by all of its parts or not at all.
pub async fn the_commit_passes_when_nothing_matches<H: Harness>() {
    let (_harness, store) = store_of_three::<H>().await;
    for (number, query, after) in [
        (24, any_of([of_type("typeN")]), 0),
        (26, any_of([of_type("type1")]), 1),
        (28, any_of([typed("type1", &["tagX"])]), 1),
        (4, any_of([typed("type1", &["tagY"])]), 0),
        (4, any_of([typed("type2", &["tagX"])]), 0),
        (4, any_of([of_tags(&["tagB", "tagC"])]), 0),
        (4, any_of([typed("type2", &["tagC"]), typed("type3", &["tagB"])]), 0),
    ] {
        let head = head(&store).position;
        let receipt = store.commit(new_event_unless(&query, after)).await;
        let receipt = receipt.unwrap_or_else(|error| panic!("G.{number}: {error}"));
        assert_eq!(receipt.positions, Some((head.next(), head.next())), "G.{number}");
    }
}

/// G.10: the record at `after` is not looked at, the one behind it is; beyond the head there is nothing (F12).
pub async fn after_is_exclusive<H: Harness>() {
    let (_harness, store) = store_of_three::<H>().await;
    let query = any_of([of_type("type2")]);
    conflict(&store, new_event_unless(&query, 1)).await;
    commit(&store, new_event_unless(&query, 2)).await;
    for beyond in [4, 5, 1000, Position::MAX.get() - 1, Position::MAX.get()] {
        let nothing = Commit::new().when(Condition::none_match(EventQuery::all(), position(beyond)));
        commit(&store, nothing).await;
    }
}

/// G.36: only what is newer than the receipt counts.
pub async fn a_receipt_is_the_place_to_look_from<H: Harness>() {
    let (_harness, store) = store_of_three::<H>().await;
    let query = any_of([of_tags(&["tagD"])]);
    let (_, first) = commit(&store, new_event_unless(&query, 0)).await.positions.expect("an event");
    let (_, second) = commit(&store, new_event_unless(&query, first.get())).await.positions.expect("an event");
    let failures = conflict(&store, new_event_unless(&query, first.get())).await;
    assert_eq!(failures, [Failure::NoneMatch { query, after: first, found: second }]);
}

/// A query looks at the records of its tenant, of none, or of all; never at another's.
pub async fn tenants_do_not_see_each_other<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, Commit::of([tagged("acme/seat-1", "taken", &["seat:1"])])).await;
    let query = any_of([of_tags(&["seat:1"])]);
    for (scope, refused) in [
        (query.clone(), false),
        (query.clone().in_tenant(Some(tenant("other"))), false),
        (query.clone().in_tenant(Some(tenant("acme"))), true),
        (query.clone().any_tenant(), true),
        (any_of([]), false),
        (EventQuery::all(), true),
    ] {
        let check = Commit::new().when(Condition::none_match(scope.clone(), Position::ZERO));
        assert_eq!(store.commit(check).await.is_err(), refused, "{scope:?}");
    }
}

/// A commit is judged against everything before it; its own events do not refuse it.
pub async fn the_own_events_do_not_count<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let query = any_of([of_tags(&["seat:1"])]);
    let take = || {
        let events = [tagged("seat-1", "taken", &["seat:1"]), tagged("seat-1", "paid", &["seat:1"])];
        Commit::of(events).when(Condition::none_match(query.clone(), Position::ZERO))
    };
    commit(&store, take()).await;
    conflict(&store, take()).await;
}

/// G.11: a query for everything says that nothing at all may have happened.
pub async fn a_query_for_everything_is_legal<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let first = || Commit::of(events("a-1", 1)).when(Condition::none_match(EventQuery::all(), Position::ZERO));
    commit(&store, first()).await;
    let failures = conflict(&store, first()).await;
    assert!(matches!(failures[..], [Failure::NoneMatch { found: Position::FIRST, .. }]));
    let item = any_of([QueryItem::new()]);
    conflict(&store, Commit::new().when(Condition::none_match(item, Position::ZERO))).await;
}

/// One of its categories and one of its streams and one of its types and all of its tags.
pub async fn streams_categories_and_types_restrict_together<H: Harness>() {
    let (_harness, store) = store_of_three::<H>().await;
    let category = |name: &str| annals_core::Category::new(name).expect("a valid category");
    for (item, refused) in [
        (QueryItem::new().category(category("thing")), true),
        (QueryItem::new().category(category("thin")), false),
        (QueryItem::new().category(category("other")).category(category("thing")), true),
        (QueryItem::new().stream(stream("thing-2")), true),
        (QueryItem::new().stream(stream("thing-4")), false),
        (QueryItem::new().stream(stream("thing-4")).stream(stream("thing-3")), true),
        (typed("type2", &["tagA"]).stream(stream("thing-2")).category(category("thing")), true),
        (typed("type2", &["tagA"]).stream(stream("thing-3")), false),
        (typed("type2", &["tagA"]).category(category("other")), false),
    ] {
        let check = Commit::new().when(Condition::none_match(any_of([item.clone()]), Position::ZERO));
        assert_eq!(store.commit(check).await.is_err(), refused, "{item:?}");
    }
}

/// B.24: tags whose hashes collide in another store, and tags that are prefixes of each other.
pub async fn tags_that_look_alike_are_kept_apart<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let alike = [
        "student-1a5c7f43-c0cb-465f-a9ad-8e452cce2b38",
        "course-2b99b9c4-9031-43fd-a7e5-dceda7cab3ea",
        "seat:1",
        "seat:10",
        "seat:",
        "Seat:1",
        "seat:1 ",
    ];
    for (index, text) in alike.into_iter().enumerate() {
        let query = any_of([of_tags(&[text])]);
        let take = Commit::of([tagged("seat-1", "taken", &[text])]);
        commit(&store, take.when(Condition::none_match(query.clone(), Position::ZERO))).await;
        let failures = conflict(&store, Commit::new().when(Condition::none_match(query, Position::ZERO))).await;
        assert!(matches!(failures[..], [Failure::NoneMatch { found, .. }] if found == position(index as u64 + 1)));
    }
}

/// A match is found however far behind the head it lies, and none is invented.
pub async fn old_matches_deep_in_the_log_are_found<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, Commit::of([tagged("seat-1", "taken", &["seat:1"])])).await;
    for _ in 0..5 {
        commit(&store, Commit::of((0..1000).map(|_| tagged("seat-2", "taken", &["seat:2"])))).await;
    }
    let check = |item, after| Commit::new().when(Condition::none_match(any_of([item]), position(after)));
    for item in [of_tags(&["seat:1"]), QueryItem::new().stream(stream("seat-1"))] {
        let failures = conflict(&store, check(item.clone(), 0)).await;
        assert!(matches!(failures[..], [Failure::NoneMatch { found: Position::FIRST, .. }]), "{failures:?}");
        commit(&store, check(item, 1)).await;
    }
    commit(&store, check(of_tags(&["seat:1", "seat:2"]), 0)).await;
    commit(&store, check(of_type("freed"), 0)).await;
}
