//! Intents that are recorded, and replies that can be.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    UpcastError,
    codec::{self, EncodeError, PayloadError},
    shape::Schema,
};

/// A command with a stable name, so that a request can be recognised when it is sent again. Derive it.
///
/// Needed only for commands that are keyed, scheduled or sent by a saga.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no stable name to be recognised by",
    note = "derive it: `#[derive(Serialize, Deserialize, Command)]`"
)]
pub trait Command: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The stable name.
    const NAME: &'static str;

    /// The version of its shape, from 1.
    const VERSION: u32;

    /// How commands of older versions are read that still wait to be sent: those of sagas, and delayed ones.
    const PAST: &'static [PastCommand<Self>] = &[];

    /// What it is stored as: for [`Schemas`](crate::Schemas). A derived one says it; by hand it may be left out.
    #[must_use]
    fn schema() -> Option<Schema> {
        None
    }
}

/// How a command of an older version is read.
#[derive(Debug)]
pub struct PastCommand<C: 'static> {
    /// The version.
    pub version: u32,
    /// Reads it, and takes the steps to the command of today.
    pub decode: fn(&[u8]) -> Result<C, UpcastError>,
}

/// A reply that can be recorded beside an idempotency key, so that the sender of a repetition gets the first one.
#[diagnostic::on_unimplemented(
    message = "the reply `{Self}` cannot be recorded for an idempotency key",
    note = "derive Serialize and Deserialize for `{Self}`"
)]
pub trait Reply: Sized {
    /// Writes it down.
    ///
    /// # Errors
    /// [`EncodeError`].
    fn encode(&self) -> Result<Bytes, EncodeError>;

    /// Reads it back.
    ///
    /// # Errors
    /// [`PayloadError`].
    fn decode(bytes: &[u8]) -> Result<Self, PayloadError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Reply for T {
    fn encode(&self) -> Result<Bytes, EncodeError> {
        codec::encode("reply", self)
    }
    fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        codec::decode(bytes)
    }
}
