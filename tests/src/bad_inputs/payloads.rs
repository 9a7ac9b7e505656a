//! Hostile MessagePack as an event's payload, as a snapshot, as a recorded reply (F10, F25): a store carries any
//! bytes, decoding refuses them with the reason, soon and without taking memory for what is only announced.

use std::time::{Duration, Instant};

use annals_core::{
    Annals, DecodeProblem, Decoded, DerivedTable, DerivedWrite, NewEvent, ReadStream, RowBatch, codec,
    codec::DEPTH_MAX, decode_record,
};
use bytes::Bytes;

use super::{Answer, Input, Row, debug};
use crate::{
    fixture::*,
    tally::{Count, Tallied, Tally},
};

/// Decoding is expected to take microseconds; a machine may be busy.
const SOON: Duration = Duration::from_secs(2);

/// Stores `payload` as an event, sees that it comes back byte for byte, and decodes it.
pub(super) async fn decode(store: &Handle, payload: Vec<u8>) -> Result<usize, String> {
    let event =
        NewEvent { event_type: event_type("tally.listed"), payload: payload.clone().into(), ..event("p-1", "x") };
    commit(store, annals_core::Commit::of([event])).await;
    let latest = read_stream(store, ReadStream::all(stream("p-1")).backward().limit(1)).await.remove(0);
    assert_eq!(latest.payload(), payload, "a payload is carried as it is");
    let begun = Instant::now();
    let decoded = decode_record::<Tallied>(&latest);
    assert!(begun.elapsed() < SOON, "decoding took {:?}", begun.elapsed());
    match decoded {
        Ok(Decoded::One(Tallied::Listed { units, .. })) => Ok(units.len()),
        Ok(other) => Err(debug(other)),
        Err(error) => match error.problem {
            DecodeProblem::Payload { problem, .. } => Err(debug(problem)),
            other => Err(debug(other)),
        },
    }
}

/// A map `{"units": .. }` around `units`.
fn listed(units: &[u8]) -> Vec<u8> {
    [b"\x81\xa5units", units].concat()
}

/// A map of an unknown field beside an empty list.
fn beside(unknown: &[u8]) -> Vec<u8> {
    [b"\x82\xa5units\x90\xa1u", unknown].concat()
}

/// `depth` lists in each other.
fn nested(first: u8, depth: usize) -> Vec<u8> {
    [vec![first; depth], vec![0xc0]].concat()
}

const SHAPE: Answer = Answer::Refused("Shape");
const TRUNCATED: Answer = Answer::Refused("Truncated");
const TOO_DEEP: Answer = Answer::Refused("TooDeep");
const TRAILING: Answer = Answer::Refused("TrailingBytes");
const FINE: Answer = Answer::Gives(0);

pub(super) fn table() -> Vec<Row> {
    let mut maps = vec![0x81; 18_000];
    maps.extend([0xc0; 2]);
    let key_nested = [vec![0x81; DEPTH_MAX + 2], vec![0xc0; DEPTH_MAX + 3]].concat();
    let zeros = [&b"\x81\xa5units\xdc\x27\x10"[..], &[0xc0; 10_000]].concat();
    let rows: Vec<(&str, Vec<u8>, Answer)> = vec![
        ("nothing", vec![], TRUNCATED),
        ("an empty map", vec![0x80], SHAPE),
        ("a list instead of a map", vec![0x90], SHAPE),
        ("nil", vec![0xc0], SHAPE),
        ("what it should be", listed(&[0x90]), FINE),
        ("three units", listed(&[0x93, 0xc0, 0xc0, 0xc0]), Answer::Gives(3)),
        ("10,000 units", zeros, Answer::Gives(10_000)),
        ("2^32 - 1 units announced", listed(&[0xdd, 0xff, 0xff, 0xff, 0xff]), TRUNCATED),
        ("2^16 - 1 units announced", listed(&[0xdc, 0xff, 0xff]), TRUNCATED),
        ("a map of 2^32 - 1 announced", vec![0xdf, 0xff, 0xff, 0xff, 0xff], TRUNCATED),
        ("a map of 2^16 - 1 announced", vec![0xde, 0xff, 0xff], TRUNCATED),
        ("a text of 4 GiB announced", beside(&[0xdb, 0xff, 0xff, 0xff, 0xff]), TRUNCATED),
        ("bytes of 4 GiB announced", beside(&[0xc6, 0xff, 0xff, 0xff, 0xff]), TRUNCATED),
        ("an extension of 4 GiB announced", beside(&[0xc9, 0xff, 0xff, 0xff, 0xff, 1]), TRUNCATED),
        ("a text of 64 KiB announced", beside(&[0xda, 0xff, 0xff]), TRUNCATED),
        ("bytes of 255 announced", beside(&[0xc4, 0xff]), TRUNCATED),
        ("a length cut off", beside(&[0xdb, 0xff]), TRUNCATED),
        ("a float cut off", beside(&[0xcb, 0, 0]), TRUNCATED),
        ("a byte behind the end", [listed(&[0x90]), vec![0]].concat(), TRAILING),
        ("a second value behind the end", [listed(&[0x90]), listed(&[0x90])].concat(), TRAILING),
        ("0xc1, which is never used", beside(&[0xc1]), SHAPE),
        ("0xc1 alone", vec![0xc1], SHAPE),
        ("lists 18,000 deep", nested(0x91, 18_000), TOO_DEEP),
        ("maps 18,000 deep", maps, TOO_DEEP),
        ("lists one too deep", beside(&nested(0x91, DEPTH_MAX)), TOO_DEEP),
        ("lists at the deepest", beside(&nested(0x91, DEPTH_MAX - 1)), FINE),
        ("maps as keys, too deep", key_nested, TOO_DEEP),
        ("lists of 2^32 - 1, 3,000 deep", nested(0xdd, 3_000), TOO_DEEP),
        ("a field twice", b"\x82\xa5units\x90\xa5units\x90".to_vec(), SHAPE),
        ("a field under its number, as serde reads it", b"\x81\x00\x90".to_vec(), FINE),
        ("a field under nil", b"\x82\xa5units\x90\xc0\xc0".to_vec(), SHAPE),
        ("an unknown field", beside(&[0x07]), FINE),
        ("an unknown map", beside(&[0x81, 0xc0, 0xc0]), FINE),
        ("an unknown extension", beside(&[0xd4, 0x05, 0x00]), FINE),
        ("an unknown NaN", beside(&[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]), FINE),
        ("an unknown text that is not UTF-8", beside(&[0xa2, 0xff, 0xfe]), FINE),
        ("a label", b"\x82\xa5units\x90\xa5label\xa1l".to_vec(), FINE),
        ("a label that is nil", b"\x82\xa5units\x90\xa5label\xc0".to_vec(), FINE),
        ("a label that is not UTF-8", b"\x82\xa5units\x90\xa5label\xa1\xff".to_vec(), SHAPE),
        ("a label that is a number", b"\x82\xa5units\x90\xa5label\x07".to_vec(), SHAPE),
        ("units that are numbers", listed(&[0x91, 0x07]), SHAPE),
        ("units that are a map", listed(&[0x80]), SHAPE),
        ("an unknown field whose name is not UTF-8", b"\x82\xa5units\x90\xa1\xff\xc0".to_vec(), FINE),
    ];
    let row = |(name, bytes, answer)| Row::new(format!("payload: {name}"), Input::Payload(bytes), answer);
    rows.into_iter().map(row).collect()
}

/// F10, F25: whatever stands in the row of a snapshot, the state is the fold of the events; whatever stands behind a
/// key as its answer, the sender of a repetition is told.
pub async fn hostile_snapshots_change_nothing<H: crate::Harness>() {
    let harness = H::create(crate::Setup::default()).await;
    let store = harness.store();
    let annals = Annals::over(store.clone()).open().await.expect("it opens");
    for by in 1..=9 {
        annals.on::<Tally>("1").send(Count { by }).await.expect("it counts");
    }
    annals.on::<Tally>("1").snapshot().await.expect("a snapshot is taken");
    let place = (DerivedTable::SNAPSHOTS, Bytes::from_static(b"tally-1"));
    let good = row(&store, place.0.clone(), place.1.clone()).await.expect("the snapshot");
    let mut hostile: Vec<Vec<u8>> = (0..good.len()).map(|length| good[..length].to_vec()).collect();
    for index in 0..good.len() {
        let mut flipped = good.to_vec();
        flipped[index] ^= 1 << (index % 8);
        hostile.push(flipped);
    }
    hostile.push([&good[..], &good[..]].concat());
    hostile.push(nested(0x91, 5_000));
    hostile.push(codec::encode("tally", &Tally { total: 7 }).expect("it encodes").to_vec());
    for value in hostile {
        let rows = vec![DerivedWrite { table: place.0.clone(), key: place.1.clone(), value: Some(value.into()) }];
        store.apply(RowBatch { rows, ..RowBatch::default() }).await.expect("the row is written");
        // A handle of its own keeps nothing in memory.
        let annals = Annals::over(store.clone()).open().await.expect("it opens");
        let loaded = annals.on::<Tally>("1").load().await.expect("it loads");
        assert_eq!((loaded.state.total, loaded.version.get()), (45, 9));
    }
}
