//! The embedded store: a folder, no server.

use std::path::Path;

use annals_core::{Annals, Builder};

pub use annals_store_sled::{
    CopyDifference, CopyError, CopyProgress, CopyReport, CopyTransform, CopyVerification, Loader, LoaderError,
    LoaderProgress, LogReader, OpenError, OpenReport, SledOptions, SledStore, TornTail,
};

/// Begins an application on the embedded store; in the prelude, so that it reads `Annals::builder(path)`.
pub trait Embedded {
    /// Begins to open the embedded store in the folder `path`, which is created if it is not there. With
    /// [`SledOptions`] and [`Annals::over`] there is more to say.
    fn builder(path: impl AsRef<Path>) -> Builder;
}

impl Embedded for Annals {
    fn builder(path: impl AsRef<Path>) -> Builder {
        Self::over(SledOptions::new(path))
    }
}
