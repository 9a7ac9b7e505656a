//! Where the shop's records lie, what is in them, and what follows them. The only file that names a store.

use std::sync::Arc;

use annals::{
    Annals, Builder, OpenError, ReadLog, Schemas,
    embedded::SledOptions,
    prelude::*,
    sagas::{Begin, SagaOptions},
};
use futures::TryStreamExt;

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

/// The time at which a shop was left, or `start` when it is a new one: what was to be done when the program ended is to be done at
/// that time.
///
/// # Errors
/// [`OpenError`] when the store cannot be opened.
pub async fn left_at(options: &SledOptions, start: Timestamp) -> Result<Calendar, OpenError> {
    let calendar = Calendar::at(start);
    let was_left = Annals::over(options.clone()).open().await?;
    let latest = was_left.store().read_log(ReadLog::all().backward().limit(1)).try_next().await;
    was_left.shut_down().await;
    if let Some(record) = latest.map_err(|error| OpenError::Store { source: error.into() })? {
        calendar.reach(record.recorded());
    }
    Ok(calendar)
}

/// A shop over an embedded store, under a clock that is moved by hand; there it begins if there is none.
pub fn over(options: SledOptions, warehouse: Warehouse, calendar: &Calendar) -> Builder {
    // Events are recorded by this clock too.
    run(Annals::over(options.clock(Arc::new(calendar.clone()))), warehouse, calendar)
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
