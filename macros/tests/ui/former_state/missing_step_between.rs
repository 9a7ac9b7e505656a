use annals_core::{Aggregate as _, Evolve};
use annals_macros::{Aggregate, Event, FormerState};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened {},
}

#[derive(Default, Clone, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "account", event = AccountEvent, snapshot(every = 100, version = 3, from(1 = AccountV1, 2 = AccountV2)))]
struct Account {
    open: bool,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, _: &AccountEvent) {}
}

#[derive(Deserialize, FormerState)]
struct AccountV1 {}

#[derive(Deserialize, FormerState)]
struct AccountV2 {}

impl From<AccountV2> for Account {
    fn from(_: AccountV2) -> Self {
        Self { open: true }
    }
}

fn main() {
    let _ = Account::NAME;
}
