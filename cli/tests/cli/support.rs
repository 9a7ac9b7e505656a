//! Stores that are the same each time, byte for byte but for the id of their log, and the real binary on them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use annals_core::{
    Commit, Digest, EventId, EventType, IdempotencyKey, LoggedTable, Metadata, NewEvent, Once, RowWrite, SchemaVersion,
    Tag, Timestamp, codec::encode,
};
use annals_store_sled::{Loader, SledOptions, StoreFiles};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a store in it.
pub(crate) struct Store {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

/// What the binary said.
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) error: String,
    pub(crate) code: i32,
}

impl Store {
    /// A small bank: two customers, three accounts, a transfer, a closed account.
    pub(crate) fn bank() -> Self {
        let store = Self::empty();
        let mut loader = Loader::open(SledOptions::new(&store.path)).unwrap();
        for (number, commit) in commits().into_iter().enumerate() {
            loader.load(time(number), commit).unwrap();
            // A group each, so that the log has the same length each time.
            loader.save("").unwrap();
        }
        loader.finish().unwrap();
        // How large it is differs.
        fs::remove_dir_all(store.path.join("index")).unwrap();
        store
    }

    /// A folder in which there is no store yet.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bank.annals");
        Self { folder, path }
    }

    /// The first file of the log.
    pub(crate) fn segment(&self) -> PathBuf {
        self.path.join("log").join(format!("{:020}.log", 0))
    }

    /// Flips a bit of a byte of the log.
    pub(crate) fn damage(&self, at: usize) {
        let mut bytes = fs::read(self.segment()).unwrap();
        bytes[at] ^= 1;
        fs::write(self.segment(), bytes).unwrap();
    }

    /// Where the commits begin in the first file of the log, by their numbers from 1 on.
    pub(crate) fn frames(&self) -> Vec<usize> {
        let bytes = fs::read(self.segment()).unwrap();
        let begins = |at: &usize| bytes[*at..].starts_with(b"aFRM");
        (0..bytes.len()).filter(begins).collect()
    }

    /// Runs `annals <command> <store> <arguments>` with tables of 100 columns; what differs each time has a name.
    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Said {
        self.run_at(100, command, arguments)
    }

    /// The same with tables of so many columns.
    pub(crate) fn run_at(&self, columns: u16, command: &str, arguments: &[&str]) -> Said {
        let mut said = annals(columns, self.folder.path(), &[&[command, "bank.annals"], arguments].concat());
        let log_id = StoreFiles::of(&self.path).map(|files| files.log_id.to_string());
        for text in [&mut said.out, &mut said.error] {
            if let Ok(log_id) = &log_id {
                *text = text.replace(log_id, "00000000-0000-7000-8000-00000000000f");
            }
        }
        said
    }
}

impl Said {
    /// What it said, all being well.
    pub(crate) fn good(self) -> String {
        assert_eq!((self.error.as_str(), self.code), ("", 0), "{}", self.out);
        self.out
    }

    /// The same as JSON.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.good()).unwrap()
    }

    /// Its error, nothing being shown.
    pub(crate) fn bad(self) -> String {
        assert_eq!((self.out.as_str(), self.code), ("", 1));
        self.error
    }
}

/// Runs the binary.
pub(crate) fn annals(columns: u16, folder: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
    command.current_dir(folder).env("COLUMNS", columns.to_string()).args(arguments);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains('\x1b'), "colours where there is no terminal: {text}");
        text
    };
    Said { out: text(stdout), error: text(stderr), code: status.code().unwrap() }
}

fn time(number: usize) -> Timestamp {
    let seconds = 1_772_366_400 + 21_600 * i64::try_from(number).unwrap();
    Timestamp::from_micros(seconds * 1_000_000).unwrap()
}

/// An id that is the same each time.
pub(crate) fn id(number: usize) -> String {
    format!("01987000-0000-7000-8000-{number:012}")
}

fn event(number: usize, stream: &str, kind: &str, payload: &Value) -> NewEvent {
    let payload = encode("payload", payload).unwrap();
    let mut event = NewEvent::new(stream.parse().unwrap(), EventType::new(kind).unwrap(), payload);
    event.id = id(number).parse::<EventId>().unwrap();
    event
}

/// The same in the conversation that begins with event `first`, led to by event `cause`.
fn in_conversation(mut event: NewEvent, first: usize, cause: Option<usize>) -> NewEvent {
    event.metadata = Metadata {
        correlation: Some(id(900 + first).parse().unwrap()),
        causation: cause.map(|cause| id(cause).parse().unwrap()),
        actor: Some("teller-7".parse().unwrap()),
        extra: [("branch".to_owned(), "Praha 1".to_owned())].into(),
        ..Metadata::default()
    };
    event
}

fn once(key: &str) -> Once {
    let key = IdempotencyKey::new(key).unwrap();
    Once { key, digest: Digest::of(&[b"request"]), answer: "done".into() }
}

fn commits() -> Vec<Commit> {
    let customer =
        |number, key: &str, name| event(number, &format!("customer-{key}"), "customer.joined", &json!({"name": name}));
    let account = |number, key: &str, owner| {
        let mut opened =
            event(number, &format!("account-{key}"), "account.opened", &json!({"owner": owner, "product": "Current"}));
        opened.schema_version = SchemaVersion::new(3).unwrap();
        opened.tags = vec![Tag::of("customer", owner).unwrap()];
        opened
    };
    let move_of = |number, key: &str, kind: &str, cents: i64| {
        event(number, &format!("account-{key}"), kind, &json!({"cents": cents, "note": null}))
    };
    let jobs = LoggedTable::new("jobs").unwrap();
    let mut transfer =
        event(8, "transfer-T-1", "transfer.requested", &json!({"from": "A-1", "to": "A-2", "cents": 2500}));
    transfer.occurred = Some(time(5));
    let mut raw = event(13, "acme/account-A-9", "account.imported", &json!(null));
    raw.payload = "no MessagePack".into();
    vec![
        Commit::of([customer(1, "C-1", "Ada"), customer(2, "C-2", "Bob")]),
        Commit::of([account(3, "A-1", "C-1")]).once(once("open A-1")),
        Commit::of([account(4, "A-2", "C-2"), account(5, "A-3", "C-2")]),
        Commit::of([move_of(6, "A-1", "account.deposited", 10_000)]).once(once("deposit 1")),
        Commit::new().row(RowWrite::put(jobs.clone(), "nightly", "due")),
        Commit::of([move_of(7, "A-2", "account.deposited", 1_50)]),
        Commit::of([in_conversation(transfer, 8, None)]).once(once("transfer 1")),
        Commit::of([in_conversation(move_of(9, "A-1", "account.withdrawn", 2_500), 8, Some(8))]),
        Commit::of([in_conversation(move_of(10, "A-2", "account.deposited", 2_500), 8, Some(9))]),
        Commit::of([
            in_conversation(event(11, "transfer-T-1", "transfer.completed", &json!({})), 8, Some(10)),
            in_conversation(event(12, "customer-C-2", "customer.notified", &json!({"by": "mail"})), 8, Some(10)),
        ]),
        Commit::of([raw]).row(RowWrite::delete(jobs, "nightly")),
        Commit::new().row(RowWrite::close(&"account-A-3".parse().unwrap())),
    ]
}
