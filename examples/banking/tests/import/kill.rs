//! An import that is killed and started again, as often as it takes, ends as one that was left alone.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use banking::bank;
use tokio::runtime::Runtime;

use super::{read_models::assert_right, real_or_sample};

/// After how many lines of progress, of 20, a child is killed; 0 is at once, maybe before there is a store.
const KILLED_AFTER_LINES: [usize; 6] = [0, 1, 4, 8, 12, 16];

fn banking(store: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banking"));
    command.arg("--store").arg(store).args(arguments);
    command
}

/// What a child printed that ended well.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{out}{err}");
    out
}

/// Whether the child was killed before it ended.
fn kill_after(lines: usize, mut command: Command) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let progress = BufReader::new(child.stderr.take().unwrap()).lines();
    for line in progress.take(lines) {
        line.unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// The counts that an import printed.
fn counts(out: &str) -> Vec<&str> {
    out.lines()
        .filter(|line| line.contains("exact") || line.contains("rounding") || line.contains("unresolved"))
        .collect()
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_as_one_that_is_not() {
    let folder = real_or_sample();
    let import = ["import", folder.to_str().unwrap()];
    let stores = tempfile::tempdir().unwrap();
    let [killed, calm] = ["killed", "calm"].map(|name| stores.path().join(name));

    let hits = KILLED_AFTER_LINES.into_iter().filter(|lines| kill_after(*lines, banking(&killed, &import)));
    assert!(hits.count() >= 3, "too few children were killed before they ended");
    let ended = output(&mut banking(&killed, &import));
    assert!(ended.contains("rows had been imported before"), "{ended}");

    let undisturbed = output(&mut banking(&calm, &import));
    assert!(!undisturbed.contains("rows had been imported before"), "{undisturbed}");
    assert_eq!(counts(&ended), counts(&undisturbed));
    assert_eq!(counts(&ended).len(), 3);
    // Killed and started again, a rebuild goes on too, and finds that the rows are what they should be.
    let rebuild = ["rebuild", "balances", "--reason", "a test"];
    for lines in [0, 2, 10] {
        kill_after(lines, banking(&killed, &rebuild));
    }
    let rebuilt = output(&mut banking(&killed, &rebuild));
    assert!(rebuilt.contains("All rows are alike."), "{rebuilt}");
    // The import itself held its table of balances against the file; all of it is held against the log here.
    assert!(ended.contains("accounts compared: each row of the balances holds what was recorded last."), "{ended}");
    Runtime::new().unwrap().block_on(async {
        let bank = bank::open_existing(&killed).await.unwrap();
        assert_right(&bank).await;
        bank.shut_down().await;
    });
    for command in ["verify", "accounts"] {
        let [killed, calm] = [&killed, &calm].map(|store| output(&mut banking(store, &[command])));
        assert_eq!(killed, calm, "{command}");
    }
}
