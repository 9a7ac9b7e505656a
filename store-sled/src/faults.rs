//! What the tests of the store itself see of its calls to the operating system and to sled.

use std::path::Path;

/// A call that the store is about to make.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "faults"), allow(dead_code, reason = "only an observer reads it"))]
pub struct Call<'a> {
    /// On what: `log`, `segment`, `clean`, `lock`, `torn`, `folder`, `index` for its files, `sled` for a step on its
    /// contents, which is made of calls on sled: on its `database`, or a tree of it, `entries`, `older` or `derived`.
    pub on: &'static str,
    /// The file or folder.
    pub path: &'a Path,
    /// What it does there.
    pub effect: Effect<'a>,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "faults"), allow(dead_code, reason = "only an observer reads it"))]
pub enum Effect<'a> {
    /// Opens a file that is there.
    Open,
    /// Creates a file, or empties the one that is there.
    Create,
    /// Locks a file.
    Lock,
    /// Reads from a file, or asks for its length.
    Read,
    /// Writes to a file.
    Write {
        /// Where.
        offset: u64,
        /// What.
        bytes: &'a [u8],
    },
    /// Cuts a file, or lengthens it with zeros.
    SetLength(u64),
    /// Waits until the contents of a file are on disk.
    SyncData,
    /// Waits until the contents of a file and everything about it are on disk.
    SyncAll,
    /// Gives a file or a folder another name, in place of what has that name.
    Rename {
        /// The other name.
        to: &'a Path,
    },
    /// Removes a file, or a folder and all in it.
    Remove,
    /// Creates a folder.
    CreateFolder,
    /// Waits until the names in a folder are on disk.
    SyncFolder,
    /// Lists a folder.
    List,
    /// Something on sled: a step, or a single call.
    Sled(&'static str),
}

/// The name of the call: `log.write`, `segment.rename`, `sled.take_in`, `entries.insert`.
#[cfg(feature = "faults")]
impl std::fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verb = match self.effect {
            Effect::Open => "open",
            Effect::Create => "create",
            Effect::Lock => "lock",
            Effect::Read => "read",
            Effect::Write { .. } => "write",
            Effect::SetLength(_) => "set_length",
            Effect::SyncData => "sync",
            Effect::SyncAll => "sync_all",
            Effect::Rename { .. } => "rename",
            Effect::Remove => "remove",
            Effect::CreateFolder => "create_folder",
            Effect::SyncFolder => "sync_folder",
            Effect::List => "list",
            Effect::Sled(what) => what,
        };
        write!(f, "{}.{verb}", self.on)
    }
}

/// Stands between a store and what it calls, and decides what becomes of each call.
///
/// It is asked on the thread that makes the call, so it may also wait there, or end the process.
#[cfg(feature = "faults")]
pub trait Observer: Send + Sync {
    /// `make` makes the call, once; of a write, at most so many bytes. What this returns is what the store sees, so a
    /// call fails before its effect when it is not made, behind its effect when it is made and an error returned, and
    /// in the middle when a part is written and an error returned. A call that is not made and succeeds is a disk that
    /// lies; one that gives something cannot succeed so.
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> std::io::Result<()>) -> std::io::Result<()>;
}
