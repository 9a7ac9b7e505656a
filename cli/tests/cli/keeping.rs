//! Backups, restores, repairs and statistics, by the real binary.

use std::{
    fs,
    process::{Command, Stdio},
};

use annals_store_sled::{SledOptions, SledStore};
use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Store, annals};

#[test]
fn a_backup_is_made_of_a_store_in_use_and_put_back() {
    let bank = Store::bank();
    let run = |arguments: &[&str]| annals(100, bank.folder.path(), arguments);
    let open = SledStore::open(SledOptions::new(&bank.path)).unwrap();
    assert_snapshot!("backup", bank.run("backup", &["saved"]).good());
    assert_snapshot!("backup_again", bank.run("backup", &["saved"]).good());
    assert_snapshot!("restore_occupied", run(&["restore", "saved", "bank.annals"]).bad());
    assert_snapshot!("restore_in_use", run(&["restore", "saved", "bank.annals", "--replace"]).bad());
    drop(open);
    bank.damage(bank.frames()[5] + 80);
    assert_snapshot!("restore", run(&["restore", "saved", "bank.annals", "--replace"]).good());
    bank.run("verify", &[]).good();
    let restored = run(&["restore", "saved", "new.annals", "-o", "json"]).json();
    assert_eq!((&restored["commit"], &restored["replaced"]), (&12.into(), &Value::Null));
    assert_snapshot!("restore_kept", run(&["restore", "saved", "bank.annals", "--replace"]).bad());
    fs::create_dir(bank.folder.path().join("else")).unwrap();
    fs::write(bank.folder.path().join("else/file"), "").unwrap();
    assert_snapshot!("backup_occupied", bank.run("backup", &["else"]).bad());
    let other = Store::bank();
    let saved = bank.folder.path().join("saved");
    let said = other.run("backup", &[saved.to_str().unwrap()]).bad();
    assert!(said.contains("another store") && said.contains("help:"), "{said}");
}

#[test]
fn a_damaged_backup_is_not_put_back() {
    let bank = Store::bank();
    bank.damage(bank.frames()[5] + 80);
    let said = annals(100, bank.folder.path(), &["restore", "bank.annals", "new.annals"]).bad();
    assert_snapshot!("restore_damaged", said);
    assert!(!bank.folder.path().join("new.annals").exists());
}

#[test]
fn a_repair_says_what_is_lost_before_it_cuts() {
    let bank = Store::bank();
    assert_snapshot!("repair_nothing", bank.run("repair", &["--accept-loss"]).good());
    bank.damage(bank.frames()[7] + 80);
    let before = fs::read(bank.segment()).unwrap();
    let said = bank.run("repair", &[]);
    assert_eq!((said.error.as_str(), said.code), ("", 1));
    assert_snapshot!("repair_look", said.out);
    let said = bank.run("repair", &["--accept-loss"]);
    assert_eq!(said.code, 1);
    assert_snapshot!("repair_nobody", said.error);
    assert!(fs::read(bank.segment()).unwrap() == before, "nothing was changed");
    let said = bank.run("repair", &["--accept-loss", "--yes", "-o", "json"]).json();
    assert_eq!(
        (&said["first_lost_commit"], &said["lost_commits"], &said["lost_events"]),
        (&8.into(), &5.into(), &5.into())
    );
    assert_eq!((&said["readable_lost_events"], &said["lost_streams"][0]["stream"]), (&4.into(), &"account-A-2".into()));
    let kept = bank.folder.path().join(said["kept_in"].as_str().unwrap()).join(bank.segment().file_name().unwrap());
    assert!(fs::read(kept).unwrap() == before);
    bank.run("verify", &[]).good();
    assert_eq!(bank.run("info", &["-o", "json"]).json()["commits"], 7);
    assert_snapshot!("rebuild_index", bank.run("rebuild-index", &[]).good());
    bank.run("verify", &["--deep"]).good();
    let open = SledStore::open(SledOptions::new(&bank.path)).unwrap();
    assert_snapshot!("rebuild_index_in_use", bank.run("rebuild-index", &[]).bad());
    assert_snapshot!("repair_in_use", bank.run("repair", &["--accept-loss", "--yes"]).bad());
    drop(open);
}

#[test]
fn stats_say_what_makes_a_store_large() {
    let bank = Store::bank();
    assert_snapshot!("stats", bank.run("stats", &["--growth", "--top", "3"]).good());
    let stats = bank.run("stats", &["--growth", "-o", "json"]).json();
    let days = stats["days"].as_array().unwrap();
    let sum = |field: &str| days.iter().map(|day| day[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("events"), sum("commits"), sum("new_streams")), (13, 12, 7));
    assert_eq!(sum("log_bytes"), fs::metadata(bank.segment()).unwrap().len());
    assert!(bank.run("stats", &["-o", "json"]).json().get("days").is_none());
}

/// A disk that is always full.
#[cfg(target_os = "linux")]
#[test]
fn who_has_no_room_is_told_what_to_do() {
    let bank = Store::bank();
    for arguments in [&["export", "bank.annals", "-"][..], &["events", "bank.annals"]] {
        let ended = Command::new(env!("CARGO_BIN_EXE_annals"))
            .args(arguments)
            .current_dir(bank.folder.path())
            .env("COLUMNS", "200")
            .stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let error = String::from_utf8(ended.stderr).unwrap();
        assert!(error.contains("No space left") && error.contains("help: free some space"), "{error}");
        assert_eq!(ended.status.code(), Some(1));
    }
}

/// Root may read everything.
#[cfg(unix)]
#[test]
fn who_may_not_read_a_store_is_told_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let bank = Store::bank();
    let log = bank.path.join("log");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o000)).unwrap();
    let is_root = fs::read_dir(&log).is_ok();
    let said = bank.run("info", &[]);
    fs::set_permissions(&log, fs::Permissions::from_mode(0o755)).unwrap();
    if !is_root {
        assert_snapshot!("no_permission", said.bad());
    }
}
