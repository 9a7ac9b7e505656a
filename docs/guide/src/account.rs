use annals::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "account")] // stored as "account.opened", "account.deposited" ...
enum AccountEvent {
    Opened { owner: String },
    Deposited { cents: u64 },
    Withdrawn { cents: u64 },
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "account", event = AccountEvent, snapshot(every = 100))]
struct Account {
    is_open: bool,
    cents: u64,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { .. } => self.is_open = true,
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents } => self.cents -= cents,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Open { owner: String }

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Deposit { cents: u64 }

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Withdraw { cents: u64 }

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
enum Refusal {
    #[error("the account is open already")]
    OpenAlready,
    #[error("the account is not open")]
    NotOpen,
    #[error("the account is {0} cents short")]
    Short(u64),
}

impl Handle<Open> for Account {
    type Reply = ();
    type Error = Refusal;
    fn handle(account: &mut Decision<Self>, command: Open) -> Result<(), Refusal> {
        if account.is_open {
            return Err(Refusal::OpenAlready);
        }
        account.emit(AccountEvent::Opened { owner: command.owner });
        Ok(())
    }
}

impl Handle<Deposit> for Account {
    type Reply = u64;
    type Error = Refusal;
    fn handle(account: &mut Decision<Self>, command: Deposit) -> Result<u64, Refusal> {
        if !account.is_open {
            return Err(Refusal::NotOpen);
        }
        account.emit(AccountEvent::Deposited { cents: command.cents });
        Ok(account.cents) // already the new balance
    }
}

impl Handle<Withdraw> for Account {
    type Reply = u64;
    type Error = Refusal;
    fn handle(account: &mut Decision<Self>, command: Withdraw) -> Result<u64, Refusal> {
        let short = command.cents.saturating_sub(account.cents);
        if short > 0 {
            return Err(Refusal::Short(short));
        }
        account.emit(AccountEvent::Withdrawn { cents: command.cents });
        Ok(account.cents)
    }
}
