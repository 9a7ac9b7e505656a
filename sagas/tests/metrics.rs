//! Which figures are given out.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_core::{Limits, MemoryStore, Store, SystemClock};
use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::{bank::*, together, unruly::slow};

/// Keeps all figures.
#[derive(Default)]
struct Figures {
    numbers: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    recorded: Arc<Mutex<Vec<f64>>>,
}

struct Recorded(Arc<Mutex<Vec<f64>>>);

impl HistogramFn for Recorded {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

impl Figures {
    fn number(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        Arc::clone(self.numbers.lock().unwrap().entry(name).or_default())
    }

    fn all(&self) -> BTreeMap<String, u64> {
        let numbers = self.numbers.lock().unwrap();
        numbers.iter().map(|(name, number)| (name.clone(), number.load(Ordering::SeqCst))).collect()
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.number(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.number(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        assert_eq!(key.name(), annals_sagas::metrics::TIMER_LATENESS);
        Histogram::from_arc(Arc::new(Recorded(Arc::clone(&self.recorded))))
    }
}

/// One is moved, one is refused at the first command, one at the second, one is late, one waits for an operator, one for ever.
async fn play() {
    let (clock, store): (_, Arc<dyn Store>) = (SetClock::default(), Arc::new(MemoryStore::new()));
    let bank = over(Arc::clone(&store), clock.clone()).await;
    let request = Request { from: "cem".into(), to: "bob".into(), cents: 0 };
    open_account(&bank, "cem", 0).await;
    bank.on::<Transfer>("linger-2").send(request).await.unwrap();
    note(&bank, "linger-2", "no hurry").await;
    saga(&bank).settled().await.unwrap();
    drop(bank);

    let bank = over(store, clock.clone()).await;
    let saga = saga(&bank);
    open_account(&bank, "ada", 100).await;
    for (transfer, to, cents) in
        [("t1", "bob", 1), ("t2", "bob", 1000), ("t3", "nobody", 1), ("linger-1", "bob", 1), ("panic-1", "bob", 1)]
    {
        if transfer == "t1" {
            open_account(&bank, "bob", 0).await;
        }
        let request = Request { from: "ada".into(), to: to.into(), cents };
        bank.on::<Transfer>(transfer).send(request).await.unwrap();
        saga.settled().await.unwrap();
    }
    note(&bank, "t9", "too early").await;
    saga.settled().await.unwrap();
    // The monitor has seen it by then.
    tokio::time::sleep(Duration::from_secs(1)).await;
    clock.advance(Duration::from_secs(62));
    saga.settled().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    bank.shut_down().await;
}

#[test]
fn what_sagas_do_is_counted_under_documented_names() {
    let figures = Figures::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    metrics::with_local_recorder(&figures, || runtime.block_on(play()));
    let all = figures.all();
    let counters: Vec<_> = all
        .iter()
        .filter(|(name, _)| name.contains("_total"))
        .map(|(name, number)| format!("{} {number}", name.replace(" saga=moving", "")))
        .collect();
    assert_eq!(counters, EXPECTED);
    let gauge = |name: &str| f64::from_bits(all[name]);
    assert_eq!(gauge("annals_saga_waiting saga=moving what=events"), 1.0);
    assert_eq!(gauge("annals_saga_waiting saga=moving what=commands"), 0.0);
    assert_eq!(gauge("annals_saga_health saga=moving"), 1.0);
    assert_eq!(gauge("annals_saga_lag_positions saga=moving"), 0.0);
    assert!(gauge("annals_saga_position saga=moving") > 10.0);
    assert_eq!(gauge("annals_saga_instances saga=moving"), 1.0, "linger-2");
    // Both were due two seconds before.
    assert_eq!(*figures.recorded.lock().unwrap(), [2.0, 2.0]);
}

/// Those are counted when it starts, in pages; what begins and ends meanwhile counts once.
#[test]
fn instances_under_way_are_counted_beside_the_work() {
    let figures = Figures::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let under_way = metrics::with_local_recorder(&figures, || {
        runtime.block_on(async {
            let (clock, store): (_, Arc<dyn Store>) = (SetClock::default(), Arc::new(MemoryStore::new()));
            let bank = over(Arc::clone(&store), clock.clone()).await;
            open_account(&bank, "ada", 10_000).await;
            open_account(&bank, "bob", 0).await;
            for number in 0..1500 {
                request(&bank, &format!("linger-{number}"), 1).await;
            }
            saga(&bank).settled().await.unwrap();
            drop(bank);
            let bank = over(slow(store), clock).await;
            for number in 0..200 {
                request(&bank, &format!("linger-a{number}"), 1).await;
                request(&bank, &format!("t{number}"), 1).await;
                note(&bank, &format!("linger-{}", number * 7), "stop").await;
            }
            saga(&bank).settled().await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            let (mut count, mut page) = (0, None);
            loop {
                let next = saga(&bank).instances(page, |instance| !instance.status.has_ended()).await.unwrap();
                count += next.instances.len();
                page = next.next;
                if page.is_none() {
                    break;
                }
            }
            bank.shut_down().await;
            count
        })
    });
    assert_eq!(under_way, 1500);
    assert_eq!(f64::from_bits(figures.all()["annals_saga_instances saga=moving"]), 1500.0);
}

/// What shares a commit is counted as it would be alone, also when the commit is too much.
#[test]
fn each_step_of_those_that_share_a_commit_is_counted_once() {
    for commit_events in [Limits::default().commit_events, 1] {
        let figures = Figures::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        metrics::with_local_recorder(&figures, || {
            runtime.block_on(async {
                let limits = Limits { commit_events, ..Limits::default() };
                let store: Arc<dyn Store> = Arc::new(MemoryStore::with(limits, Arc::new(SystemClock)));
                together::requested(&store).await;
                let bank = over(store, SystemClock).await;
                saga(&bank).settled().await.unwrap();
                bank.shut_down().await;
            });
        });
        let all = figures.all();
        let transfers = 2 * together::TRANSFERS as u64;
        assert_eq!(all["annals_saga_instances_begun_total saga=moving"], transfers);
        assert_eq!(all["annals_saga_instances_ended_total saga=moving end=completed"], transfers);
        assert_eq!(all["annals_saga_inputs_total saga=moving input=event"], 3 * transfers);
        assert_eq!(all["annals_saga_steps_total saga=moving"], 3 * transfers);
    }
}

const EXPECTED: [&str; 15] = [
    "annals_saga_commands_total outcome=refused 3",
    "annals_saga_commands_total outcome=set_aside 1",
    "annals_saga_commands_total outcome=taken 16",
    "annals_saga_compensations_total 3",
    "annals_saga_failures_total what=command 5",
    "annals_saga_failures_total what=input 1",
    "annals_saga_inputs_total input=event 15",
    "annals_saga_inputs_total input=refusal 3",
    "annals_saga_inputs_total input=timer 2",
    "annals_saga_inputs_total input=undone 3",
    "annals_saga_instances_begun_total 6",
    "annals_saga_instances_ended_total end=compensated 3",
    "annals_saga_instances_ended_total end=completed 2",
    "annals_saga_steps_total 22",
    "annals_saga_timers_fired_total 2",
];
