//! The keys of the index. Texts hold no zero byte, so one ends them; numbers sort as they are.

use annals_core::{IdempotencyKey, LoggedTable, StreamId, Table, Tag, Tenant};
use bytes::Bytes;
use smallvec::SmallVec;

/// Where the index stands.
pub(crate) const PROGRESS: &[u8] = b"p";
/// How the index is laid out.
pub(crate) const LAYOUT: &[u8] = b"l";

/// The header of the journal of derived rows, and what the keys of its pieces begin with.
pub(crate) const JOURNAL: &[u8] = b"j";

const STREAM: u8 = b's';
const TAG: u8 = b't';
const ROW: u8 = b'r';
const KIND: u8 = b'k';
const PIECE: u8 = b'c';

/// What a stream's places are kept under: its tenant and its id within it, told apart by a `/`.
pub(crate) fn put_stream(output: &mut Vec<u8>, stream: &str) {
    if !stream.contains('/') {
        output.push(b'/');
    }
    output.extend_from_slice(stream.as_bytes());
}

/// What a tag's places are kept under: its tenant and its text, told apart by a `/`, which no tenant holds.
pub(crate) fn tag_term(tenant: Option<&str>, tag: &Tag) -> String {
    let mut term = String::new();
    put_tag(&mut term, tenant, tag.as_str());
    term
}

/// The same, instead of what `term` holds.
pub(crate) fn put_tag(term: &mut String, tenant: Option<&str>, tag: &str) {
    term.clear();
    term.push_str(tenant.unwrap_or_default());
    term.push('/');
    term.push_str(tag);
}

/// Whose places: of a stream or of a tag.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Term<'a> {
    Stream(&'a str),
    Tag(&'a str),
}

impl Term<'_> {
    /// Appends what all keys of the term begin with: the key of its newest places.
    pub(crate) fn put_prefix(self, output: &mut Vec<u8>) {
        match self {
            Self::Stream(text) => {
                output.push(STREAM);
                put_stream(output, text);
            }
            Self::Tag(text) => {
                output.push(TAG);
                output.extend_from_slice(text.as_bytes());
            }
        }
        output.push(0);
    }

    /// What all keys of the term begin with: the key of its newest places.
    pub(crate) fn prefix(self) -> Vec<u8> {
        let mut prefix = Vec::with_capacity(64);
        self.put_prefix(&mut prefix);
        prefix
    }

    /// The key of the older chunk that begins with the place `first`.
    pub(crate) fn chunk(self, first: u64) -> Vec<u8> {
        let mut key = self.prefix();
        put_number(&mut key, first);
        key
    }
}

/// What the keys of all streams of `tenant` begin with.
pub(crate) fn streams_prefix(tenant: Option<&Tenant>) -> Vec<u8> {
    [&[STREAM], tenant.map_or("", Tenant::as_str).as_bytes(), b"/"].concat()
}

/// Numbers below this are one byte; others a byte that says how many follow, big-endian without leading zeros.
const SHORT: u8 = 0xf0;

/// Appends `number` so that keys sort by it.
pub(crate) fn put_number(output: &mut Vec<u8>, number: u64) {
    match u8::try_from(number) {
        Ok(short) if short < SHORT => output.push(short),
        _ => {
            let bytes = number.to_be_bytes();
            let digits = bytes.get(number.leading_zeros() as usize / 8..).unwrap_or_default();
            output.push(SHORT + u8::try_from(digits.len()).unwrap_or_default());
            output.extend_from_slice(digits);
        }
    }
}

/// The number that is all of `bytes`.
pub(crate) fn take_number(bytes: &[u8]) -> Option<u64> {
    match bytes.split_first()? {
        (short, []) if *short < SHORT => Some(u64::from(*short)),
        (length, digits) if length.checked_sub(SHORT).map(usize::from) == Some(digits.len()) && digits.len() <= 8 => {
            Some(digits.iter().fold(0, |number, digit| (number << 8) | u64::from(*digit)))
        }
        _ => None,
    }
}

/// What all rows of `table` begin with.
pub(crate) fn table_prefix(table: &Table) -> Vec<u8> {
    named(ROW, table)
}

/// The key of a row.
pub(crate) fn row(table: &Table, key: &[u8]) -> Vec<u8> {
    let (tenant, name) = parts(table);
    [&[ROW], tenant.as_bytes(), b"/", name.as_bytes(), &[0], key].concat()
}

/// The key of a row of a logged table.
pub(crate) fn logged_row(table: &LoggedTable, key: &[u8]) -> Vec<u8> {
    let tenant = table.tenant().map_or("", Tenant::as_str);
    [&[ROW], tenant.as_bytes(), b"/", table.name().as_bytes(), &[0], key].concat()
}

/// The key of the row of an idempotency key in `$once`.
pub(crate) fn once(key: &IdempotencyKey) -> OnceRow {
    let table = LoggedTable::ONCE;
    let tenant = key.tenant().map_or("", Tenant::as_str);
    let parts = [&[ROW], tenant.as_bytes(), b"/", table.name().as_bytes(), &[0], key.as_str().as_bytes()];
    let length = parts.iter().map(|part| part.len()).sum();
    // To put the parts into a `SmallVec` one by one costs more than the allocation that it saves.
    let mut row = [0; ONCE_BYTES];
    let Some(mut rest) = row.get_mut(..length) else { return parts.concat().into() };
    for part in parts {
        let (place, behind) = rest.split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = behind;
    }
    OnceRow::from_buf_and_len(row, length)
}

/// The key of such a row: one for a UUID in text, which has 44 bytes without a tenant, needs no allocation.
pub(crate) type OnceRow = SmallVec<[u8; ONCE_BYTES]>;

const ONCE_BYTES: usize = 56;

/// The key of the piece `index` of a long value, in sled. The length of the row's key keeps keys apart that begin alike.
pub(crate) fn piece(table: &Table, key: &[u8], index: u32) -> Vec<u8> {
    let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
    [&named(PIECE, table)[..], &length.to_be_bytes(), key, &index.to_be_bytes()].concat()
}

/// The key of a piece of the journal of derived rows.
pub(crate) fn journal(index: u32) -> Vec<u8> {
    [JOURNAL, &index.to_be_bytes()].concat()
}

/// What the last positions of all kinds begin with.
pub(crate) const KINDS: &[u8] = &[KIND];

/// The key of the last position of a kind of events: whether they have tenants, their category and type.
pub(crate) fn kind(has_tenant: bool, category: &str, event_type: &str) -> Vec<u8> {
    [&[KIND, u8::from(has_tenant)], category.as_bytes(), &[0], event_type.as_bytes()].concat()
}

/// The parts of such a key.
pub(crate) fn take_kind(key: &[u8]) -> Option<(bool, &str, &str)> {
    let (has_tenant, texts) = key.strip_prefix(KINDS)?.split_first()?;
    let (category, event_type) = std::str::from_utf8(texts).ok()?.split_once('\0')?;
    Some((*has_tenant == 1, category, event_type))
}

/// What the keys of all pieces of long values begin with.
pub(crate) const PIECES: &[u8] = &[PIECE];

/// Whether what is kept under `key` must also be in the filter: places, idempotency keys and names.
pub(crate) fn is_in_filter(key: &[u8]) -> bool {
    match key.split_first() {
        Some((&(STREAM | TAG), _)) => true,
        Some((&ROW, rest)) => {
            let table = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            let name = table.splitn(2, |byte| *byte == b'/').nth(1).unwrap_or_default();
            [LoggedTable::ONCE, LoggedTable::NAMES].iter().any(|table| table.name().as_bytes() == name)
        }
        _ => false,
    }
}

/// What is kept under `key`, for a person.
pub(crate) fn described(key: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', " ").trim().to_owned();
    let Some((kind, rest)) = key.split_first() else { return "an entry without a key".to_owned() };
    let name = rest.split(|byte| *byte == 0).next().unwrap_or_default();
    let without_tenant = |name: &[u8]| text(name.strip_prefix(b"/").unwrap_or(name));
    match *kind {
        STREAM => format!("places of stream {}", without_tenant(name)),
        TAG => format!("places of tag {}", without_tenant(name)),
        ROW => format!("a row of table {}", without_tenant(name)),
        PIECE => format!("a long row of table {}", without_tenant(name)),
        KIND => format!("the last position of {}", text(rest.get(1..).unwrap_or_default())),
        other => format!("an entry of kind {other}"),
    }
}

/// The first key behind all that begin with `prefix`, which ends with a byte below 0xff.
pub(crate) fn behind(mut prefix: Vec<u8>) -> Vec<u8> {
    if let Some(last) = prefix.last_mut() {
        *last = last.saturating_add(1);
    }
    prefix
}

fn named(kind: u8, table: &Table) -> Vec<u8> {
    let (tenant, name) = parts(table);
    [&[kind], tenant.as_bytes(), b"/", name.as_bytes(), &[0]].concat()
}

/// The table's tenant, empty for none, and its name.
fn parts(table: &Table) -> (&str, &str) {
    let (tenant, name) = match table {
        Table::Logged(table) => (table.tenant(), table.name()),
        Table::Derived(table) => (table.tenant(), table.name()),
    };
    (tenant.map_or("", Tenant::as_str), name)
}

/// The key under which the stream's places are sorted, without what all streams begin with.
pub(crate) fn stream_term(stream: &StreamId) -> Bytes {
    let mut term = Vec::with_capacity(stream.as_str().len() + 1);
    put_stream(&mut term, stream.as_str());
    term.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_keys_sort_as_numbers_do() {
        let numbers = [0, 1, 0xef, 0xf0, 0xff, 0x100, 0xffff, 0x1_0000, u64::from(u32::MAX), u64::MAX];
        let keys: Vec<_> = numbers.iter().map(|number| Term::Stream("a-1").chunk(*number)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b));
        let prefix = Term::Stream("a-1").prefix();
        assert!(keys.iter().map(|key| take_number(&key[prefix.len()..]).unwrap()).eq(numbers));
        assert_eq!(take_number(&[SHORT + 2, 1]), None);
    }

    #[test]
    fn an_idempotency_key_has_the_key_of_its_row() {
        let keys =
            ["a/b", &"k".repeat(48), &"k".repeat(49), &"k".repeat(255)].map(|key| IdempotencyKey::new(key).unwrap());
        let of_tenant = keys.clone().map(|key| key.in_tenant(Some(Tenant::new("acme").unwrap())));
        for key in keys.into_iter().chain(of_tenant) {
            let (table, row_key) = key.row();
            assert_eq!(once(&key).to_vec(), logged_row(&table, &row_key));
            assert_eq!(once(&key).to_vec(), row(&table.into(), &row_key));
        }
    }

    #[test]
    fn streams_sort_within_their_tenant() {
        assert_eq!(Term::Stream("order-1").prefix(), b"s/order-1\0");
        assert_eq!(Term::Stream("acme/order-1").prefix(), b"sacme/order-1\0");
    }
}
