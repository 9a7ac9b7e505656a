//! Recognising a repeated request and giving it the first answer.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{
    LoggedTable, Receipt, Tenant,
    text::{self, InvalidText},
};

/// The caller's name for one request, the same each time the request is sent.
///
/// 1 to 255 bytes of UTF-8 without control characters. Keys of different tenants do not meet. A key is kept for ever,
/// unless it is forgotten by [`Annals::prune_keys`](crate::Annals::prune_keys).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey {
    tenant: Option<Tenant>,
    text: SmolStr,
}

impl IdempotencyKey {
    /// The key `text` of no tenant.
    ///
    /// # Errors
    /// [`InvalidText`] when it breaks the rules above.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidText> {
        let text = text.as_ref();
        text::check("idempotency key", text, &[])?;
        Ok(Self { tenant: None, text: text.into() })
    }

    /// The same key of `tenant`, or of none.
    #[must_use]
    pub fn in_tenant(mut self, tenant: Option<Tenant>) -> Self {
        self.tenant = tenant;
        self
    }

    /// Whose key it is.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// The text, without the tenant.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where the store keeps the key's [`Repetition`]: a row of `$once`.
    #[must_use]
    pub fn row(&self) -> (LoggedTable, Bytes) {
        let table = LoggedTable::ONCE.in_tenant(self.tenant.clone());
        (table, Bytes::copy_from_slice(self.text.as_bytes()))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tenant {
            Some(tenant) => write!(f, "{tenant}/{}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// What a request asked for, in 128 bits: two requests with the same key must have the same digest.
///
/// It is of the *request* (target, command, its content), never of the events, ids or times that a decision produced,
/// which differ when the decision is made again. It guards against mistakes, not against forgery.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest([u8; 16]);

impl Digest {
    /// The digest (XXH3, 128 bits) of parts, whose borders count.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        // Most requests are short: to copy them costs less than to hash them piece by piece.
        let length = parts.iter().map(|part| size_of::<u64>() + part.len()).sum();
        let mut joined = Vec::with_capacity(length);
        for part in parts {
            joined.extend_from_slice(&(part.len() as u64).to_le_bytes());
            joined.extend_from_slice(part);
        }
        Self(xxhash_rust::xxh3::xxh3_128(&joined).to_be_bytes())
    }

    /// The digest with these bytes, as a store kept them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Makes a commit take effect once, however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The caller's name for the request.
    pub key: IdempotencyKey,
    /// What the request asked for.
    pub digest: Digest,
    /// What the first sender is answered, and every later one too.
    pub answer: Bytes,
}

/// What the store remembers of a key: the row of `$once`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repetition {
    /// The digest of the first request.
    pub digest: Digest,
    /// What the first commit returned.
    pub receipt: Receipt,
}

impl Repetition {
    /// The bytes of the row.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        // Most rows fit, so that the bytes need not move while they are written.
        let mut bytes = Vec::with_capacity(128);
        // Writing plain data to memory cannot fail; a row cut short would be read back as a typed error.
        let _ = rmp_serde::encode::write(&mut bytes, self);
        bytes.into()
    }

    /// Reads the row back, its receipt marked as repeated. `None` when the bytes are no such row.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut repetition: Self = rmp_serde::from_slice(bytes).ok()?;
        repetition.receipt.repeated = true;
        Some(repetition)
    }
}
