//! A season that is killed again and again ends as one that is not.

use std::path::Path;

use order::{
    audit::{self, Books, Rows},
    read, season,
};

use crate::dying::{killed_at, start, written};

/// How many orders the season has.
const ORDERS: &str = "30";
/// How often it is killed.
const KILLS: u64 = 6;

fn to_the_end(store: &Path) {
    assert!(start(store, ORDERS).wait().unwrap().success(), "the season ends, and its books are right");
}

async fn end(store: &Path) -> (Books, Rows) {
    let shop = season::open_existing(store).await.unwrap();
    read::until_current(&shop).await.unwrap();
    let end = (audit::books(&shop).await.unwrap(), audit::rows(&shop).await.unwrap());
    shop.shut_down().await;
    end
}

#[tokio::test]
async fn killed_at_any_time_a_season_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    to_the_end(&whole);
    let bytes = written(&whole);
    assert!(bytes > 100_000, "the log lies where this test looks");
    for kill in 1..=KILLS {
        killed_at(&killed, ORDERS, bytes * kill / (KILLS + 1));
    }
    to_the_end(&killed);
    let (expected, found) = (end(&whole).await, end(&killed).await);
    assert_eq!(found.0, expected.0, "what the events say");
    assert_eq!(found.1, expected.1, "what the read models say");
}
