//! Where the shop's records lie, what is in them, and what follows them. The only file that names a store.

use std::{path::Path, sync::Arc};

use annals::{
    Annals, Builder, OpenError, Schemas,
    embedded::SledOptions,
    prelude::*,
    sagas::{Begin, SagaOptions},
};

use crate::{
    calendar::Calendar,
    domain::{Invoice, Order, Package, Payment, Shipment, StockItem, payment::Bank, shipment::Carrier},
    process::{Collection, Fulfilment, Parcels, Replenishment, Returns},
    read,
    services::{FickleBank, FickleCarrier},
};

/// All that the shop stores. `events.lock` holds it.
#[must_use]
pub fn schemas() -> Schemas {
    Schemas::new()
        .aggregate::<Order>()
        .aggregate::<StockItem>()
        .aggregate::<Payment>()
        .aggregate::<Package>()
        .aggregate::<Shipment>()
        .aggregate::<Invoice>()
}

/// Who brings goods to customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warehouse {
    /// The shop itself: [`Fulfilment`] sees to it.
    Own,
    /// Somebody else, who says what was done.
    Elsewhere,
}

/// Opens the shop in the folder `store`, under a clock that is moved by hand; there it begins if there is none.
///
/// # Errors
/// [`OpenError`].
pub async fn open(store: &Path, warehouse: Warehouse, calendar: &Calendar) -> Result<Annals, OpenError> {
    run(Annals::over(SledOptions::new(store)), warehouse, calendar).open().await
}

/// Opens the shop in the folder `store`, which must be there, to look at it: nothing runs but the read models.
///
/// # Errors
/// [`OpenError`].
pub async fn open_to_read(store: &Path) -> Result<Annals, OpenError> {
    read::register(Annals::over(SledOptions::new(store).existing())).schemas(schemas()).open().await
}

/// Opens the shop in the folder `store`, which must be there, with its sagas, for an operator. The clock is that of the system, so
/// whatever is due by now happens.
///
/// # Errors
/// [`OpenError`].
pub async fn open_to_operate(store: &Path, warehouse: Warehouse) -> Result<Annals, OpenError> {
    processes(Annals::over(SledOptions::new(store).existing()), warehouse).schemas(schemas()).open().await
}

/// Everything that runs on a shop over any store.
pub fn run(builder: Builder, warehouse: Warehouse, calendar: &Calendar) -> Builder {
    processes(read::register(builder), warehouse).schemas(schemas()).clock(Arc::new(calendar.clone()))
}

/// The books of a shop over an embedded store, to take over in them what somebody else did; there they begin if there are none.
/// Nothing runs but the read models: what is over leads to nothing.
pub fn books(options: SledOptions) -> Builder {
    read::register(Annals::over(options)).schemas(schemas())
}

fn processes(builder: Builder, warehouse: Warehouse) -> Builder {
    // What was placed before a process was first run is its business too.
    let all = || SagaOptions::default().begin(Begin::AtTheBeginning);
    let bank = FickleBank { declined_permille: 30, unreachable_permille: 120 };
    let builder = builder
        .service::<Arc<dyn Bank>>(Arc::new(bank))
        .service::<Arc<dyn Carrier>>(Arc::new(FickleCarrier { nobody_permille: 200 }))
        .saga_with::<Collection>(all())
        .saga_with::<Replenishment>(all())
        .reaction_with::<Parcels>(all())
        .reaction_with::<Returns>(all());
    match warehouse {
        Warehouse::Own => builder.saga_with::<Fulfilment>(all()),
        Warehouse::Elsewhere => builder,
    }
}
