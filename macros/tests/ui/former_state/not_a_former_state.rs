use annals_core::{Aggregate as _, Evolve};
use annals_macros::{Aggregate, Event};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened {},
}

#[derive(Default, Clone, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "account", event = AccountEvent, snapshot(every = 100, version = 2, from(1 = AccountV1)))]
struct Account {
    open: bool,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, _: &AccountEvent) {}
}

#[derive(Deserialize)]
struct AccountV1 {}

impl From<AccountV1> for Account {
    fn from(_: AccountV1) -> Self {
        Self { open: true }
    }
}

fn main() {
    let _ = Account::NAME;
}
