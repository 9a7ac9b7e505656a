//! The bytes of a snapshot: fingerprint (16), version (8, big endian), checksum (16), state.

use bytes::Bytes;

use crate::{
    Aggregate, DerivedTable, DerivedWrite, Digest, RowBatch, Snapshots, StreamId, Table, Tenant, Version,
    codec::EncodeError, load::catch,
};

/// The row of one stream's snapshot.
pub(crate) struct SnapshotRow<'a> {
    stream: &'a StreamId,
    fingerprint: Digest,
}

impl<'a> SnapshotRow<'a> {
    /// The fingerprint covers what the state's bytes mean: name, version and shape of the aggregate.
    pub(crate) fn of<A: Aggregate>(stream: &'a StreamId, snapshots: &Snapshots<A>) -> Self {
        let version = snapshots.version.to_be_bytes();
        Self { stream, fingerprint: Digest::of(&[A::NAME.as_bytes(), &version, snapshots.shape.as_bytes()]) }
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
        let version = version.get().to_be_bytes();
        let checksum = self.checksum(&version, &state);
        let parts: [&[u8]; 4] = [self.fingerprint.as_bytes(), &version, checksum.as_bytes(), &state];
        let (table, key) = Self::place(self.stream);
        let rows = vec![DerivedWrite { table, key, value: Some(parts.concat().into()) }];
        Ok(RowBatch { rows, ..RowBatch::default() })
    }

    /// The state and version in `row`. `None` when it is damaged or of another version of the code, which is seen
    /// before the state is decoded, or when decoding fails.
    pub(crate) fn read<A: Aggregate>(&self, snapshots: &Snapshots<A>, row: &[u8]) -> Option<(A, Version)> {
        let (fingerprint, rest) = row.split_first_chunk::<16>()?;
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (checksum, state) = rest.split_first_chunk::<16>()?;
        if fingerprint != self.fingerprint.as_bytes() || checksum != self.checksum(version, state).as_bytes() {
            return None;
        }
        let version = Version::new(u64::from_be_bytes(*version)).ok().filter(|version| !version.is_zero())?;
        let state = catch(|| (snapshots.decode)(state)).ok()?.ok()?;
        Some((state, version))
    }

    /// Covers the stream and the version too, so that a row at the wrong place is not used.
    fn checksum(&self, version: &[u8; 8], state: &[u8]) -> Digest {
        Digest::of(&[self.stream.as_str().as_bytes(), version, state])
    }
}
