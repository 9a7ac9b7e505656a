//! Reading the entries of one page. Each is: how many bytes of its key are those of the key before (for the first, of
//! the page's key), the length of the rest, the length of the value, the rest, the value.

use super::{Draft, common, malformed};
use crate::log::wire::Cursor;

/// A place in a page, and the key of the entry in front of it.
pub(crate) struct Entries<'a> {
    page: &'a [u8],
    rest: &'a [u8],
    /// The key of the latest entry that was taken.
    pub(crate) key: Vec<u8>,
}

/// An entry that was not taken yet.
struct Peeked<'a> {
    shared: usize,
    key_rest: &'a [u8],
    value: &'a [u8],
    behind: &'a [u8],
}

impl<'a> Entries<'a> {
    pub(crate) fn of(page: &'a [u8], page_key: &[u8]) -> Self {
        let mut key = Vec::with_capacity(page_key.len() + 64);
        key.extend_from_slice(page_key);
        Self { page, rest: page, key }
    }

    fn peek(&self) -> sled::Result<Option<Peeked<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.try_peek().map(Some).ok_or_else(|| malformed("a page"))
    }

    fn try_peek(&self) -> Option<Peeked<'a>> {
        let mut cursor = Cursor::new(self.rest);
        let mut length = || cursor.varint().and_then(|number| usize::try_from(number).ok());
        let (shared, key_length, value_length) = (length()?, length()?, length()?);
        let (key_rest, value) = (cursor.take(key_length)?, cursor.take(value_length)?);
        let behind = cursor.take_rest();
        (shared <= self.key.len()).then_some(Peeked { shared, key_rest, value, behind })
    }

    fn take(&mut self, entry: &Peeked<'a>) {
        self.key.truncate(entry.shared);
        self.key.extend_from_slice(entry.key_rest);
        self.rest = entry.behind;
    }

    /// The next entry's value and place in the page; its key is then `self.key`.
    pub(crate) fn next(&mut self) -> sled::Result<Option<(usize, &'a [u8])>> {
        let Some(entry) = self.peek()? else { return Ok(None) };
        self.take(&entry);
        Ok(Some((self.page.len() - entry.behind.len() - entry.value.len(), entry.value)))
    }

    /// Where the value of the last entry at or before `target` stands in the page, and its length. Keys are compared
    /// where they differ from the one before only.
    pub(crate) fn last_at(&mut self, target: &[u8]) -> sled::Result<Option<(usize, usize)>> {
        let mut matched = common(&self.key, target);
        let mut found = None;
        while let Some(entry) = self.peek()? {
            // The key before is not behind the target and has these bytes in common with it.
            if entry.shared < matched {
                break;
            }
            if entry.shared == matched {
                let rest = target.get(matched..).unwrap_or_default();
                if entry.key_rest > rest {
                    break;
                }
                matched += common(entry.key_rest, rest);
            }
            self.take(&entry);
            found = Some((self.page.len() - entry.behind.len() - entry.value.len(), entry.value.len()));
        }
        Ok(found)
    }

    /// Whether all entries were taken.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Copies entries to `draft` as long as `wanted` says so of their keys.
    pub(crate) fn copy_while(&mut self, draft: &mut Draft, wanted: impl Fn(&[u8]) -> bool) -> sled::Result<()> {
        while let Some(entry) = self.peek()? {
            if !draft.push_if(self.key.get(..entry.shared).unwrap_or_default(), entry.key_rest, entry.value, &wanted) {
                break;
            }
            self.take(&entry);
        }
        Ok(())
    }
}
