//! What a copy keeps in its target to go on from.

use std::path::Path;

use annals_core::{CommitNumber, Transformation, TransformationName};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CopyError, Run};

/// Which copy it is, and up to where the source is in the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The id of the source's log.
    pub(super) source: Uuid,
    pub(super) transformation: TransformationName,
    /// The last commit of the source that is in, and the hash over all up to it.
    pub(super) commit: CommitNumber,
    pub(super) chain: u64,
    /// Whether what the transformation appends at the end is in as well.
    pub(super) is_ended: bool,
}

impl Mark {
    pub(super) fn encode(&self) -> Vec<u8> {
        // Writing plain data to memory cannot fail; a mark cut short would be read back as a typed error.
        rmp_serde::to_vec_named(self).unwrap_or_default()
    }

    /// The mark in a target; `None` in one that was just begun.
    pub(super) fn of(value: &Bytes, to: &Path) -> Result<Option<Self>, CopyError> {
        if value.is_empty() {
            return Ok(None);
        }
        rmp_serde::from_slice(value).map(Some).map_err(|_| CopyError::NoCopy { path: to.to_owned() })
    }

    /// Makes sure that this is the same copy.
    pub(super) fn check<T: Transformation>(&self, run: &Run<T>) -> Result<(), CopyError> {
        if self.source != run.reader.log_id() {
            return Err(CopyError::OtherSource { expected: run.reader.log_id(), found: self.source });
        }
        if self.transformation != run.name {
            let found = self.transformation.clone();
            return Err(CopyError::OtherTransformation { expected: run.name.clone(), found });
        }
        Ok(())
    }
}
