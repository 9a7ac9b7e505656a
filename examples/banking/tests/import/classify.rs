//! How recorded balances compare.

use std::{fs, path::Path};

use annals::{Annals, MemoryStore};
use banking::{
    audit,
    import::{self, Counts, Outcome, Row, Rows},
    progress::Progress,
};

use super::{real_or_sample, sample};

const SAMPLE: Counts = Counts { exact: 397, rounding: 34, unresolved: 3 };
const REAL: Counts = Counts { exact: 46_747, rounding: 2_325, unresolved: 30 };

async fn import_rows(bank: &Annals, accounts: Vec<Vec<Row>>) -> Outcome {
    import::import(bank, accounts, 64, Progress::silent()).await.unwrap()
}

async fn bank() -> Annals {
    Annals::over(MemoryStore::new()).open().await.unwrap()
}

fn read(folder: &Path) -> Rows {
    let rows = import::read(folder).unwrap();
    assert_eq!(rows.malformed, []);
    rows
}

/// Imports the sample with each line as `change` makes it.
async fn import_changed(change: impl Fn(&str) -> String) -> Outcome {
    let text = fs::read_to_string(sample().join("replay_order.csv")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let changed: String = text.lines().map(|line| change(line) + "\n").collect();
    fs::write(folder.path().join("replay_order.csv"), changed).unwrap();
    import_rows(&bank().await, read(folder.path()).accounts).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_classified_from_its_own_account() {
    let folder = real_or_sample();
    let expected = if folder == sample() { SAMPLE } else { REAL };
    let bank = bank().await;
    let outcome = import_rows(&bank, read(&folder).accounts).await;
    assert_eq!((outcome.counts, outcome.repeated, outcome.rejected.len()), (expected, 0, 0));
    let audit = audit::audit(&bank).await.unwrap();
    assert_eq!((audit.recorded, audit.findings), (expected, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_classified_as_documented() {
    assert_eq!(import_changed(str::to_owned).await.counts, SAMPLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_altered_amount_changes_the_counts() {
    let mut rows = read(&real_or_sample()).accounts;
    let before = import_rows(&bank().await, rows.clone()).await.counts;
    // The second row of an account is no row of interest, so it does not round: exact before, unresolved after.
    let altered = &mut rows[3][1].command.change;
    *altered += *altered;
    let after = import_rows(&bank().await, rows).await.counts;
    let Counts { exact, rounding, unresolved } = before;
    assert_eq!(after, Counts { exact: exact - 1, rounding, unresolved: unresolved + 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_residual_are_not_looked_at() {
    let without = |line: &str| line.rsplitn(3, ',').last().unwrap_or_default().to_owned();
    assert_eq!(import_changed(without).await.counts, SAMPLE);
    let lies = |line: &str| line.replace("ignored,ignored", "999.00,exact");
    assert_eq!(import_changed(lies).await.counts, SAMPLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_repeated_answers_as_the_first_and_writes_nothing() {
    let bank = bank().await;
    let rows = read(&sample());
    let first = import_rows(&bank, rows.accounts.clone()).await;
    let head = *bank.store().head().borrow();
    let second = import_rows(&bank, rows.accounts.clone()).await;
    assert_eq!((second.counts, second.repeated), (first.counts, rows.count()));
    assert_eq!(*bank.store().head().borrow(), head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_imported_with_other_content_is_left_out_with_its_line() {
    let bank = bank().await;
    let mut accounts = read(&sample()).accounts;
    import_rows(&bank, accounts.clone()).await;
    let altered = &mut accounts[0][5];
    altered.command.balance = altered.command.change;
    let line = altered.line;
    let outcome = import_rows(&bank, accounts).await;
    let rejected: Vec<_> = outcome.rejected.iter().map(|rejected| rejected.line).collect();
    assert_eq!(rejected, [line]);
    assert!(outcome.rejected[0].reason.contains("was used for another request"));
}
