use annals_core::Evolve;
use annals_macros::{Aggregate, Event};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened,
}

#[derive(Debug, Clone, PartialEq)]
struct AccountId(String);

#[derive(Default, Clone, Aggregate)]
#[aggregate(name = "account", id = AccountId, event = AccountEvent)]
struct Account {
    open: bool,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened => self.open = true,
        }
    }
}

fn main() {}
