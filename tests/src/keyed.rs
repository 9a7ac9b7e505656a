//! Commands with an idempotency key, sent through `Annals` (P5): one effect and one answer, whatever became of the first
//! sender.

use std::{future::IntoFuture, num::NonZeroU32, sync::Arc, time::Duration};

use annals_core::{
    Aggregate, Annals, Command, Decision, Decoded, Evolve, ExecuteError, Executed, Handle, LoadError, LoggedTable,
    ReadError, ReadStream, Receipt, RetryPolicy, Scan, Store, at, decode_record,
};
use async_trait::async_trait;
use futures::{StreamExt, future::join_all, stream};
use serde::{Deserialize, Serialize};

use crate::{
    Harness, Setup,
    cancel::{poll_and_drop, polls},
    fixture::{contents, head, keys, log, soon, tenant},
    planted::{Fault, Records, plant},
    tally::{Count, Double, Tallied, Tally},
};

/// Of a patient application: it decides again until it is through.
pub(crate) async fn open(store: Arc<dyn Store>) -> Annals {
    let retry = RetryPolicy { attempts: NonZeroU32::new(10_000).expect("not zero") };
    Annals::over(store).retry(retry).open().await.expect("it opens")
}

/// Counts on `id` under `key`, which must succeed.
pub(crate) async fn count(annals: &Annals, id: &str, by: u64, key: &str) -> Executed<u64> {
    annals.on::<Tally>(id).send(Count { by }).idempotency_key(key).await.expect("it counts")
}

/// Counts without a key.
async fn count_plainly(annals: &Annals, id: &str, by: u64) {
    annals.on::<Tally>(id).send(Count { by }).await.expect("it counts");
}

pub(crate) fn repeated<R: Clone>(first: &Executed<R>) -> Executed<R> {
    Executed { reply: first.reply.clone(), receipt: Receipt { repeated: true, ..first.receipt.clone() } }
}

/// That counting `by`, which nothing else does, has happened once, and `executed` says so with the total behind it.
async fn happened_once(store: &Arc<dyn Store>, by: u64, executed: &Executed<u64>) {
    let (mut total, mut found) = (0, Vec::new());
    for record in log(store).await {
        let Ok(Decoded::One(Tallied::Counted { by: counted })) = decode_record(&record) else { panic!("{record:?}") };
        total += counted;
        if counted == by {
            found.push((Some((record.position(), record.position())), record.commit(), total));
        }
    }
    let receipt = &executed.receipt;
    assert_eq!(found, [(receipt.positions, receipt.commit, executed.reply)], "what counts {by}");
}

/// A.54: the first answer, not the one that a decision of now would give, after every restart.
pub async fn a_repetition_after_a_restart_gets_the_first_answer<H: Harness>() {
    if !crate::survives::<H>("a_repetition_after_a_restart_gets_the_first_answer") {
        return;
    }
    let mut harness = H::create(Setup::default()).await;
    let both = async |annals: &Annals| {
        let decide = |(a, b): (&mut Decision<Tally>, &mut Decision<Tally>)| {
            a.emit(Tallied::Counted { by: 1 });
            b.emit(Tallied::Counted { by: 1 });
            Ok::<_, ()>((a.total, b.total))
        };
        let together = annals.together((at::<Tally>("one"), at::<Tally>("two")), decide);
        together.idempotency_key("both", &Count { by: 1 }).await.expect("it counts")
    };
    let annals = open(harness.store()).await;
    let first = count(&annals, "one", 5, "k").await;
    let first_of_both = both(&annals).await;
    count_plainly(&annals, "one", 1).await;
    assert_eq!((first.reply, first_of_both.reply), (5, (6, 1)));
    for _ in 0..2 {
        harness.reopen().await;
        let annals = open(harness.store()).await;
        assert_eq!(count(&annals, "one", 5, "k").await, repeated(&first));
        assert_eq!(both(&annals).await, repeated(&first_of_both));
        let other = annals.on::<Tally>("one").send(Count { by: 6 }).idempotency_key("k").await;
        assert!(matches!(other, Err(ExecuteError::KeyReused { .. })), "{other:?}");
        assert_eq!(annals.on::<Tally>("one").load().await.expect("it loads").state.total, 7);
    }
}

/// A decision that emits nothing is a commit of its key alone; a repetition is not decided again.
pub async fn a_decision_without_events_is_recorded_and_answered<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let annals = open(store.clone()).await;
    let double = async || annals.on::<Tally>("one").send(Double { least: 0 }).idempotency_key("k").await;
    let first = double().await.expect("it doubles nothing");
    assert_eq!((first.reply, first.receipt.repeated, first.receipt.positions), (0, false, None));
    assert_eq!((head(&store).commit, head(&store).position.get()), (first.receipt.commit, 0));
    count_plainly(&annals, "one", 7).await;
    let before = contents(&store).await;
    assert_eq!(double().await.expect("it is answered"), repeated(&first));
    assert_eq!(contents(&store).await, before);
}

/// What `Count` is, but for one thing.
macro_rules! like_count {
    ($name:ident, $text:literal, $version:literal) => {
        #[derive(Clone, Serialize, Deserialize)]
        struct $name {
            by: u64,
        }
        impl Command for $name {
            const NAME: &'static str = $text;
            const VERSION: u32 = $version;
        }
        impl Handle<$name> for Tally {
            type Reply = u64;
            type Error = ();
            fn handle(tally: &mut Decision<Self>, command: $name) -> Result<u64, ()> {
                Tally::handle(tally, Count { by: command.by })
            }
        }
    };
}

like_count!(Recount, "recount", 1);
like_count!(CountAnew, "count", 2);

/// A.50: another command, another version of it, other content, another target, other targets, their other order.
pub async fn a_key_belongs_to_one_command_content_and_target<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let annals = open(store.clone()).await;
    let first = count(&annals, "one", 5, "k").await;
    let both = async |left: &str, right: &str, key: &str| {
        let decide = |(a, _): (&mut Decision<Tally>, &mut Decision<Tally>)| Tally::handle(a, Count { by: 5 });
        let together = annals.together((at::<Tally>(left), at::<Tally>(right)), decide);
        together.idempotency_key(key, &Count { by: 5 }).await
    };
    both("one", "two", "both").await.expect("it counts");
    let before = contents(&store).await;
    let (one, two) = (annals.on::<Tally>("one"), annals.on::<Tally>("two"));
    let others = [
        ("another command", one.send(Recount { by: 5 }).idempotency_key("k").await),
        ("another version of the command", one.send(CountAnew { by: 5 }).idempotency_key("k").await),
        ("other content", one.send(Count { by: 6 }).idempotency_key("k").await),
        ("another target", two.send(Count { by: 5 }).idempotency_key("k").await),
        ("one target more", both("one", "two", "k").await),
        ("one target less", one.send(Count { by: 5 }).idempotency_key("both").await),
        ("the other order", both("two", "one", "both").await),
    ];
    for (what, other) in others {
        match other {
            Err(ExecuteError::KeyReused { key, recorded, found }) => {
                assert!(["k", "both"].contains(&key.as_str()) && recorded != found, "{what}");
            }
            other => panic!("{what}: expected the key to be refused, found {other:?}"),
        }
    }
    assert_eq!(contents(&store).await, before);
    assert_eq!(count(&annals, "one", 5, "k").await, repeated(&first));
    let acme = annals.in_tenant(tenant("acme"));
    assert!(!count(&acme, "one", 6, "k").await.receipt.repeated, "another tenant's key is another one");
}

/// A refusal leaves no trace; what it refused may succeed later, and only then the key is used.
pub async fn a_refusal_is_not_recorded_and_its_key_works_later<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let annals = open(store.clone()).await;
    count_plainly(&annals, "one", 3).await;
    let double = async || annals.on::<Tally>("one").send(Double { least: 5 }).idempotency_key("k").await;
    let before = contents(&store).await;
    for _ in 0..2 {
        let refused = double().await;
        assert!(matches!(refused, Err(ExecuteError::Refused(2))), "{refused:?}");
    }
    assert_eq!(contents(&store).await, before);
    assert!(keys(&store, Scan::all(LoggedTable::ONCE)).await.is_empty());
    count_plainly(&annals, "one", 2).await;
    let first = double().await.expect("it is enough by now");
    assert_eq!((first.reply, first.receipt.repeated), (10, false));
    assert_eq!(double().await.expect("it is answered"), repeated(&first));
}

/// F14, P12: dropped after more and more polls, with somebody else's commit behind it, then sent again, twice.
pub async fn a_dropped_command_is_resolved_by_sending_it_again<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let annals = open(store.clone()).await;
    let mut number = 1_000;
    for _ in 0..5 {
        for polls in polls() {
            number += 1;
            let key = number.to_string();
            let send = || annals.on::<Tally>("one").send(Count { by: number }).idempotency_key(&key).into_future();
            let was_ready = poll_and_drop(polls, send()).await;
            count_plainly(&annals, "one", 1).await;
            let resolved = send().await.expect("it is resolved");
            assert!(resolved.receipt.repeated || !was_ready, "it was answered before");
            assert_eq!(send().await.expect("it is answered"), repeated(&resolved));
            happened_once(&store, number, &resolved).await;
            if was_ready {
                break;
            }
        }
    }
}

/// F14: the same with a time-out that is over soon, or at once.
pub async fn a_command_that_loses_against_a_time_out_is_resolved_by_sending_it_again<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let annals = open(store.clone()).await;
    for round in 0..100 {
        let by = 1_000 + round;
        let key = by.to_string();
        let send = || annals.on::<Tally>("one").send(Count { by }).idempotency_key(&key).into_future();
        let in_time = tokio::time::timeout(Duration::from_micros(round % 20 * 50), send()).await;
        count_plainly(&annals, "one", 1).await;
        let resolved = send().await.expect("it is resolved");
        if let Ok(first) = in_time {
            assert_eq!(resolved, repeated(&first.expect("it counts")));
        }
        happened_once(&store, by, &resolved).await;
    }
}

/// F14: sixteen at once, over two applications on one store, while others make them decide again on another total.
pub async fn many_senders_of_one_key_have_one_effect_and_one_answer<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let applications = [open(store.clone()).await, open(store.clone()).await];
    for by in 1_000..1_020 {
        let senders = (0..16).map(|sender| {
            let annals = applications[sender % 2].clone();
            tokio::spawn(async move { count(&annals, "one", by, &by.to_string()).await })
        });
        let others = (0..16).map(|other| {
            let annals = applications[other % 2].clone();
            tokio::spawn(async move { count_plainly(&annals, "one", 1).await })
        });
        let (senders, others): (Vec<_>, Vec<_>) = senders.zip(others).unzip();
        let sent = soon("the answers", join_all(senders)).await;
        let sent: Vec<_> = sent.into_iter().map(|sent| sent.expect("no panic")).collect();
        assert_eq!(sent.iter().filter(|executed| !executed.receipt.repeated).count(), 1, "one of them took effect");
        assert!(sent.iter().all(|executed| repeated(executed) == repeated(&sent[0])), "all get its answer");
        happened_once(&store, by, &sent[0]).await;
        soon("the others", join_all(others)).await;
    }
}

/// A tally as a later version of the code has it, which can fold nothing.
#[derive(Debug, Default, Clone)]
struct Broken;

impl Evolve<Tallied> for Broken {
    fn evolve(&mut self, _: &Tallied) {
        panic!("nothing folds any more");
    }
}

impl Aggregate for Broken {
    const NAME: &'static str = Tally::NAME;
    type Id = String;
    type Event = Tallied;
}

impl Handle<Count> for Broken {
    type Reply = u64;
    type Error = ();
    fn handle(_: &mut Decision<Self>, _: Count) -> Result<u64, ()> {
        Err(())
    }
}

/// No fault that the suite must notice, but a disk that reads no stream any more.
struct ReadsNoStream;

#[async_trait]
impl Fault for ReadsNoStream {
    const BREAKS: &'static [&'static str] = &[];

    fn new(_: &Arc<dyn Store>, _: u64) -> Self {
        Self
    }

    fn read_stream<'a>(&'a self, _: &'a Arc<dyn Store>, read: ReadStream) -> Records<'a> {
        let error = ReadError::Io { what: format!("reading {}", read.stream), reason: "of no reason".into() };
        stream::iter([Err(error)]).boxed()
    }
}

/// The key is looked up first: a target that can no longer be read, or be folded, answers a repetition, and nothing else.
pub async fn a_repetition_is_answered_before_anything_is_loaded<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let first = count(&open(store.clone()).await, "one", 5, "k").await;
    let before = contents(&store).await;
    let blind = open(plant::<ReadsNoStream>(store.clone(), 0)).await;
    let later = open(store.clone()).await;
    let send = async |key: &str| {
        let unreadable = blind.on::<Tally>("one").send(Count { by: 5 }).idempotency_key(key);
        let broken = later.on::<Broken>("one").send(Count { by: 5 }).idempotency_key(key);
        (unreadable.await, broken.await)
    };
    let (unreadable, broken) = send("k").await;
    for answered in [unreadable, broken] {
        assert_eq!(answered.expect("it is answered"), repeated(&first));
    }
    let (unreadable, broken) = send("another").await;
    assert!(matches!(unreadable, Err(ExecuteError::Load(LoadError::Read(_)))), "{unreadable:?}");
    assert!(matches!(broken, Err(ExecuteError::Load(LoadError::Panicked { .. }))), "{broken:?}");
    assert_eq!(contents(&store).await, before);
}
