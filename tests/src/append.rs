//! Appending: numbers, receipts, and records that come back as they were given.

use annals_core::{
    Actor, Commit, CommitNumber, CorrelationId, EventId, Expected, LoggedTable, Metadata, NewEvent, Position, Scan,
    SchemaVersion, Timestamp, TraceParent,
};
use futures::future::join_all;

use crate::{Harness, Setup, fixture::*};

/// A.2: the first event of a new stream is accepted without expectation; our versions and positions begin at 1.
pub async fn first_event_is_version_1_at_position_1<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let receipt = commit(&harness.store(), append("order-1", 1, Expected::Any)).await;
    assert_eq!(receipt.version_of(&stream("order-1")), Some(version(1)));
    assert_eq!(receipt.positions, Some((Position::FIRST, Position::FIRST)));
    let records = all_of(&harness.store(), "order-1").await;
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].version(), records[0].position()), (version(1), position(1)));
}

/// A.6, A.12: 1 at 0, 2 at 1, 3 at 3.
pub async fn versions_advance_with_every_append<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for (expected, count, behind) in [(0, 1, 1), (1, 2, 3), (3, 3, 6)] {
        let receipt = commit(&store, append("order-1", count, at(expected))).await;
        assert_eq!(receipt.version_of(&stream("order-1")), Some(version(behind)));
    }
    assert_eq!(versions_of(&store, "order-1").await, [1, 2, 3, 4, 5, 6]);
}

/// A.16, A.36, G.23: four at once to a new stream give 4 events, four more to a stream of 4 give 8.
pub async fn appends_without_expectation_all_succeed<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for before in [0, 4] {
        let results = join_all((0..4).map(|_| store.commit(append("order-1", 1, Expected::Any)))).await;
        let mut versions: Vec<_> = results
            .into_iter()
            .map(|result| result.expect("no expectation, no conflict").versions[0].1.get())
            .collect();
        versions.sort_unstable();
        assert_eq!(versions, (before + 1..=before + 4).collect::<Vec<_>>());
    }
    assert_eq!(versions_of(&store, "order-1").await, (1..=8).collect::<Vec<_>>());
}

/// P3, G.23 to G.28, C.8: positions, commit numbers and versions have no gap, whatever is between.
pub async fn numbers_are_dense_across_streams_and_commits<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for (round, name) in ["a-1", "b-1", "a-1", "c-1", "a-1"].into_iter().enumerate() {
        commit(&store, append(name, round + 1, Expected::Any)).await;
        conflict(&store, append(name, 1, Expected::Empty)).await;
    }
    let records = log(&store).await;
    assert_eq!(positions(&records), (1..=15).collect::<Vec<_>>());
    let commits: Vec<_> = records.iter().map(|record| record.commit().get()).collect();
    assert_eq!(commits, [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5]);
    assert_eq!(versions_of(&store, "a-1").await, (1..=9).collect::<Vec<_>>());
}

/// A.36, P1: the receipt says what later reads see.
pub async fn receipt_names_what_the_commit_was_given<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("z-1", 2, Expected::Any)).await;
    let both = [events("b-1", 2), events("a-1", 1)].concat();
    let receipt = commit(&store, Commit::of(both)).await;
    let records = log(&store).await;
    assert_eq!(receipt.commit, CommitNumber::new(2).expect("a valid number"));
    assert_eq!(receipt.positions, Some((position(3), position(5))));
    let versions = [(stream("b-1"), version(2)), (stream("a-1"), version(1))];
    assert_eq!(receipt.versions, versions, "streams in the order of their first event");
    assert_eq!(receipt.recorded, records[2].recorded());
    assert!(receipt.answer.is_empty());
    assert!(!receipt.repeated);
}

/// A.56, A.58: the pattern A, B, A counts in each stream, and goes on when it is repeated.
pub async fn events_of_one_commit_may_alternate_between_streams<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for round in 1..=2 {
        let pattern = [event("a-1", "x"), event("b-1", "y"), event("a-1", "z")];
        let receipt = commit(&store, Commit::of(pattern)).await;
        let versions = [(stream("a-1"), version(2 * round)), (stream("b-1"), version(round))];
        assert_eq!(receipt.versions, versions);
    }
    let order: Vec<_> = log(&store).await.iter().map(|r| format!("{}@{}", r.stream(), r.version())).collect();
    assert_eq!(order, ["a-1@1", "b-1@1", "a-1@2", "a-1@3", "b-1@2", "a-1@4"]);
}

/// A.4, A.26, G.32: to an empty store and behind three events; the specification of boundaries refuses it, we do not.
pub async fn a_commit_of_nothing_writes_nothing<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    for number in [0, 1] {
        let before = contents(&store).await;
        let receipt = commit(&store, Commit::new()).await;
        assert_eq!(receipt.commit.get(), number, "the latest commit");
        assert_eq!(receipt.positions, None);
        assert!(receipt.versions.is_empty() && !receipt.repeated);
        assert_eq!(contents(&store).await, before);
        if number == 0 {
            commit(&store, append("order-1", 3, Expected::Any)).await;
        }
    }
}

/// Each commit has a dense number, also one without events.
pub async fn rows_without_events_are_a_numbered_commit<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("order-1", 2, Expected::Any)).await;
    let receipt = commit(&store, Commit::new().row(put("names", "ada", "1"))).await;
    assert_eq!((receipt.commit.get(), receipt.positions), (2, None));
    assert_eq!((head(&store).commit.get(), head(&store).position.get()), (2, 2));
    let receipt = commit(&store, append("order-1", 1, Expected::Any)).await;
    assert_eq!((receipt.commit.get(), receipt.positions), (3, Some((position(3), position(3)))));
}

/// A.18, P2, P3: after refused commits the next one is numbered as if they had never been.
pub async fn refused_commits_use_up_no_numbers<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, append("order-1", 1, Expected::Any)).await;
    for _ in 0..3 {
        let before = contents(&store).await;
        conflict(&store, append("order-1", 2, at(0)).row(put("names", "ada", "1"))).await;
        assert_eq!(contents(&store).await, before);
    }
    let receipt = commit(&store, append("order-1", 1, at(1))).await;
    assert_eq!((receipt.commit.get(), receipt.positions), (2, Some((position(2), position(2)))));
}

/// A.18, A.20, A.22: the same id to the same and to another stream is stored each time; keys recognise repetition.
pub async fn event_ids_are_carried_and_not_compared<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let id: EventId = "6f1d2c3b-4a59-4687-9abc-def012345678".parse().expect("a valid id");
    for name in ["a-1", "a-1", "b-1"] {
        commit(&store, Commit::of([NewEvent { id, ..event(name, "x") }])).await;
    }
    let ids: Vec<_> = log(&store).await.into_iter().map(|record| record.id()).collect();
    assert_eq!(ids, [id; 3]);
}

/// A.22, A.24, G.34: ids, names, metadata, times and payload, with letters of many scripts.
pub async fn records_come_back_as_they_were_given<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let metadata = Metadata {
        correlation: Some(CorrelationId::new()),
        causation: Some(EventId::new()),
        actor: Some(Actor::new("Ωmega 🦀").expect("a valid actor")),
        traceparent: Some(TraceParent::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").expect("valid")),
        extra: [("ключ".to_owned(), "värde\n\u{202e}".to_owned()), (String::new(), String::new())].into(),
        ..Metadata::default()
    };
    let given = NewEvent {
        schema_version: SchemaVersion::new(u32::MAX).expect("not zero"),
        metadata,
        occurred: Some(Timestamp::from_micros(-1).expect("a valid time")),
        payload: "{\"name\":\"Zoë 🎉 \u{0}\"}".into(),
        ..tagged("Ünïcode/注文-🦀 é", "注文.created", &["étudiant:1", "b"])
    };
    commit(&store, Commit::of([given.clone(), event("order-1", "plain")])).await;
    let records = log(&store).await;
    let found = &records[0];
    assert_eq!((found.stream(), found.event_type(), found.id()), (&given.stream, &given.event_type, given.id));
    assert_eq!((found.schema_version(), found.metadata()), (given.schema_version, &given.metadata));
    assert_eq!((Some(found.occurred()), found.payload()), (given.occurred, &*given.payload));
    assert_eq!(found.tags(), [tag("b"), tag("étudiant:1")]);
    assert_eq!(*records[1].metadata(), Metadata::default());
    assert_eq!(all_of(&store, "Ünïcode/注文-🦀 é").await, records[..1], "a stream and the log give the same record");
}

/// Tags come back in ascending order, each once.
pub async fn tags_are_a_set<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    commit(&store, Commit::of([tagged("a-1", "x", &["c", "a", "c", "b", "a"]), event("a-1", "x")])).await;
    let records = log(&store).await;
    assert_eq!(records[0].tags(), [tag("a"), tag("b"), tag("c")]);
    assert_eq!(records[1].tags(), []);
}

/// A.24, F2: no bytes, every byte, and more bytes than a page of any index holds.
pub async fn any_bytes_are_a_payload<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let large: Vec<u8> = (0..700_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let payloads = [vec![], vec![0], (0..=255).collect(), vec![0xc1; 4097], large];
    let given = payloads.iter().map(|payload| NewEvent::new(stream("a-1"), event_type("x"), payload.clone()));
    commit(&store, Commit::of(given)).await;
    let found = all_of(&store, "a-1").await;
    assert_eq!(found.len(), payloads.len());
    for (record, payload) in found.iter().zip(&payloads) {
        assert!(*record.payload() == payload[..], "a payload of {} bytes came back unchanged", payload.len());
    }
}

/// A.28: 255 bytes of stream id and of event type, in a commit of one event and of several.
pub async fn the_longest_names_are_accepted<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let id = format!("{}/{}-{}", "t".repeat(100), "c".repeat(100), "k".repeat(53));
    let kind = "e".repeat(255);
    let label = "g".repeat(255);
    assert_eq!(id.len(), 255);
    commit(&store, Commit::of([tagged(&id, &kind, &[&label])])).await;
    commit(&store, Commit::of([event(&id, &kind), event("a-1", &kind), event(&id, &kind)])).await;
    assert_eq!(versions_of(&store, &id).await, [1, 2, 3]);
    assert!(all_of(&store, &id).await.iter().all(|record| record.event_type().as_str() == kind));
}

/// F2, C.4: 1,000 events over three streams are one commit.
pub async fn a_thousand_events_are_one_commit<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let many = (0..1000).map(|n| event(["a-1", "b-1", "c-1"][n % 3], &format!("e{n}")));
    let receipt = commit(&store, Commit::of(many)).await;
    assert_eq!(receipt.positions, Some((position(1), position(1000))));
    let records = log(&store).await;
    assert!(records.iter().enumerate().all(|(n, record)| record.event_type().as_str() == format!("e{n}")));
    assert_eq!(records.len(), 1000);
    assert_eq!(keys(&store, Scan::all(LoggedTable::STREAMS)).await, ["a-1", "b-1", "c-1"]);
}
