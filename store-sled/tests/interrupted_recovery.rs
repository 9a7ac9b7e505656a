//! Recoveries that are interrupted at each of their calls, and again, end as one that is not (F4).

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path, sync::Arc};

use annals_conformance::soak;
use annals_core::{Generation, Store};
use annals_store_sled::{OpenReport, SledOptions, SledStore};

use crate::support::{
    self, copy_folder,
    faults::{Failure, Fault, MOMENTS, Moment, folder, used},
    workload::{State, Workload, generation},
};

const WORKLOAD: Workload = Workload { seed: 5, steps: 6, ..Workload::SMALL };

fn options(path: &Path) -> SledOptions {
    SledOptions::new(path).segment_bytes(4096).index_batch_entries(8)
}

/// A store whose process ended in the middle of a write to the log.
async fn torn(path: &Path) {
    let fault = Fault::new(Some("log.write"), 9, Moment::Within, Failure::ForGood);
    let store = SledStore::open(options(path).observer(Arc::new(fault))).unwrap();
    let mut index = 0;
    while store.commit(WORKLOAD.commit(index)).await.is_ok() {
        index += 1;
    }
    store.shut_down().await;
}

/// What a recovery leaves, the same each time: what the store holds, the bytes of its log without zeros behind, and what it has set aside.
#[derive(Debug, PartialEq)]
struct Left {
    state: State,
    files: BTreeMap<String, Vec<u8>>,
}

async fn left(path: &Path) -> (Left, OpenReport, Generation) {
    let store = SledStore::open(options(path)).unwrap();
    let report = store.report().clone();
    if let Some(torn) = &report.torn {
        assert_eq!(fs::metadata(&torn.file).unwrap().len(), torn.offset, "what was torn is cut off");
    }
    let generation = generation(&store).await.unwrap();
    let state = State::of(&store).await.unwrap();
    let found = WORKLOAD.commits_of(&state);
    assert!(found.iter().copied().eq(0..found.len() as u32));
    store.shut_down().await;
    let mut files = BTreeMap::new();
    for folder in ["log", "torn"].map(|name| path.join(name)).iter().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let mut bytes = fs::read(entry.path()).unwrap();
            bytes.truncate(used(&bytes));
            files.insert(entry.file_name().into_string().unwrap(), bytes);
        }
    }
    (Left { state, files }, report, generation)
}

/// Opens and closes the store in `path`; call `number` fails. Whether it was reached.
async fn interrupt(path: &Path, number: usize, moment: Moment, failure: Failure) -> bool {
    let fault = Arc::new(Fault::new(None, number, moment, failure));
    if let Ok(store) = SledStore::open(options(path).observer(fault.clone())) {
        store.shut_down().await;
    }
    fault.was_reached()
}

/// `lost` is the generation that no recovery may bring back.
async fn check(begin: &Path, least: usize, lost: Option<Generation>) {
    let folder = folder();
    let whole = folder.path().join("whole");
    copy_folder(begin, &whole);
    let (expected, report, _) = left(&whole).await;
    let mut points = 0;
    let failures = [Failure::ForGood, Failure::Once(ErrorKind::StorageFull)];
    for (moment, failure) in MOMENTS.into_iter().flat_map(|moment| failures.map(|failure| (moment, failure))) {
        let mut number = 0;
        let mut reached = true;
        while reached {
            number += 1;
            let copy = folder.path().join(format!("{moment:?}-{failure:?}-{number}"));
            copy_folder(begin, &copy);
            reached = interrupt(&copy, number, moment, failure).await;
            let (left, _, generation) = left(&copy).await;
            assert_ne!(Some(generation), lost, "interrupted {moment:?} call {number}");
            assert_eq!(left, expected, "interrupted {moment:?} call {number}");
        }
        points += number;
    }
    for moment in MOMENTS {
        // Again and again in the same folder, each time one call further.
        let chain = folder.path().join(format!("{moment:?}"));
        copy_folder(begin, &chain);
        let mut number = 1;
        while interrupt(&chain, number, moment, Failure::ForGood).await {
            number += 1;
        }
        let (left, _, generation) = left(&chain).await;
        assert_ne!(Some(generation), lost, "interrupted {number} times");
        assert_eq!(left, expected, "interrupted {number} times, {moment:?} a call");
        points += number;
    }
    soak::report(&format!("interrupted_recoveries={points}"));
    assert!(points > least, "{points} interruptions of {report:?}");
}

#[tokio::test]
async fn of_a_torn_log() {
    let folder = folder();
    torn(folder.path()).await;
    check(folder.path(), 200, None).await;
    assert!(left(folder.path()).await.1.torn.is_some());
}

/// And of an index that cannot be believed, where one was moved aside before.
#[tokio::test]
async fn of_a_torn_log_after_a_crash_of_the_machine() {
    let folder = folder();
    torn(folder.path()).await;
    let copy = support::faults::folder();
    copy_folder(folder.path(), copy.path());
    let (.., lost) = left(copy.path()).await;
    fs::write(folder.path().join("lock"), "another boot").unwrap();
    copy_folder(&folder.path().join("index"), &folder.path().join("index.aside"));
    check(folder.path(), 200, Some(lost)).await;
    let (_, report, _) = left(folder.path()).await;
    assert!(report.torn.is_some() && report.rebuilt.is_some());
}

#[tokio::test]
async fn of_a_closed_log() {
    let folder = folder();
    WORKLOAD.run(&options(folder.path()), |_| ()).await;
    check(folder.path(), 200, None).await;
    assert!(left(folder.path()).await.1.was_closed);
}

/// A store that is begun: there is nothing to lose, and it can be begun again.
#[tokio::test]
async fn of_a_folder_in_which_a_store_is_begun() {
    let mut number = 1;
    let mut reached = true;
    while reached {
        let folder = folder();
        let path = folder.path().join("new/store");
        reached = interrupt(&path, number, Moment::After, Failure::ForGood).await;
        let store = SledStore::open(options(&path)).unwrap();
        assert!(State::of(&store).await.unwrap().log.is_empty());
        generation(&store).await.unwrap();
        number += 1;
    }
    assert!(number > 40, "{number} calls");
}
