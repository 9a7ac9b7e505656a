//! Comparing a copy with what the transformation makes of the source now.

use std::fmt;

use annals_core::{
    Commit, CommitNumber, EventQuery, Head, LoggedTable, Position, ReadError, Record, StoredCommit, StreamId,
    Timestamp, Transformation, Transformer, Version,
    judge::{Ledger, Placement},
};
use bytes::Bytes;
use hashbrown::HashMap;

use super::{COMMITS_TOLD, CopyError, CopyProgress, CopyTransform};
use crate::{LogReader, log::disk::Disk, name_key};

/// So many differences are kept; the others are counted.
const DIFFERENCES_KEPT: usize = 10;

/// What a verification has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CopyVerification {
    /// Commits of the copy that were compared.
    pub commits: u64,
    /// Records of the copy that were compared.
    pub records: u64,
    /// How many differences there are.
    pub differing: u64,
    /// The first ten of them, in the order of the log.
    pub differences: Vec<CopyDifference>,
}

impl CopyVerification {
    /// Whether the copy is what the transformation makes of the source.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differing == 0
    }

    fn found(&mut self, at: CommitNumber, what: impl fmt::Display, expected: &dyn fmt::Debug, found: &dyn fmt::Debug) {
        self.differing += 1;
        if self.differences.len() < DIFFERENCES_KEPT {
            let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
            self.differences.push(CopyDifference { commit: at, what: what.to_string(), expected, found });
        }
    }
}

/// Something in which a copy is not what the transformation makes of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyDifference {
    /// The commit of the copy.
    pub commit: CommitNumber,
    /// What of it: `payload of the record at position 7` ...
    pub what: String,
    /// What was expected, for a person.
    pub expected: String,
    /// What is there, for a person.
    pub found: String,
}

impl fmt::Display for CopyDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commit, what, expected, found } = self;
        write!(f, "commit {commit}: {what} is {found}, expected {expected}")
    }
}

/// Where the copy should stand.
struct Expected {
    head: Head,
    recorded: Timestamp,
    versions: HashMap<StreamId, Version>,
}

impl<T: Transformation> CopyTransform<T> {
    /// Reads source and copy again, runs the transformation again, and compares: every record with its payload, type,
    /// version, tags, metadata, id and times, every row, every idempotency key, and the key of unique names.
    ///
    /// The copy must be finished. If the source has been written to since, say up to where it was copied
    /// ([`through`](Self::through)).
    ///
    /// # Errors
    /// [`CopyError`] when there is nothing to compare; differences are no error.
    pub fn verify(&mut self) -> Result<CopyVerification, CopyError> {
        let mut reader = LogReader::open(&self.from).map_err(CopyError::Source)?;
        let mut copy = LogReader::open(&self.to.path).map_err(CopyError::Written)?;
        let of_bytes = reader.bytes_in_all()?;
        let mut transformer = Transformer::new(self.transformation.clone());
        let (mut expected, mut verification) = (Expected::nothing(), CopyVerification::default());
        while reader.head().commit < self.through
            && let Some(stored) = reader.next().transpose()?
        {
            let commit = transformer.commit(&stored)?;
            expected.compare(stored.recorded, &commit, &mut copy, &mut verification)?;
            if let Some(progress) = &mut self.progress
                && stored.number.get().is_multiple_of(COMMITS_TOLD)
            {
                progress(CopyProgress::of(&reader, of_bytes));
            }
        }
        let rest = transformer.end()?;
        expected.compare(expected.recorded, &rest, &mut copy, &mut verification)?;
        for more in copy {
            let more = more?;
            verification.found(more.number, "the commit", &"none", &more);
        }
        self.compare_keys(expected.head.commit, &mut verification)?;
        Ok(verification)
    }

    fn compare_keys(&self, last: CommitNumber, verification: &mut CopyVerification) -> Result<(), CopyError> {
        let disk = Disk::that_only_reads();
        let [expected, found] = [&self.from, &self.to.path].map(|store| name_key::read(&disk, store));
        let (expected, found) = (expected?, found?);
        if expected.is_some() && expected != found {
            let said = found.map_or("missing", |_| "another one");
            verification.found(last, "the key of unique names", &"that of the source", &said);
        }
        Ok(())
    }
}

impl Expected {
    fn nothing() -> Self {
        let head = Head { commit: CommitNumber::ZERO, position: Position::ZERO };
        Self { head, recorded: Timestamp::EPOCH, versions: HashMap::new() }
    }

    /// Compares the next commit of the copy with `commit`, if that writes anything.
    fn compare(
        &mut self,
        recorded: Timestamp,
        commit: &Commit,
        copy: &mut LogReader,
        verification: &mut CopyVerification,
    ) -> Result<(), CopyError> {
        self.recorded = recorded;
        if commit.writes_nothing() {
            return Ok(());
        }
        let expected = self.place(commit)?;
        let Some(found) = copy.next().transpose()? else {
            verification.found(expected.number, "the commit", &expected, &"missing");
            return Ok(());
        };
        verification.commits += 1;
        verification.records += found.records.len() as u64;
        if expected != found {
            differ(&expected, &found, verification);
        }
        Ok(())
    }

    fn place(&mut self, commit: &Commit) -> Result<StoredCommit, CopyError> {
        let placement = Placement::behind(self.head, self.recorded, self.recorded, commit, &mut *self);
        let placement = placement.map_err(|error| ReadError::Index { reason: error.to_string() })?;
        self.head = placement.head();
        let records: Vec<_> = placement.records(commit).collect();
        for record in &records {
            self.versions.insert(record.stream().clone(), record.version());
        }
        let (rows, once) = (commit.rows.clone(), commit.once.clone());
        Ok(StoredCommit { number: placement.commit, recorded: self.recorded, records, rows, once })
    }
}

impl Ledger for Expected {
    fn version(&mut self, stream: &StreamId) -> Result<Version, ReadError> {
        Ok(self.versions.get(stream).copied().unwrap_or_default())
    }

    /// Never asked: nothing is judged here.
    fn row(&mut self, _: &LoggedTable, _: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(None)
    }

    fn find_match(&mut self, _: usize, _: &EventQuery, _: Position) -> Result<Option<Position>, ReadError> {
        Ok(None)
    }
}

fn differ(expected: &StoredCommit, found: &StoredCommit, verification: &mut CopyVerification) {
    let at = expected.number;
    let mut check = |what: &str, expected: &dyn fmt::Debug, found: &dyn fmt::Debug, is_equal: bool| {
        if !is_equal {
            verification.found(at, what, expected, found);
        }
    };
    check("number", &expected.number, &found.number, expected.number == found.number);
    check("recorded time", &expected.recorded, &found.recorded, expected.recorded == found.recorded);
    check("idempotency key", &expected.once, &found.once, expected.once == found.once);
    check("rows", &expected.rows, &found.rows, expected.rows == found.rows);
    let (wanted, there) = (expected.records.len(), found.records.len());
    check("number of events", &wanted, &there, wanted == there);
    for (expected, found) in expected.records.iter().zip(&found.records) {
        differ_in_record(at, expected, found, verification);
    }
}

fn differ_in_record(at: CommitNumber, expected: &Record, found: &Record, verification: &mut CopyVerification) {
    macro_rules! check {
        ($($field:ident $what:literal),+) => {
            $(if expected.$field() != found.$field() {
                let what = format!(concat!($what, " of the record at position {}"), expected.position());
                verification.found(at, what, &expected.$field(), &found.$field());
            })+
        };
    }
    check!(
        position "position", commit "commit", stream "stream", version "version", id "id", event_type "type",
        schema_version "version of the payload", tags "tags", metadata "metadata", recorded "recorded time",
        occurred "occurred time", payload_bytes "payload"
    );
}
