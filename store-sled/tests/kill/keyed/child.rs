//! The process that is killed: eight senders of keyed commands, half of them with several under way, and sometimes a
//! prune beside them.

use std::{io::Write, num::NonZeroU32, path::Path, sync::Arc};

use annals_conformance::tally::{Count, Double, Tallied, Tally};
use annals_core::{Annals, CommitNumber, Decision, ExecuteError, Executed, KeysBefore, Limits, RetryPolicy, Store, at};
use annals_store_sled::{SledOptions, SledStore};
use futures::future::join_all;

use super::STORE;

const SENDERS: u64 = 8;

/// What one sender sends under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Request {
    pub(crate) sender: u64,
    pub(crate) number: u64,
}

impl Request {
    pub(crate) fn key(self) -> String {
        format!("{}/{:08}", self.sender, self.number)
    }

    /// How much it counts, which nothing else does.
    pub(crate) fn by(self) -> u64 {
        1 + self.number * SENDERS + self.sender
    }

    /// The tallies that it counts on, the first of which it replies: one of three, two of them, or none.
    pub(crate) fn targets(self) -> Vec<String> {
        let nth = |offset: u64| ((self.sender + self.number + offset) % 3).to_string();
        match self.number % 4 {
            0 | 1 => vec![nth(0)],
            2 => vec![nth(0), nth(1)],
            _ => vec![],
        }
    }

    /// Sends it. One without targets doubles nothing, so that its key is all that it leaves.
    pub(crate) async fn send(self, annals: &Annals) -> Executed<u64> {
        let command = Count { by: self.by() };
        match &self.targets()[..] {
            [] => annals.on::<Tally>("nothing").send(Double { least: 0 }).idempotency_key(self.key()).await.unwrap(),
            [one] => annals.on::<Tally>(one.as_str()).send(command).idempotency_key(self.key()).await.unwrap(),
            [one, two, ..] => {
                let by = command.by;
                let decide = move |(one, two): (&mut Decision<Tally>, &mut Decision<Tally>)| {
                    one.emit(Tallied::Counted { by });
                    two.emit(Tallied::Counted { by });
                    Ok::<_, ()>(one.total)
                };
                let together = annals.together((at::<Tally>(one.as_str()), at::<Tally>(two.as_str())), decide);
                let sent: Result<_, ExecuteError<()>> = together.idempotency_key(self.key(), &command).await;
                sent.unwrap()
            }
        }
    }
}

/// Decides again until it is through: the senders are in each other's way all the time.
pub(crate) async fn annals(store: &SledStore) -> Annals {
    let store: Arc<dyn Store> = Arc::new(store.clone());
    let retry = RetryPolicy { attempts: NonZeroU32::new(100_000).unwrap() };
    Annals::over(store).retry(retry).open().await.unwrap()
}

/// One write, so that lines stay whole.
fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

async fn send(annals: &Annals, sender: u64, number: u64) {
    say(&format!("send {sender} {number}"));
    let Executed { reply, receipt } = Request { sender, number }.send(annals).await;
    assert!(!receipt.repeated);
    say(&format!("ack {sender} {number} {reply} {}", receipt.commit));
}

/// Sends from `number` on, one after the other or four at once.
async fn send_on(annals: Annals, sender: u64, mut number: u64) {
    let under_way = if sender.is_multiple_of(2) { 1 } else { 4 };
    loop {
        join_all((0..under_way).map(|offset| send(&annals, sender, number + offset))).await;
        number += under_way;
    }
}

/// Does nothing in an ordinary run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_until_it_is_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    println!("opening");
    // A prune takes many commits, so that the kill meets it.
    let limits = Limits { commit_rows: 4, ..Limits::default() };
    let store = SledStore::open(SledOptions::new(Path::new(&path)).limits(limits)).unwrap();
    let annals = annals(&store).await;
    println!("ready");
    // Every request is a commit, so nobody before has used numbers beyond the head.
    let begun = annals.store().head().borrow().commit.get();
    let senders = (0..SENDERS).map(|sender| tokio::spawn(send_on(annals.clone(), sender, begun)));
    let senders: Vec<_> = senders.collect();
    if begun.is_multiple_of(2) {
        let border = begun / 2;
        say(&format!("prune {border}"));
        annals.prune_keys(KeysBefore::Commit(CommitNumber::new(border).unwrap())).await.unwrap();
        say("pruned");
    }
    join_all(senders).await;
}
