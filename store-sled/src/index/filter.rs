//! A filter of the streams, tags, idempotency keys and names that exist, so that a new one costs no look-up: what it does not
//! hold does not exist.
//!
//! A Bloom filter whose bits of one key lie in one block of 64 bytes, in layers that grow: a layer that is full stays
//! as it is, and one of four times its size follows.

use std::{
    collections::BTreeSet,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use xxhash_rust::xxh3::xxh3_128;

use super::{keys, pages::malformed, tree::Tree};

/// How many bits of a block a key sets. A layer has 12 for each key that it is made for; of keys that do not exist, about
/// one in 200 is then looked up all the same.
const BITS_SET: u32 = 7;
const BLOCK_WORDS: usize = 8;

/// The filter is kept in pieces of so many words: 4 KiB.
const PIECE_WORDS: usize = 512;

/// How many pieces the first layer has: for 43,000 keys.
const FIRST_PIECES: usize = 16;
const GROWTH: usize = 4;

/// The keys of the streams that exist or are closed and of the tags, idempotency keys and names that exist, and a few more.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    layers: RwLock<Vec<Layer>>,
}

#[derive(Debug)]
struct Layer {
    words: Vec<AtomicU64>,
    /// How many bits are set: how full it is, also after it was read back.
    ones: AtomicU64,
}

/// The pieces that were changed: layer and number.
pub(crate) type Changed = BTreeSet<(u8, u32)>;

/// The bits of a key.
#[derive(Clone, Copy)]
struct Bits {
    block: u64,
    bits: u64,
}

impl Bits {
    fn of(key: &[u8]) -> Self {
        let hash = xxh3_128(key);
        Self { block: u64::try_from(hash >> 64).unwrap_or_default(), bits: hash as u64 }
    }

    /// Each word and the bit in it.
    fn places(self, words: usize) -> impl Iterator<Item = (usize, u64)> {
        let blocks = (words / BLOCK_WORDS) as u128;
        let block = usize::try_from((u128::from(self.block) * blocks) >> 64).unwrap_or_default();
        (0..BITS_SET).map(move |index| {
            let bit = self.bits >> (9 * index) & 0x1ff;
            (block * BLOCK_WORDS + usize::try_from(bit >> 6).unwrap_or_default(), 1 << (bit & 63))
        })
    }
}

impl Layer {
    fn of(pieces: usize) -> Self {
        let words = std::iter::repeat_with(AtomicU64::default).take(pieces * PIECE_WORDS).collect();
        Self { words, ones: AtomicU64::new(0) }
    }

    fn contains(&self, bits: Bits) -> bool {
        let is_set = |(word, bit): (usize, u64)| {
            self.words.get(word).is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0)
        };
        bits.places(self.words.len()).all(is_set)
    }

    /// Sets the bits; says in which piece.
    fn insert(&self, bits: Bits) -> u32 {
        let mut at = 0;
        for (index, bit) in bits.places(self.words.len()) {
            let before = self.words.get(index).map_or(bit, |word| word.fetch_or(bit, Ordering::Relaxed));
            self.ones.fetch_add(u64::from(before & bit == 0), Ordering::Relaxed);
            at = index / PIECE_WORDS;
        }
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// With 7 bits for each of as many streams as have 12, 44 of 100 bits are set.
    fn is_full(&self) -> bool {
        self.ones.load(Ordering::Relaxed) as usize >= self.words.len() * 64 / 100 * 44
    }
}

impl Filter {
    /// Reads what [`write`](Self::write) wrote.
    pub(crate) fn read(tree: &Tree) -> sled::Result<Self> {
        let mut layers: Vec<Layer> = Vec::new();
        for piece in tree.scan_prefix(keys::FILTERS) {
            let (key, words) = piece?;
            let lost = || malformed("the filter");
            let (layer, piece) = keys::take_filter(&key).ok_or_else(lost)?;
            while layers.len() <= usize::from(layer) {
                layers.push(Layer::of(pieces_of(layers.len())));
            }
            let target = layers.get(usize::from(layer)).ok_or_else(lost)?;
            let start = usize::try_from(piece).unwrap_or(usize::MAX).saturating_mul(PIECE_WORDS);
            let places = target.words.get(start..).ok_or_else(lost)?;
            for (place, word) in places.iter().zip(words.chunks_exact(8)) {
                let word = word.try_into().map(u64::from_le_bytes).unwrap_or_default();
                target.ones.fetch_add(u64::from(word.count_ones()), Ordering::Relaxed);
                place.store(word, Ordering::Relaxed);
            }
        }
        Ok(Self { layers: RwLock::new(layers) })
    }

    /// Whether what has this key may exist; if not, it surely does not.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        let bits = Bits::of(key);
        let layers = self.layers.read().unwrap_or_else(PoisonError::into_inner);
        layers.iter().rev().any(|layer| layer.contains(bits))
    }

    /// Adds a key; false when it may have been there.
    pub(crate) fn insert(&self, key: &[u8], changed: &mut Changed) -> bool {
        let bits = Bits::of(key);
        let layers = self.layers.read().unwrap_or_else(PoisonError::into_inner);
        if layers.iter().any(|layer| layer.contains(bits)) {
            return false;
        }
        let (number, full) = (layers.len(), layers.last().is_none_or(Layer::is_full));
        if let (false, Some(layer)) = (full, layers.last()) {
            changed.insert((layer_number(number - 1), layer.insert(bits)));
            return true;
        }
        drop(layers);
        let layer = Layer::of(pieces_of(number));
        changed.insert((layer_number(number), layer.insert(bits)));
        self.layers.write().unwrap_or_else(PoisonError::into_inner).push(layer);
        true
    }

    /// Writes the pieces that changed.
    pub(crate) fn write(&self, tree: &Tree, changed: &Changed) -> sled::Result<()> {
        let layers = self.layers.read().unwrap_or_else(PoisonError::into_inner);
        for (layer, piece) in changed {
            let words = layers.get(usize::from(*layer)).map_or(&[][..], |layer| &layer.words);
            let words = words.chunks(PIECE_WORDS).nth(usize::try_from(*piece).unwrap_or(usize::MAX));
            let words = words.unwrap_or_default().iter();
            let bytes: Vec<u8> = words.flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes()).collect();
            tree.insert(keys::filter(*layer, *piece), bytes)?;
        }
        Ok(())
    }
}

/// The sixteenth layer would hold more keys than fit any disk.
fn pieces_of(layer: usize) -> usize {
    FIRST_PIECES * GROWTH.pow(u32::try_from(layer.min(12)).unwrap_or_default())
}

fn layer_number(layer: usize) -> u8 {
    u8::try_from(layer).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_and_little_else_also_after_reading_it_back() {
        let tree = Tree::temporary();
        let filter = Filter::default();
        let name = |number: u32| format!("order-{number}").into_bytes();
        assert!(!filter.contains(b"order-1"));
        for batch in 0..20 {
            let mut changed = Changed::new();
            for number in batch * 10_000..(batch + 1) * 10_000 {
                filter.insert(&name(number), &mut changed);
            }
            filter.write(&tree, &changed).unwrap();
        }
        let mut changed = Changed::new();
        filter.insert(&name(7), &mut changed);
        assert!(changed.is_empty(), "nothing is written again for a key that is there");
        for filter in [&filter, &Filter::read(&tree).unwrap()] {
            assert!((0..200_000).all(|number| filter.contains(&name(number))));
            let wrong = (200_000..400_000).filter(|number| filter.contains(&name(*number))).count();
            assert!(wrong < 2000, "{wrong} of 200,000 are taken for others");
            let layers = filter.layers.read().unwrap();
            assert_eq!(layers.iter().map(|layer| layer.words.len()).collect::<Vec<_>>(), [8192, 32768]);
        }
    }
}
