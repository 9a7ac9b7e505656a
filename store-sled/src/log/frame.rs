//! What the log consists of: segment headers, group headers, and a frame a commit. FORMAT.md has every byte.

use annals_core::{Commit, CommitNumber, Position, RecordsBuilder, StoredCommit, Timestamp, judge::Placement};
use bytes::Bytes;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    event_head::{Common, Met},
    item::{ItemError, put_event, put_item, put_once, put_row},
    items::Items,
    wire::Cursor,
};

pub(crate) const FORMAT: u32 = 1;
pub(crate) const SEGMENT_MAGIC: [u8; 8] = *b"annals.L";
pub(crate) const SEGMENT_HEADER: usize = 80;
pub(crate) const GROUP_MAGIC: [u8; 4] = *b"aGRP";
pub(crate) const GROUP_HEADER: usize = 24;
pub(crate) const FRAME_MAGIC: [u8; 4] = *b"aFRM";
pub(crate) const FRAME_HEADER: usize = 56;

/// Where the log stands between two frames: what the next one must continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The place in the log, in bytes from its beginning, segment headers included.
    pub(crate) offset: u64,
    /// The hash over every frame so far.
    pub(crate) chain: u64,
    pub(crate) commit: CommitNumber,
    pub(crate) position: Position,
    pub(crate) recorded: Timestamp,
    /// The number of the latest group.
    pub(crate) group: u64,
}

impl Standing {
    pub(crate) const START: Self = Self {
        offset: 0,
        chain: 0,
        commit: CommitNumber::ZERO,
        position: Position::ZERO,
        recorded: Timestamp::EPOCH,
        group: 0,
    };

    pub(crate) fn encode(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.offset.to_le_bytes());
        output.extend_from_slice(&self.group.to_le_bytes());
        output.extend_from_slice(&self.commit.get().to_le_bytes());
        output.extend_from_slice(&self.position.get().to_le_bytes());
        output.extend_from_slice(&self.chain.to_le_bytes());
        output.extend_from_slice(&self.recorded.as_micros().to_le_bytes());
    }

    pub(crate) fn take(cursor: &mut Cursor<'_>) -> Option<Self> {
        let (offset, group) = (cursor.u64()?, cursor.u64()?);
        let commit = CommitNumber::new(cursor.u64()?).ok()?;
        let position = Position::new(cursor.u64()?).ok()?;
        let chain = cursor.u64()?;
        let recorded = Timestamp::from_micros(cursor.u64()?.cast_signed()).ok()?;
        Some(Self { offset, chain, commit, position, recorded, group })
    }
}

/// The header of a segment that begins at `standing`.
pub(crate) fn segment_header(log: Uuid, standing: &Standing) -> Vec<u8> {
    let mut rest = log.as_bytes().to_vec();
    standing.encode(&mut rest);
    let mut header = SEGMENT_MAGIC.to_vec();
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(&crc32c::crc32c(&rest).to_le_bytes());
    header.extend_from_slice(&rest);
    header
}

/// Why a segment header cannot be read.
pub(crate) enum HeaderError {
    NotALog,
    Format(u32),
    Damaged,
}

/// The log's id and the standing at which the segment begins, its offset being that of the header.
pub(crate) fn take_segment_header(bytes: &[u8]) -> Result<(Uuid, Standing), HeaderError> {
    let mut cursor = Cursor::new(bytes);
    if cursor.array() != Some(SEGMENT_MAGIC) {
        return Err(HeaderError::NotALog);
    }
    match cursor.u32() {
        Some(FORMAT) => {}
        found => return Err(HeaderError::Format(found.unwrap_or_default())),
    }
    let checksum = cursor.u32().ok_or(HeaderError::Damaged)?;
    let rest = cursor.take_rest();
    if crc32c::crc32c(rest) != checksum {
        return Err(HeaderError::Damaged);
    }
    let mut cursor = Cursor::new(rest);
    let log = Uuid::from_bytes(cursor.array().ok_or(HeaderError::Damaged)?);
    Standing::take(&mut cursor).map(|standing| (log, standing)).ok_or(HeaderError::Damaged)
}

/// A checksum that also covers where in which log the bytes stand, so that stale or copied bytes never pass.
fn placed_checksum(log: Uuid, offset: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(place_checksum(log, offset), bytes)
}

fn place_checksum(log: Uuid, offset: u64) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(log.as_bytes()), &offset.to_le_bytes())
}

/// The header of group `number` at `offset`, where the group before ended at `previous_end`.
pub(crate) fn put_group_header(output: &mut Vec<u8>, log: Uuid, offset: u64, number: u64, previous_end: u64) {
    let rest = [number.to_le_bytes(), previous_end.to_le_bytes()].concat();
    output.extend_from_slice(&GROUP_MAGIC);
    output.extend_from_slice(&placed_checksum(log, offset, &rest).to_le_bytes());
    output.extend_from_slice(&rest);
}

/// The number of the group whose header stands at `offset`, and where the group before ended. `None` when these bytes
/// are no group header, or one of another place.
pub(crate) fn take_group_header(bytes: &[u8], log: Uuid, offset: u64) -> Option<(u64, u64)> {
    let mut cursor = Cursor::new(bytes);
    if cursor.array()? != GROUP_MAGIC {
        return None;
    }
    let checksum = cursor.u32()?;
    let rest = cursor.take(GROUP_HEADER - 8)?;
    if placed_checksum(log, offset, rest) != checksum {
        return None;
    }
    let mut cursor = Cursor::new(rest);
    Some((cursor.u64()?, cursor.u64()?))
}

/// The header of a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameHeader {
    pub(crate) chain: u64,
    pub(crate) body: usize,
    pub(crate) events: usize,
    pub(crate) rows: usize,
    pub(crate) keyed: bool,
    pub(crate) common: Common,
}

impl FrameHeader {
    /// Reads a header back. `None` when these bytes are none, or one of another place.
    pub(crate) fn take(bytes: &[u8], log: Uuid, offset: u64) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        if cursor.array()? != FRAME_MAGIC {
            return None;
        }
        let checksum = cursor.u32()?;
        let rest = cursor.take(FRAME_HEADER - 8)?;
        if placed_checksum(log, offset, rest) != checksum {
            return None;
        }
        let mut cursor = Cursor::new(rest);
        let chain = cursor.u64()?;
        let mut count = || cursor.u32().and_then(|count| usize::try_from(count).ok());
        let (body, events, rows, keyed) = (count()?, count()?, count()?, count()? == 1);
        let commit = CommitNumber::new(cursor.u64()?).ok()?;
        let first = Position::new(cursor.u64()?).ok()?;
        let recorded = Timestamp::from_micros(cursor.u64()?.cast_signed()).ok()?;
        Some(Self { chain, body, events, rows, keyed, common: Common { commit, first, recorded } })
    }

    /// The position of the last event, or of the event before if there is none.
    pub(crate) fn last(&self) -> Position {
        Position::new(self.common.first.get().saturating_add(self.events as u64).saturating_sub(1)).unwrap_or_default()
    }

    /// The length of the frame.
    pub(crate) fn length(&self) -> u64 {
        (FRAME_HEADER + self.body) as u64
    }
}

/// The hash over all frames, one more included: `chained` is the frame from [`CHAINED_FROM`] on.
pub(crate) fn chain(before: u64, chained: &[u8]) -> u64 {
    xxh3_64_with_seed(chained, before)
}

/// Where the header's checksum and chain end and the chained part begins.
pub(crate) const CHAINED_FROM: usize = 16;

/// Appends the frame of `commit` to `output`, which continues the log at `standing`, and moves `standing` behind it.
/// Appends to `places` where each event begins within the frame and how long it is.
pub(crate) fn put_frame(
    output: &mut Vec<u8>,
    log: Uuid,
    standing: &mut Standing,
    (commit, placement): (&Commit, &Placement),
    places: &mut Vec<(u32, u32)>,
) {
    let start = output.len();
    output.extend_from_slice(&[0; FRAME_HEADER]);
    let number = placement.commit;
    let mut index = 0;
    if let Some(once) = &commit.once {
        put_item(output, number, index, |output| put_once(output, once));
        index += 1;
    }
    for (ordinal, (event, version)) in commit.events.iter().zip(&placement.versions).enumerate() {
        let item = output.len();
        put_item(output, number, index, |output| put_event(output, event, ordinal, *version, placement.recorded));
        places.push((short(item - start), short(output.len() - item)));
        index += 1;
    }
    for row in &commit.rows {
        put_item(output, number, index, |output| put_row(output, row));
        index += 1;
    }
    seal(output, start, log, standing, commit, placement);
}

fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Fills in the header of the frame that begins at `start`.
fn seal(output: &mut [u8], start: usize, log: Uuid, standing: &mut Standing, commit: &Commit, placement: &Placement) {
    let frame = output.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(CHAINED_FROM));
    let Some((checked, chained)) = frame else { return };
    let body = chained.len().saturating_sub(FRAME_HEADER - CHAINED_FROM);
    let counts = [body, commit.events.len(), commit.rows.len(), usize::from(commit.once.is_some())];
    let numbers = [placement.commit.get(), placement.first.get(), placement.recorded.as_micros().cast_unsigned()];
    let (small, large) = chained.split_at_mut(4 * counts.len());
    for (place, count) in small.chunks_exact_mut(4).zip(counts) {
        place.copy_from_slice(&short(count).to_le_bytes());
    }
    for (place, number) in large.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    let chain = chain(standing.chain, chained);
    let rest = chained.get(..FRAME_HEADER - CHAINED_FROM).unwrap_or_default();
    let (magic, checked) = checked.split_at_mut(4);
    let (checksum, chain_bytes) = checked.split_at_mut(4);
    magic.copy_from_slice(&FRAME_MAGIC);
    chain_bytes.copy_from_slice(&chain.to_le_bytes());
    let place = place_checksum(log, standing.offset);
    let sum = crc32c::crc32c_append(crc32c::crc32c_append(place, chain_bytes), rest);
    checksum.copy_from_slice(&sum.to_le_bytes());
    let head = placement.head();
    *standing = Standing {
        offset: standing.offset + (FRAME_HEADER + body) as u64,
        chain,
        commit: head.commit,
        position: head.position,
        recorded: placement.recorded,
        group: standing.group,
    };
}

/// A frame as read: its header and its body, nothing of it decoded yet.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) header: FrameHeader,
    pub(crate) body: Bytes,
}

impl Frame {
    /// Its items, one after the other.
    pub(crate) fn items(&self) -> Items<'_> {
        Items::new(self.header, &self.body)
    }

    /// Decodes everything. An error comes with its place within the frame.
    pub(crate) fn content(&self) -> Result<StoredCommit, (u64, ItemError)> {
        let common = self.header.common;
        let (mut items, mut met) = (self.items(), Met::default());
        let once = items.once()?;
        let mut records = RecordsBuilder::new();
        while let Some(event) = items.event()? {
            let added = event.head.read(common, &mut met, |parts| records.add(parts));
            added.map_err(|error| (u64::from(event.at), error))?;
        }
        let mut rows = Vec::with_capacity(self.header.rows.min(self.body.len()));
        while let Some(row) = items.row()? {
            rows.push(row);
        }
        items.end()?;
        let records = records.finish().collect();
        Ok(StoredCommit { number: common.commit, recorded: common.recorded, records, rows, once })
    }
}
