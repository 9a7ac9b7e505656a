use annals_core::Event as _;
use annals_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account", split("account.moved", 1 = value(divide), into(Withdrawn)))]
enum AccountEvent {
    Withdrawn {},
}

fn main() {
    let _ = AccountEvent::KINDS;
}
