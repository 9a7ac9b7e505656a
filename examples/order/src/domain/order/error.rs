//! Why a command about an order is refused.

use thiserror::Error;

use crate::domain::ProductId;

/// Why a command about an order is refused. Nothing happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OrderError {
    /// There is such an order already. Choose another id.
    #[error("the order was placed already")]
    AlreadyPlaced,
    /// There is no such order. Place it first.
    #[error("there is no such order")]
    Unknown,
    /// It has no lines, or one with a count of zero. Order something.
    #[error("nothing is ordered")]
    Empty,
    /// It was cancelled.
    #[error("the order was cancelled")]
    Cancelled,
    /// It was confirmed before.
    #[error("the order is confirmed already")]
    AlreadyConfirmed,
    /// It was paid before.
    #[error("the order is paid already")]
    AlreadyPaid,
    /// It cannot be cancelled any more: it is packed. Return it when it is there.
    #[error("the order is packed already")]
    TooLate,
    /// It can be returned only once all of it was delivered, and once.
    #[error("the order is not there to be returned")]
    NotDelivered,
    /// Its goods cannot be put aside: there are not enough. Try again when there are.
    #[error("{missing} of {product} are missing")]
    Short {
        /// Of what.
        product: ProductId,
        /// How many.
        missing: u32,
    },
}
