//! Lets a season happen.

use std::path::Path;

use annals::{
    Annals, ExecuteError, OpenError, RunningSagas,
    embedded::SledOptions,
    prelude::*,
    projections::WaitError,
    sagas::{Begin, SagaError, SagaOptions},
};
use indicatif::ProgressBar;
use thiserror::Error;

use super::{Plan, Shopper, plan};
use crate::{
    calendar::Calendar,
    domain::{
        Order, StockItem,
        order::OrderError,
        stock::{Receive, StockError},
    },
    read,
    shop::{self, Warehouse},
};

/// Why a season ended early. Run it again: it goes on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SeasonError {
    /// An order could not be placed.
    #[error("order {order} could not be placed")]
    Place {
        /// Which.
        order: String,
        /// Why.
        source: ExecuteError<OrderError>,
    },
    /// What lies on the shelves could not be put there.
    #[error("product {product} could not be received")]
    Receive {
        /// Which.
        product: String,
        /// Why.
        source: ExecuteError<StockError>,
    },
    /// A saga does not run.
    #[error(transparent)]
    Saga(#[from] SagaError),
    /// A read model does not run.
    #[error(transparent)]
    Wait(#[from] WaitError),
}

/// Opens a shop for a season in the folder `store`, at the time at which it was left; there it begins if there is none.
///
/// # Errors
/// [`OpenError`].
pub async fn open(store: &Path) -> Result<(Annals, Calendar), OpenError> {
    opened(SledOptions::new(store)).await
}

/// Opens a shop that had a season, which must be there, at the time at which it was left.
///
/// # Errors
/// [`OpenError`].
pub async fn open_existing(store: &Path) -> Result<Annals, OpenError> {
    Ok(opened(SledOptions::new(store).existing()).await?.0)
}

async fn opened(options: SledOptions) -> Result<(Annals, Calendar), OpenError> {
    let calendar = shop::left_at(&options, plan::start()).await?;
    let all = SagaOptions::default().begin(Begin::AtTheBeginning);
    let shop = shop::over(options, Warehouse::Own, &calendar).saga_with::<Shopper>(all).open().await?;
    Ok((shop, calendar))
}

/// Lets a season happen: orders are placed when it is their time, and whatever follows from them happens when it is due. One that
/// was killed goes on where it was; nothing happens twice.
///
/// # Errors
/// [`SeasonError`].
pub async fn run(shop: &Annals, calendar: &Calendar, plan: &Plan, progress: &ProgressBar) -> Result<(), SeasonError> {
    for (product, count) in &plan.stock {
        let receive = shop.on::<StockItem>(product.clone()).send(Receive { count: *count });
        let received = receive.idempotency_key(format!("opening/{product}")).await;
        received.map_err(|source| SeasonError::Receive { product: product.to_string(), source })?;
    }
    for (at, order, place) in &plan.orders {
        calendar.pass(shop, *at).await?;
        let placing = shop.on::<Order>(order.clone()).send(place.clone()).idempotency_key(format!("place/{order}"));
        placing.await.map_err(|source| SeasonError::Place { order: order.to_string(), source })?;
        progress.inc(1);
    }
    calendar.pass(shop, Plan::end()).await?;
    if let Some(sagas) = shop.sagas() {
        sagas.settled().await?;
    }
    Ok(read::until_current(shop).await?)
}
