//! What happens to an order.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{CustomerId, Line, Terms};
use crate::domain::{Money, PackageId, ProductId};

/// What happens to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(prefix = "order")]
pub enum OrderEvent {
    /// A customer placed it.
    Placed {
        /// Who.
        customer: CustomerId,
        /// What is ordered.
        lines: Vec<Line>,
        /// How it is paid.
        terms: Terms,
    },
    /// Its goods are put aside, in the commit that put them aside.
    Reserved {},
    /// The shop will deliver it.
    Confirmed {},
    /// The customer is to pay it on invoice.
    Invoiced {
        /// How much.
        amount: Money,
        /// After how many days without a payment the customer is reminded, and again after as many.
        remind_after_days: u32,
        /// After how many reminders the shop gives up.
        reminders_max: Option<u32>,
    },
    /// It is paid.
    Paid {},
    /// The customer was reminded to pay.
    Reminded {
        /// For the how manieth time.
        number: u32,
    },
    /// Some of it, or all, is in a package.
    Packed {
        /// In which.
        package: PackageId,
        /// How many of what.
        goods: Vec<(ProductId, u32)>,
    },
    /// A package with some of it left.
    Sent {
        /// Which.
        package: PackageId,
    },
    /// Nobody took a package with some of it.
    DeliveryFailed {
        /// Which.
        package: PackageId,
    },
    /// A package with some of it was delivered.
    Arrived {
        /// Which.
        package: PackageId,
    },
    /// Everything was delivered.
    Delivered {},
    /// The customer sent it back.
    Returned {
        /// What came back: everything.
        lines: Vec<Line>,
    },
    /// Nothing will come of it.
    Cancelled {
        /// Why.
        cause: Cause,
    },
}

/// Why an order is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape)]
pub enum Cause {
    /// The customer wants it no more.
    Customer,
    /// What was ordered is not to be had.
    SoldOut,
    /// The card was declined.
    Declined,
    /// The bank could not be asked, however often it was tried.
    BankUnreachable,
    /// The customer did not pay.
    Unpaid,
    /// Nobody took the package.
    Undeliverable,
}
