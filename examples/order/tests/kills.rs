//! A season that is killed again and again ends as one that is not.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use order::{
    audit::{self, Books, Rows},
    read, season,
};

/// How many orders the season has.
const ORDERS: &str = "30";
/// How often it is killed.
const KILLS: u64 = 6;
/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(120);

fn start(store: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_order"));
    command.args(["--orders", ORDERS, "--store"]).arg(store);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn to_the_end(store: &Path) {
    assert!(start(store).wait().unwrap().success(), "the season ends, and its books are right");
}

fn log_bytes(store: &Path) -> u64 {
    let Ok(segments) = fs::read_dir(store.join("log")) else { return 0 };
    segments.flatten().filter_map(|segment| Some(segment.metadata().ok()?.len())).sum()
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
    let bytes = log_bytes(&whole);
    assert!(bytes > 0, "the log lies where this test looks");
    for kill in 1..=KILLS {
        let reached = bytes * kill / (KILLS + 1);
        let (mut child, began) = (start(&killed), Instant::now());
        while log_bytes(&killed) < reached {
            assert!(began.elapsed() < DEADLINE, "{reached} bytes of the log are reached");
            assert!(child.try_wait().unwrap().is_none(), "it is killed before it ends");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    to_the_end(&killed);
    let (expected, found) = (end(&whole).await, end(&killed).await);
    assert_eq!(found.0, expected.0, "what the events say");
    assert_eq!(found.1, expected.1, "what the read models say");
}
