//! Whether what clients were told can be explained.
//!
//! The state of the store is the number of its latest commit. Each answer was true in a range of states: a stream was
//! at version 3 from one commit to the next one on it. Going through the beginnings and ends of all operations in the
//! order of their time, every operation is given the earliest state that is not before the state of any operation that
//! had ended when it began. If that lies behind its range, no order explains the history.

use std::collections::{BTreeMap, HashMap};

use annals_core::Record;

use super::{Noted, STREAMS, Told, client::name};

/// What clients are told; all of it must be met.
pub(super) const KINDS: [&str; 7] = ["written", "repeated", "refused", "version", "log", "rows", "head"];

pub(super) struct Checker {
    /// Of each stream: the state since which it has at least so many events, from version 1 on.
    versions: [Vec<u64>; STREAMS],
    /// The commit of each position, from 1 on.
    commits: Vec<u64>,
    /// The events of each commit: its name, how many, the first position.
    events: BTreeMap<u64, (String, u64, u64)>,
    /// The commits that wrote the two rows, in order.
    rows: Vec<(u64, String)>,
    /// Versions of the streams before each commit.
    before: HashMap<u64, [u64; STREAMS]>,
}

impl Checker {
    /// Takes the log that is there in the end.
    pub(super) fn new(records: &[Record]) -> Result<Self, String> {
        let mut checker = Self {
            versions: Default::default(),
            commits: Vec::new(),
            events: BTreeMap::new(),
            rows: Vec::new(),
            before: HashMap::new(),
        };
        for record in records {
            checker.take(record)?;
        }
        Ok(checker)
    }

    fn take(&mut self, record: &Record) -> Result<(), String> {
        let (position, commit) = (record.position().get(), record.commit().get());
        let index = (0..STREAMS).find(|index| name(*index) == record.stream().as_str()).ok_or("an unknown stream")?;
        let text = String::from_utf8_lossy(record.payload()).into_owned();
        let versions = self.versions.each_ref().map(|states| states.len() as u64);
        self.before.entry(commit).or_insert(versions);
        let latest = self.commits.last().copied().unwrap_or(0);
        let dense = position == self.commits.len() as u64 + 1 && (commit == latest || commit == latest + 1);
        if !dense || record.version().get() != versions[index] + 1 {
            return Err(format!("the log is not dense at {record:?}"));
        }
        self.commits.push(commit);
        self.versions[index].push(commit);
        let (first_text, count, _) = self.events.entry(commit).or_insert((text.clone(), 0, position));
        *count += 1;
        if *first_text != text {
            return Err(format!("commit {commit} holds events of {first_text} and of {text}"));
        }
        let several = (0..STREAMS).filter(|index| self.versions[*index].last() == Some(&commit)).count() > 1;
        if several && self.rows.last().is_none_or(|(last, _)| *last != commit) {
            self.rows.push((commit, text));
        }
        Ok(())
    }

    /// Finds a state for each; how many operations of each kind there were.
    pub(super) fn explain(&self, noted: Vec<Noted>) -> Result<BTreeMap<&'static str, u64>, String> {
        self.each_once(&noted)?;
        let mut moments: BTreeMap<u64, (bool, usize)> = BTreeMap::new();
        for (index, operation) in noted.iter().enumerate() {
            moments.insert(operation.begin, (true, index));
            moments.insert(operation.end, (false, index));
        }
        let mut reached = BTreeMap::new();
        // The latest state that an operation which has ended was given, and what each that began must not be before.
        let mut latest = 0;
        let mut not_before = vec![0; noted.len()];
        for (begins, index) in moments.into_values() {
            if begins {
                not_before[index] = latest;
                continue;
            }
            let Noted { told, .. } = &noted[index];
            let (kind, lowest, highest) = self.range(told)?;
            let given = lowest.max(not_before[index]);
            let since = not_before[index];
            if given > highest || kind == "written" && since >= lowest {
                return Err(format!("{told:?} was true from state {lowest} to {highest}, but {since} was seen before"));
            }
            latest = latest.max(given);
            *reached.entry(kind).or_insert(0) += 1;
        }
        Ok(reached)
    }

    /// Every commit that was acknowledged is in the log where its receipt says, none that was refused, none twice.
    fn each_once(&self, noted: &[Noted]) -> Result<(), String> {
        let mut written = HashMap::new();
        for Noted { told, .. } in noted {
            if let Told::Written { name, commit, first, events, .. } = told
                && (written.insert(name.clone(), *commit).is_some()
                    || self.events.get(commit) != Some(&(name.clone(), *events, *first)))
            {
                return Err(format!("{told:?}, but the log has {:?}", self.events.get(commit)));
            }
        }
        for (commit, (name, ..)) in &self.events {
            if written.get(name) != Some(commit) {
                return Err(format!("commit {commit} is of {name}, which was not acknowledged as such"));
            }
        }
        let unfounded = |told: &Told| matches!(told, Told::Refused { actual, .. } if actual.is_empty());
        match noted.iter().find(|noted| unfounded(&noted.told)) {
            Some(noted) => Err(format!("{:?} without a reason", noted.told)),
            None => Ok(()),
        }
    }

    /// The kind of an answer, and the lowest and the highest state in which it was true.
    fn range(&self, told: &Told) -> Result<(&'static str, u64, u64), String> {
        let lie = || Err(format!("{told:?} was never true"));
        Ok(match told {
            Told::Written { commit, expected, .. } => {
                let before = self.before.get(commit).copied().unwrap_or_default();
                if expected.iter().any(|(stream, version)| before[*stream] != *version) {
                    return Err(format!("{told:?}, but the streams were at {before:?}"));
                }
                ("written", *commit, *commit)
            }
            Told::Repeated { commit } if self.events.contains_key(commit) => ("repeated", *commit, u64::MAX),
            Told::Repeated { .. } => return lie(),
            Told::Refused { actual, .. } => {
                let ranges = actual.iter().map(|(stream, version)| self.at_version(*stream, *version));
                let both = ranges.fold((0, u64::MAX), |(low, high), (from, to)| (low.max(from), high.min(to)));
                if both.0 > both.1 {
                    return lie();
                }
                ("refused", both.0, both.1)
            }
            Told::Version { stream, version } => {
                let (from, to) = self.at_version(*stream, *version);
                ("version", from, to)
            }
            Told::Log { after, last } if last >= after => match self.behind(*last) {
                Some((from, to)) => ("log", from, to),
                None => return lie(),
            },
            Told::Log { .. } => return lie(),
            Told::Rows { first, second } if first == second => match self.with_row(first.as_deref()) {
                Some((from, to)) => ("rows", from, to),
                None => return lie(),
            },
            Told::Rows { .. } => return lie(),
            Told::Head { commit, position } if self.behind(*position) == Some((*commit, *commit)) => {
                ("head", *commit, *commit)
            }
            Told::Head { .. } => return lie(),
        })
    }

    /// The states in which a stream was at `version`.
    fn at_version(&self, stream: usize, version: u64) -> (u64, u64) {
        let states = &self.versions[stream];
        let at = |version: u64| version.checked_sub(1).and_then(|index| states.get(index as usize)).copied();
        let from = if version == 0 { 0 } else { at(version).unwrap_or(u64::MAX) };
        (from, at(version + 1).map_or(u64::MAX, |next| next - 1))
    }

    /// The state in which the log ended with `position`; `None` in the middle of a commit. Every commit has events.
    fn behind(&self, position: u64) -> Option<(u64, u64)> {
        let Some(index) = position.checked_sub(1) else { return Some((0, 0)) };
        let commit = *self.commits.get(index as usize)?;
        let next = self.commits.get(position as usize);
        (next != Some(&commit)).then_some((commit, commit))
    }

    fn with_row(&self, value: Option<&str>) -> Option<(u64, u64)> {
        let Some(value) = value else { return Some((0, self.rows.first().map_or(u64::MAX, |(commit, _)| commit - 1))) };
        let index = self.rows.iter().position(|(_, text)| text == value)?;
        let to = self.rows.get(index + 1).map_or(u64::MAX, |(commit, _)| commit - 1);
        Some((self.rows[index].0, to))
    }
}
