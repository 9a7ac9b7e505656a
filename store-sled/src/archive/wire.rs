//! The parts of an archive: a header, commits, an end.

use annals_core::{CommitNumber, NameKey, Position, Timestamp};

use crate::log::{
    event_head::Common,
    frame::{FRAME_HEADER, FrameHeader},
    wire::Cursor,
};

/// The format of archives that this version writes.
pub(crate) const FORMAT: u32 = 1;
pub(super) const MAGIC: [u8; 8] = *b"annals.A";
/// Magic, format, checksum, whether there is a key, the key.
pub(super) const HEADER: usize = 8 + 4 + 4 + 1 + 32;
pub(super) const COMMIT_MAGIC: [u8; 4] = *b"aCMT";
/// As long as the header of a frame, and with the same content, but its checksum does not say where it stands.
pub(super) const COMMIT_HEADER: usize = FRAME_HEADER;
pub(super) const END_MAGIC: [u8; 4] = *b"aEND";
pub(super) const END: usize = 8 + 32;

/// What an archive ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// The hash over all commits.
    pub(crate) chain: u64,
    /// The number of the last one, which is how many there are.
    pub(crate) commit: CommitNumber,
    pub(crate) position: Position,
    pub(crate) recorded: Timestamp,
}

/// The header of an archive, with the key of unique names if the store has one.
pub(super) fn put_header(output: &mut Vec<u8>, key: Option<&NameKey>) {
    let rest = [&[u8::from(key.is_some())][..], key.map_or(&[0_u8; 32], NameKey::as_bytes).as_slice()].concat();
    output.extend_from_slice(&MAGIC);
    output.extend_from_slice(&FORMAT.to_le_bytes());
    output.extend_from_slice(&crc32c::crc32c(&rest).to_le_bytes());
    output.extend_from_slice(&rest);
}

/// What a header says: the format; and the key of unique names, if all of it can be believed and there is one.
pub(super) fn take_header(bytes: &[u8]) -> Option<(u32, Option<Option<NameKey>>)> {
    let mut cursor = Cursor::new(bytes);
    if cursor.array()? != MAGIC {
        return None;
    }
    let (format, checksum) = (cursor.u32()?, cursor.u32()?);
    let rest = cursor.take_rest();
    let key = (crc32c::crc32c(rest) == checksum).then(|| {
        let (flag, key) = rest.split_first()?;
        (*flag == 1).then_some(NameKey::from_bytes(key.try_into().ok()?))
    });
    Some((format, key))
}

/// The header of a commit whose body follows.
pub(super) fn put_commit(output: &mut Vec<u8>, header: &FrameHeader) {
    let begins = output.len();
    output.extend_from_slice(&COMMIT_MAGIC);
    output.extend_from_slice(&[0; 4]);
    output.extend_from_slice(&header.chain.to_le_bytes());
    for count in [header.body, header.events, header.rows, usize::from(header.keyed)] {
        // As they were in the log, which has four bytes for them.
        output.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }
    let Common { commit, first, recorded } = header.common;
    for number in [commit.get(), first.get(), recorded.as_micros().cast_unsigned()] {
        output.extend_from_slice(&number.to_le_bytes());
    }
    seal(output, begins);
}

pub(super) fn take_commit(bytes: &[u8]) -> Option<FrameHeader> {
    let mut cursor = open(bytes, COMMIT_MAGIC)?;
    let chain = cursor.u64()?;
    let mut count = || cursor.u32().and_then(|count| usize::try_from(count).ok());
    let (body, events, rows, keyed) = (count()?, count()?, count()?, count()? == 1);
    let (commit, first) = (CommitNumber::new(cursor.u64()?).ok()?, Position::new(cursor.u64()?).ok()?);
    let recorded = Timestamp::from_micros(cursor.u64()?.cast_signed()).ok()?;
    Some(FrameHeader { chain, body, events, rows, keyed, common: Common { commit, first, recorded } })
}

pub(super) fn put_end(output: &mut Vec<u8>, end: &End) {
    let begins = output.len();
    output.extend_from_slice(&END_MAGIC);
    output.extend_from_slice(&[0; 4]);
    for number in [end.chain, end.commit.get(), end.position.get(), end.recorded.as_micros().cast_unsigned()] {
        output.extend_from_slice(&number.to_le_bytes());
    }
    seal(output, begins);
}

pub(super) fn take_end(bytes: &[u8]) -> Option<End> {
    let mut cursor = open(bytes, END_MAGIC)?;
    let chain = cursor.u64()?;
    let (commit, position) = (CommitNumber::new(cursor.u64()?).ok()?, Position::new(cursor.u64()?).ok()?);
    let recorded = Timestamp::from_micros(cursor.u64()?.cast_signed()).ok()?;
    Some(End { chain, commit, position, recorded })
}

/// Fills in the checksum of the part that begins at `begins`, behind its magic.
fn seal(output: &mut [u8], begins: usize) {
    let Some((head, rest)) = output.get_mut(begins..).and_then(|part| part.split_at_mut_checked(8)) else { return };
    let checksum = crc32c::crc32c(rest).to_le_bytes();
    head.split_at_mut(4).1.copy_from_slice(&checksum);
}

/// What stands behind magic and checksum, if both are right.
fn open(bytes: &[u8], magic: [u8; 4]) -> Option<Cursor<'_>> {
    let mut cursor = Cursor::new(bytes);
    if cursor.array()? != magic {
        return None;
    }
    let checksum = cursor.u32()?;
    let rest = cursor.take_rest();
    (crc32c::crc32c(rest) == checksum).then(|| Cursor::new(rest))
}
