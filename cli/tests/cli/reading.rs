//! The commands that show what is in a store, on the real binary.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use annals_core::{Commit, EventType, NewEvent, Store as _};
use annals_store_sled::{SledOptions, SledStore};
use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Store, annals, id};

#[test]
fn info_says_what_a_store_holds() {
    let bank = Store::bank();
    assert_snapshot!("info", bank.run("info", &[]).good());
    assert_snapshot!("info_narrow", bank.run_at(80, "info", &[]).good());
    assert_snapshot!("info_quick", bank.run("info", &["--quick"]).good());
    let info = bank.run("info", &["--output", "json"]).json();
    assert_eq!((&info["commits"], &info["events"], &info["streams"]), (&12.into(), &13.into(), &7.into()));
    assert_eq!((&info["closed"], &info["format"]), (&true.into(), &1.into()));
    let named = info["events_by_type"].as_array().unwrap().iter().find(|kind| kind["type"] == "account.deposited");
    assert_eq!(named.unwrap()["events"], 3);
    fs::remove_file(bank.path.join("clean")).unwrap();
    assert_eq!(bank.run("info", &["-o", "json"]).json()["closed"], false);
}

#[test]
fn streams_lists_those_that_begin_alike() {
    let bank = Store::bank();
    assert_snapshot!("streams", bank.run("streams", &[]).good());
    assert_snapshot!("streams_of_accounts", bank.run("streams", &["account-", "--limit", "2"]).good());
    let streams = bank.run("streams", &["acme/", "-o", "json"]).json();
    assert_eq!((&streams[0]["stream"], &streams[1]), (&"acme/account-A-9".into(), &Value::Null));
}

#[test]
fn events_lists_what_is_asked_for() {
    let bank = Store::bank();
    assert_snapshot!("events", bank.run_at(200, "events", &[]).good());
    assert_snapshot!("events_narrow", bank.run_at(80, "events", &[]).good());
    let positions = |arguments: &[&str]| -> Vec<u64> {
        let lines = bank.run("events", &[&["--output", "json"], arguments].concat()).good();
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["position"].as_u64().unwrap()).collect()
    };
    assert_eq!(positions(&["--category", "account", "--type", "account.deposited"]), [6, 7, 10]);
    assert_eq!(positions(&["--category", "account", "--category", "transfer", "--after", "8"]), [9, 10, 11, 13]);
    assert_eq!(positions(&["--tag", "customer:C-2"]), [4, 5]);
    assert_eq!(positions(&["--stream", "account-A-1", "--limit", "2"]), [3, 6]);
    assert_eq!(positions(&["--after", "3", "--before", "6"]), [4, 5]);
    assert_eq!(positions(&["--since", "2026-03-02", "--until", "2026-03-02T18:00:00Z"]), [4, 5, 6]);
    assert_eq!(positions(&["--correlation", &id(908)]), [8, 9, 10, 11, 12]);
    assert_eq!(positions(&["--correlation", &id(1)]), [0; 0]);
}

#[tokio::test]
async fn events_follows_what_is_recorded_until_its_reader_has_gone() {
    let bank = Store::bank();
    let mut child = Command::new(env!("CARGO_BIN_EXE_annals"))
        .args(["events", bank.path.to_str().unwrap(), "--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let shown: Vec<_> = (0..13).map(|_| lines.next().unwrap().unwrap()).collect();
    assert!(shown[12].contains("account.imported"), "{shown:?}");
    let store = SledStore::open(SledOptions::new(&bank.path)).unwrap();
    let note = || NewEvent::new("note-1".parse().unwrap(), EventType::new("note.taken").unwrap(), "");
    store.commit(Commit::of([note()])).await.unwrap();
    assert!(lines.next().unwrap().unwrap().contains("note.taken"));
    drop(lines);
    store.commit(Commit::of([note()])).await.unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn show_has_payload_metadata_causes_and_effects() {
    let bank = Store::bank();
    assert_snapshot!("show", bank.run("show", &["9"]).good());
    assert_snapshot!("show_raw", bank.run("show", &["13"]).good());
    let shown = bank.run("show", &["10", "-o", "json"]).json();
    assert_eq!(shown["payload"], serde_json::json!({"cents": 2500, "note": null}));
    assert_eq!(shown["causes"][0]["position"], 9);
    let effects: Vec<_> = shown["effects"].as_array().unwrap().iter().map(|effect| &effect["position"]).collect();
    assert_eq!(effects, [&Value::from(11), &Value::from(12)]);
    let alone = bank.run("show", &["10", "--alone", "-o", "json"]).json();
    assert!(alone.get("causes").is_none() && alone["payload_hex"].as_str().unwrap().starts_with("82a5"));
}

#[test]
fn trace_shows_the_tree_of_a_conversation() {
    let bank = Store::bank();
    assert_snapshot!("trace", bank.run("trace", &["10"]).good());
    assert_snapshot!("trace_narrow", bank.run_at(60, "trace", &["10"]).good());
    let shown = bank.run("trace", &[&id(908), "-o", "json"]).json();
    let tree: Vec<_> = shown["events"].as_array().unwrap().iter().map(|event| &event["depth"]).collect();
    assert_eq!(tree, [0, 1, 2, 3, 3].map(Value::from).iter().collect::<Vec<_>>());
}

/// What is wrong is said with what to do, and the exit code is 1; what cannot be understood is 2.
#[test]
fn what_goes_wrong_is_said_with_what_to_do() {
    let bank = Store::bank();
    assert_snapshot!("no_event", bank.run("show", &["14"]).bad());
    assert_snapshot!("no_position_zero", bank.run("show", &["0"]).bad());
    assert_snapshot!("no_conversation", bank.run("trace", &[&id(1)]).bad());
    assert_snapshot!("not_in_conversation", bank.run("trace", &["1"]).bad());
    let none = Store::empty();
    assert_snapshot!("no_folder", none.run("info", &[]).bad());
    fs::write(&none.path, "a file").unwrap();
    assert_snapshot!("a_file", none.run("info", &[]).bad());
    fs::remove_file(&none.path).unwrap();
    fs::create_dir_all(none.path.join("log")).unwrap();
    assert_snapshot!("no_segment", none.run("events", &[]).bad());
    fs::write(none.segment(), [b"annals.L".as_slice(), &[9, 0, 0, 0], &[0; 68]].concat()).unwrap();
    assert_snapshot!("later_format", none.run("info", &[]).bad());
    let said = bank.run("events", &["--since", "yesterday"]);
    assert_eq!(said.code, 2);
    assert_snapshot!("no_time", said.error);
}

#[test]
fn reading_takes_no_lock_and_changes_nothing() {
    let bank = Store::bank();
    let open = SledStore::open(SledOptions::new(&bank.path)).unwrap();
    let files = || {
        let entries = fs::read_dir(&bank.path).unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<_> =
            entries.map(|entry| (entry.file_name(), entry.metadata().unwrap().modified().unwrap())).collect();
        files.sort();
        files
    };
    let before = files();
    for (command, arguments) in
        [("info", &[][..]), ("streams", &[]), ("events", &[]), ("show", &["9"]), ("trace", &["9"])]
    {
        bank.run(command, arguments).good();
    }
    assert_eq!(files(), before);
    drop(open);
}

#[test]
fn every_shell_has_completions_and_every_command_has_examples() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = annals(100, folder.path(), &["completions", shell]);
        assert!(said.code == 0 && said.out.contains("annals"), "{shell}");
    }
    let help = annals(100, folder.path(), &["--help"]).out;
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands: Vec<_> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(commands.len() > 5, "{commands:?}");
    for command in commands {
        let help = annals(100, folder.path(), &[command, "--help"]).out;
        assert!(help.contains(&format!("Examples:\n  annals {command}")), "{command}: {help}");
    }
}
