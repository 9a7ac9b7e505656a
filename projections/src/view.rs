//! Placeholder.
use std::{borrow::Borrow, marker::PhantomData, sync::Arc};

use annals_core::{InvalidText, Position, ReadError, Tenant};
use bytes::Bytes;

use crate::{KeyBytes, Row, RowsError, reading::Reading, rows::read};

/// A table.
pub struct View<R> {
    reading: Arc<Reading>,
    tenant: Option<Tenant>,
    row: PhantomData<fn() -> R>,
}

/// Why not.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// No.
    #[error("no projection keeps a table of {row}")]
    NotRegistered {
        /// The row.
        row: &'static str,
    },
    /// Not yet.
    #[error("projection {projection} is computing its rows anew: it is at {position} of {target}")]
    Rebuilding {
        /// The projection.
        projection: &'static str,
        /// Where it is.
        position: Position,
        /// Where it has to come.
        target: Position,
    },
    /// Name.
    #[error(transparent)]
    Name(#[from] InvalidText),
    /// Read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Rows.
    #[error(transparent)]
    Rows(#[from] RowsError),
}

impl<R: Row> View<R> {
    pub(crate) fn new(reading: Arc<Reading>, tenant: Option<Tenant>) -> Self {
        Self { reading, tenant, row: PhantomData }
    }

    /// Get.
    ///
    /// # Errors
    /// No.
    pub async fn get(&self, key: impl Borrow<R::Key>) -> Result<Option<R>, ViewError> {
        let names = self.reading.names::<R>(self.tenant.as_ref())?;
        let key = Bytes::copy_from_slice(KeyBytes::of(key.borrow()).as_slice());
        let found = self.reading.rows.get(&[(names.rows.into(), key)]).await?.into_iter().next().flatten();
        Ok(found.map(|row| read::<R>(&row)).transpose()?)
    }
}
