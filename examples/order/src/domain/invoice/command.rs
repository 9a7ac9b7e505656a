//! Taking an invoice over.

use annals::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Amount, Cancelled, Invoice, InvoiceEvent, InvoiceKind};
use crate::domain::{CustomerId, ProductId};

/// Takes an invoice over with all its lines, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
pub struct RecordInvoice {
    /// To whom it was written, if that is known.
    pub customer: Option<CustomerId>,
    /// Where the customer is.
    pub country: String,
    /// What it is for.
    pub kind: InvoiceKind,
    /// Its lines, in their order.
    pub lines: Vec<InvoiceLine>,
}

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceLine {
    /// Of what.
    pub product: ProductId,
    /// What it is called there, if anything.
    pub description: Option<String>,
    /// How many. Those that are given back count less than none.
    pub count: i64,
    /// What one of them costs.
    pub price: Amount,
    /// With which invoices they had been sold, the latest first, as far as that is known.
    pub cancels: Vec<Cancelled>,
}

/// Why an invoice is not taken over. Nothing happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvoiceError {
    /// There is one under its number already. Is it the same one? Then it was taken over before.
    #[error("the invoice was recorded already")]
    AlreadyRecorded,
    /// It has no lines.
    #[error("the invoice has no lines")]
    Empty,
    /// A line is said to cancel more than it gives back, or does not give anything back.
    #[error("{count} of {product} cannot cancel {cancelled} that were sold")]
    CancelsTooMany {
        /// Of what.
        product: ProductId,
        /// How many the line is about.
        count: i64,
        /// How many it is said to cancel.
        cancelled: u64,
    },
    /// A line is about more than four billion.
    #[error("{count} of {product} are too many for a line")]
    TooMany {
        /// Of what.
        product: ProductId,
        /// How many.
        count: i64,
    },
}

impl Handle<RecordInvoice> for Invoice {
    type Reply = ();
    type Error = InvoiceError;
    fn handle(invoice: &mut Decision<Self>, command: RecordInvoice) -> Result<(), InvoiceError> {
        let RecordInvoice { customer, country, kind, lines } = command;
        if invoice.kind.is_some() {
            return Err(InvoiceError::AlreadyRecorded);
        }
        if lines.is_empty() {
            return Err(InvoiceError::Empty);
        }
        let lines = lines.into_iter().map(|line| line.event(kind)).collect::<Result<Vec<_>, _>>()?;
        invoice.emit(InvoiceEvent::Recorded { customer, country, kind });
        for line in lines {
            invoice.emit(line);
        }
        Ok(())
    }
}

impl InvoiceLine {
    /// How many are given back with it, on an invoice of that `kind`.
    #[must_use]
    pub const fn given_back(&self, kind: InvoiceKind) -> u64 {
        match kind {
            InvoiceKind::Cancellation if self.count < 0 => self.count.unsigned_abs(),
            InvoiceKind::Sale | InvoiceKind::Cancellation | InvoiceKind::Adjustment => 0,
        }
    }

    fn event(self, kind: InvoiceKind) -> Result<InvoiceEvent, InvoiceError> {
        let given_back = self.given_back(kind);
        let cancelled = self.cancels.iter().map(|cancelled| u64::from(cancelled.count)).sum();
        let Self { product, description, count, price, cancels } = self;
        if cancelled > given_back {
            return Err(InvoiceError::CancelsTooMany { product, count, cancelled });
        }
        match u32::try_from(given_back) {
            Ok(0) => Ok(InvoiceEvent::LineRecorded { product, description, count, price }),
            Ok(count) => Ok(InvoiceEvent::LineCancelled { product, description, count, price, cancels }),
            Err(_) => Err(InvoiceError::TooMany { product, count }),
        }
    }
}

#[cfg(test)]
mod tests {
    use annals::testing::given;

    use super::*;

    fn line(count: i64, cancels: &[(&str, u32)]) -> InvoiceLine {
        let cancels = cancels.iter().map(|(invoice, count)| Cancelled { invoice: (*invoice).into(), count: *count });
        let price = "2.55".parse().unwrap();
        InvoiceLine { product: "lamp".into(), description: None, count, price, cancels: cancels.collect() }
    }

    fn record(kind: InvoiceKind, lines: Vec<InvoiceLine>) -> RecordInvoice {
        RecordInvoice { customer: Some("ada".into()), country: "Atlantis".to_owned(), kind, lines }
    }

    fn recorded(kind: InvoiceKind) -> InvoiceEvent {
        InvoiceEvent::Recorded { customer: Some("ada".into()), country: "Atlantis".to_owned(), kind }
    }

    #[test]
    fn an_invoice_is_recorded_with_an_event_for_each_line() {
        let (price, kind) = ("2.55".parse().unwrap(), InvoiceKind::Sale);
        let event = |count| InvoiceEvent::LineRecorded { product: "lamp".into(), description: None, count, price };
        let lines = vec![line(6, &[]), line(6, &[]), line(-2, &[])];
        given::<Invoice>([]).when(record(kind, lines)).then([recorded(kind), event(6), event(6), event(-2)]);
    }

    #[test]
    fn what_is_given_back_names_the_invoices_that_sold_it() {
        let (price, kind) = ("2.55".parse().unwrap(), InvoiceKind::Cancellation);
        let cancels = line(-6, &[("2", 3), ("1", 2)]).cancels;
        let event = InvoiceEvent::LineCancelled { product: "lamp".into(), description: None, count: 6, price, cancels };
        let lines = vec![line(-6, &[("2", 3), ("1", 2)])];
        given::<Invoice>([]).when(record(kind, lines)).then([recorded(kind), event]);
    }

    #[test]
    fn an_invoice_is_recorded_once_with_lines_that_cancel_no_more_than_they_give_back() {
        let sale = InvoiceKind::Sale;
        given::<Invoice>([recorded(sale)])
            .when(record(sale, vec![line(1, &[])]))
            .refused(InvoiceError::AlreadyRecorded);
        given::<Invoice>([]).when(record(sale, vec![])).refused(InvoiceError::Empty);
        for (kind, count) in [(sale, -5), (InvoiceKind::Cancellation, -1), (InvoiceKind::Cancellation, 5)] {
            given::<Invoice>([])
                .when(record(kind, vec![line(count, &[("1", 2)])]))
                .refused(InvoiceError::CancelsTooMany { product: "lamp".into(), count, cancelled: 2 });
        }
        given::<Invoice>([])
            .when(record(InvoiceKind::Cancellation, vec![line(-(1 << 32), &[])]))
            .refused(InvoiceError::TooMany { product: "lamp".into(), count: -(1 << 32) });
    }
}
