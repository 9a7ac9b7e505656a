//! Building a store's index anew.

use std::path::Path;

use annals_core::Store;

use crate::{
    OpenError, OpenReport, SledOptions, SledStore,
    files::check_is_store,
    lock::FolderLock,
    open::{index_folder, move_aside, open_locked},
    sleeper::wait_for,
};

/// Moves the index of the store in the folder `store` aside, builds it anew from the log, and closes the store. What was
/// moved aside stays as `index.aside` until the next one is.
///
/// Derived tables begin again, in a new generation: what keeps them fills them when it runs next.
///
/// Blocks, for a second or two per million events. The store must not be in use.
///
/// # Errors
/// [`OpenError`]. A kill meanwhile leaves a store whose next opening does the same.
pub fn rebuild_index(store: impl AsRef<Path>) -> Result<OpenReport, OpenError> {
    let options = SledOptions::new(store).existing();
    check_is_store(&options.path)?;
    let lock = FolderLock::take(&options.disk(), &options.path)?;
    let folder = index_folder(&options.path);
    if folder.exists() {
        let moved = move_aside(&options.disk(), &options.path, &folder);
        moved.map_err(|error| OpenError::io("moving aside", &folder, &error))?;
    }
    let opened = open_locked(&options, lock)?;
    let store = SledStore::start(options, opened)?;
    wait_for(store.shut_down());
    Ok(store.report().clone())
}
