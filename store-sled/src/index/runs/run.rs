//! A run: idempotency keys in order, in a file that is written once and never changes.
//!
//! Blocks of 4 KiB hold the keys, each with what it shares with the one before; behind them stands where each block begins,
//! which is kept in memory: so a key is looked up by reading one block. Every byte is covered by a checksum.

use std::{
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
    sync::Arc,
};

use annals_core::Direction;

use super::super::pages::{common, malformed};
use crate::log::{
    disk::{Disk, DiskFile},
    wire::{Cursor, put_bytes, put_varint},
};

/// A block, with its checksum and its length in front, and zeros behind what it holds.
const BLOCK_BYTES: usize = 4096;
const BLOCK_HEADER: usize = 6;

/// So many bytes are written at a time.
const WRITE_BYTES: usize = if cfg!(test) { BLOCK_BYTES } else { 64 * BLOCK_BYTES };

/// The last bytes of the file: how many keys and blocks there are, how long the list of blocks is, and the checksum of that
/// and of these numbers.
const FOOTER_BYTES: usize = 28;

/// What a run says of a key: the log offset of the frame that used it, or `None` where it was forgotten.
pub(super) type Said = Option<u64>;

/// A run that is there.
#[derive(Debug)]
pub(crate) struct Run {
    disk: Disk,
    file: DiskFile,
    pub(super) path: PathBuf,
    /// The keys of which commits it has.
    pub(super) commits: RangeInclusive<u64>,
    /// How many keys it has.
    pub(super) keys: u64,
    blocks: Blocks,
}

/// What tells the blocks of a run apart: of each, a text behind all keys of the one before and not behind its own.
#[derive(Debug, Default)]
struct Blocks {
    texts: Vec<u8>,
    ends: Vec<u32>,
}

impl Blocks {
    fn push(&mut self, text: &[u8]) -> sled::Result<()> {
        self.texts.extend_from_slice(text);
        let end = u32::try_from(self.texts.len()).map_err(|_| malformed("a run of idempotency keys of many GiB"))?;
        self.ends.push(end);
        Ok(())
    }

    fn text(&self, block: usize) -> &[u8] {
        let end = |block: usize| self.ends.get(block).map_or(0, |end| *end as usize);
        let start = block.checked_sub(1).map_or(0, end);
        self.texts.get(start..end(block)).unwrap_or_default()
    }

    /// The blocks that may have keys from `from` on and before `to`.
    fn between(&self, from: &[u8], to: &[u8]) -> Range<usize> {
        let up_to = |key: &[u8]| partition_point(self.ends.len(), |block| self.text(block) <= key);
        up_to(from).saturating_sub(1)..up_to(to)
    }
}

/// How many of the first `count` numbers `is_before` holds for, which are the lowest.
fn partition_point(count: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

impl Run {
    /// Opens the run in the file `path`.
    pub(super) fn open(disk: &Disk, path: PathBuf, commits: RangeInclusive<u64>) -> sled::Result<Self> {
        let lost = || lost(&path);
        let file = disk.open("index", &path)?;
        let length = usize::try_from(file.length()?).map_err(|_| lost())?;
        let mut footer = [0; FOOTER_BYTES];
        let at = length.checked_sub(FOOTER_BYTES).ok_or_else(lost)?;
        file.read_at(&mut footer, at as u64)?;
        let mut cursor = Cursor::new(&footer);
        let mut number = || cursor.u64().and_then(|number| usize::try_from(number).ok());
        let (keys, count, bytes) = (number(), number(), number());
        let (Some(keys), Some(count), Some(bytes)) = (keys, count, bytes) else { return Err(lost()) };
        let begin = count.checked_mul(BLOCK_BYTES).ok_or_else(lost)?;
        if begin.checked_add(bytes) != Some(at) {
            return Err(lost());
        }
        let mut list = vec![0; bytes + FOOTER_BYTES];
        file.read_at(&mut list, begin as u64)?;
        let (checked, checksum) = list.split_last_chunk().ok_or_else(lost)?;
        if crc32c::crc32c(checked) != u32::from_le_bytes(*checksum) {
            return Err(lost());
        }
        let mut blocks = Blocks::default();
        let mut texts = Cursor::new(checked);
        for _ in 0..count {
            blocks.push(texts.bytes().ok_or_else(lost)?)?;
        }
        Ok(Self { disk: disk.clone(), file, path, commits, keys: keys as u64, blocks })
    }

    /// Damage is met only when it is read. So that the next opening knows of it, and builds the index anew, the file loses its
    /// name.
    fn give_up(&self) {
        let damaged = self.path.with_extension("damaged");
        if let Err(error) = self.disk.rename("index", &self.path, &damaged) {
            tracing::warn!(%error, file = %self.path.display(), "the file is damaged and cannot be renamed");
        }
    }

    /// What it says of `key`, if it says anything.
    pub(super) fn get(&self, key: &[u8]) -> sled::Result<Option<Said>> {
        let block = self.blocks.between(key, key).start;
        let mut found = Block::default();
        found.read(self, block)?;
        let at = found.from(key);
        Ok(found.entry(at).filter(|(found, _)| *found == key).map(|(_, said)| said))
    }
}

fn lost(path: &Path) -> sled::Error {
    malformed(&format!("the idempotency keys in {}", path.display()))
}

/// The keys of one block.
#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    keys: Vec<u8>,
    /// Where each key ends, and what is said of it.
    entries: Vec<(u32, Said)>,
}

impl Block {
    /// Reads a block in place of what it holds; nothing, where there is none.
    fn read(&mut self, run: &Run, block: usize) -> sled::Result<()> {
        let Self { bytes, keys, entries } = self;
        keys.clear();
        entries.clear();
        if block >= run.blocks.ends.len() {
            return Ok(());
        }
        bytes.resize(BLOCK_BYTES, 0);
        let read = run.file.read_at(bytes, (block * BLOCK_BYTES) as u64)?;
        let mut take = || {
            let mut cursor = Cursor::new(bytes.get(..read)?);
            let checksum = cursor.u32()?;
            let rest = cursor.take_rest();
            let mut header = Cursor::new(rest);
            let length = u16::from_le_bytes(header.array()?);
            if rest.len() != BLOCK_BYTES - size_of::<u32>() || crc32c::crc32c(rest) != checksum {
                return None;
            }
            let mut cursor = Cursor::new(header.take(usize::from(length))?);
            let mut before = 0_usize;
            while cursor.rest() > 0 {
                let head = cursor.varint()?;
                let shared = usize::try_from(head >> 1).ok()?;
                let start = keys.len();
                keys.extend_from_within(before..before.checked_add(shared).filter(|end| *end <= start)?);
                keys.extend_from_slice(cursor.bytes()?);
                let said = if head & 1 == 1 { Some(cursor.varint()?) } else { None };
                entries.push((u32::try_from(keys.len()).ok()?, said));
                before = start;
            }
            Some(())
        };
        if take().is_none() {
            run.give_up();
            return Err(lost(&run.path));
        }
        Ok(())
    }

    fn entry(&self, at: usize) -> Option<(&[u8], Said)> {
        let (end, said) = self.entries.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.entries.get(before)).map_or(0, |(end, _)| *end);
        Some((self.keys.get(start as usize..*end as usize)?, *said))
    }

    /// Which entry is the first from `key` on.
    fn from(&self, key: &[u8]) -> usize {
        partition_point(self.entries.len(), |at| self.entry(at).is_some_and(|(found, _)| found < key))
    }
}

/// The keys of a run from one on and before another, one after the other.
#[derive(Debug)]
pub(super) struct Keys {
    run: Arc<Run>,
    direction: Direction,
    from: Vec<u8>,
    to: Vec<u8>,
    /// The blocks that were not read yet.
    blocks: Range<usize>,
    block: Block,
    /// Its entries that were not given out yet, the present one included.
    entries: Range<usize>,
}

impl Keys {
    /// In front of the first.
    pub(super) fn of(run: Arc<Run>, from: &[u8], to: &[u8], direction: Direction) -> Self {
        let blocks = run.blocks.between(from, to);
        let (from, to) = (from.to_vec(), to.to_vec());
        Self { run, direction, from, to, blocks, block: Block::default(), entries: 0..0 }
    }

    /// The present one, and what is said of it.
    pub(super) fn entry(&self) -> Option<(&[u8], Said)> {
        let at = match self.direction {
            Direction::Forward => self.entries.start,
            Direction::Backward => self.entries.end.checked_sub(1)?,
        };
        if self.entries.contains(&at) { self.block.entry(at) } else { None }
    }

    /// Goes to the next one; false if there is none.
    pub(super) fn advance(&mut self) -> sled::Result<bool> {
        match self.direction {
            Direction::Forward => self.entries.next(),
            Direction::Backward => self.entries.next_back(),
        };
        while self.entries.is_empty() {
            let next = match self.direction {
                Direction::Forward => self.blocks.next(),
                Direction::Backward => self.blocks.next_back(),
            };
            let Some(block) = next else { return Ok(false) };
            self.block.read(&self.run, block)?;
            self.entries = self.block.from(&self.from)..self.block.from(&self.to);
        }
        Ok(true)
    }
}

/// A run that is being written, under a name that says so.
pub(super) struct Writing {
    file: DiskFile,
    disk: Disk,
    path: PathBuf,
    /// What is not written yet.
    buffer: Vec<u8>,
    written: u64,
    /// Where in the buffer the open block begins.
    begin: usize,
    last: Vec<u8>,
    keys: u64,
    blocks: Blocks,
}

impl Writing {
    pub(super) fn new(disk: &Disk, path: PathBuf) -> sled::Result<Self> {
        let file = disk.create("index", &path)?;
        let (disk, buffer, blocks) = (disk.clone(), Vec::with_capacity(WRITE_BYTES), Blocks::default());
        Ok(Self { file, disk, path, buffer, written: 0, begin: 0, last: Vec::new(), keys: 0, blocks })
    }

    /// Adds the next key.
    pub(super) fn add(&mut self, key: &[u8], said: Said) -> sled::Result<()> {
        let mut shared = common(&self.last, key);
        // At most: three numbers, and what is not shared.
        let bytes = 30 + key.len().saturating_sub(shared);
        if self.keys == 0 || self.buffer.len() - self.begin + bytes > BLOCK_BYTES {
            self.end_block()?;
            self.begin = self.buffer.len();
            self.buffer.resize(self.begin + BLOCK_HEADER, 0);
            let length = if self.keys == 0 { 0 } else { shared + 1 };
            self.blocks.push(key.get(..length).unwrap_or(key))?;
            shared = 0;
        }
        put_varint(&mut self.buffer, (shared as u64) << 1 | u64::from(said.is_some()));
        put_bytes(&mut self.buffer, key.get(shared..).unwrap_or_default());
        if let Some(frame) = said {
            put_varint(&mut self.buffer, frame);
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        self.keys += 1;
        Ok(())
    }

    fn end_block(&mut self) -> sled::Result<()> {
        let Some(length) = (self.buffer.len() - self.begin).checked_sub(BLOCK_HEADER) else { return Ok(()) };
        self.buffer.resize(self.begin + BLOCK_BYTES, 0);
        let block = self.buffer.get_mut(self.begin..).unwrap_or_default();
        if let Some((checksum, rest)) = block.split_first_chunk_mut() {
            if let Some(place) = rest.first_chunk_mut() {
                *place = u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
            }
            *checksum = crc32c::crc32c(rest).to_le_bytes();
        }
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> sled::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.file.write_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// The run is whole: it gets its name, and is there.
    pub(super) fn finish(mut self, path: PathBuf, commits: RangeInclusive<u64>) -> sled::Result<Run> {
        self.end_block()?;
        self.flush()?;
        for block in 0..self.blocks.ends.len() {
            put_bytes(&mut self.buffer, self.blocks.text(block));
        }
        let bytes = self.buffer.len();
        for number in [self.keys, self.blocks.ends.len() as u64, bytes as u64] {
            self.buffer.extend_from_slice(&number.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&self.buffer);
        self.buffer.extend_from_slice(&checksum.to_le_bytes());
        self.flush()?;
        let Self { file, disk, path: unfinished, keys, blocks, .. } = self;
        disk.rename("index", &unfinished, &path)?;
        Ok(Run { disk, file, path, commits, keys, blocks })
    }
}
