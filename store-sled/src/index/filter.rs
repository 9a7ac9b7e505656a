//! A filter of the streams, tags, idempotency keys and names that exist, so that a new one costs no look-up: what it does not
//! hold does not exist.
//!
//! A Bloom filter whose bits of one key lie in one block of 64 bytes, in layers that grow: a layer that is full stays
//! as it is, and one of four times its size follows.
//!
//! It has a file of its own, in pages of 4 KiB that are written in place: bits are only ever set, so it does not matter
//! whether a page is there before what it tells of.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use xxhash_rust::xxh3::xxh3_128;

use super::pages::malformed;
use crate::log::disk::{Disk, DiskFile};

/// How many bits of a block a key sets. A layer has 16 for each key that it is made for; of keys that do not exist, less than
/// one in 500 is then looked up all the same.
const BITS_SET: u32 = 7;
const BLOCK_WORDS: usize = 8;

/// A page of the file holds so many blocks. What is left of its 4 KiB says that they are those that were written.
const PAGE_BLOCKS: usize = 63;
const PAGE_BYTES: usize = 4096;
const BLOCKS_BYTES: usize = PAGE_BLOCKS * size_of::<Block>();

/// So many pages that follow one another are written at a time.
const PAGES_TOGETHER: usize = 64;

/// How many pages the first layer has: for 32,000 keys.
const FIRST_PAGES: usize = 16;
const GROWTH: usize = 4;

/// The most layers. The last of them would hold more keys than fit any disk.
const LAYERS: usize = 13;

/// The keys of the streams that exist or are closed and of the tags, idempotency keys and names that exist, and a few more.
#[derive(Debug)]
pub(crate) struct Filter {
    file: DiskFile,
    /// The first ones are there. To look at them takes no lock: whoever sends a command under a key does it, and a lock would go to
    /// and fro between their processors.
    layers: [OnceLock<Layer>; LAYERS],
}

#[derive(Debug)]
struct Layer {
    blocks: Vec<Block>,
    /// How many bits are set: how full it is, also after it was read back.
    ones: AtomicU64,
}

/// To look at one is to wait for one line of the processor's cache.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Block([AtomicU64; BLOCK_WORDS]);

/// The pages that were changed, by their number in the file.
pub(crate) type Changed = BTreeSet<usize>;

/// The bits of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bits {
    block: u64,
    bits: u64,
}

impl Bits {
    pub(super) fn of(key: &[u8]) -> Self {
        let hash = xxh3_128(key);
        Self { block: u64::try_from(hash >> 64).unwrap_or_default(), bits: hash as u64 }
    }

    /// A number that is another one for nearly every key.
    pub(super) fn as_hash(self) -> u64 {
        self.block ^ self.bits
    }

    /// Which of so many blocks is the key's.
    fn block(self, blocks: usize) -> usize {
        usize::try_from((u128::from(self.block) * blocks as u128) >> 64).unwrap_or_default()
    }

    /// Each word of the block and the bit in it.
    fn places(self) -> impl Iterator<Item = (usize, u64)> {
        (0..BITS_SET).map(move |index| {
            let bit = self.bits >> (9 * index) & 0x1ff;
            (usize::try_from(bit >> 6).unwrap_or_default(), 1 << (bit & 63))
        })
    }
}

impl Layer {
    /// An empty one that follows `number` others.
    fn behind(number: usize) -> Self {
        let blocks = std::iter::repeat_with(Block::default).take(pages_of(number) * PAGE_BLOCKS).collect();
        Self { blocks, ones: AtomicU64::new(0) }
    }

    fn contains(&self, bits: Bits) -> bool {
        let Some(Block(words)) = self.blocks.get(bits.block(self.blocks.len())) else { return false };
        let is_set =
            |(word, bit): (usize, u64)| words.get(word).is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0);
        bits.places().all(is_set)
    }

    /// Sets the bits; says in which page of the layer.
    fn insert(&self, bits: Bits) -> usize {
        let at = bits.block(self.blocks.len());
        if let Some(Block(words)) = self.blocks.get(at) {
            let set = |(word, bit): (usize, u64)| {
                let before = words.get(word).map_or(bit, |word| word.fetch_or(bit, Ordering::Relaxed));
                u64::from(before & bit == 0)
            };
            self.ones.fetch_add(bits.places().map(set).sum(), Ordering::Relaxed);
        }
        at / PAGE_BLOCKS
    }

    fn words_of_page(&self, page: usize) -> impl Iterator<Item = &AtomicU64> {
        self.blocks.iter().skip(page * PAGE_BLOCKS).take(PAGE_BLOCKS).flat_map(|block| &block.0)
    }

    /// Sets the words of a page.
    fn read(&self, page: usize, words: impl Iterator<Item = u64>) {
        for (place, word) in self.words_of_page(page).zip(words) {
            self.ones.fetch_add(u64::from(word.count_ones()), Ordering::Relaxed);
            place.store(word, Ordering::Relaxed);
        }
    }

    /// Appends a page, which has this number in the file.
    fn put(&self, page: usize, number: usize, output: &mut Vec<u8>) {
        let begin = output.len();
        for word in self.words_of_page(page) {
            output.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        let checksum = checksum_of(output.get(begin..).unwrap_or_default(), number);
        output.extend_from_slice(&checksum.to_le_bytes());
        output.resize(begin + PAGE_BYTES, 0);
    }

    /// With 7 bits for each of as many keys as have 16, 35 of 100 bits are set.
    fn is_full(&self) -> bool {
        self.ones.load(Ordering::Relaxed) as usize >= self.blocks.len() * size_of::<Block>() * 8 / 100 * 35
    }
}

impl Filter {
    /// Opens the filter in `folder`, or begins an empty one.
    pub(crate) fn open(disk: &Disk, folder: &Path) -> sled::Result<Self> {
        let path = folder.join("filter");
        let file = disk.open_or_create("index", &path)?;
        let length = file.length()?;
        let filter = Self { file, layers: [const { OnceLock::new() }; LAYERS] };
        let mut bytes = vec![0; PAGE_BYTES * PAGES_TOGETHER];
        for (number, place) in filter.layers.iter().enumerate() {
            let pages = first_page(number)..first_page(number + 1);
            if (pages.start * PAGE_BYTES) as u64 >= length {
                break;
            }
            let layer = place.get_or_init(|| Layer::behind(number));
            for begin in pages.clone().step_by(PAGES_TOGETHER) {
                let numbers = begin..(begin + PAGES_TOGETHER).min(pages.end);
                filter.file.read_at(&mut bytes, (begin * PAGE_BYTES) as u64)?;
                for (number, page) in numbers.zip(bytes.chunks(PAGE_BYTES)) {
                    let lost = || malformed(&format!("page {number} of {}", path.display()));
                    layer.read(number - pages.start, words_of(page, number).ok_or_else(lost)?);
                }
                bytes.fill(0);
            }
        }
        Ok(filter)
    }

    /// Those that are there.
    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().map_while(OnceLock::get)
    }

    /// How many pages it has.
    pub(crate) fn pages(&self) -> u64 {
        first_page(self.layers().count()) as u64
    }

    /// Whether what has this key may exist; if not, it surely does not.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.contains_bits(Bits::of(key))
    }

    /// The same, when the bits of the key are known.
    pub(super) fn contains_bits(&self, bits: Bits) -> bool {
        self.layers().any(|layer| layer.contains(bits))
    }

    /// Adds a key; false when it may have been there.
    pub(crate) fn insert(&self, key: &[u8], changed: &mut Changed) -> bool {
        self.insert_bits(Bits::of(key), changed)
    }

    /// The same, when the bits of the key are known.
    pub(super) fn insert_bits(&self, bits: Bits, changed: &mut Changed) -> bool {
        if self.contains_bits(bits) {
            return false;
        }
        let last = self.layers().enumerate().last();
        if let Some((number, layer)) = last
            && (!layer.is_full() || number + 1 == LAYERS)
        {
            changed.insert(first_page(number) + layer.insert(bits));
            return true;
        }
        let number = last.map_or(0, |(last, _)| last + 1);
        if let Some(place) = self.layers.get(number) {
            place.get_or_init(|| Layer::behind(number)).insert(bits);
            // All of its pages, so that none is without its checksum.
            changed.extend(first_page(number)..first_page(number + 1));
        }
        true
    }

    /// Writes the pages that changed.
    pub(crate) fn write(&self, changed: &Changed) -> sled::Result<()> {
        let (mut bytes, mut begin) = (Vec::new(), 0);
        let mut changed = changed.iter().peekable();
        for (number, layer) in self.layers().enumerate() {
            let (first, behind) = (first_page(number), first_page(number + 1));
            while let Some(page) = changed.next_if(|page| **page < behind) {
                if bytes.is_empty() {
                    begin = *page;
                }
                layer.put(page - first, *page, &mut bytes);
                let follows = changed.peek().is_some_and(|next| **next == page + 1);
                if !follows || bytes.len() >= PAGE_BYTES * PAGES_TOGETHER {
                    self.file.write_at(&bytes, (begin * PAGE_BYTES) as u64)?;
                    bytes.clear();
                }
            }
        }
        Ok(())
    }
}

/// The words of a page, if it is the one with this number, as it was written.
fn words_of(page: &[u8], number: usize) -> Option<impl Iterator<Item = u64>> {
    let (words, end) = page.split_at_checked(BLOCKS_BYTES)?;
    let checksum = end.first_chunk().map(|checksum| u32::from_le_bytes(*checksum))?;
    let words = || words.chunks_exact(size_of::<u64>()).map(|word| word.try_into().map_or(0, u64::from_le_bytes));
    (checksum == checksum_of(page.get(..BLOCKS_BYTES)?, number)).then(words)
}

/// The checksum of the words of a page, which is not that of them in another page.
fn checksum_of(words: &[u8], number: usize) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(words), &(number as u64).to_le_bytes())
}

/// How many pages a layer has.
fn pages_of(layer: usize) -> usize {
    FIRST_PAGES * GROWTH.pow(u32::try_from(layer).unwrap_or_default())
}

/// How many pages the layers in front of one have.
fn first_page(layer: usize) -> usize {
    (0..layer).map(pages_of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u32) -> Vec<u8> {
        format!("order-{number}").into_bytes()
    }

    fn add(filter: &Filter, numbers: std::ops::Range<u32>) -> Changed {
        let mut changed = Changed::new();
        for number in numbers {
            filter.insert(&name(number), &mut changed);
        }
        filter.write(&changed).unwrap();
        changed
    }

    #[test]
    fn what_was_added_is_found_and_little_else_also_after_reading_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Filter::open(&Disk::default(), folder.path()).unwrap();
        let filter = open();
        assert!(!filter.contains(b"order-1"));
        assert_eq!(filter.pages(), 0);
        add(&filter, 0..1);
        assert_eq!(open().pages(), 16, "a layer is there as a whole");
        for batch in 0..20 {
            add(&filter, batch * 10_000..(batch + 1) * 10_000);
        }
        assert!(add(&filter, 7..8).is_empty(), "nothing is written again for a key that is there");
        for filter in [filter, open()] {
            assert!((0..200_000).all(|number| filter.contains(&name(number))));
            let wrong = (200_000..400_000).filter(|number| filter.contains(&name(*number))).count();
            assert!(wrong < 500, "{wrong} of 200,000 are taken for others");
            assert_eq!(filter.layers().map(|layer| layer.blocks.len()).collect::<Vec<_>>(), [1008, 4032, 16_128]);
            assert_eq!(filter.pages(), 336);
        }
    }

    /// P5, P10: a page that is damaged, gone or another one's is an error: what it does not hold would be new.
    #[test]
    fn a_damaged_page_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let filter = Filter::open(&Disk::default(), folder.path()).unwrap();
        add(&filter, 0..5000);
        let path = folder.path().join("filter");
        let whole = std::fs::read(&path).unwrap();
        let is_refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Filter::open(&Disk::default(), folder.path()).is_err()
        };
        let mut exchanged = whole.clone();
        exchanged.copy_within(0..PAGE_BYTES, PAGE_BYTES);
        let mut emptied = whole.clone();
        emptied[PAGE_BYTES..2 * PAGE_BYTES].fill(0);
        let mut flipped = whole.clone();
        flipped[3 * PAGE_BYTES + 5] ^= 1;
        assert!([&exchanged, &emptied, &flipped, &whole[..9 * PAGE_BYTES]].iter().all(|bytes| is_refused(bytes)));
        assert!(!is_refused(&whole));
    }
}
