use annals_core::{Event as _, Evolve};
use annals_macros::{Aggregate, Event};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened,
}

#[derive(Default, Clone, Aggregate)]
#[aggregate(name = "account", event = AccountEvent)]
struct Account<T> {
    owner: T,
}

impl<T> Evolve<AccountEvent> for Account<T> {
    fn evolve(&mut self, _: &AccountEvent) {}
}

fn main() {
    let _ = AccountEvent::KINDS;
}
