//! Computes a read model anew, beside the one that is read.

use annals::{
    Annals,
    prelude::ReadModels,
    projections::{ProjectionHandle, Rebuild, Shadow, ShadowError},
};
use thiserror::Error;

use crate::progress::Progress;

/// There is no read model of this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no read model is called `{name}`; there are {}", .known.join(", "))]
pub struct UnknownReadModel {
    /// The name.
    pub name: String,
    /// Those that there are.
    pub known: Vec<&'static str>,
}

/// Which rows are to run beside those that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// New ones, computed from all events.
    Anew,
    /// Those that were read before the latest swap, which go on from where they were.
    Former,
}

/// The read model `name`. A hyphen is as good as the underscore in a name.
///
/// # Errors
/// [`UnknownReadModel`], which lists the names.
pub fn find(bank: &Annals, name: &str) -> Result<ProjectionHandle, UnknownReadModel> {
    let projections = bank.projections();
    let wanted = name.replace('-', "_");
    let found = projections.as_ref().and_then(|projections| projections.named(&wanted));
    found.ok_or_else(|| {
        let known = projections.iter().flat_map(|projections| projections.iter());
        UnknownReadModel { name: name.to_owned(), known: known.map(|projection| projection.name()).collect() }
    })
}

/// Lets `rows` of a read model run beside those that are read, or goes on with what an earlier run began.
///
/// # Errors
/// [`ShadowError`].
pub async fn begin(projection: &ProjectionHandle, rows: Rows) -> Result<Shadow, ShadowError> {
    match rows {
        Rows::Anew => projection.rebuild(Rebuild::new()).await,
        Rows::Former => projection.bring_back().await,
    }
}

/// Waits until `shadow` holds what is in the books by now, and tells `progress` how far it is.
///
/// # Errors
/// [`ShadowError`].
pub async fn until_caught_up(shadow: &Shadow, progress: &Progress) -> Result<(), ShadowError> {
    let mut status = shadow.watch();
    progress.resume(status.borrow_and_update().position.get());
    let mut caught_up = std::pin::pin!(shadow.caught_up());
    loop {
        tokio::select! {
            done = &mut caught_up => return done,
            Ok(()) = status.changed() => progress.reach(status.borrow_and_update().position.get()),
        }
    }
}
