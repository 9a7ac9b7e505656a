//! Events that outlive their code: every kind of change, stored as old code wrote it and read by today's (F26, 2.H).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use annals::{
    Annals, Commit, DecodeProblem, Decoded, EventQuery, EventType, Evolve, Fate, MemoryStore, NewEvent, QueryItem,
    ReadLog, Readable, Record, RecordParts, SchemaVersion, Store, StreamId, Tag, Unknown, UpcastError, boundary,
    codec::{self, Value},
    decode_record, decode_record_or, kinds,
    prelude::*,
};
use futures::{FutureExt, TryStreamExt};
use serde::{Deserialize, Serialize};

/// What old code stored, written down as it was.
mod old {
    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    pub(crate) struct WithdrawnV1 {
        pub(crate) euros: i64,
    }
    #[derive(Debug, Serialize, Deserialize)]
    pub(crate) struct WithdrawnV2 {
        pub(crate) cents: i64,
    }
    #[derive(Debug, Serialize, Deserialize)]
    pub(crate) struct MovedV1 {
        pub(crate) to: String,
        pub(crate) cents: u64,
        pub(crate) fee: u64,
    }
    #[derive(Debug, Serialize, Deserialize)]
    pub(crate) struct AdjustedV1 {
        pub(crate) by: i64,
    }
    #[derive(Debug, Serialize, Deserialize)]
    pub(crate) struct AdjustedV2 {
        pub(crate) cents: i64,
        pub(crate) why: String,
    }

    impl From<WithdrawnV1> for WithdrawnV2 {
        fn from(old: WithdrawnV1) -> Self {
            Self { cents: old.euros * 100 }
        }
    }
    impl TryFrom<WithdrawnV2> for AccountEvent {
        type Error = std::num::TryFromIntError;
        fn try_from(old: WithdrawnV2) -> Result<Self, Self::Error> {
            assert!(old.cents != 13_00, "unlucky");
            Ok(Self::Withdrawn { cents: old.cents.try_into()?, atm: None })
        }
    }
    impl From<MovedV1> for Vec<AccountEvent> {
        fn from(old: MovedV1) -> Self {
            let sent = AccountEvent::Sent { to: old.to, cents: old.cents };
            if old.fee == 0 { vec![sent] } else { vec![sent, AccountEvent::FeeCharged { cents: old.fee }] }
        }
    }
    impl From<AdjustedV1> for AdjustedV2 {
        fn from(old: AdjustedV1) -> Self {
            Self { cents: old.by, why: "unknown".to_owned() }
        }
    }
    impl From<AdjustedV2> for Correction {
        fn from(old: AdjustedV2) -> Self {
            Self { cents: old.cents, reason: old.why }
        }
    }
}

/// Opened 1 had the owner in two parts; 2 called it `name`.
fn join_names(mut tree: Value, record: &Record) -> Result<Value, UpcastError> {
    let fields = tree.as_map().ok_or_else(|| UpcastError::new("is no map"))?;
    let part =
        |name: &str| fields.iter().find(|(key, _)| key.as_str() == Some(name)).and_then(|(_, part)| part.as_str());
    let (Some(first), Some(last)) = (part("first"), part("last")) else {
        return Err(UpcastError::new(format!("{} lacks a part of the name", record.stream())));
    };
    tree = Value::Map(vec![("name".into(), format!("{first} {last}").into())]);
    Ok(tree)
}

fn call_it_owner(tree: Value, record: &Record) -> Result<Value, UpcastError> {
    let Value::Map(fields) = tree else { return Err(UpcastError::new("is no map")) };
    let owner = fields.into_iter().find(|(key, _)| key.as_str() == Some("name")).map(|(_, name)| name);
    let since = record.stream().key().to_owned();
    Ok(Value::Map(vec![("owner".into(), owner.unwrap_or(Value::Nil)), ("branch".into(), since.into())]))
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(
    prefix = "account",
    retired("account.frozen", "account.thawed"),
    split("account.moved", 1 = old::MovedV1, into(Sent, FeeCharged))
)]
enum AccountEvent {
    #[event(version = 3, from(1 = value(join_names), 2 = value(call_it_owner)))]
    Opened {
        owner: String,
        #[serde(default)]
        branch: Option<String>,
    },
    /// Renamed from `Drawn`, twice changed.
    #[event(version = 3, alias = "account.drawn", from(1 = old::WithdrawnV1, 2 = old::WithdrawnV2))]
    Withdrawn {
        cents: u64,
        #[tag]
        atm: Option<u32>,
    },
    Sent {
        to: String,
        cents: u64,
    },
    FeeCharged {
        cents: u64,
    },
    #[event(from("account.adjusted", 1 = old::AdjustedV1, 2 = old::AdjustedV2))]
    Corrected(Correction),
    /// The first version was never stored.
    #[event(version = 2, since = 2)]
    Closed {},
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Correction {
    cents: i64,
    reason: String,
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "account", event = AccountEvent)]
struct Account {
    seen: Vec<AccountEvent>,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, event: &AccountEvent) {
        self.seen.push(event.clone());
    }
}

fn stored(name: &str, version: u32, payload: &(impl Serialize + ?Sized)) -> NewEvent {
    NewEvent {
        schema_version: SchemaVersion::new(version).unwrap(),
        ..NewEvent::new(
            StreamId::new("account", "ada").unwrap(),
            EventType::new(name).unwrap(),
            codec::encode("old", payload).unwrap(),
        )
    }
}

/// A log of what every code of the past wrote, and what it is today.
fn history() -> Vec<(NewEvent, Vec<AccountEvent>)> {
    let owner = |branch: Option<&str>| AccountEvent::Opened { owner: "Ada L".into(), branch: branch.map(Into::into) };
    let withdrawn = |cents| AccountEvent::Withdrawn { cents, atm: None };
    let text = str::to_owned;
    let corrected = |cents, reason| AccountEvent::Corrected(Correction { cents, reason: text(reason) });
    let moved = |fee| old::MovedV1 { to: "bob".into(), cents: 5, fee };
    let sent = AccountEvent::Sent { to: "bob".into(), cents: 5 };
    let map = |fields: &[(&str, &str)]| fields.iter().map(|(key, value)| (text(key), text(value))).collect();
    let map = |fields: &[(&str, &str)]| -> std::collections::BTreeMap<String, String> { map(fields) };
    vec![
        (stored("account.opened", 1, &map(&[("first", "Ada"), ("last", "L")])), vec![owner(Some("ada"))]),
        (stored("account.opened", 2, &map(&[("name", "Ada L")])), vec![owner(Some("ada"))]),
        (stored("account.opened", 3, &map(&[("owner", "Ada L")])), vec![owner(None)]),
        (stored("account.drawn", 1, &old::WithdrawnV1 { euros: 3 }), vec![withdrawn(300)]),
        (stored("account.withdrawn", 1, &old::WithdrawnV1 { euros: 4 }), vec![withdrawn(400)]),
        (stored("account.withdrawn", 2, &old::WithdrawnV2 { cents: 5 }), vec![withdrawn(5)]),
        (stored("account.frozen", 7, &()), vec![]),
        (stored("account.moved", 1, &moved(2)), vec![sent.clone(), AccountEvent::FeeCharged { cents: 2 }]),
        (stored("account.moved", 1, &moved(0)), vec![sent]),
        (stored("account.adjusted", 1, &old::AdjustedV1 { by: -7 }), vec![corrected(-7, "unknown")]),
        (stored("account.adjusted", 2, &old::AdjustedV2 { cents: 8, why: "x".into() }), vec![corrected(8, "x")]),
        (stored("account.closed", 2, &map(&[])), vec![AccountEvent::Closed {}]),
    ]
}

async fn bank() -> Annals {
    let store = MemoryStore::new();
    store.commit(Commit::of(history().into_iter().map(|(event, _)| event))).await.unwrap();
    Annals::over(store).open().await.unwrap()
}

async fn records(annals: &Annals, query: EventQuery) -> Vec<Record> {
    annals.store().read_log(ReadLog::of(query)).try_collect().await.unwrap()
}

#[tokio::test]
async fn each_form_of_the_past_is_read_as_the_event_of_today() {
    let bank = bank().await;
    let records = records(&bank, EventQuery::all()).await;
    assert_eq!(records.len(), history().len());
    for (record, (stored, expected)) in records.iter().zip(history()) {
        let events = decode_record::<AccountEvent>(record).unwrap();
        assert_eq!(events.as_slice(), expected, "{} of version {}", record.event_type(), record.schema_version());
        assert_eq!(events.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(record.payload(), stored.payload, "stored bytes never change");
    }
}

#[tokio::test]
async fn aggregates_and_histories_see_the_events_of_today() {
    let bank = bank().await;
    let expected: Vec<_> = history().into_iter().flat_map(|(_, events)| events).collect();
    let ada = bank.on::<Account>("ada");
    let loaded = ada.load().await.unwrap();
    assert_eq!(loaded.state.seen, expected);
    assert_eq!(loaded.version.get(), history().len() as u64, "the version counts records");
    let steps: Vec<_> = ada.history().try_collect().await.unwrap();
    assert_eq!(steps.iter().map(|step| step.event.clone()).collect::<Vec<_>>(), expected);
    let addressed: Vec<_> = steps.iter().map(|step| (step.record.position().get(), step.index)).collect();
    let alone = |position| (position, 0);
    let expected: Vec<_> = (1..=6).map(alone).chain([(8, 0), (8, 1)]).chain((9..=12).map(alone)).collect();
    assert_eq!(addressed, expected, "position 7 is of a retired type, position 8 is split");
}

#[tokio::test]
async fn each_form_of_the_past_is_copied_as_today_stores_it() {
    let bank = bank().await;
    for (record, (_, expected)) in records(&bank, EventQuery::all()).await.iter().zip(history()) {
        let fate = Fate::as_of_today::<AccountEvent>(record).unwrap();
        let stored = match fate {
            Fate::Keep => vec![record.to_event()],
            Fate::Change(event) => vec![event],
            Fate::Split(events) => events,
            Fate::Drop => vec![],
            Fate::Merge => panic!("nothing is merged"),
        };
        let read = stored.iter().map(|event| {
            assert_eq!(
                event.schema_version.get(),
                AccountEvent::KINDS.iter().find(|kind| kind.name == event.event_type.as_str()).unwrap().version
            );
            decode_record::<AccountEvent>(&record_of(event.clone())).unwrap().as_slice()[0].clone()
        });
        assert_eq!(read.collect::<Vec<_>>(), expected);
        let ids: std::collections::HashSet<_> = stored.iter().map(|event| event.id).collect();
        assert_eq!(ids.len(), stored.len());
    }
}

#[tokio::test]
async fn a_query_by_kind_finds_former_names_and_forms() {
    let bank = bank().await;
    for (kind, positions) in [
        (kinds![AccountEvent::Withdrawn], &[4, 5, 6][..]),
        (kinds![AccountEvent::FeeCharged], &[8, 9]),
        (kinds![AccountEvent::Corrected], &[10, 11]),
        (kinds![AccountEvent::Closed], &[12]),
    ] {
        let query = EventQuery::new([QueryItem::new().kinds(kind).unwrap()]);
        let found: Vec<_> = records(&bank, query).await.iter().map(|record| record.position().get()).collect();
        assert_eq!(found, positions, "{kind:?}");
    }
}

/// What somebody sent, whatever the fees.
#[derive(Debug, Default, Clone, PartialEq)]
struct Movements(Vec<AccountEvent>);

impl Evolve<AccountEvent> for Movements {
    fn evolve(&mut self, event: &AccountEvent) {
        self.0.push(event.clone());
    }
}

impl annals::Boundary for Movements {
    type Id = ();
    fn select((): &()) -> annals::Selection<Self> {
        annals::Selection::of(kinds![AccountEvent::Sent, AccountEvent::Withdrawn])
    }
}

#[tokio::test]
async fn a_boundary_folds_the_selected_events_of_a_split_record_and_conflicts_on_former_names() {
    let bank = bank().await;
    let selected = |event: &AccountEvent| matches!(event, AccountEvent::Sent { .. } | AccountEvent::Withdrawn { .. });
    let expected: Vec<_> = history().into_iter().flat_map(|(_, events)| events).filter(selected).collect();
    let store = bank.store().clone();
    let rounds = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&rounds);
    bank.together(boundary::<Movements>(()), move |movements| {
        let rounds = counted.fetch_add(1, Ordering::Relaxed) + 1;
        assert_eq!(movements.0.len(), expected.len() + rounds - 1);
        if rounds == 1 {
            assert_eq!(movements.0, expected);
            // Old code is still running somewhere, and writes under the former name meanwhile.
            let old = Commit::of([stored("account.drawn", 1, &old::WithdrawnV1 { euros: 1 })]);
            store.commit(old).now_or_never().unwrap().unwrap();
        }
        movements.emit(annals::in_stream("account", "bob"), AccountEvent::FeeCharged { cents: 1 });
        Ok::<_, std::convert::Infallible>(())
    })
    .await
    .unwrap();
    assert_eq!(rounds.load(Ordering::Relaxed), 2, "what came under the former name was a conflict");
}

fn problem(event: NewEvent) -> DecodeProblem {
    let record = record_of(event);
    let error = decode_record::<AccountEvent>(&record).unwrap_err();
    assert_eq!(*error.record, record, "the record is intact");
    error.problem
}

#[test]
fn what_cannot_be_read_is_told_with_type_and_version() {
    for (event, expected) in [
        (stored("account.withdrawn", 4, &()), "is version 4 of account.withdrawn, this code knows version 3"),
        (stored("account.drawn", 9, &()), "is version 9 of account.drawn, this code knows version 3"),
        (stored("account.moved", 2, &()), "is version 2 of account.moved, this code knows version 1"),
        (stored("account.closed", 1, &()), "is version 1 of account.closed, from which there is no step to version 2"),
        (
            stored("account.withdrawn", 1, &old::WithdrawnV1 { euros: -1 }),
            "is version 1 of account.withdrawn, whose step from version 2 fails: out of range integral type conversion attempted",
        ),
        (
            stored("account.withdrawn", 1, &old::WithdrawnV1 { euros: 13 }),
            "is version 1 of account.withdrawn, whose step from version 1 fails: it panicked: unlucky",
        ),
        (
            stored("account.opened", 1, &old::AdjustedV1 { by: 1 }),
            "is version 1 of account.opened, whose step from version 1 fails: account-ada lacks a part of the name",
        ),
        (
            stored("account.withdrawn", 1, &old::WithdrawnV2 { cents: 1 }),
            "has a payload of type account.withdrawn that is not of the expected shape: missing field `euros`",
        ),
    ] {
        assert_eq!(problem(event).to_string(), expected);
    }
    let unknown = problem(stored("customer.registered", 1, &()));
    assert!(matches!(&unknown, DecodeProblem::UnknownType { found, .. } if found.as_str() == "customer.registered"));
    assert!(unknown.to_string().contains("AccountEvent does not know"), "{unknown}");
    let mut truncated = stored("account.adjusted", 1, &old::AdjustedV1 { by: 70_000 });
    truncated.payload = truncated.payload.slice(..truncated.payload.len() - 1);
    assert!(matches!(problem(truncated), DecodeProblem::Payload { .. }));
    let deep = [vec![0x91; 10_000_000], vec![0xc0]].concat();
    // A value upcaster's tree is bounded like any payload (F10).
    let record = record_of(stored("account.opened", 1, &()));
    let record = Record::of(RecordParts { payload: &deep, ..record.parts() });
    let error = decode_record::<AccountEvent>(&record).unwrap_err();
    assert!(error.to_string().ends_with("is nested deeper than 128 levels"), "{error}");
}

fn record_of(event: NewEvent) -> Record {
    let store = MemoryStore::new();
    let commit = store.commit(Commit::of([event])).now_or_never();
    commit.unwrap().unwrap();
    let read = store.read_log(ReadLog::of(EventQuery::all())).try_next().now_or_never();
    read.unwrap().unwrap().unwrap()
}

#[test]
fn a_reader_older_than_the_writer_fails_ignores_or_hands_over_as_it_chose() {
    let fields = std::collections::BTreeMap::from([("to", "bob"), ("purpose", "rent")]);
    let mut tree: Vec<(Value, Value)> = fields.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    tree.push(("cents".into(), 5.into()));
    let more_fields = record_of(stored("account.sent", 1, &Value::Map(tree)));
    let sent = AccountEvent::Sent { to: "bob".into(), cents: 5 };
    assert_eq!(decode_record(&more_fields), Ok(Decoded::One(sent)), "unknown fields are ignored");

    let damaged = record_of(stored("account.sent", 1, &()));
    for newer in [stored("account.sent", 2, &()), stored("account.blessed", 1, &())].map(record_of) {
        let read = |unknown| decode_record_or::<AccountEvent>(&newer, unknown);
        assert!(read(Unknown::Fail).unwrap_err().problem.is_of_newer_code());
        assert_eq!(read(Unknown::Ignore), Ok(Readable::Known(Decoded::Many(vec![]))));
        assert!(matches!(read(Unknown::HandOver), Ok(Readable::Unknown(problem)) if problem.is_of_newer_code()));
    }
    for unknown in [Unknown::Fail, Unknown::Ignore, Unknown::HandOver] {
        assert!(decode_record_or::<AccountEvent>(&damaged, unknown).is_err(), "{unknown:?} does not hide damage");
    }
}

#[test]
fn new_events_are_stored_in_their_present_form_only() {
    let event = AccountEvent::Withdrawn { cents: 1, atm: Some(7) };
    assert_eq!((event.kind().name, event.kind().version), ("account.withdrawn", 3));
    assert_eq!(event.kind().aliases, ["account.drawn"]);
    assert_eq!(event.tags(), Ok(vec![Tag::of("atm", 7).unwrap()]));
    assert_eq!(AccountEvent::RETIRED, ["account.frozen", "account.thawed"]);
    let past: Vec<_> = AccountEvent::PAST.iter().map(|past| format!("{past:?}")).collect();
    assert_eq!(
        past,
        [
            "account.opened version 1",
            "account.opened version 2",
            "account.withdrawn version 1",
            "account.withdrawn version 2",
            "account.adjusted version 1",
            "account.adjusted version 2",
            "account.moved version 1",
        ]
    );
}

/// The other side of a move between enums: what an account once had frozen is the business of a lien today.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "lien")]
enum LienEvent {
    #[event(alias = "account.frozen", version = 8, since = 7, from(7 = FrozenV7))]
    Placed { by: Option<String> },
}

#[derive(Deserialize)]
struct FrozenV7 {}

impl From<FrozenV7> for LienEvent {
    fn from(_: FrozenV7) -> Self {
        Self::Placed { by: None }
    }
}

#[tokio::test]
async fn an_event_moves_to_another_enum_when_the_former_one_has_retired_it() {
    let bank = Annals::over(MemoryStore::new()).aggregate::<Account>().events::<LienEvent>().events::<AccountEvent>();
    bank.open().await.unwrap();
    let frozen = record_of(stored("account.frozen", 7, &std::collections::BTreeMap::<String, u8>::new()));
    assert_eq!(decode_record::<AccountEvent>(&frozen), Ok(Decoded::Many(vec![])));
    assert_eq!(decode_record::<LienEvent>(&frozen), Ok(Decoded::One(LienEvent::Placed { by: None })));
}

#[tokio::test]
async fn two_enums_that_claim_one_stored_name_are_refused_at_the_start() {
    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "teller")]
    enum TellerEvent {
        #[event(alias = "account.drawn")]
        PaidOut {},
    }
    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account")]
    enum Legacy {
        Moved {},
    }
    for (builder, name, second) in [
        (Annals::over(MemoryStore::new()).aggregate::<Account>().events::<TellerEvent>(), "drawn", "TellerEvent"),
        (Annals::over(MemoryStore::new()).aggregate::<Account>().events::<Legacy>(), "moved", "Legacy"),
    ] {
        let error = builder.open().await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("event account.{name} is claimed by ")), "{error}");
        assert!(error.contains("AccountEvent and by ") && error.ends_with(second), "{error}");
    }
}

/// One name of which each version went another way: the first is split, the second is read as a tree and then as the type
/// of the third.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "ledger", split("ledger.booked", 1 = BookedV1, into(Booked, FeeCharged)))]
enum LedgerEvent {
    #[event(version = 4, from(2 = value(call_it_amount), 3 = BookedV3))]
    Booked {
        cents: u64,
    },
    FeeCharged {
        cents: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct BookedV1 {
    cents: u64,
    fee: u64,
}

#[derive(Serialize, Deserialize)]
struct BookedV3 {
    amount: u64,
}

impl From<BookedV1> for Vec<LedgerEvent> {
    fn from(old: BookedV1) -> Self {
        let booked = (old.cents > 0).then_some(LedgerEvent::Booked { cents: old.cents });
        let fee = (old.fee > 0).then_some(LedgerEvent::FeeCharged { cents: old.fee });
        booked.into_iter().chain(fee).collect()
    }
}

impl From<BookedV3> for LedgerEvent {
    fn from(old: BookedV3) -> Self {
        Self::Booked { cents: old.amount }
    }
}

fn call_it_amount(tree: Value, _: &Record) -> Result<Value, UpcastError> {
    let amount = tree.as_u64().ok_or_else(|| UpcastError::new("is no amount"))?;
    // A bank of the past booked nothing at all now and then, by a name that nothing reads.
    let name = if amount == 0 { "nothing" } else { "amount" };
    Ok(Value::Map(vec![(name.into(), amount.into())]))
}

#[test]
fn each_version_of_one_name_may_go_its_own_way() {
    let booked = |cents| LedgerEvent::Booked { cents };
    let fee = LedgerEvent::FeeCharged { cents: 1 };
    let v1 = |cents, fee| stored("ledger.booked", 1, &BookedV1 { cents, fee });
    for (event, expected) in [
        (v1(5, 1), vec![booked(5), fee.clone()]),
        (v1(0, 1), vec![fee]),
        (v1(0, 0), vec![]),
        (stored("ledger.booked", 2, &6), vec![booked(6)]),
        (stored("ledger.booked", 3, &BookedV3 { amount: 7 }), vec![booked(7)]),
        (stored("ledger.booked", 4, &std::collections::BTreeMap::from([("cents", 8)])), vec![booked(8)]),
    ] {
        let version = event.schema_version;
        assert_eq!(decode_record::<LedgerEvent>(&record_of(event)).unwrap().as_slice(), expected, "version {version}");
    }
    for (event, expected) in [
        (stored("ledger.booked", 5, &()), "is version 5 of ledger.booked, this code knows version 4"),
        (
            stored("ledger.booked", 2, &"six"),
            "is version 2 of ledger.booked, whose step from version 2 fails: is no amount",
        ),
        (
            stored("ledger.booked", 2, &0),
            "is version 2 of ledger.booked, whose step from version 2 fails: is not of the expected shape: missing field `amount`",
        ),
    ] {
        assert_eq!(decode_record::<LedgerEvent>(&record_of(event)).unwrap_err().problem.to_string(), expected);
    }
}
