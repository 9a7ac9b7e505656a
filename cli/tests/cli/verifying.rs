//! Checks of damaged stores, and archives, by the real binary.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use annals_store_sled::{SledOptions, SledStore};
use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Said, Store, annals};

fn not_well(said: Said) -> String {
    assert_eq!((said.error.as_str(), said.code), ("", 1));
    said.out
}

/// How long it took is not the same each time.
fn without_time(text: &str) -> String {
    let is_time = |end: &str| end.starts_with(|first: char| first.is_ascii_digit()) && end.ends_with('s');
    let without = |line| str::rsplit_once(line, ", in ").filter(|(_, end)| is_time(end)).map_or(line, |(line, _)| line);
    text.lines().map(without).collect::<Vec<_>>().join("\n")
}

#[test]
fn verify_says_that_all_is_well() {
    let bank = Store::bank();
    assert_snapshot!("well", without_time(&bank.run("verify", &[]).good()));
    fs::remove_file(bank.path.join("clean")).unwrap();
    bank.run("verify", &[]).good();
}

/// A flipped bit: in the payload of an event, in the header of a commit, in that of the file.
#[test]
fn verify_names_the_damaged_place() {
    let bank = Store::bank();
    let frames = bank.frames();
    bank.damage(frames[5] + 80);
    assert_snapshot!("damaged_event", without_time(&not_well(bank.run("verify", &[]))));
    let shown: Value = serde_json::from_str(&not_well(bank.run("verify", &["-o", "json"]))).unwrap();
    let damage = &shown["damages"][0];
    assert_eq!(
        (&damage["commit"], &damage["first_position"], &damage["last_position"]),
        (&6.into(), &7.into(), &7.into())
    );
    assert_eq!((&damage["whole_through_commit"], &damage["unchecked_through_commit"]), (&5.into(), &12.into()));
    assert_eq!((&shown["whole"], &damage["offset"]), (&false.into(), &frames[5].into()));
    bank.damage(frames[5] + 80);
    bank.damage(frames[5] + 9);
    assert_snapshot!("damaged_header", without_time(&not_well(bank.run("verify", &[]))));
    bank.damage(frames[5] + 9);
    bank.damage(20);
    assert_snapshot!("damaged_file", bank.run("verify", &[]).bad());
    assert_snapshot!("damaged_file_info", bank.run("info", &[]).bad());
}

#[test]
fn what_reads_a_damaged_log_says_so() {
    let bank = Store::bank();
    bank.damage(bank.frames()[5] + 80);
    let said = bank.run("events", &["-o", "json"]);
    assert_eq!((said.out.lines().count(), said.code), (6, 1), "what stands in front of it is shown");
    assert_snapshot!("damaged_events", said.error);
    assert_snapshot!("damaged_export", bank.run("export", &["bank.archive"]).bad());
}

#[test]
fn verify_finds_a_log_that_was_cut() {
    let bank = Store::bank();
    let bytes = fs::read(bank.segment()).unwrap();
    fs::write(bank.segment(), &bytes[..bytes.len() - 100]).unwrap();
    assert_snapshot!("cut", without_time(&not_well(bank.run("verify", &[]))));
}

#[test]
fn verify_compares_the_index_with_one_that_is_built_anew() {
    let bank = Store::bank();
    assert_snapshot!("no_index", without_time(&not_well(bank.run("verify", &["--deep"]))));
    drop(SledStore::open(SledOptions::new(&bank.path)).unwrap());
    assert_snapshot!("deep", without_time(&bank.run("verify", &["--deep"]).good()));
    let open = SledStore::open(SledOptions::new(&bank.path)).unwrap();
    assert_snapshot!("deep_in_use", bank.run("verify", &["--deep"]).bad());
    bank.run("verify", &[]).good();
    drop(open);
}

#[test]
fn an_archive_makes_the_same_store_again() {
    let bank = Store::bank();
    assert_snapshot!("export", bank.run("export", &["bank.archive"]).good());
    let run = |arguments: &[&str]| annals(100, bank.folder.path(), arguments);
    assert_snapshot!("import", run(&["import", "bank.archive", "new.annals"]).good());
    assert_snapshot!("export_occupied", bank.run("export", &["bank.archive"]).bad());
    assert_snapshot!("import_occupied", run(&["import", "bank.archive", "new.annals"]).bad());
    let events = |store: &str| run(&["events", store, "-o", "json"]).good();
    assert_eq!(events("bank.annals"), events("new.annals"));
    run(&["verify", "new.annals", "--deep"]).good();
    let stream = Command::new(env!("CARGO_BIN_EXE_annals"))
        .args(["export", "new.annals", "-"])
        .current_dir(bank.folder.path())
        .output()
        .unwrap();
    assert!(stream.stdout == fs::read(bank.folder.path().join("bank.archive")).unwrap());
}

#[test]
fn an_archive_that_is_not_whole_is_taken_in_when_it_is() {
    let bank = Store::bank();
    bank.run("export", &["bank.archive"]).good();
    let archive = fs::read(bank.folder.path().join("bank.archive")).unwrap();
    let import = |bytes: &[u8]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_annals"))
            .args(["import", "-", "new.annals"])
            .env("COLUMNS", "100")
            .current_dir(bank.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who has read enough hangs up.
        let _ = child.stdin.take().unwrap().write_all(bytes);
        let ended = child.wait_with_output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stdout).unwrap() + &String::from_utf8(ended.stderr).unwrap())
    };
    assert_snapshot!("import_nothing", import(b"PK").1);
    assert_snapshot!("import_cut", import(&archive[..archive.len() - 300]).1);
    assert_snapshot!("unfinished", annals(100, bank.folder.path(), &["info", "new.annals"]).bad());
    let mut damaged = archive.clone();
    damaged[1_000] ^= 1;
    assert_snapshot!("import_damaged", import(&damaged).1);
    assert_eq!(import(&archive).0, Some(0));
}
