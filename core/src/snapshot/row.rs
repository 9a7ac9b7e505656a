//! The bytes of a snapshot: version of the state (4, big endian), fingerprint (16), version of the stream (8, big endian),
//! checksum (16), state.

use bytes::Bytes;

use crate::{
    Aggregate, DerivedTable, DerivedWrite, Digest, RowBatch, Snapshots, StreamId, Table, Tenant, Version,
    codec::EncodeError, load::catch,
};

/// The row of one stream's snapshot.
pub(crate) struct SnapshotRow<'a> {
    stream: &'a StreamId,
}

/// What a snapshot holds.
pub(crate) struct Kept<A> {
    pub(crate) state: A,
    /// The version of the stream.
    pub(crate) version: Version,
    /// Whether it was written in the state's version of today.
    pub(crate) is_current: bool,
}

impl<'a> SnapshotRow<'a> {
    pub(crate) const fn of(stream: &'a StreamId) -> Self {
        Self { stream }
    }

    /// Where the row is.
    pub(crate) fn place(stream: &StreamId) -> (DerivedTable, Bytes) {
        // A stream's tenant was checked when the id was made.
        let tenant = stream.tenant().and_then(|tenant| Tenant::new(tenant).ok());
        (DerivedTable::SNAPSHOTS.in_tenant(tenant), Bytes::copy_from_slice(stream.within_tenant().as_bytes()))
    }

    /// The same, to read it.
    pub(crate) fn key(stream: &StreamId) -> (Table, Bytes) {
        let (table, key) = Self::place(stream);
        (table.into(), key)
    }

    /// The batch that writes the snapshot of `state` at `version`.
    pub(crate) fn write<A: Aggregate>(
        &self,
        snapshots: &Snapshots<A>,
        state: &A,
        version: Version,
    ) -> Result<RowBatch, EncodeError> {
        let fail = |reason| EncodeError { what: "snapshot", reason };
        let state =
            catch(|| (snapshots.encode)(state)).map_err(|message| fail(format!("it panicked: {message}")))??;
        let meaning = snapshots.version.to_be_bytes();
        let fingerprint = fingerprint::<A>(&meaning, snapshots.shape);
        let version = version.get().to_be_bytes();
        let checksum = self.checksum(&fingerprint, &version, &state);
        let parts: [&[u8]; 5] = [&meaning, fingerprint.as_bytes(), &version, checksum.as_bytes(), &state];
        let (table, key) = Self::place(self.stream);
        let rows = vec![DerivedWrite { table, key, value: Some(parts.concat().into()) }];
        Ok(RowBatch { rows, ..RowBatch::default() })
    }

    /// What is in `row`. `None` when it is damaged or of a version of the code that is not read, which is seen
    /// before the state is decoded, or when decoding or a step from an older version fails.
    pub(crate) fn read<A: Aggregate>(&self, snapshots: &Snapshots<A>, row: &[u8]) -> Option<Kept<A>> {
        let (meaning, rest) = row.split_first_chunk::<4>()?;
        let (fingerprint_bytes, rest) = rest.split_first_chunk::<16>()?;
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (checksum, state) = rest.split_first_chunk::<16>()?;
        let number = u32::from_be_bytes(*meaning);
        let past = snapshots.past.iter().find(|past| past.version == number && number < snapshots.version);
        let shape = past.map_or(snapshots.shape, |past| past.shape);
        let fingerprint = fingerprint::<A>(meaning, shape);
        if past.is_none() && number != snapshots.version
            || fingerprint_bytes != fingerprint.as_bytes()
            || checksum != self.checksum(&fingerprint, version, state).as_bytes()
        {
            return None;
        }
        let version = Version::new(u64::from_be_bytes(*version)).ok().filter(|version| !version.is_zero())?;
        let state = match past {
            None => catch(|| (snapshots.decode)(state)).ok()?.ok()?,
            Some(past) => catch(|| (past.decode)(state)).ok()?.ok()?,
        };
        Some(Kept { state, version, is_current: past.is_none() })
    }

    /// Covers the stream and its version too, so that a row at the wrong place is not used.
    fn checksum(&self, fingerprint: &Digest, version: &[u8; 8], state: &[u8]) -> Digest {
        Digest::of(&[self.stream.as_str().as_bytes(), fingerprint.as_bytes(), version, state])
    }
}

/// Covers what the state's bytes mean: name, version and shape of the aggregate.
fn fingerprint<A: Aggregate>(meaning: &[u8; 4], shape: &str) -> Digest {
    Digest::of(&[A::NAME.as_bytes(), meaning, shape.as_bytes()])
}
