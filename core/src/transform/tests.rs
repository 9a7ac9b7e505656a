use std::time::Duration;

use bytes::Bytes;

use crate::{
    CommitNumber, Digest, EventType, IdempotencyKey, LoggedTable, Position, RecordParts, RowWrite, SchemaVersion, Tag,
    Tenant, Timestamp, Version, account::AccountEvent, codec,
};

use super::*;

type Failure = Box<dyn Error + Send + Sync>;

/// What a test wants of a transformation, as functions.
#[derive(Clone)]
struct By {
    stream: fn(&StreamId) -> StreamFate,
    record: fn(&Record) -> Result<Fate, Failure>,
    keeps_keys: bool,
}

const KEEP: By = By { stream: |_| StreamFate::Keep, record: |_| Ok(Fate::Keep), keeps_keys: true };

impl Transformation for By {
    fn name(&self) -> Result<TransformationName, InvalidText> {
        TransformationName::new("by functions")
    }
    fn stream(&self, stream: &StreamId) -> Result<StreamFate, InvalidText> {
        Ok((self.stream)(stream))
    }
    fn record(&mut self, record: &Record) -> Result<Fate, Failure> {
        (self.record)(record)
    }
    fn keeps_key(&self, _: &Once) -> bool {
        self.keeps_keys
    }
}

fn stream(text: &str) -> StreamId {
    text.parse().unwrap()
}

fn record(position: u32, id: &str, event_type: &str, payload: &str) -> Record {
    Record::of(RecordParts {
        position: Position::from(position),
        commit: CommitNumber::FIRST,
        stream: &stream(id),
        version: Version::from(position),
        id: crate::EventId::new(),
        event_type: &EventType::new(event_type).unwrap(),
        schema_version: SchemaVersion::FIRST,
        tags: &[Tag::new("a").unwrap()],
        metadata: &crate::Metadata::default(),
        recorded: Timestamp::EPOCH,
        occurred: Timestamp::EPOCH.saturating_add(Duration::from_secs(1)),
        payload: payload.as_bytes(),
    })
}

fn stored(records: Vec<Record>) -> StoredCommit {
    StoredCommit { number: CommitNumber::FIRST, recorded: Timestamp::EPOCH, records, rows: Vec::new(), once: None }
}

fn two() -> StoredCommit {
    stored(vec![record(1, "s-1", "made", "one"), record(2, "s-2", "made", "two")])
}

#[test]
fn what_is_kept_is_the_same() {
    let commit = StoredCommit {
        rows: vec![RowWrite::put(LoggedTable::new("jobs").unwrap(), "a", "b")],
        once: Some(Once { key: IdempotencyKey::new("k").unwrap(), digest: Digest::of(&[]), answer: "a".into() }),
        ..two()
    };
    for written in
        [Transformer::new(Unchanged).commit(&commit).unwrap(), Transformer::new(KEEP).commit(&commit).unwrap()]
    {
        assert_eq!(written, commit.to_commit());
    }
    let written = Transformer::new(By { keeps_keys: false, ..KEEP }).commit(&commit).unwrap();
    assert_eq!(written, crate::Commit { once: None, ..commit.to_commit() });
}

#[test]
fn each_fate_is_carried_out_and_counted() {
    let by = |record| By { record, ..KEEP };
    /// What becomes of two records, the payloads that are written, and what is counted.
    type Case = (fn(&Record) -> Result<Fate, Failure>, &'static [&'static str], fn(&mut TransformCounts));
    let cases: [Case; 7] = [
        (|_| Ok(Fate::Drop), &[], |counts| counts.dropped = 2),
        (|_| Ok(Fate::Merge), &[], |counts| counts.merged = 2),
        (|_| Ok(Fate::Split(vec![])), &[], |counts| counts.dropped = 2),
        (
            |record| Ok(Fate::Split(vec![record.part(0), record.part(1)])),
            &["one", "one", "two", "two"],
            |counts| counts.split = 2,
        ),
        (
            |record| Ok(Fate::Change(NewEvent { event_type: EventType::new("done")?, ..record.to_event() })),
            &["one", "two"],
            |counts| counts.renamed = 2,
        ),
        (
            |record| Ok(Fate::Change(NewEvent { tags: vec![], stream: "s-9".parse()?, ..record.to_event() })),
            &["one", "two"],
            |counts| (counts.retagged, counts.moved) = (2, 2),
        ),
        (
            |record| Ok(Fate::Change(NewEvent { payload: "x".into(), ..record.to_event() })),
            &["x", "x"],
            |counts| counts.recoded = 2,
        ),
    ];
    for (case, (record, payloads, expect)) in cases.into_iter().enumerate() {
        let mut transformer = Transformer::new(by(record));
        let written = transformer.commit(&two()).unwrap();
        let found: Vec<_> = written.events.iter().map(|event| event.payload.clone()).collect();
        assert_eq!(found, payloads, "case {case}");
        let mut expected = TransformCounts {
            commits_read: 1,
            commits_written: u64::from(!payloads.is_empty()),
            events_read: 2,
            events_written: payloads.len() as u64,
            streams_read: 1,
            bytes_read: 6,
            bytes_written: payloads.iter().map(|payload| payload.len() as u64).sum(),
            ..TransformCounts::default()
        };
        expect(&mut expected);
        assert_eq!(*transformer.counts(), expected, "case {case}");
    }
}

#[test]
fn parts_have_ids_that_stay() {
    let record = record(1, "s-1", "made", "one");
    let ids: Vec<_> = (0..3).map(|index| record.part(index).id).collect();
    assert_eq!(ids, (0..3).map(|index| record.part(index).id).collect::<Vec<_>>());
    assert_eq!(ids[0], record.id());
    assert!(ids[1] != ids[0] && ids[2] != ids[1] && ids[1].as_uuid().get_version_num() == 8);
}

#[test]
fn a_recoded_record_has_another_content_and_is_the_same_otherwise() {
    let record = record(1, "account-1", "made", "one");
    let event = AccountEvent::Deposited { amount: 5 };
    let recoded = record.recoded(&event).unwrap();
    assert_eq!(recoded.event_type.as_str(), "account.deposited");
    assert_eq!(recoded.payload, codec::encode_variant(&event).unwrap());
    assert_eq!(
        (recoded.id, recoded.stream, recoded.occurred),
        (record.id(), record.stream().clone(), Some(record.occurred()))
    );
}

#[test]
fn a_record_is_stored_as_today_unless_it_is_so_already() {
    let event = AccountEvent::Opened { owner: "ada".into() };
    let stored = |change: fn(NewEvent) -> NewEvent| {
        let record = record(1, "account-1", "account.opened", "");
        let event = change(record.recoded(&event).unwrap());
        let (tags, payload) = (&*event.tags, &*event.payload);
        Record::of(RecordParts { tags, payload, event_type: &event.event_type, ..record.parts() })
    };
    let today = stored(|event| event);
    assert_eq!(Fate::as_of_today::<AccountEvent>(&today), Ok(Fate::Keep));
    let tagged = stored(|event| NewEvent { tags: vec![Tag::new("of-old").unwrap()], ..event });
    assert_eq!(
        Fate::as_of_today::<AccountEvent>(&tagged),
        Ok(Fate::Change(NewEvent { tags: today.tags().to_vec(), ..tagged.to_event() }))
    );
    let unknown = stored(|event| NewEvent { event_type: EventType::new("other").unwrap(), ..event });
    let error = Fate::as_of_today::<AccountEvent>(&unknown).unwrap_err();
    assert!(matches!(error, RecodeError::Decode(_)), "{error}");
}

/// Renamed and dropped streams: their events, what is closed, and who holds names.
#[test]
fn rows_follow_their_streams() {
    let fate = |stream: &StreamId| match stream.category() {
        "old" => StreamFate::Rename(stream.as_str().replacen("old", "new", 1).parse().unwrap()),
        "gone" => StreamFate::Drop,
        _ => StreamFate::Keep,
    };
    let acme = Some(Tenant::new("acme").unwrap());
    let name = |holder: &'static str| RowWrite::put(LoggedTable::NAMES, "hash", holder);
    let foreign = RowWrite::put(LoggedTable::CLOSED, "acme/old-1", "");
    let rows = [
        (RowWrite::close(&stream("s-1")), Some(RowWrite::close(&stream("s-1")))),
        (RowWrite::close(&stream("old-1")), Some(RowWrite::close(&stream("new-1")))),
        (RowWrite::close(&stream("acme/old-1")), Some(RowWrite::close(&stream("acme/new-1")))),
        (RowWrite::close(&stream("gone-1")), None),
        (foreign.clone(), Some(foreign)),
        (name("s-1"), Some(name("s-1"))),
        (name("old-1"), Some(name("new-1"))),
        (name("gone-1"), Some(RowWrite::delete(LoggedTable::NAMES, "hash"))),
        (
            RowWrite::put(LoggedTable::NAMES.in_tenant(acme.clone()), "hash", "acme/old-1"),
            Some(RowWrite::put(LoggedTable::NAMES.in_tenant(acme), "hash", "acme/new-1")),
        ),
        (RowWrite::delete(LoggedTable::NAMES, "h"), Some(RowWrite::delete(LoggedTable::NAMES, "h"))),
        (RowWrite::put(LoggedTable::NAME_KEY, "", "v"), Some(RowWrite::put(LoggedTable::NAME_KEY, "", "v"))),
        (RowWrite::delete(LoggedTable::ONCE, "k"), Some(RowWrite::delete(LoggedTable::ONCE, "k"))),
        (RowWrite::put(LoggedTable::EPOCHS, "c", "1"), Some(RowWrite::put(LoggedTable::EPOCHS, "c", "1"))),
    ];
    let (given, expected): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let records = vec![record(1, "old-1", "made", ""), record(2, "gone-1", "made", ""), record(3, "s-1", "made", "")];
    let commit = StoredCommit { rows: given, ..stored(records) };
    let mut transformer = Transformer::new(By { stream: fate, ..KEEP });
    let written = transformer.commit(&commit).unwrap();
    assert_eq!(written.rows, expected.into_iter().flatten().collect::<Vec<_>>());
    let streams: Vec<_> = written.events.iter().map(|event| event.stream.as_str()).collect();
    assert_eq!(streams, ["new-1", "s-1"]);
    let counts = transformer.counts();
    assert_eq!((counts.dropped, counts.moved, counts.unchanged), (1, 1, 1));
}

#[test]
fn a_mistake_of_the_transformation_names_the_place() {
    let failing = By {
        record: |record| if record.position() == Position::FIRST { Ok(Fate::Keep) } else { Err("no".into()) },
        ..KEEP
    };
    let error = Transformer::new(failing).commit(&two()).unwrap_err();
    assert_eq!(error.to_string(), "the transformation failed at position 2: no");
    let panicking = By { record: |_| panic!("oh"), ..KEEP };
    let error = Transformer::new(panicking).commit(&two()).unwrap_err();
    assert_eq!(error.to_string(), "the transformation panicked at position 1: oh");
    let panicking = By { stream: |_| panic!("oh"), ..KEEP };
    let error = Transformer::new(panicking).commit(&two()).unwrap_err();
    assert_eq!(error.to_string(), "the transformation panicked at the name of a stream: oh");
    let moving = By { stream: |_| StreamFate::Rename("acme/s-1".parse().unwrap()), ..KEEP };
    let error = Transformer::new(moving).commit(&two()).unwrap_err();
    assert_eq!(error.to_string(), "stream s-1 was renamed to acme/s-1, which belongs to another tenant");
}

/// Adds up the payloads of each commit of two, and of the log what is left: merging within a commit and across.
#[derive(Clone, Default)]
struct Sums {
    held: Vec<Record>,
}

impl Sums {
    fn sum(&mut self) -> Option<NewEvent> {
        let payload =
            self.held.iter().map(|record| String::from_utf8_lossy(record.payload()).into_owned()).collect::<String>();
        let last = self.held.pop()?;
        self.held.clear();
        Some(NewEvent { payload: payload.into(), ..last.to_event() })
    }
}

impl Transformation for Sums {
    fn name(&self) -> Result<TransformationName, InvalidText> {
        TransformationName::new("sums")
    }
    fn record(&mut self, record: &Record) -> Result<Fate, Failure> {
        self.held.push(record.clone());
        Ok(Fate::Merge)
    }
    fn commit_end(&mut self, _: &StoredCommit) -> Result<Vec<NewEvent>, Failure> {
        Ok(if self.held.len() > 1 { self.sum().into_iter().collect() } else { Vec::new() })
    }
    fn log_end(&mut self) -> Result<Vec<NewEvent>, Failure> {
        Ok(self.sum().into_iter().collect())
    }
}

#[test]
fn events_are_merged_within_a_commit_across_commits_and_at_the_end() {
    let mut transformer = Transformer::new(Sums::default());
    let mut payloads = |commit: StoredCommit| {
        let written = transformer.commit(&commit).unwrap();
        written.events.into_iter().map(|event| event.payload).collect::<Vec<_>>()
    };
    assert_eq!(payloads(two()), ["onetwo"]);
    let one = |payload| stored(vec![record(3, "s-1", "made", payload)]);
    assert_eq!((payloads(one("a")), payloads(one("b"))), (vec![], vec!["ab".into()]));
    assert_eq!(payloads(one("c")), Vec::<Bytes>::new());
    assert_eq!(transformer.end().unwrap().events[0].payload, "c");
    assert!(transformer.end().unwrap().writes_nothing());
    let counts = transformer.counts();
    assert_eq!((counts.merged, counts.events_written, counts.commits_written, counts.commits_read), (5, 3, 3, 4));
}
