//! Hostile MessagePack costs neither time nor memory (F10). A process of its own: it looks at its own address space.
#![allow(clippy::expect_used, reason = "a test may fail")]

use std::time::{Duration, Instant};

use annals_core::codec::{DEPTH_MAX, PayloadError, decode, decode_variant};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only the decoding matters")]
enum Kinds {
    Listed { units: Vec<()>, texts: Option<Vec<String>>, map: Option<std::collections::BTreeMap<u64, Vec<u8>>> },
}

/// The most address space that this process ever had, in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let field = |name: &str, value: &[u8]| [&[0x81, 0xa0 | name.len() as u8], name.as_bytes(), value].concat();
    let announced = [0xff; 4];
    let mut inputs = vec![
        ("lists 10 million deep", vec![0x91; 10_000_000]),
        ("maps 10 million deep", vec![0x81; 10_000_000]),
        ("lists of 2^32 - 1, 2 million deep", vec![0xdd; 10_000_000]),
    ];
    for (name, first) in [("a list", 0xdd), ("a map", 0xdf), ("a text", 0xdb), ("bytes", 0xc6), ("an extension", 0xc9)]
    {
        for of in ["units", "texts", "map"] {
            inputs.push((name, field(of, &[&[first][..], &announced].concat())));
        }
        inputs.push((name, [&[first][..], &announced].concat()));
        let deep = [vec![0x91; DEPTH_MAX - 1], vec![first], announced.to_vec()].concat();
        inputs.push((name, deep));
    }
    inputs
}

#[test]
fn what_is_only_announced_takes_no_memory() {
    let Some(before) = peak() else {
        eprintln!("SKIPPED: there is no /proc/self/status here");
        return;
    };
    let inputs = inputs();
    let own: usize = inputs.iter().map(|(_, input)| input.capacity()).sum();
    for (name, input) in &inputs {
        let begun = Instant::now();
        let error = decode_variant::<Kinds>(0, input).expect_err("it is hostile");
        assert!(decode::<serde::de::IgnoredAny>(input).is_err());
        // One pass over ten megabytes takes milliseconds; a busy machine takes its time.
        assert!(begun.elapsed() < Duration::from_secs(2), "{name}: {:?}", begun.elapsed());
        assert!(matches!(error, PayloadError::TooDeep | PayloadError::Truncated { .. }), "{name}: {error}");
    }
    let grown = peak().expect("it was there before") - before;
    let allowed = 2 * own as u64 + (64 << 20);
    assert!(grown < allowed, "{grown} bytes of address space for {own} bytes of input");
}
