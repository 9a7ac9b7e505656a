//! The embedded store of annals: an own log that loses nothing, and a sled index that can be lost.
//!
//! A commit is written to the log (`log`), synced, and published to readers from memory (`overlay`); a thread behind
//! feeds it to sled (`index`, `indexer`). FORMAT.md beside this crate's manifest documents every byte of the log.

mod apply;
mod archive;
mod backup;
mod committer;
mod copy;
#[cfg(feature = "faults")]
pub mod faults;
#[cfg(not(feature = "faults"))]
#[allow(unreachable_pub, reason = "it is public with the feature")]
mod faults;
mod files;
mod index;
mod indexer;
mod loader;
mod lock;
mod log;
mod log_reader;
mod name_key;
mod open;
mod open_store;
mod options;
mod overlay;
mod read;
mod rebuild;
mod repair;
mod report;
mod shared;
mod sleeper;
mod store;
mod sync;
mod unfinished;
mod verify;

pub use archive::{ArchiveError, Export, ExportError, ExportReport, Import, ImportError, ImportReport};
pub use backup::{Backup, BackupError, BackupReport, Restore, RestoreError, RestoreReport};
pub use copy::{CopyDifference, CopyError, CopyProgress, CopyReport, CopyTransform, CopyVerification};
pub use files::{SegmentFile, StoreFiles};
pub use loader::{Loader, LoaderError, LoaderProgress};
pub use log_reader::{LogProgress, LogReader};
pub use options::SledOptions;
pub use rebuild::rebuild_index;
pub use repair::{Loss, LostStream, Repair, RepairError, RepairReport};
pub use report::{OpenError, OpenReport, TornTail};
pub use store::SledStore;
pub use verify::{Damage, DamagedCommit, IndexVerification, Verification, Verify, verify_index};
