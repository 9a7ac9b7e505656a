//! The keys of the index. Texts hold no zero byte, so one ends them; numbers are big-endian, so that they sort.

use annals_core::{Table, Tag, Tenant};
use bytes::Bytes;

/// Where the index stands.
pub(crate) const PROGRESS: &[u8] = b"p";

/// The header of the journal of derived rows, and what the keys of its pieces begin with.
pub(crate) const JOURNAL: &[u8] = b"j";

const STREAM: u8 = b's';
const TAG: u8 = b't';
const ROW: u8 = b'r';
const CHUNK: u8 = b'c';

/// What a tag's places are kept under: its tenant and its text, told apart by a `/`, which no tenant holds.
pub(crate) fn tag_term(tenant: Option<&str>, tag: &Tag) -> Bytes {
    [tenant.unwrap_or_default().as_bytes(), b"/", tag.as_str().as_bytes()].concat().into()
}

/// Whose places: of a stream or of a tag.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Term<'a> {
    Stream(&'a str),
    Tag(&'a [u8]),
}

impl Term<'_> {
    /// What all keys of the term begin with.
    pub(crate) fn prefix(self) -> Vec<u8> {
        let (kind, text) = match self {
            Self::Stream(text) => (STREAM, text.as_bytes()),
            Self::Tag(text) => (TAG, text),
        };
        [&[kind], text, &[0]].concat()
    }

    /// The key of the chunk that begins with `first`: a version, or a tag's position.
    pub(crate) fn chunk(self, first: u64) -> Vec<u8> {
        [&self.prefix()[..], &first.to_be_bytes()].concat()
    }
}

/// What all rows of `table` begin with.
pub(crate) fn table_prefix(table: &Table) -> Vec<u8> {
    named(ROW, table)
}

/// The key of a row.
pub(crate) fn row(table: &Table, key: &[u8]) -> Vec<u8> {
    [&table_prefix(table)[..], key].concat()
}

/// The key of the piece `index` of a long value. The length of the row's key keeps keys apart that begin alike.
pub(crate) fn chunk(table: &Table, key: &[u8], index: u32) -> Vec<u8> {
    let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
    [&named(CHUNK, table)[..], &length.to_be_bytes(), key, &index.to_be_bytes()].concat()
}

/// The key of a piece of the journal of derived rows.
pub(crate) fn journal(index: u32) -> Vec<u8> {
    [JOURNAL, &index.to_be_bytes()].concat()
}

fn named(kind: u8, table: &Table) -> Vec<u8> {
    let (tenant, name) = match table {
        Table::Logged(table) => (table.tenant(), table.name()),
        Table::Derived(table) => (table.tenant(), table.name()),
    };
    [&[kind], tenant.map_or("", Tenant::as_str).as_bytes(), b"/", name.as_bytes(), &[0]].concat()
}
