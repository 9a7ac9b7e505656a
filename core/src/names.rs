//! Unique names: claimed, released and handed over in the commit of the events that say so.
//!
//! A name is a row of the logged table `$names`: its key a keyed hash of tenant, scope and name, its value the stream that
//! holds it. So the log never holds a name, and erasing the events that do is enough to forget it.

mod claim;
mod key;
mod ledger;

use std::fmt;

use crate::{
    Annals, InvalidText, LoggedTable, ReadError, StreamId, Tenant,
    text::{self},
};

pub use claim::NameClaim;
pub(crate) use claim::{Claimed, Said};
pub use key::{NameKey, NameKeyError};
pub(crate) use ledger::NameLedger;

/// A name that at most one stream of a tenant holds within its scope.
///
/// Scope and name are each 1 to 255 bytes of UTF-8 without control characters, compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UniqueName {
    scope: Box<str>,
    name: Box<str>,
}

impl UniqueName {
    /// The name `name` of `scope`.
    ///
    /// # Errors
    /// [`InvalidText`] when one of them breaks the rules above.
    pub fn new(scope: impl AsRef<str>, name: impl AsRef<str>) -> Result<Self, InvalidText> {
        let (scope, name) = (scope.as_ref(), name.as_ref());
        text::check("scope of names", scope, &[])?;
        text::check("unique name", name, &[])?;
        Ok(Self { scope: scope.into(), name: name.into() })
    }

    /// Within what it is unique.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for UniqueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.scope, self.name)
    }
}

/// Why something was not done with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameRefusal {
    /// It was claimed, and a stream holds it: another one, or the one that claims it. Choose another name.
    Taken {
        /// The name.
        name: UniqueName,
        /// The stream that holds it.
        holder: StreamId,
    },
    /// It was to be released or handed over by a stream that does not hold it. Look who does.
    NotHeld {
        /// The name.
        name: UniqueName,
        /// The stream that does not hold it.
        stream: StreamId,
        /// The stream that does, if there is one.
        holder: Option<StreamId>,
    },
}

impl fmt::Display for NameRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { name, holder } => write!(f, "{name} is taken by stream {holder}"),
            Self::NotHeld { name, stream, holder: Some(holder) } => {
                write!(f, "{name} is not held by stream {stream}, but by stream {holder}")
            }
            Self::NotHeld { name, stream, holder: None } => {
                write!(f, "{name} is not held by stream {stream}, it is free")
            }
        }
    }
}

/// Why the holder of a name could not be told.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HolderError {
    /// Scope or name break their rules. Correct them.
    #[error(transparent)]
    InvalidName(#[from] InvalidText),
    /// The key that names are hashed with cannot be used; the error says what to do.
    #[error(transparent)]
    Key(#[from] NameKeyError),
    /// The rows cannot be read; the error says what to do.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Annals {
    /// The stream of this handle's tenant that holds the name `name` of `scope`, or `None` when it is free. By the time one
    /// reads the answer it may be otherwise: to hold a name, [claim](crate::Decision::claim) it.
    ///
    /// # Errors
    /// [`HolderError`].
    pub async fn holder(
        &self,
        scope: impl AsRef<str> + Send,
        name: impl AsRef<str> + Send,
    ) -> Result<Option<StreamId>, HolderError> {
        let name = UniqueName::new(scope, name)?;
        // Where no name was ever claimed there is no key, and asking makes none.
        let Some(key) = key::existing(self).await? else { return Ok(None) };
        let (table, row) = row_of(key, self.tenant(), &name);
        let rows = self.store().get(&[(table.into(), row)]).await?;
        rows.into_iter().flatten().next().map(|holder| read_holder(&holder)).transpose().map_err(HolderError::Read)
    }
}

/// Where a name is kept.
fn row_of(key: &NameKey, tenant: Option<&Tenant>, name: &UniqueName) -> (LoggedTable, bytes::Bytes) {
    let parts = [tenant.map_or("", Tenant::as_str), name.scope(), name.name()];
    (LoggedTable::NAMES.in_tenant(tenant.cloned()), key.hash(&parts.map(str::as_bytes)))
}

fn read_holder(row: &[u8]) -> Result<StreamId, ReadError> {
    let text = String::from_utf8_lossy(row);
    text.parse().map_err(|error| ReadError::Index { reason: format!("a row of $names names no stream: {error}") })
}

#[cfg(test)]
mod tests;
