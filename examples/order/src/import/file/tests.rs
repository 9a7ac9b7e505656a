use std::{fs, io::Write};

use flate2::{Compression, write::GzEncoder};

use super::*;

const HEAD: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
const GOOD: &str = "1,lamp,A LAMP,6.0,1291191960.0,2.55,7.0,Atlantis\n";

fn read_text(text: impl AsRef<[u8]>) -> Books {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("online_retail.csv"), text).unwrap();
    read(folder.path()).unwrap()
}

fn reasons(books: &Books) -> Vec<(u64, String)> {
    books.malformed.iter().map(|bad| (bad.line, bad.reason.to_string())).collect()
}

#[test]
fn malformed_lines_are_named_with_their_reason_and_the_rest_goes_on() {
    let bad = [
        ("1,lamp,,1,0,1,7", "has 7 fields, expected 8"),
        (",lamp,,1,0,1,7,Atlantis", "InvoiceNo is empty"),
        (
            "X1,lamp,,1,0,1,7,Atlantis",
            "InvoiceNo `X1` is no number, with a C in front for a cancellation or an A for an adjustment",
        ),
        ("2,,,1,0,1,7,Atlantis", "StockCode is empty"),
        ("2,a/b,,1,0,1,7,Atlantis", "StockCode `a/b` cannot be an id"),
        ("2,lamp,,1.5,0,1,7,Atlantis", "Quantity `1.5` is no whole number such as 6 or -6.0"),
        ("2,lamp,,5000000000,0,1,7,Atlantis", "Quantity `5000000000` is no whole number such as 6 or -6.0"),
        ("2,lamp,,1,soon,1,7,Atlantis", "InvoiceDate `soon` is no number of seconds since 1970"),
        (
            "2,lamp,,1,0,1.0005,7,Atlantis",
            "UnitPrice `1.0005` is no amount such as 2.55, with at most three digits behind the point",
        ),
        ("2,lamp,,1,0,1,a/b,Atlantis", "CustomerID `a/b` cannot be an id"),
        ("2,lamp,,1,0,1,7,", "Country is empty"),
        ("1,lamp,,1,0,1,8,Atlantis", "CustomerID is `8`, in line 2 of the same invoice it is `7`"),
        ("1,lamp,,1,0,1,7,Lemuria", "Country is `Lemuria`, in line 2 of the same invoice it is `Atlantis`"),
    ];
    let lines: String = bad.iter().map(|(line, _)| format!("{line}\n")).collect();
    let books = read_text(format!("{HEAD}{GOOD}{lines}2,desk,,1,1291191960,10,,Atlantis\n"));
    let expected: Vec<_> = (3..).zip(bad.map(|(_, reason)| reason.to_owned())).collect();
    assert_eq!(reasons(&books), expected);
    let found: Vec<_> = books.invoices.iter().map(|invoice| (invoice.line, invoice.number.to_string())).collect();
    assert_eq!(found, [(2, "1".to_owned()), (16, "2".to_owned())]);
    assert_eq!((books.invoices[0].command.lines.len(), books.size.lines), (1, 2));
}

#[test]
fn a_line_that_is_no_utf8_is_malformed() {
    let text = [HEAD.as_bytes(), GOOD.as_bytes(), b"1,lamp,LAMP\xf8,1,0,1,7,Atlantis\n"].concat();
    assert_eq!(reasons(&read_text(text)), [(3, "field 3 is not UTF-8".to_owned())]);
}

#[test]
fn the_lines_of_an_invoice_are_one_wherever_they_stand_and_columns_are_found_by_name() {
    let books = read_text(
        "Country,CustomerID,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo,Colour\n\
         Atlantis,7.0,2.55,1291191960.0,6.0,A LAMP,lamp,1,red\n\
         Atlantis,,1,1291191961.0,1.0,,desk,2,red\n\
         Atlantis,7.0,0.125,1291192020.0,2.0,\"A DESK, LARGE\",desk,1,red\n",
    );
    let [first, second] = books.invoices.as_slice() else { panic!("two invoices, found {books:?}") };
    let counts: Vec<_> = first.command.lines.iter().map(|line| (line.product.to_string(), line.count)).collect();
    assert_eq!((&first.number, counts), (&"1".into(), vec![("lamp".to_owned(), 6), ("desk".to_owned(), 2)]));
    assert_eq!(first.command.customer, Some("7".into()));
    assert_eq!(first.command.lines[1].description.as_deref(), Some("A DESK, LARGE"));
    assert_eq!(first.command.lines[1].price, Amount::of_thousandths(125));
    assert_eq!(first.occurred.as_micros(), 1_291_191_960_000_000);
    assert_eq!((&second.command.customer, &second.command.lines[0].description), (&None, &None));
    assert_eq!(books.odd.several_times, 1);
}

#[test]
fn odd_lines_are_taken_over_and_counted() {
    let lines = "1,lamp,A LAMP,6.0,1291191960.0,2.55,7.0,Atlantis\n\
                 2,lamp,,-5,1291191960.0,0,,Atlantis\n\
                 C3,lamp,A LAMP,-6,1291191961.0,2.55,7,Atlantis\n\
                 C3,lamp,A LAMP,6,1291191961.0,2.55,7,Atlantis\n\
                 A4,B,BAD DEBT,1,1291191962.0,-9.99,,Atlantis\n\
                 5,lamp,A LAMP,0,1291191963.0,2.55,7,Atlantis\n";
    let books = read_text(format!("{HEAD}{GOOD}{lines}"));
    let expected = Odd {
        duplicates: 1,
        free: 1,
        negative_prices: 1,
        negative_counts: 1,
        positive_cancellations: 1,
        zero_counts: 1,
        without_customer: 2,
        without_description: 1,
        several_times: 0,
    };
    assert_eq!((books.odd, books.malformed), (expected, vec![]));
    assert_eq!(books.size, Size { lines: 7, lines_max: 2, sales: 3, cancellations: 1, adjustments: 1 });
    // The duplicate line sold six more; that is why the cancellation is matched with the invoice as a whole.
    let cancels = &books.invoices[2].command.lines[0].cancels;
    assert_eq!((&cancels[0].invoice, cancels[0].count, books.matched.pieces), (&"1".into(), 6, 6));
}

#[test]
fn a_compressed_file_reads_the_same_and_a_cut_one_says_where() {
    let lines: String = (1..3_000).map(|number| format!("{number},lamp,,{number},{number},1.25,,Atlantis\n")).collect();
    let text = format!("{HEAD}{lines}");
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(text.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("online_retail.csv.gz");
    fs::write(&file, &gz).unwrap();
    assert_eq!(read(folder.path()).unwrap().invoices, read_text(&text).invoices);
    fs::write(&file, &gz[..gz.len() / 2]).unwrap();
    let cut = read(&file).unwrap();
    assert_eq!(cut.malformed.len(), 1);
    assert!(cut.malformed[0].reason.to_string().starts_with("the rest cannot be read"));
    assert!(!cut.invoices.is_empty());
}

#[test]
fn a_folder_without_the_file_and_a_file_without_the_columns_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read(folder.path()), Err(ImportFileError::NotFound { .. })));
    fs::write(folder.path().join("online_retail.csv"), "InvoiceNo,Quantity\n1,1\n").unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    let missing = "has no column StockCode, Description, InvoiceDate, UnitPrice, CustomerID, Country";
    assert!(error.ends_with(missing), "{error}");
}
