//! What the registry of a store lets in can be read by what it lets in later.

use proptest::prelude::*;
use rmpv::Value;

use super::{change::changed, decoder::decodes, random::Random, schema, value::value};
use crate::{
    Commit, CommitError, EventKind, EventType, MemoryStore, NewEvent, ReadLog, Record, Store, StreamId,
    schemas::Registry,
    shape::{Mode, Schema},
};
use futures::TryStreamExt;

const SHAPES: [&str; 3] = [
    "{ a: i32, b: text?, c: [A], d: enum { A, B: i32, C: { n: u8 } }, g?: u8 = default } A = { n: i32, m: union(i32, text) }",
    "{ a: u8, e: map(text, u8), f: (i64, char), h: A } A = { n: uuid, m: bytes(4), l: A? }",
    "enum(kind) { A: { a: i8, b?: f32? }, B, C: { c: [bool; 2] } }",
];

/// The same event in two versions, and under another name.
const KINDS: [EventKind; 4] = [
    EventKind::new("Moved", "thing.moved", 1),
    EventKind::new("Moved", "thing.moved", 2),
    EventKind::new("Shifted", "thing.shifted", 1).formerly(&["thing.moved"]),
    EventKind::new("Shifted", "thing.shifted", 2).formerly(&["thing.moved"]),
];

/// All but [`Mode::None`], which asks for nothing.
const MODES: [Mode; 6] = [
    Mode::Backward,
    Mode::BackwardTransitive,
    Mode::Forward,
    Mode::ForwardTransitive,
    Mode::Full,
    Mode::FullTransitive,
];

/// A program that stores one event, from when it was started on.
struct Program {
    kind: &'static EventKind,
    mode: Mode,
    schema: Schema,
    registry: Registry,
}

/// What became of events.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    /// The first ones of their form.
    let_in: u32,
    others: u32,
    refused: u32,
    /// Another program was faster, and the registry was read again.
    overtaken: u32,
}

impl Program {
    async fn start(store: &MemoryStore, kind: &'static EventKind, mode: Mode, schema: Schema) -> Self {
        let registry = Registry::of(mode, [(kind, schema.clone())]);
        registry.read(store).await.unwrap();
        Self { kind, mode, schema, registry }
    }

    /// Stores `value`. Whether it was the first one of its form; `None` when it was refused.
    async fn store(&self, store: &MemoryStore, value: &Value, counts: &mut Counts) -> Option<bool> {
        let mut payload = Vec::new();
        rmpv::encode::write_value(&mut payload, value).unwrap();
        loop {
            let (stream, event_type) = (StreamId::new("thing", "a").unwrap(), EventType::new(self.kind.name).unwrap());
            let event = NewEvent::new(stream, event_type, payload.clone());
            let mut commit = Commit::of([NewEvent { schema_version: self.kind.schema_version(), ..event }]);
            let Ok(new) = self.registry.register(&mut commit) else {
                counts.refused += 1;
                return None;
            };
            match store.commit(commit).await {
                Ok(_) => {
                    self.registry.note(&new);
                    return Some(!new.is_empty());
                }
                Err(CommitError::Conflict { failures }) => {
                    assert!(self.registry.catch_up(store, &failures).await.unwrap());
                    counts.overtaken += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Programs that store events into one store, begun one after the other, some of them still running while later ones do.
async fn lives(seed: u64) -> Counts {
    let (random, store) = (&mut Random::new(seed), MemoryStore::new());
    let mut counts = Counts::default();
    let mut programs: Vec<Program> = Vec::new();
    // The shapes that were let in, by version, the latest last.
    let mut let_in: Vec<(u32, Schema)> = Vec::new();
    for step in 0..24 {
        if step == 12 {
            // The event gets its other name, and the programs that do not know it end.
            programs.clear();
        }
        let kind = &KINDS[step / 12 * 2 + random.below(2)];
        let schema = match let_in.len() {
            0 => schema(random.pick::<&str>(&SHAPES)),
            count => {
                let at = if random.one_in(6) { random.below(count) } else { count - 1 };
                changed(&let_in[at].1, random, step % 3)
            }
        };
        programs.push(Program::start(&store, kind, *random.pick(&MODES), schema).await);
        let program = &programs[programs.len() - 1 - random.below(programs.len().min(4))];
        let Some(value) = value(&program.schema, &programs[0].schema, random) else { continue };
        if !decodes(&program.schema, &value) {
            continue;
        }
        match program.store(&store, &value, &mut counts).await {
            Some(true) => {
                check_forward(program, &value, &let_in, seed);
                let_in.push((program.kind.version, program.schema.clone()));
                counts.let_in += 1;
            }
            Some(false) => counts.others += 1,
            None => {}
        }
        check_backward(&store, &let_in, seed).await;
    }
    counts
}

/// What is held under a version is read by the latest shape of that version.
async fn check_backward(store: &MemoryStore, let_in: &[(u32, Schema)], seed: u64) {
    let records: Vec<Record> = store.read_log(ReadLog::all()).try_collect().await.unwrap();
    for record in records {
        let version = record.schema_version().get();
        let (_, latest) = let_in.iter().rfind(|(of, _)| *of == version).unwrap();
        let value = rmpv::decode::read_value(&mut record.payload()).unwrap();
        assert!(decodes(latest, &value), "seed {seed}: {latest}\ndoes not read {value}\nof version {version}");
    }
}

/// Where the mode looks forward, what is new is read by the latest shape before, or by all of them.
fn check_forward(program: &Program, value: &Value, let_in: &[(u32, Schema)], seed: u64) {
    if !matches!(program.mode, Mode::Forward | Mode::ForwardTransitive | Mode::Full | Mode::FullTransitive) {
        return;
    }
    let mut older: Vec<_> = let_in.iter().filter(|(version, _)| *version <= program.kind.version).collect();
    older.sort_by_key(|(version, _)| *version);
    for (version, schema) in older.into_iter().rev().take(if program.mode.is_transitive() { usize::MAX } else { 1 }) {
        let new = &program.schema;
        assert!(decodes(schema, value), "seed {seed}: version {version} {schema}\ndoes not read {value}\nof {new}");
    }
}

fn run(seed: u64) -> Counts {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(lives(seed))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_store_holds_is_read_by_the_latest_shape_that_it_let_in(seed in any::<u64>()) {
        run(seed);
    }
}

/// The property says something.
#[test]
fn programs_are_let_in_refused_and_overtaken() {
    let counts: Vec<_> = (0..40).map(run).collect();
    let sum = |count: fn(&Counts) -> u32| counts.iter().map(count).sum::<u32>();
    let sums = [sum(|of| of.let_in), sum(|of| of.others), sum(|of| of.refused), sum(|of| of.overtaken)];
    assert!(sums[0] > 150 && sums[1] > 100 && sums[2] > 200 && sums[3] > 5, "{sums:?}");
}
