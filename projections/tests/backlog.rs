//! A long backlog costs no memory, and a slow projection costs those who write nothing (P9, T15, F20, D.22). Of the
//! memory of this process one test alone may take, so they wait for each other.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod bank;

use std::{fs, time::Duration};

use annals_conformance::soak;
use annals_core::Annals;
use annals_projections::{
    BoxError, EventContext, Incoming, Projection, ProjectionOptions, ReadModels, Rows, Subscription, Tables,
    WithProjections,
};
use bank::*;
use tokio::{sync::Mutex, time::Instant};

static ONE_AFTER_THE_OTHER: Mutex<()> = Mutex::const_new(());

/// How much memory a projection may take beside its rows.
const GROWTH_MAX: u64 = 64 << 20;
const ACCOUNTS: u64 = 1000;

/// The memory that this process has, in bytes; `None` where there is no `/proc`.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// P9, T15: memory does not grow with the backlog.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_is_gone_through_with_flat_memory() {
    if resident().is_none() {
        eprintln!("SKIPPED: there is no /proc/self/status here");
        return;
    }
    let _alone = ONE_AFTER_THE_OTHER.lock().await;
    let backlog = soak::size("ANNALS_SOAK_PROJECTION_BACKLOG", 100_000);
    let store = store();
    for number in 0..backlog / 1000 {
        let event = |index: u64| deposited(&format!("a{}", (number * 7 + index) % ACCOUNTS), 1);
        commit(&store, (0..1000).map(event)).await;
    }
    for options in [ProjectionOptions::default(), ProjectionOptions::default().lanes(4).in_memory()] {
        let before = resident().unwrap();
        let annals = open(&store, &Balances::default(), options).await;
        let (mut most, mut watch) = (before, handle(&annals).watch());
        while handle(&annals).status().position < head(&store) {
            watch.changed().await.unwrap();
            most = most.max(resident().unwrap());
        }
        until(&annals, is_live).await;
        check(&annals).await;
        stop(annals).await;
        let growth = most.saturating_sub(before);
        assert!(growth < GROWTH_MAX, "{growth} bytes more than before");
        soak::report(&format!("most_projection_backlog={backlog} most_growth_kib={}", growth / 1024));
    }
}

/// The balances, each event of which takes 10 ms.
struct Slow(Balances);

impl Projection for Slow {
    const NAME: &'static str = "slow";
    const VERSION: u32 = 1;

    fn subscription(&self) -> Subscription {
        self.0.subscription()
    }
    fn tables(&self) -> Tables {
        self.0.tables()
    }
    async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.0.handle(event, cx, rows).await
    }
}

/// F20, D.22: 10,000 commits a second meet a projection that takes 100: nobody who commits waits for it, its lag is seen, and
/// it comes down to nothing.
#[tokio::test(start_paused = true)]
async fn a_burst_costs_writers_nothing_and_drains() {
    let _alone = ONE_AFTER_THE_OTHER.lock().await;
    let store = store();
    let slow = Slow(Balances::default());
    let annals = Annals::over(store.clone()).projection_with(slow, ProjectionOptions::default()).open().await.unwrap();
    let handle = ReadModels::projection::<Slow>(&annals).unwrap();
    let begun = Instant::now();
    let (mut ticks, mut longest) = (tokio::time::interval(Duration::from_millis(1)), Duration::ZERO);
    for millisecond in 0..1000 {
        ticks.tick().await;
        for index in 0..10 {
            let before = Instant::now();
            commit(&store, [deposited(&format!("a{}", (millisecond * 10 + index) % 300), index)]).await;
            longest = longest.max(before.elapsed());
        }
    }
    assert_eq!((head(&store).get(), longest), (10_000, Duration::ZERO), "no commit has waited");
    assert!(begun.elapsed() <= Duration::from_millis(1010), "{:?}", begun.elapsed());
    let lag = handle.lag();
    assert!(lag.positions > 9000, "{lag:?}");
    handle.wait_until(head(&store)).await.unwrap();
    let took = begun.elapsed();
    assert!((Duration::from_secs(99)..Duration::from_secs(130)).contains(&took), "{took:?}");
    let lag = handle.lag();
    assert_eq!((lag.positions, lag.time, lag.eta), (0, Duration::ZERO, Some(Duration::ZERO)));
    check(&annals).await;
}
