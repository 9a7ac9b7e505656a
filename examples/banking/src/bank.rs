//! Where the bank's books lie. The only file that names a store.

use std::path::Path;

use annals::{Annals, OpenError, embedded::SledOptions};

use crate::domain::{Account, Customer};

/// Opens the books in the folder `store`; there they begin if there are none.
///
/// # Errors
/// [`OpenError`].
pub async fn open(store: &Path) -> Result<Annals, OpenError> {
    open_with(SledOptions::new(store)).await
}

/// Opens the books in the folder `store`, which must be there: asking begins no books.
///
/// # Errors
/// [`OpenError`].
pub async fn open_existing(store: &Path) -> Result<Annals, OpenError> {
    open_with(SledOptions::new(store).existing()).await
}

async fn open_with(options: SledOptions) -> Result<Annals, OpenError> {
    Annals::over(options).aggregate::<Account>().aggregate::<Customer>().open().await
}
