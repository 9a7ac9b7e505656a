//! The key that a store's names are hashed with.

use std::fmt;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use crate::{Annals, Commit, CommitError, Condition, LoggedTable, ReadError, RowIs, RowWrite};

/// The key that a store's unique names are hashed with: 32 random bytes, one for all tenants of a store, for ever.
///
/// It is kept beside the log, not in it, and is part of every backup. Whoever has both can find out whether a name they
/// guess is held; with the log alone, not.
#[derive(Clone, PartialEq, Eq)]
pub struct NameKey([u8; 32]);

/// Why the key that names are hashed with cannot be used. Nothing was written.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum NameKeyError {
    /// The log holds names, but their key is gone. A new one would let every name be claimed again: restore the key from a
    /// backup, for the embedded store the file `names.key` in its folder.
    #[error("the log holds unique names, but the key that they are hashed with is missing: restore it from a backup")]
    Missing,
    /// There is a key, but another one than the log's names were hashed with. Restore the right one from a backup, for the
    /// embedded store the file `names.key` in its folder.
    #[error("the key of unique names is not the one that this log's names are hashed with: restore it from a backup")]
    Wrong,
    /// The key, or what the log says of it, cannot be read or written; the error says what to do.
    #[error("the key of unique names cannot be read: {0}")]
    Read(#[from] ReadError),
    /// What the log shall say of the key could not be written; the error says what to do.
    #[error("the key of unique names cannot be established: {0}")]
    Commit(#[from] CommitError),
}

impl NameKey {
    /// A key that was never there before.
    ///
    /// # Errors
    /// [`ReadError::Io`] when the system gives no random bytes.
    pub fn random() -> Result<Self, ReadError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| ReadError::Io { what: "getting random bytes".into(), reason: error.to_string() })?;
        Ok(Self(bytes))
    }

    /// The key with these bytes, as a store kept them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// HMAC-SHA-256 (RFC 2104) of parts, whose borders count.
    pub(super) fn hash(&self, parts: &[&[u8]]) -> Bytes {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Bytes::new() };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Bytes::copy_from_slice(&mac.finalize().into_bytes())
    }

    /// What the log says of the key: nothing that the key could be found by, enough to tell it from another one.
    fn check_value(&self) -> Bytes {
        self.hash(&[b"annals unique names"])
    }
}

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameKey(..)")
    }
}

/// The key, if the log says that there is one.
pub(super) async fn existing(annals: &Annals) -> Result<Option<&NameKey>, NameKeyError> {
    if let Some(key) = annals.name_key().get() {
        return Ok(Some(key));
    }
    if logged(annals).await?.is_none() {
        return Ok(None);
    }
    established(annals).await.map(Some)
}

/// The key; the first time that a store is asked for it, it is made, and the log says so before any name does.
pub(crate) async fn established(annals: &Annals) -> Result<&NameKey, NameKeyError> {
    if let Some(key) = annals.name_key().get() {
        return Ok(key);
    }
    // Whoever comes at the same time finds the same key.
    let key = establish(annals).await?;
    Ok(annals.name_key().get_or_init(|| key))
}

async fn establish(annals: &Annals) -> Result<NameKey, NameKeyError> {
    let store = annals.store();
    loop {
        if let Some(check) = logged(annals).await? {
            let key = store.name_key(false).await?.ok_or(NameKeyError::Missing)?;
            return if key.check_value() == check { Ok(key) } else { Err(NameKeyError::Wrong) };
        }
        let key = store.name_key(true).await?.ok_or(NameKeyError::Missing)?;
        let (table, row) = (LoggedTable::NAME_KEY, Bytes::new());
        let absent = Condition::Row { table: table.clone(), key: row.clone(), is: RowIs::Absent };
        match store.commit(Commit::new().row(RowWrite::put(table, row, key.check_value())).when(absent)).await {
            Ok(_) => return Ok(key),
            // Another handle was first: what it wrote is looked at like any other.
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn logged(annals: &Annals) -> Result<Option<Bytes>, ReadError> {
    let rows = annals.store().get(&[(LoggedTable::NAME_KEY.into(), Bytes::new())]).await?;
    Ok(rows.into_iter().flatten().next())
}
