//! Reading the file.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use csv::{ByteRecord, ErrorKind, ReaderBuilder, StringRecord};
use flate2::read::MultiGzDecoder;
use thiserror::Error;

use super::row::{BadRow, COLUMNS, Fields, Row};

/// How the file is called in its folder, plain or compressed.
pub const FILE_NAMES: [&str; 2] = ["replay_order.csv", "replay_order.csv.gz"];

/// What a file holds.
#[derive(Debug)]
pub struct Rows {
    /// The file.
    pub file: PathBuf,
    /// The transactions of each account, in the order of the file.
    pub accounts: Vec<Vec<Row>>,
    /// The lines that are no transactions.
    pub malformed: Vec<Malformed>,
}

impl Rows {
    /// How many transactions there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.accounts.iter().map(|rows| rows.len() as u64).sum()
    }
}

/// A line that is no transaction. It is left out, and the rest goes on.
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
pub enum OpenFileError {
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

/// Reads the file in `folder`, or `folder` itself when it is a file.
///
/// # Errors
/// [`OpenFileError`]. A bad line is no error: it is one of [`Rows::malformed`].
pub fn read(folder: &Path) -> Result<Rows, OpenFileError> {
    let file = find(folder)?;
    let fail = |source| OpenFileError::Io { file: file.clone(), source };
    let opened = BufReader::new(File::open(&file).map_err(fail)?);
    let content: Box<dyn Read> = if file.extension().is_some_and(|extension| extension == "gz") {
        Box::new(MultiGzDecoder::new(opened))
    } else {
        Box::new(opened)
    };
    let mut reader = ReaderBuilder::new().from_reader(content);
    let columns = reader.byte_headers().map_err(|error| fail(error.into()))?;
    let columns = StringRecord::from_byte_record_lossy(columns.clone());
    let missing: Vec<_> = COLUMNS.into_iter().filter(|column| columns.iter().all(|found| found != *column)).collect();
    if !missing.is_empty() {
        return Err(OpenFileError::Columns { file, missing });
    }
    let mut lines = Lines::default();
    lines.read(&mut reader, &columns);
    Ok(Rows { file, accounts: lines.accounts, malformed: lines.malformed })
}

fn find(folder: &Path) -> Result<PathBuf, OpenFileError> {
    if folder.is_file() {
        return Ok(folder.to_owned());
    }
    let mut candidates = FILE_NAMES.iter().map(|name| folder.join(name));
    candidates.find(|file| file.is_file()).ok_or_else(|| OpenFileError::NotFound { folder: folder.to_owned() })
}

/// The lines that were read so far.
#[derive(Default)]
struct Lines {
    accounts: Vec<Vec<Row>>,
    places: HashMap<String, usize>,
    keys: HashMap<String, u64>,
    malformed: Vec<Malformed>,
}

impl Lines {
    fn read(&mut self, reader: &mut csv::Reader<impl Read>, columns: &StringRecord) {
        let mut bytes = ByteRecord::new();
        loop {
            let begin = reader.position().line();
            let read = reader.read_byte_record(&mut bytes);
            let line = bytes.position().map_or(begin, csv::Position::line);
            match read {
                Ok(true) => match row(&bytes, columns, line).and_then(|row| self.once(row)) {
                    Ok(row) => self.add(row),
                    Err(reason) => self.malformed.push(Malformed { line, reason }),
                },
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

    /// The same transaction twice would be answered as a repetition, and so be counted twice.
    fn once(&mut self, row: Row) -> Result<Row, BadRow> {
        match self.keys.insert(row.key.clone(), row.line) {
            None => Ok(row),
            Some(line) => {
                self.keys.insert(row.key.clone(), line);
                Err(BadRow::Repeated { what: row.key, line })
            }
        }
    }

    fn add(&mut self, row: Row) {
        let next = self.accounts.len();
        let place = *self.places.entry(row.account.as_str().to_owned()).or_insert(next);
        match self.accounts.get_mut(place) {
            Some(rows) => rows.push(row),
            None => self.accounts.push(vec![row]),
        }
    }
}

fn row(bytes: &ByteRecord, columns: &StringRecord, line: u64) -> Result<Row, BadRow> {
    let text = StringRecord::from_byte_record(bytes.clone())
        .map_err(|error| BadRow::Shape(format!("field {} is not UTF-8", error.utf8_error().field() + 1)))?;
    let fields: Fields<'_> = text.deserialize(Some(columns)).map_err(|error| BadRow::Shape(shape(&error)))?;
    fields.row(line)
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
mod tests {
    use std::{fs, io::Write};

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::domain::Money;

    const HEAD: &str = "account_id,seq,date,trans_id,type,operation,k_symbol,amount,balance,residual,status\n";
    const GOOD: &str = "1,1,930226,10,PRIJEM,VKLAD,,700.00,700.00,?,?\n";

    fn read_text(text: &[u8]) -> Rows {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("replay_order.csv"), text).unwrap();
        read(folder.path()).unwrap()
    }

    fn reasons(rows: &Rows) -> Vec<(u64, String)> {
        rows.malformed.iter().map(|bad| (bad.line, bad.reason.to_string())).collect()
    }

    #[test]
    fn malformed_lines_are_named_with_their_reason_and_the_rest_goes_on() {
        let bad = [
            ("1,2,930227,11,PRIJEM,VKLAD,,700.00", "has 8 fields, expected 11"),
            ("1,2,930231,11,PRIJEM,VKLAD,,1.00,1.00,?,?", "date `930231` is no day as YYMMDD"),
            ("1,2,930227,11,DAR,VKLAD,,1.00,1.00,?,?", "type `DAR` is none of PRIJEM (in), VYDAJ and VYBER (out)"),
            ("1,2,930227,11,PRIJEM,VKLAD,,1.0x,1.00,?,?", "amount `1.0x` is no amount of money such as 1100.00"),
            ("1,2,930227,11,PRIJEM,VKLAD,,-1.00,1.00,?,?", "no transaction can be about an amount of -1.00"),
            ("1,2,930227,11,PRIJEM,VKLAD,,1.00,,?,?", "balance is empty"),
            ("a/b,2,930227,11,PRIJEM,VKLAD,,1.00,1.00,?,?", "account_id `a/b` cannot be an id"),
            (",2,930227,11,PRIJEM,VKLAD,,1.00,1.00,?,?", "account_id is empty"),
            ("1,x,930227,,PRIJEM,VKLAD,,1.00,1.00,?,?", "seq `x` is no number"),
            ("1,2,930227,11,PRIJEM,DAR,,1.00,1.00,?,?", "operation `DAR` with k_symbol `` is not known"),
            ("1,2,930227,10,PRIJEM,VKLAD,,1.00,1.00,?,?", "transaction 10 stands in line 2 already"),
        ];
        let lines: String = bad.iter().map(|(line, _)| format!("{line}\n")).collect();
        let rows = read_text(format!("{HEAD}{GOOD}{lines}2,1,930226,12,VYBER,VYBER,,7.00,-7.00,?,?\n").as_bytes());
        let expected: Vec<_> = (3..).zip(bad.map(|(_, reason)| reason.to_owned())).collect();
        assert_eq!(reasons(&rows), expected);
        let changes: Vec<_> = rows.accounts.iter().flatten().map(|row| (row.line, row.command.change)).collect();
        assert_eq!(changes, [(2, Money::from_minor(70_000)), (14, Money::from_minor(-700))]);
    }

    #[test]
    fn a_line_that_is_no_utf8_is_malformed() {
        let mut text = format!("{HEAD}{GOOD}").into_bytes();
        text.extend(b"1,2,930227,11,PRIJEM,P\xf8EVOD,,1.00,1.00,?,?\n");
        assert_eq!(reasons(&read_text(&text)), [(3, "field 6 is not UTF-8".to_owned())]);
    }

    #[test]
    fn the_rows_of_an_account_stay_in_order_wherever_they_stand() {
        let text =
            format!("{HEAD}{GOOD}2,1,930226,,VYDAJ,VYBER,,7.00,-7.00,?,?\n1,2,930227,11,PRIJEM,,UROK,1.00,1.00,?,?\n");
        let keys: Vec<Vec<_>> = read_text(text.as_bytes())
            .accounts
            .into_iter()
            .map(|rows| rows.into_iter().map(|row| row.key).collect())
            .collect();
        assert_eq!(keys, [vec!["transaction 10", "transaction 11"], vec!["row 2/1"]]);
    }

    #[test]
    fn a_compressed_file_reads_the_same_and_a_cut_one_says_where() {
        let lines: String =
            (1..3_000).map(|id| format!("{id},1,930226,{id},PRIJEM,VKLAD,,{id}.00,1.00,?,?\n")).collect();
        let text = format!("{HEAD}{lines}");
        let mut gz = GzEncoder::new(Vec::new(), Compression::default());
        gz.write_all(text.as_bytes()).unwrap();
        let gz = gz.finish().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("replay_order.csv.gz");
        fs::write(&file, &gz).unwrap();
        assert_eq!(read(folder.path()).unwrap().accounts, read_text(text.as_bytes()).accounts);
        fs::write(&file, &gz[..gz.len() / 2]).unwrap();
        let cut = read(folder.path()).unwrap();
        assert_eq!(cut.malformed.len(), 1);
        assert!(cut.malformed[0].reason.to_string().starts_with("the rest cannot be read"));
        assert!(!cut.accounts.is_empty());
    }

    #[test]
    fn a_folder_without_the_file_and_a_file_without_the_columns_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(OpenFileError::NotFound { .. })));
        fs::write(folder.path().join("replay_order.csv"), "account_id,date\n1,930226\n").unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("has no column seq, trans_id, type, operation, k_symbol, amount, balance"), "{error}");
    }
}
