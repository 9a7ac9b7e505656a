//! Sorted entries in pages: a map of keys to small values in which a key of sled holds many entries, because sled's
//! price is by the key.
//!
//! A page is kept under the first key that it had when it was made, and holds the entries up to the next page's key.
//!
//! Invariant: what a page holds at or beyond the next page's key does not count. A page is split by writing its upper
//! parts first, the highest before the others, and the page itself last; so at every moment, for readers beside the
//! writer and in what survives of sled's writes, each entry is found exactly once.
//!
//! sled looks for the key before another one from node to node, and what is written meanwhile between two nodes it does
//! not see: it may give out a page that has just been shortened, and not the ones that its upper parts went to. So a
//! reader that comes to the end of a page from above looks whether another one is behind it by now, and then once more.

mod draft;
mod entries;
mod name;
mod range;

use std::borrow::Cow;

use annals_core::Direction;
use sled::IVec;

pub(crate) use self::{draft::Draft, range::range};
use self::{
    draft::pages_of,
    entries::Entries,
    name::{name, sled_key},
};
use super::tree::Tree;

/// A page is split when it is longer. Measured with sled 0.34, writing a page costs about 3 us and 3 us more for each
/// KiB: smaller pages cost more where most of them change, larger ones where few do. sled joins up to 16 values in one
/// piece, which must stay below 128 KiB: larger pieces go to files of their own that it never syncs.
const PAGE_BYTES: usize = 3072;

/// How full the pages are that a split makes.
const FILL_BYTES: usize = 2304;

/// What the keys of pages begin with, so that a tree has room for other things.
pub(crate) const PAGE: u8 = b'e';

/// A page of sled: its key without the first byte, and its entries.
type Page = (IVec, IVec);

/// A change of the entries of one key, or of the last one before it.
pub(crate) trait Change {
    /// What the changes are sorted by.
    fn key(&self) -> &[u8];

    /// Makes the change in `draft`, which holds the entries of the page up to the key, and no others. What is put must
    /// not belong in front of the last entry, nor behind the key.
    fn apply(&self, draft: &mut Draft) -> sled::Result<()>;
}

/// The tree does not hold what was written to it.
pub(crate) fn malformed(what: &str) -> sled::Error {
    sled::Error::Unsupported(format!("{what} cannot be decoded"))
}

/// So often a page is looked for again because it was split meanwhile: more often than any writer splits.
const LOOKS_MAX: usize = 1000;

/// The value under `key`.
pub(crate) fn get(tree: &Tree, key: &[u8]) -> sled::Result<Option<IVec>> {
    let found = find(tree, key)?.and_then(|found| found.entry);
    Ok(found.filter(|(at, _)| at == key).map(|(_, value)| value))
}

/// The last entry whose key is at or before `key`.
pub(crate) fn last_at(tree: &Tree, key: &[u8]) -> sled::Result<Option<(Vec<u8>, IVec)>> {
    match find(tree, key)? {
        Some(Found { entry: Some(entry), .. }) => Ok(Some(entry)),
        // The first entries of the page were removed, so it is in a page before.
        Some(Found { page_key, .. }) => {
            range(tree, Vec::new(), name(&page_key).into_owned(), Direction::Backward).next().transpose()
        }
        None => Ok(None),
    }
}

/// What is found in the page in whose range a key is.
struct Found {
    page_key: IVec,
    /// The last entry at or before the key.
    entry: Option<(Vec<u8>, IVec)>,
}

fn find(tree: &Tree, key: &[u8]) -> sled::Result<Option<Found>> {
    for _ in 0..LOOKS_MAX {
        let Some((page_key, page)) = page_at(tree, key)? else { return Ok(None) };
        let mut entries = Entries::of(&page, &name(&page_key));
        let found = entries.last_at(key)?;
        // A page that holds the key, or a later one, was not shortened before it.
        if entries.key == key || !entries.is_at_end() || !is_any_between(tree, &page_key, &behind(key))? {
            let entry = found.map(|(at, length)| (entries.key, page.subslice(at, length)));
            return Ok(Some(Found { page_key, entry }));
        }
    }
    Err(malformed("the order of pages"))
}

/// Makes `changes`, which are sorted by key. Doing it again after it was cut short anywhere gives the same, if the
/// changes do.
pub(crate) fn merge<C: Change>(tree: &Tree, changes: &[C]) -> sled::Result<()> {
    let mut rest = changes;
    let mut draft = Draft::default();
    let mut near = None;
    while let Some(first) = rest.first() {
        let (page, next) = spot(tree, first.key(), near)?;
        let end = next.as_ref().map(|next| name(&next.0));
        let end = end.as_deref();
        let count = end.map_or(rest.len(), |end| count_before(rest, end));
        let (here, later) = rest.split_at_checked(count.max(1)).unwrap_or((rest, &[]));
        draft.clear();
        let page_key = page.as_ref().map_or(Cow::Borrowed(&[][..]), |page| name(&page.0));
        let mut entries = page.as_ref().map(|page| Entries::of(&page.1, &page_key));
        for change in here {
            if let Some(entries) = &mut entries {
                entries.copy_while(&mut draft, |key| key <= change.key())?;
            }
            change.apply(&mut draft)?;
        }
        if let Some(entries) = &mut entries {
            entries.copy_while(&mut draft, |key| end.is_none_or(|end| key < end))?;
        }
        write(tree, &page_key, page.as_ref(), &draft)?;
        near = next;
        rest = later;
    }
    Ok(())
}

/// How many of `changes` have keys before `end`, the first being one of them: few mostly, of many.
fn count_before<C: Change>(changes: &[C], end: &[u8]) -> usize {
    let is_before = |change: &C| change.key() < end;
    let mut bound = 1;
    while changes.get(bound).is_some_and(is_before) {
        bound *= 2;
    }
    let from = bound / 2;
    let rest = changes.get(from..bound.min(changes.len())).unwrap_or_default();
    from + rest.partition_point(is_before)
}

/// Writes what a page is to hold, in as many pages as that takes.
fn write(tree: &Tree, page_key: &[u8], before: Option<&Page>, draft: &Draft) -> sled::Result<()> {
    let mut pages = pages_of(draft, page_key);
    let Some((_, lowest)) = pages.first() else {
        return before.map_or(Ok(()), |before| remove(tree, &before.0));
    };
    if pages.len() == 1 && before.is_some_and(|(_, page)| page == lowest) {
        return Ok(());
    }
    while let Some((key, page)) = pages.pop() {
        tree.insert(sled_key(key), page)?;
    }
    Ok(())
}

/// Removes the empty page `key`. What the page before holds beyond it would then count, so that goes first; it is there
/// only when a split was cut short.
fn remove(tree: &Tree, key: &IVec) -> sled::Result<()> {
    if let Some((before_key, before)) = page_before(tree, key)? {
        let mut draft = Draft::default();
        let (before_name, end) = (name(&before_key), name(key));
        Entries::of(&before, &before_name).copy_while(&mut draft, |entry| *entry < *end)?;
        match pages_of(&draft, &before_name).pop() {
            Some((_, page)) if before == page => {}
            Some((_, page)) => tree.insert(&before_key, page)?,
            None => remove(tree, &before_key)?,
        }
    }
    tree.remove(key)
}

/// The page that holds `key`, and the one behind it. `near` is a page at or before which nothing is left to do.
fn spot(tree: &Tree, key: &[u8], near: Option<Page>) -> sled::Result<(Option<Page>, Option<Page>)> {
    if let Some(near) = near.filter(|near| *name(&near.0) <= *key) {
        let next = page_behind(tree, &near.0)?;
        if next.as_ref().is_none_or(|next| *key < *name(&next.0)) {
            return Ok((Some(near), next));
        }
    }
    let page = page_at(tree, key)?;
    let next = match &page {
        Some(page) => page_behind(tree, &page.0)?,
        None => page_behind(tree, &[PAGE])?,
    };
    Ok((page, next))
}

/// The page in whose range `key` is; there is none before the first page that was made. Beside a writer that splits it, it
/// may be without the upper parts that `key` is in.
fn page_at(tree: &Tree, key: &[u8]) -> sled::Result<Option<Page>> {
    page_before(tree, &behind(key))
}

/// The key of sled behind that of a page of `key`.
fn behind(key: &[u8]) -> Vec<u8> {
    let mut behind = sled_key(key);
    behind.push(0);
    behind
}

/// The last page before `sled_key`, whole, also beside a writer.
fn whole_page_before(tree: &Tree, sled_key: &[u8]) -> sled::Result<Option<Page>> {
    for _ in 0..LOOKS_MAX {
        let Some((key, page)) = page_before(tree, sled_key)? else { return Ok(None) };
        if !is_any_between(tree, &key, sled_key)? {
            return Ok(Some((key, page)));
        }
    }
    Err(malformed("the order of pages"))
}

fn is_any_between(tree: &Tree, page_key: &[u8], before: &[u8]) -> sled::Result<bool> {
    Ok(page_behind(tree, page_key)?.is_some_and(|(key, _)| *key < *before))
}

fn page_before(tree: &Tree, sled_key: &[u8]) -> sled::Result<Option<Page>> {
    Ok(tree.get_lt(sled_key)?.filter(|(key, _)| key.first() == Some(&PAGE)))
}

fn page_behind(tree: &Tree, sled_key: &[u8]) -> sled::Result<Option<Page>> {
    Ok(tree.get_gt(sled_key)?.filter(|(key, _)| key.first() == Some(&PAGE)))
}

/// How many bytes both begin with.
pub(super) fn common(one: &[u8], other: &[u8]) -> usize {
    let chunks = one.chunks_exact(8).zip(other.chunks_exact(8)).take_while(|(one, other)| one == other).count();
    let (one, other) = (one.get(chunks * 8..).unwrap_or_default(), other.get(chunks * 8..).unwrap_or_default());
    chunks * 8 + one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests;
