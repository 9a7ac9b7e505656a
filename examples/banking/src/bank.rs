//! Where the bank's books lie, what is in them, and what follows them. The only file that names a store.

use std::path::Path;

use annals::{Annals, Builder, OpenError, Schemas, embedded::SledOptions};

use crate::domain::{
    Account, Customer, Transfer,
    account::{Close, Deposit, ImportTransaction, Open, OpenSavings, PayInterest, Withdraw},
    customer::{Register, Rename},
};
use crate::read;

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

/// Opens the books in the folder `store`; there they begin if there are none. All read models follow them.
///
/// # Errors
/// [`OpenError`].
pub async fn open(store: &Path) -> Result<Annals, OpenError> {
    read::register(books(SledOptions::new(store))).open().await
}

/// Opens the books in the folder `store`, which must be there: asking begins no books. All read models follow them.
///
/// # Errors
/// [`OpenError`].
pub async fn open_existing(store: &Path) -> Result<Annals, OpenError> {
    read::register(books(SledOptions::new(store).existing())).open().await
}

/// The same without read models, for whoever reads nothing but the events.
///
/// # Errors
/// [`OpenError`].
pub async fn open_events(store: &Path) -> Result<Annals, OpenError> {
    books(SledOptions::new(store).existing()).open().await
}

fn books(options: SledOptions) -> Builder {
    Annals::over(options).aggregate::<Account>().aggregate::<Customer>().schemas(schemas())
}
