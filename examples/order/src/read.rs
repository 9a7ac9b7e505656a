//! What is read of the shop: read models, which follow the events and are never written by anything else.
//!
//! | projection | a row for each | answers |
//! |---|---|---|
//! | [`Orders`] | order | how far is it; which ones are at that stage |
//! | [`Customers`] | customer | what did they order, pay, send back; what do their invoices say |
//! | [`Stock`] | product | how many are there, put aside, on their way |
//! | [`Revenue`] | day | what came in, what went back; what was invoiced |

pub mod customers;
pub mod day;
pub mod orders;
pub mod revenue;
pub mod stock;

pub use customers::{CustomerHistory, Customers};
pub use day::Day;
pub use orders::{OrderOverview, Orders, Stage};
pub use revenue::{DailyRevenue, Revenue};
pub use stock::{Stock, StockLevel};

use annals::{
    Builder, Position,
    prelude::*,
    projections::{ProjectionHandle, State, WaitError},
};

/// Lets all read models follow the store that `builder` opens.
pub fn register(builder: Builder) -> Builder {
    builder.projection(Orders).projection(Customers).projection(Stock).projection(Revenue)
}

/// Waits until all of them have taken in everything that is in the store by now, and be it that they compute their rows from
/// nothing.
///
/// # Errors
/// [`WaitError`] when one does not get there: it has failed or is paused.
pub async fn until_current(shop: &Annals) -> Result<(), WaitError> {
    let end = shop.store().head().borrow().position;
    for projection in shop.projections().iter().flat_map(|projections| projections.iter()) {
        until(&projection, end).await?;
    }
    Ok(())
}

async fn until(projection: &ProjectionHandle, end: Position) -> Result<(), WaitError> {
    let mut status = projection.watch();
    loop {
        match projection.wait_until(end).await {
            // The framework does not wait for a whole computation, which may take hours. This shop's takes seconds, and one that
            // was killed before its read models saw much has it to do.
            Err(WaitError::NotRunning { state: State::Rebuilding, .. }) if status.changed().await.is_ok() => {}
            waited => return waited,
        }
    }
}
