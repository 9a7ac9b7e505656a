//! Money that goes from one account to another.

use std::fmt;

use annals::{At, JointCommand, Targets, at, prelude::*};
use serde::{Deserialize, Serialize};

use super::{Account, AccountId, Money, account::AccountError, account::AccountEvent};

/// Names a transfer, on both of its sides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape)]
#[serde(transparent)]
pub struct TransferId(String);

impl TransferId {
    /// The transfer called `id`.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sends money from one account to another: both sides in one commit, or neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
pub struct Transfer {
    /// Its name, chosen by the sender.
    pub id: TransferId,
    /// Where the money comes from.
    pub from: AccountId,
    /// Where it goes.
    pub to: AccountId,
    /// How much.
    pub amount: Money,
}

impl JointCommand for Transfer {
    type Targets = (At<Account>, At<Account>);
    /// The sender's new balance.
    type Reply = Money;
    type Error = AccountError;

    fn targets(&self) -> Self::Targets {
        (at::<Account>(self.from.clone()), at::<Account>(self.to.clone()))
    }

    fn decide(&self, (from, to): <Self::Targets as Targets>::In<'_>) -> Result<Money, AccountError> {
        if from.id() == to.id() {
            return Err(AccountError::SameAccount);
        }
        from.check_open()?;
        to.check_open()?;
        if !self.amount.is_amount() {
            return Err(AccountError::BadAmount { amount: self.amount });
        }
        from.check_covered(self.amount)?;
        let (transfer, amount) = (self.id.clone(), self.amount);
        from.emit(AccountEvent::TransferSent { transfer: transfer.clone(), to: to.id().clone(), amount });
        to.emit(AccountEvent::TransferReceived { transfer, from: from.id().clone(), amount });
        Ok(from.balance)
    }
}

#[cfg(test)]
mod tests {
    use annals::{ExecuteError, MemoryStore};

    use super::*;
    use crate::domain::{
        CustomerId,
        account::{Close, Open, Withdraw},
    };

    async fn bank() -> Annals {
        let bank = Annals::over(MemoryStore::new()).open().await.unwrap();
        for account in ["ada", "bob"] {
            let deposit = Money::from_minor(100);
            let (owner, overdraft_limit) = (CustomerId::from(account), Money::from_minor(50));
            let open = Open { owner, iban: None, overdraft_limit, deposit };
            bank.on::<Account>(account).send(open).await.unwrap();
        }
        bank
    }

    async fn transfer(bank: &Annals, to: &str, minor: i64) -> Result<Money, ExecuteError<AccountError>> {
        let (from, to) = (AccountId::from("ada"), AccountId::from(to));
        let transfer = Transfer { id: TransferId::new("t"), from, to, amount: Money::from_minor(minor) };
        Ok(bank.send(transfer).await?.reply)
    }

    async fn balances(bank: &Annals) -> Vec<i64> {
        let mut balances = Vec::new();
        for account in ["ada", "bob"] {
            balances.push(bank.on::<Account>(account).load().await.unwrap().state.balance.minor());
        }
        balances
    }

    #[tokio::test]
    async fn a_transfer_moves_money_down_to_the_overdraft_limit() {
        let bank = bank().await;
        assert_eq!(transfer(&bank, "bob", 150).await.unwrap(), Money::from_minor(-50));
        assert_eq!(balances(&bank).await, [-50, 250]);
        let commits = bank.store().head().borrow().commit.get();
        assert_eq!(commits, 3, "both sides are one commit");
    }

    #[tokio::test]
    async fn a_transfer_that_either_account_refuses_moves_nothing() {
        let bank = bank().await;
        let refused = |result, error| assert!(matches!(result, Err(ExecuteError::Refused(found)) if found == error));
        refused(transfer(&bank, "bob", 151).await, AccountError::Short { missing: Money::from_minor(1) });
        refused(transfer(&bank, "bob", 0).await, AccountError::BadAmount { amount: Money::ZERO });
        refused(transfer(&bank, "eve", 1).await, AccountError::NotOpen);
        assert!(matches!(transfer(&bank, "ada", 1).await, Err(ExecuteError::SameStream { .. })));
        bank.on::<Account>("bob").send(Withdraw { amount: Money::from_minor(100) }).await.unwrap();
        bank.on::<Account>("bob").send(Close {}).await.unwrap();
        refused(transfer(&bank, "bob", 1).await, AccountError::Closed);
        assert_eq!(balances(&bank).await, [100, 0]);
    }
}
