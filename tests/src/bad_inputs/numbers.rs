//! Numbers and times at their edges (F12, F17).

use std::time::Duration;

use annals_core::{CommitNumber, NUMBER_MAX, Position, SchemaVersion, Timestamp, Version};

use super::{Answer, Input, Row, debug};

const FINE: Answer = Answer::Taken;
const TOO_LARGE: Answer = Answer::Refused("NumberTooLarge");
const NO_TIME: Answer = Answer::Refused("InvalidTimestamp");

fn made<T>(result: Result<T, impl std::fmt::Debug>) -> Input {
    Input::Made(result.map(drop).map_err(debug))
}

/// A claim about plain numbers.
fn holds(claim: bool) -> Input {
    Input::Made(if claim { Ok(()) } else { Err("it does not hold".to_owned()) })
}

pub(super) fn table() -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, name, fits) in [
        (0, "0", true),
        (NUMBER_MAX - 1, "i64::MAX - 1", true),
        (NUMBER_MAX, "i64::MAX", true),
        (NUMBER_MAX + 1, "i64::MAX + 1", false),
        (u64::MAX, "u64::MAX", false),
    ] {
        let answer = || if fits { FINE } else { TOO_LARGE };
        rows.push(Row::new(format!("version {name}"), made(Version::new(number)), answer()));
        rows.push(Row::new(format!("position {name}"), made(Position::new(number)), answer()));
        rows.push(Row::new(format!("commit number {name}"), made(CommitNumber::new(number)), answer()));
    }
    for (name, input, answer) in [
        ("a version behind the last", holds(Version::MAX.checked_add(1).is_none()), FINE),
        ("a version plus u64::MAX", holds(Version::FIRST.checked_add(u64::MAX).is_none()), FINE),
        ("next stays at the last", holds(Position::MAX.next() == Position::MAX), FINE),
        ("previous stays at zero", holds(Position::ZERO.previous() == Position::ZERO), FINE),
        ("schema version 0", made(SchemaVersion::new(0).ok_or("zero")), Answer::Refused("\"zero\"")),
        ("schema version u32::MAX", made(SchemaVersion::new(u32::MAX).ok_or("zero")), FINE),
        ("time i64::MIN", made(Timestamp::from_micros(i64::MIN)), NO_TIME),
        ("time i64::MAX", made(Timestamp::from_micros(i64::MAX)), NO_TIME),
        ("time 0", made(Timestamp::from_micros(0)), FINE),
        ("time -1", made(Timestamp::from_micros(-1)), FINE),
        ("an empty time", made("".parse::<Timestamp>()), NO_TIME),
        ("a time without zone", made("2026-03-01T12:00:00".parse::<Timestamp>()), NO_TIME),
        ("a time of 30 February", made("2026-02-30T12:00:00Z".parse::<Timestamp>()), NO_TIME),
        ("a time of 25 o'clock", made("2026-03-01T25:00:00Z".parse::<Timestamp>()), NO_TIME),
        ("a time with a NUL", made("2026-03-01T12:00:00Z\0".parse::<Timestamp>()), NO_TIME),
        ("a year of five digits", made("12026-03-01T12:00:00Z".parse::<Timestamp>()), NO_TIME),
        ("a time plus for ever", holds(Timestamp::EPOCH.saturating_add(Duration::MAX) >= Timestamp::EPOCH), FINE),
    ] {
        rows.push(Row::new(name, input, answer));
    }
    rows
}
