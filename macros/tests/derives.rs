//! The derives write what one could have written by hand: the same domain twice, and no difference between them.

use annals_core::{
    Aggregate, AggregateId, Command, CommitNumber, Event, EventId, EventType, Evolve, Metadata, Position, Record,
    RecordParts, SchemaVersion, SnapshotPolicy, StreamId, Timestamp, Version, codec,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Correction {
    cents: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct WithdrawnV1 {
    euros: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct MovedV1 {
    cents: u64,
}

mod derived {
    use annals_macros::{Aggregate, AggregateId, Command, Event};
    use serde::{Deserialize, Serialize};

    use super::{Correction, MovedV1, WithdrawnV1};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[event(prefix = "account", retired("account.frozen"), split("account.moved", 1 = MovedV1, into(Withdrawn, Closed)))]
    pub(super) enum AccountEvent {
        Opened {
            #[tag]
            owner: String,
        },
        #[event(version = 2, alias = "account.drawn", from(1 = WithdrawnV1))]
        Withdrawn {
            cents: u64,
            #[tag(name = "atm")]
            machine: Option<u32>,
            #[tag]
            r#type: u8,
        },
        #[event(name = "account.balance_corrected")]
        Corrected(Correction),
        #[serde(rename = "gone")]
        Closed,
    }

    #[derive(Debug, Clone, PartialEq, AggregateId)]
    pub(super) struct AccountId(pub(super) String);

    #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, Aggregate)]
    #[aggregate(name = "account", id = AccountId, event = AccountEvent, snapshot(every = 100, version = 2))]
    pub(super) struct Account {
        pub(super) open: bool,
        pub(super) cents: Option<u64>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
    #[command(version = 3)]
    pub(super) struct CloseAccount;
}

#[allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "as one would write it")]
mod by_hand {
    use std::{fmt, num::NonZeroU64, str::FromStr};

    use annals_core::{
        Aggregate, AggregateId, Command, Decoded, Event, EventKind, InvalidText, Past, SnapshotPolicy, Snapshots, Tag,
        codec::{self, Bytes, EncodeError, PayloadError},
        past,
    };
    use serde::{Deserialize, Serialize};

    use super::{Correction, MovedV1, WithdrawnV1};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) enum AccountEvent {
        Opened {
            owner: String,
        },
        Withdrawn {
            cents: u64,
            machine: Option<u32>,
            r#type: u8,
        },
        Corrected(Correction),
        #[serde(rename = "gone")]
        Closed,
    }

    impl Event for AccountEvent {
        const KINDS: &'static [EventKind] = &[
            EventKind::new("Opened", "account.opened", 1),
            EventKind::new("Withdrawn", "account.withdrawn", 2).formerly(&["account.drawn"]),
            EventKind::new("Corrected", "account.balance_corrected", 1),
            EventKind::new("Closed", "account.closed", 1),
        ];
        const PAST: &'static [Past<Self>] = &[
            Past {
                name: "account.withdrawn",
                version: 1,
                kinds: &[1],
                read: |record| {
                    let old: WithdrawnV1 = past::payload(record)?;
                    Ok(Decoded::One(past::step(record, 1, old)?))
                },
            },
            Past {
                name: "account.moved",
                version: 1,
                kinds: &[1, 3],
                read: |record| {
                    let old: MovedV1 = past::payload(record)?;
                    Ok(Decoded::Many(past::step(record, 1, old)?))
                },
            },
        ];
        const RETIRED: &'static [&'static str] = &["account.frozen"];

        fn kind(&self) -> &'static EventKind {
            match self {
                Self::Opened { .. } => &Self::KINDS[0],
                Self::Withdrawn { .. } => &Self::KINDS[1],
                Self::Corrected(_) => &Self::KINDS[2],
                Self::Closed => &Self::KINDS[3],
            }
        }

        fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
            match self {
                Self::Opened { owner } => Ok(vec![Tag::of("owner", owner)?]),
                Self::Withdrawn { machine: Some(machine), r#type, .. } => {
                    Ok(vec![Tag::of("atm", machine)?, Tag::of("type", r#type)?])
                }
                Self::Withdrawn { machine: None, r#type, .. } => Ok(vec![Tag::of("type", r#type)?]),
                Self::Corrected(_) | Self::Closed => Ok(vec![]),
            }
        }

        fn encode(&self) -> Result<Bytes, EncodeError> {
            codec::encode_variant(self)
        }

        fn decode(kind: usize, payload: &[u8]) -> Result<Self, PayloadError> {
            codec::decode_variant(u32::try_from(kind).unwrap(), payload)
        }
    }

    #[derive(Debug, Clone, PartialEq)]
    pub(super) struct AccountId(pub(super) String);

    impl AggregateId for AccountId {
        fn to_key(&self) -> String {
            self.0.clone()
        }
        fn from_key(key: &str) -> Option<Self> {
            Some(Self(key.to_owned()))
        }
    }

    impl fmt::Display for AccountId {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl FromStr for AccountId {
        type Err = std::convert::Infallible;
        fn from_str(text: &str) -> Result<Self, Self::Err> {
            Ok(Self(text.to_owned()))
        }
    }

    impl From<String> for AccountId {
        fn from(text: String) -> Self {
            Self(text)
        }
    }

    impl From<&str> for AccountId {
        fn from(text: &str) -> Self {
            Self(text.to_owned())
        }
    }

    #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Account {
        pub(super) open: bool,
        pub(super) cents: Option<u64>,
    }

    impl Aggregate for Account {
        const NAME: &'static str = "account";
        type Id = AccountId;
        type Event = AccountEvent;
        fn snapshots() -> Option<Snapshots<Self>> {
            Some(Snapshots {
                policy: SnapshotPolicy::Every(NonZeroU64::new(100).unwrap()),
                version: 2,
                shape: "open: bool, cents: Option<u64>",
                past: &[],
                encode: |state| codec::encode("the state of account", state),
                decode: |bytes| codec::decode(bytes),
            })
        }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct CloseAccount;

    impl Command for CloseAccount {
        const NAME: &'static str = "close_account";
        const VERSION: u32 = 3;
    }
}

/// The fold is the user's in any case.
macro_rules! evolve {
    ($domain:ident) => {
        impl Evolve<$domain::AccountEvent> for $domain::Account {
            fn evolve(&mut self, event: &$domain::AccountEvent) {
                self.open = !matches!(event, $domain::AccountEvent::Closed);
            }
        }
    };
}
evolve!(derived);
evolve!(by_hand);

/// The steps are the user's too.
macro_rules! steps {
    ($domain:ident) => {
        impl From<WithdrawnV1> for $domain::AccountEvent {
            fn from(old: WithdrawnV1) -> Self {
                Self::Withdrawn { cents: old.euros * 100, machine: None, r#type: 0 }
            }
        }
        impl From<MovedV1> for Vec<$domain::AccountEvent> {
            fn from(old: MovedV1) -> Self {
                let withdrawn = $domain::AccountEvent::Withdrawn { cents: old.cents, machine: None, r#type: 1 };
                vec![withdrawn, $domain::AccountEvent::Closed]
            }
        }
    };
}
steps!(derived);
steps!(by_hand);

/// One event of every kind, and the option both ways.
macro_rules! events {
    ($domain:ident) => {{
        use $domain::AccountEvent as E;
        [
            E::Opened { owner: "ada".into() },
            E::Withdrawn { cents: 1, machine: Some(7), r#type: 2 },
            E::Withdrawn { cents: 1, machine: None, r#type: 2 },
            E::Corrected(Correction { cents: -1 }),
            E::Closed,
        ]
    }};
}

#[test]
fn a_derived_event_is_stored_as_one_by_hand() {
    assert_eq!(derived::AccountEvent::KINDS, by_hand::AccountEvent::KINDS);
    for (derived, by_hand) in events!(derived).into_iter().zip(events!(by_hand)) {
        assert_eq!(derived.kind(), by_hand.kind());
        assert_eq!(derived.tags(), by_hand.tags());
        let bytes = derived.encode().unwrap();
        assert_eq!(bytes, by_hand.encode().unwrap());
        let index = derived::AccountEvent::KINDS.iter().position(|kind| kind == derived.kind()).unwrap();
        assert_eq!(derived::AccountEvent::decode(index, &bytes), Ok(derived));
        assert_eq!(by_hand::AccountEvent::decode(index, &bytes), Ok(by_hand));
    }
}

#[test]
fn a_derived_event_refuses_what_one_by_hand_refuses() {
    for (kind, payload) in [(0, &[0x80][..]), (0, &[]), (4, &[0x80]), (usize::MAX - 1, &[0x80])] {
        let derived = derived::AccountEvent::decode(kind, payload).map(|event| event.encode().unwrap());
        if kind < 5 {
            let by_hand = by_hand::AccountEvent::decode(kind, payload).map(|event| event.encode().unwrap());
            assert_eq!(derived, by_hand);
        }
        assert!(derived.is_err());
    }
    let long = derived::AccountEvent::Opened { owner: "x".repeat(300) };
    assert_eq!(long.tags(), by_hand::AccountEvent::Opened { owner: "x".repeat(300) }.tags());
    assert!(long.tags().is_err());
}

#[test]
fn a_derived_event_has_the_past_of_one_by_hand() {
    assert_eq!(derived::AccountEvent::RETIRED, by_hand::AccountEvent::RETIRED);
    let (derived, by_hand) = (derived::AccountEvent::PAST, by_hand::AccountEvent::PAST);
    assert_eq!(derived.len(), by_hand.len());
    let payloads = [
        codec::encode("old", &WithdrawnV1 { euros: 3 }).unwrap(),
        codec::encode("old", &MovedV1 { cents: 5 }).unwrap(),
        codec::encode("old", &()).unwrap(),
    ];
    for (derived, by_hand) in derived.iter().zip(by_hand) {
        assert_eq!((derived.name, derived.version, derived.kinds), (by_hand.name, by_hand.version, by_hand.kinds));
        for payload in &payloads {
            let record = record(derived.name, payload);
            let texts = |events: Vec<String>| events.join(", ");
            let derived =
                (derived.read)(&record).map(|events| texts(events.iter().map(|e| format!("{e:?}")).collect()));
            let by_hand =
                (by_hand.read)(&record).map(|events| texts(events.iter().map(|e| format!("{e:?}")).collect()));
            assert_eq!(derived, by_hand);
        }
    }
}

/// serde takes a field's number in place of its name, but counts other names of a field as well.
#[test]
fn a_derived_event_reads_fields_as_serde_was_told() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, annals_macros::Event)]
    #[event(prefix = "transfer")]
    enum TransferEvent {
        Booked {
            #[serde(alias = "payer", alias = "drawer")]
            from: u32,
            #[serde(skip)]
            seen: u32,
            #[serde(rename = "payee")]
            to: u32,
            cents: u32,
        },
        Undone {
            from: u32,
            #[serde(skip_deserializing)]
            seen: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<u32>,
            cents: u32,
        },
    }
    let payload = |fields: &[(&str, u32)]| {
        codec::encode("map", &fields.iter().copied().collect::<std::collections::BTreeMap<_, _>>()).unwrap()
    };
    for from in ["payer", "drawer", "from"] {
        let booked = TransferEvent::decode(0, &payload(&[(from, 1), ("payee", 2), ("cents", 3)]));
        assert_eq!(booked, Ok(TransferEvent::Booked { from: 1, seen: 0, to: 2, cents: 3 }));
    }
    let undone = TransferEvent::decode(1, &payload(&[("from", 1), ("seen", 2), ("cents", 3)]));
    assert_eq!(undone, Ok(TransferEvent::Undone { from: 1, seen: 0, reason: None, cents: 3 }));
    for event in [
        TransferEvent::Booked { from: 1, seen: 0, to: 2, cents: 3 },
        TransferEvent::Undone { from: 1, seen: 0, reason: Some(2), cents: 3 },
    ] {
        let kind = TransferEvent::KINDS.iter().position(|kind| kind == event.kind()).unwrap();
        assert_eq!(TransferEvent::decode(kind, &event.encode().unwrap()), Ok(event));
    }
}

#[allow(clippy::unwrap_used, reason = "a test")]
fn record(event_type: &str, payload: &codec::Bytes) -> Record {
    Record::of(RecordParts {
        position: Position::FIRST,
        commit: CommitNumber::FIRST,
        stream: &StreamId::new("account", "ada").unwrap(),
        version: Version::FIRST,
        id: EventId::new(),
        event_type: &EventType::new(event_type).unwrap(),
        schema_version: SchemaVersion::FIRST,
        tags: &[],
        metadata: &Metadata::default(),
        recorded: Timestamp::EPOCH,
        occurred: Timestamp::EPOCH,
        payload,
    })
}

#[test]
fn an_enum_without_variants_is_an_event() {
    #[derive(Clone, Serialize, Deserialize, annals_macros::Event)]
    enum Nothing {}
    assert!(Nothing::KINDS.is_empty());
    assert!(Nothing::decode(0, &[0x80]).is_err());
}

#[test]
fn a_derived_aggregate_is_kept_as_one_by_hand() {
    assert_eq!(derived::Account::NAME, by_hand::Account::NAME);
    let (derived, by_hand) = (derived::Account::snapshots().unwrap(), by_hand::Account::snapshots().unwrap());
    assert_eq!((derived.policy, derived.version, derived.shape), (by_hand.policy, by_hand.version, by_hand.shape));
    assert!(matches!(derived.policy, SnapshotPolicy::Every(every) if every.get() == 100));
    let state = derived::Account { open: true, cents: Some(7) };
    let bytes = (derived.encode)(&state).unwrap();
    assert_eq!(bytes, (by_hand.encode)(&by_hand::Account { open: true, cents: Some(7) }).unwrap());
    assert_eq!((derived.decode)(&bytes), Ok(state));
    assert_eq!((derived.decode)(&[]).unwrap_err(), (by_hand.decode)(&[]).unwrap_err());
}

#[test]
fn a_derived_command_is_recognised_as_one_by_hand() {
    let derived = (derived::CloseAccount::NAME, derived::CloseAccount::VERSION);
    assert_eq!(derived, (by_hand::CloseAccount::NAME, by_hand::CloseAccount::VERSION));
}

#[test]
fn a_derived_id_is_written_as_one_by_hand() {
    let (derived, by_hand) = (derived::AccountId::from("ada-1"), by_hand::AccountId::from("ada-1"));
    assert_eq!((derived.to_key(), derived.to_string()), (by_hand.to_key(), by_hand.to_string()));
    assert_eq!(derived::AccountId::from_key("ada-1"), Some(derived.clone()));
    assert_eq!("ada-1".parse(), Ok(derived.clone()));
    assert_eq!(derived::AccountId::from("ada-1".to_owned()), derived);
}
