//! Names, enums and files as one would not have them.

use std::collections::{BTreeMap, HashMap};

use annals::{
    EventForm, EventKind, InvalidText, Tag,
    codec::{self, EncodeError, PayloadError},
    shape::Schema,
};

use super::*;

/// For each stored name an event with that name, with a field and a tag of that name too, and the same with the field in
/// another shape.
macro_rules! named {
    ($($module:ident = $name:literal,)*) => {
        $(mod $module {
            use super::*;

            #[derive(Clone, Serialize, Deserialize, Event)]
            pub(super) enum First {
                #[event(name = $name, example = Self::Done { field: 7 })]
                Done { #[serde(rename = $name)] #[tag(name = $name)] field: u32 },
            }

            #[derive(Clone, Serialize, Deserialize, Event)]
            pub(super) enum Changed {
                #[event(name = $name, example = Self::Done { field: String::new() })]
                Done { #[serde(rename = $name)] #[tag(name = $name)] field: String },
            }
        })*

        /// The name, and what is stored under it at first and later.
        fn named() -> Vec<(&'static str, Schemas, Schemas)> {
            let schemas = Schemas::new;
            vec![$(($name, schemas().event::<$module::First>(), schemas().event::<$module::Changed>())),*]
        }
    };
}

named! {
    looks_like_a_version = "account v2",
    is_a_version = "v2",
    looks_like_a_form = "event account v1",
    begins_with_a_space = " account",
    ends_with_a_space = "account ",
    is_a_remark = "# account",
    is_a_schema = "| [i64]",
    is_a_sum = "sum 0123456789abcdef",
    is_a_tag = "tag account",
    is_was = "was",
    has_quotes = "\"account\" \\ {",
    is_german = "konto.eröffnet",
    is_japanese = "口座.開設",
    is_of_two_parts = "e\u{301}.👩‍🚀",
    has_a_line_of_its_own = "a\u{2028}b",
    goes_the_other_way = "\u{202e}account",
    is_of_240_bytes = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\
                       0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\
                       0123456789012345678901234567890123456789",
}

#[test]
fn any_name_that_an_event_can_have_is_locked_and_read_back() {
    for (name, first, changed) in named() {
        let lock = Lock::of(&first);
        lock.look(&first).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        let text = lock.text();
        assert!(text.contains(&format!("\nevent {name} v1\n")), "{text}");
        lock.bless(&first).unwrap();
        assert_eq!(lock.text(), text);
        lock.refuses(
            &changed,
            &["is read as text, but was written as u32", &format!("event {name} v1 of `Changed::Done`")],
        );
        lock.refuses(&Schemas::new(), &[&format!("event {name} v1 is not read by any event any more")]);
    }
}

/// Enums by hand, of which nothing checks the names.
macro_rules! by_hand {
    ($($enum:ident = $name:expr, $version:literal;)*) => {$(
        #[derive(Clone, Serialize, Deserialize)]
        enum $enum {
            Done,
        }

        impl Event for $enum {
            const KINDS: &'static [EventKind] = &[EventKind::new("Done", $name, $version)];
            fn kind(&self) -> &'static EventKind {
                &Self::KINDS[0]
            }
            fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
                Ok(vec![])
            }
            fn encode(&self) -> Result<codec::Bytes, EncodeError> {
                codec::encode_variant(self)
            }
            fn decode(_: usize, payload: &[u8]) -> Result<Self, PayloadError> {
                codec::decode_variant(0, payload)
            }
            fn forms() -> Vec<EventForm<Self>> {
                vec![EventForm { schema: "{}".parse().unwrap(), tags: &[], examples: vec![Self::Done] }]
            }
        }
    )*};
}

by_hand! {
    Nameless = "", 1;
    Broken = "door\nopened", 1;
    Reserved = "$door", 1;
    Endless = include_str!("../lock.rs"), 1;
    Unversioned = "door.opened", 0;
}

#[derive(Clone, Serialize, Deserialize)]
struct Nobody;

impl Command for Nobody {
    const NAME: &'static str = "no\nbody";
    const VERSION: u32 = 0;
    fn schema() -> Option<Schema> {
        Some("()".parse().unwrap())
    }
}

#[test]
fn a_name_that_no_event_can_have_is_told() {
    let schemas = Schemas::new;
    for (schemas, told) in [
        (schemas().event::<Nameless>(), "`Nameless::Done` has no name to be stored under: event type \"\" is empty"),
        (
            schemas().event::<Broken>(),
            "`Broken::Done` has no name to be stored under: event type \"door\\nopened\" holds",
        ),
        (
            schemas().event::<Reserved>(),
            "`Reserved::Done` has no name to be stored under: event type \"$door\" begins with",
        ),
        (schemas().event::<Endless>(), "bytes, at most 255 are allowed"),
        (schemas().command::<Nobody>(), "`Nobody` has no name to be stored under: command \"no\\nbody\" holds"),
    ] {
        Lock::of(&Schemas::new()).refuses(&schemas, &[told]);
    }
    let lock = Lock::of(&schemas().event::<Unversioned>());
    assert!(lock.text().contains("event door.opened v1\n"), "a version 0 counts as 1");
    lock.look(&schemas().event::<Unversioned>()).unwrap();
}

#[derive(Clone, Serialize, Deserialize, Event)]
enum Empty {}

#[test]
fn an_enum_without_variants_is_locked_as_nothing() {
    let lock = Lock::of(&Schemas::new().event::<Empty>());
    assert!(lock.text().lines().all(|line| line.starts_with('#')), "{}", lock.text());
    lock.look(&Schemas::new().event::<Empty>()).unwrap();
    lock.accepts(&first::schemas().event::<Empty>(), &["event account.frozen v1"]);
    fs::remove_file(&lock.path).unwrap();
    lock.look(&Schemas::new()).unwrap();
}

mod cellar {
    use super::*;

    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "cellar")]
    pub(super) enum DoorEvent {
        Opened,
    }
}

mod attic {
    use super::*;

    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "attic")]
    pub(super) enum DoorEvent {
        #[event(example = Self::Opened)]
        Opened,
        #[event(name = "cellar.opened", version = 2, since = 2, example = Self::Left)]
        Left,
    }
}

#[test]
fn enums_of_one_name_are_told_apart_and_claim_nothing_together() {
    Lock::of(&Schemas::new()).refuses(
        &Schemas::new().event::<cellar::DoorEvent>().event::<attic::DoorEvent>(),
        &[
            "all::lock::unusual::cellar::DoorEvent::Opened` has no example",
            "event cellar.opened is claimed by `all::lock::unusual::cellar::DoorEvent` and by `all::lock::unusual::attic::DoorEvent`",
            "`retired(\"cellar.opened\")`",
        ],
    );
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "card")]
enum CardEvent {
    #[event(alias = "account.frozen", example = Self::Frozen)]
    Frozen,
}

life!(retired {
    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account", retired("account.frozen"))]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "Ada".to_owned() })]
        Opened { owner: String },
        #[event(example = Self::Withdrawn { cents: 5, atm: 7 })]
        Withdrawn { cents: u32, #[tag] atm: u32 },
    }
});

#[test]
fn an_event_that_moved_is_retired_in_one_enum_and_an_alias_in_the_other() {
    let lock = Lock::of(&first::schemas());
    lock.refuses(
        &first::schemas().event::<CardEvent>(),
        &["event account.frozen is claimed by `AccountEvent` and by `CardEvent`: rename one of them, or, if it moved"],
    );
    lock.accepts(&retired::schemas().event::<CardEvent>(), &["event card.frozen v1 of `CardEvent::Frozen` is new"]);
    lock.refuses(&Schemas::new().event::<CardEvent>(), &["event account.opened v1 is not read by any event any more"]);
}

#[derive(Clone, Serialize, Deserialize, Event)]
enum Unordered {
    #[event(name = "rates.set", example = Self::Set { rates: rates(1), times: BTreeMap::new() }, example = Self::Set { rates: rates(1), times: BTreeMap::new() })]
    Set { rates: HashMap<u32, u32>, times: BTreeMap<u32, u32> },
}

fn rates(first: u32) -> HashMap<u32, u32> {
    (first..first + 20).map(|number| (number, number)).collect()
}

#[test]
fn an_example_whose_map_has_no_order_is_the_same_one_in_every_run() {
    let schemas = Schemas::new().event::<Unordered>();
    let lock = Lock::of(&schemas);
    for _ in 0..20 {
        lock.look(&schemas).unwrap();
    }
    assert_eq!(lock.text().matches("payload ").count(), 1, "{}", lock.text());
}

/// A type that says nothing of itself, and the same when it does.
#[derive(Clone, Serialize, Deserialize)]
struct Money(i64);

mod told {
    use super::*;

    #[derive(Clone, Serialize, Deserialize, Shape)]
    pub(super) struct Money(pub(super) i64);
}

macro_rules! paid {
    ($enum:ident, $money:path) => {
        #[derive(Clone, Serialize, Deserialize, Event)]
        #[event(prefix = "bill")]
        enum $enum {
            #[event(example = Self::Paid { amounts: vec![$money(7)] })]
            Paid { amounts: Vec<$money> },
        }
    };
}

paid!(PaidInMoney, Money);
paid!(PaidInToldMoney, told::Money);

#[test]
fn a_type_of_which_nothing_is_known_is_told_and_may_say_of_itself_later() {
    let lock = Lock::of(&Schemas::new());
    let unknown = "nothing is known of `Vec<Money>`: a change of it would not be noticed. Derive `Shape` for it";
    lock.accepts(&Schemas::new().event::<PaidInMoney>(), &["is new:", &format!("But {unknown}")]);
    assert!(lock.text().contains(&format!("#\n# event bill.paid v1: {unknown}\n")), "{}", lock.text());
    let told = Schemas::new().event::<PaidInToldMoney>();
    lock.accepts(&told, &["-     amounts: opaque(\"Vec<Money>\"),", "+     amounts: [i64],", "the version may stay"]);
    assert!(!lock.text().contains(unknown), "{}", lock.text());
    lock.refuses(&Schemas::new().event::<PaidInMoney>(), &["amounts", "Raise the version", "But nothing is known of"]);
}

#[test]
fn a_file_that_is_none_is_told() {
    let schemas = first::schemas();
    let lock = Lock::of(&schemas);
    let refuses = |lock: &Lock, told: &str| {
        for error in [lock.look(&schemas), lock.bless(&schemas)].map(Result::unwrap_err) {
            assert!(error.starts_with("it cannot be read: ") && error.contains(told), "{error}");
        }
    };
    fs::write(&lock.path, b"event \xff v1").unwrap();
    refuses(&lock, "UTF-8");
    fs::remove_file(&lock.path).unwrap();
    fs::create_dir(&lock.path).unwrap();
    refuses(&lock, "");
    fs::remove_dir(&lock.path).unwrap();
    let below = Lock { path: lock.path.join("events.lock"), ..Lock::of(&schemas) };
    lock.bless(&schemas).unwrap();
    assert!(below.look(&schemas).is_err() && below.bless(&schemas).is_err());
    // Folders that are not there yet are made.
    let deep = Lock { path: lock.path.with_file_name("locks").join("events.lock"), ..Lock::of(&schemas) };
    deep.bless(&schemas).unwrap();
    deep.look(&schemas).unwrap();
}
