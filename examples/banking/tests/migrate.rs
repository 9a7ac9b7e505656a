//! Books of an earlier version are brought to today's form, in a copy.

use std::{fs, path::Path, process::Command};

use annals::{
    Commit, ReadLog, Record, RecordParts, Store, Tag,
    embedded::{Loader, SledOptions, SledStore},
};
use futures::TryStreamExt;

/// Runs the program in `folder`; whether it ended well, and what it wrote.
fn banking(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banking"));
    let output = command.current_dir(folder).args(arguments).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let err = err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    (output.status.success(), out + &err)
}

fn good(folder: &Path, arguments: &[&str]) -> String {
    let (is_good, said) = banking(folder, arguments);
    assert!(is_good, "{arguments:?}: {said}");
    said
}

async fn records(store: &Path) -> Vec<Record> {
    let store = SledStore::open(SledOptions::new(store).existing()).unwrap();
    let records = store.read_log(ReadLog::all()).try_collect().await.unwrap();
    store.shut_down().await;
    records
}

/// What the command line has imported, as a version of this program would have stored it that had no tags yet.
async fn untagged(folder: &Path) -> std::path::PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    good(folder, &["import", data.to_str().unwrap()]);
    let old = folder.join("berka.annals");
    let store = SledStore::open(SledOptions::new(&old)).unwrap();
    let opened = banking::domain::account::AccountEvent::Opened {
        owner: "ada".into(),
        iban: None,
        product: banking::domain::account::Product::Savings,
    };
    let record = store.read_log(ReadLog::all()).try_next().await.unwrap().unwrap();
    let mut event = record.recoded(&opened).unwrap();
    (event.id, event.stream, event.tags) = (annals::EventId::new(), "account-old".parse().unwrap(), vec![]);
    store.commit(Commit::of([event])).await.unwrap();
    store.shut_down().await;
    old
}

#[tokio::test]
async fn old_books_are_brought_to_todays_form_and_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let old = untagged(folder.path()).await;
    let before = records(&old).await;
    let said = good(folder.path(), &["migrate", "berka.annals", "new.annals", "--verify"]);
    assert!(said.contains("berka.annals -> new.annals"), "{said}");
    let events = before.len();
    assert!(said.contains(&format!("{events} events are what they should be.")), "{said}");
    let line = |what: &str| said.lines().find(|line| line.contains(what)).unwrap().to_owned();
    assert!(line("with other tags").contains(" 1 │"), "{said}");
    assert!(line("unchanged").contains(&format!(" {} │", events - 1)), "{said}");

    let after = records(&folder.path().join("new.annals")).await;
    let (last, rest) = after.split_last().unwrap();
    assert_eq!(rest, &before[..events - 1]);
    assert_eq!(last.tags(), [Tag::of("owner", "ada").unwrap()]);
    assert_eq!(RecordParts { tags: &[], ..last.parts() }, before[events - 1].parts());
    assert_eq!(records(&old).await, before);

    // The new books are right, and know what was asked of the old ones.
    let books = good(folder.path(), &["verify", "--store", "new.annals"]);
    assert!(books.contains("The books are right"), "{books}");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let again = good(folder.path(), &["import", data.to_str().unwrap(), "--store", "new.annals"]);
    assert!(again.contains("434 of 434 rows had been imported before"), "{again}");
}

#[tokio::test]
async fn what_cannot_be_migrated_is_said_clearly() {
    let folder = tempfile::tempdir().unwrap();
    untagged(folder.path()).await;
    let refused = |arguments: &[&str], reason: &str| {
        let (is_good, said) = banking(folder.path(), &[&["migrate"], arguments].concat());
        assert!(!is_good && said.contains(reason) && !said.contains("panicked"), "{arguments:?}: {said}");
    };
    refused(&["nowhere", "new.annals"], "nowhere is no annals store");
    refused(&["berka.annals", "berka.annals"], "berka.annals holds a store already");
    fs::write(folder.path().join("letter.txt"), "dear bank").unwrap();
    refused(&["berka.annals", "."], "is no annals store: it has no folder `log`, but holds other files");
    assert!(!folder.path().join("new.annals").exists());
    // Begun, and not completed: nothing else opens it.
    let unfinished = Loader::open(SledOptions::new(folder.path().join("new.annals"))).unwrap();
    drop(unfinished);
    let (is_good, said) = banking(folder.path(), &["verify", "--store", "new.annals"]);
    assert!(!is_good && said.contains("new.annals is unfinished"), "{said}");
    good(folder.path(), &["migrate", "berka.annals", "new.annals"]);
}
