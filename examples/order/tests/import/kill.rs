//! An import that is killed and started again, as often as it takes, ends as one that was left alone.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Write, stdout},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use annals::{Annals, ReadLog, decode_record, embedded::SledOptions, prelude::ReadModels};
use futures::TryStreamExt;
use indicatif::ProgressBar;
use order::{
    domain::invoice::InvoiceEvent,
    import,
    read::{self, CustomerHistory, DailyRevenue},
    shop,
};

use super::{command, invented};

/// Tells a child which file to import into which store.
const CHILD: [&str; 2] = ["ORDER_TEST_FILE", "ORDER_TEST_STORE"];
/// What a child says of how far it is begins with that.
const REACHED: &str = "reached ";
/// A child is killed when the log has reached one of these parts of all events, in hundredths; 0 is at once, maybe before there is a
/// store.
const KILLED_AT: [u64; 5] = [0, 1, 20, 55, 90];
const INVOICES: u64 = 600;

/// Not a test but a process to be killed: imports, and says how far the log is.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let [Some(file), Some(store)] = CHILD.map(env::var_os) else { return };
    let shop = shop::books(SledOptions::new(store)).open().await.unwrap();
    let invoices = import::read(Path::new(&file)).unwrap().invoices;
    let mut head = shop.store().head();
    let watching = async {
        loop {
            println!("{REACHED}{}", head.borrow_and_update().position.get());
            stdout().flush().unwrap();
            head.changed().await.unwrap();
        }
    };
    let progress = ProgressBar::hidden();
    let importing = import::run(&shop, invoices, 8, &progress);
    tokio::select! {
        done = importing => drop(done.unwrap()),
        () = watching => {}
    }
    shop.shut_down().await;
}

/// Imports in a child until the log reaches `position`; says whether it was killed before it ended.
fn import_and_kill(file: &Path, store: &Path, position: u64) -> bool {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "import::kill::child", "--nocapture"]);
    command.env(CHILD[0], file).env(CHILD[1], store).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut reached = lines.filter_map(|line| line.unwrap().split_once(REACHED)?.1.parse::<u64>().ok());
    if position > 0 {
        reached.find(|reached| *reached >= position);
    }
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// What a store holds of invoices, and what its read models say of them.
#[derive(Debug, PartialEq)]
struct Contents {
    invoices: BTreeMap<String, Vec<InvoiceEvent>>,
    customers: Vec<CustomerHistory>,
    days: Vec<DailyRevenue>,
}

impl Contents {
    async fn of(store: &Path) -> Self {
        let shop = shop::books(SledOptions::new(store)).open().await.unwrap();
        read::until_current(&shop).await.unwrap();
        let customers = shop.view().unwrap().all().collect().await.unwrap();
        let days = shop.view().unwrap().all().collect().await.unwrap();
        let contents = Self { invoices: invoices(&shop).await, customers, days };
        shop.shut_down().await;
        contents
    }
}

/// The events of each invoice, which have to be of one commit.
async fn invoices(shop: &Annals) -> BTreeMap<String, Vec<InvoiceEvent>> {
    let mut invoices: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut commits = BTreeMap::new();
    let mut records = shop.store().read_log(ReadLog::all());
    while let Some(record) = records.try_next().await.unwrap() {
        let commit = *commits.entry(record.stream().to_string()).or_insert(record.commit());
        assert_eq!(commit, record.commit(), "{}", record.stream());
        let events = decode_record::<InvoiceEvent>(&record).unwrap();
        invoices.entry(record.stream().to_string()).or_default().extend(events);
    }
    invoices
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_again_and_again_ends_as_one_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [file, killed, calm]: [PathBuf; 3] =
        ["online_retail.csv", "killed", "calm"].map(|name| folder.path().join(name));
    let text = invented::many(INVOICES);
    fs::write(&file, &text).unwrap();
    let events = INVOICES + text.lines().count() as u64 - 1;

    let hits = KILLED_AT.into_iter().filter(|part| import_and_kill(&file, &killed, events * part / 100)).count();
    assert!(hits >= 3, "too few children were killed before they ended");
    let (is_good, ended) = command(&killed, &file);
    assert!(is_good && ended.contains("invoices had been imported before"), "{ended}");
    let (is_good, undisturbed) = command(&calm, &file);
    assert!(is_good && undisturbed.contains(&format!("in {INVOICES} commits")), "{undisturbed}");

    let [killed, calm] = [Contents::of(&killed).await, Contents::of(&calm).await];
    assert_eq!(calm.invoices.values().map(Vec::len).sum::<usize>() as u64, events);
    assert_eq!((calm.invoices.len() as u64, calm.customers.len()), (INVOICES, 36));
    assert_eq!(killed, calm);
}
