//! Books of each generation, copied by `migrate`: byte by byte what the program of today would have stored.

use annals::{
    Commit, ReadLog, Record, Store, Tag,
    embedded::{SledOptions, SledStore},
};
use banking::{
    bank,
    domain::{Account, Money, account::Withdraw},
    migrate::{migrate, verify},
};
use futures::TryStreamExt;

use super::{GENERATIONS, Generation, entries, histories};

/// What an account of the first generation was opened with, as it is stored today: it has no IBAN.
const OPENED_WITHOUT_IBAN: &str =
    "82a56f776e6572a3616461a770726f6475637481a743757272656e7481af6f76657264726166745f6c696d6974cd1388";

/// The name, the version and the payload of each event of an account, as they are stored today.
fn golden(generation: &Generation) -> [(&'static str, u32, &'static str); 4] {
    let today = &GENERATIONS[3];
    let opened = if generation.account == "without-iban" { OPENED_WITHOUT_IBAN } else { today.opened };
    [
        ("account.opened", 3, opened),
        ("account.deposited", 1, "81a6616d6f756e74ce000186a0"),
        ("account.interest_credited", 1, "81a6616d6f756e74ccc8"),
        ("account.withdrawn", 1, "81a6616d6f756e74ce00019a28"),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn records(path: &std::path::Path) -> Vec<Record> {
    let store = SledStore::open(SledOptions::new(path).existing()).unwrap();
    let records = store.read_log(ReadLog::all()).try_collect().await.unwrap();
    store.shut_down().await;
    records
}

#[tokio::test]
async fn a_store_of_each_generation_is_migrated_to_the_bytes_of_today() {
    for generation in &GENERATIONS {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["old.annals", "new.annals"].map(|name| folder.path().join(name));
        // Written by the store alone: no code of today has seen these events.
        let store = SledStore::open(SledOptions::new(&from)).unwrap();
        for event in generation.history() {
            store.commit(Commit::of([event])).await.unwrap();
        }
        store.shut_down().await;
        let report = migrate(&from, &to, |_| {}).unwrap();
        let counts = if generation.version == 3 { (0, 4) } else { (1, 2) };
        assert_eq!((report.counts.recoded, report.counts.unchanged), counts, "{}", generation.account);
        assert!(verify(&from, &to, |_| {}).unwrap().is_equal());

        let (before, after) = (records(&from).await, records(&to).await);
        assert_eq!(after.len(), 4);
        for ((old, new), (name, version, payload)) in before.iter().zip(&after).zip(golden(generation)) {
            let what = format!("{} of {}", name, generation.account);
            assert_eq!((new.event_type().as_str(), new.schema_version().get()), (name, version), "{what}");
            assert_eq!(hex(new.payload()), payload, "{what}");
            assert_eq!(
                (new.id(), new.stream(), new.version(), new.position()),
                (old.id(), old.stream(), old.version(), old.position())
            );
            assert_eq!(
                (new.recorded(), new.occurred(), new.metadata()),
                (old.recorded(), old.occurred(), old.metadata())
            );
        }
        assert_eq!(after[0].tags(), [Tag::of("owner", "ada").unwrap()]);

        let bank = bank::open_existing(&to).await.unwrap();
        let handle = bank.on::<Account>(generation.account);
        let reached = handle.send(Withdraw { amount: Money::from_minor(200) }).await.unwrap().reply;
        assert_eq!(reached, Money::from_minor(-5_000), "{}", generation.account);
        bank.shut_down().await;
    }
}

#[tokio::test]
async fn migrated_books_give_the_statements_of_the_old_ones() {
    let (bank, folder) = super::bank_of(histories()).await;
    let mut before = Vec::new();
    for generation in &GENERATIONS {
        before.push(entries(&bank, generation.account).await);
    }
    bank.shut_down().await;
    let room = tempfile::tempdir().unwrap();
    let to = room.path().join("new.annals");
    migrate(folder.path(), &to, |_| {}).unwrap();
    let bank = bank::open_existing(&to).await.unwrap();
    for (generation, before) in GENERATIONS.iter().zip(before) {
        assert_eq!(entries(&bank, generation.account).await, before);
    }
}
