//! Comparing an index with one that was built anew.

use std::cmp::Ordering;

use annals_core::{Direction, ReadError};
use sled::IVec;

use super::{Index, keys, pages, runs::END, tree::Tree};

/// An entry: its key and what is kept under it.
type Entry<V = IVec> = (Vec<u8>, V);

/// What a comparison has found.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// How many entries of the index that was built anew were looked for in the other.
    pub(crate) entries: u64,
    /// How many differ, are missing, or should not be there.
    pub(crate) differing: u64,
    /// The first of them, for a person.
    pub(crate) differences: Vec<String>,
}

/// So many differences are kept; the others are counted.
const DIFFERENCES_KEPT: usize = 10;

impl Compared {
    fn found(&mut self, key: &[u8], what: &str) {
        self.differing += 1;
        if self.differences.len() < DIFFERENCES_KEPT {
            self.differences.push(format!("{}: {what}", keys::described(key)));
        }
    }
}

impl Index {
    /// Compares what follows from the log in this index with `anew`, which was built from the same log.
    pub(crate) fn compare(&self, anew: &Self) -> Result<Compared, ReadError> {
        let mut compared = Compared::default();
        self.guard("compare", || {
            compare(entries(&self.entries), entries(&anew.entries), &mut compared)?;
            compare(self.once_keys(), anew.once_keys(), &mut compared)?;
            compare(entries(&self.older), entries(&anew.older), &mut compared)?;
            compare(pieces(&self.entries), pieces(&anew.entries), &mut compared)?;
            let entries = entries(&anew.entries).map(|entry| entry.map(|(key, _)| key));
            for key in entries.chain(anew.once_keys().map(|entry| entry.map(|(key, _)| key))) {
                let key = key?;
                if keys::is_in_filter(&key) && !self.filter.contains(&key) {
                    compared.found(&key, "it is not in the filter");
                }
            }
            Ok(())
        })?;
        Ok(compared)
    }

    /// The idempotency keys.
    fn once_keys(&self) -> impl Iterator<Item = sled::Result<Entry<u64>>> {
        self.once.range(&[], END, Direction::Forward)
    }
}

fn entries(tree: &Tree) -> impl Iterator<Item = sled::Result<Entry>> {
    pages::range(tree, Vec::new(), END.to_vec(), Direction::Forward)
}

/// The pieces of long values.
fn pieces(tree: &Tree) -> impl Iterator<Item = sled::Result<Entry>> {
    tree.scan_prefix(keys::PIECES).map(|piece| piece.map(|(key, value)| (key.to_vec(), value)))
}

/// Walks through both in the order of their keys.
fn compare<V: PartialEq>(
    mut found: impl Iterator<Item = sled::Result<Entry<V>>>,
    mut expected: impl Iterator<Item = sled::Result<Entry<V>>>,
    compared: &mut Compared,
) -> sled::Result<()> {
    let (mut left, mut right) = (found.next().transpose()?, expected.next().transpose()?);
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.0.cmp(&right.0),
        };
        match (order, &left, &right) {
            (Ordering::Less, Some((key, _)), _) => compared.found(key, "it does not follow from the log"),
            (Ordering::Greater, _, Some((key, _))) => compared.found(key, "it is missing"),
            (_, Some((key, found)), Some((_, expected))) if found != expected => {
                compared.found(key, "it is not what follows from the log");
            }
            _ => {}
        }
        if order != Ordering::Greater {
            left = found.next().transpose()?;
        }
        if order != Ordering::Less {
            compared.entries += 1;
            right = expected.next().transpose()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use annals_core::{Commit, EventType, NewEvent, Store, Tag};

    use super::*;
    use crate::{SledOptions, SledStore, log::disk::Disk, open::index_folder};

    async fn index(folder: &Path) -> Index {
        let store = SledStore::open(SledOptions::new(folder)).unwrap();
        for number in 0..200 {
            let stream = format!("account-{}", number % 3).parse().unwrap();
            let mut event = NewEvent::new(stream, EventType::new("happened").unwrap(), "");
            event.tags = vec![Tag::of("all", "of them").unwrap()];
            store.commit(Commit::of([event])).await.unwrap();
        }
        store.shut_down().await;
        drop(store);
        Index::open(&Disk::default(), &index_folder(folder)).unwrap()
    }

    /// P10: an entry that is lost, another one, or one too many is found, in each part of the index.
    #[tokio::test]
    async fn whatever_differs_is_found() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let (found, anew) = (index(folders[0].path()).await, index(folders[1].path()).await);
        assert_eq!(found.compare(&anew).unwrap().differences, [""; 0]);
        for tree in [&found.entries, &found.older] {
            let (key, page) = tree.scan_prefix(b"e").next().unwrap().unwrap();
            tree.remove(&key).unwrap();
            let compared = found.compare(&anew).unwrap();
            assert!(compared.differing > 0 && compared.differences[0].ends_with("it is missing"), "{compared:?}");
            let compared = anew.compare(&found).unwrap();
            assert!(compared.differences[0].ends_with("it does not follow from the log"), "{compared:?}");
            let mut other = page.to_vec();
            *other.last_mut().unwrap() ^= 1;
            tree.insert(&key, other).unwrap();
            let compared = found.compare(&anew).unwrap();
            assert!(compared.differences[0].ends_with("it is not what follows from the log"), "{compared:?}");
            tree.insert(&key, page).unwrap();
            assert_eq!(found.compare(&anew).unwrap().differing, 0);
        }
        drop(found);
        std::fs::remove_file(index_folder(folders[0].path()).join("filter")).unwrap();
        let found = Index::open(&Disk::default(), &index_folder(folders[0].path())).unwrap();
        let compared = found.compare(&anew).unwrap();
        assert!(compared.differences[0].ends_with("it is not in the filter"), "{compared:?}");
    }
}
