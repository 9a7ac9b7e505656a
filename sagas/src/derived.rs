//! What the code calls that `#[saga]` and `#[reaction]` write. No part of the interface.

use std::fmt::Display;

pub use annals_core::{Upcast, UpcastError, codec};
pub use annals_projections::derived::*;

pub use crate::{Joint, PastState, SendsTo, Unhandled};

/// A command that there is none of.
#[derive(Debug)]
pub enum NoCommand {}

/// The key of an event, as it was written: something with a text, or an `Option` of it.
#[derive(Debug)]
pub struct KeyOf<T>(pub T);

/// Something that is the key of an event by its text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no key of an event",
    label = "has no text of its own",
    note = "a key is anything with `Display`, or an `Option` of it, which is `None` when the event is for nobody"
)]
pub trait EventKey: Display {}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> EventKey for T {}

/// A key that is no `Option`: these have a method of this name themselves, which comes first.
pub trait PlainKey<T> {
    /// Its text.
    fn key(self) -> Option<String>
    where
        T: EventKey;
}

impl<T> PlainKey<T> for KeyOf<T> {
    fn key(self) -> Option<String>
    where
        T: EventKey,
    {
        Some(self.0.to_string())
    }
}

impl<T> KeyOf<Option<T>> {
    /// Its text.
    pub fn key(self) -> Option<String>
    where
        T: EventKey,
    {
        self.0.map(|key| key.to_string())
    }
}

impl<T> KeyOf<&Option<T>> {
    /// Its text.
    pub fn key(self) -> Option<String>
    where
        T: EventKey,
    {
        self.0.as_ref().map(ToString::to_string)
    }
}
