//! Reading the file.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use annals::Timestamp;
use csv::{ByteRecord, ErrorKind, StringRecord};
use flate2::read::MultiGzDecoder;
use thiserror::Error;

use super::{
    ledger::{Ledger, Matched},
    row::{BadRow, COLUMNS, Fields, Row},
};
use crate::domain::{
    InvoiceNo,
    invoice::{Amount, InvoiceKind, InvoiceLine, RecordInvoice},
};

/// How the file is called in its folder, plain or compressed.
pub const FILE_NAMES: [&str; 2] = ["online_retail.csv", "online_retail.csv.gz"];

/// What a file holds.
#[derive(Debug)]
pub struct Books {
    /// The file.
    pub file: PathBuf,
    /// The invoices, in the order of their first lines.
    pub invoices: Vec<WrittenInvoice>,
    /// How much that is.
    pub size: Size,
    /// What of it is odd, and taken over as it is.
    pub odd: Odd,
    /// How the cancellations are matched.
    pub matched: Matched,
    /// The lines that are left out.
    pub malformed: Vec<Malformed>,
}

/// How much a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Lines of invoices.
    pub lines: u64,
    /// Lines of the invoice that has the most.
    pub lines_max: u64,
    /// Invoices about sales.
    pub sales: u64,
    /// Cancellations.
    pub cancellations: u64,
    /// Invoices that correct the books.
    pub adjustments: u64,
}

/// An invoice of the file, wherever its lines stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenInvoice {
    /// Its first line in the file.
    pub line: u64,
    /// Its number.
    pub number: InvoiceNo,
    /// When it was written: the time of its first line.
    pub occurred: Timestamp,
    /// What is asked of the aggregate.
    pub command: RecordInvoice,
}

/// How many lines and invoices are odd in which way. All of them are taken over as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Odd {
    /// Lines that say the same as another one of their invoice. Two that say the same are two.
    pub duplicates: u64,
    /// Lines with a price of zero.
    pub free: u64,
    /// Lines with a price below zero.
    pub negative_prices: u64,
    /// Lines with a quantity below zero that are on no cancellation: something is taken off the books.
    pub negative_counts: u64,
    /// Lines of cancellations with a quantity above zero.
    pub positive_cancellations: u64,
    /// Lines about none of something.
    pub zero_counts: u64,
    /// Lines without a customer.
    pub without_customer: u64,
    /// Lines without a description.
    pub without_description: u64,
    /// Invoices whose lines tell several times. The first one counts.
    pub several_times: u64,
}

/// A line that is left out; the rest goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The line.
    pub line: u64,
    /// What is wrong with it.
    pub reason: BadRow,
}

/// Why nothing can be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportFileError {
    /// The folder holds no such file. Name the folder that does.
    #[error("{} holds neither {} nor {}", .folder.display(), FILE_NAMES[0], FILE_NAMES[1])]
    NotFound {
        /// The folder.
        folder: PathBuf,
    },
    /// The file cannot be read.
    #[error("{} cannot be read", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The first line lacks columns that are needed. The message names them.
    #[error("{} has no column {}", .file.display(), .missing.join(", "))]
    Columns {
        /// The file.
        file: PathBuf,
        /// What is missing.
        missing: Vec<&'static str>,
    },
}

impl Size {
    fn of(invoices: &[WrittenInvoice]) -> Self {
        let mut size = Self::default();
        for WrittenInvoice { command, .. } in invoices {
            let lines = command.lines.len() as u64;
            size.lines += lines;
            size.lines_max = size.lines_max.max(lines);
            match command.kind {
                InvoiceKind::Sale => size.sales += 1,
                InvoiceKind::Cancellation => size.cancellations += 1,
                InvoiceKind::Adjustment => size.adjustments += 1,
            }
        }
        size
    }

    /// How many invoices of all kinds.
    #[must_use]
    pub const fn invoices(&self) -> u64 {
        self.sales + self.cancellations + self.adjustments
    }
}

/// Reads the file in `folder`, or `folder` itself when it is a file, and matches the cancellations in it.
///
/// # Errors
/// [`ImportFileError`]. A bad line is no error: it is one of [`Books::malformed`].
pub fn read(folder: &Path) -> Result<Books, ImportFileError> {
    let file = find(folder)?;
    let (mut reader, columns) = open(&file)?;
    let mut lines = Lines::default();
    lines.read(&mut reader, &columns);
    let (mut odd, mut ledger) = (Odd::default(), Ledger::default());
    let close = |rows: InvoiceRows| rows.close(&mut odd, &mut ledger);
    let invoices: Vec<_> = lines.invoices.into_iter().map(close).collect();
    let (size, matched) = (Size::of(&invoices), ledger.matched());
    Ok(Books { file, invoices, size, odd, matched, malformed: lines.malformed })
}

fn find(folder: &Path) -> Result<PathBuf, ImportFileError> {
    if folder.is_file() {
        return Ok(folder.to_owned());
    }
    let mut candidates = FILE_NAMES.iter().map(|name| folder.join(name));
    candidates.find(|file| file.is_file()).ok_or_else(|| ImportFileError::NotFound { folder: folder.to_owned() })
}

/// The lines of a file behind the first, which names the columns.
pub(super) type Reader = csv::Reader<Box<dyn Read>>;

/// Opens the file, plain or compressed, and reads its first line.
pub(super) fn open(file: &Path) -> Result<(Reader, StringRecord), ImportFileError> {
    let fail = |source| ImportFileError::Io { file: file.to_owned(), source };
    let opened = BufReader::new(File::open(file).map_err(fail)?);
    let content: Box<dyn Read> = if file.extension().is_some_and(|extension| extension == "gz") {
        Box::new(MultiGzDecoder::new(opened))
    } else {
        Box::new(opened)
    };
    let mut reader = csv::Reader::from_reader(content);
    let columns = reader.byte_headers().map_err(|error| fail(error.into()))?;
    let columns = StringRecord::from_byte_record_lossy(columns.clone());
    let missing: Vec<_> = COLUMNS.into_iter().filter(|column| columns.iter().all(|found| found != *column)).collect();
    if missing.is_empty() {
        Ok((reader, columns))
    } else {
        Err(ImportFileError::Columns { file: file.to_owned(), missing })
    }
}

/// The lines that were read so far.
#[derive(Default)]
struct Lines {
    invoices: Vec<InvoiceRows>,
    places: HashMap<InvoiceNo, usize>,
    malformed: Vec<Malformed>,
}

/// The lines of one invoice.
struct InvoiceRows {
    line: u64,
    first: Row,
    others: Vec<Row>,
}

impl Lines {
    fn read(&mut self, reader: &mut Reader, columns: &StringRecord) {
        let mut bytes = ByteRecord::new();
        loop {
            let begin = reader.position().line();
            let read = reader.read_byte_record(&mut bytes);
            let line = bytes.position().map_or(begin, csv::Position::line);
            match read {
                Ok(true) => {
                    if let Err(reason) = row(&bytes, columns).and_then(|row| self.add(line, row)) {
                        self.malformed.push(Malformed { line, reason });
                    }
                }
                Ok(false) => return,
                Err(error) => {
                    let damaged = matches!(error.kind(), ErrorKind::Io(_));
                    self.malformed.push(Malformed { line, reason: BadRow::Shape(shape(&error)) });
                    if damaged {
                        // Where the file itself cannot be read any further there is no rest to go on with.
                        return;
                    }
                }
            }
        }
    }

    fn add(&mut self, line: u64, row: Row) -> Result<(), BadRow> {
        let known = self.places.get(&row.invoice).and_then(|place| self.invoices.get_mut(*place));
        if let Some(invoice) = known {
            invoice.check(&row)?;
            invoice.others.push(row);
        } else {
            self.places.insert(row.invoice.clone(), self.invoices.len());
            self.invoices.push(InvoiceRows { line, first: row, others: Vec::new() });
        }
        Ok(())
    }
}

impl InvoiceRows {
    /// Whether `row` is about the same customer in the same country as the first.
    fn check(&self, row: &Row) -> Result<(), BadRow> {
        let customer = |row: &Row| row.customer.as_ref().map_or_else(String::new, ToString::to_string);
        let contradiction =
            |column, found, earlier| Err(BadRow::Contradiction { column, found, line: self.line, earlier });
        if row.customer != self.first.customer {
            return contradiction("CustomerID", customer(row), customer(&self.first));
        }
        if row.country != self.first.country {
            return contradiction("Country", row.country.clone(), self.first.country.clone());
        }
        Ok(())
    }

    /// No line is added any more.
    fn close(self, odd: &mut Odd, ledger: &mut Ledger) -> WrittenInvoice {
        let Self { line, first, others } = self;
        let (number, kind, occurred) = (first.invoice.clone(), first.kind, first.occurred);
        let (customer, country) = (first.customer.clone(), first.country.clone());
        let rows: Vec<_> = std::iter::once(first).chain(others).collect();
        odd.count(&rows);
        let lines = rows.into_iter().map(Row::into_line).collect();
        let mut command = RecordInvoice { customer, country, kind, lines };
        ledger.take(&number, &mut command);
        WrittenInvoice { line, number, occurred, command }
    }
}

impl Odd {
    /// Counts what is odd about the lines of an invoice.
    fn count(&mut self, rows: &[Row]) {
        let distinct: HashSet<&Row> = rows.iter().collect();
        self.duplicates += (rows.len() - distinct.len()) as u64;
        let Some(first) = rows.first() else { return };
        self.several_times += u64::from(rows.iter().any(|row| row.occurred != first.occurred));
        for row in rows {
            let is_cancellation = row.kind == InvoiceKind::Cancellation;
            self.free += u64::from(row.price == Amount::ZERO);
            self.negative_prices += u64::from(row.price < Amount::ZERO);
            self.negative_counts += u64::from(!is_cancellation && row.count < 0);
            self.positive_cancellations += u64::from(is_cancellation && row.count > 0);
            self.zero_counts += u64::from(row.count == 0);
            self.without_customer += u64::from(row.customer.is_none());
            self.without_description += u64::from(row.description.is_none());
        }
    }
}

impl Row {
    fn into_line(self) -> InvoiceLine {
        let Self { product, description, count, price, .. } = self;
        InvoiceLine { product, description, count, price, cancels: Vec::new() }
    }
}

fn row(bytes: &ByteRecord, columns: &StringRecord) -> Result<Row, BadRow> {
    let text = StringRecord::from_byte_record(bytes.clone())
        .map_err(|error| BadRow::Shape(format!("field {} is not UTF-8", error.utf8_error().field() + 1)))?;
    let fields: Fields<'_> = text.deserialize(Some(columns)).map_err(|error| BadRow::Shape(shape(&error)))?;
    fields.row()
}

/// The line is reported beside it.
fn shape(error: &csv::Error) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => format!("has {len} fields, expected {expected_len}"),
        ErrorKind::Io(error) => format!("the rest cannot be read: {error}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
