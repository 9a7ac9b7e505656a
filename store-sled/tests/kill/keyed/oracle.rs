//! What must be there behind a kill.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use annals_conformance::tally::Tallied;
use annals_core::{Annals, CommitNumber, Decoded, Executed, LoggedTable, Record, decode_record};
use annals_store_sled::SledStore;

use super::{
    super::oracle::rows,
    child::{Request, annals},
};
use crate::support;

/// What was answered: the reply, and the commit that took effect.
type Answer = (u64, CommitNumber);

/// What was sent, what was acknowledged, and what was forgotten since.
#[derive(Default)]
pub(crate) struct Oracle {
    /// Sent and not acknowledged.
    open: BTreeSet<Request>,
    /// Acknowledged, and not known to be forgotten.
    answered: BTreeMap<Request, Answer>,
    /// The commit before which a prune began to forget keys.
    border: CommitNumber,
    /// Acknowledged, and seen to be forgotten.
    gone: BTreeMap<Request, Answer>,
    /// Whether a prune was begun and not said to be done.
    is_pruning: bool,
    pub(crate) acknowledged: u64,
    /// Unacknowledged requests that were sent again.
    pub(crate) resolved: u64,
    /// Of these, those that had taken effect.
    pub(crate) repeated: u64,
    pub(crate) forgotten: u64,
    /// Prunes that a kill has ended half-way.
    pub(crate) prunes_cut: u64,
}

fn answer(executed: &Executed<u64>) -> Answer {
    (executed.reply, executed.receipt.commit)
}

impl Oracle {
    /// Takes down a line of the child; whether it was an acknowledgement. A line that was cut off is none.
    pub(crate) fn take_down(&mut self, line: &str) -> bool {
        let mut words = line.split(' ');
        let word = words.next().unwrap_or_default();
        let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
        match (word, &numbers[..]) {
            ("send", &[sender, number]) => {
                let is_new = self.open.insert(Request { sender, number });
                assert!(is_new, "{line}: it was sent before");
            }
            ("ack", &[sender, number, reply, commit]) => {
                let request = Request { sender, number };
                assert!(self.open.remove(&request), "{line}: it was not sent");
                self.answered.insert(request, (reply, CommitNumber::new(commit).unwrap()));
                self.acknowledged += 1;
                return true;
            }
            ("prune", &[border]) => {
                self.border = self.border.max(CommitNumber::new(border).unwrap());
                self.is_pruning = true;
            }
            ("pruned", []) => self.is_pruning = false,
            _ => {}
        }
        false
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.resolved += other.resolved;
        self.repeated += other.repeated;
        self.forgotten += other.forgotten;
        self.prunes_cut += other.prunes_cut;
    }

    /// Sends everything again that is not forgotten, and looks for the effects of all.
    pub(crate) async fn look_at(&mut self, store: &SledStore) {
        let annals = annals(store).await;
        self.look_for_forgotten(store).await;
        for (request, first) in &self.answered {
            let again = request.send(&annals).await;
            assert!(again.receipt.repeated, "LOST: {request:?} was acknowledged and took effect again");
            assert_eq!(answer(&again), *first, "{request:?} was answered otherwise");
        }
        for request in std::mem::take(&mut self.open) {
            self.resolve(&annals, request).await;
        }
        self.look_at_effects(&support::log(store).await);
    }

    /// The keys that are there are those of `answered` and some that are still open; of the answered, only those before the
    /// border may be gone, and what was once gone stays so.
    async fn look_for_forgotten(&mut self, store: &SledStore) {
        let rows = rows(store, LoggedTable::ONCE.into()).await;
        let keys: BTreeSet<String> = rows.iter().map(|(key, _)| String::from_utf8(key.to_vec()).unwrap()).collect();
        let missing: Vec<_> = self.answered.keys().filter(|request| !keys.contains(&request.key())).copied().collect();
        for request in &missing {
            let (reply, commit) = self.answered.remove(request).unwrap();
            assert!(commit < self.border, "LOST: the key of {request:?} was acknowledged and is gone");
            self.gone.insert(*request, (reply, commit));
        }
        self.forgotten += missing.len() as u64;
        for request in self.gone.keys() {
            assert!(!keys.contains(&request.key()), "the key of {request:?} was forgotten and is known again");
        }
        let left = self.answered.values().any(|(_, commit)| *commit < self.border);
        assert!(!left || self.is_pruning, "a prune that is done leaves nothing behind");
        self.prunes_cut += u64::from(left && !missing.is_empty());
    }

    async fn resolve(&mut self, annals: &Annals, request: Request) {
        let resolved = request.send(annals).await;
        let again = request.send(annals).await;
        assert!(again.receipt.repeated, "{request:?} was resolved");
        assert_eq!(answer(&again), answer(&resolved));
        self.answered.insert(request, answer(&resolved));
        self.resolved += 1;
        self.repeated += u64::from(resolved.receipt.repeated);
    }

    /// Every request took effect once, whole, with the reply of that moment; and nothing else has happened.
    fn look_at_effects(&self, log: &[Record]) {
        let mut totals: HashMap<&str, u64> = HashMap::new();
        let mut effects: BTreeMap<CommitNumber, (Vec<&str>, u64, u64)> = BTreeMap::new();
        for commit in log.chunk_by(|record, next| record.commit() == next.commit()) {
            let mut targets = Vec::new();
            for record in commit {
                let Ok(Decoded::One(Tallied::Counted { by })) = decode_record(record) else { panic!("{record:?}") };
                let target = record.stream().as_str().strip_prefix("tally-").unwrap();
                *totals.entry(target).or_default() += by;
                targets.push(target);
                effects.insert(record.commit(), (targets.clone(), by, totals[targets[0]]));
            }
        }
        for (request, (reply, commit)) in self.answered.iter().chain(&self.gone) {
            let targets = request.targets();
            let found = effects.remove(commit);
            let expected =
                (!targets.is_empty()).then(|| (targets.iter().map(String::as_str).collect(), request.by(), *reply));
            assert_eq!(found, expected, "{request:?} in commit {commit}");
        }
        assert!(effects.is_empty(), "these took effect more than once: {effects:?}");
    }
}
