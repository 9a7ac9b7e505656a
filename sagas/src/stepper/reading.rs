//! What a step reads: the instance as it is, kept or stored, and the row that its input is.

use annals_core::{ReadError, Scan};
use bytes::Bytes;

use crate::{
    InstanceId, ended,
    stored::{self, InstanceRow},
};

use super::{Consumed, Input, StepError, Stepper, kept::KeptInstance};

/// An instance as it was read, and what is read with it.
pub(super) struct Read {
    /// The key of its row.
    pub(super) key: Bytes,
    pub(super) row: Option<Bytes>,
    pub(super) instance: Option<InstanceRow>,
    /// How many steps were taken by instances of the key that are forgotten, if there is none.
    pub(super) steps_before: u64,
    /// Whether that is how its latest step left it: what is stored may be another by now.
    pub(super) is_kept: bool,
}

impl Stepper {
    /// The first rows of a scan: a page may be empty although there are more.
    pub(crate) async fn first_rows(&self, scan: Scan) -> Result<Vec<(Bytes, Bytes)>, ReadError> {
        let mut next = Some(scan);
        while let Some(scan) = next {
            let page = self.annals.store().scan(scan).await?;
            if !page.rows.is_empty() {
                return Ok(page.rows);
            }
            next = page.next;
        }
        Ok(Vec::new())
    }

    /// Whether a row is there as it was read.
    pub(crate) async fn is_there(&self, consumed: &Consumed) -> Result<bool, ReadError> {
        let keys = [(consumed.table.clone().into(), consumed.key.clone())];
        let found = self.annals.store().get(&keys).await?;
        Ok(found.into_iter().next().flatten().as_ref() == Some(&consumed.value))
    }

    /// The instance, unless the input was taken before.
    pub(super) async fn read(&self, id: &InstanceId, input: &Input<'_>) -> Result<Option<Read>, StepError> {
        let consumed = input.consumed();
        let (table, key) = id.row();
        if consumed.is_none()
            && let Some(kept) = self.kept.take(&key)
        {
            return Ok(Some(Read::kept(key, kept)));
        }
        let mut keys = vec![(table.into(), key.clone())];
        keys.extend(consumed.map(|consumed| (consumed.table.clone().into(), consumed.key.clone())));
        let mut rows = self.annals.store().get(&keys).await?.into_iter();
        let row = rows.next().flatten();
        if consumed.is_some_and(|consumed| rows.next().flatten().as_ref() != Some(&consumed.value)) {
            return Ok(None);
        }
        self.as_stored(id, key, row).await.map(Some)
    }

    /// The instances as they are: those that are not kept are read at once.
    pub(super) async fn read_each(
        &self,
        inputs: &[(&InstanceId, Input<'_>)],
    ) -> Result<Vec<Result<Read, StepError>>, ReadError> {
        let mut missing = Vec::new();
        let kept: Vec<_> = inputs
            .iter()
            .map(|(id, _)| {
                let (table, key) = id.row();
                let kept = self.kept.take(&key);
                if kept.is_none() {
                    missing.push((table.into(), key.clone()));
                }
                (key, kept)
            })
            .collect();
        let rows = if missing.is_empty() { Vec::new() } else { self.annals.store().get(&missing).await? };
        let mut rows = rows.into_iter();
        let mut reads = Vec::with_capacity(inputs.len());
        for ((id, _), (key, kept)) in inputs.iter().zip(kept) {
            reads.push(match kept {
                Some(kept) => Ok(Read::kept(key, kept)),
                None => self.as_stored(id, key, rows.next().flatten()).await,
            });
        }
        Ok(reads)
    }

    /// The instance that is stored as `row`, if that is there.
    async fn as_stored(&self, id: &InstanceId, key: Bytes, row: Option<Bytes>) -> Result<Read, StepError> {
        let instance = row.as_deref().map(stored::decode).transpose()?;
        let begins = row.is_none() && self.forgets();
        let steps_before = if begins { ended::steps_before(self, id).await? } else { 0 };
        Ok(Read { key, row, instance, steps_before, is_kept: false })
    }
}

impl Read {
    fn kept(key: Bytes, (row, instance): KeptInstance) -> Self {
        Self { key, row: Some(row), instance: Some(instance), steps_before: 0, is_kept: true }
    }
}
