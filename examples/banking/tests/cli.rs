//! The command line, as a person meets it.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

struct Answer {
    is_good: bool,
    out: String,
    err: String,
}

/// Runs the program in `folder`. Errors are not folded to a width, so that they can be looked for.
fn banking(folder: &Path, arguments: &[&str]) -> Answer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banking"));
    let output = command.current_dir(folder).args(arguments).output().unwrap();
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

fn refused(folder: &Path, arguments: &[&str], reason: &str) {
    let answer = banking(folder, arguments);
    assert!(!answer.is_good, "{arguments:?}: {}", answer.out);
    assert!(answer.err.contains(reason), "{arguments:?}: {}", answer.err);
    assert!(!answer.err.contains("panicked"), "{}", answer.err);
}

#[test]
fn an_import_has_its_own_store_and_its_books_are_right() {
    let folder = imported();
    assert!(folder.path().join("berka.annals").is_dir());
    assert!(!folder.path().join("bank.annals").exists());
    let verified = banking(folder.path(), &["verify", "--store", "berka.annals"]);
    assert!(verified.is_good);
    assert!(verified.out.contains("434 recorded balances: 397 exact, 34 rounding, 3 unresolved"), "{}", verified.out);
}

#[test]
fn a_statement_ends_at_a_version_or_a_day() {
    let folder = imported();
    let statement = |at: &[&str]| {
        let answer = banking(folder.path(), &[&["statement", "501", "--store", "berka.annals"], at].concat());
        assert!(answer.is_good, "{}", answer.err);
        answer.out
    };
    let first = statement(&["--at", "2"]);
    assert!(first.ends_with("Balance 1,980.00\n"), "{first}");
    assert_eq!(statement(&["--at", "1993-01-10"]), first);
    let second = statement(&["--at", "1993-01-11"]);
    assert!(second.contains("transfer from a bank (transaction 1002)"), "{second}");
    assert!(second.ends_with("Balance 7,697.00\n"), "{second}");
    assert_eq!(statement(&[]), statement(&["--at", "1999-12-31"]));
}

#[test]
fn a_month_begins_with_what_the_one_before_ended_with() {
    let folder = imported();
    let answer = banking(folder.path(), &["statement", "501", "--monthly", "--store", "berka.annals"]);
    assert!(answer.is_good, "{}", answer.err);
    let cells = |line: &str| line.split(['│', '┆']).map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let months: Vec<_> = answer.out.lines().filter(|line| line.contains("1993-")).map(cells).collect();
    assert_eq!(months.len(), 7, "{}", answer.out);
    assert!(months.windows(2).all(|pair| pair[0][6] == pair[1][2]), "{}", answer.out);
    let daily = banking(folder.path(), &["statement", "501", "--store", "berka.annals"]).out;
    assert!(daily.ends_with(&format!("Balance {}\n", months[6][6])), "{daily}");
}

#[test]
fn the_largest_accounts_come_first() {
    let folder = imported();
    let accounts = |arguments: &[&str]| {
        let answer = banking(folder.path(), &[&["accounts", "--store", "berka.annals"], arguments].concat());
        assert!(answer.is_good, "{}", answer.err);
        answer.out
    };
    let balances = |out: &str| {
        let last = |line: &str| line.rsplit(['│', '┆']).nth(1).unwrap().trim().to_owned();
        let lines = out.lines().filter(|line| line.starts_with("│ 5"));
        lines.map(|line| last(line).replace(',', "").parse::<f64>().unwrap()).collect::<Vec<_>>()
    };
    let (all, largest) = (balances(&accounts(&[])), balances(&accounts(&["--largest", "3"])));
    assert_eq!((all.len(), largest.len()), (12, 3));
    let mut expected = all;
    expected.sort_by(|one, other| other.total_cmp(one));
    assert_eq!(largest, expected[..3]);
    assert!(accounts(&["--owner", "C-0001"]).ends_with("\n0 accounts\n"));
}

#[test]
fn a_dashboard_that_is_printed_once_has_seen_everything() {
    let folder = imported();
    for store in [&["berka.annals"][..], &["--store", "berka.annals"]] {
        let answer = banking(folder.path(), &[&["dashboard", "--once"], store].concat());
        assert!(answer.is_good, "{}", answer.err);
        for projection in ["balances", "statements", "turnover", "watch_list"] {
            let line = answer.out.lines().find(|line| line.contains(projection)).unwrap_or_default();
            assert!(line.contains("healthy") && line.contains("live") && line.contains(" 483 "), "{}", answer.out);
        }
        assert!(answer.out.contains("12 accounts hold "), "{}", answer.out);
        assert!(answer.out.contains("Turnover of the latest days"), "{}", answer.out);
        assert!(!answer.out.contains('\x1b'), "{}", answer.out);
    }
    refused(folder.path(), &["dashboard", "nowhere"], "nowhere is no annals store");
}

#[test]
fn what_cannot_be_shown_is_said_clearly() {
    let folder = imported();
    let refused = |arguments: &[&str], reason| refused(folder.path(), arguments, reason);
    let store = ["--store", "berka.annals"];
    refused(&[&["statement", "9"], &store[..]].concat(), "account 9 is unknown in berka.annals");
    refused(&[&["statement", "9", "--monthly"], &store[..]].concat(), "account 9 is unknown in berka.annals");
    refused(&[&["statement", "a/b"], &store[..]].concat(), "no account can be called `a/b`");
    refused(&[&["statement", "DE89370400440532013000"], &store[..]].concat(), "no account has the IBAN DE8937040044");
    refused(&["statement", "501", "--at", "1993-02-30"], "`1993-02-30` is neither a version such as 12 nor a day");
    let at = |at| [&["statement", "501", "--at", at], &store[..]].concat();
    refused(&at("999"), "not 999");
    refused(&at("0"), "not 0");
    refused(&at("1992-12-31"), "account 501 has no entries up to 1992-12-31");
}

#[test]
fn a_folder_that_is_no_store_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "dear bank").unwrap();
    let here = folder.path().to_str().unwrap();
    refused(folder.path(), &["verify"], "bank.annals is no annals store");
    refused(folder.path(), &["statement", "1", "--store", here], "is no annals store");
    refused(folder.path(), &["--store", here], "is no annals store");
    refused(folder.path(), &["import", here], "holds neither replay_order.csv nor replay_order.csv.gz");
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["letter.txt"]);
}

#[test]
fn lines_that_are_left_out_are_listed_at_the_end_and_fail_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replay_order.csv");
    let lines = [
        "account_id,seq,date,trans_id,type,operation,k_symbol,amount,balance",
        "1,1,930101,1,PRIJEM,VKLAD,,10.00,10.00",
        "1,2,930102,2,PRIJEM,VKLAD,,ten,20.00",
        "1,3,930103,3,VYDAJ,VYBER,,5.00,15.00",
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let answer = banking(folder.path(), &["import", "."]);
    assert!(!answer.is_good);
    let expected = "replay_order.csv:3: amount `ten` is no amount of money such as 1100.00\n";
    assert!(answer.out.ends_with(expected), "{}", answer.out);
    assert!(answer.out.contains("2 transactions of 1 accounts"), "{}", answer.out);
}

/// A store that is open elsewhere is no reason to touch it.
#[test]
fn a_store_in_use_is_said_to_be() {
    let folder = imported();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bank = runtime.block_on(banking::bank::open(&folder.path().join("berka.annals"))).unwrap();
    refused(folder.path(), &["verify", "--store", "berka.annals"], "the store berka.annals is in use");
    runtime.block_on(bank.shut_down());
    assert!(banking(folder.path(), &["verify", "--store", "berka.annals"]).is_good);
}
