//! Writing derived rows, so that each batch is seen whole or not at all, wherever the process is killed.
//!
//! What survives of sled's writes when the process is killed is always the first of them. Rows that are written one by
//! one would therefore survive in part. So they are written twice: to a journal first, in pieces and a header that says
//! that it is complete, then in place; then the header is removed, and the pieces. Opening repeats a complete journal
//! and removes the pieces of an incomplete one. That is cheaper than sled's own batches, which cost more than twice as
//! much a row, hold their lock against every other reader and writer of sled, and keep all of a batch in memory.

use annals_core::{DerivedTable, Table, Tenant};
use bytes::Bytes;
use hashbrown::HashMap;

use super::{keys, rows, tree::Tree};
use crate::{
    log::wire::{Cursor, put_bytes, put_varint},
    overlay::rows::Changes,
};

/// Larger values would be kept by sled in files of their own, which it never syncs.
const PIECE_BYTES: usize = 4096;

/// Writes what changed since the last call. All of it is seen after the process is killed, or nothing.
pub(crate) fn take_in(tree: &Tree, tables: &HashMap<DerivedTable, Changes>) -> sled::Result<()> {
    let mut tables: Vec<_> = tables.iter().map(|(table, rows)| (Table::Derived(table.clone()), rows)).collect();
    if tables.is_empty() {
        return Ok(());
    }
    tables.sort_unstable_by_key(|(table, _)| keys::table_prefix(table));
    let mut journal = Journal::new(tree);
    for (table, rows) in &tables {
        journal.add(table, rows)?;
    }
    let pieces = journal.seal()?;
    for (table, rows) in &tables {
        rows::merge(tree, table, *rows)?;
    }
    tree.remove(keys::JOURNAL)?;
    for index in 0..pieces {
        tree.remove(keys::journal(index))?;
    }
    Ok(())
}

/// Finishes what the process before was writing when it was killed.
pub(crate) fn recover(tree: &Tree) -> sled::Result<()> {
    if let Some(header) = tree.get(keys::JOURNAL)? {
        tracing::info!("derived rows whose writing was cut short are written again");
        // A header that does not fit its pieces was never written so: then rows may be there in part.
        let damaged = || sled::Error::Unsupported("the journal of derived rows is damaged".into());
        let content = read(tree, &header)?.ok_or_else(damaged)?;
        let mut cursor = Cursor::new(&content);
        while cursor.rest() > 0 {
            let (table, rows) = take_table(&mut cursor).ok_or_else(damaged)?;
            rows::merge(tree, &table, &rows)?;
        }
        tree.remove(keys::JOURNAL)?;
    }
    for entry in tree.scan_prefix(keys::JOURNAL) {
        tree.remove(entry?.0)?;
    }
    Ok(())
}

/// A journal in the making.
struct Journal<'a> {
    tree: &'a Tree,
    /// What does not fill a piece yet.
    rest: Vec<u8>,
    pieces: u32,
    length: u64,
    checksum: u32,
}

impl<'a> Journal<'a> {
    fn new(tree: &'a Tree) -> Self {
        Self { tree, rest: Vec::with_capacity(2 * PIECE_BYTES), pieces: 0, length: 0, checksum: 0 }
    }

    fn add(&mut self, table: &Table, rows: &Changes) -> sled::Result<()> {
        let Table::Derived(table) = table else { return Ok(()) };
        put_bytes(&mut self.rest, table.tenant().map_or("", Tenant::as_str).as_bytes());
        put_bytes(&mut self.rest, table.name().as_bytes());
        put_varint(&mut self.rest, rows.len() as u64);
        for (key, value) in rows {
            put_bytes(&mut self.rest, key);
            self.rest.push(u8::from(value.is_some()));
            if let Some(value) = value {
                put_bytes(&mut self.rest, value);
            }
            if self.rest.len() >= PIECE_BYTES {
                self.write_pieces(PIECE_BYTES)?;
            }
        }
        Ok(())
    }

    /// Writes pieces until less than `least` bytes are left.
    fn write_pieces(&mut self, least: usize) -> sled::Result<()> {
        let mut rest = self.rest.as_slice();
        while rest.len() >= least && !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(PIECE_BYTES));
            self.checksum = crc32c::crc32c_append(self.checksum, piece);
            self.length += piece.len() as u64;
            self.tree.insert(keys::journal(self.pieces), piece)?;
            self.pieces += 1;
            rest = behind;
        }
        let written = self.rest.len() - rest.len();
        self.rest.drain(..written);
        Ok(())
    }

    /// Writes the header, which makes the journal valid; says how many pieces there are.
    fn seal(mut self) -> sled::Result<u32> {
        self.write_pieces(1)?;
        let header =
            [&self.pieces.to_le_bytes()[..], &self.length.to_le_bytes(), &self.checksum.to_le_bytes()].concat();
        self.tree.insert(keys::JOURNAL, header)?;
        Ok(self.pieces)
    }
}

/// What the journal of this header says; `None` when its pieces are not what was written.
fn read(tree: &Tree, header: &[u8]) -> sled::Result<Option<Bytes>> {
    let mut header = Cursor::new(header);
    let (Some(pieces), Some(length), Some(checksum), 0) = (header.u32(), header.u64(), header.u32(), header.rest())
    else {
        return Ok(None);
    };
    let mut content = Vec::new();
    for index in 0..pieces {
        match tree.get(keys::journal(index))? {
            Some(piece) => content.extend_from_slice(&piece),
            None => return Ok(None),
        }
    }
    let is_whole = content.len() as u64 == length && crc32c::crc32c(&content) == checksum;
    Ok(is_whole.then(|| content.into()))
}

fn take_table(cursor: &mut Cursor<'_>) -> Option<(Table, Changes)> {
    let tenant = cursor.text()?;
    let tenant = if tenant.is_empty() { None } else { Some(Tenant::new(tenant).ok()?) };
    let table = DerivedTable::stored(cursor.text()?).ok()?;
    let mut rows = Changes::new();
    for _ in 0..cursor.varint()? {
        let key = Bytes::copy_from_slice(cursor.bytes()?);
        let value = match cursor.byte()? {
            0 => None,
            1 => Some(Bytes::copy_from_slice(cursor.bytes()?)),
            _ => return None,
        };
        rows.insert(key, value);
    }
    Some((table.in_tenant(tenant).into(), rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Contents = Vec<(Vec<u8>, Vec<u8>)>;

    /// What the flush `number` changes: rows of several tables that all say `number`, short and long, longer and
    /// shorter than before, one new and one deleted.
    fn changes(number: u32) -> HashMap<DerivedTable, Changes> {
        let text = Bytes::from(number.to_string());
        let long = Bytes::from(number.to_string().repeat([9000, 20_000, 5000][number as usize % 3]));
        let view = Changes::from([
            ("checkpoint".into(), Some(text.clone())),
            ("long".into(), Some(long)),
            (format!("new-{number}").into(), Some(text.clone())),
            (format!("new-{}", number - 1).into(), None),
        ]);
        let tenant = Tenant::new("acme").unwrap();
        let tables = ["other", "view"].map(|name| DerivedTable::new(name).unwrap().in_tenant(Some(tenant.clone())));
        let [other, view_of_tenant] = tables;
        let one = Changes::from([("row".into(), Some(text))]);
        let view_table = DerivedTable::new("view").unwrap();
        let of_annals = DerivedTable::SYSTEM.map(|table| (table, one.clone()));
        let others = [(view_table, view), (other, one.clone()), (view_of_tenant, one)];
        others.into_iter().chain(of_annals).collect()
    }

    fn contents(tree: &Tree) -> Contents {
        tree.inner().iter().map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect()
    }

    fn set(tree: &Tree, contents: &Contents) {
        tree.inner().clear().unwrap();
        contents.iter().for_each(|(key, value)| tree.insert(key, &value[..]).unwrap());
    }

    /// Does `work` and says what it wrote, one write after the other.
    fn record(tree: &Tree, work: impl FnOnce(&Tree)) -> Vec<sled::Event> {
        const END: &[u8] = b"end";
        // It holds 1,024 writes; one more would wait for a reader.
        let written = tree.inner().watch_prefix([]);
        work(tree);
        tree.insert(END, b"").unwrap();
        let writes = written.take_while(|write| write.key() != END).collect();
        tree.remove(END).unwrap();
        writes
    }

    fn replay(tree: &Tree, writes: &[sled::Event]) {
        for write in writes {
            match write {
                sled::Event::Insert { key, value } => tree.insert(key, value).unwrap(),
                sled::Event::Remove { key } => tree.remove(key).unwrap(),
            }
        }
    }

    /// T1, P6: of the writes of several flushes the first n survive, for every n, and of those of the recovery the
    /// first m: each flush is there whole or not at all, never without the one before it, and nothing else is left.
    #[test]
    fn whatever_survives_is_whole() {
        let (tree, copy) = (Tree::temporary(), Tree::temporary());
        let mut writes = Vec::new();
        let mut whole = vec![contents(&tree)];
        for number in 1..=4 {
            writes.extend(record(&tree, |tree| take_in(tree, &changes(number)).unwrap()));
            whole.push(contents(&tree));
        }
        assert!(!whole.iter().flatten().any(|(key, _)| key.starts_with(keys::JOURNAL)), "journals are removed");
        set(&copy, &Contents::new());
        replay(&copy, &writes);
        assert!(contents(&copy) == contents(&tree), "every write was recorded");
        let mut seen = Vec::new();
        for survived in 0..=writes.len() {
            set(&copy, &Contents::new());
            replay(&copy, &writes[..survived]);
            let torn = contents(&copy);
            let repairs = record(&copy, |tree| recover(tree).unwrap());
            let found = contents(&copy);
            let number = whole.iter().position(|whole| *whole == found);
            seen.push(number.unwrap_or_else(|| panic!("{survived} writes leave half a flush")));
            for repaired in 0..repairs.len() {
                set(&copy, &torn);
                replay(&copy, &repairs[..repaired]);
                recover(&copy).unwrap();
                assert!(contents(&copy) == found, "{survived} writes, then {repaired} of the recovery");
            }
        }
        assert!(seen.is_sorted(), "{seen:?}");
        assert_eq!((seen.first(), seen.last()), (Some(&0), Some(&4)));
    }

    /// P10: a journal that is not what was written is an error, whatever byte of it is another.
    #[test]
    fn a_damaged_journal_is_not_believed() {
        let tree = Tree::temporary();
        let writes = record(&tree, |tree| take_in(tree, &changes(1)).unwrap());
        let header = |write: &sled::Event| matches!(write, sled::Event::Insert { key, .. } if key == keys::JOURNAL);
        let sealed = writes.iter().position(header).unwrap();
        set(&tree, &Contents::new());
        replay(&tree, &writes[..=sealed]);
        let journal = contents(&tree);
        for (index, (key, value)) in journal.iter().enumerate() {
            for at in (0..value.len()).step_by(if value.len() > 100 { 97 } else { 1 }) {
                let mut damaged = journal.clone();
                damaged[index].1[at] ^= 1;
                set(&tree, &damaged);
                assert!(recover(&tree).is_err(), "byte {at} of {key:?}");
            }
            if index > 0 {
                let mut damaged = journal.clone();
                damaged.remove(index);
                set(&tree, &damaged);
                assert!(recover(&tree).is_err(), "without {key:?}");
            }
        }
    }
}
