//! Several runs as one list.

use std::{cmp::Ordering, collections::BinaryHeap, collections::binary_heap::PeekMut, sync::Arc};

use annals_core::Direction;

use super::run::{Keys, Run, Said};

/// The keys of several runs in order, each once, as the newest run has it that has it.
#[derive(Debug)]
pub(super) struct Merged {
    sources: BinaryHeap<Source>,
}

impl Merged {
    /// The keys of `runs` from `from` on and before `to`; of the runs, the oldest comes first.
    pub(super) fn of(runs: &[Arc<Run>], from: &[u8], to: &[u8], direction: Direction) -> sled::Result<Self> {
        let mut sources = BinaryHeap::with_capacity(runs.len());
        for (age, run) in runs.iter().rev().enumerate() {
            let mut keys = Keys::of(Arc::clone(run), from, to, direction);
            if keys.advance()? {
                sources.push(Source { keys, age, direction });
            }
        }
        Ok(Self { sources })
    }

    /// Puts the next key in place of what `key` holds; gives what is said of it, or `None` if there is none.
    pub(super) fn take(&mut self, key: &mut Vec<u8>) -> sled::Result<Option<Said>> {
        let Some(first) = self.sources.peek() else { return Ok(None) };
        key.clear();
        key.extend_from_slice(first.key());
        let said = first.keys.entry().and_then(|(_, said)| said);
        while let Some(mut source) = self.sources.peek_mut().filter(|source| source.key() == key) {
            if !source.keys.advance()? {
                PeekMut::pop(source);
            }
        }
        Ok(Some(said))
    }
}

/// What is left of a run; how many runs are newer.
#[derive(Debug)]
struct Source {
    keys: Keys,
    age: usize,
    direction: Direction,
}

impl Source {
    fn key(&self) -> &[u8] {
        self.keys.entry().map_or(&[], |(key, _)| key)
    }
}

/// The greatest comes out of the heap first: that is the one whose key comes next, of the newest run.
impl Ord for Source {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_key = match self.direction {
            Direction::Forward => other.key().cmp(self.key()),
            Direction::Backward => self.key().cmp(other.key()),
        };
        by_key.then(other.age.cmp(&self.age))
    }
}

impl PartialOrd for Source {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Source {}
