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
