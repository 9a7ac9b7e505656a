//! Each thing that may become of what is copied.

use annals_core::{
    Commit, CommitError, EventType, Fate, LoggedTable, NewEvent, Record, RecordParts, Scan, Store, StoredCommit,
    StreamId, Tag, Version,
};
use annals_store_sled::{CopyReport, CopyTransform};

use super::{
    Folder, small,
    transformations::{By, Everything, Failure},
};
use crate::support::{assert_index_agrees, event, files, log, open, stored, stream};

/// Copies through `record`, verifies, and gives the records before and after.
async fn copied(
    record: impl Fn(&Record) -> Result<Fate, Failure> + Clone + Send,
) -> (Vec<Record>, Vec<Record>, CopyReport) {
    let folder = Folder::with_source().await;
    let mut copy = CopyTransform::new(&folder.from, &folder.to, By("by function", record)).target_options(small);
    let report = copy.run().unwrap();
    let verification = copy.verify().unwrap();
    assert!(verification.is_equal(), "{verification:?}");
    let records = |path| stored(path).into_iter().flat_map(|commit| commit.records).collect::<Vec<_>>();
    let store = open(&folder.to);
    assert_index_agrees(&store).await;
    assert_eq!(log(&store).await, records(&folder.to));
    (records(&folder.from), records(&folder.to), report)
}

fn is_even(record: &Record) -> bool {
    record.payload().last().is_some_and(|digit| digit.is_ascii_digit() && digit % 2 == 0)
}

#[tokio::test]
async fn what_is_dropped_leaves_no_gap() {
    let (before, after, report) = copied(|record| Ok(if is_even(record) { Fate::Drop } else { Fate::Keep })).await;
    let kept: Vec<_> = before.iter().filter(|record| !is_even(record)).collect();
    assert_eq!(
        kept.iter().map(|record| record.id()).collect::<Vec<_>>(),
        after.iter().map(|record| record.id()).collect::<Vec<_>>()
    );
    assert_eq!(report.counts.dropped as usize, before.len() - after.len());
    assert!(after.len() < before.len());
    for (index, record) in after.iter().enumerate() {
        assert_eq!(record.position().get(), index as u64 + 1);
    }
}

#[tokio::test]
async fn a_renamed_or_retagged_event_is_the_same_otherwise() {
    let (before, after, report) = copied(|record| {
        let mut event = NewEvent { event_type: EventType::new("test.renamed")?, ..record.to_event() };
        event.tags.push(Tag::new("another")?);
        Ok(Fate::Change(event))
    })
    .await;
    assert_eq!((report.counts.renamed, report.counts.retagged), (before.len() as u64, before.len() as u64));
    for (before, after) in before.iter().zip(&after) {
        let event_type = EventType::new("test.renamed").unwrap();
        let mut tags = before.tags().to_vec();
        tags.push(Tag::new("another").unwrap());
        tags.sort();
        assert_eq!(after.parts(), RecordParts { event_type: &event_type, tags: &tags, ..before.parts() });
    }
}

#[tokio::test]
async fn a_split_event_becomes_several_of_its_commit() {
    let (before, after, report) =
        copied(|record| Ok(Fate::Split((0..2).map(|index| record.part(index)).collect()))).await;
    assert_eq!((after.len(), report.counts.split as usize), (2 * before.len(), before.len()));
    for (before, parts) in before.iter().zip(after.chunks(2)) {
        assert_eq!(
            (parts[0].id(), parts[0].payload(), parts[0].commit()),
            (before.id(), before.payload(), parts[1].commit())
        );
        assert_ne!(parts[1].id(), before.id());
        assert_eq!(parts[0].recorded(), before.recorded());
    }
}

/// Everything at once, followed into each place that it must reach.
#[tokio::test]
async fn a_transformation_reaches_streams_names_closed_streams_and_receipts() {
    let folder = Folder::with_source().await;
    let before = files(&folder.from);
    let mut copy = CopyTransform::new(&folder.from, &folder.to, Everything::default()).target_options(small);
    let counts = copy.run().unwrap().counts;
    assert!(copy.verify().unwrap().is_equal());
    assert_eq!(files(&folder.from), before);
    for count in [
        counts.dropped,
        counts.merged,
        counts.split,
        counts.renamed,
        counts.moved,
        counts.retagged,
        counts.recoded,
        counts.unchanged,
    ] {
        assert!(count > 2, "{counts:?}");
    }
    let store = open(&folder.to);
    assert_index_agrees(&store).await;
    for gone in ["s-1", "s-2", "s-3", "s-4"] {
        assert!(stream(&store, gone).await.is_empty());
    }
    let joined = stream(&store, "joined-1").await;
    assert!(joined.len() > 10 && joined.iter().zip(1_u32..).all(|(record, at)| record.version() == Version::from(at)));
    let names = store.scan(Scan::all(LoggedTable::NAMES)).await.unwrap().rows;
    assert_eq!(names, [("hash-1".into(), "joined-1".into()), ("hash-2".into(), "other-3".into())]);
    for closed in ["other-3", "acme/s-1"] {
        let late = store.commit(Commit::of([event(closed, "late")])).await;
        assert!(matches!(late, Err(CommitError::Closed { .. })), "{late:?}");
    }
    store.commit(Commit::of([event("s-3", "another stream by now")])).await.unwrap();
    // A repetition is told what is right for the new store.
    let mut told = 0;
    for commit in stored(&folder.to) {
        let Some(once) = commit.once.clone().filter(|once| once.key.as_str() != "0") else { continue };
        let receipt = store.commit(Commit::new().once(once.clone())).await.unwrap();
        assert!(receipt.repeated);
        assert_eq!(
            (receipt.commit, receipt.positions, receipt.recorded),
            (commit.number, commit.positions(), commit.recorded)
        );
        assert_eq!((&receipt.versions, &receipt.answer), (&commit.receipt().versions, &once.answer));
        told += 1;
    }
    assert!(told > 20);
}

/// The verification is not the copy over again: it sees what is different in a copy that was made otherwise.
#[tokio::test]
async fn a_verification_reports_the_first_differences() {
    type Otherwise = fn(&Record) -> Result<Fate, Failure>;
    let folder = Folder::with_source().await;
    CopyTransform::new(&folder.from, &folder.to, By("as it is", |_: &Record| Ok(Fate::Keep))).run().unwrap();
    let all = stored(&folder.to);
    let differences =
        |record: Otherwise| CopyTransform::new(&folder.from, &folder.to, By("otherwise", record)).verify().unwrap();
    let payload = differences(|record| Ok(Fate::Change(NewEvent { payload: "x".into(), ..record.to_event() })));
    let records: Vec<&Record> = all.iter().flat_map(|commit: &StoredCommit| &commit.records).collect();
    assert_eq!((payload.differing, payload.differences.len()), (records.len() as u64, 10));
    let text = payload.differences[0].to_string();
    assert_eq!(text, "commit 1: payload of the record at position 1 is b\"0\", expected b\"x\"");

    let cases: [(&str, Otherwise); 6] = [
        ("type", |record| Ok(Fate::Change(NewEvent { event_type: EventType::new("other")?, ..record.to_event() }))),
        ("stream", |record| Ok(Fate::Change(NewEvent { stream: StreamId::new("s", "99")?, ..record.to_event() }))),
        ("id", |record| Ok(Fate::Change(NewEvent { id: record.part(1).id, ..record.to_event() }))),
        ("tags", |record| Ok(Fate::Change(NewEvent { tags: vec![], ..record.to_event() }))),
        ("occurred time", |record| {
            Ok(Fate::Change(NewEvent { occurred: Some(annals_core::Timestamp::EPOCH), ..record.to_event() }))
        }),
        ("number of events", |_| Ok(Fate::Drop)),
    ];
    for (what, record) in cases {
        let found = differences(record);
        assert!(!found.is_equal());
        assert!(found.differences[0].what.starts_with(what), "{what}: {}", found.differences[0]);
    }
    std::fs::remove_file(folder.to.join("names.key")).unwrap();
    let keys = differences(|_| Ok(Fate::Keep));
    assert_eq!((keys.differing, keys.differences[0].what.as_str()), (1, "the key of unique names"));
}
