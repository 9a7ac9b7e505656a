//! Which earlier invoices a cancellation is about.

use std::collections::HashMap;

use crate::domain::{
    CustomerId, InvoiceNo, ProductId,
    invoice::{Amount, Cancelled, InvoiceKind, RecordInvoice},
};

/// How much of what was given back is matched with the invoices that sold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Matched {
    /// Lines by how they are matched.
    pub lines: Matches,
    /// Cancellations by how their lines are matched.
    pub invoices: Matches,
    /// How many pieces were given back.
    pub pieces: u64,
    /// How many of them are matched.
    pub pieces_matched: u64,
    /// How many of these with a line that sold them at another price.
    pub pieces_at_another_price: u64,
}

/// How many lines, or invoices, are matched in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Matches {
    /// Fully: everything that is given back was sold with earlier invoices.
    pub fully: u64,
    /// Partly: more is given back than was sold before.
    pub partly: u64,
    /// Not: there is a customer, but none of it was sold to them before, or it was all given back since.
    pub not: u64,
    /// Not, because it is not known whose it was.
    pub without_customer: u64,
}

/// What was sold to whom, and not given back yet.
///
/// The rule: a line that gives something back is held against earlier lines that sold the same product to the same customer and of
/// which something is left: first against those with the same price, then against the others, each time the latest first, as many
/// of them as it takes. It depends on the order of the file alone.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    lots: HashMap<CustomerId, HashMap<ProductId, Vec<Lot>>>,
    matched: Matched,
}

/// A line that sold something.
#[derive(Debug)]
struct Lot {
    invoice: InvoiceNo,
    price: Amount,
    left: u32,
}

impl Ledger {
    /// Takes in the next invoice, and notes in its lines what they cancel.
    pub(super) fn take(&mut self, number: &InvoiceNo, invoice: &mut RecordInvoice) {
        match invoice.kind {
            InvoiceKind::Sale => self.sell(number, invoice),
            InvoiceKind::Cancellation => self.give_back(invoice),
            InvoiceKind::Adjustment => {}
        }
    }

    /// What came of it until now.
    pub(super) const fn matched(&self) -> Matched {
        self.matched
    }

    fn sell(&mut self, number: &InvoiceNo, invoice: &RecordInvoice) {
        let Some(customer) = &invoice.customer else { return };
        let products = self.lots.entry(customer.clone()).or_default();
        for line in &invoice.lines {
            // What is taken off the books was sold to nobody.
            if let Ok(left @ 1..) = u32::try_from(line.count) {
                let lot = Lot { invoice: number.clone(), price: line.price, left };
                products.entry(line.product.clone()).or_default().push(lot);
            }
        }
    }

    fn give_back(&mut self, invoice: &mut RecordInvoice) {
        let products = invoice.customer.as_ref().map(|customer| self.lots.entry(customer.clone()).or_default());
        let (mut lines, mut products) = (Matches::default(), products);
        for line in &mut invoice.lines {
            let given_back = line.given_back(invoice.kind);
            let Ok(count @ 1..) = u32::try_from(given_back) else { continue };
            self.matched.pieces += given_back;
            let Some(products) = &mut products else {
                lines.without_customer += 1;
                continue;
            };
            let lots = products.get_mut(&line.product).map_or(&mut [][..], Vec::as_mut_slice);
            let mut open = count;
            take_from(lots.iter_mut().filter(|lot| lot.price == line.price), &mut open, &mut line.cancels);
            let at_its_price = count - open;
            take_from(lots.iter_mut().filter(|lot| lot.price != line.price), &mut open, &mut line.cancels);
            lines.add(count, count - open);
            self.matched.pieces_matched += u64::from(count - open);
            self.matched.pieces_at_another_price += u64::from(count - open - at_its_price);
        }
        self.matched.invoices.add_invoice(&lines);
        self.matched.lines.add_all(&lines);
    }
}

/// Takes as many as are `open` from `lots`, the latest first, and notes from which.
fn take_from<'a>(lots: impl DoubleEndedIterator<Item = &'a mut Lot>, open: &mut u32, cancels: &mut Vec<Cancelled>) {
    for lot in lots.rev().filter(|lot| lot.left > 0) {
        let count = lot.left.min(*open);
        if count == 0 {
            return;
        }
        lot.left -= count;
        *open -= count;
        match cancels.iter_mut().find(|cancelled| cancelled.invoice == lot.invoice) {
            Some(cancelled) => cancelled.count += count,
            None => cancels.push(Cancelled { invoice: lot.invoice.clone(), count }),
        }
    }
}

impl Matches {
    /// All of them.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.fully + self.partly + self.not + self.without_customer
    }

    const fn add(&mut self, count: u32, matched: u32) {
        match matched {
            0 => self.not += 1,
            matched if matched < count => self.partly += 1,
            _ => self.fully += 1,
        }
    }

    /// An invoice is what all its lines are, and partly matched when they differ.
    const fn add_invoice(&mut self, lines: &Self) {
        match lines.all() {
            0 => {}
            all if all == lines.fully => self.fully += 1,
            all if all == lines.not => self.not += 1,
            all if all == lines.without_customer => self.without_customer += 1,
            _ => self.partly += 1,
        }
    }

    const fn add_all(&mut self, other: &Self) {
        self.fully += other.fully;
        self.partly += other.partly;
        self.not += other.not;
        self.without_customer += other.without_customer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::invoice::InvoiceLine;

    /// Of which product, how many, at which price in thousandths.
    type Line<'a> = (&'a str, i64, i64);

    fn invoice(kind: InvoiceKind, customer: Option<&str>, lines: &[Line<'_>]) -> RecordInvoice {
        let line = |(product, count, price): &Line<'_>| InvoiceLine {
            product: (*product).into(),
            description: None,
            count: *count,
            price: Amount::of_thousandths(*price),
            cancels: vec![],
        };
        let lines = lines.iter().map(line).collect();
        RecordInvoice { customer: customer.map(CustomerId::from), country: "Atlantis".to_owned(), kind, lines }
    }

    /// What each line of each invoice cancels, in text, and what came of it.
    fn matches(invoices: &[(&str, Option<&str>, &[Line<'_>])]) -> (Vec<String>, Matched) {
        let mut ledger = Ledger::default();
        let mut cancels = Vec::new();
        for (number, customer, lines) in invoices {
            let kind = if number.starts_with('C') { InvoiceKind::Cancellation } else { InvoiceKind::Sale };
            let mut invoice = invoice(kind, *customer, lines);
            ledger.take(&(*number).into(), &mut invoice);
            let cancelled = invoice.lines.iter().flat_map(|line| &line.cancels);
            cancels
                .extend(cancelled.map(|cancelled| format!("{number}: {} of {}", cancelled.count, cancelled.invoice)));
        }
        (cancels, ledger.matched())
    }

    const ADA: Option<&str> = Some("ada");

    #[test]
    fn the_latest_invoice_is_cancelled_first_and_earlier_ones_when_it_takes_more() {
        let (cancels, matched) = matches(&[
            ("1", ADA, &[("lamp", 5, 100)]),
            ("2", ADA, &[("lamp", 3, 100), ("lamp", 1, 100), ("desk", 9, 100)]),
            ("C3", ADA, &[("lamp", -6, 100)]),
            ("C4", ADA, &[("lamp", -4, 100)]),
        ]);
        assert_eq!(cancels, ["C3: 4 of 2", "C3: 2 of 1", "C4: 3 of 1"]);
        assert_eq!(matched.lines, Matches { fully: 1, partly: 1, ..Matches::default() });
        assert_eq!((matched.pieces, matched.pieces_matched, matched.pieces_at_another_price), (10, 9, 0));
    }

    #[test]
    fn what_was_sold_at_the_price_that_is_paid_back_is_cancelled_before_what_was_not() {
        let sold: [(&str, Option<&str>, &[_]); 2] = [("1", ADA, &[("lamp", 5, 100)]), ("2", ADA, &[("lamp", 5, 90)])];
        let (cancels, matched) = matches(&[sold[0], sold[1], ("C3", ADA, &[("lamp", -7, 100)])]);
        assert_eq!(cancels, ["C3: 5 of 1", "C3: 2 of 2"]);
        assert_eq!((matched.lines.fully, matched.pieces_at_another_price), (1, 2));
    }

    #[test]
    fn nothing_is_matched_with_other_customers_other_products_or_later_invoices() {
        let (cancels, matched) = matches(&[
            ("1", Some("bob"), &[("lamp", 5, 100)]),
            ("2", None, &[("lamp", 5, 100)]),
            ("3", ADA, &[("desk", 5, 100), ("lamp", -5, 0)]),
            ("C4", ADA, &[("lamp", -1, 100)]),
            ("C5", None, &[("lamp", -1, 100)]),
            ("6", ADA, &[("lamp", 5, 100)]),
        ]);
        assert_eq!(cancels, Vec::<String>::new());
        let expected = Matches { not: 1, without_customer: 1, ..Matches::default() };
        assert_eq!((matched.lines, matched.invoices, matched.pieces), (expected, expected, 2));
    }

    #[test]
    fn a_cancellation_is_partly_matched_when_its_lines_differ() {
        let lines: &[_] = &[("lamp", -5, 100), ("desk", -1, 100)];
        let (_, matched) = matches(&[("1", ADA, &[("lamp", 5, 100)]), ("C2", ADA, lines)]);
        assert_eq!(matched.lines, Matches { fully: 1, not: 1, ..Matches::default() });
        assert_eq!(matched.invoices, Matches { partly: 1, ..Matches::default() });
    }
}
