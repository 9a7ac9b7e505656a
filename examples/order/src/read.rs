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

use annals::{Builder, prelude::*, projections::WaitError};

/// Lets all read models follow the store that `builder` opens.
pub fn register(builder: Builder) -> Builder {
    builder.projection(Orders).projection(Customers).projection(Stock).projection(Revenue)
}

/// Waits until all of them have taken in everything that is in the store by now.
///
/// # Errors
/// [`WaitError`] when one does not get there.
pub async fn until_current(shop: &Annals) -> Result<(), WaitError> {
    let end = shop.store().head().borrow().position;
    for projection in shop.projections().iter().flat_map(|projections| projections.iter()) {
        projection.wait_until(end).await?;
    }
    Ok(())
}
