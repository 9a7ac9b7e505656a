//! One line of the file.

use annals::{Aggregate, StreamId, Timestamp};
use serde::Deserialize;
use thiserror::Error;

use crate::domain::{
    CustomerId, Invoice, InvoiceNo, ProductId, StockItem,
    invoice::{Amount, InvalidAmount, InvoiceKind},
};

/// The columns that are read, whatever their order. Others are ignored.
pub(super) const COLUMNS: [&str; 8] =
    ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"];

/// A line's fields, as text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Fields<'a> {
    invoice_no: &'a str,
    stock_code: &'a str,
    description: &'a str,
    quantity: &'a str,
    invoice_date: &'a str,
    unit_price: &'a str,
    #[serde(rename = "CustomerID")]
    customer_id: &'a str,
    country: &'a str,
}

/// A line of an invoice as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) invoice: InvoiceNo,
    pub(super) kind: InvoiceKind,
    pub(super) occurred: Timestamp,
    pub(super) customer: Option<CustomerId>,
    pub(super) country: String,
    pub(super) product: ProductId,
    pub(super) description: Option<String>,
    pub(super) count: i64,
    pub(super) price: Amount,
}

/// Why a line of the file is no line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BadRow {
    /// The line has too few or too many fields, or is no text. Quote fields that hold a comma.
    #[error("{0}")]
    Shape(String),
    /// A field that is needed is empty.
    #[error("{0} is empty")]
    Missing(&'static str),
    /// It does not say what the invoice is for.
    #[error("InvoiceNo `{0}` is no number, with a C in front for a cancellation or an A for an adjustment")]
    Invoice(String),
    /// The product or customer cannot be an id: it holds a control character or a `/`, or is too long.
    #[error("{column} `{found}` cannot be an id")]
    Id {
        /// Which of them.
        column: &'static str,
        /// The text.
        found: String,
    },
    /// The quantity is no whole number, or beyond four billion.
    #[error("Quantity `{0}` is no whole number such as 6 or -6.0")]
    Quantity(String),
    /// The date is none.
    #[error("InvoiceDate `{0}` is no number of seconds since 1970")]
    Date(String),
    /// The price is none.
    #[error("UnitPrice {0}")]
    Price(InvalidAmount),
    /// An invoice goes to one customer in one country; an earlier line of it named another.
    #[error("{column} is `{found}`, in line {line} of the same invoice it is `{earlier}`")]
    Contradiction {
        /// Which of them.
        column: &'static str,
        /// What it is here.
        found: String,
        /// The first line of the invoice.
        line: u64,
        /// What it is there.
        earlier: String,
    },
}

impl Fields<'_> {
    /// What the fields describe.
    pub(super) fn row(&self) -> Result<Row, BadRow> {
        let (invoice, kind) = self.invoice()?;
        let description = self.description.trim();
        Ok(Row {
            invoice,
            kind,
            occurred: self.occurred()?,
            customer: self.customer()?,
            country: present("Country", self.country)?.to_owned(),
            product: ProductId::from(id::<StockItem>("StockCode", present("StockCode", self.stock_code)?)?),
            description: Some(description.to_owned()).filter(|text| !text.is_empty()),
            count: self.count()?,
            price: present("UnitPrice", self.unit_price)?.parse().map_err(BadRow::Price)?,
        })
    }

    fn invoice(&self) -> Result<(InvoiceNo, InvoiceKind), BadRow> {
        let text = present("InvoiceNo", self.invoice_no)?;
        let (kind, number) = match text.split_at_checked(1) {
            Some(("C", number)) => (InvoiceKind::Cancellation, number),
            Some(("A", number)) => (InvoiceKind::Adjustment, number),
            _ => (InvoiceKind::Sale, text),
        };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadRow::Invoice(text.to_owned()));
        }
        Ok((InvoiceNo::from(id::<Invoice>("InvoiceNo", text)?), kind))
    }

    /// A number that was once in a column with gaps: `17850.0` is customer 17850.
    fn customer(&self) -> Result<Option<CustomerId>, BadRow> {
        let text = self.customer_id.trim();
        match text.strip_suffix(".0").unwrap_or(text) {
            "" => Ok(None),
            text => Ok(Some(CustomerId::from(id::<Invoice>("CustomerID", text)?))),
        }
    }

    fn count(&self) -> Result<i64, BadRow> {
        let text = present("Quantity", self.quantity)?;
        let count = whole(text).parse().ok().filter(|count: &i64| u32::try_from(count.unsigned_abs()).is_ok());
        count.ok_or_else(|| BadRow::Quantity(text.to_owned()))
    }

    fn occurred(&self) -> Result<Timestamp, BadRow> {
        let text = present("InvoiceDate", self.invoice_date)?;
        let micros = whole(text).parse().ok().and_then(|seconds: i64| seconds.checked_mul(1_000_000));
        let time = micros.and_then(|micros| Timestamp::from_micros(micros).ok());
        // Days are told by a calendar, whose time ends earlier.
        let time = time.filter(|time| jiff::Timestamp::from_microsecond(time.as_micros()).is_ok());
        time.ok_or_else(|| BadRow::Date(text.to_owned()))
    }
}

/// What stands before a point that is followed by zeros only, else the text as it is.
fn whole(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    }
}

fn id<'a, A: Aggregate>(column: &'static str, text: &'a str) -> Result<&'a str, BadRow> {
    let bad = |_| BadRow::Id { column, found: text.to_owned() };
    StreamId::new(A::NAME, text).map(|_| text).map_err(bad)
}

fn present<'a>(column: &'static str, text: &'a str) -> Result<&'a str, BadRow> {
    let text = text.trim();
    if text.is_empty() { Err(BadRow::Missing(column)) } else { Ok(text) }
}
