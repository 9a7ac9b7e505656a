//! From what a decision says of names to conditions and rows of its commit.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{Annals, Commit, Condition, Failure, LoggedTable, ReadError, RowIs, RowWrite, StreamId};

use super::{
    Claimed, NameKey, NameKeyError, NameRefusal, UniqueName, claim::Act, key::established, read_holder, row_of,
};

/// The names that one commit is about.
pub(crate) struct NameLedger {
    names: BTreeMap<Bytes, Entry>,
    table: LoggedTable,
}

/// One name: what must hold of its row before the commit, and who holds it behind it.
struct Entry {
    name: UniqueName,
    /// Who said the first thing about it.
    stream: StreamId,
    /// The holder that is expected before the commit.
    before: Option<StreamId>,
    holder: Option<StreamId>,
}

impl NameLedger {
    /// Takes in what was said, in the order in which it was; inside, what contradicts itself.
    pub(crate) async fn of(
        annals: &Annals,
        mut claims: Vec<Claimed>,
    ) -> Result<Result<Self, NameRefusal>, NameKeyError> {
        let key = established(annals).await?;
        let mut ledger = Self { names: BTreeMap::new(), table: LoggedTable::NAMES.in_tenant(annals.tenant().cloned()) };
        claims.sort_by_key(|claim| claim.at);
        for claim in claims {
            if let Err(refusal) = ledger.take(annals, key, claim) {
                return Ok(Err(refusal));
            }
        }
        Ok(Ok(ledger))
    }

    fn take(&mut self, annals: &Annals, key: &NameKey, claim: Claimed) -> Result<(), NameRefusal> {
        let (_, row) = row_of(key, annals.tenant(), &claim.name);
        let Claimed { name, stream, act, .. } = claim;
        let entry = self.names.entry(row).or_insert_with(|| {
            // What is said first rests on what the store holds; the condition is checked by the commit.
            let before = (act != Act::Claim).then(|| stream.clone());
            Entry { name: name.clone(), stream: stream.clone(), holder: before.clone(), before }
        });
        entry.holder = match (act, entry.holder.take()) {
            (Act::Claim, Some(holder)) => return Err(NameRefusal::Taken { name, holder }),
            (Act::Claim, None) => Some(stream),
            (Act::Release, Some(holder)) if holder == stream => None,
            (Act::Transfer(to), Some(holder)) if holder == stream => Some(to),
            (_, holder) => return Err(NameRefusal::NotHeld { name, stream, holder }),
        };
        Ok(())
    }

    /// Adds conditions and rows to the commit.
    pub(crate) fn add_to(&self, commit: &mut Commit) {
        let bytes = |holder: &StreamId| Bytes::copy_from_slice(holder.as_str().as_bytes());
        for (key, entry) in &self.names {
            let is = entry.before.as_ref().map_or(RowIs::Absent, |holder| RowIs::Equals(bytes(holder)));
            commit.conditions.push(Condition::Row { table: self.table.clone(), key: key.clone(), is });
            if entry.before != entry.holder {
                let value = entry.holder.as_ref().map(bytes);
                commit.rows.push(RowWrite { table: self.table.clone(), key: key.clone(), value });
            }
        }
    }

    /// What failed conditions say, if they are all about names: then the rest of what was decided on is as it was, and
    /// deciding again would come to the same.
    pub(crate) fn refusals(&self, failures: &[Failure]) -> Result<Option<Vec<NameRefusal>>, ReadError> {
        let mut refusals = Vec::new();
        for failure in failures {
            let Failure::Row { table, key, actual, .. } = failure else { return Ok(None) };
            let Some(entry) = self.names.get(key).filter(|_| *table == self.table) else { return Ok(None) };
            let holder = actual.as_deref().map(read_holder).transpose()?;
            let (name, stream) = (entry.name.clone(), entry.stream.clone());
            refusals.push(match (&entry.before, holder) {
                (None, Some(holder)) => NameRefusal::Taken { name, holder },
                (_, holder) => NameRefusal::NotHeld { name, stream, holder },
            });
        }
        Ok(Some(refusals))
    }
}
