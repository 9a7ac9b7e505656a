//! Read models that are computed anew, as a person lets them be.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use annals::{DerivedTable, DerivedWrite, KeyBytes, RowBatch, prelude::ReadModels};
use tempfile::TempDir;

struct Answer {
    is_good: bool,
    out: String,
    err: String,
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banking"));
    command.current_dir(folder).args(["--store", "berka.annals"]).args(arguments);
    command
}

/// Runs the program in `folder`. Errors are not folded to a width, so that they can be looked for.
fn banking(folder: &Path, arguments: &[&str]) -> Answer {
    let output = command(folder, arguments).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let err = err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    Answer { is_good: output.status.success(), out, err }
}

fn imported() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let answer = banking(folder.path(), &["import", data.to_str().unwrap()]);
    assert!(answer.is_good, "{}{}", answer.out, answer.err);
    folder
}

fn good(folder: &Path, arguments: &[&str]) -> String {
    let answer = banking(folder, arguments);
    assert!(answer.is_good, "{arguments:?}: {}{}", answer.out, answer.err);
    answer.out
}

fn refused(folder: &Path, arguments: &[&str], reason: &str) {
    let answer = banking(folder, arguments);
    assert!(!answer.is_good, "{arguments:?}: {}", answer.out);
    assert!(answer.err.contains(reason), "{arguments:?}: {}", answer.err);
    assert!(!answer.err.contains("panicked"), "{}", answer.err);
}

#[test]
fn each_read_model_is_rebuilt_by_its_name() {
    let folder = imported();
    let accounts = good(folder.path(), &["accounts"]);
    for name in ["balances", "statements", "turnover"] {
        let out = good(folder.path(), &["rebuild", name, "--reason", "a test"]);
        assert!(out.contains(&format!("{name}, both at position 483")), "{out}");
        assert!(out.contains("All rows are alike."), "{out}");
        let back = format!("rebuild {name} --bring-back --reason \"..\" --store berka.annals\n");
        assert!(out.ends_with(&back), "{out}");
    }
    let out = good(folder.path(), &["rebuild", "watch-list", "--reason", "a test"]);
    assert!(out.ends_with("These rows are in memory: each start computes them anew.\n"), "{out}");
    assert_eq!(good(folder.path(), &["accounts"]), accounts);
}

#[test]
fn what_was_read_before_is_brought_back() {
    let folder = imported();
    refused(folder.path(), &["rebuild", "balances", "--bring-back", "--reason", "a test"], "has no former rows");
    good(folder.path(), &["rebuild", "balances", "--reason", "a test"]);
    for _ in 0..2 {
        let out = good(folder.path(), &["rebuild", "balances", "--bring-back", "--reason", "a mistake"]);
        assert!(out.contains("All rows are alike."), "{out}");
    }
    assert!(good(folder.path(), &["accounts"]).ends_with("12 accounts\n"));
}

#[test]
fn what_is_only_compared_is_kept() {
    let folder = imported();
    for _ in 0..2 {
        let out = good(folder.path(), &["rebuild", "balances", "--keep"]);
        assert!(out.ends_with("All rows are alike.\nWhat is read is what it was.\n"), "{out}");
    }
    refused(folder.path(), &["rebuild", "balances", "--bring-back", "--keep"], "has no former rows");
}

/// Loses the row of an account behind the back of the projection.
fn lose(folder: &Path, account: &str) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let bank = banking::bank::open_existing(&folder.join("berka.annals")).await.unwrap();
        let balances = bank.projection::<banking::read::Balances>().unwrap();
        banking::read::until_handle_is_current(&bank, &balances).await.unwrap();
        let table = DerivedTable::new(&format!("balances:{}:balances", balances.status().build)).unwrap();
        let key = KeyBytes::of(account).as_slice().to_vec().into();
        let rows = vec![DerivedWrite { table, key, value: None }];
        bank.store().apply(RowBatch { rows, ..RowBatch::default() }).await.unwrap();
        bank.shut_down().await;
    });
}

/// A negative control: what differs is counted, shown, and read no more once it was swapped or replaced.
#[test]
fn a_row_that_is_wrong_is_found_and_corrected() {
    let folder = imported();
    let accounts = good(folder.path(), &["accounts"]);
    for correct in [&["--reason", "a row is missing"][..], &["--key", "501"]] {
        lose(folder.path(), "501");
        assert!(!good(folder.path(), &["accounts"]).contains("501"));
        let compared = banking(folder.path(), &["rebuild", "balances", "--keep"]);
        assert!(!compared.is_good && !compared.out.contains("All rows are alike."), "{}", compared.out);
        let example = compared.out.lines().find(|line| line.starts_with("DIFFERENT: balances ")).unwrap_or_default();
        assert!(example.contains("501") && example.contains("none -> {"), "{}", compared.out);
        good(folder.path(), &[&["rebuild", "balances"][..], correct].concat());
        assert_eq!(good(folder.path(), &["accounts"]), accounts);
    }
}

#[test]
fn the_rows_of_an_account_are_computed_anew() {
    let folder = imported();
    let accounts = good(folder.path(), &["accounts"]);
    let out = good(folder.path(), &["rebuild", "balances", "--key", "501"]);
    assert!(out.starts_with("balances: the rows of account 501 follow from its "), "{out}");
    assert_eq!(good(folder.path(), &["accounts"]), accounts);
    refused(folder.path(), &["rebuild", "balances", "--key", "9"], "account 9 is unknown in berka.annals");
    let reason = "the rows of one key cannot be told in table daily_turnover of projection turnover";
    refused(folder.path(), &["rebuild", "turnover", "--key", "501"], reason);
}

#[test]
fn what_cannot_be_rebuilt_is_said_clearly() {
    let folder = imported();
    let known = "no read model is called `balance`; there are balances, statements, turnover, watch_list";
    refused(folder.path(), &["rebuild", "balance", "--keep"], known);
    refused(folder.path(), &["rebuild", "balances"], "--reason");
    refused(folder.path(), &["rebuild", "balances", "--keep", "--reason", "a test"], "cannot be used with");
    refused(folder.path(), &["rebuild", "balances", "--keep", "--store", "nowhere"], "nowhere is no annals store");
}

/// As often as this the sample is repeated under other accounts, so that computing rows anew takes a moment.
const COPIES: u64 = 60;
/// How many are to be killed on the way, and how many are started for that at most: some end before they can be killed.
const KILLS: u64 = 3;
const STARTED_MAX: usize = 40;

/// So many copies of the sample, imported.
fn imported_copies() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/replay_order.csv");
    let sample = fs::read_to_string(sample).unwrap();
    let (header, lines) = sample.split_once('\n').unwrap();
    let mut copies = format!("{header}\n");
    for copy in 1..=COPIES {
        for line in lines.lines() {
            // Account and transaction are the first and the fourth of its fields.
            let mut fields: Vec<_> = line.split(',').map(str::to_owned).collect();
            fields[0] = format!("{copy}0{}", fields[0]);
            fields[3] = if fields[3].is_empty() { String::new() } else { format!("{copy}0{}", fields[3]) };
            copies += &(fields.join(",") + "\n");
        }
    }
    fs::write(folder.path().join("replay_order.csv"), copies).unwrap();
    good(folder.path(), &["import", "."]);
    folder
}

/// Killed again and again, it ends as one that was left alone.
#[test]
fn a_rebuild_that_is_killed_again_and_again_comes_to_its_end() {
    let folder = imported_copies();
    let accounts = good(folder.path(), &["accounts"]);
    let rebuild = ["rebuild", "balances", "--reason", "a test"];
    let mut killed = 0;
    for lines in [0, 1, 1, 1].into_iter().cycle().take(STARTED_MAX) {
        if killed == KILLS {
            break;
        }
        let mut child = command(folder.path(), &rebuild).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let progress = BufReader::new(child.stderr.take().unwrap()).lines();
        progress.take(lines).for_each(|line| drop(line.unwrap()));
        child.kill().unwrap();
        killed += u64::from(child.wait().unwrap().code().is_none());
    }
    assert_eq!(killed, KILLS, "too few were killed before they ended");
    let out = good(folder.path(), &rebuild);
    assert!(out.contains("All rows are alike."), "{out}");
    assert_eq!(good(folder.path(), &["accounts"]), accounts);
}

/// A rebuild that was begun elsewhere, and a rebuild of another kind.
#[test]
fn what_was_begun_is_gone_on_with_and_nothing_else_is() {
    let folder = imported();
    good(folder.path(), &["rebuild", "balances", "--reason", "so that there are former rows"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let bank = banking::bank::open_existing(&folder.path().join("berka.annals")).await.unwrap();
        let balances = banking::rebuild::find(&bank, "balances").unwrap();
        banking::read::until_handle_is_current(&bank, &balances).await.unwrap();
        let shadow = banking::rebuild::begin(&balances, banking::rebuild::Rows::Anew).await.unwrap();
        shadow.caught_up().await.unwrap();
        bank.shut_down().await;
    });
    let back = ["rebuild", "balances", "--bring-back", "--reason", "a test"];
    refused(folder.path(), &back, "is under way already");
    let out = good(folder.path(), &["rebuild", "balances", "--keep"]);
    assert!(out.starts_with("An earlier run had come to position 483; this one goes on from there.\n"), "{out}");
    good(folder.path(), &back);
}
