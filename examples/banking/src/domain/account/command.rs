//! What the owner of an account can ask for.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Account, AccountError, AccountEvent, Phase, Product};
use crate::domain::{CustomerId, Iban, Money};

/// Opens a current account, and claims its IBAN for it: for ever, also when it is closed.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub struct Open {
    /// Whose it is.
    pub owner: CustomerId,
    /// How other banks shall call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iban: Option<Iban>,
    /// How far below zero the owner may withdraw: zero or more.
    pub overdraft_limit: Money,
    /// What is paid in at once: zero or more.
    pub deposit: Money,
}

/// Opens a savings account, which has no overdraft, and claims its IBAN like [`Open`].
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub struct OpenSavings {
    /// Whose it is.
    pub owner: CustomerId,
    /// How other banks shall call it.
    pub iban: Option<Iban>,
    /// What is paid in at once: zero or more.
    pub deposit: Money,
}

/// Pays money in. The reply is the new balance.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub struct Deposit {
    /// How much.
    pub amount: Money,
}

/// Pays money out, as far as balance and overdraft limit reach. The reply is the new balance.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub struct Withdraw {
    /// How much.
    pub amount: Money,
}

/// Closes the account, whose balance must be zero.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub struct Close {}

/// Within what an IBAN is unique.
pub const IBAN: &str = "iban";

impl Handle<Open> for Account {
    type Reply = Money;
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, command: Open) -> Result<Money, AccountError> {
        let Open { owner, iban, overdraft_limit, deposit } = command;
        open(account, owner, iban, Product::Current { overdraft_limit }, deposit)
    }
}

impl Handle<OpenSavings> for Account {
    type Reply = Money;
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, command: OpenSavings) -> Result<Money, AccountError> {
        let OpenSavings { owner, iban, deposit } = command;
        open(account, owner, iban, Product::Savings, deposit)
    }
}

fn open(
    account: &mut Decision<Account>,
    owner: CustomerId,
    iban: Option<Iban>,
    product: Product,
    deposit: Money,
) -> Result<Money, AccountError> {
    if account.phase != Phase::New {
        return Err(AccountError::AlreadyOpen);
    }
    for amount in [product.overdraft_limit(), deposit] {
        if amount != Money::ZERO && !amount.is_amount() {
            return Err(AccountError::BadAmount { amount });
        }
    }
    if let Some(iban) = &iban {
        account.claim(IBAN, iban.as_str());
    }
    account.emit(AccountEvent::Opened { owner, iban, product });
    if deposit != Money::ZERO {
        account.emit(AccountEvent::Deposited { amount: deposit });
    }
    Ok(account.balance)
}

impl Handle<Deposit> for Account {
    type Reply = Money;
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, Deposit { amount }: Deposit) -> Result<Money, AccountError> {
        account.check_open()?;
        if !amount.is_amount() {
            return Err(AccountError::BadAmount { amount });
        }
        account.emit(AccountEvent::Deposited { amount });
        Ok(account.balance)
    }
}

impl Handle<Withdraw> for Account {
    type Reply = Money;
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, Withdraw { amount }: Withdraw) -> Result<Money, AccountError> {
        account.check_open()?;
        if !amount.is_amount() {
            return Err(AccountError::BadAmount { amount });
        }
        account.check_covered(amount)?;
        account.emit(AccountEvent::Withdrawn { amount });
        Ok(account.balance)
    }
}

impl Handle<Close> for Account {
    type Reply = ();
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, _: Close) -> Result<(), AccountError> {
        account.check_open()?;
        if account.balance != Money::ZERO {
            return Err(AccountError::BalanceNotZero { balance: account.balance });
        }
        account.emit(AccountEvent::Closed {});
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use annals::testing::given;

    use super::*;

    fn money(minor: i64) -> Money {
        Money::from_minor(minor)
    }

    fn opened(overdraft_limit: i64) -> AccountEvent {
        AccountEvent::Opened {
            owner: CustomerId::from("ada"),
            iban: Iban::of_number(1),
            product: Product::Current { overdraft_limit: money(overdraft_limit) },
        }
    }

    fn deposited(amount: i64) -> AccountEvent {
        AccountEvent::Deposited { amount: money(amount) }
    }

    fn withdrawn(amount: i64) -> AccountEvent {
        AccountEvent::Withdrawn { amount: money(amount) }
    }

    fn open(overdraft_limit: i64, deposit: i64) -> Open {
        let (overdraft_limit, deposit) = (money(overdraft_limit), money(deposit));
        Open { owner: CustomerId::from("ada"), iban: Iban::of_number(1), overdraft_limit, deposit }
    }

    fn open_savings(deposit: i64) -> OpenSavings {
        OpenSavings { owner: CustomerId::from("ada"), iban: None, deposit: money(deposit) }
    }

    fn withdraw(amount: i64) -> Withdraw {
        Withdraw { amount: money(amount) }
    }

    #[test]
    fn an_account_is_opened_once_with_or_without_a_deposit() {
        given::<Account>([]).when(open(500, 0)).then([opened(500)]);
        given::<Account>([]).when(open(0, 100)).then([opened(0), deposited(100)]);
        given::<Account>([opened(0)]).when(open(0, 0)).refused(AccountError::AlreadyOpen);
        given::<Account>([opened(0), AccountEvent::Closed {}]).when(open(0, 0)).refused(AccountError::AlreadyOpen);
    }

    #[test]
    fn a_savings_account_never_goes_below_zero() {
        let (owner, product) = (CustomerId::from("ada"), Product::Savings);
        let opened = AccountEvent::Opened { owner, iban: None, product };
        given::<Account>([]).when(open_savings(100)).then([opened.clone(), deposited(100)]);
        given::<Account>([opened.clone(), deposited(100)]).when(withdraw(100)).then([withdrawn(100)]);
        let refusal = AccountError::Short { missing: money(1) };
        given::<Account>([opened.clone(), deposited(100)]).when(withdraw(101)).refused(refusal);
        given::<Account>([opened]).when(open_savings(0)).refused(AccountError::AlreadyOpen);
    }

    #[test]
    fn only_positive_amounts_within_reason_are_moved() {
        for minor in [0, -1, i64::MAX] {
            let refusal = AccountError::BadAmount { amount: money(minor) };
            given::<Account>([opened(0)]).when(Deposit { amount: money(minor) }).refused(refusal.clone());
            given::<Account>([opened(0)]).when(withdraw(minor)).refused(refusal);
        }
        given::<Account>([]).when(open(-1, 0)).refused(AccountError::BadAmount { amount: money(-1) });
    }

    #[test]
    fn a_deposit_replies_the_new_balance() {
        given::<Account>([opened(0), deposited(100)]).when(Deposit { amount: money(30) }).replies(money(130));
    }

    #[test]
    fn a_withdrawal_reaches_down_to_the_overdraft_limit_and_no_further() {
        given::<Account>([opened(50), deposited(100)]).when(withdraw(150)).then([withdrawn(150)]);
        let refusal = AccountError::Short { missing: money(1) };
        given::<Account>([opened(50), deposited(100)]).when(withdraw(151)).refused(refusal.clone());
        given::<Account>([opened(50), deposited(100), withdrawn(150)]).when(withdraw(1)).refused(refusal);
    }

    #[test]
    fn only_an_empty_account_is_closed() {
        given::<Account>([opened(0), deposited(5), withdrawn(5)]).when(Close {}).then([AccountEvent::Closed {}]);
        given::<Account>([opened(0), deposited(5)])
            .when(Close {})
            .refused(AccountError::BalanceNotZero { balance: money(5) });
    }

    #[test]
    fn an_account_that_is_not_open_moves_nothing() {
        given::<Account>([]).when(withdraw(1)).refused(AccountError::NotOpen);
        given::<Account>([]).when(Deposit { amount: money(1) }).refused(AccountError::NotOpen);
        let closed = [opened(100), AccountEvent::Closed {}];
        given::<Account>(closed.clone()).when(withdraw(1)).refused(AccountError::Closed);
        given::<Account>(closed.clone()).when(Deposit { amount: money(1) }).refused(AccountError::Closed);
        given::<Account>(closed).when(Close {}).refused(AccountError::Closed);
    }
}
