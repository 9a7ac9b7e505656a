//! The real file.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::PathBuf,
};

use flate2::read::MultiGzDecoder;
use order::import;

use super::{books, compare, import_file};

/// So many of its lines are taken; all of them are for a run by hand.
const LINES: usize = 20_000;

/// The real file, in the folder that `ANNALS_DATA` names or in `online_retail` below it.
fn real() -> Option<PathBuf> {
    let data = PathBuf::from(env::var_os("ANNALS_DATA").filter(|data| !data.is_empty())?);
    let folders = [data.join("online_retail"), data];
    folders.map(|folder| folder.join("online_retail.csv.gz")).into_iter().find(|file| file.is_file())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_of_the_real_file_is_taken_over_as_it_sums_up() {
    let Some(real) = real() else {
        println!("ANNALS_DATA is not set, or holds no online_retail.csv.gz: the real file is not imported");
        return;
    };
    let lines = BufReader::new(MultiGzDecoder::new(fs::File::open(real).unwrap())).lines();
    let text: String = lines.take(1 + LINES).map(|line| line.unwrap() + "\n").collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("online_retail.csv");
    fs::write(&file, text).unwrap();

    let books_read = import::read(&file).unwrap();
    assert_eq!((books_read.size.lines, books_read.malformed), (LINES as u64, vec![]));
    let (odd, matched) = (books_read.odd, books_read.matched);
    assert!(odd.duplicates > 0 && odd.free > 0 && odd.without_customer > 0, "{odd:?}");
    assert!(matched.lines.fully > 0 && matched.lines.not > 0, "{matched:?}");

    let shop = books().await;
    let outcome = import_file(&shop, &file).await;
    assert_eq!((outcome.recorded, outcome.rejected.len()), (books_read.size.invoices(), 0));
    assert_eq!(outcome.events, LINES as u64 + outcome.recorded);
    let comparison = compare(&shop, &file).await;
    assert_eq!(comparison.wrong, []);
    assert!(comparison.customers > 100 && comparison.days > 5, "{comparison:?}");
    shop.shut_down().await;
}
