//! Invoices that another shop wrote, taken over as they are. They are facts: no rule of this shop applies to them.

mod amount;
mod command;
mod event;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

pub(crate) use amount::grouped;
pub use amount::{Amount, InvalidAmount};
pub use command::{InvoiceError, InvoiceLine, RecordInvoice};
pub use event::{Cancelled, InvoiceEvent};

/// Names an invoice, as whoever wrote it numbers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape, AggregateId, RowKey)]
pub struct InvoiceNo(String);

/// What an invoice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape)]
pub enum InvoiceKind {
    /// Goods that were sold.
    Sale,
    /// Goods that were given back.
    Cancellation,
    /// Neither: it corrects the books.
    Adjustment,
}

/// One invoice, folded from its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "invoice", id = InvoiceNo, event = InvoiceEvent)]
pub struct Invoice {
    /// What it is for; nothing before it is recorded.
    pub kind: Option<InvoiceKind>,
    /// How many lines it has.
    pub lines: u32,
    /// What all its lines come to: less than nothing when goods were given back.
    pub total: Amount,
}

impl Evolve<InvoiceEvent> for Invoice {
    fn evolve(&mut self, event: &InvoiceEvent) {
        match event {
            InvoiceEvent::Recorded { kind, .. } => self.kind = Some(*kind),
            InvoiceEvent::LineRecorded { count, price, .. } => self.add(price.times(*count)),
            InvoiceEvent::LineCancelled { count, price, .. } => self.add(-price.times(i64::from(*count))),
        }
    }
}

impl Invoice {
    fn add(&mut self, amount: Amount) {
        self.lines += 1;
        self.total += amount;
    }
}
