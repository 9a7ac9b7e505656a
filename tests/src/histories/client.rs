//! What a client does, and what it notes.

use std::sync::Arc;

use annals_core::{
    Commit, CommitError, Condition, Expected, Failure, NewEvent, ReadLog, ReadStream, Receipt, RowWrite,
};
use futures::TryStreamExt;

use super::{Noted, STREAMS, Time, Told};
use crate::{fixture::*, random::Random};

/// The name of the `index`th stream.
pub(super) fn name(index: usize) -> String {
    format!("s-{index}")
}

fn index_of(id: &annals_core::StreamId) -> usize {
    id.key().parse().expect("a stream of the clients")
}

pub(super) struct Client {
    number: u64,
    store: Handle,
    time: Arc<Time>,
    random: Random,
    /// The version of each stream that this client knows of.
    known: [u64; STREAMS],
    /// Up to where it has read the log.
    cursor: u64,
    latest: Option<Commit>,
}

impl Client {
    pub(super) fn new(number: u64, store: Handle, time: Arc<Time>, random: Random) -> Self {
        Self { number, store, time, random, known: [0; STREAMS], cursor: 0, latest: None }
    }

    /// Does `count` things.
    ///
    /// # Errors
    /// What can never be right, whatever others do.
    pub(super) async fn run(mut self, count: u64) -> Result<Vec<Noted>, String> {
        let mut noted = Vec::new();
        for number in 0..count {
            let begin = self.time.tick();
            let told = match self.random.below(20) {
                0..=8 => self.append(number).await?,
                9 => self.again().await?,
                10..=12 => self.version().await?,
                13..=15 => self.read_on().await?,
                16..=17 => self.rows().await?,
                _ => {
                    let head = head(&self.store);
                    Told::Head { commit: head.commit.get(), position: head.position.get() }
                }
            };
            noted.push(Noted { begin, end: self.time.tick(), told });
        }
        Ok(noted)
    }

    async fn append(&mut self, number: u64) -> Result<Told, String> {
        let name = format!("{}/{number}", self.number);
        let first = self.random.below(STREAMS as u64) as usize;
        let mut streams = vec![first];
        if self.random.one_in(3) {
            streams.push((first + 1) % STREAMS);
        }
        let mut commit = Commit::new();
        let mut expected = Vec::new();
        for stream in &streams {
            for _ in 0..=self.random.below(2) {
                let payload = name.clone().into_bytes();
                commit.events.push(NewEvent { payload: payload.into(), ..event(&super::client::name(*stream), "x") });
            }
            if !self.random.one_in(3) {
                expected.push((*stream, self.known[*stream]));
            }
        }
        for (stream, version) in &expected {
            commit
                .conditions
                .push(Condition::stream(crate::fixture::stream(&super::client::name(*stream)), at(*version)));
        }
        if streams.len() > 1 {
            let row = |key: &'static str| RowWrite::put(table("names"), key, name.clone());
            commit.rows.extend([row("first"), row("second")]);
        }
        if self.random.one_in(4) {
            commit.once = Some(once(&name, "request", ""));
        }
        self.latest = commit.once.is_some().then(|| commit.clone()).or(self.latest.take());
        match self.store.commit(commit.clone()).await {
            Ok(receipt) => self.written(name, &commit, &receipt, expected),
            Err(CommitError::Conflict { failures }) => Ok(Told::Refused { actual: self.refused(failures)? }),
            Err(other) => Err(format!("{commit:?}: {other:?}")),
        }
    }

    fn written(
        &mut self,
        name: String,
        commit: &Commit,
        receipt: &Receipt,
        expected: Vec<(usize, u64)>,
    ) -> Result<Told, String> {
        for (stream, version) in &receipt.versions {
            self.known[index_of(stream)] = version.get();
        }
        let (first, last) = receipt.positions.ok_or("a receipt without positions")?;
        let events = commit.events.len() as u64;
        if receipt.repeated || last.get() - first.get() + 1 != events {
            return Err(format!("{commit:?}: {receipt:?}"));
        }
        Ok(Told::Written { name, commit: receipt.commit.get(), first: first.get(), events, expected })
    }

    fn refused(&mut self, failures: Vec<Failure>) -> Result<Vec<(usize, u64)>, String> {
        let mut actual = Vec::new();
        for failure in failures {
            let Failure::Stream { stream, expected: Expected::At(_), actual: found } = failure else {
                return Err(format!("{failure:?} was never asked for"));
            };
            self.known[index_of(&stream)] = found.get();
            actual.push((index_of(&stream), found.get()));
        }
        Ok(actual)
    }

    /// Sends the latest keyed commit again: it has effect once. If it was refused before, it may be written now.
    async fn again(&mut self) -> Result<Told, String> {
        let Some(commit) = self.latest.take() else { return self.version().await };
        let name = commit.once.as_ref().map(|once| once.key.as_str().to_owned()).unwrap_or_default();
        let expected = commit.conditions.iter().filter_map(|condition| match condition {
            Condition::Stream { stream, expected: Expected::At(version) } => Some((index_of(stream), version.get())),
            _ => None,
        });
        let expected: Vec<_> = expected.collect();
        match self.store.commit(commit.clone()).await {
            Ok(receipt) if receipt.repeated => Ok(Told::Repeated { commit: receipt.commit.get() }),
            Ok(receipt) => self.written(name, &commit, &receipt, expected),
            Err(CommitError::Conflict { failures }) => Ok(Told::Refused { actual: self.refused(failures)? }),
            Err(other) => Err(format!("{commit:?}: {other:?}")),
        }
    }

    async fn version(&mut self) -> Result<Told, String> {
        let index = self.random.below(STREAMS as u64) as usize;
        let read = ReadStream::all(stream(&name(index)));
        let (read, whole) = if self.random.one_in(2) { (read, true) } else { (read.backward().limit(3), false) };
        let found: Vec<_> = self.store.read_stream(read).try_collect().await.map_err(|error| error.to_string())?;
        let mut versions: Vec<_> = found.iter().map(|record| record.version().get()).collect();
        if !whole {
            versions.reverse();
        }
        let version = versions.last().copied().unwrap_or(0);
        let first = if whole { 1 } else { version.saturating_sub(2).max(1) };
        if !versions.iter().copied().eq(first..=version) {
            return Err(format!("stream {} reads as versions {versions:?}", name(index)));
        }
        self.known[index] = version;
        Ok(Told::Version { stream: index, version })
    }

    /// Reads the log from where it was left: every position, none skipped.
    async fn read_on(&mut self) -> Result<Told, String> {
        let after = self.cursor;
        let read = ReadLog::all().after(position(after));
        let found: Vec<_> = self.store.read_log(read).try_collect().await.map_err(|error| error.to_string())?;
        for record in found {
            if record.position().get() != self.cursor + 1 {
                return Err(format!("behind position {} the log goes on with {}", self.cursor, record.position()));
            }
            self.cursor += 1;
        }
        Ok(Told::Log { after, last: self.cursor })
    }

    async fn rows(&mut self) -> Result<Told, String> {
        let keys = ["first", "second"].map(|key| (table("names").into(), key.into()));
        let found = self.store.get(&keys).await.map_err(|error| error.to_string())?;
        let mut found = found.into_iter().map(|row| row.map(|row| String::from_utf8_lossy(&row).into_owned()));
        Ok(Told::Rows { first: found.next().flatten(), second: found.next().flatten() })
    }
}
