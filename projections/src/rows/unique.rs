//! Values that no two rows may have.

use annals_core::{DerivedCondition, DerivedTable, RowIs, Store, Table};
use bytes::Bytes;
use hashbrown::{HashMap, HashSet};

use super::{RowsError, Writes, typed::UniqueEntry};

impl Writes {
    /// Looks up who has the entries of unique indexes that are to be put, and gives what the batch rests on: that they are
    /// still as they were found when it is applied.
    ///
    /// An entry is free if nobody has it, if its own row has it, or if who has it gives it up in the same batch.
    ///
    /// # Errors
    /// [`RowsError::Taken`] if another row has an entry, or two rows of the batch want the same; [`RowsError::Read`].
    pub(crate) async fn unique_conditions(&self, store: &dyn Store) -> Result<Vec<DerivedCondition>, RowsError> {
        self.check_wanted_once()?;
        if self.unique.is_empty() {
            return Ok(Vec::new());
        }
        let given_up: HashSet<_> = self.deletes.iter().map(|write| (&write.table, &write.key)).collect();
        let place = |wanted: &UniqueEntry| (Table::from(wanted.entries.clone()), wanted.entry.clone());
        let places: Vec<_> = self.unique.iter().map(place).collect();
        let found = store.get(&places).await?;
        let condition = |(wanted, holder): (&UniqueEntry, Option<Bytes>)| {
            let is_free = holder.as_ref().is_none_or(|holder| *holder == wanted.row);
            if !is_free && !given_up.contains(&wanted.place()) {
                return Err(wanted.taken());
            }
            let is = holder.map_or(RowIs::Absent, RowIs::Equals);
            Ok(DerivedCondition { table: wanted.entries.clone(), key: wanted.entry.clone(), is })
        };
        self.unique.iter().zip(found).map(condition).collect()
    }

    fn check_wanted_once(&self) -> Result<(), RowsError> {
        let mut rows = HashMap::with_capacity(self.unique.len());
        for wanted in &self.unique {
            if rows.insert(wanted.place(), &wanted.row).is_some_and(|other| *other != wanted.row) {
                return Err(wanted.taken());
            }
        }
        Ok(())
    }
}

impl UniqueEntry {
    fn place(&self) -> (&DerivedTable, &Bytes) {
        (&self.entries, &self.entry)
    }

    fn taken(&self) -> RowsError {
        RowsError::Taken { table: self.table, index: self.index }
    }
}

#[cfg(test)]
mod tests {
    use annals_core::{DerivedWrite, MemoryStore, RowBatch};

    use super::*;

    fn emails() -> DerivedTable {
        DerivedTable::new("people:1:people:email").unwrap()
    }

    fn put(entry: &'static str, row: &'static str) -> DerivedWrite {
        DerivedWrite { table: emails(), key: entry.into(), value: Some(row.into()) }
    }

    fn delete(entry: &'static str) -> DerivedWrite {
        DerivedWrite { table: emails(), key: entry.into(), value: None }
    }

    /// A batch in which rows want entries, and others are deleted.
    fn writes(wanted: &[(&'static str, &'static str)], deletes: &[&'static str]) -> Writes {
        let unique = wanted.iter().map(|(entry, row)| UniqueEntry {
            table: "people",
            index: "email",
            entries: emails(),
            entry: (*entry).into(),
            row: (*row).into(),
        });
        Writes {
            deletes: deletes.iter().map(|entry| delete(entry)).collect(),
            puts: wanted.iter().map(|(entry, row)| put(entry, row)).collect(),
            unique: unique.collect(),
        }
    }

    /// A store in which `ada` has the entry `a@x`.
    async fn store() -> MemoryStore {
        let store = MemoryStore::new();
        store.apply(RowBatch { rows: vec![put("a@x", "ada")], ..RowBatch::default() }).await.unwrap();
        store
    }

    async fn apply(store: &MemoryStore, writes: Writes, conditions: Vec<DerivedCondition>) -> bool {
        let rows = [writes.deletes, writes.puts].concat();
        store.apply(RowBatch { rows, conditions, ..RowBatch::default() }).await.is_ok()
    }

    #[tokio::test]
    async fn an_entry_that_nobody_has_is_free_on_condition_that_it_stays_so() {
        let store = store().await;
        let writes = writes(&[("b@x", "bob")], &[]);
        let conditions = writes.unique_conditions(&store).await.unwrap();
        assert_eq!(conditions, [DerivedCondition { table: emails(), key: "b@x".into(), is: RowIs::Absent }]);
        store.apply(RowBatch { rows: vec![put("b@x", "eve")], ..RowBatch::default() }).await.unwrap();
        assert!(!apply(&store, writes, conditions).await, "somebody else was faster");
    }

    #[tokio::test]
    async fn an_entry_of_another_row_is_taken() {
        let taken = writes(&[("b@x", "bob"), ("a@x", "bob")], &["c@x"]).unique_conditions(&store().await).await;
        assert!(matches!(taken, Err(RowsError::Taken { table: "people", index: "email" })), "{taken:?}");
    }

    #[tokio::test]
    async fn an_entry_of_the_same_row_is_free() {
        let found = writes(&[("a@x", "ada")], &[]).unique_conditions(&store().await).await.unwrap();
        assert_eq!(found, [DerivedCondition { table: emails(), key: "a@x".into(), is: RowIs::Equals("ada".into()) }]);
    }

    #[tokio::test]
    async fn an_entry_that_is_given_up_in_the_same_batch_is_free() {
        let store = store().await;
        let swap = writes(&[("a@x", "bob"), ("b@x", "ada")], &["a@x", "b@x"]);
        let conditions = swap.unique_conditions(&store).await.unwrap();
        let is: Vec<_> = conditions.iter().map(|condition| condition.is.clone()).collect();
        assert_eq!(is, [RowIs::Equals("ada".into()), RowIs::Absent]);
        assert!(apply(&store, swap, conditions).await);
        assert_eq!(store.get(&[(emails().into(), "a@x".into())]).await.unwrap(), [Some("bob".into())]);
    }

    #[tokio::test]
    async fn two_rows_of_a_batch_cannot_have_one_entry() {
        let taken = writes(&[("b@x", "bob"), ("b@x", "eve")], &["b@x"]).unique_conditions(&store().await).await;
        assert!(matches!(taken, Err(RowsError::Taken { .. })), "{taken:?}");
    }
}
