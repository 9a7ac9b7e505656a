//! Taking over what another shop recorded: with an invented file, and with the beginning of the real one where `ANNALS_DATA` names
//! the folder that holds it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a test may fail, and speaks"
)]

mod invented;
mod kill;
mod real;

use std::{fs, path::Path, process::Command};

use annals::{Annals, MemoryStore};
use indicatif::ProgressBar;
use order::{
    import::{self, Comparison, Outcome, Subject, Sums},
    read, shop,
};

/// A shop in memory with what an import needs.
async fn books() -> Annals {
    read::register(Annals::over(MemoryStore::new())).schemas(shop::schemas()).open().await.unwrap()
}

async fn import_file(shop: &Annals, file: &Path) -> Outcome {
    let invoices = import::read(file).unwrap().invoices;
    let outcome = import::run(shop, invoices, 64, &ProgressBar::hidden()).await.unwrap();
    read::until_current(shop).await.unwrap();
    outcome
}

async fn compare(shop: &Annals, file: &Path) -> Comparison {
    let malformed = import::read(file).unwrap().malformed;
    import::compare(shop, &Sums::of(file, &malformed).unwrap()).await.unwrap()
}

/// The file, imported from the command line, and what that says.
fn command(store: &Path, file: &Path) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_order"));
    let output = command.arg("import").arg(file).arg("--store").arg(store).output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_reported_with_what_it_matched_and_what_was_odd_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (file, store) = (folder.path().join("online_retail.csv"), folder.path().join("store"));
    fs::write(&file, invented::SMALL).unwrap();
    let (is_good, shown) = command(&store, &file);
    assert!(is_good, "{shown}");
    for line in [
        "10 lines of 6 invoices, into ",
        "16 events in 6 commits, on disk in ",
        "│ matched fully with earlier invoices           ┆     1 ┆             0 │",
        "│ matched partly                                ┆     1 ┆             1 │",
        "│ not matched: not sold to this customer before ┆     1 ┆             1 │",
        "│ not matched: without a customer               ┆     0 ┆             0 │",
        "12 of 16 pieces are matched, 2 of these with a line at another price.",
        "│ lines that say the same as another one of their invoice ┆ 1 │",
        "│ lines with a quantity below zero on no cancellation     ┆ 1 │",
        "│ by known customers           ┆  38.615 ┆      20.70 │",
        "│ by all, adjustments included ┆ -61.385 ┆      20.70 │",
        "2 customers and 2 days compared: each row holds what the file sums up to.",
    ] {
        assert!(shown.contains(line), "no `{line}` in\n{shown}");
    }
    let (is_good, shown) = command(&store, &file);
    assert!(is_good && shown.contains("0 events in 0 commits"), "{shown}");
    assert!(shown.contains("6 of 6 invoices had been imported before"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_out_is_listed_and_makes_the_import_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (file, store) = (folder.path().join("online_retail.csv"), folder.path().join("store"));
    fs::write(&file, format!("{}7,lamp,A LAMP,some,1291300000.0,2.55,1.0,Atlantis\n", invented::SMALL)).unwrap();
    let (is_good, shown) = command(&store, &file);
    assert!(!is_good, "{shown}");
    let line = format!("{}:12: Quantity `some` is no whole number such as 6 or -6.0", file.display());
    assert!(shown.contains("Left out, 1 in all:") && shown.contains(&line), "{shown}");
    // What was left out is not missed.
    assert!(shown.contains("each row holds what the file sums up to"), "{shown}");
    // Another content under a number that is taken is no repetition.
    fs::write(&file, invented::SMALL.replace("6.0,1291191960.0,2.55", "6.0,1291191960.0,2.75")).unwrap();
    let (is_good, shown) = command(&store, &file);
    assert!(!is_good && shown.contains("invoice 1: idempotency key invoice 1 was used for another request"), "{shown}");
    assert!(shown.contains("WRONG: customer 1: expected "), "{shown}");
}

/// A negative control: a comparison that cannot fail proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_says_something_else_than_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("online_retail.csv");
    fs::write(&file, invented::SMALL).unwrap();
    let shop = books().await;
    import_file(&shop, &file).await;
    assert_eq!(compare(&shop, &file).await.wrong, []);
    let mut sums = Sums::of(&file, &[]).unwrap();
    sums.customers.get_mut("1").unwrap().bought_millionths += 1000;
    sums.customers.insert("9".to_owned(), sums.customers["2"]);
    sums.days.remove("2010-12-01").unwrap();
    let wrong = import::compare(&shop, &sums).await.unwrap().wrong;
    let wrong: Vec<_> = wrong.into_iter().map(|wrong| wrong.subject).collect();
    let expected =
        [Subject::Customer("1".to_owned()), Subject::Customer("9".to_owned()), Subject::Day("2010-12-01".to_owned())];
    assert_eq!(wrong, expected);
    shop.shut_down().await;
}
