//! Archives: all commits of a store in one stream of bytes, which does not depend on how they lie in a log. FORMAT.md has
//! every byte.

mod error;
mod export;
mod import;
mod reader;
mod wire;

pub use error::{ArchiveError, ExportError, ImportError};
pub use export::{Export, ExportReport};
pub use import::{Import, ImportReport};

pub(crate) use reader::{ArchiveReader, Part};
