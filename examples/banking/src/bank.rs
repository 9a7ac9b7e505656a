//! Where the bank's books lie, and what is in them. The only file that names a store.

use std::path::Path;

use annals::{Annals, OpenError, Schemas, embedded::SledOptions};

use crate::domain::{
    Account, Customer, Transfer,
    account::{Close, Deposit, ImportTransaction, Open, OpenSavings, PayInterest, Withdraw},
    customer::{Register, Rename},
};

/// All that the bank stores. `events.lock` holds it, and the books themselves say what of it they hold.
#[must_use]
pub fn schemas() -> Schemas {
    Schemas::new()
        .aggregate::<Customer>()
        .command::<Register>()
        .command::<Rename>()
        .aggregate::<Account>()
        .command::<Open>()
        .command::<OpenSavings>()
        .command::<Deposit>()
        .command::<Withdraw>()
        .command::<PayInterest>()
        .command::<ImportTransaction>()
        .command::<Close>()
        .command::<Transfer>()
}

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
    Annals::over(options).aggregate::<Account>().aggregate::<Customer>().schemas(schemas()).open().await
}
