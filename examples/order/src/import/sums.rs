//! What the file itself sums up to, drawn from it by a pass that shares no arithmetic with the import.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    path::Path,
};

use csv::{ErrorKind, StringRecord};
use jiff::{Span, civil};
use thiserror::Error;

use super::{ImportFileError, Malformed, file};
use crate::domain::invoice::grouped;

/// What invoices come to, of a customer or on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// How many invoices about a sale there are.
    pub invoices: u64,
    /// How many cancellations there are.
    pub cancellations: u64,
    /// What was bought, in millionths.
    pub bought_millionths: i128,
    /// What was given back, in millionths.
    pub given_back_millionths: i128,
}

/// What a file sums up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// Of each customer.
    pub customers: BTreeMap<String, Figures>,
    /// On each day in UTC, such as 2026-01-31.
    pub days: BTreeMap<String, Figures>,
}

/// Why a file cannot be summed up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SumsError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] ImportFileError),
    /// A line was imported, but cannot be summed up. Look at both, and correct whichever reads it wrong.
    #[error("line {line} was imported, but its {column} `{found}` cannot be summed up")]
    Line {
        /// The line.
        line: u64,
        /// Which field.
        column: &'static str,
        /// What is there.
        found: String,
    },
}

impl Sums {
    /// Sums up `file` without the lines that are `malformed`.
    ///
    /// Numbers are whole millionths, with more bits than any sum of them needs.
    ///
    /// # Errors
    /// [`SumsError`].
    pub fn of(file: &Path, malformed: &[Malformed]) -> Result<Self, SumsError> {
        let (mut reader, columns) = file::open(file)?;
        let left_out: HashSet<u64> = malformed.iter().map(|malformed| malformed.line).collect();
        let mut sums = Self::default();
        let mut days_of_invoices = HashMap::new();
        for record in reader.records() {
            match record {
                Ok(fields) => {
                    let line = fields.position().map_or(0, csv::Position::line);
                    if !left_out.contains(&line) {
                        sums.add(&Line { line, columns: &columns, fields: &fields }, &mut days_of_invoices)?;
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::Io(_)) => break,
                // It is no line of an invoice, and so one that is left out.
                Err(_) => {}
            }
        }
        Ok(sums)
    }

    /// What all days come to.
    #[must_use]
    pub fn total(&self) -> Figures {
        self.days.values().copied().fold(Figures::default(), Figures::and)
    }

    /// An invoice belongs to the day of its first line, and counts when that is met.
    fn add(&mut self, line: &Line<'_>, days_of_invoices: &mut HashMap<String, String>) -> Result<(), SumsError> {
        let number = line.field("InvoiceNo").to_owned();
        let customer = line.field("CustomerID");
        let customer = customer.strip_suffix(".0").unwrap_or(customer).to_owned();
        let is_first = !days_of_invoices.contains_key(&number);
        let day = match days_of_invoices.get(&number) {
            Some(day) => day.clone(),
            None => line.day()?,
        };
        days_of_invoices.entry(number.clone()).or_insert_with(|| day.clone());
        let quantity = line.millionths("Quantity")? / ONE;
        let amount = quantity * line.millionths("UnitPrice")?;
        let is_cancellation = number.starts_with('C');
        let customer = (!customer.is_empty()).then(|| self.customers.entry(customer).or_default());
        for figures in customer.into_iter().chain([self.days.entry(day).or_default()]) {
            figures.invoices += u64::from(is_first && number.starts_with(|first: char| first.is_ascii_digit()));
            figures.cancellations += u64::from(is_first && is_cancellation);
            if is_cancellation && quantity < 0 {
                figures.given_back_millionths -= amount;
            } else {
                figures.bought_millionths += amount;
            }
        }
        Ok(())
    }
}

/// In millionths.
const ONE: i128 = 1_000_000;
/// How many digits behind the point that makes.
const DIGITS: usize = 6;

/// A line, as text.
struct Line<'a> {
    line: u64,
    columns: &'a StringRecord,
    fields: &'a StringRecord,
}

impl Line<'_> {
    fn field(&self, column: &str) -> &str {
        let found = self.columns.iter().position(|name| name == column).and_then(|at| self.fields.get(at));
        found.unwrap_or_default().trim()
    }

    /// A decimal number without its point.
    fn millionths(&self, column: &'static str) -> Result<i128, SumsError> {
        let text = self.field(column);
        let behind = text.find('.').map_or(0, |point| text.len() - point - 1);
        let zeros = "0".repeat(DIGITS.saturating_sub(behind));
        let shifted = format!("{}{zeros}", text.replacen('.', "", 1)).parse().ok();
        shifted.filter(|_| behind <= DIGITS).ok_or_else(|| self.bad(column))
    }

    /// So many days after the first of all.
    fn day(&self) -> Result<String, SumsError> {
        const COLUMN: &str = "InvoiceDate";
        let bad = || self.bad(COLUMN);
        let days = self.millionths(COLUMN)?.div_euclid(86_400 * ONE);
        let days = i32::try_from(days).ok().and_then(|days| Span::new().try_days(days).ok()).ok_or_else(bad)?;
        Ok(civil::date(1970, 1, 1).checked_add(days).map_err(|_| bad())?.to_string())
    }

    fn bad(&self, column: &'static str) -> SumsError {
        SumsError::Line { line: self.line, column, found: self.field(column).to_owned() }
    }
}

impl Figures {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            invoices: self.invoices + other.invoices,
            cancellations: self.cancellations + other.cancellations,
            bought_millionths: self.bought_millionths + other.bought_millionths,
            given_back_millionths: self.given_back_millionths + other.given_back_millionths,
        }
    }

    /// What was bought, with all digits that there are behind the point, and two at least.
    #[must_use]
    pub fn bought(&self) -> String {
        decimal(self.bought_millionths)
    }

    /// What was given back, likewise.
    #[must_use]
    pub fn given_back(&self) -> String {
        decimal(self.given_back_millionths)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bought, given_back) = (self.bought(), self.given_back());
        let Self { invoices, cancellations, .. } = self;
        write!(f, "{invoices} invoices and {cancellations} cancellations, {bought} bought and {given_back} given back")
    }
}

fn decimal(millionths: i128) -> String {
    let (sign, digits) = (if millionths < 0 { "-" } else { "" }, millionths.unsigned_abs());
    let behind = format!("{:06}", digits % ONE.unsigned_abs());
    let behind = format!("{:0<2}", behind.trim_end_matches('0'));
    format!("{sign}{}.{behind}", grouped(digits / ONE.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_summed_up_by_customer_and_by_the_day_of_each_invoice() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("online_retail.csv");
        let lines = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
                     1,lamp,,6.0,86399.0,2.55,7.0,Atlantis\n\
                     1,lamp,,1.0,86400.0,0.001,7.0,Atlantis\n\
                     C2,lamp,,-6.0,86400,2.55,7.0,Atlantis\n\
                     A3,B,,1.0,86400.0,-100.5,,Atlantis\n\
                     4,lamp,,1.0,86400.0,nonsense,7.0,Atlantis\n\
                     10,lamp,,-1,86400.0,0.0,10.0,Atlantis\n";
        fs::write(&file, lines).unwrap();
        let malformed = file::read(&file).unwrap().malformed;
        assert_eq!(malformed.len(), 1);
        let sums = Sums::of(&file, &malformed).unwrap();
        let shown = |figures: &BTreeMap<String, Figures>| -> Vec<_> {
            figures.iter().map(|(of, figures)| format!("{of}: {figures}")).collect()
        };
        let expected = [
            "10: 1 invoices and 0 cancellations, 0.00 bought and 0.00 given back",
            "7: 1 invoices and 1 cancellations, 15.301 bought and 15.30 given back",
        ];
        assert_eq!(shown(&sums.customers), expected);
        let expected = [
            "1970-01-01: 1 invoices and 0 cancellations, 15.301 bought and 0.00 given back",
            "1970-01-02: 1 invoices and 1 cancellations, -100.50 bought and 15.30 given back",
        ];
        assert_eq!(shown(&sums.days), expected);
        assert_eq!(sums.total().bought_millionths, -85_199_000);
        let error = Sums::of(&file, &[]).unwrap_err().to_string();
        assert_eq!(error, "line 6 was imported, but its UnitPrice `nonsense` cannot be summed up");
    }
}
