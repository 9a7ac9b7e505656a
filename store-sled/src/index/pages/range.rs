//! The entries of a range, in order, while pages may be split beneath.

use std::collections::VecDeque;

use annals_core::Direction;
use sled::IVec;

use super::{Entries, PAGE, Page, name, page_at, page_behind, sled_key, whole_page_before};
use crate::index::tree::Tree;

/// The entries from `from` on and before `to`, in the order of `direction`.
pub(crate) fn range(tree: &Tree, from: Vec<u8>, to: Vec<u8>, direction: Direction) -> Range {
    let source = Source::Begin;
    Range { tree: tree.clone(), from, to, direction, source, entries: VecDeque::new() }
}

/// Gives out entries, a page at a time.
pub(crate) struct Range {
    tree: Tree,
    from: Vec<u8>,
    to: Vec<u8>,
    direction: Direction,
    source: Source,
    entries: VecDeque<(Vec<u8>, IVec)>,
}

enum Source {
    Begin,
    /// Forward: the page that comes next.
    Page(Page),
    /// Backward: what is left ends before the page of this key.
    Before(IVec),
    End,
}

impl Range {
    /// Takes the entries of one page more. A page counts up to the key of the one behind it, which is looked for after
    /// the page was read: what a split moves is then found in one of the two.
    fn fill(&mut self) -> sled::Result<()> {
        let source = std::mem::replace(&mut self.source, Source::End);
        let page = match (source, self.direction) {
            (Source::End, _) => None,
            (Source::Page(page), _) => Some(page),
            (Source::Before(key), _) => whole_page_before(&self.tree, &key)?,
            (Source::Begin, Direction::Forward) => match page_at(&self.tree, &self.from)? {
                Some(page) => Some(page),
                None => page_behind(&self.tree, &[PAGE])?,
            },
            (Source::Begin, Direction::Backward) => whole_page_before(&self.tree, &sled_key(&self.to))?,
        };
        let Some((key, page)) = page else { return Ok(()) };
        let next = match self.direction {
            Direction::Forward => page_behind(&self.tree, &key)?,
            Direction::Backward => None,
        };
        let next_key = next.as_ref().map(|next| name(&next.0));
        let end = next_key.as_deref().map_or(self.to.as_slice(), |next| next.min(&self.to));
        let page_name = name(&key);
        let mut entries = Entries::of(&page, &page_name);
        while let Some((at, value)) = entries.next()? {
            if entries.key.as_slice() >= end {
                break;
            }
            if entries.key >= self.from {
                self.entries.push_back((entries.key.clone(), page.subslice(at, value.len())));
            }
        }
        self.source = match self.direction {
            Direction::Forward => match next {
                Some(next) if *name(&next.0) < *self.to => Source::Page(next),
                _ => Source::End,
            },
            Direction::Backward if *page_name > *self.from => {
                // What the pages before hold from here on does not count.
                self.to = page_name.into_owned();
                Source::Before(key)
            }
            Direction::Backward => Source::End,
        };
        Ok(())
    }
}

impl Iterator for Range {
    type Item = sled::Result<(Vec<u8>, IVec)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let entry = match self.direction {
                Direction::Forward => self.entries.pop_front(),
                Direction::Backward => self.entries.pop_back(),
            };
            if let Some(entry) = entry {
                return Some(Ok(entry));
            }
            if matches!(self.source, Source::End) {
                return None;
            }
            if let Err(error) = self.fill() {
                self.source = Source::End;
                return Some(Err(error));
            }
        }
    }
}
