//! A mix of everything that a store is asked to do, the same for the same seed, and what must be there afterwards.

use std::collections::BTreeMap;

use annals_core::{
    ApplyError, Commit, CommitError, DerivedTable, DerivedWrite, Digest, EventQuery, Generation, IdempotencyKey,
    LoggedTable, Once, QueryItem, ReadError, ReadLog, ReadStream, Record, RowBatch, RowWrite, Scan, Store, Table, Tag,
};
use annals_store_sled::{OpenError, SledOptions, SledStore};
use bytes::Bytes;
use futures::{TryStreamExt, future::join_all};

use super::event;

/// Numbers that look random, the same for the same seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn one_in(&mut self, odds: u64) -> bool {
        self.below(odds) == 0
    }
}

/// So many sessions from an opening to a close, with so many steps each.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    pub seed: u64,
    pub sessions: u32,
    pub steps: u32,
    /// A commit has fewer events.
    pub events: u64,
    /// Payloads are shorter.
    pub payload_bytes: u64,
    /// Rows are shorter, those of numbers padded; 0 leaves them as they are.
    pub row_bytes: u64,
}

impl Workload {
    /// One whose commits have a few events and small rows.
    pub const SMALL: Self = Self { seed: 0, sessions: 1, steps: 1, events: 5, payload_bytes: 900, row_bytes: 0 };
}

/// What a workload tells while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Told {
    /// This commit was acknowledged, just now.
    Acknowledged(u32),
    /// A session has ended, and the store is closed.
    Closed,
}

/// What became of a commit, as its caller was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Acknowledged,
    Unknown,
    Refused,
}

/// What was asked of a store, and what it said.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Each commit in the order in which they were sent.
    pub commits: Vec<(u32, Fate)>,
    /// The batches of derived rows: the last that was tried, and the last that was acknowledged, in which generation.
    pub tried: u64,
    pub applied: Option<(Generation, u64)>,
    /// What failed, in words.
    pub errors: Vec<String>,
}

fn table(name: &str) -> LoggedTable {
    LoggedTable::new(name).unwrap()
}

fn counts() -> DerivedTable {
    DerivedTable::new("counts").unwrap()
}

pub async fn generation(store: &SledStore) -> Result<Generation, ReadError> {
    let row = store.get(&[(DerivedTable::GENERATION.into(), Bytes::new())]).await?.remove(0);
    Ok(row.as_deref().and_then(Generation::from_row).expect("there is always a generation"))
}

impl Workload {
    /// The commit `index`: some events over up to three streams, rows, sometimes a key.
    pub fn commit(&self, index: u32) -> Commit {
        let mut random = Random(self.seed ^ (u64::from(index) << 32));
        let count = random.below(self.events);
        let mut commit = Commit::of((0..count).map(|ordinal| {
            let mut event = event(&format!("s-{}", random.below(3)), &(index % 4).to_string());
            let padding = "x".repeat(random.below(self.payload_bytes) as usize);
            event.payload = format!("{index}/{ordinal}/{count}/{padding}").into();
            event
        }));
        commit = commit.row(RowWrite::put(table("commits"), index.to_be_bytes().to_vec(), self.row(count, index)));
        if random.one_in(3) {
            commit = commit.row(RowWrite::put(table("latest"), "latest", self.row(index, index + 1)));
        }
        if random.one_in(5) {
            commit = commit.row(RowWrite::delete(table("latest"), "latest"));
        }
        if let Some(once) = self.once(index) {
            commit = commit.once(once);
        }
        commit
    }

    /// A number as a row, with as many zeros before it as `which` says.
    fn row(&self, number: impl std::fmt::Display, which: u32) -> String {
        let width = match self.row_bytes {
            0 => 0,
            bytes => Random(self.seed ^ u64::from(which)).below(bytes) as usize,
        };
        format!("{number:0>width$}")
    }

    fn once(&self, index: u32) -> Option<Once> {
        let key = IdempotencyKey::new(format!("request-{index}")).unwrap();
        let answer = Bytes::from(index.to_string());
        (index % 4 == 1).then(|| Once { key, digest: Digest::of(&[&index.to_be_bytes()]), answer })
    }

    /// Does everything, until a session cannot be begun or what was said no longer allows to go on. `told` hears of
    /// what happens at once.
    pub async fn run(&self, options: &SledOptions, told: impl Fn(Told)) -> Outcome {
        let mut outcome = Outcome::default();
        let mut random = Random(self.seed);
        for _ in 0..self.sessions {
            let store = match SledStore::open(options.clone()) {
                Ok(store) => store,
                Err(error) => {
                    outcome.errors.push(typed_open(&error));
                    return outcome;
                }
            };
            for _ in 0..self.steps {
                self.burst(&store, 1 + random.below(4) as u32, &mut outcome, &told).await;
                self.apply(&store, &mut outcome).await;
                self.read(&store, &mut outcome).await;
            }
            check_readable(&store, self, &mut outcome).await;
            store.shut_down().await;
            drop(store);
            told(Told::Closed);
            // Which of these commits are there is for the next opening to say.
            if outcome.commits.iter().any(|(_, fate)| *fate == Fate::Unknown) {
                return outcome;
            }
        }
        outcome
    }

    /// Sends so many commits at once.
    async fn burst(&self, store: &SledStore, count: u32, outcome: &mut Outcome, told: &impl Fn(Told)) {
        let next = outcome.commits.len() as u32;
        let answers = (next..next + count).map(|index| {
            let commit = self.commit(index);
            async move { (index, store.commit(commit).await) }
        });
        for (index, answer) in join_all(answers).await {
            let fate = match answer {
                Ok(receipt) => {
                    assert!(!receipt.repeated);
                    told(Told::Acknowledged(index));
                    Fate::Acknowledged
                }
                Err(error) => {
                    outcome.errors.push(error.to_string());
                    match error {
                        CommitError::OutcomeUnknown { .. } => Fate::Unknown,
                        CommitError::ReadOnly { .. } | CommitError::Unreadable(_) => Fate::Refused,
                        other => panic!("{other:?}"),
                    }
                }
            };
            outcome.commits.push((index, fate));
        }
    }

    /// Two derived rows that always say the same.
    async fn apply(&self, store: &SledStore, outcome: &mut Outcome) {
        let generation = match generation(store).await {
            Ok(generation) => generation,
            Err(error) => return outcome.errors.push(error.to_string()),
        };
        outcome.tried += 1;
        let value = Bytes::from(self.row(outcome.tried, outcome.tried as u32));
        let rows = ["a", "b"].map(|key| DerivedWrite { table: counts(), key: key.into(), value: Some(value.clone()) });
        let batch = RowBatch { generation: Some(generation), rows: rows.into(), ..RowBatch::default() };
        match store.apply(batch).await {
            Ok(()) => outcome.applied = Some((generation, outcome.tried)),
            Err(error @ ApplyError::Unavailable(_)) => outcome.errors.push(error.to_string()),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// A bit of each kind of read.
    async fn read(&self, store: &SledStore, outcome: &mut Outcome) {
        let stream = ReadStream::all("s-1".parse().unwrap()).limit(2);
        let read = async {
            store.read_stream(stream).try_collect::<Vec<_>>().await?;
            store.read_log(ReadLog::all().limit(2)).try_collect::<Vec<_>>().await?;
            store.read_log(tagged(1).limit(2)).try_collect::<Vec<_>>().await?;
            store.get(&[(table("latest").into(), "latest".into())]).await?;
            store.scan(Scan::all(table("commits")).limit(2)).await.map(drop)
        };
        if let Err(error) = read.await {
            outcome.errors.push(typed_read(error));
        }
    }

    /// The commits that the store has, checked for being whole.
    pub fn commits_of(&self, state: &State) -> Vec<u32> {
        let found: Vec<u32> =
            state.rows_of("commits").map(|(key, _)| u32::from_be_bytes(key[..].try_into().unwrap())).collect();
        let expected = found.iter().flat_map(|index| self.commit(*index).events).map(|event| event.payload);
        let payloads: Vec<_> = state.log.iter().map(|record| record.payload_bytes()).collect();
        assert!(expected.eq(payloads), "commits are whole and in order: {found:?}");
        let mut latest = None;
        for row in found.iter().flat_map(|index| self.commit(*index).rows).filter(|row| row.table == table("latest")) {
            latest = row.value;
        }
        assert_eq!(state.rows_of("latest").map(|(_, value)| value.clone()).next(), latest, "rows are the latest");
        found
    }

    /// A commit with a key that is there is recognised, any other is not.
    pub async fn check_keys(&self, store: &SledStore, found: &[u32]) {
        for index in found.iter().copied().filter(|index| self.once(*index).is_some()).take(3) {
            let again = store.commit(self.commit(index)).await.unwrap();
            assert!(again.repeated && again.answer == index.to_string(), "commit {index} is recognised");
        }
    }
}

impl Outcome {
    pub fn acknowledged(&self) -> impl Iterator<Item = u32> {
        self.commits.iter().filter(|(_, fate)| *fate == Fate::Acknowledged).map(|(index, _)| *index)
    }

    /// `found` is a beginning of what was sent and not refused, with everything in it that was acknowledged.
    pub fn check(&self, found: &[u32]) {
        let mut sent = self.commits.iter().filter(|(_, fate)| *fate != Fate::Refused).map(|(index, _)| *index);
        assert!(found.iter().all(|index| sent.next() == Some(*index)), "{found:?} is no prefix of {:?}", self.commits);
        for index in self.acknowledged() {
            assert!(found.contains(&index), "commit {index} was acknowledged and is lost: {found:?}");
        }
    }
}

fn tagged(number: u32) -> ReadLog {
    let tag = Tag::of("about", number).unwrap();
    ReadLog::of(EventQuery::new([QueryItem::new().tag(tag)]))
}

fn typed_open(error: &OpenError) -> String {
    assert!(matches!(error, OpenError::Io { .. } | OpenError::Unreadable(_)), "{error:?}");
    error.to_string()
}

fn typed_read(error: ReadError) -> String {
    assert!(matches!(error, ReadError::Io { .. } | ReadError::Index { .. }), "{error:?}");
    error.to_string()
}

/// Whatever has failed so far, reads go on and see exactly what was acknowledged. One that fails may be tried again.
async fn check_readable(store: &SledStore, workload: &Workload, outcome: &mut Outcome) {
    let state = match State::of(store).await {
        Ok(state) => state,
        Err(error) => {
            outcome.errors.push(typed_read(error));
            State::of(store).await.unwrap()
        }
    };
    assert_eq!(workload.commits_of(&state), outcome.acknowledged().collect::<Vec<_>>());
}

type Rows = Vec<(Bytes, Bytes)>;

/// All that a store says of its contents.
#[derive(Debug, PartialEq)]
pub struct State {
    pub log: Vec<Record>,
    streams: BTreeMap<String, Vec<Record>>,
    tags: Vec<Vec<Record>>,
    rows: BTreeMap<String, Rows>,
}

impl State {
    pub async fn of(store: &SledStore) -> Result<Self, ReadError> {
        let log: Vec<Record> = store.read_log(ReadLog::all()).try_collect().await?;
        let mut state = Self { log, streams: BTreeMap::new(), tags: Vec::new(), rows: BTreeMap::new() };
        for number in 0..3 {
            let id = format!("s-{number}");
            let records: Vec<_> = store.read_stream(ReadStream::all(id.parse().unwrap())).try_collect().await?;
            let expected = state.log.iter().filter(|record| record.stream().as_str() == id);
            assert!(expected.eq(&records), "stream {id}");
            state.streams.insert(id, records);
        }
        for number in 0..4 {
            let records: Vec<_> = store.read_log(tagged(number)).try_collect().await?;
            let tag = Tag::of("about", number).unwrap();
            assert!(state.log.iter().filter(|record| record.tags().contains(&tag)).eq(&records), "tag {number}");
            state.tags.push(records);
        }
        for table in [table("commits"), table("latest"), LoggedTable::STREAMS, LoggedTable::ONCE] {
            state.rows.insert(table.name().to_owned(), all_rows(store, table.into()).await?);
        }
        Ok(state)
    }

    fn rows_of(&self, table: &str) -> impl Iterator<Item = &(Bytes, Bytes)> {
        self.rows[table].iter()
    }
}

async fn all_rows(store: &SledStore, table: Table) -> Result<Rows, ReadError> {
    let mut rows = Vec::new();
    let mut next = Some(Scan::all(table));
    while let Some(scan) = next {
        let page = store.scan(scan).await?;
        rows.extend(page.rows);
        next = page.next;
    }
    Ok(rows)
}

/// Both derived rows of a batch, or neither; what the first of them says.
pub async fn derived(store: &SledStore) -> Option<u64> {
    let keys = ["a", "b"].map(|key| (counts().into(), Bytes::from(key)));
    let rows = store.get(&keys).await.unwrap();
    assert_eq!(rows[0], rows[1], "a batch is applied as a whole");
    rows[0].as_ref().map(|row| std::str::from_utf8(row).unwrap().parse().unwrap())
}
