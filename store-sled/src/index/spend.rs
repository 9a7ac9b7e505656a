//! For tests: a process that dies behind so many writes to the index.

use std::{cell::Cell, io};

use crate::faults::{Call, Effect, Observer};

thread_local! {
    /// How many writes are still let through on this thread.
    pub(super) static WRITES: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Lets so many writes through.
pub(super) struct Spend;

impl Observer for Spend {
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        let effect = call.effect;
        let is_change =
            matches!(effect, Effect::Create | Effect::Write { .. } | Effect::Rename { .. } | Effect::Remove);
        if is_change || matches!(effect, Effect::Sled("insert" | "remove")) {
            WRITES.set(WRITES.get().checked_sub(1).ok_or_else(|| io::Error::other("killed"))?);
        }
        make(usize::MAX)
    }
}
