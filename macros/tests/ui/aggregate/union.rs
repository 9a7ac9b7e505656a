use annals_core::{Event as _, Evolve};
use annals_macros::{Aggregate, Event};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened,
}

#[derive(Clone, Copy, Aggregate)]
#[aggregate(name = "account", event = AccountEvent)]
union Account {
    open: bool,
}

impl Default for Account {
    fn default() -> Self {
        Self { open: false }
    }
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, _: &AccountEvent) {}
}

fn main() {
    let _ = AccountEvent::KINDS;
}
