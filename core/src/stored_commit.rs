//! A whole commit as it is stored.

use crate::{Commit, CommitNumber, Once, Position, Receipt, Record, RowWrite, Timestamp, Version, judge};

/// A whole commit as a store's log has it: what tools read that look at a log alone, and what is copied into another
/// store.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCommit {
    /// Its number.
    pub number: CommitNumber,
    /// When the store's committer took it; never before the commit of the number before.
    pub recorded: Timestamp,
    /// Its events, in their order: that of their positions.
    pub records: Vec<Record>,
    /// The rows of logged tables that it wrote, in its order. Those that the store adds by itself (`$streams`, and in
    /// `$once` the key) follow from the rest, and are not among them.
    pub rows: Vec<RowWrite>,
    /// Its idempotency key with digest and answer, if it has one.
    pub once: Option<Once>,
}

impl StoredCommit {
    /// The first and the last position that it gave out, if it carries events.
    #[must_use]
    pub fn positions(&self) -> Option<(Position, Position)> {
        Some((self.records.first()?.position(), self.records.last()?.position()))
    }

    /// What its sender was told.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        Receipt {
            commit: self.number,
            positions: self.positions(),
            versions: judge::latest_versions(self.records.iter().map(|record| (record.stream(), record.version()))),
            recorded: self.recorded,
            answer: self.once.as_ref().map(|once| once.answer.clone()).unwrap_or_default(),
            repeated: false,
        }
    }

    /// The rows that the store itself added: new streams, and the key with the receipt.
    #[must_use]
    pub fn system_rows(&self) -> Vec<RowWrite> {
        let begun = self.records.iter().filter(|record| record.version() == Version::FIRST);
        let streams = begun.map(|record| judge::stream_row(record.stream(), record.position()));
        let key = self.once.as_ref().map(|once| judge::once_row(once, self.receipt()));
        streams.chain(key).collect()
    }

    /// The commit with which a store came to hold it, under no conditions. Its positions, versions and numbers are not
    /// part of that: the store that it is given to assigns its own.
    #[must_use]
    pub fn to_commit(&self) -> Commit {
        Commit {
            conditions: Vec::new(),
            events: self.records.iter().map(Record::to_event).collect(),
            rows: self.rows.clone(),
            once: self.once.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Digest, EventType, Head, IdempotencyKey, LoggedTable, NewEvent, StreamId,
        judge::{Ledger, Placement},
    };

    use super::*;

    struct Nothing;

    impl Ledger for Nothing {
        fn version(&mut self, _: &StreamId) -> Result<Version, crate::ReadError> {
            Ok(Version::ZERO)
        }
        fn row(&mut self, _: &LoggedTable, _: &[u8]) -> Result<Option<bytes::Bytes>, crate::ReadError> {
            Ok(None)
        }
        fn find_match(
            &mut self,
            _: usize,
            _: &crate::EventQuery,
            _: Position,
        ) -> Result<Option<Position>, crate::ReadError> {
            Ok(None)
        }
    }

    fn stored(commit: &Commit) -> (Placement, StoredCommit) {
        let head = Head { commit: CommitNumber::from(6), position: Position::from(40) };
        let now = Timestamp::from_micros(9).unwrap();
        let placement = Placement::behind(head, Timestamp::EPOCH, now, commit, &mut Nothing).unwrap();
        let stored = StoredCommit {
            number: placement.commit,
            recorded: placement.recorded,
            records: placement.records(commit).collect(),
            rows: commit.rows.clone(),
            once: commit.once.clone(),
        };
        (placement, stored)
    }

    #[test]
    fn a_stored_commit_tells_what_its_sender_was_told_and_becomes_the_same_again() {
        let event = |stream: &str| NewEvent::new(stream.parse().unwrap(), EventType::new("happened").unwrap(), "it");
        let once = Once {
            key: IdempotencyKey::new("key").unwrap(),
            digest: Digest::from_bytes([3; 16]),
            answer: "answer".into(),
        };
        let row = RowWrite::put(LoggedTable::new("jobs").unwrap(), "a", "b");
        let commit = Commit::of([event("s-1"), event("s-2"), event("s-1")]).row(row).once(once);
        let (placement, first) = stored(&commit);
        assert_eq!(first.receipt(), placement.receipt(&commit));
        assert_eq!((first.system_rows(), first.system_rows().len()), (placement.system_rows(&commit), 3));
        assert_eq!(stored(&first.to_commit()).1, first);
        let (placement, empty) = stored(&Commit::new().row(RowWrite::close(&"s-1".parse().unwrap())));
        assert_eq!((empty.positions(), empty.receipt()), (None, placement.receipt(&empty.to_commit())));
    }
}
