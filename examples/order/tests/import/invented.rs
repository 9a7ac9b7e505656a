//! Files with invented numbers.

use std::fmt::Write;

/// A few invoices with whatever can be odd about them.
pub(super) const SMALL: &str = "\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,lamp,A LAMP,6.0,1291191960.0,2.55,1.0,Atlantis
1,lamp,A LAMP,2.0,1291191960.0,2.95,1.0,Atlantis
1,gift,,2.0,1291191960.0,0.0,1.0,Atlantis
1,gift,,2.0,1291191960.0,0.0,1.0,Atlantis
2,desk,\"A DESK, LARGE\",3.0,1291191961.0,5.805,2.0,Lemuria
3,desk,broken,-4.0,1291191961.0,0.0,,Lemuria
C4,lamp,A LAMP,-8.0,1291280000.0,2.55,1.0,Atlantis
C4,gift,,-5.0,1291280000.0,0.0,1.0,Atlantis
C5,desk,,-3.0,1291280000.0,0.1,1.0,Atlantis
A6,B,BAD DEBT,1.0,1291280000.0,-100.0,,Atlantis
";

/// How many customers there are in [`many`].
const CUSTOMERS: u64 = 37;

/// So many invoices, the same ones each time: every sixth gives back some of the one that its customer got before.
pub(super) fn many(invoices: u64) -> String {
    let mut random = oorandom::Rand64::new(20_101_201);
    let mut file = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
    for number in 0..invoices {
        let is_cancellation = number >= CUSTOMERS && number % 6 == 0;
        let (letter, sign) = if is_cancellation { ("C", "-") } else { ("", "") };
        let customer = Some(number % CUSTOMERS).filter(|customer| *customer > 0);
        let customer = customer.map(|customer| format!("{customer}.0")).unwrap_or_default();
        let seconds = 1_291_191_960 + number * 600;
        for _ in 0..random.rand_range(1..9) {
            let (product, count) = (random.rand_range(0..5), random.rand_range(1..20));
            let price = format!("{}.{:03}", random.rand_range(0..9), random.rand_range(0..1000));
            writeln!(file, "{letter}{number},{product},,{sign}{count}.0,{seconds}.0,{price},{customer},Atlantis")
                .unwrap();
        }
    }
    file
}
