//! The fuzz targets for a moment each, without a fuzzer (T9): the corpus as it is and changed, and bytes of a seeded
//! generator. `ANNALS_SOAK_FUZZ_MILLIS` says how long each target runs, `ANNALS_SEED` repeats it.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use annals_conformance::{random::Random, soak};

mod targets;

use targets::{TARGETS, Target};

const LONGEST: u64 = 600;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A few bytes of `bytes` changed, put in or taken out.
fn changed(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(4) {
        let place = random.below(bytes.len() as u64 + 1) as usize;
        match random.below(4) {
            0 => bytes.insert(place, random.next() as u8),
            1 => bytes.truncate(place.max(1)),
            _ if place < bytes.len() => bytes[place] = random.next() as u8,
            _ => bytes.extend_from_slice(&random.next().to_le_bytes()),
        }
    }
    bytes
}

fn next(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    if !random.one_in(3) {
        let kept = &corpus[random.below(corpus.len() as u64) as usize];
        return changed(kept.clone(), random);
    }
    let length = random.below(LONGEST);
    (0..length).map(|_| random.next() as u8).collect()
}

fn run((name, target): Target) {
    let time = Duration::from_millis(soak::size("ANNALS_SOAK_FUZZ_MILLIS", 1_000));
    let seed = soak::seed(name);
    let mut random = Random::new(seed);
    let corpus = corpus(name);
    let mut executions = 0_u64;
    let begun = Instant::now();
    for kept in &corpus {
        attempt(name, target, kept, seed);
    }
    while begun.elapsed() < time {
        attempt(name, target, &next(&corpus, &mut random), seed);
        executions += 1;
    }
    soak::report(&format!("fuzz_executions={}", executions + corpus.len() as u64));
}

/// Runs a target; when it fails, its input is printed as a text that Rust reads.
fn attempt(name: &str, target: fn(&[u8]), bytes: &[u8], seed: u64) {
    let outcome = std::panic::catch_unwind(|| target(bytes));
    assert!(outcome.is_ok(), "{name} fails on b\"{}\"; ANNALS_SEED={seed}", bytes.escape_ascii());
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let target = TARGETS.into_iter().find(|(name, _)| *name == stringify!($name));
                run(target.expect("there is such a target"));
            }
        )*

        #[test]
        fn every_target_is_run() {
            let names = [$(stringify!($name)),*];
            assert_eq!(names.map(Some).to_vec(), TARGETS.map(|(name, _)| Some(name)).to_vec());
        }
    };
}

targets! { payload names rows log operations }
