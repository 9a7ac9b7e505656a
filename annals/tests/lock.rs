//! What is stored cannot change unnoticed: every kind of change against one lock file.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, dead_code, reason = "a test")]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use annals::{
    Schemas,
    prelude::*,
    shape::Mode,
    testing::{lock_schemas, schemas_are_locked},
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// An event enum in one life of its code.
macro_rules! life {
    ($life:ident { $($code:tt)* }) => {
        mod $life {
            use super::*;

            $($code)*

            pub(super) fn schemas() -> Schemas {
                Schemas::new().event::<AccountEvent>()
            }
        }
    };
}

mod unusual;

life!(first {
    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account")]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "Ada".to_owned() })]
        Opened { owner: String },
        #[event(example = Self::Withdrawn { cents: 5, atm: 7 }, example = AccountEvent::Withdrawn { cents: 0, atm: 0 })]
        Withdrawn { cents: u32, #[tag] atm: u32 },
        #[event(example = Self::Frozen)]
        Frozen,
    }
});

struct Lock {
    _folder: TempDir,
    path: PathBuf,
}

impl Lock {
    /// The file as `schemas` wrote it.
    fn of(schemas: &Schemas) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lock = Self { path: folder.path().join("events.lock"), _folder: folder };
        lock.bless(schemas).unwrap();
        lock
    }

    fn look(&self, schemas: &Schemas) -> Result<(), String> {
        message(|| schemas_are_locked(&self.path, schemas))
    }

    fn bless(&self, schemas: &Schemas) -> Result<(), String> {
        message(|| lock_schemas(&self.path, schemas))
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    /// The change is told and can be accepted; from then on it is what is locked.
    #[track_caller]
    fn accepts(&self, schemas: &Schemas, told: &[&str]) {
        let error = self.look(schemas).unwrap_err();
        assert!(error.starts_with("what is stored has changed:\n\n"), "{error}");
        assert!(error.ends_with("If this is meant, run the test with ANNALS_BLESS=1"), "{error}");
        for told in told {
            assert!(error.contains(told), "{told:?} is not in\n{error}");
        }
        self.bless(schemas).unwrap();
        self.look(schemas).unwrap();
        let written = self.text();
        self.bless(schemas).unwrap();
        assert_eq!(self.text(), written);
    }

    /// The change is told and cannot be accepted; nothing is written.
    #[track_caller]
    fn refuses(&self, schemas: &Schemas, told: &[&str]) {
        let written = self.text();
        for error in [self.look(schemas), self.bless(schemas)].map(Result::unwrap_err) {
            for told in told {
                assert!(error.contains(told), "{told:?} is not in\n{error}");
            }
        }
        assert_eq!(self.text(), written, "blessing hides nothing");
    }
}

/// What a panic says, behind the path.
fn message(run: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let message = panic.downcast::<String>().unwrap();
        message.split_once("events.lock: ").unwrap().1.to_owned()
    })
}

#[test]
fn a_lock_file_is_written_when_asked_for_and_holds_from_then_on() {
    let lock = Lock::of(&first::schemas());
    lock.look(&first::schemas()).unwrap();
    let text = lock.text();
    assert!(text.starts_with("# What events and commands are stored as. Written by a test;"), "{text}");
    let (_, forms) = text.split_once("\n\n").unwrap();
    let forms: String =
        forms.lines().filter(|line| !line.starts_with("sum ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(
        forms,
        "event account.frozen v1\n| {}\npayload 80\n\n\
         event account.opened v1\n| {\n|     owner: text,\n| }\npayload 81a56f776e6572a3416461\n\n\
         event account.withdrawn v1\n| {\n|     cents: u32,\n|     atm: u32,\n| }\ntag atm\n\
         payload 82a563656e747305a361746d07\npayload 82a563656e747300a361746d00\n"
    );
    lock.bless(&first::schemas()).unwrap();
    assert_eq!(lock.text(), text);
    fs::write(&lock.path, text.replace('\n', "\r\n")).unwrap();
    lock.look(&first::schemas()).unwrap();
    fs::remove_file(&lock.path).unwrap();
    let error = lock.look(&first::schemas()).unwrap_err();
    assert_eq!(
        error,
        "there is no such file yet, so nothing holds what these are stored as:\n\n  event account.frozen v1\n  \
         event account.opened v1\n  event account.withdrawn v1\n\n\
         Run the test with ANNALS_BLESS=1 to write it, and keep it with the code"
    );
}

life!(wider {
    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account")]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "Ada".to_owned(), branch: None })]
        Opened { owner: String, branch: Option<String> },
        #[event(example = Self::Withdrawn { cents: 5, atm: 7 })]
        Withdrawn { cents: u64, #[tag] atm: u32 },
        #[event(example = Self::Frozen)]
        Frozen,
    }
});

#[test]
fn a_change_that_old_payloads_survive_is_accepted_under_the_same_version_and_keeps_them() {
    let lock = Lock::of(&first::schemas());
    lock.accepts(
        &wider::schemas(),
        &[
            "event account.opened v1",
            "+     branch: text?,",
            "-     cents: u32,\n+     cents: u64,",
            "the version may stay",
        ],
    );
    let text = lock.text();
    assert!(
        text.contains("payload 81a56f776e6572a3416461\npayload 82a56f776e6572a3416461a66272616e6368c0\n"),
        "{text}"
    );
    assert!(text.contains("| }\nwas\n| {\n|     owner: text,\n| }\n"), "{text}");
    // Back to the narrower shape: what the wider one may have stored could not be read.
    lock.refuses(
        &first::schemas(),
        &["version 1 cannot be read by the new shape: cents is read as u32, but was written as u64"],
    );
}

life!(changed {
    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account")]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "Ada".to_owned(), branch: "Graz".to_owned() })]
        Opened { owner: String, branch: String },
        #[event(example = Self::Withdrawn { cents: "5".to_owned(), atm: 7 })]
        Withdrawn { cents: String, #[tag] atm: u32 },
        #[event(example = Self::Frozen)]
        Frozen,
    }
});

#[test]
fn a_change_that_old_payloads_do_not_survive_needs_a_new_version() {
    let lock = Lock::of(&first::schemas());
    lock.refuses(
        &changed::schemas(),
        &[
            "version 1 cannot be read by the new shape: branch was not written, and has no default",
            "-     cents: u32,\n+     cents: text,",
            "Raise the version and say how the older one is read: `#[event(version = 2, from(1 = ..))]`",
            // And the payloads tell it too.
            "Stores hold events like this one, 81a56f776e6572a3416461",
        ],
    );
}

life!(stepped {
    #[derive(Deserialize)]
    pub(super) struct WithdrawnV1 { cents: u32, atm: u32 }

    impl From<WithdrawnV1> for AccountEvent {
        fn from(old: WithdrawnV1) -> Self {
            Self::Withdrawn { cents: old.cents.to_string(), atm: old.atm }
        }
    }

    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account", retired("account.frozen"))]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "Ada".to_owned() })]
        Opened { owner: String },
        #[event(version = 2, from(1 = WithdrawnV1), example = Self::Withdrawn { cents: "5".to_owned(), atm: 7 })]
        Withdrawn { cents: String, #[tag] atm: u32 },
    }
});

life!(misstepped {
    #[derive(Deserialize)]
    pub(super) struct WithdrawnV1 { cents: u32, atm: u32 }

    impl From<WithdrawnV1> for AccountEvent {
        fn from(old: WithdrawnV1) -> Self {
            Self::Opened { owner: old.cents.to_string() }
        }
    }

    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account", retired("account.frozen"))]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "Ada".to_owned() })]
        Opened { owner: String },
        #[event(version = 2, from(1 = WithdrawnV1), example = Self::Withdrawn { cents: "5".to_owned(), atm: 7 })]
        Withdrawn { cents: String, #[tag] atm: u32 },
    }
});

#[test]
fn a_new_version_with_its_step_is_accepted_and_the_older_one_is_read_for_ever() {
    let lock = Lock::of(&first::schemas());
    lock.accepts(&stepped::schemas(), &["event account.withdrawn v2 of `AccountEvent::Withdrawn` is new:"]);
    assert!(lock.text().contains("event account.withdrawn v1\n"));
    lock.refuses(
        &misstepped::schemas(),
        &["event account.withdrawn v1 is read as `Opened` of AccountEvent, but it is said to be read as `Withdrawn`"],
    );
    lock.refuses(&first::schemas(), &["event account.withdrawn v2 is version 2 of account.withdrawn, this code knows"]);
}

#[test]
fn a_mode_that_looks_forward_refuses_what_older_code_cannot_read() {
    let lock = Lock::of(&first::schemas());
    for mode in [Mode::Forward, Mode::Full, Mode::ForwardTransitive, Mode::FullTransitive] {
        let told = "version 1 cannot read the new shape";
        lock.refuses(&stepped::schemas().compatibility(mode), &[told, "cents is read as u32, but was written as text"]);
        let wider = wider::schemas().compatibility(mode);
        lock.refuses(&wider, &["version 1 cannot read the new shape: cents is read as u32, but was written as u64"]);
    }
    lock.accepts(&stepped::schemas().compatibility(Mode::BackwardTransitive), &["v2"]);
}

life!(renamed {
    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account")]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "Ada".to_owned() })]
        Opened { owner: String },
        #[event(example = Self::Drawn { cents: 5, atm: 7 })]
        Drawn { cents: u32, #[tag] atm: u32 },
    }
});

life!(aliased {
    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account", retired("account.frozen"))]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "Ada".to_owned() })]
        Opened { owner: String },
        #[event(alias = "account.withdrawn", example = Self::Drawn { cents: 5, atm: 7 })]
        Drawn { cents: u32, #[tag] atm: u32 },
    }
});

#[test]
fn a_variant_that_is_gone_or_renamed_is_told_with_what_to_do() {
    let lock = Lock::of(&first::schemas());
    lock.refuses(
        &renamed::schemas(),
        &[
            "event account.frozen v1 is not read by any event any more",
            "or retire it by `retired(\"account.frozen\")` on the enum",
            "event account.withdrawn v1 is not read by any event any more",
            "`AccountEvent::Drawn` is new and stored alike: if it was renamed, say `#[event(alias = \"account.withdrawn\")]`",
        ],
    );
    lock.accepts(&aliased::schemas(), &["event account.drawn v1 of `AccountEvent::Drawn` is new"]);
    assert!(lock.text().contains("event account.withdrawn v1\n"), "what was stored under the old name stays locked");
}

life!(aliased_otherwise {
    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account", retired("account.frozen"))]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "Ada".to_owned() })]
        Opened { owner: String },
        #[event(alias = "account.withdrawn", example = Self::Drawn { cents: 5, atm: 7 })]
        Drawn { cents: u8, #[tag] atm: u32 },
    }
});

#[test]
fn a_renamed_event_has_to_read_what_is_stored_under_its_former_name() {
    // No payload shows it: both are small enough.
    let told = "version 1 cannot be read by the new shape: cents is read as u8, but was written as u32";
    Lock::of(&first::schemas())
        .refuses(&aliased_otherwise::schemas(), &[told, "`#[event(version = 2, from(1 = ..))]`"]);
}

life!(tagged {
    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account")]
    pub(super) enum AccountEvent {
        #[event(example = Self::Opened { owner: "Ada".to_owned() })]
        Opened { #[tag] owner: String },
        #[event(example = Self::Withdrawn { cents: 5, atm: 7 })]
        Withdrawn { cents: u32, atm: u32 },
        #[event(example = Self::Frozen)]
        Frozen,
    }
});

#[test]
fn a_changed_tag_is_told_with_what_it_means() {
    let lock = Lock::of(&first::schemas());
    lock.accepts(
        &tagged::schemas(),
        &[
            "account.opened v1 of `AccountEvent::Opened` has a new tag `owner`: events that are stored already do not carry",
            "account.withdrawn v1 of `AccountEvent::Withdrawn` has no tag `atm` any more",
        ],
    );
}

life!(without_examples {
    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account", retired("account.withdrawn", "account.frozen"))]
    pub(super) enum AccountEvent {
        Opened { owner: String },
        #[event(example = Self::Opened { owner: "Ada".to_owned() })]
        Closed {},
    }
});

#[test]
fn a_variant_without_an_example_or_with_one_of_another_variant_is_told() {
    Lock::of(&first::schemas()).refuses(
        &without_examples::schemas(),
        &[
            "`AccountEvent::Opened` has no example: give it one, `#[event(example = Self::Opened { .. })]`",
            "`AccountEvent::Closed`: example cannot be encoded: it is an event `Opened`, but stands as an example of `Closed`",
        ],
    );
}

mod commands {
    use super::*;

    #[derive(Clone, Serialize, Deserialize, Command)]
    pub(super) struct Withdraw {
        pub(super) cents: u32,
    }
    #[derive(Clone, Serialize, Deserialize, Command)]
    #[command(name = "withdraw")]
    pub(super) struct WithdrawWider {
        pub(super) cents: u64,
    }
    #[derive(Clone, Serialize, Deserialize, Command)]
    #[command(name = "withdraw")]
    pub(super) struct WithdrawText {
        pub(super) cents: String,
    }
    #[derive(Clone, Serialize, Deserialize, Command)]
    #[command(name = "withdraw", version = 2)]
    pub(super) struct WithdrawV2 {
        pub(super) cents: u64,
        #[serde(default)]
        pub(super) atm: Option<u32>,
    }
}

#[test]
fn commands_are_locked_too() {
    let with = Schemas::command::<commands::Withdraw>;
    let lock = Lock::of(&with(Schemas::new()));
    assert!(lock.text().contains("\ncommand withdraw v1\n| {\n|     cents: u32,\n| }\nsum "), "{}", lock.text());
    lock.refuses(
        &Schemas::new().command::<commands::WithdrawText>(),
        &["cents is read as text, but was written as u32", "Raise the version: `#[command(version = 2)]`"],
    );
    lock.accepts(&Schemas::new().command::<commands::WithdrawV2>(), &["command withdraw v2 of `WithdrawV2` is new"]);
    lock.accepts(&Schemas::new().command::<commands::WithdrawWider>(), &["+     cents: u64,"]);
    lock.accepts(&Schemas::new(), &["command withdraw v1 is gone", "command withdraw v2 is gone"]);
    let twice = with(Schemas::new()).command::<commands::WithdrawWider>();
    lock.refuses(&twice, &["command withdraw v1 is claimed by `Withdraw` and by `WithdrawWider`"]);
}

#[test]
fn a_file_that_was_changed_by_hand_is_told() {
    let lock = Lock::of(&first::schemas());
    let written = lock.text();
    let again = written.split("\n\n").nth(1).unwrap();
    for (text, told) in [
        (
            written.replace("owner: text", "owner: text?"),
            "event account.opened v1, at line 9, was changed by hand: restore",
        ),
        (
            written.replace("event account.frozen v1", "event account.frozen v2"),
            "event account.frozen v2, at line 4, was",
        ),
        (written.replace("payload 80\n", ""), "event account.frozen v1, at line 4, was changed by hand"),
        (written.replace("tag atm\n", "tag teller\n"), "event account.withdrawn v1, at line 16, was changed by hand"),
        (written.replace("payload 80", "payload 8"), "line 6 is not understood: \"payload 8\": restore the file"),
        (written.replace("| {}", "| {"), "line 6 is not understood"),
        (written.replace("| {}\n", ""), "event account.frozen v1, at line 4, was changed by hand"),
        (written.replacen("sum ", "sum x", 1), "line 7 is not understood: \"sum x"),
        (written.replace("event account.frozen v1", "events account.frozen"), "line 4 is not understood: \"events"),
        (written.replace("event account.frozen v1", "<<<<<<< HEAD"), "line 4 is of a merge that is not finished"),
        (format!("{written}\n{again}"), "event account.frozen v1 stands there a second time, at line 26: keep one"),
        (
            format!("{written}\nevent account.thawed v1\n| {{}}\n"),
            "it ends within event account.thawed v1, which begins",
        ),
    ] {
        fs::write(&lock.path, &text).unwrap();
        lock.refuses(&first::schemas(), &[told]);
    }
    // Comments may be changed, forms moved, and two sides of a merge put together.
    let (comments, forms) = written.split_once("\n\n").unwrap();
    let mut forms: Vec<_> = forms.trim_end().split("\n\n").collect();
    forms.reverse();
    fs::write(&lock.path, format!("{comments}\n# merged\n\n{}\n", forms.join("\n"))).unwrap();
    lock.look(&first::schemas()).unwrap();
}

mod by_hand {
    use annals::{
        EventKind, InvalidText, Tag,
        codec::{self, EncodeError, PayloadError},
    };

    use super::*;

    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub(super) enum DoorEvent {
        Opened,
    }

    impl Event for DoorEvent {
        const KINDS: &'static [EventKind] = &[EventKind::new("Opened", "door.opened", 1)];
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
    }
}

#[test]
fn an_enum_by_hand_that_says_nothing_is_told() {
    let lock = Lock::of(&Schemas::new());
    lock.refuses(&Schemas::new().event::<by_hand::DoorEvent>(), &["`DoorEvent` says nothing of what it is stored as"]);
}

life!(regretted {
    #[derive(Debug, Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "account")]
    pub(super) enum AccountEvent {
        #[event(example = Self::Deposit { cents: 1 })]
        Deposit { cents: u32 },
    }
});

#[test]
fn what_will_be_regretted_stands_in_the_file_as_a_remark() {
    let lock = Lock::of(&regretted::schemas());
    let remark = "# AccountEvent: Deposit is not in the past tense: an event is a fact";
    assert!(lock.text().contains(remark), "{}", lock.text());
    lock.look(&regretted::schemas()).unwrap();
}
