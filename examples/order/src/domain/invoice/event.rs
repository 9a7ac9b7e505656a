//! What is known of an invoice.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Amount, InvoiceKind, InvoiceNo};
use crate::domain::{CustomerId, ProductId};

/// What is known of an invoice: [`Recorded`](Self::Recorded), and with it, in the same commit, an event for each of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(prefix = "invoice")]
pub enum InvoiceEvent {
    /// It was taken over.
    #[event(example = Self::Recorded { customer: Some("17850".into()), country: "France".to_owned(), kind: InvoiceKind::Sale })]
    Recorded {
        /// To whom it was written, if that is known.
        #[tag]
        customer: Option<CustomerId>,
        /// Where the customer is.
        country: String,
        /// What it is for.
        kind: InvoiceKind,
    },
    /// It has a line: about something that was sold, or corrected.
    #[event(example = Self::LineRecorded {
            product: "85123A".into(),
            description: Some("a lamp".to_owned()),
            count: 6,
            price: Amount::of_thousandths(2_550)
        })]
    LineRecorded {
        /// Of what.
        product: ProductId,
        /// What it is called there, if anything.
        description: Option<String>,
        /// How many; less than none where something is taken off the books.
        count: i64,
        /// What one of them costs.
        price: Amount,
    },
    /// It has a line about something that was given back.
    #[event(example = Self::LineCancelled {
            product: "85123A".into(),
            description: None,
            count: 1,
            price: Amount::of_thousandths(2_550),
            cancels: vec![Cancelled { invoice: "536365".into(), count: 1 }]
        })]
    LineCancelled {
        /// Of what.
        product: ProductId,
        /// What it is called there, if anything.
        description: Option<String>,
        /// How many.
        count: u32,
        /// What was paid back for one of them.
        price: Amount,
        /// With which invoices they had been sold, the latest first, as far as that is known.
        cancels: Vec<Cancelled>,
    },
}

/// So many of what an earlier invoice sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Shape)]
pub struct Cancelled {
    /// The earlier invoice.
    pub invoice: InvoiceNo,
    /// How many.
    pub count: u32,
}
