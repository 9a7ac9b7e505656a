//! A small file with invented numbers, in the format of the real one.

use std::io;

use super::row::COLUMNS;
use crate::{domain::Money, random::Random};

const SEED: u64 = 19_930_101;
const ACCOUNTS: u64 = 12;
const MONTHS: u64 = 7;
/// The columns that an import ignores hold nothing that would help it.
const IGNORED: [&str; 2] = ["residual", "status"];

/// Writes the sample: 12 accounts over seven months, with overdrafts, penalties, rounded balances, and a few
/// that do not add up. Always the same.
///
/// # Errors
/// What the writer says.
pub fn write_sample(to: impl io::Write) -> io::Result<()> {
    let mut file = csv::Writer::from_writer(to);
    file.write_record(COLUMNS.iter().chain(&IGNORED))?;
    let mut random = Random::seeded(SEED);
    for number in 1..=ACCOUNTS {
        let mut account = Account { number, seq: 0, balance: 0, file: &mut file };
        account.live(&mut random)?;
    }
    file.flush()
}

/// One account while its rows are written.
struct Account<'a, W: io::Write> {
    number: u64,
    seq: u64,
    balance: i64,
    file: &'a mut csv::Writer<W>,
}

/// What a row is about: type, operation, symbol.
type Kind = (&'static str, &'static str, &'static str);
const CASH_DEPOSIT: Kind = ("PRIJEM", "VKLAD", "");
const TRANSFER_IN: Kind = ("PRIJEM", "PREVOD Z UCTU", "");
const PENSION: Kind = ("PRIJEM", "PREVOD Z UCTU", "DUCHOD");
const INTEREST: Kind = ("PRIJEM", "", "UROK");
const CASH_WITHDRAWAL: Kind = ("VYDAJ", "VYBER", "");
const OLD_CASH_WITHDRAWAL: Kind = ("VYBER", "VYBER", "");
const CARD_WITHDRAWAL: Kind = ("VYDAJ", "VYBER KARTOU", "");
const HOUSEHOLD: Kind = ("VYDAJ", "PREVOD NA UCET", "SIPO");
const FEE: Kind = ("VYDAJ", "VYBER", "SLUZBY");
const PENALTY: Kind = ("VYDAJ", "VYBER", "SANKC. UROK");

impl<W: io::Write> Account<'_, W> {
    fn live(&mut self, random: &mut Random) -> io::Result<()> {
        self.row("930104", CASH_DEPOSIT, random.between(500, 2_000) * 100, 0)?;
        for month in 1..=MONTHS {
            let day = |day: u64| format!("93{month:02}{day:02}");
            let income = if self.number.is_multiple_of(3) { PENSION } else { TRANSFER_IN };
            self.row(&day(11), income, random.between(4_000, 9_000) * 100, 0)?;
            self.row(&day(14), HOUSEHOLD, random.between(500, 3_000) * 100, 0)?;
            let withdrawal = *random.pick(&[CASH_WITHDRAWAL, OLD_CASH_WITHDRAWAL, CARD_WITHDRAWAL]).unwrap_or(&FEE);
            self.row(&day(19), withdrawal, random.between(1_000, 5_000) * 100, 0)?;
            if month == MONTHS && self.number.is_multiple_of(5) {
                self.row(&day(23), CASH_WITHDRAWAL, self.balance.max(0) + 123_400, 0)?;
                self.row(&day(27), PENALTY, random.between(10, 90) * 10, 0)?;
            } else {
                let difference = random.pick(&[0, 0, 10, -10]).copied().unwrap_or_default();
                self.row(&day(28), INTEREST, random.between(50, 400) * 10, difference)?;
            }
            let unresolved = month == MONTHS && self.number.is_multiple_of(4);
            self.row(&day(28), FEE, 1_460, if unresolved { random.between(50, 300) * 10 + 7 } else { 0 })?;
        }
        Ok(())
    }

    /// A row whose recorded balance is off by `difference`.
    fn row(&mut self, date: &str, (r#type, operation, k_symbol): Kind, amount: i64, difference: i64) -> io::Result<()> {
        self.seq += 1;
        self.balance += if r#type == "PRIJEM" { amount } else { -amount } + difference;
        // The last account's rows have no transaction id and are recognised by account and sequence number.
        let trans_id =
            if self.number == ACCOUNTS { String::new() } else { (self.number * 1_000 + self.seq).to_string() };
        let plain = |minor| Money::from_minor(minor).to_string().replace(',', "");
        let (account, seq) = ((500 + self.number).to_string(), self.seq.to_string());
        let (amount, balance) = (plain(amount), plain(self.balance));
        let (amount, balance) = (amount.as_str(), balance.as_str());
        let row = [&account, &seq, date, &trans_id, r#type, operation, k_symbol, amount, balance, "ignored", "ignored"];
        Ok(self.file.write_record(row)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_in_the_repository_is_the_generated_one() {
        let mut generated = Vec::new();
        write_sample(&mut generated).unwrap();
        let stored = include_str!("../../data/replay_order.csv").replace("\r\n", "\n");
        assert_eq!(String::from_utf8(generated).unwrap(), stored);
    }
}
