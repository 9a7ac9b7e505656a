//! The file of a recorded log.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use annals::Timestamp;
use flate2::read::GzDecoder;
use serde::Deserialize;
use thiserror::Error;

use super::{Activity, Row};
use crate::domain::{Money, OrderId, ProductId};

/// What the file is called in its folder.
pub const FILE_NAMES: [&str; 2] = ["ocel_order_simulated.csv", "ocel_order_simulated.csv.gz"];

/// What is in the file.
#[derive(Debug, Default)]
pub struct RecordedLog {
    /// What was recorded, in order.
    pub rows: Vec<Row>,
    /// What each item costs, as it was picked.
    pub prices: BTreeMap<ProductId, Money>,
    /// For which order each item is.
    pub orders: BTreeMap<ProductId, OrderId>,
    /// Rows that say nothing that is understood.
    pub malformed: Vec<Malformed>,
}

/// A row that says nothing that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Where it stands, the header being 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// Why a file cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogFileError {
    /// There is none of these names. Name the folder that holds it, or the file.
    #[error("{} holds neither {} nor {}", .folder.display(), FILE_NAMES[0], FILE_NAMES[1])]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// It cannot be opened.
    #[error("{} cannot be opened", .file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no such file: a column is missing, or it is not UTF-8.
    #[error("{} is no recorded log", .file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// Why.
        source: csv::Error,
    },
}

/// A row as it is written. Other columns are ignored.
#[derive(Debug, Deserialize)]
struct Written {
    #[serde(rename = "ocel:eid")]
    number: f64,
    #[serde(rename = "ocel:activity")]
    activity: String,
    #[serde(rename = "ocel:timestamp")]
    at: String,
    #[serde(rename = "ocel:type:items")]
    items: String,
    #[serde(rename = "ocel:type:orders")]
    orders: String,
    #[serde(rename = "ocel:type:packages")]
    packages: String,
    price: String,
}

/// Reads the file in the folder `path`, or the file `path`.
///
/// # Errors
/// [`LogFileError`]. A row that is not understood is no error, but one of [`RecordedLog::malformed`].
pub fn read(path: &Path) -> Result<RecordedLog, LogFileError> {
    let file = find(path)?;
    let opened = File::open(&file).map_err(|source| LogFileError::Open { file: file.clone(), source })?;
    let is_packed = file.extension().is_some_and(|extension| extension == "gz");
    let text: Box<dyn Read> = if is_packed { Box::new(GzDecoder::new(opened)) } else { Box::new(opened) };
    let mut log = RecordedLog::default();
    let mut reader = csv::Reader::from_reader(text);
    for (index, written) in reader.deserialize::<Written>().enumerate() {
        let line = index as u64 + 2;
        match written {
            Ok(written) => log.add(line, &written),
            Err(source) if matches!(source.kind(), csv::ErrorKind::Deserialize { .. }) && index > 0 => {
                log.malformed.push(Malformed { line, problem: source.to_string() });
            }
            Err(source) => return Err(LogFileError::Format { file, source }),
        }
    }
    Ok(log)
}

fn find(path: &Path) -> Result<PathBuf, LogFileError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let found = FILE_NAMES.iter().map(|name| path.join(name)).find(|file| file.is_file());
    found.ok_or_else(|| LogFileError::Missing { folder: path.to_owned() })
}

impl RecordedLog {
    fn add(&mut self, line: u64, written: &Written) {
        match written.row() {
            Ok(row) => {
                match &row.activity {
                    Activity::Place { order, items } => {
                        self.orders.extend(items.iter().map(|item| (item.clone(), order.clone())));
                    }
                    Activity::Pick { item, price } => {
                        self.prices.insert(item.clone(), *price);
                    }
                    _ => {}
                }
                self.rows.push(row);
            }
            Err(problem) => self.malformed.push(Malformed { line, problem }),
        }
    }
}

impl Written {
    fn row(&self) -> Result<Row, String> {
        let at = self.at.trim().replace(' ', "T");
        let at: Timestamp = at.parse().map_err(|_| format!("{:?} is no time", self.at))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers are written as 1.0, 2.0")]
        let number = self.number as u64;
        Ok(Row { number, at, activity: self.activity()? })
    }

    fn activity(&self) -> Result<Activity, String> {
        let order = || one(&self.orders, "order").map(Into::into);
        let item = || one(&self.items, "item").map(ProductId::from);
        let package = || one(&self.packages, "package").map(Into::into);
        let items = || list(&self.items).map(Into::into).collect();
        Ok(match self.activity.as_str() {
            "place order" => Activity::Place { order: order()?, items: items() },
            "confirm order" => Activity::Confirm(order()?),
            "pay order" => Activity::Pay(order()?),
            "pick item" => Activity::Pick { item: item()?, price: money(&self.price)? },
            "item out of stock" => Activity::OutOfStock(item()?),
            "reorder item" => Activity::Reorder(item()?),
            "create package" => Activity::Pack { package: package()?, items: items() },
            "send package" => Activity::Send(package()?),
            "failed delivery" => Activity::Fail(package()?),
            "package delivered" => Activity::Deliver(package()?),
            "payment reminder" => Activity::Remind(order()?),
            other => return Err(format!("{other:?} is no activity")),
        })
    }
}

/// `['990001', '990002']`.
fn list(text: &str) -> impl Iterator<Item = &str> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    inner.split(',').map(|name| name.trim().trim_matches('\'')).filter(|name| !name.is_empty())
}

fn one<'a>(text: &'a str, what: &str) -> Result<&'a str, String> {
    let mut all = list(text);
    match (all.next(), all.next()) {
        (Some(name), None) => Ok(name),
        _ => Err(format!("{text:?} is not one {what}")),
    }
}

/// `524.96`, `699.0`, `80`.
fn money(text: &str) -> Result<Money, String> {
    let invalid = || format!("{text:?} is no price");
    let (whole, behind) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let cents = format!("{behind:0<2}");
    let (whole, cents): (i64, i64) = (whole.parse().map_err(|_| invalid())?, cents.parse().map_err(|_| invalid())?);
    if cents > 99 { Err(invalid()) } else { Ok(Money::of_cents(whole * 100 + cents)) }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> RecordedLog {
        let folder = tempfile::tempdir().unwrap();
        let header =
            "ocel:eid,ocel:activity,ocel:timestamp,ocel:type:items,ocel:type:orders,ocel:type:packages,weight,price\n";
        std::fs::write(folder.path().join(FILE_NAMES[0]), format!("{header}{text}")).unwrap();
        read(folder.path()).unwrap()
    }

    #[test]
    fn rows_are_read_with_what_items_cost_and_whose_they_are() {
        let log = read_text(concat!(
            "1.0,place order,2019-05-20 07:07:47.000Z,\"['i1', 'i2']\",\"['o1']\", ,1.2,30\n",
            "2.0,pick item,2019-05-20 08:00:00.000Z,['i2'], , ,1.2,79.9\n",
        ));
        assert!(log.malformed.is_empty(), "{:?}", log.malformed);
        assert_eq!(log.orders.get(&"i1".into()), Some(&"o1".into()));
        assert_eq!(log.prices.get(&"i2".into()), Some(&Money::of_cents(7_990)));
        assert_eq!(log.rows[0].at, "2019-05-20T07:07:47Z".parse().unwrap());
    }

    #[test]
    fn what_is_not_understood_is_listed_with_its_line() {
        let log = read_text(concat!(
            "1.0,confirm order,2019-05-20 07:07:47.000Z, ,['o1'], ,1,1\n",
            "2.0,confirm order,yesterday, ,['o1'], ,1,1\n",
            "3.0,lose order,2019-05-20 07:07:47.000Z, ,['o1'], ,1,1\n",
            "4.0,pay order,2019-05-20 07:07:47.000Z, ,\"['o1','o2']\", ,1,1\n",
            "5.0,pick item,2019-05-20 07:07:47.000Z,['i1'], , ,1,1.234\n",
        ));
        let lines: Vec<_> = log.malformed.iter().map(|row| row.line).collect();
        assert_eq!((log.rows.len(), lines), (1, vec![3, 4, 5, 6]));
    }

    #[test]
    fn a_file_without_a_column_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAMES[0]), "a,b\n1,2\n").unwrap();
        assert!(matches!(read(folder.path()), Err(LogFileError::Format { .. })));
        assert!(matches!(read(&folder.path().join("none")), Err(LogFileError::Open { .. })));
        assert!(matches!(read(tempfile::tempdir().unwrap().path()), Err(LogFileError::Missing { .. })));
    }
}
