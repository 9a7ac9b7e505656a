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
    #[event(example = Self::Placed {
            customer: "ada".into(),
            lines: vec![Line { product: "lamp".into(), count: 2, price: Money::of_cents(250) }],
            terms: Terms::Card { card: "4000".to_owned() }
        })]
    Placed {
        /// Who.
        customer: CustomerId,
        /// What is ordered.
        lines: Vec<Line>,
        /// How it is paid.
        terms: Terms,
    },
    /// Its goods are put aside, in the commit that put them aside.
    #[event(example = Self::Reserved {})]
    Reserved {},
    /// The shop will deliver it.
    #[event(example = Self::Confirmed {})]
    Confirmed {},
    /// The customer is to pay it on invoice.
    #[event(example = Self::Invoiced { amount: Money::of_cents(500), remind_after_days: 20, reminders_max: Some(2) })]
    Invoiced {
        /// How much.
        amount: Money,
        /// After how many days without a payment the customer is reminded, and again after as many.
        remind_after_days: u32,
        /// After how many reminders the shop gives up.
        reminders_max: Option<u32>,
    },
    /// It is paid.
    #[event(example = Self::Paid {})]
    Paid {},
    /// The customer was reminded to pay.
    #[event(example = Self::Reminded { number: 1 })]
    Reminded {
        /// For the how manieth time.
        number: u32,
    },
    /// Some of it, or all, is in a package.
    #[event(example = Self::Packed { package: "p-1".into(), goods: vec![("lamp".into(), 2)] })]
    Packed {
        /// In which.
        package: PackageId,
        /// How many of what.
        goods: Vec<(ProductId, u32)>,
    },
    /// A package with some of it left.
    #[event(example = Self::Sent { package: "p-1".into() })]
    Sent {
        /// Which.
        package: PackageId,
    },
    /// Nobody took a package with some of it.
    #[event(example = Self::DeliveryFailed { package: "p-1".into() })]
    DeliveryFailed {
        /// Which.
        package: PackageId,
    },
    /// A package with some of it was delivered.
    #[event(example = Self::Arrived { package: "p-1".into() })]
    Arrived {
        /// Which.
        package: PackageId,
    },
    /// Everything was delivered.
    #[event(example = Self::Delivered {})]
    Delivered {},
    /// The customer sent it back.
    #[event(example = Self::Returned { lines: vec![Line { product: "lamp".into(), count: 2, price: Money::of_cents(250) }] })]
    Returned {
        /// What came back: everything.
        lines: Vec<Line>,
    },
    /// Nothing will come of it.
    #[event(example = Self::Cancelled { cause: Cause::SoldOut })]
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
    /// Somebody of the shop has ended it.
    Shop,
}
