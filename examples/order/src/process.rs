//! What leads from one thing to the next: two sagas that remember, one that sees to the stock, and two reactions that remember
//! nothing.
//!
//! | | is told of | does | remembers |
//! |---|---|---|---|
//! | [`Fulfilment`] | an order that was placed, and whatever becomes of it | reserves, confirms, charges, picks, packs, sends; undoes all of it | how far the order is |
//! | [`Collection`] | an invoice | reminds the customer, and gives up | how often it reminded |
//! | [`Replenishment`] | stock that runs low, or out | orders more | whether more is on its way |
//! | [`Parcels`] | packages and shipments | tells each order that has goods in them | nothing |
//! | [`Returns`] | an order that came back | refunds, and puts the goods back | nothing |

pub mod collection;
pub mod fulfilment;
pub mod parcels;
pub mod replenishment;
pub mod returns;

pub use collection::Collection;
pub use fulfilment::Fulfilment;
pub use parcels::Parcels;
pub use replenishment::Replenishment;
pub use returns::Returns;

use std::time::Duration;

/// So many days.
#[must_use]
pub const fn days(count: u64) -> Duration {
    hours(count * 24)
}

/// So many hours.
#[must_use]
pub const fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}
