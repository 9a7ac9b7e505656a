//! Reading the log.

use annals_core::{AsOf, Category, Commit, Direction, EventQuery, Expected, Position, QueryItem, ReadLog, Timestamp};
use futures::StreamExt;

use crate::{Harness, Setup, fixture::*};

/// C.2, C.12: in the order of commits; nothing from the end; one by one to the end.
pub async fn the_log_is_in_the_order_of_commits<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    assert!(log(&store).await.is_empty());
    for (round, name) in ["b-1", "acme/a-1", "b-1", "c-1"].into_iter().enumerate() {
        commit(&store, Commit::of([event(name, &format!("e{round}"))])).await;
    }
    let whole = log(&store).await;
    let kinds: Vec<_> = whole.iter().map(|record| record.event_type().as_str()).collect();
    assert_eq!(kinds, ["e0", "e1", "e2", "e3"]);
    assert!(read_log(&store, ReadLog::all().after(position(4))).await.is_empty());
    for (index, record) in whole.iter().enumerate() {
        let one = read_log(&store, ReadLog::all().after(position(index as u64)).limit(1)).await;
        assert_eq!(one, std::slice::from_ref(record));
    }
}

/// B.2, B.8, C.2, G.6, G.10, F12: `after` is exclusive in both directions; limits of 0 and of everything.
pub async fn every_start_direction_and_limit_is_a_slice<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for name in ["a-1", "b-1", "a-1"] {
        commit(&store, append(name, 2, Expected::Any)).await;
    }
    for after in [0, 1, 3, 5, 6, 7, 100, Position::MAX.get() - 1, Position::MAX.get()] {
        for limit in [None, Some(0), Some(1), Some(4), Some(6), Some(7), Some(i64::MAX as u64), Some(u64::MAX)] {
            let most = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
            let read = ReadLog { limit, ..ReadLog::all().after(position(after)) };
            let found = positions(&read_log(&store, read.clone()).await);
            assert_eq!(found, (1..=6).filter(|p| *p > after).take(most).collect::<Vec<_>>(), "{read:?}");
            let found = positions(&read_log(&store, read.clone().backward()).await);
            assert_eq!(found, (1..=6).rev().filter(|p| *p > after).take(most).collect::<Vec<_>>(), "{read:?}");
        }
    }
}

/// G.2, G.4, G.6, G.8, G.10: items are alternatives, the parts of one are demands, a record appears once; the order
/// is that of the log whatever the order of the items.
pub async fn a_query_selects_by_type_and_tag<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let typed = |kind: &str, tags: &[&str]| of_tags(tags).event_type(event_type(kind));
    assert!(read_log(&store, ReadLog::of(any_of([of_type("type2")]))).await.is_empty());
    commit(&store, Commit::of([tagged("thing-1", "type1", &["tagX"])])).await;
    assert!(read_log(&store, ReadLog::of(any_of([of_type("type2")]))).await.is_empty());
    commit(&store, Commit::of([tagged("thing-2", "type2", &["tagA", "tagB"])])).await;
    commit(&store, Commit::of([tagged("thing-3", "type3", &["tagA", "tagC"])])).await;
    for (number, items, found) in [
        (2, vec![of_type("type1")], vec![1]),
        (4, vec![typed("type1", &["tagX"])], vec![1]),
        (4, vec![typed("type1", &["tagY"])], vec![]),
        (4, vec![typed("type2", &["tagX"])], vec![]),
        (6, vec![typed("type2", &["tagB"]), typed("type3", &["tagC"])], vec![2, 3]),
        (6, vec![typed("type3", &["tagC"]), typed("type2", &["tagB"])], vec![2, 3]),
        (8, vec![of_type("type2"), of_tags(&["tagB"]), of_tags(&["tagA"])], vec![2, 3]),
        (8, vec![of_type("type3").event_type(event_type("type1"))], vec![1, 3]),
        (8, vec![of_tags(&["tagA", "tagA"])], vec![2, 3]),
        (8, vec![of_tags(&["tagB", "tagC"])], vec![]),
        (10, vec![of_type("typeN")], vec![]),
        (10, vec![], vec![1, 2, 3]),
        (10, vec![of_type("typeN"), QueryItem::new()], vec![1, 2, 3]),
    ] {
        let read = ReadLog::of(any_of(items));
        assert_eq!(positions(&read_log(&store, read.clone()).await), found, "G.{number}");
        let reversed: Vec<_> = found.iter().rev().copied().collect();
        assert_eq!(positions(&read_log(&store, read.clone().backward()).await), reversed, "G.{number} backward");
        let newest = read_log(&store, read.clone().backward().limit(1)).await;
        assert_eq!(positions(&newest), reversed[..reversed.len().min(1)], "G.{number} newest");
        let behind_1: Vec<_> = found.iter().copied().filter(|p| *p > 1).collect();
        assert_eq!(positions(&read_log(&store, read.after(position(1))).await), behind_1, "G.{number} behind 1");
    }
}

/// D.2: streams and categories restrict like types do; a query looks at one tenant, at none, or at all.
pub async fn a_query_selects_by_stream_category_and_tenant<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for name in ["order-1", "order-10", "acme/order-1", "acme/account-1", "account-1"] {
        commit(&store, append(name, 1, Expected::Any)).await;
    }
    let category = |name: &str| QueryItem::new().category(Category::new(name).expect("a valid category"));
    let acme = Some(tenant("acme"));
    for (query, found) in [
        (EventQuery::all(), vec![1, 2, 3, 4, 5]),
        (any_of([]), vec![1, 2, 5]),
        (any_of([]).in_tenant(acme.clone()), vec![3, 4]),
        (any_of([]).in_tenant(Some(tenant("nobody"))), vec![]),
        (any_of([category("order")]), vec![1, 2]),
        (any_of([category("order")]).in_tenant(acme.clone()), vec![3]),
        (any_of([category("order")]).any_tenant(), vec![1, 2, 3]),
        (any_of([category("ord")]).any_tenant(), vec![]),
        (any_of([category("order").category(Category::new("account").expect("valid"))]), vec![1, 2, 5]),
        (any_of([QueryItem::new().stream(stream("order-1"))]), vec![1]),
        (any_of([QueryItem::new().stream(stream("order-1")).stream(stream("account-1"))]), vec![1, 5]),
        (any_of([QueryItem::new().stream(stream("acme/order-1"))]), vec![]),
        (any_of([QueryItem::new().stream(stream("acme/order-1"))]).in_tenant(acme), vec![3]),
        (any_of([category("account").stream(stream("order-1"))]), vec![]),
    ] {
        let read = ReadLog::of(query);
        assert_eq!(positions(&read_log(&store, read.clone()).await), found, "{read:?}");
        let mut backward = read_log(&store, read.clone().backward()).await;
        backward.reverse();
        assert_eq!(positions(&backward), found, "{read:?} backward");
    }
}

/// The log as it was at a position or a recorded time, inclusive, both ways.
pub async fn as_of_a_position_or_time_later_records_are_not_seen<H: Harness>() {
    let setup = Setup::default();
    let harness = H::create(setup.clone()).await;
    let store = harness.store();
    let mut times = Vec::new();
    for _ in 0..3 {
        times.push(setup.clock.step(10));
        commit(&store, append("a-1", 2, Expected::Any)).await;
    }
    let early = Timestamp::from_micros(times[1].as_micros() - 1).expect("a valid time");
    for (as_of, last) in [
        (AsOf::Now, 6),
        (AsOf::Position(position(0)), 0),
        (AsOf::Position(position(3)), 3),
        (AsOf::Position(Position::MAX), 6),
        (AsOf::Recorded(Timestamp::EPOCH), 0),
        (AsOf::Recorded(early), 2),
        (AsOf::Recorded(times[1]), 4),
        (AsOf::Recorded(times[2]), 6),
    ] {
        for after in [0, 1, 4] {
            let read = ReadLog::all().as_of(as_of).after(position(after));
            let found = positions(&read_log(&store, read.clone()).await);
            assert_eq!(found, (after + 1..=last).collect::<Vec<_>>(), "{read:?}");
            let found = positions(&read_log(&store, read.clone().backward().limit(2)).await);
            assert_eq!(found, (after + 1..=last).rev().take(2).collect::<Vec<_>>(), "{read:?} backward");
        }
    }
}

/// B.14, B.20: two of type X, then one of Y: the latest X is found from behind.
pub async fn the_latest_of_a_type_is_one_backward_read<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, Commit::of([event("a-1", "X"), event("a-1", "X"), event("a-1", "Y")])).await;
    let query = any_of([of_type("X").stream(stream("a-1"))]);
    assert_eq!(positions(&read_log(&store, ReadLog::of(query).backward().limit(1)).await), [2]);
}

/// What is committed after the first record was given is not seen by that read.
pub async fn a_read_that_has_begun_sees_nothing_later<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("a-1", 600, Expected::Any)).await;
    let mut reading = store.read_log(ReadLog::all());
    let mut seen = vec![reading.next().await.expect("a record").expect("it reads")];
    commit(&store, append("a-1", 600, Expected::Any)).await;
    while let Some(record) = reading.next().await {
        seen.push(record.expect("it reads"));
    }
    assert_eq!(positions(&seen), (1..=600).collect::<Vec<_>>());
}

/// B.26, C.2, B.8: pieces of any size, both ways, add up to the whole; so do those of a query.
pub async fn a_long_log_reads_alike_in_pieces_and_at_once<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for _ in 0..3 {
        let mixed = (0..600).map(|n| tagged(["a-1", "b-1"][n % 2], ["x", "y", "z"][n % 3], &[["p", "q"][n % 2]]));
        commit(&store, Commit::of(mixed)).await;
    }
    for query in [EventQuery::all(), any_of([of_type("x")]), any_of([of_tags(&["q"])])] {
        let whole = read_log(&store, ReadLog::of(query.clone())).await;
        for limit in [7_u64, 256, 1000] {
            let mut pieces = Vec::new();
            let mut read = ReadLog::of(query.clone()).limit(limit);
            loop {
                let piece = read_log(&store, read.clone()).await;
                let Some(last) = piece.last() else { break };
                read.after = last.position();
                pieces.extend(piece);
                assert!(pieces.len() <= whole.len(), "pieces of {limit} do not end");
            }
            assert_eq!(pieces, whole, "pieces of {limit}");
        }
        let mut backward =
            read_log(&store, ReadLog { direction: Direction::Backward, ..ReadLog::of(query.clone()) }).await;
        backward.reverse();
        assert_eq!(backward, whole);
    }
    assert_eq!(log(&store).await.len(), 1800);
}
