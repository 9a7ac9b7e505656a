//! The text of a golden file.
//!
//! ```text
//! # comments and empty lines do not count
//! aggregate account
//! snapshot version 1
//! shape balance: u64
//!
//! history
//! # Deposited { amount: 100 }
//! v1 81a6616d6f756e7464 account.deposited
//! | Account {
//! |     balance: 100,
//! | }
//! s1 81a762616c616e636564
//! ```
//!
//! An event is its version, its payload in hexadecimal digits and its stored name; the lines behind `|` are the state; the
//! line that begins with `s` is the snapshot of the state in that version.

use std::{
    collections::BTreeMap,
    fmt::{self, Debug},
    io,
};

use crate::{
    Aggregate, Decoded, Event, EventType, SchemaVersion,
    codec::Bytes,
    decode_record,
    testing::{
        given,
        hex::{from_hex, to_hex},
        stored::record_of,
    },
};

/// A golden file that was read.
#[derive(Debug, Default)]
pub(super) struct GoldenFile {
    pub(super) aggregate: String,
    /// `None` when the aggregate kept no snapshots.
    pub(super) meaning: Option<Meaning>,
    pub(super) histories: Vec<History>,
}

/// What decides whether a snapshot that was written is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) version: u32,
    pub(super) shape: String,
}

/// Events as they were stored, and the state that they led to, as `{:#?}` writes it.
#[derive(Debug, Default)]
pub(super) struct History {
    events: Vec<StoredEvent>,
    pub(super) state: String,
    /// The state as snapshots hold it, by version.
    pub(super) snapshots: BTreeMap<u32, Bytes>,
}

#[derive(Debug)]
struct StoredEvent {
    event_type: EventType,
    version: SchemaVersion,
    payload: Bytes,
}

impl Meaning {
    pub(super) fn of<A: Aggregate>() -> Option<Self> {
        // A shape is a line of code; the file has it on one line, too.
        A::snapshots().map(|of| Self { version: of.version, shape: one_line(of.shape) })
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snapshot version {} of `{}`", self.version, self.shape)
    }
}

impl History {
    /// The events, as this code reads them.
    pub(super) fn events<E: Event>(&self) -> Result<Vec<E>, String> {
        let decoded: Result<Vec<_>, String> = self.events.iter().map(StoredEvent::read).collect();
        Ok(decoded?.into_iter().flatten().collect())
    }

    /// What they fold to now.
    pub(super) fn fold<A: Aggregate + Debug>(&self) -> Result<String, String> {
        let mut state = A::default();
        for event in self.events::<A::Event>()? {
            state.evolve(&event);
        }
        Ok(text(&state))
    }
}

impl StoredEvent {
    fn read<E: Event>(&self) -> Result<Decoded<E>, String> {
        let record = record_of(&self.event_type, self.version, &self.payload).map_err(|error| error.to_string())?;
        decode_record(&record)
            .map_err(|error| error.problem)
            .map_err(|problem| format!("an event {} of version {} {problem}", self.event_type, self.version))
    }

    /// Reads `v1 81a6616d6f756e7464 account.deposited`.
    fn parse(line: &str) -> Option<Self> {
        let (version, rest) = line.strip_prefix('v')?.split_once(' ')?;
        let (payload, event_type) = rest.split_once(' ')?;
        let version = SchemaVersion::new(version.parse().ok()?)?;
        Some(Self { event_type: EventType::new(event_type).ok()?, version, payload: from_hex(payload)?.into() })
    }
}

impl GoldenFile {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut file = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            file.take(line).ok_or_else(|| {
                format!("line {number} is not understood: {line:?}. Delete the file and write it anew")
            })?;
        }
        Ok(file)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        if line.is_empty() || line.starts_with('#') {
        } else if let Some(name) = line.strip_prefix("aggregate ") {
            self.aggregate = name.to_owned();
        } else if let Some(version) = line.strip_prefix("snapshot version ") {
            self.meaning = Some(Meaning { version: version.parse().ok()?, shape: String::new() });
        } else if let Some(shape) = line.strip_prefix("shape") {
            self.meaning.as_mut()?.shape = shape.trim_start().to_owned();
        } else if line == "history" {
            self.histories.push(History::default());
        } else if let Some(state) = line.strip_prefix('|') {
            let state_text = &mut self.histories.last_mut()?.state;
            state_text.push_str(state.strip_prefix(' ').unwrap_or(state));
            state_text.push('\n');
        } else if let Some(snapshot) = line.strip_prefix('s') {
            let (version, payload) = snapshot.split_once(' ')?;
            self.histories.last_mut()?.snapshots.insert(version.parse().ok()?, from_hex(payload)?.into());
        } else {
            self.histories.last_mut()?.events.push(StoredEvent::parse(line)?);
        }
        Some(())
    }
}

/// The text of a golden file with `histories` as they are stored and folded now, and with the snapshots that were in the
/// one before as long as there are steps from them.
pub(super) fn text_of<A>(before: &GoldenFile, histories: &[Vec<A::Event>]) -> io::Result<String>
where
    A: Aggregate + Debug,
    A::Event: Debug + PartialEq,
{
    let mut file = "# Stored events and what they fold to. Written by a test; keep it with the code.\n".to_owned();
    file.push_str(&format!("aggregate {}\n", A::NAME));
    if let Some(Meaning { version, shape }) = Meaning::of::<A>() {
        file.push_str(&format!("snapshot version {version}\nshape {shape}\n"));
    }
    for (index, history) in histories.iter().enumerate() {
        file.push_str("\nhistory\n");
        for event in history {
            let (kind, payload) = (event.kind(), event.encode().map_err(io::Error::other)?);
            file.push_str(&format!("# {}\n", one_line(&format!("{event:?}"))));
            file.push_str(&format!("v{} {} {}\n", kind.schema_version(), to_hex(&payload), kind.name));
        }
        let state = given::<A>(history.clone()).state;
        for line in text(&state).lines() {
            file.push_str(format!("| {line}").trim_end());
            file.push('\n');
        }
        let is_same = |before: &&History| before.events::<A::Event>().is_ok_and(|events| events == *history);
        let same = before.histories.get(index).filter(is_same);
        for (version, payload) in snapshots(same, &state)? {
            file.push_str(&format!("s{version} {}\n", to_hex(&payload)));
        }
    }
    Ok(file)
}

/// The state as snapshots of today hold it, and as those hold it that were written before and can still be read.
fn snapshots<A: Aggregate>(before: Option<&History>, state: &A) -> io::Result<BTreeMap<u32, Bytes>> {
    let Some(today) = A::snapshots() else { return Ok(BTreeMap::new()) };
    let mut snapshots = before.map(|before| before.snapshots.clone()).unwrap_or_default();
    snapshots.retain(|version, _| today.past.iter().any(|past| past.version == *version));
    snapshots.insert(today.version, (today.encode)(state).map_err(io::Error::other)?);
    Ok(snapshots)
}

/// A state as the file has it: no spaces at the end of a line, which editors take away.
pub(super) fn text(state: &impl Debug) -> String {
    let mut text = String::new();
    for line in format!("{state:#?}").lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
