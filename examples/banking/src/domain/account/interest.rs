//! Interest.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Account, AccountError, AccountEvent};
use crate::domain::Money;

const DAYS_PER_YEAR: i128 = 365;
const BASIS_POINTS: i128 = 10_000;

/// A yearly rate of interest in basis points: hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Shape)]
#[serde(transparent)]
pub struct Rate(u16);

impl Rate {
    /// The rate of `basis_points`.
    #[must_use]
    pub const fn from_basis_points(basis_points: u16) -> Self {
        Self(basis_points)
    }

    /// The interest on `balance` over `days`, rounded down; none on a balance that is not positive.
    #[must_use]
    pub fn interest(self, balance: Money, days: u16) -> Money {
        let exact = i128::from(balance.minor().max(0)) * i128::from(self.0) * i128::from(days);
        Money::from_minor(i64::try_from(exact / (DAYS_PER_YEAR * BASIS_POINTS)).unwrap_or(i64::MAX))
    }
}

/// Pays interest on the balance. The reply is the interest; nothing happens when there is none.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub struct PayInterest {
    /// At which yearly rate.
    pub rate: Rate,
    /// For how many days.
    pub days: u16,
}

impl Handle<PayInterest> for Account {
    type Reply = Money;
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, command: PayInterest) -> Result<Money, AccountError> {
        account.check_open()?;
        let amount = command.rate.interest(account.balance, command.days);
        if amount != Money::ZERO {
            account.emit(AccountEvent::InterestCredited { amount });
        }
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    use annals::testing::given;

    use super::*;
    use crate::domain::{CustomerId, account::Product};

    fn opened() -> AccountEvent {
        let product = Product::Current { overdraft_limit: Money::from_minor(1000) };
        AccountEvent::Opened { owner: CustomerId::from("ada"), iban: None, product }
    }

    fn two_percent_for_a_year() -> PayInterest {
        PayInterest { rate: Rate::from_basis_points(200), days: 365 }
    }

    #[test]
    fn interest_is_rounded_down_to_the_minor_unit() {
        let interest = |days| Rate::from_basis_points(200).interest(Money::from_minor(10_049), days).minor();
        assert_eq!((interest(365), interest(90), interest(0)), (200, 49, 0));
    }

    #[test]
    fn interest_is_paid_on_a_positive_balance_only() {
        let deposited = AccountEvent::Deposited { amount: Money::from_minor(100) };
        let paid = AccountEvent::InterestCredited { amount: Money::from_minor(2) };
        given::<Account>([opened(), deposited]).when(two_percent_for_a_year()).then([paid]);
        let withdrawn = AccountEvent::Withdrawn { amount: Money::from_minor(900) };
        given::<Account>([opened(), withdrawn]).when(two_percent_for_a_year()).then_nothing();
        given::<Account>([]).when(two_percent_for_a_year()).refused(AccountError::NotOpen);
    }
}
