//! Transactions that another bank recorded.

use std::fmt;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Account, AccountError, AccountEvent, Phase};
use crate::domain::Money;

/// By how much a recorded balance is off when the other bank rounded: ten minor units, up or down.
const ROUNDING_MINOR: i64 = 10;

/// What kind of transaction another bank recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Shape)]
#[non_exhaustive]
pub enum TransactionKind {
    /// Cash paid in.
    CashDeposit,
    /// Money from another bank.
    TransferIn,
    /// A pension that was paid in.
    Pension,
    /// Interest that was paid.
    Interest,
    /// Cash paid out.
    CashWithdrawal,
    /// Cash paid out by card.
    CardWithdrawal,
    /// Money to another bank.
    TransferOut,
    /// A payment for a household.
    Household,
    /// An insurance premium.
    Insurance,
    /// A payment of a loan.
    Loan,
    /// The bank's fee.
    Fee,
    /// Interest for an overdrawn account.
    PenaltyInterest,
}

impl fmt::Display for TransactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CashDeposit => "cash deposit",
            Self::TransferIn => "transfer from a bank",
            Self::Pension => "pension",
            Self::Interest => "interest",
            Self::CashWithdrawal => "cash withdrawal",
            Self::CardWithdrawal => "card withdrawal",
            Self::TransferOut => "transfer to a bank",
            Self::Household => "household payment",
            Self::Insurance => "insurance",
            Self::Loan => "loan payment",
            Self::Fee => "fee",
            Self::PenaltyInterest => "penalty interest",
        })
    }
}

/// How a recorded balance compares with the one that the account computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Match {
    /// Equal.
    Exact,
    /// Off by exactly 0.10, as happens where the other bank rounded.
    Rounding,
    /// Off by anything else.
    Unresolved,
}

impl Match {
    /// What a difference between recorded and computed balance means.
    #[must_use]
    pub const fn of(difference: Money) -> Self {
        match difference.abs().minor() {
            0 => Self::Exact,
            ROUNDING_MINOR => Self::Rounding,
            _ => Self::Unresolved,
        }
    }
}

/// Takes over a transaction that another bank recorded: a fact, to which no rule of this bank applies, so that
/// overdrafts and penalties are taken over as they were. Where the recorded balance differs from the computed one it
/// is adopted. The reply says how they compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
pub struct ImportTransaction {
    /// What the other bank calls it.
    pub reference: String,
    /// What kind of transaction it was.
    pub kind: TransactionKind,
    /// By how much it changed the balance.
    pub change: Money,
    /// The balance that was recorded with it.
    pub balance: Money,
}

impl Handle<ImportTransaction> for Account {
    type Reply = Match;
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, command: ImportTransaction) -> Result<Match, AccountError> {
        let ImportTransaction { reference, kind, change, balance } = command;
        if !change.abs().is_amount() {
            return Err(AccountError::BadAmount { amount: change });
        }
        if account.phase == Phase::New {
            account.emit(AccountEvent::Imported {});
        }
        account.check_open()?;
        account.emit(AccountEvent::TransactionRecorded { reference, kind, change, balance });
        let difference = balance - account.balance;
        if difference != Money::ZERO {
            account.emit(AccountEvent::BalanceCorrected { difference, balance });
        }
        Ok(Match::of(difference))
    }
}

#[cfg(test)]
mod tests {
    use annals::testing::given;

    use super::*;

    fn import(change: i64, balance: i64) -> ImportTransaction {
        ImportTransaction {
            reference: "7".to_owned(),
            kind: TransactionKind::CashDeposit,
            change: Money::from_minor(change),
            balance: Money::from_minor(balance),
        }
    }

    fn recorded(change: i64, balance: i64) -> AccountEvent {
        let ImportTransaction { reference, kind, change, balance } = import(change, balance);
        AccountEvent::TransactionRecorded { reference, kind, change, balance }
    }

    fn corrected(difference: i64, balance: i64) -> AccountEvent {
        AccountEvent::BalanceCorrected {
            difference: Money::from_minor(difference),
            balance: Money::from_minor(balance),
        }
    }

    #[test]
    fn the_first_recorded_transaction_begins_the_account() {
        given::<Account>([]).when(import(100, 100)).then([AccountEvent::Imported {}, recorded(100, 100)]);
    }

    #[test]
    fn an_equal_balance_is_exact_and_corrects_nothing() {
        let history = [AccountEvent::Imported {}, recorded(500, 500)];
        given::<Account>(history.clone()).when(import(-30, 470)).then([recorded(-30, 470)]);
        given::<Account>(history).when(import(-30, 470)).replies(Match::Exact);
    }

    #[test]
    fn a_difference_of_ten_minor_units_either_way_is_rounding_and_is_adopted() {
        let history = [AccountEvent::Imported {}, recorded(500, 500)];
        for (balance, difference) in [(610, 10), (590, -10)] {
            let events = [recorded(100, balance), corrected(difference, balance)];
            given::<Account>(history.clone()).when(import(100, balance)).then(events);
            given::<Account>(history.clone()).when(import(100, balance)).replies(Match::Rounding);
        }
    }

    #[test]
    fn any_other_difference_is_unresolved_and_is_adopted() {
        let history = [AccountEvent::Imported {}, recorded(500, 500)];
        for balance in [601, 609, 611, 580, -600] {
            given::<Account>(history.clone()).when(import(100, balance)).replies(Match::Unresolved);
        }
        let after = [AccountEvent::Imported {}, recorded(500, 500), recorded(100, 609), corrected(9, 609)];
        given::<Account>(after).when(import(1, 610)).replies(Match::Exact);
    }

    #[test]
    fn an_overdraft_is_a_fact_like_any_other() {
        let history = [AccountEvent::Imported {}, recorded(100, 100)];
        given::<Account>(history).when(import(-900, -800)).replies(Match::Exact);
    }

    #[test]
    fn a_transaction_about_nothing_is_refused() {
        given::<Account>([]).when(import(0, 0)).refused(AccountError::BadAmount { amount: Money::ZERO });
    }
}
