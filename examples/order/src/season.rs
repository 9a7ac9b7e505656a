//! A generated season of a shop: orders over ninety days, with a bank that does not always answer, customers who do not always
//! pay, and a carrier who does not always find them. The same one in every run.

mod plan;
mod run;
mod shopper;

pub use plan::{Plan, Size};
pub use run::{SeasonError, open, open_existing, run};
pub use shopper::Shopper;
