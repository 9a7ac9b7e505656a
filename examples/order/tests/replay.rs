//! A recorded log, replayed under virtual time: a small one that is invented, and the real one where `ANNALS_DATA` names the folder
//! that holds it.
#![allow(clippy::print_stdout, reason = "a test says what it does not do")]

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;
use order::{
    audit,
    replay::{self, Comparison, FILE_NAMES, RecordedLog},
};

/// How many rows of the real log are replayed here; all of them by `cargo xtask import`.
const REAL_ROWS: usize = 1_500;

const HEADER: &str =
    "ocel:eid,ocel:activity,ocel:timestamp,ocel:type:items,ocel:type:orders,ocel:type:packages,weight,price\n";

/// Two orders in two packages: one of both, one of the second alone. The first is paid after 45 days.
fn invented() -> String {
    let rows = [
        ("place order", "2019-05-01 08:00:00.000Z", "['i1','i2']", "['o1']", "", "30"),
        ("place order", "2019-05-01 09:00:00.000Z", "['i3','i4']", "['o2']", "", "50"),
        ("pick item", "2019-05-01 10:00:00.000Z", "['i1']", "", "", "10"),
        ("confirm order", "2019-05-02 08:00:00.000Z", "", "['o1']", "", "30"),
        ("item out of stock", "2019-05-02 09:00:00.000Z", "['i2']", "", "", "20"),
        ("reorder item", "2019-05-02 19:00:00.000Z", "['i2']", "", "", "20"),
        ("confirm order", "2019-05-03 08:00:00.000Z", "", "['o2']", "", "50"),
        ("pick item", "2019-05-03 10:00:00.000Z", "['i3']", "", "", "15.5"),
        ("pay order", "2019-05-04 08:00:00.000Z", "", "['o2']", "", "50"),
        ("create package", "2019-05-05 08:00:00.000Z", "['i1','i3']", "", "['p1']", ""),
        ("send package", "2019-05-05 09:00:00.000Z", "", "", "['p1']", ""),
        ("failed delivery", "2019-05-05 12:00:00.000Z", "", "", "['p1']", ""),
        ("package delivered", "2019-05-06 12:00:00.000Z", "", "", "['p1']", ""),
        ("pick item", "2019-05-08 10:00:00.000Z", "['i2']", "", "", "20"),
        ("pick item", "2019-05-08 11:00:00.000Z", "['i4']", "", "", "34.5"),
        ("create package", "2019-05-09 08:00:00.000Z", "['i2','i4']", "", "['p2']", ""),
        ("send package", "2019-05-09 09:00:00.000Z", "", "", "['p2']", ""),
        ("package delivered", "2019-05-09 12:00:00.000Z", "", "", "['p2']", ""),
        ("payment reminder", "2019-05-22 08:00:00.000Z", "", "['o1']", "", ""),
        ("pay order", "2019-06-16 08:00:00.000Z", "", "['o1']", "", "30"),
    ];
    rows.iter().enumerate().fold(
        HEADER.to_owned(),
        |mut text, (index, (activity, at, items, orders, packages, price))| {
            writeln!(text, "{}.0,{activity},{at},\"{items}\",\"{orders}\",\"{packages}\",1,{price}", index + 1)
                .unwrap();
            text
        },
    )
}

fn written(folder: &Path) -> RecordedLog {
    fs::write(folder.join(FILE_NAMES[0]), invented()).unwrap();
    let log = replay::read(folder).unwrap();
    assert!(log.malformed.is_empty(), "{:?}", log.malformed);
    log
}

async fn replayed(store: &Path, log: &RecordedLog) -> (Comparison, Vec<audit::Finding>) {
    let (shop, calendar) = replay::open(store, log).await.unwrap();
    replay::run(&shop, &calendar, log, &ProgressBar::hidden()).await.unwrap();
    let (books, rows) = (audit::books(&shop).await.unwrap(), audit::rows(&shop).await.unwrap());
    let comparison = replay::compare(&shop, log, &books).await.unwrap();
    let findings = audit::audit(&shop, &books, &rows).await.unwrap();
    shop.shut_down().await;
    (comparison, findings)
}

#[tokio::test]
async fn sagas_reorder_what_ran_out_and_remind_on_the_day() {
    let folder = tempfile::tempdir().unwrap();
    let log = written(folder.path());
    let (comparison, findings) = replayed(&folder.path().join("store"), &log).await;
    assert_eq!(findings, []);
    assert!(comparison.reorders.is_equal());
    assert_eq!(comparison.sooner.1.as_secs(), 10 * 3600, "at once, where people took ten hours");
    // One reminder was recorded; the order was unpaid when the second was due, too.
    assert_eq!((comparison.reminders.both, comparison.reminders.only_recorded.len()), (1, 0));
    let [second] = &comparison.unrecorded[..] else { panic!("{:?}", comparison.unrecorded) };
    assert_eq!(second.due, "2019-06-11T08:00:00Z".parse().unwrap());
    assert_eq!(second.unpaid_for.unwrap().as_secs(), 5 * 86_400);
    assert_eq!((comparison.delivered, comparison.undelivered.len()), (2, 0));
    assert!(comparison.is_good());
}

#[tokio::test]
async fn a_replay_that_ended_early_goes_on_and_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = written(folder.path());
    let whole = replayed(&folder.path().join("whole"), &log).await;
    let store = folder.path().join("again");
    let rows = log.rows.clone();
    for count in [3, 7, 8, 12, 17, rows.len(), rows.len()] {
        log.rows = rows[..count].to_vec();
        let (shop, calendar) = replay::open(&store, &log).await.unwrap();
        replay::run(&shop, &calendar, &log, &ProgressBar::hidden()).await.unwrap();
        shop.shut_down().await;
    }
    assert_eq!(replayed(&store, &log).await, whole);
}

fn real() -> Option<PathBuf> {
    let data = PathBuf::from(std::env::var_os("ANNALS_DATA").filter(|data| !data.is_empty())?);
    let below = data.join("order_log");
    Some(if below.is_dir() { below } else { data })
}

#[tokio::test]
async fn the_beginning_of_the_real_log_is_reordered_and_reminded_as_it_was() {
    let Some(folder) = real() else {
        println!("ANNALS_DATA is not set: the real log is not replayed");
        return;
    };
    let mut log = replay::read(&folder).unwrap();
    assert_eq!((log.rows.len(), log.malformed.len()), (22_367, 0));
    log.rows.truncate(REAL_ROWS);
    let store = tempfile::tempdir().unwrap();
    let (comparison, _) = replayed(store.path(), &log).await;
    // What ran out and was not ordered again yet, the saga has ordered already.
    assert_eq!(comparison.reorders.only_recorded, []);
    assert_eq!(comparison.reminders.only_recorded, []);
    assert_eq!(comparison.reminders.recorded, comparison.reminders.both);
    assert!(comparison.reorders.both > 100, "{:?}", comparison.reorders);
}
