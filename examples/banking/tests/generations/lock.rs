//! The lock file as the generations of the program wrote it, each on top of what the one before had locked.
//!
//! The lock file came later than some of them. So that it holds their forms too, they are written down here as they were:
//! the events that have changed since, and with types of their own.

use std::{env, fs, panic::catch_unwind, path::Path};

use annals::{
    Event, Schemas,
    testing::{lock_schemas, schemas_are_locked},
};
use serde::{Deserialize, Serialize};

use super::{GENERATIONS, IBAN};

mod without_iban {
    use super::*;

    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account")]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "ada".to_owned(), overdraft_limit: 5_000 })]
        Opened {
            #[tag]
            owner: String,
            overdraft_limit: i64,
        },
        #[event(example = Self::InterestPaid { amount: 200 })]
        InterestPaid { amount: i64 },
    }
}

mod with_iban {
    use super::*;

    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account")]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "ada".to_owned(), iban: Some(IBAN.to_owned()), overdraft_limit: 5_000 })]
        Opened {
            #[tag]
            owner: String,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            iban: Option<String>,
            overdraft_limit: i64,
        },
        #[event(example = Self::InterestPaid { amount: 200 })]
        InterestPaid { amount: i64 },
    }
}

mod with_kind {
    use annals::Shape;

    use super::*;

    #[derive(Clone, Serialize, Deserialize, Shape)]
    pub(super) enum Kind {
        Current,
        Savings,
    }

    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account")]
    pub(super) enum AccountEvent {
        #[event(
            version = 2,
            from(1 = OpenedV1),
            example = Self::Opened {
                owner: "ada".to_owned(),
                iban: Some(IBAN.to_owned()),
                kind: Kind::Current,
                overdraft_limit: 5_000,
            },
            example = Self::Opened { owner: "ada".to_owned(), iban: None, kind: Kind::Savings, overdraft_limit: 0 }
        )]
        Opened {
            #[tag]
            owner: String,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            iban: Option<String>,
            kind: Kind,
            overdraft_limit: i64,
        },
        #[event(example = Self::InterestPaid { amount: 200 })]
        InterestPaid { amount: i64 },
    }

    #[derive(Deserialize)]
    pub(super) struct OpenedV1 {
        owner: String,
        iban: Option<String>,
        overdraft_limit: i64,
    }

    impl From<OpenedV1> for AccountEvent {
        fn from(OpenedV1 { owner, iban, overdraft_limit }: OpenedV1) -> Self {
            Self::Opened { owner, iban, kind: Kind::Current, overdraft_limit }
        }
    }
}

/// What the generations before today's stored.
fn past() -> [Schemas; 3] {
    let schemas = Schemas::new;
    [
        schemas().event::<without_iban::AccountEvent>(),
        schemas().event::<with_iban::AccountEvent>(),
        schemas().event::<with_kind::AccountEvent>(),
    ]
}

/// Writes the file as they did.
fn lock_the_past(path: &Path) {
    for schemas in past() {
        lock_schemas(path, &schemas);
        schemas_are_locked(path, &schemas);
    }
}

#[test]
fn each_generation_accepts_what_the_ones_before_have_locked_and_none_accepts_a_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.lock");
    lock_the_past(&path);
    lock_schemas(&path, &banking::bank::schemas());
    let text = fs::read_to_string(&path).unwrap();
    for generation in GENERATIONS {
        assert!(text.contains(&format!("\nevent account.opened v{}\n", generation.version)), "{text}");
        assert!(text.contains(&format!("\npayload {}\n", generation.opened)), "{text}");
        assert!(text.contains(&format!("\nevent {} v1\n", generation.interest)), "{text}");
    }
    for schemas in past() {
        assert!(catch_unwind(|| lock_schemas(&path, &schemas)).is_err());
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

/// Where there is no lock file, `ANNALS_BLESS=1` begins one with what they stored; `tests/lock.rs` adds what is stored today.
#[test]
fn the_lock_file_holds_what_every_generation_stored() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("events.lock");
    if !path.exists() && env::var_os("ANNALS_BLESS").is_some_and(|value| value == "1") {
        lock_the_past(&path);
    }
    let folder = tempfile::tempdir().unwrap();
    let anew = folder.path().join("events.lock");
    lock_the_past(&anew);
    let (locked, anew) = (fs::read_to_string(path).unwrap(), fs::read_to_string(anew).unwrap());
    let forms: Vec<_> = anew.split("\n\n").skip(1).collect();
    assert_eq!(forms.len(), 3, "{anew}");
    for form in forms {
        assert!(locked.contains(form.trim_end()), "{form}\nis not in\n{locked}");
    }
}
