//! The items of a frame: the idempotency key, events, rows.
//!
//! Each item carries its own checksum, so that one event of a large commit costs one event to read.

use annals_core::{
    CommitNumber, Digest, IdempotencyKey, LoggedTable, Metadata, NewEvent, Once, RowWrite, Tenant, Timestamp, Version,
    judge::in_order,
};
use bytes::Bytes;

use super::wire::{Cursor, put_bytes, put_signed, put_varint};

/// Bytes of checksum and length in front of each item.
pub(crate) const ITEM_HEADER: usize = 8;

/// The only encoding of payloads, values and answers that this version writes: the bytes as they are. Encrypted ones
/// will have another, followed by the id of their key.
const PLAIN: u8 = 0;

const DELETED: u8 = 0;
const PUT: u8 = 1;

/// Why an item cannot be read.
#[derive(Debug, PartialEq)]
pub(crate) enum ItemError {
    /// The bytes are not what was written.
    Damaged(&'static str),
    /// The content has an encoding of a later version.
    Encoding(u8),
}

pub(crate) const MALFORMED: ItemError = ItemError::Damaged("the item is malformed");

/// Appends one item: checksum, length, then what `write` appends. The checksum covers the place of the item, so that
/// items cannot be exchanged.
pub(crate) fn put_item(output: &mut Vec<u8>, commit: CommitNumber, index: usize, write: impl FnOnce(&mut Vec<u8>)) {
    let start = output.len();
    output.extend_from_slice(&[0; ITEM_HEADER]);
    write(output);
    let Some((header, content)) = output.get_mut(start..).and_then(|item| item.split_at_mut_checked(ITEM_HEADER))
    else {
        return;
    };
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let checksum = checksum(commit, index, content);
    let (at_checksum, at_length) = header.split_at_mut(4);
    at_checksum.copy_from_slice(&checksum.to_le_bytes());
    at_length.copy_from_slice(&length.to_le_bytes());
}

/// Takes the content of one item from the front of `cursor`.
pub(crate) fn take_item<'a>(
    cursor: &mut Cursor<'a>,
    commit: CommitNumber,
    index: usize,
) -> Result<&'a [u8], ItemError> {
    let (expected, content) = take_item_unchecked(cursor)?;
    if checksum(commit, index, content) != expected {
        return Err(ItemError::Damaged("the item's checksum does not match its content"));
    }
    Ok(content)
}

/// The same of an item whose bytes were checked already, with its checksum.
pub(crate) fn take_item_unchecked<'a>(cursor: &mut Cursor<'a>) -> Result<(u32, &'a [u8]), ItemError> {
    const SHORT: ItemError = ItemError::Damaged("the item is shorter than its header says");
    let checksum = cursor.u32().ok_or(SHORT)?;
    let length = cursor.u32().and_then(|length| usize::try_from(length).ok()).ok_or(SHORT)?;
    Ok((checksum, cursor.take(length).ok_or(SHORT)?))
}

fn checksum(commit: CommitNumber, index: usize, content: &[u8]) -> u32 {
    let mut place = [0; 16];
    let (at_commit, at_index) = place.split_at_mut(8);
    at_commit.copy_from_slice(&commit.get().to_le_bytes());
    at_index.copy_from_slice(&(index as u64).to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&place), content)
}

pub(crate) fn put_once(output: &mut Vec<u8>, once: &Once) {
    put_tenant(output, once.key.tenant());
    put_bytes(output, once.key.as_str().as_bytes());
    output.extend_from_slice(once.digest.as_bytes());
    put_content(output, &once.answer);
}

pub(crate) fn take_once(content: &[u8]) -> Result<Once, ItemError> {
    let mut cursor = Cursor::new(content);
    let tenant = take_tenant(&mut cursor)?;
    let key = cursor.text().ok_or(MALFORMED)?;
    let key = IdempotencyKey::new(key).map_err(|_| MALFORMED)?.in_tenant(tenant);
    let digest = Digest::from_bytes(cursor.array().ok_or(MALFORMED)?);
    Ok(Once { key, digest, answer: Bytes::copy_from_slice(take_content(cursor.take_rest())?) })
}

pub(crate) fn put_event(output: &mut Vec<u8>, event: &NewEvent, ordinal: usize, version: Version, recorded: Timestamp) {
    put_varint(output, ordinal as u64);
    put_varint(output, version.get());
    put_varint(output, u64::from(event.schema_version.get()));
    output.extend_from_slice(event.id.as_uuid().as_bytes());
    let occurred = event.occurred.unwrap_or(recorded);
    put_signed(output, occurred.as_micros() - recorded.as_micros());
    put_bytes(output, event.stream.as_str().as_bytes());
    put_bytes(output, event.event_type.as_str().as_bytes());
    let tags = in_order(&event.tags);
    put_varint(output, tags.len() as u64);
    for tag in &*tags {
        put_bytes(output, tag.as_str().as_bytes());
    }
    put_bytes(output, &metadata_bytes(&event.metadata));
    put_content(output, &event.payload);
}

/// Metadata was encoded once already when the commit's limits were checked, so it cannot fail here.
fn metadata_bytes(metadata: &Metadata) -> Vec<u8> {
    if metadata.is_empty() {
        return Vec::new();
    }
    // Most metadata fits, so that the bytes need not move while they are written.
    let mut bytes = Vec::with_capacity(128);
    let _ = rmp_serde::encode::write_named(&mut bytes, metadata);
    bytes
}

pub(crate) fn put_row(output: &mut Vec<u8>, row: &RowWrite) {
    put_tenant(output, row.table.tenant());
    put_bytes(output, row.table.name().as_bytes());
    put_bytes(output, &row.key);
    match &row.value {
        None => output.push(DELETED),
        Some(value) => {
            output.push(PUT);
            put_content(output, value);
        }
    }
}

pub(crate) fn take_row(content: &[u8]) -> Result<RowWrite, ItemError> {
    let mut cursor = Cursor::new(content);
    let tenant = take_tenant(&mut cursor)?;
    let name = cursor.text().ok_or(MALFORMED)?;
    let table = LoggedTable::stored(name).map_err(|_| MALFORMED)?.in_tenant(tenant);
    let key = Bytes::copy_from_slice(cursor.bytes().ok_or(MALFORMED)?);
    let value = match cursor.byte().ok_or(MALFORMED)? {
        DELETED => None,
        PUT => Some(Bytes::copy_from_slice(take_content(cursor.take_rest())?)),
        _ => return Err(MALFORMED),
    };
    Ok(RowWrite { table, key, value })
}

fn put_tenant(output: &mut Vec<u8>, tenant: Option<&Tenant>) {
    put_bytes(output, tenant.map_or(&[], |tenant| tenant.as_str().as_bytes()));
}

fn take_tenant(cursor: &mut Cursor<'_>) -> Result<Option<Tenant>, ItemError> {
    match cursor.text().ok_or(MALFORMED)? {
        "" => Ok(None),
        tenant => Tenant::new(tenant).map(Some).map_err(|_| MALFORMED),
    }
}

fn put_content(output: &mut Vec<u8>, content: &[u8]) {
    output.push(PLAIN);
    output.extend_from_slice(content);
}

/// What stands behind the encoding byte. Content is always the last part of an item.
pub(crate) fn take_content(content: &[u8]) -> Result<&[u8], ItemError> {
    match content.split_first() {
        Some((&PLAIN, content)) => Ok(content),
        Some((other, _)) => Err(ItemError::Encoding(*other)),
        None => Err(MALFORMED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_cannot_be_exchanged() {
        let mut output = Vec::new();
        put_item(&mut output, CommitNumber::FIRST, 3, |output| output.extend_from_slice(b"content"));
        let take = |commit, index| take_item(&mut Cursor::new(&output), commit, index);
        assert_eq!(take(CommitNumber::FIRST, 3), Ok(&b"content"[..]));
        assert!(take(CommitNumber::FIRST, 4).is_err());
        assert!(take(CommitNumber::ZERO, 3).is_err());
    }
}
