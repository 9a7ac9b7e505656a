//! The embedded store: a folder, no server.

use std::path::Path;

use annals_core::{Annals, Builder};

pub use annals_store_sled::{
    ArchiveError, Backup, BackupError, BackupReport, CopyDifference, CopyError, CopyProgress, CopyReport,
    CopyTransform, CopyVerification, Damage, DamagedCommit, Export, ExportError, ExportReport, Import, ImportError,
    ImportReport, IndexVerification, Loader, LoaderError, LoaderProgress, LogProgress, LogReader, Loss, LostStream,
    OpenError, OpenReport, Repair, RepairError, RepairReport, Restore, RestoreError, RestoreReport, SegmentFile,
    SledOptions, SledStore, StoreFiles, TornTail, Verification, Verify, rebuild_index, verify_index,
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
