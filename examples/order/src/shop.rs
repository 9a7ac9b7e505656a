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
    domain::{Order, Package, Payment, Shipment, StockItem, payment::Bank, shipment::Carrier},
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
    over(SledOptions::new(store), warehouse, calendar).open().await
}

/// The same over any embedded store.
#[must_use]
pub fn over(options: SledOptions, warehouse: Warehouse, calendar: &Calendar) -> Builder {
    // Events are recorded by this clock too.
    run(Annals::over(options.clock(Arc::new(calendar.clone()))), warehouse, calendar)
}

/// Everything that runs on a shop over any store.
pub fn run(builder: Builder, warehouse: Warehouse, calendar: &Calendar) -> Builder {
    processes(read::register(builder), warehouse).schemas(schemas()).clock(Arc::new(calendar.clone()))
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
