//! Copying a store through a transformation into a new one.
#![allow(clippy::print_stdout, reason = "a test may speak, and its child speaks to it")]

mod bad_inputs;
mod fates;
mod kill;
mod large;
mod same;
mod transformations;

use std::path::Path;

use annals_core::{Commit, IdempotencyKey, LoggedTable, NameKey, RowWrite, Store};
use annals_store_sled::{SledOptions, SledStore};

use crate::support::{event, mixed};

/// How many commits the source has beside the last ones.
const COMMITS: usize = 120;

/// Small segments, so that a few commits have several.
fn small(options: SledOptions) -> SledOptions {
    options.segment_bytes(4096)
}

fn name(hash: &'static str, holder: &'static str) -> RowWrite {
    RowWrite::put(LoggedTable::NAMES, hash, holder)
}

/// A closed store with a bit of everything that a log can hold; returns its key of unique names.
async fn source(path: &Path) -> NameKey {
    let store = SledStore::open(small(SledOptions::new(path))).unwrap();
    for number in 0..COMMITS {
        store.commit(mixed(number)).await.unwrap();
    }
    let key = store.name_key(true).await.unwrap().unwrap();
    let (once, forgotten) = IdempotencyKey::new("0").unwrap().row();
    let named = Commit::of([event("s-1", "named")]).row(name("hash-1", "s-1")).row(name("hash-2", "s-2"));
    for commit in [
        named,
        Commit::new().row(name("hash-2", "s-3")),
        Commit::new().row(RowWrite::close(&"s-3".parse().unwrap())),
        Commit::new().row(RowWrite::delete(once, forgotten)),
        Commit::of([event("acme/s-1", "of a tenant")]).row(RowWrite::close(&"acme/s-1".parse().unwrap())),
    ] {
        store.commit(commit).await.unwrap();
    }
    store.shut_down().await;
    key
}

/// A folder with a source in `from`, and room for a copy in `to`.
struct Folder {
    folder: tempfile::TempDir,
    from: std::path::PathBuf,
    to: std::path::PathBuf,
    key: NameKey,
}

impl Folder {
    async fn with_source() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        let key = source(&from).await;
        Self { folder, from, to, key }
    }
}
